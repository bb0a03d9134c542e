//! Evidence for or against a complaint, stored byte for byte or linked (C5.4, D8.4).

use std::sync::Arc;
use std::time::Duration;

use kefu_chassis::names::{Id, unknown};
use kefu_chassis::paging::Page;
use kefu_chassis::quota::CallerQuota;
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
pub mod row;
mod upload;

use row::EvidenceRow;

/// Most bytes of a message: a piece of content with its envelope.
pub const MESSAGE: usize = 512 * 1024;

/// Most downloads at once. Each holds a piece of 256 KiB in memory.
const DOWNLOADS: usize = 64;

/// Limits of uploads and downloads.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Most uploads at once. Each has a temporary file of up to 16 MiB.
    at_once: usize,
    /// Most uploads of one caller at once.
    at_once_of_one: usize,
    /// Longest wait for the next bytes, in milliseconds.
    idle_ms: u64,
    /// Longest duration of a whole upload, and of a whole download, in milliseconds.
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

/// Quotas of the uploads and downloads under way.
#[derive(Clone, Debug)]
struct Transfers {
    uploads: CallerQuota,
    downloads: Arc<Semaphore>,
    bounds: Bounds,
}

impl Evidences {
    /// Builds the evidence service on a chassis.
    pub fn on(chassis: Arc<Chassis>, bounds: Bounds) -> Self {
        let uploads = CallerQuota::new(bounds.at_once_of_one).with_total(bounds.at_once);
        let transfers = Transfers { uploads, downloads: Arc::new(Semaphore::new(DOWNLOADS)), bounds };
        Self { chassis, transfers }
    }
}

kefu_proto::serve_evidence_service!(Evidences);

impl Evidences {
    async fn add_evidence(&self, call: &Call, request: pb::AddEvidenceRequest) -> Result<pb::Evidence, Error> {
        check_readable("source", &request.source)?;
        check_readable("description", &request.description)?;
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
        let (step, evidence) = self.add_to_file(call, step, evidence).await?;
        let payload = pb::EvidenceAdded { state: step.state(), evidence: Some(evidence.clone()) };
        step.finish_with(&payload, evidence).await
    }

    /// Adds a piece of evidence to the complaint's file, under a new name.
    async fn add_to_file<'a>(
        &self,
        call: &Call,
        mut step: Step<'a>,
        evidence: pb::Evidence,
    ) -> Result<(Step<'a>, pb::Evidence), Error> {
        let facts = step.facts();
        step.fire(Action::AddEvidence, &facts)?;
        step.root.evidence_count += 1;
        let id = Id::<Evidence>::new(call.now);
        let evidence = pb::Evidence {
            name: format!("{}/{id}", step.root.id()),
            collector: call.caller.subject.clone(),
            collected_time: Some(to_proto(step.at)),
            create_time: Some(to_proto(call.now)),
            ..evidence
        };
        let row = EvidenceRow { id: id.uuid(), complaint: step.root.id, body: evidence.encode_to_vec() };
        row.insert(step.work.connection()).await?;
        Ok((step, evidence))
    }

    async fn get_evidence(&self, call: &Call, request: pb::GetEvidenceRequest) -> Result<pb::Evidence, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        seen(&self.chassis, &mut connection, call, &request.name).await
    }

    async fn list_evidence(
        &self,
        call: &Call,
        request: pb::ListEvidenceRequest,
    ) -> Result<pb::ListEvidenceResponse, Error> {
        let page: Page<Id<Evidence>> = Page::of(call, &request)?;
        let mut connection = self.chassis.pool().acquire().await?;
        let parent: ComplaintRow = step::seen(&self.chassis, &mut connection, call, &request.parent).await?;
        if parent.is_accused(call) {
            return Err(unknown::<Complaint>(&request.parent));
        }
        let rows = EvidenceRow::newest_of(&mut connection, parent.id(), page.after, page.limit).await?;
        let shown = rows.iter().map(|row| Ok((Id::from_uuid(row.id), row.message()?)));
        let (evidence, next_page_token) = page.fill(shown.collect::<Result<Vec<_>, Error>>()?);
        Ok(pb::ListEvidenceResponse { evidence, next_page_token })
    }
}

/// Loads a piece of evidence. Not found for the person held responsible, who must not see the evidence against them (A1.1).
async fn seen(
    chassis: &Chassis,
    connection: &mut PgConnection,
    call: &Call,
    name: &str,
) -> Result<pb::Evidence, Error> {
    let not_found = || unknown::<Evidence>(name);
    let id = kefu_chassis::names::id::<Evidence>(name)?;
    let root: ComplaintRow = step::seen_above::<_, Evidence>(chassis, connection, call, name).await?;
    if root.is_accused(call) {
        return Err(not_found());
    }
    EvidenceRow::of(connection, root.id(), id).await?.ok_or_else(not_found)?.message()
}

/// Fails if a text has characters that hide or reorder what people read.
fn check_readable(field: &str, text: &str) -> Result<(), Error> {
    name::text_fault(text).map_or(Ok(()), |wrong| Err(Error::field(field, wrong)))
}
