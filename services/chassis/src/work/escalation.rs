//! Escalation of breaches: the owner is notified at the breach, then their supervisor and then the head of their department,
//! each after the time that clause A9.1 gives while the duty stays unfulfilled.

use jiff::Timestamp;
use kefu_regulation::params;

use crate::base::language::{Language, Sentence};
use crate::model::duty::Duty;
use crate::model::event::NewEvent;
use crate::model::notice::{Notice, NoticeKind};
use crate::work::chassis::Chassis;

static OVERDUE: NoticeKind = NoticeKind {
    code: "duty_overdue",
    english: "{} is overdue; it is yours and must still be fulfilled.",
    chinese: "{}已逾期，仍须由您完成。",
};
static ESCALATED: NoticeKind = NoticeKind {
    code: "duty_escalated",
    english: "{} is overdue and still not fulfilled; it is one of your staff's.",
    chinese: "{}已逾期，至今未完成，由您的下属负责。",
};

/// The levels of escalation, in this order.
const OWNER: i16 = 0;
const SUPERVISOR: i16 = 1;
const MANAGER: i16 = 2;

/// Escalates a duty's breach to the next level that is due: changes the duty and adds the change and the notice to `event`. A
/// level with nobody to notify is skipped; the level after it is notified at its own time and no sooner.
pub fn escalate(chassis: &Chassis, duty: &mut Duty, event: NewEvent, at: Timestamp) -> NewEvent {
    while duty.escalation_level <= MANAGER {
        let level = duty.escalation_level;
        let Some(recipient) = recipient(chassis, duty, level, at) else {
            duty.skip_level(next(chassis, duty, level + 1, at));
            if duty.next_escalation_at.is_some_and(|next| next > at) {
                return event;
            }
            continue;
        };
        let next = next(chassis, duty, level + 1, at);
        let change = duty.escalate_to(&recipient, next, at);
        let notice = Notice {
            kind: if level == OWNER { &OVERDUE } else { &ESCALATED },
            recipient,
            clause: duty.clause.clone(),
            subject: duty.subject.clone(),
            number: duty.number.clone(),
            about: about(duty),
            duty: Some(duty.id),
            acknowledgement_required: false,
        };
        return event.touching(change).telling([notice]);
    }
    event
}

/// Returns what a breach is about, e.g. `R-20261123-000007: First answer in time (C2.1)`: the number of the matter, if it has
/// one, and the clause.
fn about(duty: &Duty) -> Sentence {
    let [en, zh] = [Language::English, Language::Chinese].map(|language| language.title(&duty.clause));
    if duty.number.is_empty() {
        return Sentence::new(en, zh);
    }
    Sentence::new(format!("{}: {en}", duty.number), format!("{}：{zh}", duty.number))
}

/// Returns whom a level of escalation notifies; none if an earlier level has notified them already.
fn recipient(chassis: &Chassis, duty: &Duty, level: i16, at: Timestamp) -> Option<String> {
    let known = chassis.directory.now();
    let supervisor = known.supervisor_of(&duty.owner);
    let found = match level {
        OWNER => Some(duty.owner.as_str()).filter(|owner| owner.starts_with("staff/")),
        SUPERVISOR => supervisor,
        _ => known.responsible(&duty.department, "", at).map(|(head, _)| head).filter(|&head| Some(head) != supervisor),
    };
    found.filter(|&found| level == OWNER || found != duty.owner).map(str::to_owned)
}

/// Returns when the next escalation is due: the first level from `level` on that reaches somebody, as far as is known
/// at `at`; the last level if none reaches anybody; none after the last level.
fn next(chassis: &Chassis, duty: &Duty, level: i16, at: Timestamp) -> Option<Timestamp> {
    let reaches = |&level: &i16| recipient(chassis, duty, level, at).is_some();
    let within = match (level..=MANAGER).find(reaches).or((level <= MANAGER).then_some(MANAGER))? {
        SUPERVISOR => params::ESCALATE_TO_SUPERVISOR,
        _ => params::ESCALATE_TO_MANAGER,
    };
    let breached_at = duty.breached_at.unwrap_or(at);
    Some(chassis.regulation.calendar().due(breached_at, chassis.regulation.get(within)).at)
}
