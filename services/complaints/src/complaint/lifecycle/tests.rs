use kefu_chassis::lifecycle::{SubDuty, Tally};
use kefu_proto::complaints::v1::complaint_service_server::SERVICE_NAME;
use kefu_proto::complaints::v1::evidence_service_server::SERVICE_NAME as EVIDENCE;
use kefu_testkit::lifecycle::{Closed, actions, assert_gates_refuse, assert_owners_can_meet};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::*;

/// So many of three.
fn tally(made: u32) -> Tally {
    Tally { made, required: 3 }
}

/// Facts under which every gate is open, except `NOT_ACKNOWLEDGED`.
fn open_gates() -> Facts {
    Facts {
        is_acknowledged: true,
        is_evidenced: true,
        is_contacted: true,
        is_outside: true,
        has_responsible: true,
        fits_department: true,
        notified: vec![SubDuty {
            subject: "complaints/1".into(),
            owner: "staff/head".into(),
            department: "departments/field".into(),
            due: None,
        }],
        has_plan: true,
        concerns_others: true,
        is_same_version: true,
        speaks_for: Some("departments/desk".into()),
        owns_measure: true,
        can_be_judged: true,
        may_judge: true,
        is_independent: true,
        attempts: tally(3),
        attempt_days: tally(3),
        ..Facts::default()
    }
}

/// The facts of `open_gates`, but before the apology.
fn unacknowledged() -> Facts {
    Facts { is_acknowledged: false, ..open_gates() }
}

kefu_testkit::lifecycle_tests! {
    LIFECYCLE, open by [open_gates(), unacknowledged()], served by [SERVICE_NAME, EVIDENCE],
    page "The lifecycle of a complaint" of "services/complaints/src/complaint/lifecycle.rs"
        in "../../../../../docs/lifecycles/complaint.md"
}

#[test]
fn whoever_owns_a_duty_may_call_what_meets_it() {
    let handles = ["acknowledgement", "progress", "callback"].map(|duty| (duty, "AcknowledgeComplaint"));
    let others = [
        ("investigation", "AssignInvestigator"),
        ("investigation", "ConcludeInvestigation"),
        ("measure", "CompleteMeasure"),
    ];
    assert_owners_can_meet(&LIFECYCLE, &[SERVICE_NAME, EVIDENCE], &[&handles[..], &others].concat());
}

