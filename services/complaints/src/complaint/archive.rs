//! Archive of a complaint: the whole file, closed with a digest of every part (C5.9).

use jiff::Timestamp;
use kefu_chassis::names::{as_unknown, unknown};
use kefu_chassis::record::Record;
use kefu_chassis::step;
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_regulation::params;
use prost::{Message as _, Name as _};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Complaints;
use super::lifecycle::Action;
use super::row::{ComplaintRow, Step};

mod manifest;
pub mod purge;
mod verify;

use manifest::{entry, root_digest};

kefu_chassis::resources! {
    /// Archive of a complaint, named `complaints/{complaint}/archive`.
    Archive = "archive", "kefu/Archive";
}

/// An archive as it is stored.
#[derive(Record)]
#[record(table = "complaints.archive", query = archives, append_only)]
struct ArchiveRow {
    complaint: Uuid,
    body: Vec<u8>,
    complaint_body: Vec<u8>,
    root_sha256: Vec<u8>,
    archived_at: jiff_sqlx::Timestamp,
    retain_until: jiff_sqlx::Timestamp,
}

impl Complaints {
    pub(super) async fn archive_complaint(
        &self,
        call: &Call,
        request: pb::ArchiveComplaintRequest,
    ) -> Result<pb::Archive, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let complaint = step.root.show().encode_to_vec();
        let facts = step.facts();
        step.fire(Action::Archive, &facts)?;
        let id = step.root.id();
        let mut entries = manifest::entries_of_file(step.work.connection(), id).await?;
        entries.push(manifest::hidden_entry(&step.root)?);
        entries.push(entry(id.to_string(), &pb::Complaint::full_name(), &complaint));
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        let retain_until = self.retain_until(step.at);
        let archive = pb::Archive {
            name: format!("{id}/archive"),
            root_sha256: root_digest(&entries),
            entries,
            archivist: call.caller.subject.clone(),
            archived_time: Some(to_proto(step.at)),
            retain_until_time: Some(to_proto(retain_until)),
        };
        step.root.archived_at = Some(sql::at(step.at));
        let row = ArchiveRow {
            complaint: id.uuid(),
            body: archive.encode_to_vec(),
            complaint_body: complaint,
            root_sha256: archive.root_sha256.clone(),
            archived_at: sql::at(step.at),
            retain_until: sql::at(retain_until),
        };
        row.insert(step.work.connection()).await?;
        let payload = pb::ComplaintArchived {
            state: step.state(),
            root_sha256: archive.root_sha256.clone(),
            entry_count: i32::try_from(archive.entries.len()).unwrap_or(i32::MAX),
            retain_until_time: archive.retain_until_time,
        };
        step.finish_with(&payload, archive).await
    }

    /// End of the retention of a file archived at `at`, counted in the business calendar's zone.
    fn retain_until(&self, at: Timestamp) -> Timestamp {
        let regulation = &self.chassis.regulation;
        regulation.calendar().after(at, regulation.get(params::RETENTION).to_span())
    }

    pub(super) async fn get_archive(&self, call: &Call, request: pb::GetArchiveRequest) -> Result<pb::Archive, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let (row, _) = archived(&self.chassis, &mut connection, call, &request.name).await?;
        pb::Archive::decode(row.body.as_slice()).map_err(Error::unexpected)
    }
}

/// Loads an archive and its complaint, as stored now. Not found for the person held responsible, since the archive lists
/// the evidence against them (A1.1).
async fn archived(
    chassis: &Chassis,
    connection: &mut PgConnection,
    call: &Call,
    name: &str,
) -> Result<(ArchiveRow, ComplaintRow), Error> {
    let not_found = || unknown::<Archive>(name);
    let complaint = name.strip_suffix("/archive").ok_or_else(not_found)?;
    let root: ComplaintRow =
        step::seen(chassis, connection, call, complaint).await.map_err(as_unknown::<Archive>(name))?;
    if root.is_accused(call) {
        return Err(not_found());
    }
    let row = archives!("where complaint = $1", root.id);
    Ok((row.fetch_optional(connection).await?.ok_or_else(not_found)?, root))
}
