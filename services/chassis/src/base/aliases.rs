//! Aliases: names of resources that were merged into others, each with the name that has everything now.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The aliases that a service knows.
#[derive(Debug, Default)]
pub struct Aliases(RwLock<Arc<HashMap<String, String>>>);

impl Aliases {
    /// Replaces all aliases.
    pub fn set(&self, known: HashMap<String, String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// Whether no resource was ever merged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.now().is_empty()
    }

    /// Returns the present name of a resource, or of one beneath it, that is known by an alias; none if the name is no alias.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<String> {
        let known = self.now();
        if known.is_empty() {
            return None;
        }
        let end = name.match_indices('/').nth(1).map_or(name.len(), |(at, _)| at);
        // UUIDs may be written in capitals.
        let present = known.get(&name[..end].to_ascii_lowercase())?;
        Some(format!("{present}{}", &name[end..]))
    }

    /// Whether two names are of the same resource now.
    #[must_use]
    pub fn are_same(&self, one: &str, other: &str) -> bool {
        one == other || self.resolve(one).as_deref() == Some(other) || self.resolve(other).as_deref() == Some(one)
    }

    fn now(&self) -> Arc<HashMap<String, String>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_and_what_is_beneath_it_lead_to_the_present_name() {
        let aliases = Aliases::default();
        assert!(aliases.is_empty() && aliases.resolve("customers/a").is_none());
        aliases.set(HashMap::from([("customers/a".to_owned(), "customers/b".to_owned())]));
        assert_eq!(aliases.resolve("customers/A").as_deref(), Some("customers/b"));
        assert_eq!(aliases.resolve("customers/a/projects/1").as_deref(), Some("customers/b/projects/1"));
        assert_eq!(aliases.resolve("customers/b"), None);
        assert!(aliases.are_same("customers/a", "customers/b") && !aliases.are_same("customers/a", "customers/c"));
    }
}
