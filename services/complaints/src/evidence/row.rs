//! A piece of evidence as it is stored: the message of the contract, which never changes.

use kefu_chassis::Error;
use kefu_chassis::names::Id;
use kefu_chassis::record::Record;
use kefu_proto::complaints::v1 as pb;
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::shared::{Complaint, Evidence};

/// A piece of evidence as it is stored.
#[derive(Record)]
#[record(table = "complaints.evidence", query = evidence, append_only)]
pub struct EvidenceRow {
    pub id: Uuid,
    pub complaint: Uuid,
    /// The encoded message.
    pub body: Vec<u8>,
}

impl EvidenceRow {
    /// Decodes the message.
    pub fn message(&self) -> Result<pb::Evidence, Error> {
        pb::Evidence::decode(self.body.as_slice()).map_err(Error::unexpected)
    }

    /// Reads a piece of evidence of a complaint; none if there is none of this id, or it is another complaint's.
    pub async fn of(
        connection: &mut PgConnection,
        complaint: Id<Complaint>,
        id: Id<Evidence>,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row = evidence!("where id = $1 and complaint = $2", id.uuid(), complaint.uuid());
        row.fetch_optional(connection).await
    }

    /// Reads every piece of evidence of a complaint, in no order.
    pub async fn all_of(connection: &mut PgConnection, complaint: Id<Complaint>) -> Result<Vec<Self>, sqlx::Error> {
        evidence!("where complaint = $1", complaint.uuid()).fetch_all(connection).await
    }

    /// Reads the pieces of evidence of a complaint that are older than `after`, the newest first.
    pub async fn newest_of(
        connection: &mut PgConnection,
        complaint: Id<Complaint>,
        after: Option<Id<Evidence>>,
        limit: i64,
    ) -> Result<Vec<Self>, sqlx::Error> {
        let rows = evidence!(
            "where complaint = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            complaint.uuid(),
            after.map(Id::uuid),
            limit
        );
        rows.fetch_all(connection).await
    }
}
