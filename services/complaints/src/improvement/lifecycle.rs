//! The lifecycle of an improvement: planned, carried out, and later checked by somebody of another department (D8.12).

use jiff::Timestamp;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::lifecycle::{DutyRule, Gate, Lifecycle, NoticeRule, Reach, Term, Transition};
use kefu_chassis::notifications::NoticeKind;
use kefu_proto::complaints::v1::improvement::State;
use kefu_regulation::params;

kefu_chassis::actions! {
    /// What can happen to an improvement.
    pub enum Action {
        Plan: CreateImprovement, "it is planned", "制定改进措施";
        Complete: CompleteImprovement, "it is carried out", "改进措施已落实";
        FindEffective: VerifyImprovement, "there were fewer complaints after it", "核查有效：投诉减少";
        FindIneffective: VerifyImprovement, "there were no fewer complaints after it", "核查无效：投诉未减少";
    }
}

/// The duties of an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// D8.12: carrying out the improvement in time.
    Improvement,
    /// D8.12: check of the effect.
    EffectCheck,
}

/// Facts about an improvement and an action on it, which gates and duties read.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Time by which the improvement is to be carried out.
    pub due: Option<Timestamp>,
    /// Person who checks the effect.
    pub verifier: String,
    /// The verifier's department at the time of the action.
    pub verifiers_department: String,
    /// Time from which the effect can be checked; none before the improvement is carried out.
    pub check_at: Option<Timestamp>,
    /// Whether the checker is outside the department that carries the improvement out, and was since `insider_for` before
    /// that.
    pub is_outside: bool,
    /// Method and person of an action that clause A1.1 separates from that person, and that nobody less concerned can
    /// take or be appointed to.
    pub deviation: Option<(String, String)>,
    /// Whether `check_at` has come.
    pub is_time: bool,
    /// Whether the result is final: no open complaint's cause could still change it.
    pub is_final: bool,
}

type Row = Transition<State, Action, Duty, Facts>;
type Rule = DutyRule<Duty, Facts>;

static PLANNED: NoticeKind = NoticeKind {
    code: "improvement_planned",
    english: "{} is yours to carry out in time.",
    chinese: "{}由您负责按期落实。",
};
static TO_CHECK: NoticeKind = NoticeKind {
    code: "improvement_to_check",
    english: "{} was carried out. Its effect is yours to check when its time has come.",
    chinese: "{}已落实，到期后请您核查其效果。",
};

const VERIFIER: Option<Reach<Facts>> = Some(Reach {
    whose: "whoever checks its effect",
    of: |facts, _| Stakeholders::of(&facts.verifier, &facts.verifiers_department),
});

const OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_outside,
    "nobody checks what a department carries out of which they are, or were in the time before that counts",
    "改进措施的效果，不得由落实部门的人员（包括在规定期限内曾属该部门的）核查",
);
const IN_TIME: Gate<Facts> = Gate::on_record(
    "D8.12",
    |facts| facts.is_time,
    "it was carried out too recently for its effect to show",
    "落实后时间过短，尚不能核查效果",
);
const FINAL: Gate<Facts> = Gate::on_record(
    "D8.12",
    |facts| facts.is_final,
    "complaints received since are still open without a cause, and the result depends on them",
    "此后受理的投诉中，尚有未查明原因的，可能影响核查结果",
);

const DONE: &[State] = &[State::Done];

/// The lifecycle of an improvement.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    guards: &[],
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
            reach: VERIFIER,
            gates: &[OUTSIDE, IN_TIME, FINAL],
            meets: &[Duty::EffectCheck],
            ..Row::row(Action::FindEffective, "D8.12", DONE, Some(State::Effective))
        },
        Row {
            reach: VERIFIER,
            gates: &[OUTSIDE, IN_TIME, FINAL],
            meets: &[Duty::EffectCheck],
            ..Row::row(Action::FindIneffective, "D8.12", DONE, Some(State::Ineffective))
        },
    ],
    duties: &[
        Rule {
            notice: Some(NoticeRule { kind: &PLANNED, to: |_| None, fulfils: false }),
            ..Rule::of(Duty::Improvement, "D8.12", "improvement", |facts, _| facts.due.map(Term::Until))
        },
        Rule {
            owner: |facts| Some((facts.verifier.as_str(), facts.verifiers_department.as_str())),
            notice: Some(NoticeRule { kind: &TO_CHECK, to: |facts| Some(&facts.verifier), fulfils: false }),
            ..Rule::of(Duty::EffectCheck, "D8.12", "effect_check", |facts, regulation| {
                Some(Term::WithinFrom(facts.check_at?, regulation.get(params::CHECK_WITHIN)))
            })
        },
    ],
    label: Action::label,
    state_name: |state| state.as_str_name(),
    states: "kefu.complaints.v1.Improvement.State",
    promised: |_| None,
};

#[cfg(test)]
mod tests;
