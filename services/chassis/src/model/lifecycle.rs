//! Lifecycles. Each aggregate declares its own as two tables, of transitions and of duties. [`Lifecycle::fire`] finds
//! the transition of an action from the present state and asks its gates; [`Lifecycle::duty_effects`] applies it to the
//! duties.

use jiff::Timestamp;
use kefu_proto::rules::v1::FieldRule;
use kefu_regulation::Regulation;

use crate::base::error::{Error, StateName};
use crate::base::language::Text;
use crate::contract::call::Stakeholders;
use crate::model::duty::Entry;

mod document;
mod duties;
pub mod explain;

pub use duties::{DutyEffects, DutyRule, NoticeRule, SubDuty, Term};

/// One row of a lifecycle: an action, the states it is possible in, its conditions and its effects.
pub struct Transition<S: 'static, A: 'static, D: 'static, F: 'static> {
    /// The action.
    pub action: A,
    /// The clause that the action serves; a refusal names it.
    pub clause: &'static str,
    /// The states in which the action is possible.
    pub from: &'static [S],
    /// The state that the action leads to; none when the state stays.
    pub to: Option<S>,
    /// Who may take the action, where that is not just the owner; the same for all rows of one method.
    pub reach: Option<Reach<F>>,
    /// The conditions, all of which must hold.
    pub gates: &'static [Gate<F>],
    /// The duties that the action fulfils.
    pub meets: &'static [D],
    /// The duties that the action opens, where they have a term and none of their kind is live; and the deviations that
    /// it is.
    pub opens: &'static [D],
    /// The duties whose clock the action pauses.
    pub pauses: &'static [D],
    /// The duties whose clock the action resumes.
    pub resumes: &'static [D],
    /// The duties whose due time the action replaces by the promised one, unless their due time had passed, or the action
    /// is recorded too long after it (A9.1).
    pub replaces: &'static [D],
    /// The duties that the action attempts to fulfil, and reaches nobody. Each counts as attempted, and the next of its
    /// kind is due at the end of the next working day. Another attempt on the same day changes nothing.
    pub attempts: &'static [D],
    /// The duties that the action voids.
    pub voids: &'static [D],
    /// Whether the action fulfils only duties that had been opened when it happened. This is for duties in a series,
    /// e.g. a progress report every week: each report fulfils one duty and opens the next. A report that is recorded
    /// after a later one divides the interval that it falls in.
    pub only_begun: bool,
    /// Series of duties that begin with the action, though they are known to begin later: the first interval ends where they
    /// began so far. This is for what happened first and is recorded after something later.
    pub begins: &'static [D],
    /// Whether the subject changes hands. Each duty that is not late goes to the owner that it would have if it
    /// were opened now.
    pub reassigns: bool,
    /// Whether the action ends the subject. It voids every duty that it does not fulfil, except those that survive
    /// their subject's end.
    pub voids_rest: bool,
}

impl<S, A, D, F> Transition<S, A, D, F> {
    /// Creates a row that leads from `from` to `to`, without gates or effects on duties; rows of a table add theirs to
    /// it.
    pub const fn row(action: A, clause: &'static str, from: &'static [S], to: Option<S>) -> Self {
        Self {
            action,
            clause,
            from,
            to,
            reach: None,
            gates: &[],
            meets: &[],
            opens: &[],
            pauses: &[],
            resumes: &[],
            replaces: &[],
            attempts: &[],
            voids: &[],
            only_begun: false,
            begins: &[],
            reassigns: false,
            voids_rest: false,
        }
    }
}

/// A condition that a clause sets for an action.
pub struct Gate<F> {
    /// The clause.
    pub clause: &'static str,
    /// What is missing when the gate is closed.
    pub missing: Text,
    /// Returns whether the gate is open.
    pub open: fn(&F) -> bool,
    /// Whether the gate asks about what the call says, rather than about what is on record.
    pub of_call: bool,
    /// The field of the call's request that could open the gate, and the rule that it breaks while the gate is closed.
    pub field: Option<(&'static str, FieldRule)>,
}

/// A gate that stands before every action of a lifecycle, so that no row can forget it.
pub struct Guard<A: 'static, F> {
    /// The gate.
    pub gate: Gate<F>,
    /// The actions that the gate does not stand before.
    pub except: &'static [A],
}

/// How often something was done, and how often a clause requires it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often it was done.
    pub made: u32,
    /// How often it must be done.
    pub required: u32,
}

/// Who may take an action.
pub struct Reach<F> {
    /// The people in words, for the page of the lifecycle, e.g. `its investigator`.
    pub whose: &'static str,
    /// Returns those who may act, given the facts and all stakeholders of the subject.
    pub of: for<'a> fn(&'a F, Stakeholders<'a>) -> Stakeholders<'a>,
}

/// The name of an action.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// The method that takes the action, e.g. `PauseDuty`; a refusal names it. One method may take several actions.
    pub method: &'static str,
    /// What happens, as a sentence without a full stop.
    pub text: Text,
}

