//! Update masks (AIP-134): which fields of a resource an update changes.

use std::convert::Infallible;

use kefu_proto::Changeable;

use crate::base::error::Error;
use crate::wrong;

/// The fields of a resource that an update changes.
#[derive(Debug)]
pub enum Mask {
    /// Every field that can be changed (`*`).
    All,
    /// The fields that are set: what an update without a mask changes.
    Set,
    /// The fields at these paths.
    Paths(Vec<String>),
}

impl Mask {
    /// Creates the mask of these paths; `*` stands for all fields, no path for those that are set.
    #[must_use]
    pub fn of(paths: Vec<String>) -> Self {
        match paths.as_slice() {
            [] => Self::Set,
            [all] if all == "*" => Self::All,
            _ => Self::Paths(paths),
        }
    }

    /// Whether the update may change a field, or something within it.
    #[must_use]
    pub fn touches(&self, field: &str) -> bool {
        match self {
            Self::All | Self::Set => true,
            Self::Paths(paths) => paths.iter().any(|path| path.split('.').next() == Some(field)),
        }
    }
}

/// Returns the fields that an update changes: those that its mask names, all for `*`, or those that are set when there
/// is no mask. Refused when the mask names a field that cannot be changed.
pub fn masked<R: Changeable>(mask: Option<&prost_types::FieldMask>, given: &R) -> Result<Vec<&'static str>, Error> {
    let paths = match Mask::of(mask.map(|mask| mask.paths.clone()).unwrap_or_default()) {
        Mask::All => return Ok(R::FIELDS.to_vec()),
        Mask::Set => return Ok(R::FIELDS.iter().copied().filter(|field| given.is_set(field)).collect()),
        Mask::Paths(paths) => paths,
    };
    let known = |path: &String| R::FIELDS.iter().copied().find(|field| field == path);
    let refused = |path: &String| {
        Error::field(
            "update_mask",
            wrong!(NotChangeable, "names {path}, which cannot be changed", "包含不可修改的“{path}”"),
        )
    };
    paths.iter().map(|path| known(path).ok_or_else(|| refused(path))).collect()
}

/// Returns the row after `set` copied each of the fields into it, and the fields that this changed.
pub fn updated<R: Clone + PartialEq>(
    row: &R,
    fields: &[&'static str],
    set: impl Fn(&mut R, &str),
) -> (R, Vec<&'static str>) {
    let Ok(updated) = try_updated(row, fields, |row, field| {
        set(row, field);
        Ok::<_, Infallible>(())
    });
    updated
}

/// Does what [`updated`] does, where a field may be refused.
pub fn try_updated<R: Clone + PartialEq, E>(
    row: &R,
    fields: &[&'static str],
    set: impl Fn(&mut R, &str) -> Result<(), E>,
) -> Result<(R, Vec<&'static str>), E> {
    let mut new = row.clone();
    let mut changed = Vec::new();
    for &field in fields {
        let before = new.clone();
        set(&mut new, field)?;
        if new != before {
            changed.push(field);
        }
    }
    Ok((new, changed))
}

#[cfg(test)]
mod tests {
    use kefu_proto::directory::v1::Department;
    use prost_types::FieldMask;

    use super::*;

    fn changed(paths: &[&str]) -> Result<Vec<&'static str>, Error> {
        let given = Department { head: "staff/lin".into(), etag: "\"1\"".into(), ..Department::default() };
        let mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        masked(Some(&mask), &given)
    }

    #[test]
    fn a_mask_says_what_changes_and_without_one_what_is_set_does() {
        assert_eq!(changed(&["dissolved", "head"]).unwrap(), ["dissolved", "head"]);
        assert_eq!(changed(&[]).unwrap(), ["head"]);
        assert_eq!(changed(&["*"]).unwrap(), Department::FIELDS);
    }

    #[test]
    fn a_mask_that_names_what_cannot_be_changed_is_refused() {
        for path in ["name", "etag", "create_time", "deputies.staff", "displayName", ""] {
            let error = changed(&["head", path]).unwrap_err();
            let Error::Invalid(violations) = error else { panic!("{path}: {error:?}") };
            assert_eq!(
                (violations[0].field.as_str(), violations[0].wrong.to_string()),
                ("update_mask", format!("names {path}, which cannot be changed"))
            );
        }
    }
}
