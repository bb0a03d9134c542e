//! The archive of a complaint: its whole file, closed with a digest of every part (C5.9), and the proof that it is as it was.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use kefu_chassis::identity::sha256;
use kefu_chassis::names::{Id, unknown};
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::archive::Entry;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::verify_archive_response::Fault;
use kefu_proto::complaints::v1::verify_archive_response::fault::Kind;
use kefu_regulation::params;
use prost::{Message as _, Name as _};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Complaints;
use super::lifecycle::Action;
use super::step::Step;
use super::store;
use crate::shared::{Complaint, Evidence, Paper};

pub mod purge;

/// Faults that are told at most.
const FAULTS: usize = 100;

kefu_chassis::resources! {
    /// The archive of a complaint; its name ends in the collection.
    Archive = "archive", "kefu/Archive";
}

/// An archive as it is stored.
struct Row {
    complaint: Uuid,
    body: Vec<u8>,
    complaint_body: Vec<u8>,
    root_sha256: Vec<u8>,
}

impl Complaints {
    pub(super) async fn archive(
        &self,
        call: &Call,
        request: pb::ArchiveComplaintRequest,
    ) -> Result<pb::Archive, Error> {
        let mut step = Step::begin(&self.0, call, &request.name, &request.etag, None).await?;
        let complaint = step.record.show().encode_to_vec();
        let facts = step.facts();
        step.fire(Action::Archive, &facts)?;
        let id = step.record.id();
        let mut entries = recorded(step.change.connection(), id).await?;
        entries.push(entry(id.to_string(), &pb::Complaint::full_name(), &complaint));
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let retain_until = self.retain_until(step.at);
        let archive = pb::Archive {
            name: format!("{id}/archive"),
            root_sha256: root(&entries),
            entries,
            archivist: call.caller.subject.clone(),
            archived_time: Some(to_proto(step.at)),
            retain_until_time: Some(to_proto(retain_until)),
        };
        step.record.archived_at = Some(sql::at(step.at));
        sqlx::query!(
            "insert into complaints.archive (complaint, body, complaint_body, root_sha256, archived_at, retain_until)
            values ($1, $2, $3, $4, $5, $6)",
            id.uuid(),
            archive.encode_to_vec(),
            complaint,
            archive.root_sha256,
            sql::at(step.at) as _,
            sql::at(retain_until) as _,
        )
        .execute(step.change.connection())
        .await?;
        let payload = pb::ComplaintArchived {
            state: step.state(),
            root_sha256: archive.root_sha256.clone(),
            entry_count: i32::try_from(archive.entries.len()).unwrap_or(i32::MAX),
            retain_until_time: archive.retain_until_time,
        };
        step.finish_with(&payload, archive).await
    }

    /// Until when a file that is closed at `at` is kept at least, counted in the business calendar's zone.
    fn retain_until(&self, at: Timestamp) -> Timestamp {
        let retention = self.0.regulation.get(params::RETENTION).to_span();
        let closed = at.to_zoned(self.0.regulation.calendar().zone().clone());
        closed.checked_add(retention).map_or(Timestamp::MAX, |until| until.timestamp())
    }

    pub(super) async fn get_archive(&self, call: &Call, request: pb::GetArchiveRequest) -> Result<pb::Archive, Error> {
        let mut connection = self.0.pool().acquire().await?;
        let (row, _) = self.archived(&mut connection, call, &request.name).await?;
        pb::Archive::decode(row.body.as_slice()).map_err(Error::unexpected)
    }

    /// An archive that the caller may see, and its complaint as it is now.
    async fn archived(
        &self,
        connection: &mut PgConnection,
        call: &Call,
        name: &str,
    ) -> Result<(Row, store::Record), Error> {
        let nothing = || unknown::<Archive>(name);
        let complaint = name.strip_suffix("/archive").ok_or_else(nothing)?;
        let record = store::seen(connection, call, complaint).await.map_err(|error| match error {
            Error::NotFound { .. } => nothing(),
            other => other,
        })?;
        let row = sqlx::query_as!(
            Row,
            "select complaint, body, complaint_body, root_sha256 from complaints.archive where complaint = $1",
            record.id
        );
        Ok((row.fetch_optional(connection).await?.ok_or_else(nothing)?, record))
    }

