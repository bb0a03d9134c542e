//! Lifecycles: each aggregate declares its own as a table of transitions. Firing an action looks up its transition from the
//! present state, asks the gates and says what to store.

use std::fmt::Debug;

use crate::error::Error;

/// A state of an aggregate.
pub trait State: Copy + Eq + Debug + 'static {
    /// Its name in the contract, e.g. `IN_PROGRESS`.
    fn name(self) -> &'static str;
}

/// One row of a lifecycle: what an action does, from which states, on which conditions.
pub struct Transition<S: 'static, A: 'static, D: 'static, F: 'static> {
    /// The action.
    pub action: A,
    /// The clause it serves: named when it is refused.
    pub clause: &'static str,
    /// The states it is possible in.
    pub from: &'static [S],
    /// The state it leads to; the same when none.
    pub to: Option<S>,
    /// What must hold.
    pub gates: &'static [Gate<F>],
    /// The duties it fulfils.
    pub meets: &'static [D],
    /// The duties it opens, where their time is known.
    pub opens: &'static [D],
    /// The duties whose clock it stops.
    pub pauses: &'static [D],
    /// The duties whose clock it lets run again.
    pub resumes: &'static [D],
    /// Whether every duty falls away that it does not meet.
    pub ends: bool,
}

/// A condition of a clause.
pub struct Gate<F> {
    /// The clause.
    pub clause: &'static str,
    /// What is missing when it is closed.
    pub missing: &'static str,
    /// Whether it is open.
    pub open: fn(&F) -> bool,
}

/// An aggregate's lifecycle.
pub struct Lifecycle<S: 'static, A: 'static, D: 'static, F: 'static> {
    /// Its rows.
    pub transitions: &'static [Transition<S, A, D, F>],
}

impl<S: State, A: Copy + Eq + Debug, D, F> Lifecycle<S, A, D, F> {
    /// The transition of `action` from `state`, if the lifecycle has one and its gates are open.
    pub fn fire(&self, subject: &str, state: S, action: A, facts: &F) -> Result<&'static Transition<S, A, D, F>, Error> {
        let mut rows = self.transitions.iter().filter(|row| row.action == action);
        let refused = || Error::State {
            subject: subject.to_owned(),
            action: format!("{action:?}"),
            state: state.name().to_owned(),
            clause: self.clause(action).into(),
        };
        let row = rows.find(|row| row.from.contains(&state)).ok_or_else(refused)?;
        match row.gates.iter().find(|gate| !(gate.open)(facts)) {
            Some(gate) => Err(Error::Gate { subject: subject.to_owned(), clause: gate.clause.into(), missing: gate.missing.to_owned() }),
            None => Ok(row),
        }
    }

    /// The clause that `action` serves.
    pub fn clause(&self, action: A) -> &'static str {
        self.transitions.iter().find(|row| row.action == action).map_or("", |row| row.clause)
    }
}

impl<S: Copy, A, D, F> Transition<S, A, D, F> {
    /// The state after it, from `state`.
    pub fn after(&self, state: S) -> S {
        self.to.unwrap_or(state)
    }
}
