//! `VerifyArchive`: proves that a file has not changed since it was archived (C5.9).

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

use super::manifest::{self, Recorded, entry, root_digest};
use super::{Archive, ArchiveRow, ComplaintRow, Complaints, archived};
use crate::evidence::pieces;
use crate::shared::Complaint;

/// Most faults that a reply lists.
const FAULTS: usize = 100;

/// Limits how many verifications run at once, since each digests a whole file. Further calls wait, at most until their
/// deadlines.
static VERIFICATIONS: Semaphore = Semaphore::const_new(4);

/// The journal's event of the archiving.
struct Closing {
    /// Sequence number of the event; `i64::MAX` if there is none.
    seq: i64,
    /// The archive as the event describes it, without entries; none unless the journal has exactly one such event, with
    /// an intact payload.
    archive: Option<pb::Archive>,
}

/// The stored file, read in one snapshot.
struct Stored {
    row: ArchiveRow,
    root: ComplaintRow,
    closing: Closing,
    recorded: Recorded,
    /// The customer who was archived, by the name that they have now: they may have been merged into another.
    customer: String,
}

impl Complaints {
    pub(in crate::complaint) async fn verify_archive(
        &self,
        call: &Call,
        request: pb::VerifyArchiveRequest,
    ) -> Result<pb::VerifyArchiveResponse, Error> {
        let _turn = VERIFICATIONS.acquire().await.map_err(|_| Error::Overloaded)?;
        let stored = self.read_stored(call, &request.name).await?;
        let current = self.current_entries(&stored).await?;
        // An unreadable manifest counts as empty: every part is then reported as added, and the root as wrong.
        let manifest = pb::Archive::decode(stored.row.body.as_slice()).unwrap_or_default();
        let mut faults = differences(&manifest.entries, &current);
        faults.extend(stored.fault_of(&manifest).map(|kind| fault(&request.name, kind)));
        if !faults.is_empty() && !self.is_stored(&stored.row).await? {
            // The file was purged during the verification.
            return Err(unknown::<Archive>(&request.name));
        }
        faults.sort_by(|one, other| one.name.cmp(&other.name));
        let intact = faults.is_empty();
        faults.truncate(FAULTS);
        let entry_count = i32::try_from(current.len()).unwrap_or(i32::MAX);
        Ok(pb::VerifyArchiveResponse { intact, faults, root_sha256: root_digest(&current), entry_count })
    }

