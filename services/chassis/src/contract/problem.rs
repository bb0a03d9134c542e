//! Problems of contracts.

/// A contract that cannot be enforced.
#[derive(Debug, thiserror::Error)]
#[error("{method}: {problem}")]
pub struct ContractError {
    /// The method or message.
    pub method: String,
    /// What the contract lacks.
    pub problem: String,
}
