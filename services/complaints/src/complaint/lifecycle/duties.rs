//! The duties of a complaint: clause, time allowed, owner and notices of each.

use kefu_chassis::lifecycle::{DutyRule, NoticeRule, Term};
use kefu_chassis::notifications::NoticeKind;
use kefu_regulation::params;

use super::{Duty, Facts};

type Rule = DutyRule<Duty, Facts>;

static DEPARTMENT_NOTIFIED: NoticeKind = NoticeKind {
    code: "complaint_received",
    english: "{} concerns your department. Please acknowledge that you know of it.",
    chinese: "{}涉及贵部门，请确认已知悉。",
};
static MEASURE_AGREED: NoticeKind = NoticeKind {
    code: "measure_agreed",
    english: "A measure about {} is yours to carry out in the time agreed.",
    chinese: "{}的一项整改措施由您负责，请按约定时间完成。",
};

/// One rule for each duty.
pub const RULES: &[Rule] = &[
    Rule::of(Duty::Acknowledgement, "C5.2", "acknowledgement", |_, regulation| {
        Some(Term::Within(regulation.get(params::APOLOGIZE_WITHIN)))
    }),
    Rule {
        each: Some(|facts| &facts.notified),
        notice: Some(NoticeRule { kind: &DEPARTMENT_NOTIFIED, to: |_| None, fulfils: true }),
        ..Rule::of(Duty::DepartmentNotice, "D8.3", "department_notice", |_, regulation| {
            Some(Term::Within(regulation.get(params::DEPARTMENT_ACKNOWLEDGE_WITHIN)))
        })
    },
    Rule {
        // Until somebody investigates, whoever can have it investigated owes it.
        owner: |facts| {
            let owner = facts.investigator.as_ref().or(facts.in_charge.as_ref());
            owner.map(|(staff, department)| (staff.as_str(), department.as_str()))
        },
        ..Rule::of(Duty::Investigation, "C5.3", "investigation", |_, regulation| {
            Some(Term::Within(regulation.get(params::CONCLUDE_WITHIN)))
        })
    },
    Rule {
        each: Some(|facts| &facts.measures),
        notice: Some(NoticeRule { kind: &MEASURE_AGREED, to: |_| None, fulfils: false }),
        ..Rule::of(Duty::Measure, "D8.8", "measure", |_, _| None)
    },
    Rule {
        recurs: true,
        ..Rule::of(Duty::Progress, "C5.7", "progress", |_, regulation| {
            Some(Term::Within(regulation.get(params::EXECUTION_PROGRESS_EVERY)))
        })
    },
    Rule::of(Duty::Callback, "C5.8", "callback", |facts, regulation| {
        Some(Term::WithinFrom(facts.executed_at?, regulation.get(params::CALLBACK_WITHIN)))
    }),
];