#[test]
fn every_gate_refuses_with_its_clause_when_what_it_asks_is_missing() {
    use State::{Agreed, Approved, Callback, Concluded, Executing, Investigating, Proposed, Registered};
    let open = open_gates;
    let too_few = || Facts { attempts: tally(2), ..open() };
    let too_near = || Facts { attempt_days: tally(2), ..open() };
    let tried = || Facts { has_tried: true, ..open() };
    let one_left = || Facts { measures_left: 1, ..open() };
    let mut closed: Vec<Closed<State, Action, Facts>> = vec![
        (Registered, Action::Classify, "A1.1", Facts { is_outside: false, ..open() }),
        (Registered, Action::Notify, "D8.3", Facts { notified: Vec::new(), ..open() }),
        (Registered, Action::Assign, "A9.1", Facts { fits_department: false, ..open() }),
        (Registered, Action::AssignInvestigator, "A1.1", Facts { is_outside: false, ..open() }),
        (Registered, Action::GoOnUnacknowledged, "C5.8", too_few()),
        (Registered, Action::GoOnUnacknowledged, "C5.8", too_near()),
        (Approved, Action::GoOnUnagreed, "C5.8", too_few()),
        (Registered, Action::GoOnUnacknowledged, "C5.8", tried()),
        (Approved, Action::GoOnUnagreed, "C5.8", tried()),
        (Approved, Action::GoOnUntold, "C5.8", tried()),
        (Callback, Action::CloseWithout, "C5.8", tried()),
        (Approved, Action::GoOnUnagreed, "D8.6", Facts { is_plan_late: true, ..open() }),
        (Approved, Action::GoOnUntold, "C5.8", too_near()),
        (Approved, Action::GoOnUntold, "D8.8", one_left()),
        (Callback, Action::CloseWithout, "C5.8", too_few()),
        (Investigating, Action::Conclude, "A1.1", Facts { is_outside: false, ..open() }),
        (Investigating, Action::Conclude, "C5.2", unacknowledged()),
        (Investigating, Action::Conclude, "C5.4", Facts { is_evidenced: false, ..open() }),
        (Investigating, Action::Conclude, "D8.4", Facts { is_contacted: false, ..open() }),
        (Investigating, Action::Conclude, "D8.5", Facts { has_responsible: false, ..open() }),
        (Concluded, Action::Propose, "D8.6", Facts { has_plan: false, ..open() }),
        (Executing, Action::ProposeAnew, "D8.6", Facts { has_plan: false, ..open() }),
        (Executing, Action::ProposeAnew, "A1.1", Facts { concerns_others: false, ..open() }),
        (Registered, Action::Classify, "A1.1", Facts { clears_own: true, ..open() }),
        (Concluded, Action::Propose, "A1.1", Facts { concerns_others: false, ..open() }),
        (Proposed, Action::ApproveLast, "C5.5", Facts { approvals_left: 1, ..open() }),
        (Approved, Action::Agree, "D8.6", Facts { is_plan_late: true, ..open() }),
        (Approved, Action::AgreeToExplanation, "D8.8", one_left()),
        (Agreed, Action::CompleteLast, "D8.8", one_left()),
        (Executing, Action::CompleteLast, "D8.8", one_left()),
    ];
    closed.extend([
        (Registered, Action::Assign, "A1.1", Facts { is_appointee_accused: true, ..open() }),
        (Registered, Action::AssignInvestigator, "A1.1", Facts { is_appointee_accused: true, ..open() }),
        (Registered, Action::Classify, "A1.1", Facts { was_struck: true, ..open() }),
        (Registered, Action::JudgeNaming, "A1.1", Facts { can_be_judged: false, ..open() }),
        (Registered, Action::JudgeNaming, "A1.1", Facts { may_judge: false, ..open() }),
    ]);
    let others_measure = || Facts { is_accused: true, owns_measure: false, ..open() };
    closed.extend(
        [Action::CompleteMeasure, Action::CompleteLast].map(|action| (Agreed, action, "A1.1", others_measure())),
    );
    for action in [Action::Approve, Action::ApproveLast, Action::Reject] {
        closed.extend([
            (Proposed, action, "C5.5", Facts { speaks_for: None, ..open() }),
            (Proposed, action, "C5.5", Facts { is_same_version: false, ..open() }),
            (Proposed, action, "C5.5", Facts { is_author: true, ..open() }),
            (Proposed, action, "A1.1", Facts { is_independent: false, ..open() }),
        ]);
    }
    // Actions allowed only before the apology.
    let early: Vec<Closed<State, Action, Facts>> =
        [Action::Acknowledge, Action::Attempt, Action::GoOnUnacknowledged, Action::CloseWithout]
            .into_iter()
            .map(|action| (Investigating, action, "C5.2", open()))
            .chain([Action::GoOnUnacknowledged, Action::CloseWithout].into_iter().flat_map(|action| {
                let too_few = Facts { attempts: tally(0), ..unacknowledged() };
                let tried = Facts { has_tried: true, ..unacknowledged() };
                [(Investigating, action, "C5.8", too_few), (Investigating, action, "C5.8", tried)]
            }))
            .collect();
    let (before, after): (Vec<_>, Vec<_>) = LIFECYCLE
        .transitions
        .iter()
        .map(copy)
        .partition(|row| row.gates.iter().any(|gate| gate.clause == "C5.2" && (gate.open)(&unacknowledged())));
    // The guards have a test of their own.
    let bare = |transitions: Vec<Row>| Lifecycle { transitions: transitions.leak(), guards: &[], ..LIFECYCLE };
    assert_gates_refuse(&bare(before), &unacknowledged(), &early);
    assert_gates_refuse(&bare(after), &open_gates(), &closed);
}

/// What everybody may do in a complaint, whoever they are: this list is the whole of it.
const OPEN_TO_ALL: [Action; 2] = [Action::Register, Action::AddEvidence];

