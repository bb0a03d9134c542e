//! Steps from registration to investigation: acknowledgement, classification, notified departments, handler and
//! investigator (C5.2, D8.2, D8.3, A1.1).

use jiff::Timestamp;
use kefu_chassis::lifecycle::SubDuty;
use kefu_chassis::rules::MethodRule;
use kefu_chassis::time::sql;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::customer_contact::{Outcome, Purpose};
use kefu_proto::complaints::v1::paper::Content;

use super::Complaints;
use super::case_record::{self, case_record};
use super::lifecycle::Action;
use super::row::ComplaintRow;
use super::row::Step;
use super::row::separation::{Concern, Matter, Separation};

impl Complaints {
    pub(super) async fn acknowledge_complaint(
        &self,
        call: &Call,
        request: pb::AcknowledgeComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let facts = step.facts();
        step.fire(Action::Acknowledge, &facts)?;
        step.root.acknowledged_at = Some(sql::at(step.at));
        step.root.mark_informed(step.at);
        step.root.reset_attempts();
        let content = pb::CustomerContact {
            purpose: Purpose::Acknowledgement.into(),
            outcome: Outcome::Reached.into(),
            channel: request.channel,
            text: request.text,
        };
        let paper = case_record(call, &step, Content::CustomerContact(content));
        case_record::insert(step.work.connection(), step.root.id, &paper).await?;
        let payload = pb::ComplaintAcknowledged { state: step.state(), paper: Some(paper) };
        step.finish(&payload).await
    }

    pub(super) async fn classify_complaint(
        &self,
        call: &Call,
        request: pb::ClassifyComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let (department, person) = (&request.responsible_department, &request.responsible_person);
        if !department.is_empty() {
            self.chassis.directory.now().check_department(department)?;
        }
        let department = if department.is_empty() { &step.root.responsible_department } else { department }.clone();
        // A person stays presumed responsible only while the responsible department stays the same.
        let stays = person.is_empty() && department == step.root.responsible_department;
        let person = if stays { &step.root.responsible_person } else { person }.clone();
        self.check_person(&department, &person)?;
        let mut facts = step.facts();
        let separation = Separation::of(&step.root, &self.chassis, step.at);
        let caller = call.caller.subject.as_str();
        let naming = separation.new_naming(&request.responsible_person, caller);
        let judges = naming.as_ref().is_some_and(|naming| naming.state() == pb::naming::State::Confirmed)
            && separation.may_judge(caller, &person, self.rule("JudgeNaming")?).0;
        let presumed = step.root.responsible_department.as_str();
        facts.clears_own = department != presumed && separation.is_insider(caller, presumed);
        facts.was_struck = naming.is_some() && separation.is_struck_for(&person, caller);
        facts.is_outside =
            step.root.investigator.is_empty() || !separation.is_insider(&step.root.investigator, &department);
        facts.notified = self.notice_duty_once(&step, &department);
        step.fire(Action::Classify, &facts)?;
        let root = &mut step.root;
        root.mark_notified(&facts.notified);
        root.category = request.category() as i16;
        root.severity = request.severity() as i16;
        root.subcategory.clone_from(&request.subcategory);
        root.product.clone_from(&request.product);
        root.hold_responsible(&department, &person);
        if judges {
            root.confirm_reports(&person, call, step.at);
        }
        if let Some(naming) = &naming {
            root.add_naming(naming);
            self.notify_judges(&mut step, naming)?;
        }
        let payload = pb::ComplaintClassified {
            state: step.state(),
            category: request.category,
            subcategory: request.subcategory,
            severity: request.severity,
            product: request.product,
            responsible_department: department,
            responsible_person: person,
            naming,
        };
        step.finish(&payload).await
    }

    pub(super) async fn notify_department(
        &self,
        call: &Call,
        request: pb::NotifyDepartmentRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        self.chassis.directory.now().check_department(&request.department)?;
        let mut facts = step.facts();
        facts.notified = self.notice_duty(&step, &request.department);
        step.fire(Action::Notify, &facts)?;
        step.root.mark_notified(&facts.notified);
        step.root.involve(&request.department);
        let recipient = facts.notified.into_iter().map(|duty| duty.owner).next().unwrap_or_default();
        let payload = pb::DepartmentNotified { state: step.state(), department: request.department, recipient };
        step.finish(&payload).await
    }

