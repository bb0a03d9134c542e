//! Case records of a complaint: one for each step of its handling, written once and never changed. The contract calls them
//! papers.

use kefu_chassis::names::Id;
use kefu_chassis::paging::Page;
use kefu_chassis::record::Record;
use kefu_chassis::step;
use kefu_chassis::time::to_proto;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::paper::{Content, Kind};
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Complaints;
use super::row::{ComplaintRow, Step};
use crate::shared::{CaseRecord, Complaint};

/// A case record as it is stored: the message of the contract, and its kind, by which lists select.
#[derive(Record)]
#[record(table = "complaints.paper", query = case_records, append_only)]
pub struct CaseRecordRow {
    pub id: Uuid,
    pub complaint: Uuid,
    pub kind: i16,
    /// The encoded message.
    pub body: Vec<u8>,
}

impl CaseRecordRow {
    /// Reads every case record of a complaint, in no order.
    pub async fn all_of(connection: &mut PgConnection, complaint: Id<Complaint>) -> Result<Vec<Self>, sqlx::Error> {
        case_records!("where complaint = $1", complaint.uuid()).fetch_all(connection).await
    }

    fn message(&self) -> Result<pb::Paper, Error> {
        pb::Paper::decode(self.body.as_slice()).map_err(Error::unexpected)
    }
}

/// Makes the case record of a step.
pub fn case_record(call: &Call, step: &Step<'_>, content: Content) -> pb::Paper {
    let kind = match &content {
        Content::CustomerContact(_) => Kind::CustomerContact,
        Content::Finding(_) => Kind::Finding,
        Content::Resolution(_) => Kind::Resolution,
        Content::Approval(_) => Kind::Approval,
        Content::Agreement(_) => Kind::Agreement,
        Content::Measure(_) => Kind::Measure,
        Content::Callback(_) => Kind::Callback,
        Content::ContactWaiver(_) => Kind::ContactWaiver,
    };
    pb::Paper {
        name: format!("{}/{}", step.root.id(), Id::<CaseRecord>::new(call.now)),
        kind: kind.into(),
        cycle: step.root.cycle,
        author: call.caller.subject.clone(),
        occurred_time: Some(to_proto(step.at)),
        create_time: Some(to_proto(call.now)),
        content: Some(content),
    }
}

/// Stores a case record. The caller holds the complaint's lock.
pub async fn insert(connection: &mut PgConnection, complaint: Uuid, case_record: &pb::Paper) -> Result<(), Error> {
    let row = CaseRecordRow {
        id: kefu_chassis::names::id::<CaseRecord>(&case_record.name)?.uuid(),
        complaint,
        kind: i16::try_from(case_record.kind).unwrap_or_default(),
        body: case_record.encode_to_vec(),
    };
    Ok(row.insert(connection).await?)
}

impl Complaints {
    pub(super) async fn list_papers(
        &self,
        call: &Call,
        request: pb::ListPapersRequest,
    ) -> Result<pb::ListPapersResponse, Error> {
        let page: Page<Id<CaseRecord>> = Page::of(call, &request)?;
        let mut connection = self.chassis.pool().acquire().await?;
        let parent: ComplaintRow = step::seen(&self.chassis, &mut connection, call, &request.parent).await?;
        let rows = case_records!(
            "where complaint = $1 and ($2::uuid is null or id < $2) and ($3::smallint = 0 or kind = $3)
            order by id desc limit $4",
            parent.id,
            page.after.map(Id::uuid),
            i16::try_from(request.kind).unwrap_or_default(),
            page.limit,
        )
        .fetch_all(&mut *connection)
        .await?;
        let shown = rows.iter().map(|row| Ok((Id::from_uuid(row.id), row.message()?)));
        let (papers, next_page_token) = page.fill(shown.collect::<Result<Vec<_>, Error>>()?);
        Ok(pb::ListPapersResponse { papers, next_page_token })
    }
}
