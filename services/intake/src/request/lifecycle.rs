//! The lifecycle of a request: what can happen to it, under which clause, and which duties that touches.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::language::Text;
use kefu_chassis::lifecycle::{DutyRule, Gate, Lifecycle, Term, Transition};
use kefu_proto::intake::v1::request::{Channel, State};
use kefu_regulation::{Budget, Regulation, params};

mod labels;

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is registered, and the customer waits for the first answer.
    Register,
    /// It is registered by someone who has answered the customer already.
    RegisterAnswered,
    /// The customer is first answered.
    Respond,
    /// The customer is told why they must wait, and how long.
    PromiseWait,
    /// The customer is told so again.
    PromiseWaitAgain,
    /// It is classified.
    Classify,
    /// An internal note is recorded.
    Note,
    /// The customer is told how it goes.
    Inform,
    /// Something is awaited of the customer.
    AwaitCustomer,
    /// The customer gave it.
    CustomerReplied,
    /// It is solved, as we see it.
    Resolve,
    /// The customer says that it is.
    ConfirmSatisfied,
    /// The customer says that it is not.
    ConfirmDissatisfied,
    /// The customer was not reached.
    ConfirmNotReached,
    /// The customer was not reached often enough to give up.
    GiveUp,
    /// The customer comes back after it was closed.
    Reopen,
    /// The customer gives it up.
    Cancel,
}

/// The duties of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// C2.1: the first answer in the channel's time.
    FirstResponse,
    /// C2.2: the answer in the time that was promised.
    PromisedWait,
    /// C2.4: the first judgement.
    Classification,
    /// C4.1: progress told to the customer.
    Progress,
    /// B1.3: the customer told of a delayed shipment.
    DelayNotice,
}

/// What gates and duties ask about a request.
#[derive(Clone, Debug)]
pub struct Facts {
    /// How the customer came.
    pub channel: Channel,
    /// Whether the customer was answered before or is answered now.
    pub is_answered: bool,
    /// When the customer is first answered, if that is now.
    pub answered_at: Option<Timestamp>,
    /// When it was classified, if that is at once.
    pub classified_at: Option<Timestamp>,
    /// Whether it is classified.
    pub is_classified: bool,
    /// The wait promised now.
    pub promised_at: Option<Timestamp>,
    /// How long that wait is, on the clock of its bound.
    pub promised_wait: SignedDuration,
    /// The bound of a promised wait.
    pub promise_at_most: SignedDuration,
    /// Whether this says that the shipment is delayed.
    pub is_delayed: bool,
    /// When the customer is told, if this tells them.
    pub informed_at: Option<Timestamp>,
    /// How often nobody was reached in this cycle, and how often that must be.
    pub attempts: (u32, u32),
    /// On how many working days that was, and on how many it must be.
    pub attempt_days: (u32, u32),
    /// How long ago it was closed, and how long it may be reopened.
    pub closed_for: (SignedDuration, SignedDuration),
}

type Row = Transition<State, Action, Duty, Facts>;

const BEGIN: &[State] = &[State::Unspecified];
const UNANSWERED: &[State] = &[State::Registered];
const WORKING: &[State] = &[State::InProgress];
const WAITING: &[State] = &[State::AwaitingCustomer];
const SOLVED: &[State] = &[State::Resolved];
const UNSOLVED: &[State] = &[State::Registered, State::InProgress, State::AwaitingCustomer];
const OPEN: &[State] = &[State::Registered, State::InProgress, State::AwaitingCustomer, State::Resolved];

const PROMISE_BOUNDED: Gate<Facts> = Gate {
    clause: "C2.2",
    missing: Text::new("the promised wait is longer than the clause lets a wait last", "承诺的等待时间超过规定上限"),
    open: |facts| facts.promised_wait <= facts.promise_at_most,
    of_call: true,
};
const CLASSIFIED: Gate<Facts> = Gate {
    clause: "C2.4",
    missing: Text::new("the request is not classified", "尚未作出初步判断"),
    open: |facts| facts.is_classified,
    of_call: false,
};
const ATTEMPTED: Gate<Facts> = Gate {
    clause: "C4.2",
    missing: Text::new("too few attempts to reach the customer are recorded", "记录的联系客户次数不足"),
    open: |facts| facts.attempts.0 >= facts.attempts.1,
    of_call: false,
};
const ATTEMPTED_ON_DAYS: Gate<Facts> = Gate {
    clause: "C4.2",
    missing: Text::new("the attempts are on too few working days", "联系客户所分布的工作日不足"),
    open: |facts| facts.attempt_days.0 >= facts.attempt_days.1,
    of_call: false,
};
const REOPENABLE: Gate<Facts> = Gate {
    clause: "C4.3",
    missing: Text::new(
        "it was closed too long ago to be reopened: register a new request",
        "关闭时间过久，不能重新受理，请登记新请求",
    ),
    open: |facts| facts.closed_for.0 <= facts.closed_for.1,
    of_call: false,
};

