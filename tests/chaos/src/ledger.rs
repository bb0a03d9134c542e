//! What the callers were told is done, to be compared with what the databases hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kefu_proto::intake::v1::request::State;

/// A request, as its caller knows it from acknowledgements alone.
#[derive(Clone, Debug)]
pub struct Known {
    /// The request id it was registered under, which is its description too.
    pub registered_by: String,
    /// Where it stands.
    pub state: State,
    /// The events that it must have.
    pub events: usize,
    /// The texts of its progress.
    pub progress: Vec<String>,
    /// The comments of the contacts with its customer.
    pub contacts: Vec<String>,
    /// The complaint it became.
    pub complaint: Option<String>,
}

/// A repetition that must find a reply: subject, method and request id.
pub type Answered = (String, String, String);

/// Everything acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    /// By the name of the request.
    pub requests: BTreeMap<String, Known>,
    /// Calls that were answered.
    pub answered: BTreeSet<Answered>,
    /// The names of staff who were recorded.
    pub staff: BTreeSet<String>,
}

/// The ledger that all callers write.
#[derive(Default)]
pub struct Ledger {
    entries: Mutex<Entries>,
    violations: Mutex<Vec<String>>,
    told: Mutex<BTreeSet<String>>,
}

impl Ledger {
    /// To read or write.
    pub fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is not as promised. What stays so is told once.
    pub fn violated(&self, what: impl Into<String>) {
        let what = what.into();
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(what.clone()) {
            self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        }
    }

    /// What was not as promised since this was last asked.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *self.violations.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