    async fn read_stored(&self, call: &Call, name: &str) -> Result<Stored, Error> {
        let mut snapshot = self.chassis.pool().begin_with("begin isolation level repeatable read, read only").await?;
        let (row, root) = archived(&self.chassis, &mut snapshot, call, name).await?;
        let closing = closing_event(&mut snapshot, &root).await?;
        let recorded = manifest::recorded(&mut snapshot, root.id(), closing.seq).await?;
        let customer = pb::Complaint::decode(row.complaint_body.as_slice()).unwrap_or_default().customer;
        let customer = sqlx::query_scalar!(r#"select complaints.present_name($1) as "name!""#, customer);
        let customer = customer.fetch_one(&mut *snapshot).await?;
        snapshot.commit().await?;
        Ok(Stored { row, root, closing, recorded, customer })
    }

    /// Every entry of the file as stored now. Content is digested again, whatever digest the evidence states.
    async fn current_entries(&self, stored: &Stored) -> Result<Vec<Entry>, Error> {
        let complaint = Id::<Complaint>::from_uuid(stored.row.complaint);
        let mut entries = stored.recorded.entries.clone();
        for (id, body) in &stored.recorded.evidence {
            if let Some((size_bytes, sha256)) = pieces::digest(self.chassis.pool(), *id).await? {
                let media_type = pb::Evidence::decode(body.as_slice()).unwrap_or_default().media_type;
                entries.push(manifest::content_entry(complaint, *id, media_type, size_bytes, sha256));
            }
        }
        let mut closed = entry(complaint.to_string(), &pb::Complaint::full_name(), &stored.row.complaint_body);
        let shown = stored.root.show();
        // The complaint as shown now must equal the one archived.
        if !stored.is_same(&shown) {
            closed.sha256 = sha256(&shown.encode_to_vec()).to_vec();
        }
        entries.push(closed);
        entries.push(manifest::hidden_entry(&stored.root)?);
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    async fn is_stored(&self, row: &ArchiveRow) -> Result<bool, Error> {
        let kept = sqlx::query_scalar!(
            r#"select exists (select from complaints.archive where complaint = $1) as "kept!""#,
            row.complaint
        );
        Ok(kept.fetch_one(self.chassis.pool()).await?)
    }
}

impl Stored {
    /// Fault of the archive itself, compared with the journal's event; none if they agree.
    fn fault_of(&self, manifest: &pb::Archive) -> Option<Kind> {
        let Some(closing) = &self.closing.archive else { return Some(Kind::Root) };
        let roots = [&self.row.root_sha256, &manifest.root_sha256, &root_digest(&manifest.entries)];
        if roots.into_iter().any(|known| *known != closing.root_sha256) {
            return Some(Kind::Root);
        }
        let times = [self.row.archived_at, self.row.retain_until].map(|time| Some(to_proto(time.to_jiff())));
        let expected = pb::Archive { entries: manifest.entries.clone(), ..closing.clone() };
        let agrees =
            times == [closing.archived_time, closing.retain_until_time] && self.row.body == expected.encode_to_vec();
        (!agrees).then_some(Kind::Changed)
    }

    /// Whether `shown` equals the archived complaint, apart from the fields that archiving itself changed and the name of a
    /// customer who was merged.
    fn is_same(&self, shown: &pb::Complaint) -> bool {
        let Ok(closed) = pb::Complaint::decode(self.row.complaint_body.as_slice()) else { return false };
        let recorded = Some(to_proto(self.row.archived_at.to_jiff()));
        let archived_time = self.closing.archive.as_ref().map_or(recorded, |closing| closing.archived_time);
        let expected = pb::Complaint {
            state: State::Archived.into(),
            archived_time,
            update_time: archived_time,
            etag: shown.etag.clone(),
            customer: self.customer.clone(),
            ..closed
        };
        *shown == expected
    }
}

fn fault(name: &str, kind: Kind) -> Fault {
    Fault { name: name.to_owned(), kind: kind.into() }
}

/// Entries added, changed or missing in `now`, compared with `before`.
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

/// Reads the event of the archiving, which the journal's own chain proves. A complaint is archived once: of two such
/// events one is forged, so neither counts.
async fn closing_event(connection: &mut PgConnection, root: &ComplaintRow) -> Result<Closing, Error> {
    let events = sqlx::query!(
        "select seq, payload, salt, payload_digest, actor, occurred_at from journal
        where aggregate = $1 and payload_type = $2 order by seq limit 2",
        root.id().to_string(),
        pb::ComplaintArchived::full_name()
    );
    let events = events.fetch_all(connection).await?;
    let seq = events.first().map_or(i64::MAX, |event| event.seq);
    let [event] = events.as_slice() else { return Ok(Closing { seq, archive: None }) };
    let (payload, salt) = (event.payload.as_deref().unwrap_or_default(), event.salt.as_deref().unwrap_or_default());
    if payload_digest(salt, payload)[..] != event.payload_digest {
        return Ok(Closing { seq, archive: None });
    }
    let closing = pb::ComplaintArchived::decode(payload).unwrap_or_default();
    let archive = pb::Archive {
        name: format!("{}/archive", root.id()),
        root_sha256: closing.root_sha256,
        archivist: event.actor.clone(),
        archived_time: Some(to_proto(event.occurred_at.to_jiff())),
        retain_until_time: closing.retain_until_time,
        entries: Vec::new(),
    };
    Ok(Closing { seq, archive: Some(archive) })
}
