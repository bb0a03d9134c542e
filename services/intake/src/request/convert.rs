//! `ConvertToComplaint`: a request becomes a complaint exactly once, in three steps: store the intent, register the
//! complaint with its service under the intent's request id, link the two. `run` finishes the intents of interrupted
//! calls.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kefu_chassis::error::describe;
use kefu_chassis::identity::Identity;
use kefu_chassis::names::{Id, new_uuid, unknown};
use kefu_chassis::peer::failure;
use kefu_chassis::record::Record;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::text::is_blank;
use kefu_chassis::time::{sql, to_proto};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::complaints::v1 as complaints;
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::intake::v1 as pb;
use kefu_proto::rules::v1::Role;
use prost::Message as _;
use sqlx::PgConnection;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::row::{RequestRow, Step};
use crate::shared::{Complaint, Contact, Request};

/// Longest time of one attempt to register.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after the start of an attempt until `run` may take its intent.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(20);
/// How often `run` looks for unfinished intents.
const POLL: Duration = Duration::from_secs(2);

/// The intent to convert a request, as it is stored.
#[derive(Record)]
#[record(table = "intake.conversion", append_only)]
struct ConversionRow {
    request: Uuid,
    call_id: Uuid,
    /// The encoded registration of the complaint.
    registration: Vec<u8>,
    /// The caller who asked for the conversion, and the key and digest of that call.
    actor: String,
    request_id: Option<Uuid>,
    digest: Vec<u8>,
    done: bool,
    /// When `run` may take the intent.
    try_next_at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
}

impl Requests {
    pub(super) async fn convert_to_complaint(
        &self,
        call: &Call,
        request: pb::ConvertToComplaintRequest,
    ) -> Result<pb::Request, Error> {
        let (id, registration) = self.store_intent(call, &request).await?;
        match register_complaint(&self.chassis, registration).await? {
            Outcome::Complaint(complaint) => link_complaint(&self.chassis, call, id, complaint).await,
            Outcome::Refused(why) => {
                drop_intent(&self.chassis, call, id).await?;
                Err(Error::field(
                    "name",
                    wrong!(NotAccepted under "C5.1", "is not taken by the service of complaints: {why}", "未被投诉服务接受：“{why}”"),
                ))
            }
        }
    }

    /// Stores the intent with its registration, or returns the registration stored by an earlier call.
    ///
    /// Fails when the stored registration differs in content from this call's.
    async fn store_intent(
        &self,
        call: &Call,
        request: &pb::ConvertToComplaintRequest,
    ) -> Result<(Id<Request>, complaints::RegisterComplaintRequest), Error> {
        let mut step = Step::lock(&self.chassis, call, &request.name, None, &[]).await?;
        if !call.reaches(&step.root.stakeholders()) {
            return Err(unknown::<Request>(&request.name));
        }
        let id = step.root.id();
        let registration = self.registration(call, &step.root, request)?;
        if step.root.complaint.is_none()
            && let Some(intended) = unfinished_intent(step.work.connection(), id.uuid()).await?
        {
            return if is_same_registration(&intended, &registration) {
                Ok((id, intended))
            } else {
                Err(Error::field(
                    "name",
                    wrong!(Conflicting under "C5.1", "is becoming a complaint already, by a call that says something else", "正在转为投诉，且此前提交的内容不同"),
                ))
            };
        }
        let facts = step.facts();
        let mut step = step.ready(request, &facts).await?;
        let facts = step.facts();
        step.fire(Action::Convert, &facts)?;
        let call_id = Uuid::try_parse(&registration.request_id).map_err(Error::unexpected)?;
        let (request_id, digest) = call.key();
        let intent = ConversionRow {
            request: id.uuid(),
            call_id,
            registration: registration.encode_to_vec(),
            actor: call.caller.subject.clone(),
            request_id,
            digest: digest.to_vec(),
            done: false,
            try_next_at: sql::at(call.now + RETRY_AFTER),
            created_at: sql::at(call.now),
        };
        intent.insert(step.work.connection()).await?;
        let payload = pb::RequestConversionBegun { state: step.state() };
        step.finish_unanswered(&payload).await?;
        Ok((id, registration))
    }

    /// Builds the complaint to register. Its time of receipt is that of this call, even if a later attempt registers it.
    /// Refuses here what the complaints service would refuse, while the caller can still correct it.
    fn registration(
        &self,
        call: &Call,
        root: &RequestRow,
        request: &pb::ConvertToComplaintRequest,
    ) -> Result<complaints::RegisterComplaintRequest, Error> {
        let own: Option<Contact> = serde_json::from_value(root.contact.clone()).ok();
        let contact = request.contact.clone().or(own.map(|contact| contact.show())).unwrap_or_default();
        let contact =
            Contact::read(&contact, "contact", "C5.1", self.country).map_err(|wrong| Error::Invalid(vec![wrong]))?;
        let matter = if is_blank(&request.matter) { &root.description } else { &request.matter };
        if is_blank(matter) {
            return Err(Error::field(
                "matter",
                wrong!(RequiredWhen under "C5.1", "is required, as the request has no description", "必填，因为该请求没有问题描述"),
            ));
        }
        // The caller handles the complaint when the owner has left.
        let is_owner_active = self.chassis.directory.now().is_active(&root.owner);
        Ok(complaints::RegisterComplaintRequest {
            channel: root.channel.into(),
            customer: root.customer_name(),
            contact: Some(contact.show()),
            matter: matter.clone(),
            desired_remedy: request.desired_remedy.clone(),
            category: request.category,
            severity: request.severity,
            product: root.product_model.clone(),
            request: root.id().to_string(),
            handler: if is_owner_active { &root.owner } else { &call.caller.subject }.clone(),
            request_id: new_uuid(call.now).to_string(),
            occurred_time: Some(to_proto(call.now)),
            ..complaints::RegisterComplaintRequest::default()
        })
    }
}

