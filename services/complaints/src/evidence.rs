//! Evidence: what proves or disproves a complaint, kept here byte for byte or linked (C5.4, D8.4).

use std::sync::Arc;
use std::time::Duration;

use kefu_chassis::names::{Id, unknown};
use kefu_chassis::paging::{Page, Pages};
use kefu_chassis::step;
use kefu_chassis::time::to_proto;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as pb;
use prost::Message as _;
use serde::Deserialize;
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use crate::complaint::lifecycle::Action;
use crate::complaint::row::{ComplaintRow, Step};
use crate::shared::{Complaint, Evidence};

mod content;
mod kind;
mod markup;
mod name;
pub mod pieces;
mod received;
mod upload;

use kefu_chassis::quota::CallerQuota;

/// How large a message may be: a piece of content, and what is around it.
pub const MESSAGE: usize = 512 * 1024;

/// Downloads at once at most: each holds a piece of 256 KiB.
const DOWNLOADS: usize = 64;

/// What is told of uploads.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// So many at once at most: each has a file of up to 16 MiB.
    at_once: usize,
    /// So many of one caller at once at most.
    at_once_of_one: usize,
    /// The next bytes have to come within this time, in milliseconds.
    idle_ms: u64,
    /// All of it has to come within this time, in milliseconds; and to go, when it is read.
    whole_ms: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { at_once: 16, at_once_of_one: 2, idle_ms: 20_000, whole_ms: 600_000 }
    }
}

impl Bounds {
    fn idle(self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    fn whole(self) -> Duration {
        Duration::from_millis(self.whole_ms)
    }
}

/// Serves evidence.
#[derive(Clone, Debug)]
pub struct Evidences {
    chassis: Arc<Chassis>,
    transfers: Transfers,
}

/// The uploads and downloads under way.
#[derive(Clone, Debug)]
struct Transfers {
    uploads: CallerQuota,
    downloads: Arc<Semaphore>,
    bounds: Bounds,
}

impl Evidences {
    /// Serves it on a chassis.
    pub fn on(chassis: Arc<Chassis>, bounds: Bounds) -> Self {
        let uploads = CallerQuota::new(bounds.at_once_of_one).with_total(bounds.at_once);
        let transfers = Transfers { uploads, downloads: Arc::new(Semaphore::new(DOWNLOADS)), bounds };
        Self { chassis, transfers }
    }
}

kefu_proto::serve_evidence_service!(Evidences);

impl Evidences {
    async fn add_evidence(&self, call: &Call, request: pb::AddEvidenceRequest) -> Result<pb::Evidence, Error> {
        digest("sha256", &request.sha256)?;
        readable("source", &request.source)?;
        readable("description", &request.description)?;
        let step = Step::begin(&self.chassis, call, &request).await?;
        let evidence = pb::Evidence {
            kind: request.kind,
            source: request.source,
            description: request.description,
            media_type: request.media_type,
            size_bytes: request.size_bytes,
            sha256: request.sha256,
            uri: request.uri,
            ..pb::Evidence::default()
        };
        let (step, evidence) = self.file(call, step, evidence).await?;
        let payload = pb::EvidenceAdded { state: step.state(), evidence: Some(evidence.clone()) };
        step.finish_with(&payload, evidence).await
    }

    /// Puts a piece of evidence on the file, and names it.
    async fn file<'a>(
        &self,
        call: &Call,
        mut step: Step<'a>,
        evidence: pb::Evidence,
    ) -> Result<(Step<'a>, pb::Evidence), Error> {
        let facts = step.facts();
        step.fire(Action::AddEvidence, &facts)?;
        step.record.evidence_count += 1;
        let id = Id::<Evidence>::new(call.now);
        let evidence = pb::Evidence {
            name: format!("{}/{id}", step.record.id()),
            collector: call.caller.subject.clone(),
            collected_time: Some(to_proto(step.at)),
            create_time: Some(to_proto(call.now)),
            ..evidence
        };
        sqlx::query!(
            "insert into complaints.evidence (id, complaint, body) values ($1, $2, $3)",
            id.uuid(),
            step.record.id,
            evidence.encode_to_vec(),
        )
        .execute(step.change.connection())
        .await?;
        Ok((step, evidence))
    }

    async fn get_evidence(&self, call: &Call, request: pb::GetEvidenceRequest) -> Result<pb::Evidence, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        seen(&mut connection, call, &request.name).await
    }

    async fn list_evidence(
        &self,
        call: &Call,
        request: pb::ListEvidenceRequest,
    ) -> Result<pb::ListEvidenceResponse, Error> {
        let page: Page<Id<Evidence>> =
            Pages::new(call, &[&request.parent]).read(&request.page_token, request.page_size)?;
        let mut connection = self.chassis.pool().acquire().await?;
        let parent: ComplaintRow = step::seen(&mut connection, call, &request.parent).await?;
        if parent.accuses(call) {
            return Err(unknown::<Complaint>(&request.parent));
        }
        let rows = sqlx::query!(
            "select id, body from complaints.evidence where complaint = $1 and ($2::uuid is null or id < $2)
            order by id desc limit $3",
            parent.id,
            page.after.map(Id::uuid),
            page.limit,
        )
        .fetch_all(&mut *connection)
        .await?;
        let (rows, next_page_token) = page.cut(rows, |row| Id::from_uuid(row.id));
        let evidence = rows.iter().map(|row| pb::Evidence::decode(row.body.as_slice()).map_err(Error::unexpected));
        Ok(pb::ListEvidenceResponse { evidence: evidence.collect::<Result<_, _>>()?, next_page_token })
    }
}

/// A piece of evidence that the caller may see. Nobody sees what is brought against them (A1.1).
async fn seen(connection: &mut PgConnection, call: &Call, name: &str) -> Result<pb::Evidence, Error> {
    let nothing = || unknown::<Evidence>(name);
    let id = kefu_chassis::names::id::<Evidence>(name)?;
    let record: ComplaintRow = step::seen_above::<_, Evidence>(connection, call, name).await?;
    if record.accuses(call) {
        return Err(nothing());
    }
    let body = sqlx::query_scalar!(
        "select body from complaints.evidence where id = $1 and complaint = $2",
        id.uuid(),
        record.id
    );
    let body = body.fetch_optional(connection).await?.ok_or_else(nothing)?;
    pb::Evidence::decode(body.as_slice()).map_err(Error::unexpected)
}

/// A SHA-256 that is given, or none.
fn digest(field: &str, given: &[u8]) -> Result<(), Error> {
    if given.is_empty() || given.len() == 32 { Ok(()) } else { Err(Error::field(field, "must have 32 bytes")) }
}

/// A text that reads as it was written.
fn readable(field: &str, text: &str) -> Result<(), Error> {
    name::wrong_text(text).map_or(Ok(()), |wrong| Err(Error::field(field, wrong)))
}