#[test]
fn the_accused_and_whoever_reported_somebody_are_refused_every_action_but_the_few_that_decide_nothing() {
    let accused = |facts: Facts| Facts { is_accused: true, owns_measure: false, ..facts };
    let reporter = |facts: Facts| Facts { has_open_report: true, ..facts };
    let refused = |row: &Row, state: State, change: &dyn Fn(Facts) -> Facts| {
        let outcomes = [open_gates(), unacknowledged()].map(|facts| {
            let is_open = LIFECYCLE.fire("complaints/1", state, row.action, &facts).is_ok();
            is_open.then(|| LIFECYCLE.fire("complaints/1", state, row.action, &change(facts)))
        });
        let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
        assert!(!outcomes.is_empty(), "{:?} from {state:?} never opens", row.action);
        outcomes.into_iter().all(
            |outcome| matches!(outcome, Err(kefu_chassis::Error::Gate { clause, .. }) if clause.as_ref() == "A1.1"),
        )
    };
    for row in LIFECYCLE.transitions {
        for &state in row.from {
            let is_barred = refused(row, state, &accused);
            assert_eq!(is_barred, !OPEN_TO_ALL.contains(&row.action), "the accused: {:?} from {state:?}", row.action);
            let decides = !OPEN_TO_THE_REPORTER.contains(&row.action);
            assert_eq!(refused(row, state, &reporter), decides, "the reporter: {:?} from {state:?}", row.action);
        }
    }
}

fn copy(row: &Row) -> Row {
    Row { gates: row.gates, ..Row::row(row.action, row.clause, row.from, row.to) }
}

/// A complaint that only its lifecycle moves. The walker records what has happened, to check that no gate let a wrong
/// action pass.
#[derive(Debug, Default)]
struct Walker {
    state: State,
    acknowledged: bool,
    evidence: bool,
    concluded: bool,
    contacted: bool,
    waived: bool,
    approvals: [bool; 2],
    agreed: bool,
    measures: usize,
    left: usize,
    attempts: u32,
    attempt_days: u32,
    refused: bool,
    satisfied: bool,
    closed_without: bool,
    closings: usize,
}

impl Walker {
    /// Tries an action. The bits of `dice` decide the content of the call.
    fn step(&mut self, action: Action, dice: u32) {
        let bit = |place: u32| dice >> place & 1 == 1;
        let department = usize::from(bit(0));
        let completes = matches!(action, Action::CompleteMeasure | Action::CompleteLast) && self.left > 0;
        let facts = Facts {
            is_acknowledged: self.acknowledged,
            is_evidenced: self.evidence || bit(1),
            is_contacted: self.contacted || self.waived,
            is_outside: bit(2),
            has_responsible: bit(3),
            has_plan: true,
            concerns_others: bit(4),
            speaks_for: (!self.approvals[department]).then(|| "departments/desk".into()),
            is_same_version: bit(5),
            is_author: !bit(6),
            is_accused: !bit(7),
            is_independent: bit(8),
            approvals_left: usize::from(!self.approvals[1 - department]),
            is_plan_late: !bit(9),
            measures_left: self.left - usize::from(completes),
            attempts: tally(self.attempts),
            attempt_days: tally(self.attempt_days),
            has_refused: self.refused && bit(10),
            ..open_gates()
        };
        let Ok(row) = LIFECYCLE.fire("complaints/1", self.state, action, &facts) else { return };
        let before = self.state;
        self.state = row.to.unwrap_or(before);
        self.record_action(action, &facts, department, dice);
        if self.state != before && matches!(self.state, State::Closed | State::Archived) {
            self.check_end(before);
        }
    }

