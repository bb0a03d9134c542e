//! The lifecycle of a request: what can happen to it, under which clause, and which duties that touches.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::lifecycle::{DutyRule, Gate, Lifecycle, Term, Transition};
use kefu_proto::intake::v1::request::{Channel, State};
use kefu_regulation::{Budget, Regulation, params};

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
    missing: "the promised wait is longer than the clause lets a wait last",
    open: |facts| facts.promised_wait <= facts.promise_at_most,
};
const CLASSIFIED: Gate<Facts> =
    Gate { clause: "C2.4", missing: "the request is not classified", open: |facts| facts.is_classified };
const ATTEMPTED: Gate<Facts> = Gate {
    clause: "C4.2",
    missing: "too few attempts to reach the customer are recorded",
    open: |facts| facts.attempts.0 >= facts.attempts.1,
};
const ATTEMPTED_ON_DAYS: Gate<Facts> = Gate {
    clause: "C4.2",
    missing: "the attempts are on too few working days",
    open: |facts| facts.attempt_days.0 >= facts.attempt_days.1,
};
const REOPENABLE: Gate<Facts> = Gate {
    clause: "C4.3",
    missing: "it was closed too long ago to be reopened: register a new request",
    open: |facts| facts.closed_for.0 <= facts.closed_for.1,
};

