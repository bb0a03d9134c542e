//! Escalation: whose breach stays unfulfilled is told upwards. First the owner, at the breach; then their supervisor, then the
//! head of their department, each after the time that clause A9.1 gives.

use jiff::Timestamp;
use kefu_regulation::params;

use super::Duty;
use crate::chassis::Chassis;
use crate::journal::NewEvent;
use crate::notifications::{Notice, NoticeKind};

static OVERDUE: NoticeKind = NoticeKind {
    word: "duty_overdue",
    english: "Your duty under {} is overdue; it must still be fulfilled.",
    chinese: "您在{}项下的时限事项已逾期，仍须完成。",
};
static ESCALATED: NoticeKind = NoticeKind {
    word: "duty_escalated",
    english: "A duty of your staff under {} is overdue and still not fulfilled.",
    chinese: "您下属在{}项下的时限事项已逾期，至今未完成。",
};

/// Who is told of a breach, in this order.
const OWNER: i16 = 0;
const SUPERVISOR: i16 = 1;
const MANAGER: i16 = 2;

/// Tells the next one of a duty's breach, if there is one: the duty changes, and `event` carries change and notice.
pub fn escalate(chassis: &Chassis, duty: &mut Duty, event: NewEvent, at: Timestamp) -> NewEvent {
    let breached_at = duty.breached_at.unwrap_or(at);
    let mut told = duty.told;
    while told <= MANAGER {
        let recipient = recipient(chassis, duty, told, at);
        told += 1;
        if let Some(recipient) = recipient {
            duty.told = told - 1;
            let change = duty.tell(&recipient, next(chassis, told, breached_at), at);
            let kind = if told - 1 == OWNER { &OVERDUE } else { &ESCALATED };
            let notice = Notice {
                kind,
                recipient,
                clause: duty.clause.clone(),
                subject: duty.subject.clone(),
                about: duty.clause.clone(),
                duty: Some(duty.id),
                acknowledgement_required: false,
            };
            return event.touching(change).telling([notice]);
        }
    }
    duty.told = told;
    duty.tell_next_at = None;
    event
}

/// Whom the step of the escalation reaches; nobody twice.
fn recipient(chassis: &Chassis, duty: &Duty, step: i16, at: Timestamp) -> Option<String> {
    let known = chassis.directory.now();
    let supervisor = known.supervisor_of(&duty.owner);
    let found = match step {
        OWNER => Some(duty.owner.as_str()).filter(|owner| owner.starts_with("staff/")),
        SUPERVISOR => supervisor,
        _ => known.responsible(&duty.department, "", at).map(|(head, _)| head).filter(|&head| Some(head) != supervisor),
    };
    found.filter(|&found| step == OWNER || found != duty.owner).map(str::to_owned)
}

/// When the step after this many is due.
fn next(chassis: &Chassis, told: i16, breached_at: Timestamp) -> Option<Timestamp> {
    let within = match told {
        SUPERVISOR => params::ESCALATE_TO_SUPERVISOR,
        MANAGER => params::ESCALATE_TO_MANAGER,
        _ => return None,
    };
    Some(chassis.regulation.calendar().due(breached_at, chassis.regulation.get(within)).at)
}
