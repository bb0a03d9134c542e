//! `VerifyArchive`: the proof that a file is as it was when it was closed (C5.9).

use std::collections::BTreeMap;

use kefu_chassis::digest::sha256;
use kefu_chassis::journal::payload_digest;
use kefu_chassis::names::{Id, unknown};
use kefu_chassis::time::to_proto;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::archive::Entry;
use kefu_proto::complaints::v1::complaint::State;
use kefu_proto::complaints::v1::verify_archive_response::Fault;
use kefu_proto::complaints::v1::verify_archive_response::fault::Kind;
use prost::{Message as _, Name as _};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use super::manifest::{self, Recorded, entry, root};
use super::{Archive, ComplaintRow, Complaints, Row, archived};
use crate::evidence::pieces;
use crate::shared::Complaint;

/// Faults that are told at most.
const FAULTS: usize = 100;

/// Each reads a whole file and digests it: more of them wait, until their deadlines.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// What the journal tells of the closing of a file.
struct Told {
    /// Where that stands in it; beyond its end when it tells of none.
    seq: i64,
    /// The archive, of which the manifest alone has the parts; none when the journal does not tell of just one closing, whole.
    archive: Option<pb::Archive>,
}

/// A file as it is stored, of one moment.
struct Stored {
    row: Row,
    record: ComplaintRow,
    told: Told,
    recorded: Recorded,
}

impl Complaints {
    pub(in crate::complaint) async fn verify_archive(
        &self,
        call: &Call,
        request: pb::VerifyArchiveRequest,
    ) -> Result<pb::VerifyArchiveResponse, Error> {
        let _turn = AT_ONCE.acquire().await.map_err(|_| Error::Overloaded)?;
        let stored = self.stored(call, &request.name).await?;
        let now = self.entries(&stored).await?;
        // A manifest that cannot be read says nothing: then every part was added, and the root is not the one recorded.
        let manifest = pb::Archive::decode(stored.row.body.as_slice()).unwrap_or_default();
        let mut faults = differences(&manifest.entries, &now);
        faults.extend(stored.fault_of(&manifest).map(|kind| fault(&request.name, kind)));
        if !faults.is_empty() && !self.is_kept(&stored.row).await? {
            // It was purged while it was read.
            return Err(unknown::<Archive>(&request.name));
        }
        faults.sort_by(|one, other| one.name.cmp(&other.name));
        let intact = faults.is_empty();
        faults.truncate(FAULTS);
        let entry_count = i32::try_from(now.len()).unwrap_or(i32::MAX);
        Ok(pb::VerifyArchiveResponse { intact, faults, root_sha256: root(&now), entry_count })
    }

    async fn stored(&self, call: &Call, name: &str) -> Result<Stored, Error> {
        let mut moment = self.chassis.pool().begin_with("begin isolation level repeatable read, read only").await?;
        let (row, record) = archived(&mut moment, call, name).await?;
        let told = told(&mut moment, &record).await?;
        let recorded = manifest::recorded(&mut moment, record.id(), told.seq).await?;
        moment.commit().await?;
        Ok(Stored { row, record, told, recorded })
    }

