//! `ConvertToComplaint`: a request becomes a complaint, exactly once. The intent is stored first, then the complaint is
//! registered with its service under one id, then the two are linked; whoever finds an intent that nobody finished, goes on.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kefu_chassis::error::describe;
use kefu_chassis::identity::Identity;
use kefu_chassis::names::{Id, new_uuid, unknown};
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as complaints;
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::intake::v1 as pb;
use kefu_proto::rules::v1::Role;
use prost::Message as _;
use sqlx::PgConnection;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::step::Step;
use crate::shared::{Complaint, Contact, Request};

/// How long one try may take, and how long others leave it alone.
const TRY: Duration = Duration::from_secs(10);
const AGAIN: SignedDuration = SignedDuration::from_secs(20);
/// How often it is looked for what nobody finished.
const POLL: Duration = Duration::from_secs(2);

impl Requests {
    pub(super) async fn convert(
        &self,
        call: &Call,
        request: pb::ConvertToComplaintRequest,
    ) -> Result<pb::Request, Error> {
        let (id, registration) = self.intend(call, &request).await?;
        let complaint = register(&self.0, registration).await?;
        link(&self.0, call, id, complaint).await
    }

    /// Stores that the request is to become a complaint, unless that is known.
    async fn intend(
        &self,
        call: &Call,
        request: &pb::ConvertToComplaintRequest,
    ) -> Result<(Id<Request>, complaints::RegisterComplaintRequest), Error> {
        let mut step = Step::lock(&self.0, call, &request.name, None, &[]).await?;
        if !call.reaches(step.record.holder("")) {
            return Err(unknown::<Request>(&request.name));
        }
        let id = step.record.id();
        if step.record.complaint.is_none()
            && let Some(registration) = intended(step.change.connection(), id.uuid()).await?
        {
            return Ok((id, registration));
        }
        let mut step = step.ready(&request.etag).await?;
        let facts = step.facts();
        step.fire(Action::Convert, &facts)?;
        let record = &step.record;
        let contact: Option<Contact> = serde_json::from_value(record.contact.clone()).ok();
        let registration = complaints::RegisterComplaintRequest {
            channel: record.channel.into(),
            customer: record.customer_name(),
            contact: contact.map(|contact| contact.show()),
            matter: if request.matter.trim().is_empty() { record.description.clone() } else { request.matter.clone() },
            desired_remedy: request.desired_remedy.clone(),
            category: request.category,
            severity: request.severity,
            product: record.product_model.clone(),
            request: id.to_string(),
            handler: record.owner.clone(),
            request_id: new_uuid(call.now).to_string(),
            ..complaints::RegisterComplaintRequest::default()
        };
        let call_id = Uuid::try_parse(&registration.request_id).map_err(Error::unexpected)?;
        sqlx::query!(
            "insert into intake.conversion (request, call_id, registration, actor, done, try_next_at, created_at)
            values ($1, $2, $3, $4, false, $5, $6)",
            id.uuid(),
            call_id,
            registration.encode_to_vec(),
            call.caller.subject,
            sql::at(call.now + AGAIN) as _,
            sql::at(call.now) as _,
        )
        .execute(step.change.connection())
        .await?;
        let payload = pb::RequestConversionBegun { state: step.state() };
        step.finish_unanswered(&payload).await?;
        Ok((id, registration))
    }
}

async fn intended(
    connection: &mut PgConnection,
    request: Uuid,
) -> Result<Option<complaints::RegisterComplaintRequest>, Error> {
    let registration =
        sqlx::query_scalar!("select registration from intake.conversion where request = $1 and not done", request);
    let registration = registration.fetch_optional(connection).await?;
    registration.map(|encoded| decode(&encoded)).transpose()
}

fn decode(registration: &[u8]) -> Result<complaints::RegisterComplaintRequest, Error> {
    complaints::RegisterComplaintRequest::decode(registration).map_err(Error::unexpected)
}

/// Registers the complaint, or finds the one that is there.
async fn register(
    chassis: &Chassis,
    registration: complaints::RegisterComplaintRequest,
) -> Result<Id<Complaint>, Error> {
    let mut client = ComplaintServiceClient::new(chassis.peer("complaints").await?);
    let mut request = tonic::Request::new(registration);
    request.set_timeout(TRY);
    let name = match client.register_complaint(request).await {
        Ok(complaint) => complaint.into_inner().name,
        Err(status) if status.code() == Code::AlreadyExists => {
            status.get_details_resource_info().map(|info| info.resource_name).unwrap_or_default()
        }
        Err(status) => return Err(refusal(status)),
    };
    Id::parse(&name).ok_or_else(|| Error::unexpected(format!("{name} is no complaint")))
}

/// What a refusal of the other service means here: it is away, or something is wrong that the caller cannot mend.
fn refusal(status: Status) -> Error {
    let is_away = matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted | Code::Aborted
    );
    if is_away { Error::Away(status.into()) } else { Error::unexpected(status) }
}

/// Links the request with its complaint, unless they are.
async fn link(
    chassis: &Chassis,
    call: &Call,
    request: Id<Request>,
    complaint: Id<Complaint>,
) -> Result<pb::Request, Error> {
    let mut step = Step::lock(chassis, call, &request.to_string(), None, &[]).await?.ready("").await?;
    if step.record.complaint.is_some() {
        let shown = step.record.show_to(call);
        return step.change.commit(shown).await;
    }
    let facts = step.facts();
    step.fire(Action::LinkComplaint, &facts)?;
    step.record.complaint = Some(complaint.uuid());
    sqlx::query!("update intake.conversion set done = true where request = $1", request.uuid())
        .execute(step.change.connection())
        .await?;
    let payload = pb::RequestConverted { state: step.state(), complaint: complaint.to_string() };
    step.finish(&payload).await
}

/// Finishes what nobody did, until the service stops. Any number of replicas may; each intent is taken by one at a time.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        match finish_one(&chassis).await {
            Ok(true) if !*stop.borrow() => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(cause = describe(&error), "a request is not a complaint yet; it is tried again");
            }
        }
        tokio::select! {
            () = chassis.clock.tick(POLL) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Takes one intent whose time has come, and finishes it; whether there was one.
async fn finish_one(chassis: &Chassis) -> Result<bool, Error> {
    let now = chassis.clock.now();
    let taken = sqlx::query!(
        "update intake.conversion set try_next_at = $2 where request = (
            select request from intake.conversion where not done and try_next_at <= $1
            order by try_next_at limit 1 for update skip locked)
        returning request, registration, actor",
        sql::at(now) as _,
        sql::at(now + AGAIN) as _,
    );
    let Some(taken) = taken.fetch_optional(chassis.pool()).await? else { return Ok(false) };
    let complaint = register(chassis, decode(&taken.registration)?).await?;
    let rule = chassis.rules.named("ConvertToComplaint").cloned();
    let rule = rule.ok_or_else(|| Error::unexpected("ConvertToComplaint has no rule"))?;
    // It is still the deed of whoever decided it.
    let caller = Identity { subject: taken.actor, roles: vec![Role::Service], department: String::new() };
    let call = Call::internal(Arc::new(caller), rule, now, None, &[]);
    link(chassis, &call, Id::from_uuid(taken.request), complaint).await?;
    Ok(true)
}
