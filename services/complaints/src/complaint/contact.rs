//! Words with the complainant, attempts at them, and what may be done when there are none: the extension of clause C5.8.

use kefu_chassis::call::Holder;
use kefu_chassis::names::{Id, unknown};
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Closure, State};
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::customer_contact::{Outcome, Purpose};
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::lifecycle::Action;
use super::paper::{self, paper};
use super::step::{Step, open_measures};
use super::store::Record;
use crate::shared::{Complaint, Evidence};

impl Complaints {
    pub(super) async fn record_contact(
        &self,
        call: &Call,
        request: pb::RecordCustomerContactRequest,
    ) -> Result<pb::Paper, Error> {
        let (purpose, is_reached) = (request.purpose(), request.outcome() == Outcome::Reached);
        if is_reached && request.text.trim().is_empty() {
            return Err(Error::field("text", "D8.4: must say what was said"));
        }
        if is_reached && matches!(purpose, Purpose::Acknowledgement | Purpose::Agreement | Purpose::Callback) {
            return Err(Error::field("purpose", "what was said then is recorded by the method of that step"));
        }
        let step = Step::lock(&self.0, call, &request.name, request.occurred_time.as_ref(), &[]).await?;
        let parties = [step.record.investigator.clone()];
        if !call.reaches(Holder { parties: &parties, ..step.record.handler() }) {
            return Err(unknown::<Complaint>(&request.name));
        }
        let mut step = step.ready(&request.etag).await?;
        let facts = step.facts();
        let duty = duty(purpose).filter(|_| !is_reached);
        if duty.is_some() && Some(purpose) != step.record.wanted_for() {
            return Err(Error::field("purpose", "C5.8: is not what the complainant is wanted for now"));
        }
        let in_time = duty.and_then(|duty| step.due(duty)).is_some_and(|due| step.at <= due);
        step.fire(
            match duty {
                None => Action::Contact,
                Some(_) if in_time => Action::AttemptInTime,
                Some(_) => Action::AttemptLate,
            },
            &facts,
        )?;
        if duty.is_some() {
            self.count_attempt(&mut step);
        }
        if is_reached {
            step.record.inform(step.at);
            // Only who investigates, while they do, has heard the complainant.
            step.record.contacted |= purpose == Purpose::Investigation
                && step.record.state() == State::Investigating
                && call.caller.subject == step.record.investigator;
        }
        let content = pb::CustomerContact {
            purpose: request.purpose,
            outcome: request.outcome,
            channel: request.channel,
            text: request.text,
        };
        let paper = paper(call, &step, Content::CustomerContact(content));
        paper::insert(step.change.connection(), step.record.id, &paper).await?;
        let payload = pb::CustomerContacted {
            state: step.state(),
            paper: Some(paper.clone()),
            unreached_attempts: step.record.unreached_attempts,
        };
        step.finish_with(&payload, paper).await
    }

    /// One more attempt of this step found nobody; it counts for its day if that is worked.
    fn count_attempt(&self, step: &mut Step<'_>) {
        let calendar = self.0.regulation.calendar();
        let day = step.at.to_zoned(calendar.zone().clone()).date();
        step.record.unreached_attempts += 1;
        let written = day.to_string();
        if calendar.is_worked(day) && !step.record.attempt_days.contains(&written) {
            step.record.attempt_days.push(written);
        }
    }

    pub(super) async fn waive_contact(
        &self,
        call: &Call,
        request: pb::WaiveContactRequest,
    ) -> Result<pb::Complaint, Error> {
        let refuses = request.ground() == Ground::WrittenRefusal;
        if refuses == request.evidence.is_empty() {
            return Err(Error::field("evidence", "C5.8: is the written refusal, and for that ground only"));
        }
        let mut step = Step::begin(&self.0, call, &request.name, &request.etag, request.occurred_time.as_ref()).await?;
        let mut facts = step.facts();
        if refuses && !self.is_on_file(&mut step, &request.evidence).await? {
            return Err(unknown::<Evidence>(&request.evidence));
        }
        facts.has_refused = refuses;
        if refuses {
            // Attempts are another ground than the one that is claimed.
            facts.attempts.0 = 0;
        }
        let wanted = step.record.wanted_for();
        let goes_on = request.decision() == Decision::GoOn;
        step.fire(
            match wanted {
                _ if !goes_on => Action::CloseWithout,
                Some(Purpose::Agreement) if facts.measures.is_empty() => Action::GoOnUntold,
                Some(Purpose::Agreement) => Action::GoOnUnagreed,
                _ => Action::GoOnUnacknowledged,
            },
            &facts,
        )?;
        let at = Some(sql::at(step.at));
        let record = &mut step.record;
        record.want_anew();
        record.waived = true;
        match (wanted, goes_on) {
            (_, false) => {
                record.closed_at = at;
                record.closure = if refuses { Closure::Refused } else { Closure::Unreachable } as i16;
            }
            (Some(Purpose::Agreement), true) => {
                record.agreed_at = at;
                record.executed_at = at.filter(|_| open_measures(record.resolution().as_ref()).is_empty());
            }
            _ => record.acknowledged_at = at,
        }
        let content = pb::ContactWaiver {
            step: wanted.unwrap_or_default().into(),
            ground: request.ground,
            decision: request.decision,
            reason: request.reason,
            evidence: request.evidence,
        };
        let paper = paper(call, &step, Content::ContactWaiver(content));
        paper::insert(step.change.connection(), step.record.id, &paper).await?;
        let payload = pb::ContactWaived { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }

    /// Whether a piece of evidence is on this complaint's file.
    async fn is_on_file(&self, step: &mut Step<'_>, evidence: &str) -> Result<bool, Error> {
        let complaint = step.record.id().to_string();
        let Some(id) = Id::<Evidence>::parse(evidence).filter(|_| evidence.starts_with(&complaint)) else {
            return Ok(false);
        };
        let found = sqlx::query_scalar!(
            r#"select exists (select from complaints.evidence where id = $1 and complaint = $2) as "exists!""#,
            id.uuid(),
            step.record.id
        );
        Ok(found.fetch_one(step.change.connection()).await?)
    }
}

/// The duty that an attempt for this purpose may meet; none where attempts do not count.
fn duty(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::Acknowledgement => Some("acknowledgement"),
        Purpose::Callback => Some("callback"),
        // Clause C5.6 gives no time for the agreement.
        Purpose::Agreement => Some(""),
        Purpose::Investigation | Purpose::Progress | Purpose::Unspecified => None,
    }
}

impl Record {
    /// The step that the complainant is wanted for now, if one cannot be taken without them.
    pub fn wanted_for(&self) -> Option<Purpose> {
        match self.state() {
            State::Registered => Some(Purpose::Acknowledgement),
            State::Investigating if self.acknowledged_at.is_none() => Some(Purpose::Acknowledgement),
            State::Approved => Some(Purpose::Agreement),
            State::Callback => Some(Purpose::Callback),
            _ => None,
        }
    }
}
