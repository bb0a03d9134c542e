//! Manifest of an archive: every part of a complaint's file, with its digest.

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

use super::super::case_record::CaseRecordRow;
use super::super::row::ComplaintRow;
use crate::evidence::row::EvidenceRow;
use crate::shared::{CaseRecord, Complaint, Evidence};

/// Fields of the complaint's row that the contract's complaint does not show. Their names and order are part of the digest:
/// a change would break every earlier archive.
#[derive(Serialize)]
struct Hidden<'a> {
    parties: &'a [String],
    contacted: bool,
    waived: bool,
    attempt_days: &'a [String],
}

/// Case records, evidence and events of a file, as stored.
pub struct Recorded {
    /// One entry for each case record, piece of evidence and event.
    pub entries: Vec<Entry>,
    /// Id and encoded message of each piece of evidence.
    pub evidence: Vec<(Uuid, Vec<u8>)>,
}

/// Root digest: SHA-256 of the list in `sha256sum`'s format, `<hex>  <name>\n` for each entry.
pub fn root_digest(entries: &[Entry]) -> Vec<u8> {
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

/// Builds the entry of a part from its bytes.
pub fn entry(name: String, kind: &str, bytes: &[u8]) -> Entry {
    let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    Entry { name, media_type: kind.to_owned(), size_bytes, sha256: sha256(bytes).to_vec() }
}

/// Builds the entry of the row's hidden fields.
pub fn hidden_entry(root: &ComplaintRow) -> Result<Entry, Error> {
    let hidden = Hidden {
        parties: &root.parties,
        contacted: root.contacted,
        waived: root.waived,
        attempt_days: &root.attempt_days,
    };
    let encoded = serde_json::to_vec(&hidden).map_err(Error::unexpected)?;
    Ok(entry(format!("{}/row", root.id()), "application/json", &encoded))
}

/// Builds the entry of the content of a piece of evidence.
pub fn content_entry(
    complaint: Id<Complaint>,
    evidence: Uuid,
    media_type: String,
    size_bytes: i64,
    sha256: Vec<u8>,
) -> Entry {
    let name = format!("{complaint}/{}/content", Id::<Evidence>::from_uuid(evidence));
    Entry { name, media_type, size_bytes, sha256 }
}

/// Entries of a file about to be archived, except those of the complaint itself. Content has the size and digest
/// recorded at its upload.
pub async fn entries_of_file(connection: &mut PgConnection, complaint: Id<Complaint>) -> Result<Vec<Entry>, Error> {
    let Recorded { mut entries, evidence } = recorded(connection, complaint, i64::MAX).await?;
    for (id, body) in evidence {
        let known = pb::Evidence::decode(body.as_slice()).map_err(Error::unexpected)?;
        if known.uri.is_empty() {
            entries.push(content_entry(complaint, id, known.media_type, known.size_bytes, known.sha256));
        }
    }
    Ok(entries)
}

/// Reads the records of a complaint, with the events before `seq` of the journal.
pub async fn recorded(connection: &mut PgConnection, complaint: Id<Complaint>, seq: i64) -> Result<Recorded, Error> {
    let mut entries = events(connection, complaint, seq).await?;
    for row in CaseRecordRow::all_of(connection, complaint).await? {
        let name = format!("{complaint}/{}", Id::<CaseRecord>::from_uuid(row.id));
        let mut listed = entry(name, &pb::Paper::full_name(), &row.body);
        let known = pb::Paper::decode(row.body.as_slice()).unwrap_or_default().kind;
        if known != i32::from(row.kind) {
            // Lists select by the column `kind`: a column that differs from the message must change the digest.
            listed.sha256 = sha256(&[row.body, row.kind.to_be_bytes().to_vec()].concat()).to_vec();
        }
        entries.push(listed);
    }
    let evidence = EvidenceRow::all_of(connection, complaint).await?;
    for row in &evidence {
        let name = format!("{complaint}/{}", Id::<Evidence>::from_uuid(row.id));
        entries.push(entry(name, &pb::Evidence::full_name(), &row.body));
    }
    Ok(Recorded { entries, evidence: evidence.into_iter().map(|row| (row.id, row.body)).collect() })
}

/// Entries of the complaint's events before `seq`, each with the digest that the journal's chain covers. Events are
/// appended under the complaint's lock, so none can follow with a lower `seq` than the event of the archiving.
async fn events(connection: &mut PgConnection, complaint: Id<Complaint>, seq: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query!(
        "select event_id, payload_type, payload, salt, payload_digest from journal where aggregate = $1 and seq < $2",
        complaint.to_string(),
        seq
    );
    let rows = rows.fetch_all(connection).await?;
    let entries = rows.into_iter().map(|row| Entry {
        name: format!("{complaint}/events/{}", row.event_id),
        media_type: row.payload_type,
        // The size is left out, since erasing a payload loses it.
        size_bytes: 0,
        sha256: match (row.payload, row.salt) {
            (Some(payload), Some(salt)) => payload_digest(&salt, &payload).to_vec(),
            _ => row.payload_digest,
        },
    });
    Ok(entries.collect())
}
