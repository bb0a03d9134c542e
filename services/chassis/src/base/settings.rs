//! Reads settings from a file and, over it, from the environment (`KEFU_…`, `__` between levels). Each module that has
//! settings declares them itself.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::base::error::Error;

/// A configuration that cannot be read; the source names the key.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used")]
pub struct ConfigError(#[from] config::ConfigError);

/// Reads a configuration from `file` (TOML), if given; the environment overrides it.
pub fn load<T: DeserializeOwned>(file: Option<&Path>) -> Result<T, ConfigError> {
    let mut builder = config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
    }
    Ok(builder.add_source(environment(std::env::vars())).build()?.try_deserialize()?)
}

/// Reads a service's own settings from its configuration; the defaults where it has none.
pub fn own<T: DeserializeOwned + Default>(configured: serde_json::Value) -> Result<T, Error> {
    if configured.is_null() { Ok(T::default()) } else { serde_json::from_value(configured).map_err(Error::unexpected) }
}

/// Returns the settings in the environment, without the variables of the command line and the tools, which share the prefix.
pub(crate) fn environment(variables: impl Iterator<Item = (String, String)>) -> config::Environment {
    const OTHERS: [&str; 3] = ["KEFU_HOME", "KEFU_DATABASE_URL", "KEFU_TOOLS_DIR"];
    let ours = variables.filter(|(name, _)| !OTHERS.contains(&name.as_str())).collect();
    config::Environment::with_prefix("KEFU").prefix_separator("_").separator("__").try_parsing(true).source(Some(ours))
}
