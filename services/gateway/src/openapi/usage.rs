//! Where a value stands in the document.

/// Where a value stands, which says what of it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// In an answer: as services write it.
    Answer,
    /// In the body of a request: as services take it.
    Request,
    /// Directly in a resource that is updated: as in a request, but for what must be given.
    Update,
    /// In the query.
    Query,
}