/// The lifecycle of a request.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    transitions: &[
        Row {
            opens: &[Duty::FirstResponse, Duty::Classification, Duty::Progress, Duty::DelayNotice],
            ..Row::row(Action::Register, "A2.1", BEGIN, Some(State::Registered))
        },
        Row {
            opens: &[Duty::FirstResponse, Duty::Classification, Duty::Progress, Duty::DelayNotice],
            ..Row::row(Action::RegisterAnswered, "A2.1", BEGIN, Some(State::InProgress))
        },
        Row {
            meets: &[Duty::FirstResponse, Duty::PromisedWait],
            opens: &[Duty::Progress],
            ..Row::row(Action::Respond, "C2.1", UNANSWERED, Some(State::InProgress))
        },
        Row {
            gates: &[PROMISE_BOUNDED],
            replaces: &[Duty::FirstResponse],
            opens: &[Duty::PromisedWait],
            ..Row::row(Action::PromiseWait, "C2.2", UNANSWERED, None)
        },
        Row {
            gates: &[PROMISE_BOUNDED],
            breaches: &[Duty::PromisedWait],
            ..Row::row(Action::PromiseWaitAgain, "C2.2", UNANSWERED, None)
        },
        Row { meets: &[Duty::Classification], ..Row::row(Action::Classify, "C2.4", UNSOLVED, None) },
        Row { opens: &[Duty::DelayNotice], ..Row::row(Action::Note, "A9.1", OPEN, None) },
        Row {
            meets: &[Duty::Progress, Duty::DelayNotice],
            opens: &[Duty::Progress, Duty::DelayNotice],
            in_order: true,
            ..Row::row(Action::Inform, "C4.1", &[State::Registered, State::InProgress], None)
        },
        // While the customer is awaited, or asked about the solution, no interval of C4.1 runs that a word to them could end.
        Row {
            meets: &[Duty::DelayNotice],
            opens: &[Duty::DelayNotice],
            in_order: true,
            ..Row::row(Action::Inform, "C4.1", &[State::AwaitingCustomer, State::Resolved], None)
        },
        Row {
            pauses: &[Duty::Progress],
            ..Row::row(Action::AwaitCustomer, "C2.3", WORKING, Some(State::AwaitingCustomer))
        },
        Row {
            resumes: &[Duty::Progress],
            ..Row::row(Action::CustomerReplied, "C4.1", WAITING, Some(State::InProgress))
        },
        Row {
            gates: &[CLASSIFIED],
            meets: &[Duty::Progress, Duty::DelayNotice],
            ..Row::row(Action::Resolve, "C3.2", WORKING, Some(State::Resolved))
        },
        Row { ends: true, ..Row::row(Action::ConfirmSatisfied, "C4.2", SOLVED, Some(State::Closed)) },
        Row {
            opens: &[Duty::Progress],
            ..Row::row(Action::ConfirmDissatisfied, "C4.3", SOLVED, Some(State::InProgress))
        },
        Row::row(Action::ConfirmNotReached, "C4.2", SOLVED, None),
        Row {
            gates: &[ATTEMPTED, ATTEMPTED_ON_DAYS],
            ends: true,
            ..Row::row(Action::GiveUp, "C4.2", SOLVED, Some(State::Closed))
        },
        Row {
            gates: &[REOPENABLE],
            opens: &[Duty::Progress],
            ..Row::row(Action::Reopen, "C4.3", &[State::Closed], Some(State::InProgress))
        },
        Row { ends: true, ..Row::row(Action::Cancel, "A9.1", OPEN, Some(State::Cancelled)) },
    ],
    duties: &[
        DutyRule {
            duty: Duty::FirstResponse,
            clause: "C2.1",
            word: "first_response",
            term: |facts, regulation| first_response(facts.channel, regulation).map(Term::Within),
            met_at: |facts| facts.answered_at,
        },
        DutyRule {
            duty: Duty::PromisedWait,
            clause: "C2.2",
            word: "promised_wait",
            term: |facts, _| facts.promised_at.map(Term::Until),
            met_at: |_| None,
        },
        DutyRule {
            duty: Duty::Classification,
            clause: "C2.4",
            word: "classification",
            term: |_, regulation| Some(Term::Within(regulation.get(params::CLASSIFY_WITHIN))),
            met_at: |facts| facts.classified_at,
        },
        DutyRule { duty: Duty::Progress, clause: "C4.1", word: "progress", term: progress, met_at: |_| None },
        DutyRule {
            duty: Duty::DelayNotice,
            clause: "B1.3",
            word: "delay_notice",
            term: |facts, regulation| {
                facts.is_delayed.then(|| Term::Within(regulation.get(params::DELAY_NOTICE_WITHIN)))
            },
            met_at: |facts| facts.informed_at,
        },
    ],
    label: labels::label,
    state_name: |state| state.as_str_name(),
    promised: |facts| facts.promised_at,
};

/// The time that C2.1 gives for the first answer in a channel; none where it names no time.
pub fn first_response(channel: Channel, regulation: &Regulation) -> Option<Budget> {
    match channel {
        Channel::Chat => Some(regulation.get(params::CHAT)),
        Channel::Hotline => Some(regulation.hotline_answer()),
        Channel::Email => Some(regulation.get(params::EMAIL)),
        Channel::Web => Some(regulation.get(params::WEB)),
        Channel::Unspecified | Channel::Fax | Channel::Letter | Channel::OnSite | Channel::Internal => None,
    }
}

/// C4.1 runs from the first answer on, or at once where C2.1 gives no time for one.
fn progress(facts: &Facts, regulation: &Regulation) -> Option<Term> {
    let every = regulation.get(params::PROGRESS_EVERY);
    match facts.answered_at {
        Some(at) => Some(Term::WithinFrom(at, every)),
        None => {
            (facts.is_answered || first_response(facts.channel, regulation).is_none()).then_some(Term::Within(every))
        }
    }
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;
