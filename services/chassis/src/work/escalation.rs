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

/// Whom a level of escalation is for.
enum Recipient {
    /// Somebody who can be told.
    Reached(String),
    /// Somebody who is absent or has left: the next level is told in their place.
    Missing,
    /// Nobody, or somebody whom an earlier level has told.
    None,
}

/// Escalates a duty's breach to the next level that is due: changes the duty and adds the change and the notice to `event`. A
/// level with nobody to notify is skipped, and the level after it is notified at its own time and no sooner; where somebody is
/// absent or has left, the next level is notified at once.
pub fn escalate(chassis: &Chassis, duty: &mut Duty, event: NewEvent, at: Timestamp) -> NewEvent {
    // Whether somebody was missing, in whose place the next who can be told is told now.
    let mut is_passed_on = false;
    while duty.escalation_level <= MANAGER {
        let level = duty.escalation_level;
        let recipient = match recipient(chassis, duty, level, at) {
            Recipient::Reached(recipient) => recipient,
            none => {
                is_passed_on |= matches!(none, Recipient::Missing);
                duty.skip_level(next(chassis, duty, level + 1, at));
                let waits = duty.next_escalation_at.is_some_and(|next| next > at);
                if waits && !(is_passed_on && is_anybody_above(chassis, duty, level, at)) {
                    return event;
                }
                continue;
            }
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

/// Returns whom a level of escalation notifies.
fn recipient(chassis: &Chassis, duty: &Duty, level: i16, at: Timestamp) -> Recipient {
    let known = chassis.directory.now();
    let supervisor = known.named_supervisor_of(&duty.owner);
    let told = supervisor.filter(|supervisor| known.is_present(supervisor, at));
    let found = match level {
        OWNER => Some(duty.owner.as_str()).filter(|owner| owner.starts_with("staff/")),
        SUPERVISOR => supervisor,
        _ => known.responsible(&duty.department, "", at).map(|(head, _)| head).filter(|&head| Some(head) != told),
    };
    match found.filter(|&found| level == OWNER || found != duty.owner) {
        None => Recipient::None,
        Some(found) if known.is_known(found) && !known.is_present(found, at) => Recipient::Missing,
        Some(found) => Recipient::Reached(found.to_owned()),
    }
}

/// Whether a level above this one reaches somebody.
fn is_anybody_above(chassis: &Chassis, duty: &Duty, level: i16, at: Timestamp) -> bool {
    (level + 1..=MANAGER).any(|level| matches!(recipient(chassis, duty, level, at), Recipient::Reached(_)))
}

/// Returns when the next escalation is due: the first level from `level` on that is for somebody, as far as is known
/// at `at`; the last level if none is; none after the last level.
fn next(chassis: &Chassis, duty: &Duty, level: i16, at: Timestamp) -> Option<Timestamp> {
    let reaches = |&level: &i16| !matches!(recipient(chassis, duty, level, at), Recipient::None);
    let within = match (level..=MANAGER).find(reaches).or((level <= MANAGER).then_some(MANAGER))? {
        SUPERVISOR => params::ESCALATE_TO_SUPERVISOR,
        _ => params::ESCALATE_TO_MANAGER,
    };
    let breached_at = duty.breached_at.unwrap_or(at);
    Some(chassis.regulation.calendar().due(breached_at, chassis.regulation.get(within)).at)
}
