//! Events of the journal, as a change appends them in its transaction. The sealer gives committed events a gapless
//! position and the chain's hash, the feed streams them, and the verification proves that nobody altered them.

use jiff::Timestamp;
use kefu_proto::Payload;
use kefu_proto::events::v1::DutyChange;
use prost::Message;
use uuid::Uuid;

use crate::base::digest::sha256;
use crate::base::names::new_uuid;
use crate::model::notice::Notice;

/// An event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The id in the journal.
    pub id: Uuid,
    pub(crate) aggregate: String,
    pub(crate) version: i64,
    pub(crate) occurred_at: Timestamp,
    pub(crate) clauses: Vec<String>,
    pub(crate) payload_type: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) duty_changes: Vec<DutyChange>,
    pub(crate) corrects: Option<Uuid>,
    pub(crate) notices: Vec<Notice>,
}

impl NewEvent {
    /// Creates the event that made `aggregate` version `version`: `payload` happened at `occurred_at` under `clauses`.
    pub fn new<P: Payload>(
        aggregate: impl Into<String>,
        version: i64,
        occurred_at: Timestamp,
        clauses: &[impl AsRef<str>],
        payload: &P,
    ) -> Self {
        Self {
            id: new_uuid(occurred_at),
            aggregate: aggregate.into(),
            version,
            occurred_at,
            clauses: clauses.iter().map(|clause| clause.as_ref().to_owned()).collect(),
            payload_type: P::full_name(),
            payload: payload.encode_to_vec(),
            duty_changes: Vec::new(),
            corrects: None,
            notices: Vec::new(),
        }
    }

    /// Adds notices of the event, which members of staff receive.
    #[must_use]
    pub fn telling(mut self, notices: impl IntoIterator<Item = Notice>) -> Self {
        self.notices.extend(notices);
        self
    }

    /// Sets the version of the aggregate that the event made.
    #[must_use]
    pub fn numbered(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    /// Sets the earlier event that this one corrects, if it corrects one.
    #[must_use]
    pub fn correcting(mut self, event: Option<Uuid>) -> Self {
        self.corrects = event;
        self
    }

    /// Adds one change of a duty.
    #[must_use]
    pub(crate) fn touching(mut self, change: DutyChange) -> Self {
        self.duty_changes.push(change);
        self
    }

    /// Sets the changes of duties that came with the event.
    #[must_use]
    pub fn with_duties(mut self, changes: Vec<DutyChange>) -> Self {
        self.duty_changes = changes;
        self
    }
}

/// The encoded form of the duty changes in a journal row.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DutyChanges {
    /// Changes in the order in which the transaction made them.
    #[prost(message, repeated, tag = "1")]
    pub changes: Vec<DutyChange>,
}

/// Returns the salted digest of a payload. The chain covers this digest instead of the payload, so payload and salt can
/// be erased without breaking the chain.
#[must_use]
pub fn payload_digest(salt: &[u8], payload: &[u8]) -> [u8; 32] {
    sha256(&[salt, payload].concat())
}
