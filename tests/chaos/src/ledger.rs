//! Records everything that the services acknowledged to the callers, to be compared with what the databases hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kefu_proto::intake::v1::request::State;

/// Content of a request, as its caller knows it from acknowledgements alone.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// The id of the call that registered the request, which is also the request's description.
    pub registered_by: String,
    /// State after the last acknowledged call.
    pub state: State,
    /// Number of events that the journal must hold for the request.
    pub events: usize,
    /// Texts of the progress recorded for the request.
    pub progress: Vec<String>,
    /// Comments of the contacts with the customer about the request.
    pub contacts: Vec<String>,
    /// Name of the complaint that the request was converted to, if it was.
    pub complaint: Option<String>,
}

/// Key of an acknowledged call, whose repetition must find a stored reply: subject, method and request id.
pub type Answered = (String, String, String);

/// Everything that was acknowledged since the start of the run.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// Acknowledged requests by their names.
    pub requests: BTreeMap<String, Acknowledged>,
    /// Calls to intake that were acknowledged and must have a stored reply.
    pub answered: BTreeSet<Answered>,
    /// Names of the staff that the clerk recorded.
    pub staff: BTreeSet<String>,
}

/// The ledger that all callers write to, with the violations found so far.
#[derive(Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
    violations: Mutex<Vec<String>>,
    told: Mutex<BTreeSet<String>>,
}

impl Ledger {
    /// Locks the entries, to read or write them.
    pub fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a violation. Repeating the same text later in the run has no effect.
    pub fn violated(&self, what: impl Into<String>) {
        let what = what.into();
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(what.clone()) {
            self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        }
    }

    /// Removes and returns the violations recorded since the previous call.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *self.violations.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