    pub(super) async fn verify_archive(
        &self,
        call: &Call,
        request: pb::VerifyArchiveRequest,
    ) -> Result<pb::VerifyArchiveResponse, Error> {
        let mut connection = self.0.pool().acquire().await?;
        let (row, record) = self.archived(&mut connection, call, &request.name).await?;
        let now = stored(&mut connection, &row, &record.show()).await?;
        let mut faults = Vec::new();
        // A manifest that cannot be read says nothing: then every part was added, and the root is not the one recorded.
        let manifest = pb::Archive::decode(row.body.as_slice()).unwrap_or_default();
        let mut then: BTreeMap<&str, &Entry> =
            manifest.entries.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        let mut tell = |name: &str, kind: Kind| faults.push(Fault { name: name.to_owned(), kind: kind.into() });
        for entry in &now {
            match then.remove(entry.name.as_str()) {
                None => tell(&entry.name, Kind::Added),
                Some(before) if before != entry => tell(&entry.name, Kind::Changed),
                Some(_) => {}
            }
        }
        for name in then.keys() {
            tell(name, Kind::Missing);
        }
        let journalled = journalled_root(&mut connection, &record.id().to_string()).await?;
        let roots = [&row.root_sha256, &manifest.root_sha256, &root(&manifest.entries)];
        if roots.into_iter().any(|known| Some(known) != journalled.as_ref()) {
            tell(&request.name, Kind::Root);
        }
        faults.sort_by(|one, other| one.name.cmp(&other.name));
        let intact = faults.is_empty();
        faults.truncate(FAULTS);
        let entry_count = i32::try_from(now.len()).unwrap_or(i32::MAX);
        Ok(pb::VerifyArchiveResponse { intact, faults, root_sha256: root(&now), entry_count })
    }
}

/// The digest of a list, as `sha256sum` would print it.
fn root(entries: &[Entry]) -> Vec<u8> {
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

fn entry(name: String, kind: &str, bytes: &[u8]) -> Entry {
    let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    Entry { name, media_type: kind.to_owned(), size_bytes, sha256: sha256(bytes).to_vec() }
}

/// Papers and evidence; of content what was recorded when it came.
async fn recorded(connection: &mut PgConnection, complaint: Id<Complaint>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    let papers = sqlx::query!("select id, body from complaints.paper where complaint = $1", complaint.uuid());
    for row in papers.fetch_all(&mut *connection).await? {
        let name = format!("{complaint}/{}", Id::<Paper>::from_uuid(row.id));
        entries.push(entry(name, &pb::Paper::full_name(), &row.body));
    }
    let evidence = sqlx::query!("select id, body from complaints.evidence where complaint = $1", complaint.uuid());
    for row in evidence.fetch_all(connection).await? {
        let name = format!("{complaint}/{}", Id::<Evidence>::from_uuid(row.id));
        let known = pb::Evidence::decode(row.body.as_slice()).map_err(Error::unexpected)?;
        entries.push(entry(name.clone(), &pb::Evidence::full_name(), &row.body));
        if known.uri.is_empty() {
            entries.push(Entry {
                name: format!("{name}/content"),
                media_type: known.media_type,
                size_bytes: known.size_bytes,
                sha256: known.sha256,
            });
        }
    }
    Ok(entries)
}

/// Everything of the file as it is stored now, digested anew.
async fn stored(connection: &mut PgConnection, row: &Row, shown: &pb::Complaint) -> Result<Vec<Entry>, Error> {
    let complaint = Id::<Complaint>::from_uuid(row.complaint);
    let mut entries = recorded(connection, complaint).await?;
    for entry in entries.iter_mut().filter(|entry| entry.name.ends_with("/content")) {
        let evidence = Id::<Evidence>::parse(entry.name.trim_end_matches("/content")).map(Id::uuid).unwrap_or_default();
        (entry.size_bytes, entry.sha256) = content(connection, evidence).await?;
    }
    let mut closed = entry(complaint.to_string(), &pb::Complaint::full_name(), &row.complaint_body);
    // Both must say the same: the complaint as it is shown now, and as it was when it was closed.
    if !is_same(&row.complaint_body, shown) {
        closed.sha256 = sha256(&shown.encode_to_vec()).to_vec();
    }
    entries.push(closed);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// Whether a complaint is shown as it was when it was closed, but for what closing it changed.
fn is_same(closed: &[u8], shown: &pb::Complaint) -> bool {
    let Ok(closed) = pb::Complaint::decode(closed) else { return false };
    let is_archived = shown.state() == State::Archived;
    let then = pb::Complaint {
        state: closed.state,
        archived_time: closed.archived_time,
        update_time: closed.update_time,
        etag: closed.etag.clone(),
        ..shown.clone()
    };
    is_archived && then == closed
}

/// How long a piece of evidence is, and its digest, read piece by piece.
async fn content(connection: &mut PgConnection, evidence: Uuid) -> Result<(i64, Vec<u8>), Error> {
    let mut pieces = sqlx::query_scalar!(
        "select bytes from complaints.evidence_content where evidence = $1 order by ordinal",
        evidence
    )
    .fetch(connection);
    let (mut size, mut digest) = (0, Sha256::new());
    while let Some(piece) = pieces.try_next().await? {
        size += piece.len();
        digest.update(&piece);
    }
    Ok((i64::try_from(size).unwrap_or(i64::MAX), digest.finalize().to_vec()))
}

/// The root digest that the journal tells of, whose own chain proves it.
async fn journalled_root(connection: &mut PgConnection, complaint: &str) -> Result<Option<Vec<u8>>, Error> {
    let payload = sqlx::query_scalar!(
        "select payload from journal where aggregate = $1 and payload_type = $2 order by seq desc limit 1",
        complaint,
        pb::ComplaintArchived::full_name()
    );
    let payload = payload.fetch_optional(connection).await?.flatten();
    Ok(payload.and_then(|payload| pb::ComplaintArchived::decode(payload.as_slice()).ok()).map(|told| told.root_sha256))
}
