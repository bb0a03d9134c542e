//! Case records of a complaint: one for each step of its handling, written once and never changed. The contract calls them
//! papers.

use kefu_chassis::names::Id;
use kefu_chassis::paging::Page;
use kefu_chassis::step;
use kefu_chassis::time::to_proto;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::paper::{Content, Kind};
use prost::Message as _;
use sqlx::PgConnection;

use super::Complaints;
use super::row::{ComplaintRow, Step};
use crate::shared::CaseRecord;

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
        name: format!("{}/{}", step.record.id(), Id::<CaseRecord>::new(call.now)),
        kind: kind.into(),
        cycle: step.record.cycle,
        author: call.caller.subject.clone(),
        occurred_time: Some(to_proto(step.at)),
        create_time: Some(to_proto(call.now)),
        content: Some(content),
    }
}

/// Stores a case record. The caller holds the complaint's lock.
pub async fn insert(connection: &mut PgConnection, complaint: uuid::Uuid, paper: &pb::Paper) -> Result<(), Error> {
    sqlx::query!(
        "insert into complaints.paper (id, complaint, kind, body) values ($1, $2, $3, $4)",
        kefu_chassis::names::id::<CaseRecord>(&paper.name)?.uuid(),
        complaint,
        i16::try_from(paper.kind).unwrap_or_default(),
        paper.encode_to_vec(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Complaints {
    pub(super) async fn list_papers(
        &self,
        call: &Call,
        request: pb::ListPapersRequest,
    ) -> Result<pb::ListPapersResponse, Error> {
        let page: Page<Id<CaseRecord>> = Page::of(call, &request)?;
        let mut connection = self.chassis.pool().acquire().await?;
        let parent: ComplaintRow = step::seen(&mut connection, call, &request.parent).await?;
        let rows = sqlx::query!(
            "select id, body from complaints.paper
            where complaint = $1 and ($2::uuid is null or id < $2) and ($3::smallint = 0 or kind = $3)
            order by id desc limit $4",
            parent.id,
            page.after.map(Id::uuid),
            i16::try_from(request.kind).unwrap_or_default(),
            page.limit,
        )
        .fetch_all(&mut *connection)
        .await?;
        let (rows, next_page_token) = page.cut(rows, |row| Id::from_uuid(row.id));
        let papers = rows.iter().map(|row| pb::Paper::decode(row.body.as_slice()).map_err(Error::unexpected));
        Ok(pb::ListPapersResponse { papers: papers.collect::<Result<_, _>>()?, next_page_token })
    }
}
