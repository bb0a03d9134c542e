//! What is wrong with a contract.

/// A contract that cannot be enforced.
#[derive(Debug, thiserror::Error)]
#[error("{method}: {problem}")]
pub struct ContractError {
    /// The method or message.
    pub method: String,
    /// What its contract lacks.
    pub problem: String,
}
