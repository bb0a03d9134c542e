//! The lifecycle of an improvement: planned, carried out, and checked by somebody else when its time has come (D8.12).

use jiff::Timestamp;
use kefu_chassis::language::Text;
use kefu_chassis::lifecycle::{DutyRule, Gate, Label, Lifecycle, Tells, Term, Transition};
use kefu_chassis::notifications::NoticeKind;
use kefu_proto::complaints::v1::improvement::State;
use kefu_regulation::params;

/// What can happen to an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is planned.
    Plan,
    /// It is carried out.
    Complete,
    /// There were fewer complaints after it.
    FindEffective,
    /// There were not.
    FindIneffective,
}

/// The duties of an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// D8.12: carried out in time.
    Improvement,
    /// D8.12: its effect checked.
    EffectCheck,
}

/// What gates and duties ask about an improvement.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Until when it is to be carried out.
    pub due: Option<Timestamp>,
    /// From when on its effect can be checked, by whom, and their department.
    pub check: Option<(Timestamp, String, String)>,
    /// Whether who checks it is, and was, of another department than the one that carried it out.
    pub is_outside: bool,
    /// Whether that time has come.
    pub is_time: bool,
    /// Whether no complaint is left whose cause, once it is known, could turn the result.
    pub is_decided: bool,
}

type Row = Transition<State, Action, Duty, Facts>;
type Rule = DutyRule<Duty, Facts>;

static PLANNED: NoticeKind = NoticeKind {
    word: "improvement_planned",
    english: "{} is yours to carry out in time.",
    chinese: "{}由您负责按期落实。",
};
static TO_CHECK: NoticeKind = NoticeKind {
    word: "improvement_to_check",
    english: "{} was carried out. Its effect is yours to check when its time has come.",
    chinese: "{}已落实，到期后请您核查其效果。",
};

const OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_outside,
    "nobody checks what their own department carries out",
    "不得由落实部门自行核查效果",
);
const IN_TIME: Gate<Facts> = Gate::on_record(
    "D8.12",
    |facts| facts.is_time,
    "it was carried out too recently for its effect to show",
    "落实后时间过短，尚不能核查效果",
);
const DECIDED: Gate<Facts> = Gate::on_record(
    "D8.12",
    |facts| facts.is_decided,
    "complaints received since are still open without a cause, and the result depends on them",
    "此后受理的投诉中尚有未查明原因者，足以影响核查结果",
);

const DONE: &[State] = &[State::Done];

/// The lifecycle of an improvement.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    transitions: &[
        Row {
            gates: &[OUTSIDE],
            opens: &[Duty::Improvement],
            ..Row::row(Action::Plan, "D8.12", &[State::Unspecified], Some(State::Planned))
        },
        Row {
            meets: &[Duty::Improvement],
            opens: &[Duty::EffectCheck],
            ..Row::row(Action::Complete, "D8.12", &[State::Planned], Some(State::Done))
        },
        Row {
            gates: &[OUTSIDE, IN_TIME, DECIDED],
            meets: &[Duty::EffectCheck],
            ..Row::row(Action::FindEffective, "D8.12", DONE, Some(State::Effective))
        },
        Row {
            gates: &[OUTSIDE, IN_TIME, DECIDED],
            meets: &[Duty::EffectCheck],
            ..Row::row(Action::FindIneffective, "D8.12", DONE, Some(State::Ineffective))
        },
    ],
    duties: &[
        Rule {
            tells: Some(Tells { kind: &PLANNED, to: |_| None, fulfils: false }),
            ..Rule::of(Duty::Improvement, "D8.12", "improvement", |facts, _| facts.due.map(Term::Until))
        },
        Rule {
            holder: |facts| facts.check.as_ref().map(|(_, staff, department)| (staff.as_str(), department.as_str())),
            tells: Some(Tells {
                kind: &TO_CHECK,
                to: |facts| facts.check.as_ref().map(|(_, staff, _)| staff.as_str()),
                fulfils: false,
            }),
            ..Rule::of(Duty::EffectCheck, "D8.12", "effect_check", |facts, regulation| {
                let (from, _, _) = facts.check.as_ref()?;
                Some(Term::WithinFrom(*from, regulation.get(params::CHECK_WITHIN)))
            })
        },
    ],
    label,
    state_name: |state| state.as_str_name(),
    promised: |_| None,
};

fn label(action: Action) -> Label {
    let (method, en, zh) = match action {
        Action::Plan => ("CreateImprovement", "it is planned", "制定改进措施"),
        Action::Complete => ("CompleteImprovement", "it is carried out", "改进措施已落实"),
        Action::FindEffective => ("VerifyImprovement", "there were fewer complaints after it", "核查有效：投诉减少"),
        Action::FindIneffective => {
            ("VerifyImprovement", "there were no fewer complaints after it", "核查无效：投诉未减少")
        }
    };
    Label { method, text: Text::new(en, zh) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use kefu_proto::complaints::v1::improvement_service_server::SERVICE_NAME;
    use kefu_testkit::lifecycle::{
        assert_duties_and_clauses, assert_fits_contract, assert_gates_refuse, assert_illegal_is_refused,
    };

    use super::*;

    fn open_gates() -> Facts {
        Facts { is_outside: true, is_time: true, is_decided: true, ..Facts::default() }
    }

    #[test]
    fn every_action_is_refused_with_its_clause_where_the_table_has_no_row() {
        let states = [State::Unspecified, State::Planned, State::Done, State::Effective, State::Ineffective];
        assert_eq!(assert_illegal_is_refused(&LIFECYCLE, &states, &open_gates()), 16);
    }

    #[test]
    fn every_gate_refuses_with_its_clause_when_what_it_asks_is_missing() {
        let inside = || Facts { is_outside: false, ..open_gates() };
        let early = || Facts { is_time: false, ..open_gates() };
        let open = || Facts { is_decided: false, ..open_gates() };
        let closed = [
            (State::Unspecified, Action::Plan, "A1.1", inside()),
            (State::Done, Action::FindEffective, "A1.1", inside()),
            (State::Done, Action::FindEffective, "D8.12", early()),
            (State::Done, Action::FindEffective, "D8.12", open()),
            (State::Done, Action::FindIneffective, "A1.1", inside()),
            (State::Done, Action::FindIneffective, "D8.12", early()),
            (State::Done, Action::FindIneffective, "D8.12", open()),
        ];
        assert_gates_refuse(&LIFECYCLE, &open_gates(), &closed);
    }

    #[test]
    fn it_agrees_with_the_contract_and_the_rule_book() {
        assert_duties_and_clauses(&LIFECYCLE);
        assert_fits_contract(&LIFECYCLE, &[SERVICE_NAME]);
    }

    #[test]
    fn the_page_of_the_lifecycle_is_the_one_in_the_docs() {
        let page =
            LIFECYCLE.document("The lifecycle of an improvement", "services/complaints/src/improvement/lifecycle.rs");
        expect_file!["../../../../docs/lifecycles/improvement.md"].assert_eq(&page);
    }
}
