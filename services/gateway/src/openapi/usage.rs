//! The places of values in the document.

/// The place of a value, which decides what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// An answer: as services write it.
    Answer,
    /// The body of a request: as services accept it.
    Request,
    /// The resource of an update: as in a request, but with no field required.
    Update,
    /// The query.
    Query,
}