    /// Everything of the file, digested anew, whatever the evidence says about its content.
    async fn entries(&self, stored: &Stored) -> Result<Vec<Entry>, Error> {
        let complaint = Id::<Complaint>::from_uuid(stored.row.complaint);
        let mut entries = stored.recorded.entries.clone();
        for (id, body) in &stored.recorded.evidence {
            if let Some((size_bytes, sha256)) = pieces::digest(self.chassis.pool(), *id).await? {
                let media_type = pb::Evidence::decode(body.as_slice()).unwrap_or_default().media_type;
                entries.push(manifest::content(complaint, *id, media_type, size_bytes, sha256));
            }
        }
        let mut closed = entry(complaint.to_string(), &pb::Complaint::full_name(), &stored.row.complaint_body);
        let shown = stored.record.show();
        // Both must say the same: the complaint as it is shown now, and as it was when it was closed.
        if !stored.is_same(&shown) {
            closed.sha256 = sha256(&shown.encode_to_vec()).to_vec();
        }
        entries.push(closed);
        entries.push(manifest::row(&stored.record)?);
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    async fn is_kept(&self, row: &Row) -> Result<bool, Error> {
        let kept = sqlx::query_scalar!(
            r#"select exists (select from complaints.archive where complaint = $1) as "kept!""#,
            row.complaint
        );
        Ok(kept.fetch_one(self.chassis.pool()).await?)
    }
}

impl Stored {
    /// What is wrong with the archive itself, compared with what the journal tells.
    fn fault_of(&self, manifest: &pb::Archive) -> Option<Kind> {
        let Some(told) = &self.told.archive else { return Some(Kind::Root) };
        let roots = [&self.row.root_sha256, &manifest.root_sha256, &root(&manifest.entries)];
        if roots.into_iter().any(|known| *known != told.root_sha256) {
            return Some(Kind::Root);
        }
        let times = [self.row.archived_at, self.row.retain_until].map(|time| Some(to_proto(time.to_jiff())));
        let said = pb::Archive { entries: manifest.entries.clone(), ..told.clone() };
        let tells = times == [told.archived_time, told.retain_until_time] && self.row.body == said.encode_to_vec();
        (!tells).then_some(Kind::Changed)
    }

    /// Whether the complaint is shown as it was when it was closed, and as closing it left it.
    fn is_same(&self, shown: &pb::Complaint) -> bool {
        let Ok(closed) = pb::Complaint::decode(self.row.complaint_body.as_slice()) else { return false };
        let recorded = Some(to_proto(self.row.archived_at.to_jiff()));
        let archived_time = self.told.archive.as_ref().map_or(recorded, |told| told.archived_time);
        let left = pb::Complaint {
            state: State::Archived.into(),
            archived_time,
            update_time: archived_time,
            etag: shown.etag.clone(),
            ..closed
        };
        *shown == left
    }
}

fn fault(name: &str, kind: Kind) -> Fault {
    Fault { name: name.to_owned(), kind: kind.into() }
}

/// In what a list differs from the one of before.
fn differences(before: &[Entry], now: &[Entry]) -> Vec<Fault> {
    let mut before: BTreeMap<&str, &Entry> = before.iter().map(|entry| (entry.name.as_str(), entry)).collect();
    let mut faults = Vec::new();
    for entry in now {
        match before.remove(entry.name.as_str()) {
            None => faults.push(fault(&entry.name, Kind::Added)),
            Some(known) if known != entry => faults.push(fault(&entry.name, Kind::Changed)),
            Some(_) => {}
        }
    }
    faults.extend(before.keys().map(|name| fault(name, Kind::Missing)));
    faults
}

/// The closing as the journal tells of it, whose own chain proves it. A complaint is closed once: of two events one is forged.
async fn told(connection: &mut PgConnection, record: &ComplaintRow) -> Result<Told, Error> {
    let events = sqlx::query!(
        "select seq, payload, salt, payload_digest, actor, occurred_at from journal
        where aggregate = $1 and payload_type = $2 order by seq limit 2",
        record.id().to_string(),
        pb::ComplaintArchived::full_name()
    );
    let events = events.fetch_all(connection).await?;
    let seq = events.first().map_or(i64::MAX, |event| event.seq);
    let [event] = events.as_slice() else { return Ok(Told { seq, archive: None }) };
    let (payload, salt) = (event.payload.as_deref().unwrap_or_default(), event.salt.as_deref().unwrap_or_default());
    if payload_digest(salt, payload)[..] != event.payload_digest {
        return Ok(Told { seq, archive: None });
    }
    let closing = pb::ComplaintArchived::decode(payload).unwrap_or_default();
    let archive = pb::Archive {
        name: format!("{}/archive", record.id()),
        root_sha256: closing.root_sha256,
        archivist: event.actor.clone(),
        archived_time: Some(to_proto(event.occurred_at.to_jiff())),
        retain_until_time: closing.retain_until_time,
        entries: Vec::new(),
    };
    Ok(Told { seq, archive: Some(archive) })
}
