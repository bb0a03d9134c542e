//! The trait of resources that an update changes. The build implements it for each of them.

/// A resource that callers change with an update mask.
pub trait Changeable {
    /// The names of the fields that callers can change, in the order of the contract.
    const FIELDS: &'static [&'static str];

    /// Whether one of [`Changeable::FIELDS`] is set: present, or else neither empty, 0 nor false.
    fn is_set(&self, field: &str) -> bool;
}

#[cfg(test)]
mod tests {
    use super::Changeable as _;
    use crate::directory::v1::Department;
    use crate::intake::v1::{Customer, Preferences, customer::Kind};

    #[test]
    fn what_can_be_changed_is_neither_the_name_nor_the_etag_nor_what_is_only_answered() {
        assert_eq!(Department::FIELDS, ["display_name", "kind", "domains", "head", "deputies", "dissolved"]);
    }

    #[test]
    fn a_field_is_set_when_it_is_not_at_its_default() {
        let given = Customer {
            display_name: "Lin".into(),
            kind: Kind::Organisation.into(),
            preferences: Some(Preferences::default()),
            etag: "\"1\"".into(),
            ..Customer::default()
        };
        let set: Vec<&str> = Customer::FIELDS.iter().copied().filter(|field| given.is_set(field)).collect();
        assert_eq!(set, ["display_name", "kind", "preferences"]);
        assert!(!given.is_set("etag"));
        assert!(Department { dissolved: true, ..Department::default() }.is_set("dissolved"));
    }
}
