//! What the contracts say, enforced: the rule of each method, what its fields hold, who calls, pages, masks.

pub mod call;
mod fields;
pub mod identity;
pub mod mask;
pub mod paging;
pub mod problem;
pub mod raw;
pub mod rules;