    pub(super) async fn assign_complaint(
        &self,
        call: &Call,
        request: pb::AssignComplaintRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        if request.handler == step.root.handler {
            return Err(Error::field("handler", wrong!(Unchanged, "has it already", "已经是这位员工")));
        }
        let known = self.chassis.directory.now();
        let mut facts = step.facts();
        let separation = Separation::of(&step.root, &self.chassis, step.at);
        facts.is_appointee_accused = separation.accusation(&request.handler) != Concern::Apart;
        if facts.is_appointee_accused
            && separation.actors(Matter::Handling, self.rule("AcknowledgeComplaint")?).is_last_resort(&request.handler)
        {
            facts.is_appointee_accused = false;
            facts.deviates_for(call.rule.name(), &request.handler);
        }
        facts.fits_department =
            known.is_active(&request.handler) && known.department_of(&request.handler, step.at) == step.root.department;
        self.chassis.check_may(&request.handler, "AcknowledgeComplaint", "handler", "C5.2")?;
        let previous_handler = std::mem::replace(&mut step.root.handler, request.handler.clone());
        step.fire(Action::Assign, &facts)?;
        step.root.involve(&request.handler);
        let payload = pb::ComplaintAssigned {
            state: step.state(),
            handler: request.handler,
            previous_handler,
            reason: request.reason,
        };
        step.finish(&payload).await
    }

    pub(super) async fn assign_investigator(
        &self,
        call: &Call,
        request: pb::AssignInvestigatorRequest,
    ) -> Result<pb::Complaint, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let known = self.chassis.directory.now();
        let investigator = &request.investigator;
        let mut facts = step.facts();
        let separation = Separation::of(&step.root, &self.chassis, step.at);
        let (may_investigate, is_last_resort) =
            separation.may_investigate(investigator, "", self.rule("ConcludeInvestigation")?);
        facts.is_outside = may_investigate || separation.accusation(investigator) != Concern::Apart;
        facts.is_appointee_accused = !may_investigate && facts.is_outside;
        if is_last_resort {
            facts.deviates_for(call.rule.name(), investigator);
        }
        facts.investigator = Some((investigator.clone(), known.department_of(investigator, step.at).to_owned()));
        let previous_investigator = std::mem::replace(&mut step.root.investigator, investigator.clone());
        step.fire(Action::AssignInvestigator, &facts)?;
        self.chassis.check_may(&request.investigator, "ConcludeInvestigation", "investigator", "C5.3")?;
        step.root.investigated_at.get_or_insert(sql::at(step.at));
        step.root.involve(investigator);
        let payload =
            pb::InvestigatorAssigned { state: step.state(), investigator: request.investigator, previous_investigator };
        step.finish(&payload).await
    }

    /// The rule of a method.
    pub(super) fn rule(&self, method: &str) -> Result<&MethodRule, Error> {
        let rule = self.chassis.rules.named(method).map(|rule| &**rule);
        rule.ok_or_else(|| Error::unexpected(format!("{method} has no rule")))
    }

    /// The department's duty to acknowledge the notice (D8.3), owned by the person in charge now; empty when nobody is
    /// in charge.
    fn notice_duty(&self, step: &Step<'_>, department: &str) -> Vec<SubDuty> {
        let known = self.chassis.directory.now();
        let head = known.responsible(department, "", self.chassis.clock.now());
        let duty = |(staff, _): (&str, _)| SubDuty {
            subject: step.root.id().to_string(),
            owner: staff.to_owned(),
            department: department.to_owned(),
            due: None,
        };
        head.map(duty).into_iter().collect()
    }

    /// The department's duty to acknowledge the notice, as `notice_duty` makes it; empty for a department that was notified
    /// before, which owes it once.
    pub(super) fn notice_duty_once(&self, step: &Step<'_>, department: &str) -> Vec<SubDuty> {
        let is_notified = step.root.notified.iter().any(|known| known == department);
        if is_notified { Vec::new() } else { self.notice_duty(step, department) }
    }

    /// Refuses a responsible person who was never of the responsible department. Former members are accepted, because a
    /// complaint may be about their time there; so is an empty name.
    pub(super) fn check_person(&self, department: &str, person: &str) -> Result<(), Error> {
        let is_theirs =
            self.chassis.directory.now().was_of(person, department, Timestamp::MIN, self.chassis.clock.now());
        if person.is_empty() || is_theirs {
            return Ok(());
        }
        Err(Error::field(
            "responsible_person",
            wrong!(NotAccepted under "D8.5", "is not of the responsible department and never was", "不属于也从未属于责任部门"),
        ))
    }
}

impl ComplaintRow {
    /// Adds departments to the notified ones.
    pub fn mark_notified(&mut self, duties: &[SubDuty]) {
        for duty in duties {
            if !self.notified.contains(&duty.department) {
                self.notified.push(duty.department.clone());
            }
        }
    }

    /// Sets the department held responsible, and the person; an empty `person` names none.
    pub fn hold_responsible(&mut self, department: &str, person: &str) {
        department.clone_into(&mut self.responsible_department);
        person.clone_into(&mut self.responsible_person);
        if !person.is_empty() {
            self.no_person_reason.clear();
        }
        self.involve(department);
    }
}
