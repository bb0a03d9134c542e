//! The hash chain. The hash of an event covers the hash before it and the whole event, with the salted digest in place of
//! payload and salt.

use uuid::Uuid;

use crate::base::digest::sha256;
use crate::store::record::Record;

/// Returns the hash before the first event of a service's journal.
pub fn genesis(service: &str) -> [u8; 32] {
    sha256(format!("kefu journal 1 {service}").as_bytes())
}

/// A journal row as it is stored.
#[derive(Clone, Debug, sqlx::FromRow, Record)]
#[record(table = "journal", query = journal, read_only)]
pub struct JournalRow {
    pub seq: i64,
    pub position: Option<i64>,
    pub hash: Option<Vec<u8>>,
    pub event_id: Uuid,
    pub aggregate: String,
    pub aggregate_version: i64,
    pub actor: String,
    pub occurred_at: jiff_sqlx::Timestamp,
    pub recorded_at: jiff_sqlx::Timestamp,
    pub clauses: Vec<String>,
    pub regulation: String,
    pub payload_type: String,
    pub payload: Option<Vec<u8>>,
    pub salt: Option<Vec<u8>>,
    pub payload_digest: Vec<u8>,
    pub duty_changes: Vec<u8>,
    pub corrects: Option<Uuid>,
}

impl JournalRow {
    /// Returns the chain's hash with this event at `position`, after the hash `previous`.
    pub fn link(&self, previous: &[u8], position: i64) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(512);
        let mut part = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        part(previous);
        part(&position.to_be_bytes());
        part(self.event_id.as_bytes());
        part(self.aggregate.as_bytes());
        part(&self.aggregate_version.to_be_bytes());
        part(self.actor.as_bytes());
        part(&self.occurred_at.to_jiff().as_microsecond().to_be_bytes());
        part(&self.recorded_at.to_jiff().as_microsecond().to_be_bytes());
        part(&(self.clauses.len() as u64).to_be_bytes());
        for clause in &self.clauses {
            part(clause.as_bytes());
        }
        part(self.regulation.as_bytes());
        part(self.payload_type.as_bytes());
        part(&self.payload_digest);
        part(&self.duty_changes);
        part(self.corrects.as_ref().map_or(&[], |id| id.as_bytes()));
        sha256(&bytes)
    }
}
