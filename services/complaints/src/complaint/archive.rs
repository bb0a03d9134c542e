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
    archived_at: jiff_sqlx::Timestamp,
    retain_until: jiff_sqlx::Timestamp,
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
        let mut entries = parts(step.change.connection(), id).await?;
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
            "select complaint, body, complaint_body, root_sha256, archived_at, retain_until from complaints.archive
            where complaint = $1",
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
        let told = told(&mut connection, &record).await?;
        let now = stored(&mut connection, &row, &record.show(), &told).await?;
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
        let roots = [&row.root_sha256, &manifest.root_sha256, &root(&manifest.entries)];
        if roots.into_iter().any(|known| *known != told.root_sha256) {
            tell(&request.name, Kind::Root);
        } else if !row.tells(&pb::Archive { entries: manifest.entries.clone(), ..told }) {
            tell(&request.name, Kind::Changed);
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

impl Row {
    /// Whether it says what the journal tells, in all that its root digest does not cover.
    fn tells(&self, told: &pb::Archive) -> bool {
        let times = [self.archived_at, self.retain_until].map(|time| Some(to_proto(time.to_jiff())));
        times == [told.archived_time, told.retain_until_time] && self.body == told.encode_to_vec()
    }
}

/// Papers and evidence as they are stored, and which evidence that is.
async fn recorded(
    connection: &mut PgConnection,
    complaint: Id<Complaint>,
) -> Result<(Vec<Entry>, Vec<(Uuid, Vec<u8>)>), Error> {
    let mut entries = Vec::new();
    let papers = sqlx::query!("select id, body from complaints.paper where complaint = $1", complaint.uuid());
    for row in papers.fetch_all(&mut *connection).await? {
        let name = format!("{complaint}/{}", Id::<Paper>::from_uuid(row.id));
        entries.push(entry(name, &pb::Paper::full_name(), &row.body));
    }
    let evidence = sqlx::query!("select id, body from complaints.evidence where complaint = $1", complaint.uuid());
    let evidence = evidence.fetch_all(connection).await?;
    for row in &evidence {
        let name = format!("{complaint}/{}", Id::<Evidence>::from_uuid(row.id));
        entries.push(entry(name, &pb::Evidence::full_name(), &row.body));
    }
    Ok((entries, evidence.into_iter().map(|row| (row.id, row.body)).collect()))
}

fn content_name(complaint: Id<Complaint>, evidence: Uuid) -> String {
    format!("{complaint}/{}/content", Id::<Evidence>::from_uuid(evidence))
}

/// Everything of a file that is about to be closed but the complaint itself; of content what was recorded when it came.
async fn parts(connection: &mut PgConnection, complaint: Id<Complaint>) -> Result<Vec<Entry>, Error> {
    let (mut entries, evidence) = recorded(connection, complaint).await?;
    for (id, body) in evidence {
        let known = pb::Evidence::decode(body.as_slice()).map_err(Error::unexpected)?;
        if known.uri.is_empty() {
            entries.push(Entry {
                name: content_name(complaint, id),
                media_type: known.media_type,
                size_bytes: known.size_bytes,
                sha256: known.sha256,
            });
        }
    }
    Ok(entries)
}

/// Everything of the file as it is stored now, digested anew, whatever the evidence says about its content.
async fn stored(
    connection: &mut PgConnection,
    row: &Row,
    shown: &pb::Complaint,
    told: &pb::Archive,
) -> Result<Vec<Entry>, Error> {
    let complaint = Id::<Complaint>::from_uuid(row.complaint);
    let (mut entries, evidence) = recorded(connection, complaint).await?;
    for (id, body) in evidence {
        if let Some((size_bytes, sha256)) = content(connection, id).await? {
            let media_type = pb::Evidence::decode(body.as_slice()).unwrap_or_default().media_type;
            entries.push(Entry { name: content_name(complaint, id), media_type, size_bytes, sha256 });
        }
    }
    let mut closed = entry(complaint.to_string(), &pb::Complaint::full_name(), &row.complaint_body);
    // Both must say the same: the complaint as it is shown now, and as it was when it was closed.
    if !is_same(&row.complaint_body, shown, told) {
        closed.sha256 = sha256(&shown.encode_to_vec()).to_vec();
    }
    entries.push(closed);
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// Whether a complaint is shown as it was when it was closed, and as closing it left it.
fn is_same(closed: &[u8], shown: &pb::Complaint, told: &pb::Archive) -> bool {
    let Ok(closed) = pb::Complaint::decode(closed) else { return false };
    let left = pb::Complaint {
        state: State::Archived.into(),
        archived_time: told.archived_time,
        update_time: told.archived_time,
        etag: shown.etag.clone(),
        ..closed
    };
    *shown == left
}

/// How long the content of a piece of evidence is, and its digest, read piece by piece; nothing where there is none.
async fn content(connection: &mut PgConnection, evidence: Uuid) -> Result<Option<(i64, Vec<u8>)>, Error> {
    let mut pieces = sqlx::query_scalar!(
        "select bytes from complaints.evidence_content where evidence = $1 order by ordinal",
        evidence
    )
    .fetch(connection);
    let (mut size, mut digest) = (None, Sha256::new());
    while let Some(piece) = pieces.try_next().await? {
        size = Some(size.unwrap_or(0) + i64::try_from(piece.len()).unwrap_or(i64::MAX));
        digest.update(&piece);
    }
    Ok(size.map(|size| (size, digest.finalize().to_vec())))
}

/// The archive as the journal tells of it, whose own chain proves it; its parts only the manifest has.
async fn told(connection: &mut PgConnection, record: &store::Record) -> Result<pb::Archive, Error> {
    let event = sqlx::query!(
        "select payload, actor, occurred_at from journal where aggregate = $1 and payload_type = $2
        order by seq desc limit 1",
        record.id().to_string(),
        pb::ComplaintArchived::full_name()
    );
    let Some(event) = event.fetch_optional(connection).await? else { return Ok(pb::Archive::default()) };
    let told = pb::ComplaintArchived::decode(event.payload.unwrap_or_default().as_slice()).unwrap_or_default();
    Ok(pb::Archive {
        name: format!("{}/archive", record.id()),
        root_sha256: told.root_sha256,
        archivist: event.actor,
        archived_time: Some(to_proto(event.occurred_at.to_jiff())),
        retain_until_time: told.retain_until_time,
        entries: Vec::new(),
    })
}
