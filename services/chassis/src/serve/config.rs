//! The configuration of a service, gathered from the settings of its parts. Unknown keys are refused.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::settings::{ConfigError, load};
use crate::contract::identity::IssuerConfig;
use crate::serve::server::settings::{Limits, Tls};
use crate::store::database::Database;
use crate::telemetry::settings::{Log, Telemetry};
use crate::work::peer::PeerConfig;

/// The configuration of a service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The database.
    pub database: Database,
    /// The issuers whose tokens are accepted.
    #[serde(default)]
    pub identity: Identity,
    /// The other services, by the names of their schemas, e.g. `peers.appraisal`, which keeps the directory.
    #[serde(default)]
    pub peers: HashMap<String, PeerConfig>,
    /// A TOML file that overrides parameters of the rule book.
    #[serde(default)]
    pub regulation_file: Option<PathBuf>,
    /// The bounds of the service.
    #[serde(default)]
    pub limits: Limits,
    /// The logging.
    #[serde(default)]
    pub log: Log,
    /// Where traces and metrics go.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Certificate and key; plain text when unset.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// The service's own settings; it refuses unknown keys.
    #[serde(default)]
    pub service: serde_json::Value,
}

/// The issuers whose tokens are accepted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The issuers.
    #[serde(default)]
    pub issuers: Vec<IssuerConfig>,
}

impl Config {
    /// Reads the configuration from `file`, if given, and from the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        load(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::settings::environment;

    fn load(text: &str) -> Result<Config, String> {
        let built = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .unwrap();
        built.try_deserialize().map_err(|error: config::ConfigError| error.to_string())
    }

    #[test]
    fn a_minimal_file_gets_the_defaults() {
        let config = load("listen = '127.0.0.1:7001'\ndatabase.url = 'postgres://kefu_intake@db/kefu'").unwrap();
        assert_eq!((config.database.max_connections, config.limits.concurrency, config.log.json), (16, 1_000, true));
    }

    #[test]
    fn unknown_and_malformed_keys_are_named() {
        let good = "listen = '127.0.0.1:7001'\ndatabase.url = 'postgres://db/kefu'\n";
        for (line, named) in [
            ("limits.concurency = 3", "concurency"),
            ("limits.concurrency = 'many'", "limits.concurrency"),
            ("pasword = 'x'", "pasword"),
            ("telemetry.endpont = 'x'", "endpont"),
            ("telemetry.span_queue = -1", "telemetry.span_queue"),
        ] {
            let error = load(&format!("{good}{line}")).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
    #[test]
    fn the_environment_overrides_a_file_and_the_command_lines_variables_are_not_taken_for_settings() {
        let file = "listen = '127.0.0.1:7001'\ndatabase.url = 'postgres://db/kefu'";
        let load = |variables: &[(&str, &str)]| -> Result<Config, config::ConfigError> {
            let variables =
                variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
            let builder = config::Config::builder().add_source(config::File::from_str(file, config::FileFormat::Toml));
            builder.add_source(environment(variables.into_iter())).build()?.try_deserialize()
        };
        let config =
            load(&[("KEFU_HOME", "x"), ("KEFU_DATABASE_URL", "x"), ("KEFU_LIMITS__CONCURRENCY", "7"), ("PATH", "x")]);
        assert_eq!(config.unwrap().limits.concurrency, 7);
        assert!(load(&[("KEFU_PASSWORD", "x")]).unwrap_err().to_string().contains("password"));
    }
}
