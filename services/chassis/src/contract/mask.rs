//! Update masks, as AIP-134 has them.

use crate::base::error::Error;

/// The fields that an update changes, of those it may change: what its mask names; all for `*`; what is set without a mask.
pub fn masked(
    mask: Option<&prost_types::FieldMask>,
    fields: &[&'static str],
    is_set: impl Fn(&str) -> bool,
) -> Result<Vec<&'static str>, Error> {
    let paths: Vec<&str> = mask.map(|mask| mask.paths.iter().map(String::as_str).collect()).unwrap_or_default();
    if paths == ["*"] {
        return Ok(fields.to_vec());
    }
    if paths.is_empty() {
        return Ok(fields.iter().copied().filter(|field| is_set(field)).collect());
    }
    let known = |path: &&str| fields.iter().copied().find(|field| field == path);
    let refused = |path: &&str| Error::field("update_mask", format!("{path} cannot be changed"));
    paths.iter().map(|path| known(path).ok_or_else(|| refused(path))).collect()
}