/// Declares the actions of a lifecycle, each with the method that takes it and with what happens, in both languages, as
/// a sentence without a full stop. One method may take several actions.
#[macro_export]
macro_rules! actions {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident {
        $($action:ident: $method:ident, $english:literal, $chinese:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $(#[doc = concat!("`", stringify!($method), "`: ", $english, ".")] $action,)*
        }

        impl $name {
            /// Returns the name of the action.
            pub fn label(self) -> $crate::lifecycle::Label {
                let (method, english, chinese) = match self {
                    $(Self::$action => (stringify!($method), $english, $chinese),)*
                };
                $crate::lifecycle::Label { method, text: $crate::language::Text::new(english, chinese) }
            }
        }
    };
}

/// An aggregate's lifecycle.
pub struct Lifecycle<S: 'static, A: 'static, D: 'static, F: 'static> {
    /// The gates before every action, asked before those of the row.
    pub guards: &'static [Guard<A, F>],
    /// The rows of its actions.
    pub transitions: &'static [Transition<S, A, D, F>],
    /// The rules of its duties.
    pub duties: &'static [DutyRule<D, F>],
    /// The names of its actions.
    pub label: fn(A) -> Label,
    /// The name of a state in the contract.
    pub state_name: fn(S) -> &'static str,
    /// The full name of the enum of its states in the contract, e.g. `kefu.intake.v1.Request.State`.
    pub states: &'static str,
    /// Returns the due time that the facts promise, for the rows that replace a due time.
    pub promised: fn(&F) -> Option<Timestamp>,
}

/// The circumstances of an action: its subject, its actor and its times.
#[derive(Clone, Copy, Debug)]
pub struct ActionContext<'a> {
    /// The resource's name.
    pub subject: &'a str,
    /// What people call the resource, e.g. its number.
    pub about: &'a str,
    /// The resource's owner.
    pub owner: &'a str,
    /// The department responsible.
    pub department: &'a str,
    /// Who acts.
    pub actor: &'a str,
    /// Whether they lead.
    pub leads: bool,
    /// When the action happened.
    pub at: Timestamp,
    /// When the action is recorded.
    pub now: Timestamp,
    /// The regulation in force.
    pub regulation: &'a Regulation,
}

impl<'a> ActionContext<'a> {
    /// Returns the entry that the action makes in the record.
    fn entry(&self) -> Entry<'a> {
        Entry { at: self.at, now: self.now, by: self.actor, leads: self.leads, regulation: self.regulation }
    }
}

impl Tally {
    /// Whether it was done often enough.
    #[must_use]
    pub fn is_enough(self) -> bool {
        self.made >= self.required
    }
}

impl<F> Gate<F> {
    /// Creates a gate that asks about what is on record.
    pub const fn on_record(clause: &'static str, open: fn(&F) -> bool, en: &'static str, zh: &'static str) -> Self {
        Self { clause, missing: Text::new(en, zh), open, of_call: false, field: None }
    }

    /// Creates a gate that asks about what the call says.
    pub const fn of_call(clause: &'static str, open: fn(&F) -> bool, en: &'static str, zh: &'static str) -> Self {
        Self { clause, missing: Text::new(en, zh), open, of_call: true, field: None }
    }

    /// Names the field of the request that could open the gate, and the rule that it breaks while the gate is closed.
    #[must_use]
    pub const fn at(self, field: &'static str, rule: FieldRule) -> Self {
        Self { field: Some((field, rule)), ..self }
    }

    /// Creates the refusal of an action on `subject` by this gate.
    #[must_use]
    pub fn refusal(&self, subject: &str) -> Error {
        let (clause, missing) = (self.clause.into(), self.missing);
        Error::Gate { subject: subject.to_owned(), clause, missing, field: self.field }
    }
}

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// Returns the transition of `action` from `state`. Refused when the lifecycle has none, or one of its gates is closed.
    pub fn fire(
        &self,
        subject: &str,
        state: S,
        action: A,
        facts: &F,
    ) -> Result<&'static Transition<S, A, D, F>, Error> {
        let row = self.row(action, state).ok_or_else(|| self.refusal(subject, state, action))?;
        match self.gates(row).find(|gate| !(gate.open)(facts)) {
            Some(gate) => Err(gate.refusal(subject)),
            None => Ok(row),
        }
    }

    /// Returns the gates of a row: the guards that stand before its action, and its own.
    pub fn gates<'a>(&'a self, row: &'a Transition<S, A, D, F>) -> impl Iterator<Item = &'a Gate<F>> {
        let guards = self.guards.iter().filter(|guard| !guard.except.contains(&row.action));
        guards.map(|guard| &guard.gate).chain(row.gates)
    }

    /// Whether the lifecycle has `action` from `state`, whatever its gates say.
    pub fn is_possible(&self, action: A, state: S) -> bool {
        self.row(action, state).is_some()
    }

    /// Returns the transition of `action` from `state`, if the lifecycle has one.
    fn row(&self, action: A, state: S) -> Option<&'static Transition<S, A, D, F>> {
        self.transitions.iter().find(|row| row.action == action && row.from.contains(&state))
    }

    /// Creates the refusal of an action that the lifecycle does not have from `state`.
    fn refusal(&self, subject: &str, state: S, action: A) -> Error {
        Error::State {
            subject: subject.to_owned(),
            method: (self.label)(action).method.into(),
            state: StateName::Value { kind: self.states, name: (self.state_name)(state) },
            clause: self.clause(action).into(),
        }
    }

    /// Returns those of `all` stakeholders of the subject who may act on it with `method`: those whom `reach` of the
    /// method's rows selects; without a `reach`, everybody but the further parties.
    pub fn reach<'a>(&self, method: &str, facts: &'a F, all: Stakeholders<'a>) -> Stakeholders<'a> {
        let row = self.transitions.iter().find(|row| (self.label)(row.action).method == method);
        match row.and_then(|row| row.reach.as_ref()) {
            Some(reach) => (reach.of)(facts, all),
            None => all.without_parties(),
        }
    }

    /// Returns the clause that `action` serves; empty for an action that no row has.
    pub fn clause(&self, action: A) -> &'static str {
        self.transitions.iter().find(|row| row.action == action).map_or("", |row| row.clause)
    }
}
