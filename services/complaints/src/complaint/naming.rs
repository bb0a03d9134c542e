//! `JudgeNaming`: confirms or strikes the naming of somebody as responsible; and who is notified of a report (A1.1).

use kefu_chassis::notifications::{Notice, NoticeKind};
use kefu_chassis::time::to_proto;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::naming::State;

use super::Complaints;
use super::lifecycle::{Action, Facts};
use super::row::Step;
use super::row::separation::{Matter, Separation};

/// Most people notified of one report.
const JUDGES: usize = 10;

static REPORTED: NoticeKind = NoticeKind {
    code: "naming_reported",
    english: "In {} somebody said that a person above them is responsible. Please judge it.",
    chinese: "{}中有人指认其上级为责任人员，请予裁定。",
};

impl Complaints {
    /// Records that a naming is a report, if it is one, and notifies whoever can judge it.
    pub(super) fn notify_judges(&self, step: &mut Step<'_>, naming: &pb::Naming) -> Result<(), Error> {
        if naming.state() != State::Reported {
            return Ok(());
        }
        let separation = Separation::of(&step.root, &self.chassis, step.at);
        let judges = separation.actors(Matter::Judgement(&naming.staff), self.rule("JudgeNaming")?).staff;
        let (subject, number) = (step.root.id().to_string(), &step.root.number);
        let notice = |judge: &&str| Notice::about(&REPORTED, "A1.1", judge, subject.clone(), number);
        let notices: Vec<Notice> = judges.iter().take(JUDGES).map(notice).collect();
        step.also_record("A1.1", &pb::NamingReported { naming: Some(naming.clone()) }, notices);
        Ok(())
    }

    pub(super) async fn judge_naming(
        &self,
        call: &Call,
        request: pb::JudgeNamingRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let (judgement, staff) = (request.judgement(), &request.staff);
        let mut namings = step.root.namings();
        let judged = namings.iter_mut().rev().find(|naming| naming.staff == *staff && naming.state() != State::Struck);
        let can_change = |naming: &pb::Naming| match judgement {
            State::Struck => !naming.found,
            _ => naming.state() == State::Reported,
        };
        let separation = Separation::of(&step.root, &self.chassis, step.at);
        let (may_judge, is_last_resort) = separation.may_judge(&call.caller.subject, staff, &call.rule);
        let mut facts = Facts {
            can_be_judged: judged.as_ref().is_some_and(|naming| can_change(naming)),
            may_judge,
            ..step.facts()
        };
        if is_last_resort {
            facts.deviates_for(call.rule.name(), &call.caller.subject);
        }
        step.fire(Action::JudgeNaming, &facts)?;
        let Some(naming) = judged else { return Err(Error::NotFound { kind: "kefu/Staff", name: request.staff }) };
        naming.set_state(judgement);
        naming.judged_by.clone_from(&call.caller.subject);
        naming.judgement_reason = request.reason;
        naming.judged_time = Some(to_proto(step.at));
        let naming = naming.clone();
        step.root.set_namings(&namings);
        if judgement == State::Struck && step.root.responsible_person == naming.staff {
            step.root.responsible_person.clear();
        }
        let payload = pb::NamingJudged { state: step.state(), naming: Some(naming) };
        step.finish(&payload).await
    }
}
