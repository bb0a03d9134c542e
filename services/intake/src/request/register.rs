//! `RegisterRequest`: the first responder becomes the owner (A2.1), and the clocks of the request's duties start.

use jiff::Timestamp;
use kefu_chassis::directory::ResponsibleParty;
use kefu_chassis::names::Id;
use kefu_chassis::search::folded;
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::text::is_blank;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{CarrierState, Priority};
use kefu_proto::rules::v1::Role;

use super::lifecycle::Action;
use super::row::{RequestRow, Step};
use super::store::ProgressRow;
use super::{Requests, link};
use crate::shared::{Contact, Customer, Project, id, reference, unknown};

impl Requests {
    pub(super) async fn register_request(
        &self,
        call: &Call,
        request: pb::RegisterRequestRequest,
    ) -> Result<pb::Request, Error> {
        let (at, answered_at) = self.contact_times(call, &request)?;
        Self::check_answer(&request, answered_at)?;
        let mut root = self.new_row(call, &request, at, answered_at)?;
        let action = if answered_at.is_some() { Action::RegisterAnswered } else { Action::Register };
        let mut facts = root.facts(&self.chassis, call, at);
        facts.answered_at = answered_at;
        facts.classified_at = facts.is_classified.then(|| answered_at.unwrap_or(call.now));
        facts.is_delayed = request.carrier_state() == CarrierState::Delayed;
        if facts.is_classified {
            root.in_scope = self.in_scope(&root, &root.business_domain);
            facts.in_scope = root.in_scope;
        }
        let mut step = Step::create(&self.chassis, call, root, at, action, &facts).await?;
        let earlier = link::find_repeated(step.work.connection(), &step.root, &self.chassis.regulation).await?;
        if let Some(mut earlier) = earlier {
            link::record_repeat(&mut step.work, call, &mut step.root, &mut earlier, at).await?;
        }
        let answer = answered_at.and_then(|answered| {
            ProgressRow::answer(call, step.root.id, (&request.answer, request.channel()), answered)
        });
        if let Some(answer) = &answer {
            // The note's reference to the request is checked at the end of the transaction.
            answer.insert(step.work.connection()).await?;
        }
        let progress = answer.as_ref().map(ProgressRow::show);
        step.insert(|shown| pb::RequestRegistered { request: Some(shown), progress }).await
    }

    /// Refuses an answer in writing without its words (C2.1).
    fn check_answer(request: &pb::RegisterRequestRequest, answered_at: Option<Timestamp>) -> Result<(), Error> {
        if answered_at.is_none() || request.channel() == Channel::Hotline || !is_blank(&request.answer) {
            return Ok(());
        }
        let wrong = wrong!(
            RequiredWhen under "C2.1",
            "must say what the customer was told, unless it was by telephone",
            "须写明告知客户的内容，电话应答除外"
        );
        Err(Error::field("answer", wrong))
    }

    /// Time of the contact, and time of the first answer if there was one. `answered_time` without `occurred_time`
    /// means that the customer was answered at once. A person who registers a call has picked it up.
    fn contact_times(
        &self,
        call: &Call,
        request: &pb::RegisterRequestRequest,
    ) -> Result<(Timestamp, Option<Timestamp>), Error> {
        let violation = || {
            Error::field(
                "answered_time",
                wrong!(
                    OutOfRange,
                    "must be between the time the customer came and now",
                    "不得早于客户联系的时间，也不得晚于现在"
                ),
            )
        };
        let answered_at = request.answered_time.as_ref().and_then(from_proto);
        let answered_at = answered_at.map(|answered| call.up_to_now(answered).ok_or_else(violation)).transpose()?;
        let came = request.occurred_time.as_ref().or(request.answered_time.as_ref());
        let at = call.occurred(came, self.chassis.backdating())?;
        if answered_at.is_some_and(|answered| answered < at) {
            return Err(violation());
        }
        let picked_up = request.channel() == Channel::Hotline && !call.acts_as(Role::Service);
        Ok((at, answered_at.or(picked_up.then_some(at))))
    }

    fn new_row(
        &self,
        call: &Call,
        request: &pb::RegisterRequestRequest,
        at: Timestamp,
        answered_at: Option<Timestamp>,
    ) -> Result<RequestRow, Error> {
        let contact = request.contact.clone().unwrap_or_default();
        let contact = Contact::read(&contact, "contact", "A2.2", self.country);
        let contact = contact.map_err(|violation| Error::Invalid(vec![violation]))?;
        let named = ResponsibleParty {
            field: "first_responder",
            clause: "A2.1",
            staff: &request.first_responder,
            department: &request.department,
        };
        let (owner, department) = self.chassis.directory.now().responsible_for(call, named, at)?;
        let customer = id::<Customer>(&request.customer)?;
        let project = reference::<Project>(&request.project)?;
        if project.is_some() && !request.project.starts_with(&format!("{customer}/")) {
            return Err(unknown::<Project>(&request.project));
        }
        Ok(RequestRow {
            channel: request.channel() as i16,
            kind: request.kind() as i16,
            customer: Some(customer.uuid()),
            contact: serde_json::to_value(contact).map_err(Error::unexpected)?,
            project: project.map(Id::uuid),
            order_number: request.order_number.clone(),
            order_key: folded(&request.order_number),
            product_model: request.product_model.clone(),
            description: request.description.clone(),
            business_domain: request.business_domain.trim().to_owned(),
            problem_type: request.problem_type.trim().to_owned(),
            problem_key: folded(&request.problem_type),
            priority: if request.priority() == Priority::Unspecified { Priority::Normal } else { request.priority() }
                as i16,
            first_responder: owner.clone(),
            owner,
            department,
            carrier_state: request.carrier_state() as i16,
            contact_at: sql::at(at),
            first_response_at: answered_at.map(sql::at),
            last_informed_at: answered_at.map(sql::at),
            ..RequestRow::blank(call.now)
        })
    }
}