    fn record_action(&mut self, action: Action, facts: &Facts, department: usize, dice: u32) {
        let reset_attempts = |walker: &mut Self| (walker.attempts, walker.attempt_days, walker.refused) = (0, 0, false);
        match action {
            Action::Acknowledge => (self.acknowledged, self.attempts, self.attempt_days) = (true, 0, 0),
            Action::AddEvidence => (self.evidence, self.refused) = (true, self.refused || dice >> 11 & 1 == 1),
            Action::Contact if self.state == State::Investigating => self.contacted = true,
            Action::Attempt => {
                self.attempts += 1;
                self.attempt_days += dice >> 12 & 1;
            }
            Action::GoOnUnacknowledged | Action::GoOnUnagreed | Action::GoOnUntold => {
                let is_ground = facts.has_refused || self.attempts >= 3 && self.attempt_days >= 3;
                assert!(is_ground, "went on without a ground: {self:?}");
                self.waived = true;
                (self.acknowledged, self.agreed) = (true, action != Action::GoOnUnacknowledged || self.agreed);
                reset_attempts(self);
            }
            Action::CloseWithout => {
                self.closed_without = facts.has_refused || self.attempts >= 3 && self.attempt_days >= 3;
            }
            Action::Conclude => {
                assert!(self.acknowledged && (self.contacted || self.waived), "concluded too early: {self:?}");
                self.concluded = facts.is_evidenced && facts.has_responsible && facts.is_outside;
            }
            Action::Propose | Action::ProposeAnew => {
                assert!(facts.concerns_others, "no other department is concerned");
                (self.approvals, self.agreed) = ([false; 2], false);
                (self.attempts, self.attempt_days) = (0, 0);
                self.measures = usize::try_from(dice >> 13 & 3).unwrap();
                self.left = self.measures;
            }
            Action::Approve | Action::ApproveLast => {
                self.approvals[department] =
                    facts.is_same_version && !facts.is_author && !facts.is_accused && facts.is_independent;
            }
            Action::Agree | Action::AgreeToExplanation => {
                assert_eq!(self.approvals, [true; 2], "agreed without every approval");
                assert!(!facts.is_accused, "agreed to by the accused");
                self.agreed = true;
                reset_attempts(self);
            }
            Action::Decline => (self.attempts, self.attempt_days) = (0, 0),
            Action::CompleteMeasure | Action::CompleteLast => {
                assert!(self.agreed, "carried out before it was agreed");
                self.left -= usize::from(self.left > 0);
                (self.attempts, self.attempt_days) = (0, 0);
            }
            Action::Satisfied => self.satisfied = !facts.is_accused,
            Action::Dissatisfied => {
                (self.contacted, self.waived, self.approvals) = (false, false, [false; 2]);
                self.concluded = false;
                reset_attempts(self);
            }
            _ => {}
        }
    }

    fn check_end(&mut self, before: State) {
        if self.state == State::Archived {
            assert!(matches!(before, State::Closed | State::Withdrawn), "archived from {before:?}");
            return;
        }
        self.closings += 1;
        let was_called = before == State::Callback && self.satisfied;
        assert!(was_called || self.closed_without, "closed without an answer: {self:?}");
        if was_called {
            let is_whole = self.concluded && self.agreed && self.left == 0 && self.approvals == [true; 2];
            assert!(is_whole, "closed around a gate: {self:?}");
        }
    }
}

#[test]
fn a_walk_of_ten_thousand_steps_reaches_no_end_around_a_gate() {
    let actions = actions(&LIFECYCLE);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut closings = 0;
    for _ in 0..20 {
        let steps = proptest::collection::vec((0..actions.len(), any::<u32>()), 10_000);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let mut walker = Walker::default();
        for (action, dice) in steps {
            // Most bits are set, so that the gates on the call are mostly open; otherwise no walk would get far.
            walker.step(actions[action], dice | dice.rotate_left(7) | dice.rotate_left(13));
            if matches!(walker.state, State::Archived | State::Withdrawn) {
                closings += walker.closings;
                walker = Walker::default();
            }
        }
    }
    assert!(closings > 100, "the walks hardly got anywhere: {closings}");
}

proptest! {
    #[test]
    fn no_short_walk_does_either(steps in proptest::collection::vec((0..actions(&LIFECYCLE).len(), any::<u32>()), 1..400)) {
        let actions = actions(&LIFECYCLE);
        let mut walker = Walker::default();
        for (action, dice) in steps {
            walker.step(actions[action], dice);
        }
    }
}
