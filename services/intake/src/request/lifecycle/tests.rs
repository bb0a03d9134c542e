use kefu_proto::intake::v1::request_service_server::SERVICE_NAME;
use kefu_testkit::lifecycle::{actions, assert_gates_refuse, assert_owners_can_meet};
use proptest::prelude::*;

use super::*;

/// So many of three.
fn tally(made: u32) -> Tally {
    Tally { made, required: 3 }
}

/// Facts under which every gate is open.
fn open_gates() -> Facts {
    Facts {
        channel: Channel::Chat,
        is_answered: true,
        has_content: true,
        answered_at: None,
        classified_at: None,
        is_classified: true,
        promised_at: None,
        promised_wait: SignedDuration::ZERO,
        promise_at_most: SignedDuration::ZERO,
        is_long_wait: false,
        supervisor: None,
        is_delayed: false,
        informed_at: None,
        attempts: tally(3),
        attempt_days: tally(3),
        closed_for: SignedDuration::ZERO,
        reopen_within: SignedDuration::ZERO,
        was_answered: false,
        in_scope: Some(false),
        is_handed_over: true,
        solved_first: false,
        has_reason: true,
        recipient: Some(("staff/head".into(), "departments/field".into())),
        handed_to: None,
        is_declined: false,
        is_unattended: true,
        fits_department: true,
        is_reported: false,
        is_report_pending: false,
        general_manager: Some("staff/ceo".into()),
        general_managers_deputy: None,
        is_authorized: true,
        open_expectations: 0,
        is_complaint: false,
    }
}

kefu_testkit::lifecycle_tests! {
    LIFECYCLE, open by [open_gates()], served by [SERVICE_NAME],
    page "The lifecycle of a request" of "services/intake/src/request/lifecycle.rs"
        in "../../../../../docs/lifecycles/request.md"
}

/// The recipient of a transfer becomes the owner, whatever their role.
#[test]
fn whoever_owns_a_duty_may_call_what_meets_it() {
    let duties = LIFECYCLE.duties.iter().map(|rule| (rule.code, "AcceptTransfer"));
    assert_owners_can_meet(&LIFECYCLE, &[SERVICE_NAME], &duties.collect::<Vec<_>>());
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
        (State::TransferPending, Action::Respond, "C2.1", Facts { was_answered: true, ..open_gates() }),
        (State::Registered, Action::Respond, "C2.1", Facts { has_content: false, ..open_gates() }),
        (
            State::TransferPending,
            Action::Respond,
            "C2.1",
            Facts { was_answered: false, has_content: false, ..open_gates() },
        ),
        (State::InProgress, Action::Resolve, "C2.4", Facts { is_classified: false, ..open_gates() }),
        (State::InProgress, Action::Resolve, "A2.4", Facts { is_handed_over: false, ..open_gates() }),
        (State::Resolved, Action::ConfirmSatisfied, "A10.7", Facts { open_expectations: 1, ..open_gates() }),
        (State::Resolved, Action::GiveUp, "A10.7", Facts { open_expectations: 1, ..open_gates() }),
        (State::Registered, Action::Claim, "A2.1", Facts { is_unattended: false, ..open_gates() }),
        (State::Registered, Action::Assign, "A2.1", Facts { fits_department: false, ..open_gates() }),
        (
            State::InProgress,
            Action::Transfer,
            "A2.3",
            Facts { in_scope: Some(true), has_reason: false, ..open_gates() },
        ),
        (State::InProgress, Action::Transfer, "A2.4", Facts { recipient: None, ..open_gates() }),
        (State::Registered, Action::MarkMajor, "A2.5", Facts { is_reported: true, ..open_gates() }),
        (State::Registered, Action::MarkMajor, "A2.5", Facts { is_report_pending: true, ..open_gates() }),
        (State::TransferPending, Action::AnswerFirst, "C2.1", Facts { was_answered: true, ..open_gates() }),
        (State::Registered, Action::MarkMajor, "A2.5", Facts { general_manager: None, ..open_gates() }),
        (State::InProgress, Action::StartRemote, "A10.5", Facts { is_authorized: false, ..open_gates() }),
        (State::Registered, Action::Convert, "C5.1", Facts { is_complaint: true, ..open_gates() }),
        (State::Resolved, Action::GiveUp, "C4.2", Facts { attempts: tally(2), ..open_gates() }),
        (State::Resolved, Action::GiveUp, "C4.2", Facts { attempt_days: tally(2), ..open_gates() }),
        (State::Closed, Action::Reopen, "C4.3", Facts { closed_for: SignedDuration::from_micros(1), ..open_gates() }),
    ];
    assert_gates_refuse(&LIFECYCLE, &open_gates(), &closed);
}

/// A request that only its lifecycle moves, with the facts that the gates read, so that a walk can check them.
#[derive(Debug)]
struct Walker {
    state: State,
    is_classified: bool,
    attempts: u32,
    days: u32,
    was_confirmed: bool,
    expectations: u32,
}

impl Walker {
    fn step(&mut self, action: Action, new_day: bool) {
        let facts = Facts {
            is_classified: self.is_classified,
            attempts: tally(self.attempts),
            attempt_days: tally(self.days),
            open_expectations: self.expectations,
            ..open_gates()
        };
        let Ok(row) = LIFECYCLE.fire("requests/1", self.state, action, &facts) else { return };
        let before = self.state;
        self.state = row.to.unwrap_or(before);
        match action {
            Action::RecordExpectation => self.expectations += 1,
            Action::AnswerExpectation => self.expectations = self.expectations.saturating_sub(1),
            Action::ClassifyInScope | Action::ClassifyOutOfScope => self.is_classified = true,
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
            assert_eq!(self.expectations, 0, "closed with an expectation unanswered");
            assert!(self.was_confirmed || (self.attempts >= 3 && self.days >= 3), "closed without an answer: {self:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_walk_reaches_closed_around_a_gate(steps in proptest::collection::vec((0..actions(&LIFECYCLE).len(), any::<bool>()), 1..400)) {
        let mut walker = Walker { state: State::Unspecified, is_classified: false, attempts: 0, days: 0, was_confirmed: false, expectations: 0 };
        let actions = actions(&LIFECYCLE);
        for (action, new_day) in steps {
            walker.step(actions[action], new_day);
        }
    }
}
