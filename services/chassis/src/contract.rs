//! The layer that enforces the contracts: rules of methods, rules of fields, identities, calls, pages and masks.

pub mod call;
pub mod fields;
pub mod identity;
pub mod mask;
pub mod paging;
pub mod problem;
pub mod raw;
pub mod rules;
