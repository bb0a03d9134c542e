//! The error of a contract that cannot be enforced, apart because the rules of methods and of fields both return it.

/// A contract that cannot be enforced.
#[derive(Debug, thiserror::Error)]
#[error("{method}: {problem}")]
pub struct ContractError {
    /// The full name of the method, service or field.
    pub method: String,
    /// What is wrong, after the name, e.g. `has no audience`.
    pub problem: String,
}
