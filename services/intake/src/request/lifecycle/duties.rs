//! The duties of a request: clause, time allowed, owner and notices of each.

use kefu_chassis::lifecycle::{DutyRule, NoticeRule, Term};
use kefu_chassis::notifications::NoticeKind;
use kefu_proto::contacts::v1::Channel;
use kefu_regulation::{Budget, Regulation, params};

use super::{Duty, Facts};

type Rule = DutyRule<Duty, Facts>;

static TRANSFERRED: NoticeKind = NoticeKind {
    code: "transfer_received",
    english: "{} was handed to you: accept it, or decline it with a reason.",
    chinese: "{}已转交给您，请接收，或说明理由后退回。",
};
static MAJOR: NoticeKind = NoticeKind {
    code: "major_matter",
    english: "{} is of major importance. Please acknowledge that you know of it.",
    chinese: "{}已列为重大事项，请确认已知悉。",
};

static LONG_PROMISE: NoticeKind = NoticeKind {
    code: "long_promise",
    english: "In {} one of your staff promised a wait that is longer than usual.",
    chinese: "{}中您的下属承诺的等待时间偏长。",
};
static LONG_WAIT: NoticeKind = NoticeKind {
    code: "long_wait",
    english: "In {} one of your staff awaited the customer longer than usual.",
    chinese: "{}中您的下属等待客户的时间偏长。",
};

/// One rule for each duty.
pub const RULES: &[Rule] = &[
    Rule {
        met_at: |facts| facts.answered_at,
        ..Rule::of(Duty::FirstResponse, "C2.1", "first_response", |facts, regulation| {
            Some(Term::Within(first_response(facts.channel, regulation)))
        })
    },
    Rule::of(Duty::PromisedWait, "C2.2", "promised_wait", |facts, _| facts.promised_at.map(Term::Until)),
    Rule::deviation(Duty::SecondPromise, "C2.2", "second_promise", |_| true),
    Rule {
        notice: Some(NoticeRule { kind: &LONG_PROMISE, to: |facts| facts.supervisor.as_deref(), fulfils: false }),
        ..Rule::deviation(Duty::LongPromise, "C2.2", "long_promise", |facts| facts.is_long_wait)
    },
    Rule {
        notice: Some(NoticeRule { kind: &LONG_WAIT, to: |facts| facts.supervisor.as_deref(), fulfils: false }),
        ..Rule::deviation(Duty::LongWait, "C4.1", "long_wait", |facts| facts.is_long_wait)
    },
    Rule {
        met_at: |facts| facts.classified_at,
        ..Rule::of(Duty::Classification, "C2.4", "classification", |_, regulation| {
            Some(Term::Within(regulation.get(params::CLASSIFY_WITHIN)))
        })
    },
    Rule { recurs: true, ..Rule::of(Duty::Progress, "C4.1", "progress", progress) },
    Rule {
        met_at: |facts| facts.informed_at,
        ..Rule::of(Duty::DelayNotice, "B1.3", "delay_notice", |facts, regulation| {
            facts.is_delayed.then(|| Term::Within(regulation.get(params::DELAY_NOTICE_WITHIN)))
        })
    },
    Rule::of(Duty::Question, "C4.2", "question", |_, regulation| {
        Some(Term::Within(regulation.get(params::ASK_WITHIN)))
    }),
    Rule {
        met_at: |facts| facts.classified_at.filter(|_| facts.in_scope == Some(true)),
        ..Rule::of(Duty::PassOn, "A2.8", "pass_on", |facts, regulation| {
            // A request is with the right department if it was handed over, or if it is in scope and its transfer was
            // declined.
            let is_with_right_department = facts.is_declined && facts.in_scope == Some(true) || facts.is_handed_over;
            (!is_with_right_department).then(|| Term::Within(regulation.get(params::PASS_ON_WITHIN)))
        })
    },
    Rule {
        owner: |facts| facts.recipient.as_ref().map(|(staff, department)| (staff.as_str(), department.as_str())),
        notice: Some(NoticeRule {
            kind: &TRANSFERRED,
            to: |facts| facts.recipient.as_ref().map(|(staff, _)| staff.as_str()),
            fulfils: false,
        }),
        ..Rule::of(Duty::TransferAnswer, "A2.4", "transfer_answer", |_, regulation| {
            Some(Term::Within(regulation.get(params::ACCEPT_WITHIN)))
        })
    },
    Rule {
        notice: Some(NoticeRule { kind: &MAJOR, to: |facts| facts.general_manager.as_deref(), fulfils: true }),
        also_told: |facts| facts.general_managers_deputy.as_deref(),
        survives_end: true,
        ..Rule::of(Duty::MajorReport, "A2.5", "major_report", |_, regulation| {
            Some(Term::Within(regulation.get(params::REPORT_WITHIN)))
        })
    },
    Rule {
        survives_end: true,
        ..Rule::of(Duty::WorkOrder, "A2.6", "work_order", |facts, regulation| {
            facts.solved_first.then(|| Term::Within(regulation.get(params::WORK_ORDER_WITHIN)))
        })
    },
];

/// The time that C2.1 allows for the first answer in a channel.
pub fn first_response(channel: Channel, regulation: &Regulation) -> Budget {
    match channel {
        Channel::Chat => regulation.get(params::CHAT),
        Channel::Hotline => regulation.hotline_answer(),
        Channel::Email => regulation.get(params::EMAIL),
        Channel::Web => regulation.get(params::WEB),
        Channel::Unspecified | Channel::Fax | Channel::Letter | Channel::OnSite | Channel::Internal => {
            regulation.get(params::OTHER_CHANNELS)
        }
    }
}

/// The interval of C4.1, which starts at the first answer.
fn progress(facts: &Facts, regulation: &Regulation) -> Option<Term> {
    let every = regulation.get(params::PROGRESS_EVERY);
    match facts.answered_at {
        Some(at) => Some(Term::WithinFrom(at, every)),
        None => facts.is_answered.then_some(Term::Within(every)),
    }
}
