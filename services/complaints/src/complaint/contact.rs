//! Contacts with the complainant, attempts that reached nobody, and waiving the contact after enough attempts or a
//! written refusal (extension of C5.8).

use jiff::Timestamp;
use kefu_chassis::language::Text;
use kefu_chassis::names::{Id, unknown};
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Closure, State};
use kefu_proto::complaints::v1::contact_waiver::{Decision, Ground};
use kefu_proto::complaints::v1::customer_contact::{Outcome, Purpose};
use kefu_proto::complaints::v1::evidence::Kind;
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::Action;
use super::row::ComplaintRow;
use super::row::separation::{Concern, Separation};
use super::row::{Step, open_measures};
use crate::evidence::row::EvidenceRow;
use crate::shared::Evidence;

impl Complaints {
    pub(super) async fn record_customer_contact(
        &self,
        call: &Call,
        request: pb::RecordCustomerContactRequest,
    ) -> Result<pb::Paper, Error> {
        let (purpose, is_reached) = (request.purpose(), request.outcome() == Outcome::Reached);
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = step.facts();
        let counts = !is_reached && counts(purpose);
        if counts && Some(purpose) != step.root.awaited_step() {
            return Err(Error::field(
                "purpose",
                wrong!(NotAccepted under "C5.8", "is not what the complainant is wanted for now", "不是当前需要联系投诉人的事由"),
            ));
        }
        if counts {
            step.not_before(
                step.root.awaited_since(),
                Text::new("the complainant was wanted for it", "需要联系投诉人"),
            )?;
            step.check_attempt("C5.8")?;
        }
        step.fire(if counts { Action::Attempt } else { Action::Contact }, &facts)?;
        if counts {
            self.count_attempt(&mut step, &call.caller.subject);
        }
        if is_reached {
            step.root.mark_informed(step.at);
            // A complainant who was reached is not unreachable.
            step.root.reset_attempts();
            // Only a contact by the investigator, during the investigation, counts as hearing the complainant (D8.4).
            step.root.contacted |= step.root.state() == State::Investigating
                && sql::read(step.root.investigated_at).is_some_and(|since| since <= step.at)
                && call.caller.subject == step.root.investigator;
        }
        let content = pb::CustomerContact {
            purpose: request.purpose,
            outcome: request.outcome,
            channel: request.channel,
            text: request.text,
        };
        let paper = case_record(call, &step, Content::CustomerContact(content));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::CustomerContacted {
            state: step.state(),
            paper: Some(paper.clone()),
            unreached_attempts: step.root.unreached_attempts,
        };
        step.finish_with(&payload, paper).await
    }

    /// Counts an attempt that reached nobody and that `by` recorded, and its day if that is a working day.
    fn count_attempt(&self, step: &mut Step<'_>, by: &str) {
        let calendar = self.chassis.regulation.calendar();
        let day = calendar.day(step.at);
        step.root.unreached_attempts += 1;
        if !step.root.tried_by.iter().any(|known| known == by) {
            step.root.tried_by.push(by.to_owned());
        }
        let date = day.to_string();
        if calendar.is_worked(day) && !step.root.attempt_days.contains(&date) {
            step.root.attempt_days.push(date);
        }
    }

    pub(super) async fn waive_contact(
        &self,
        call: &Call,
        request: pb::WaiveContactRequest,
    ) -> Result<pb::Complaint, Error> {
        let refuses = request.ground() == Ground::WrittenRefusal;
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let mut facts = step.facts();
        let caller = call.caller.subject.as_str();
        // Nobody releases themselves, and no ground is of one's own making.
        facts.has_tried = step.root.tried_by.iter().any(|by| by == caller)
            || step.owed().any(|duty| duty.is_live() && duty.was_owned_by(caller));
        if refuses {
            let refusal = self.evidence_of(&mut step, &request.evidence).await?;
            let since = step.root.awaited_since();
            let is_written = matches!(refusal.kind(), Kind::Document | Kind::Statement | Kind::ChatLog);
            if !is_written || refusal.collected_time.as_ref().and_then(from_proto) < since {
                return Err(Error::field(
                    "evidence",
                    wrong!(NotAccepted under "C5.8", "is no written refusal of this step", "不是针对本环节的书面拒绝"),
                ));
            }
            let separation = Separation::of(&step.root, &self.chassis, step.at);
            facts.has_tried |=
                refusal.collector == caller || separation.accusation(&refusal.collector) > Concern::Apart;
        }
        facts.has_refused = refuses;
        facts.executed_at = Some(step.at);
        if refuses {
            // A call on the ground of a written refusal must not succeed by the attempts.
            facts.attempts.made = 0;
        }
        let awaited = step.root.awaited_step();
        let goes_on = request.decision() == Decision::GoOn;
        step.fire(
            match awaited {
                _ if !goes_on => Action::CloseWithout,
                Some(Purpose::Agreement) if facts.measures.is_empty() => Action::GoOnUntold,
                Some(Purpose::Agreement) => Action::GoOnUnagreed,
                _ => Action::GoOnUnacknowledged,
            },
            &facts,
        )?;
        let at = Some(sql::at(step.at));
        let root = &mut step.root;
        root.reset_attempts();
        root.waived = true;
        match (awaited, goes_on) {
            (_, false) => {
                root.closed_at = at;
                root.closure = if refuses { Closure::Refused } else { Closure::Unreachable } as i16;
            }
            (Some(Purpose::Agreement), true) => {
                root.agreed_at = at;
                root.executed_at = at.filter(|_| open_measures(root.resolution().as_ref()).is_empty());
            }
            _ => root.acknowledged_at = at,
        }
        let content = pb::ContactWaiver {
            step: awaited.unwrap_or_default().into(),
            ground: request.ground,
            decision: request.decision,
            reason: request.reason,
            evidence: request.evidence,
        };
        let paper = case_record(call, &step, Content::ContactWaiver(content));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::ContactWaived { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }

    /// Loads a piece of evidence of this complaint.
    async fn evidence_of(&self, step: &mut Step<'_>, evidence: &str) -> Result<pb::Evidence, Error> {
        let complaint = step.root.id();
        let id = Id::<Evidence>::parse(evidence).filter(|id| format!("{complaint}/{id}") == evidence);
        let id = id.ok_or_else(|| unknown::<Evidence>(evidence))?;
        let row = EvidenceRow::of(step.work.connection(), complaint, id).await?;
        row.ok_or_else(|| unknown::<Evidence>(evidence))?.message()
    }
}

/// Whether an attempt for this purpose that reached nobody counts: whether the step waits for the complainant.
fn counts(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Acknowledgement | Purpose::Agreement | Purpose::Callback)
}

impl ComplaintRow {
    /// The step that waits for the complainant: acknowledgement, agreement or return call; none if no step does.
    pub fn awaited_step(&self) -> Option<Purpose> {
        match self.state() {
            State::Registered => Some(Purpose::Acknowledgement),
            State::Investigating if self.acknowledged_at.is_none() => Some(Purpose::Acknowledgement),
            State::Approved => Some(Purpose::Agreement),
            State::Callback => Some(Purpose::Callback),
            _ => None,
        }
    }

    /// Start of the step that waits for the complainant: earlier attempts do not count for it. None for the
    /// acknowledgement, which waits from the receipt on.
    fn awaited_since(&self) -> Option<Timestamp> {
        match self.state() {
            State::Approved => sql::read(self.approved_at),
            State::Callback => sql::read(self.executed_at),
            _ => None,
        }
    }
}