/// Whether two registrations of one request agree in everything but handler, request id and time.
fn is_same_registration(
    one: &complaints::RegisterComplaintRequest,
    other: &complaints::RegisterComplaintRequest,
) -> bool {
    let content = |of: &complaints::RegisterComplaintRequest| complaints::RegisterComplaintRequest {
        handler: String::new(),
        request_id: String::new(),
        occurred_time: None,
        ..of.clone()
    };
    content(one) == content(other)
}

/// The registration of the request's unfinished intent.
async fn unfinished_intent(
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

/// How a registration ended.
enum Outcome {
    /// The complaint, new or registered by an earlier attempt.
    Complaint(Id<Complaint>),
    /// Refused for this reason; another attempt would be refused too.
    Refused(String),
}

/// Registers the complaint, or finds the one that an earlier attempt registered.
async fn register_complaint(
    chassis: &Chassis,
    registration: complaints::RegisterComplaintRequest,
) -> Result<Outcome, Error> {
    let mut client = ComplaintServiceClient::new(chassis.peer("complaints").await?);
    let mut request = tonic::Request::new(registration);
    request.set_timeout(ATTEMPT_TIMEOUT);
    let name = match client.register_complaint(request).await {
        Ok(complaint) => complaint.into_inner().name,
        Err(status) if status.code() == Code::AlreadyExists => {
            status.get_details_resource_info().map(|info| info.resource_name).unwrap_or_default()
        }
        Err(status) if matches!(status.code(), Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition) => {
            return Ok(Outcome::Refused(status.message().to_owned()));
        }
        Err(status) => return Err(failure(status)),
    };
    let complaint = Id::parse(&name).ok_or_else(|| Error::unexpected(format!("{name} is no complaint")))?;
    Ok(Outcome::Complaint(complaint))
}

/// Deletes the intent, so that the request can be converted again.
async fn drop_intent(chassis: &Chassis, call: &Call, request: Id<Request>) -> Result<(), Error> {
    let mut step = Step::lock(chassis, call, &request.to_string(), None, &[]).await?.prepare().await?;
    let given_up = sqlx::query!("delete from intake.conversion where request = $1 and not done", request.uuid());
    if given_up.execute(step.work.connection()).await?.rows_affected() == 0 {
        return Ok(());
    }
    let payload = pb::RequestConversionGivenUp { state: step.state() };
    step.finish_unanswered(&payload).await
}

/// Links the request with its complaint, unless they are linked already.
async fn link_complaint(
    chassis: &Chassis,
    call: &Call,
    request: Id<Request>,
    complaint: Id<Complaint>,
) -> Result<pb::Request, Error> {
    let mut step = Step::lock(chassis, call, &request.to_string(), None, &[]).await?.prepare().await?;
    if step.root.complaint.is_some() {
        let shown = step.root.show_to(call);
        return step.work.commit(shown).await;
    }
    let facts = step.facts();
    step.fire(Action::LinkComplaint, &facts)?;
    step.root.complaint = Some(complaint.uuid());
    sqlx::query!("update intake.conversion set done = true where request = $1", request.uuid())
        .execute(step.work.connection())
        .await?;
    let payload = pb::RequestConverted { state: step.state(), complaint: complaint.to_string() };
    step.finish(&payload).await
}

/// Finishes interrupted conversions until the service stops. Several replicas may run it: each intent is taken by one
/// at a time.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        match finish_one(&chassis).await {
            Ok(true) if !*stop.borrow() => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(cause = describe(&error), "requests do not become complaints; it is tried again");
            }
        }
        tokio::select! {
            () = chassis.clock.tick(POLL) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
    }
}

/// Finishes one due intent. Returns whether there was one.
async fn finish_one(chassis: &Chassis) -> Result<bool, Error> {
    let now = chassis.clock.now();
    let taken = sqlx::query!(
        "update intake.conversion set try_next_at = $2 where request = (
            select request from intake.conversion where not done and try_next_at <= $1
            order by try_next_at limit 1 for update skip locked)
        returning request, registration, actor, request_id, digest",
        sql::at(now),
        sql::at(now + RETRY_AFTER),
    );
    let Some(taken) = taken.fetch_optional(chassis.pool()).await? else { return Ok(false) };
    let rule = chassis.rules.named("ConvertToComplaint").cloned();
    let rule = rule.ok_or_else(|| Error::unexpected("ConvertToComplaint has no rule"))?;
    // The journal names the caller who asked for the conversion, and a retry of that call gets this reply.
    let caller = Identity { subject: taken.actor, roles: vec![Role::Service], department: String::new() };
    let digest = taken.digest.try_into().map_err(|_| Error::unexpected("a digest has 32 bytes"))?;
    let call = Call::internal(Arc::new(caller), rule, now, None, &[]).under((taken.request_id, digest));
    let request = Id::from_uuid(taken.request);
    match register_complaint(chassis, decode(&taken.registration)?).await {
        Ok(Outcome::Complaint(complaint)) => {
            link_complaint(chassis, &call, request, complaint).await?;
        }
        Ok(Outcome::Refused(why)) => {
            tracing::warn!(%request, why, "a request does not become a complaint: it is refused for good");
            drop_intent(chassis, &call, request).await?;
        }
        // `try_next_at` is already later, so the next intent does not wait for this one.
        Err(error) => tracing::warn!(%request, cause = describe(&error), "a request is not a complaint yet"),
    }
    Ok(true)
}
