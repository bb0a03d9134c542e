//! What an archive lists: every part of a complaint's file, with its digest.

use kefu_chassis::Error;
use kefu_chassis::digest::sha256;
use kefu_chassis::journal::payload_digest;
use kefu_chassis::names::Id;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::archive::Entry;
use prost::{Message as _, Name as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::row::ComplaintRow;
use crate::shared::{CaseRecord, Complaint, Evidence};

/// What the row of a complaint holds and the complaint does not show, in the order in which it is encoded: neither ever
/// changes, or no archive of before is intact.
#[derive(Serialize)]
struct Hidden<'a> {
    parties: &'a [String],
    contacted: bool,
    waived: bool,
    attempt_days: &'a [String],
}

/// Papers, evidence and events as they are stored.
pub struct Recorded {
    /// An entry for each.
    pub entries: Vec<Entry>,
    /// The encoding of each piece of evidence.
    pub evidence: Vec<(Uuid, Vec<u8>)>,
}

/// The digest of a list, as `sha256sum` would print it.
pub fn root(entries: &[Entry]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for entry in entries {
        for byte in &entry.sha256 {
            digest.update(format!("{byte:02x}"));
        }
        digest.update("  ");
        digest.update(&entry.name);
        digest.update("\n");
    }
    digest.finalize().to_vec()
}

pub fn entry(name: String, kind: &str, bytes: &[u8]) -> Entry {
    let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    Entry { name, media_type: kind.to_owned(), size_bytes, sha256: sha256(bytes).to_vec() }
}

/// What is not shown of a complaint.
pub fn row(record: &ComplaintRow) -> Result<Entry, Error> {
    let hidden = Hidden {
        parties: &record.parties,
        contacted: record.contacted,
        waived: record.waived,
        attempt_days: &record.attempt_days,
    };
    let encoded = serde_json::to_vec(&hidden).map_err(Error::unexpected)?;
    Ok(entry(format!("{}/row", record.id()), "application/json", &encoded))
}

/// The content of a piece of evidence.
pub fn content(
    complaint: Id<Complaint>,
    evidence: Uuid,
    media_type: String,
    size_bytes: i64,
    sha256: Vec<u8>,
) -> Entry {
    let name = format!("{complaint}/{}/content", Id::<Evidence>::from_uuid(evidence));
    Entry { name, media_type, size_bytes, sha256 }
}

/// Everything of a file that is about to be closed but the complaint itself; of content what was recorded when it came.
pub async fn parts(connection: &mut PgConnection, complaint: Id<Complaint>) -> Result<Vec<Entry>, Error> {
    let Recorded { mut entries, evidence } = recorded(connection, complaint, i64::MAX).await?;
    for (id, body) in evidence {
        let known = pb::Evidence::decode(body.as_slice()).map_err(Error::unexpected)?;
        if known.uri.is_empty() {
            entries.push(content(complaint, id, known.media_type, known.size_bytes, known.sha256));
        }
    }
    Ok(entries)
}

/// What is recorded of a complaint, of its events those that were appended before `seq`.
pub async fn recorded(connection: &mut PgConnection, complaint: Id<Complaint>, seq: i64) -> Result<Recorded, Error> {
    let mut entries = events(connection, complaint, seq).await?;
    let papers = sqlx::query!("select id, kind, body from complaints.paper where complaint = $1", complaint.uuid());
    for row in papers.fetch_all(&mut *connection).await? {
        let name = format!("{complaint}/{}", Id::<CaseRecord>::from_uuid(row.id));
        let mut paper = entry(name, &pb::Paper::full_name(), &row.body);
        let known = pb::Paper::decode(row.body.as_slice()).unwrap_or_default().kind;
        if known != i32::from(row.kind) {
            // Lists find it by its column: said to be of another kind it is another paper.
            paper.sha256 = sha256(&[row.body, row.kind.to_be_bytes().to_vec()].concat()).to_vec();
        }
        entries.push(paper);
    }
    let evidence = sqlx::query!("select id, body from complaints.evidence where complaint = $1", complaint.uuid());
    let evidence = evidence.fetch_all(connection).await?;
    for row in &evidence {
        let name = format!("{complaint}/{}", Id::<Evidence>::from_uuid(row.id));
        entries.push(entry(name, &pb::Evidence::full_name(), &row.body));
    }
    Ok(Recorded { entries, evidence: evidence.into_iter().map(|row| (row.id, row.body)).collect() })
}

/// What the journal tells of a complaint, each with the digest that its chain covers. All of it is appended under the lock of
/// the complaint, so that nothing comes late into what stands before the closing.
async fn events(connection: &mut PgConnection, complaint: Id<Complaint>, seq: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query!(
        "select event_id, payload_type, payload, salt, payload_digest from journal where aggregate = $1 and seq < $2",
        complaint.to_string(),
        seq
    );
    let rows = rows.fetch_all(connection).await?;
    let told = rows.into_iter().map(|row| Entry {
        name: format!("{complaint}/events/{}", row.event_id),
        media_type: row.payload_type,
        // A payload may be erased, and its size with it.
        size_bytes: 0,
        sha256: match (row.payload, row.salt) {
            (Some(payload), Some(salt)) => payload_digest(&salt, &payload).to_vec(),
            _ => row.payload_digest,
        },
    });
    Ok(told.collect())
}