/// The lifecycle of a request.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    transitions: &[
        Row {
            opens: &[Duty::FirstResponse, Duty::Classification, Duty::Progress],
            ..Row::row(Action::Register, "A2.1", BEGIN, Some(State::Registered))
        },
        Row {
            opens: &[Duty::FirstResponse, Duty::Classification, Duty::Progress],
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
            ..Row::row(Action::Inform, "C4.1", &[State::Registered, State::InProgress], None)
        },
        // While the customer is awaited, or asked about the solution, no interval of C4.1 runs that a word to them could end.
        Row {
            meets: &[Duty::DelayNotice],
            opens: &[Duty::DelayNotice],
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
mod tests {
    use kefu_chassis::Error;
    use proptest::prelude::*;

    use super::*;

    const STATES: [State; 7] = [
        State::Unspecified,
        State::Registered,
        State::InProgress,
        State::AwaitingCustomer,
        State::Resolved,
        State::Closed,
        State::Cancelled,
    ];
    const ACTIONS: [Action; 17] = [
        Action::Register,
        Action::RegisterAnswered,
        Action::Respond,
        Action::PromiseWait,
        Action::PromiseWaitAgain,
        Action::Classify,
        Action::Note,
        Action::Inform,
        Action::AwaitCustomer,
        Action::CustomerReplied,
        Action::Resolve,
        Action::ConfirmSatisfied,
        Action::ConfirmDissatisfied,
        Action::ConfirmNotReached,
        Action::GiveUp,
        Action::Reopen,
        Action::Cancel,
    ];

    /// Facts under which every gate is open.
    fn open_gates() -> Facts {
        Facts {
            channel: Channel::Chat,
            is_answered: true,
            answered_at: None,
            classified_at: None,
            is_classified: true,
            promised_at: None,
            promised_wait: SignedDuration::ZERO,
            promise_at_most: SignedDuration::ZERO,
            is_delayed: false,
            informed_at: None,
            attempts: (3, 3),
            attempt_days: (3, 3),
            closed_for: (SignedDuration::ZERO, SignedDuration::ZERO),
        }
    }

    #[test]
    fn every_action_has_a_row_and_no_state_has_two_for_it() {
        for action in ACTIONS {
            for state in STATES {
                let rows = LIFECYCLE
                    .transitions
                    .iter()
                    .filter(|row| row.action == action && row.from.contains(&state))
                    .count();
                assert!(rows <= 1, "{action:?} from {state:?}");
            }
            assert!(LIFECYCLE.transitions.iter().any(|row| row.action == action), "{action:?}");
        }
    }

    #[test]
    fn every_action_is_refused_with_its_clause_where_the_table_has_no_row() {
        let mut refused = 0;
        for action in ACTIONS {
            for state in STATES {
                let outcome = LIFECYCLE.fire("requests/1", state, action, &open_gates());
                if LIFECYCLE.transitions.iter().any(|row| row.action == action && row.from.contains(&state)) {
                    assert!(outcome.is_ok(), "{action:?} from {state:?}");
                    continue;
                }
                let Err(Error::State { clause, subject, .. }) = outcome else {
                    panic!("{action:?} from {state:?} is not refused")
                };
                assert_eq!((clause.as_ref(), subject.as_str()), (LIFECYCLE.clause(action), "requests/1"));
                refused += 1;
            }
        }
        assert_eq!(
            refused,
            ACTIONS.len() * STATES.len() - LIFECYCLE.transitions.iter().map(|row| row.from.len()).sum::<usize>()
        );
    }

    #[test]
    fn every_gate_refuses_with_its_clause_when_what_it_asks_is_missing() {
        let closed = [
            (
                State::Registered,
                Action::PromiseWait,
                "C2.2",
                Facts { promised_wait: SignedDuration::from_micros(1), ..open_gates() },
            ),
            (
                State::Registered,
                Action::PromiseWaitAgain,
                "C2.2",
                Facts { promised_wait: SignedDuration::from_micros(1), ..open_gates() },
            ),
            (State::InProgress, Action::Resolve, "C2.4", Facts { is_classified: false, ..open_gates() }),
            (State::Resolved, Action::GiveUp, "C4.2", Facts { attempts: (2, 3), ..open_gates() }),
            (State::Resolved, Action::GiveUp, "C4.2", Facts { attempt_days: (2, 3), ..open_gates() }),
            (
                State::Closed,
                Action::Reopen,
                "C4.3",
                Facts { closed_for: (SignedDuration::from_micros(1), SignedDuration::ZERO), ..open_gates() },
            ),
        ];
        let gates: usize = LIFECYCLE.transitions.iter().map(|row| row.gates.len()).sum();
        assert_eq!(gates, closed.len(), "a gate without a case here");
        for (state, action, clause, facts) in closed {
            assert!(LIFECYCLE.fire("requests/1", state, action, &open_gates()).is_ok(), "{action:?}");
            let Err(Error::Gate { clause: named, .. }) = LIFECYCLE.fire("requests/1", state, action, &facts) else {
                panic!("{action:?} passes")
            };
            assert_eq!(named, clause, "{action:?}");
        }
    }

    #[test]
    fn every_duty_is_opened_and_fulfilled_by_some_action_and_cites_a_clause_of_the_rule_book() {
        let regulation = Regulation::standard();
        for rule in LIFECYCLE.duties {
            assert!(LIFECYCLE.transitions.iter().any(|row| row.opens.contains(&rule.duty)), "{:?}", rule.duty);
            assert!(LIFECYCLE.transitions.iter().any(|row| row.meets.contains(&rule.duty)), "{:?}", rule.duty);
            assert!(regulation.clause(rule.clause).is_some(), "{}", rule.clause);
        }
        for row in LIFECYCLE.transitions {
            assert!(regulation.clause(row.clause).is_some(), "{}", row.clause);
        }
    }

    /// A request that only its lifecycle moves, with what the gates ask kept apart from it.
    #[derive(Debug)]
    struct Walker {
        state: State,
        is_classified: bool,
        attempts: u32,
        days: u32,
        was_confirmed: bool,
    }

    impl Walker {
        fn step(&mut self, action: Action, new_day: bool) {
            let facts = Facts {
                is_classified: self.is_classified,
                attempts: (self.attempts, 3),
                attempt_days: (self.days, 3),
                ..open_gates()
            };
            let Ok(row) = LIFECYCLE.fire("requests/1", self.state, action, &facts) else { return };
            let before = self.state;
            self.state = row.to.unwrap_or(before);
            match action {
                Action::Classify => self.is_classified = true,
                Action::ConfirmNotReached => {
                    self.attempts += 1;
                    self.days += u32::from(new_day || self.days == 0);
                }
                Action::Resolve => (self.attempts, self.days, self.was_confirmed) = (0, 0, false),
                Action::ConfirmSatisfied => self.was_confirmed = true,
                _ => {}
            }
            if self.state == State::Closed && before != State::Closed {
                assert!(before == State::Resolved && self.is_classified, "closed from {before:?}");
                assert!(
                    self.was_confirmed || (self.attempts >= 3 && self.days >= 3),
                    "closed without an answer: {self:?}"
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_walk_reaches_closed_around_a_gate(steps in proptest::collection::vec((0..ACTIONS.len(), any::<bool>()), 1..400)) {
            let mut walker = Walker { state: State::Unspecified, is_classified: false, attempts: 0, days: 0, was_confirmed: false };
            for (action, new_day) in steps {
                walker.step(ACTIONS[action], new_day);
            }
        }
    }
}
