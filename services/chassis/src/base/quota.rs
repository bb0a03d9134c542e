//! Quotas of callers: how many slots of something scarce each caller may hold at once, and all callers together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::error::Error;

/// A quota of slots, counted by caller.
#[derive(Clone, Debug)]
pub struct CallerQuota {
    of_each: usize,
    in_all: usize,
    taken: Arc<Mutex<Taken>>,
}

/// The slots that are taken.
#[derive(Debug, Default)]
struct Taken {
    by_caller: HashMap<String, usize>,
    in_all: usize,
}

/// One slot that a caller holds; dropping it gives the slot back.
#[derive(Debug)]
pub struct QuotaSlot {
    caller: String,
    quota: CallerQuota,
}

impl CallerQuota {
    /// Creates a quota of `of_each` slots for each caller, without a bound for all callers together.
    #[must_use]
    pub fn new(of_each: usize) -> Self {
        Self { of_each, in_all: usize::MAX, taken: Arc::default() }
    }

    /// Bounds the slots of all callers together by `in_all`.
    #[must_use]
    pub fn with_total(self, in_all: usize) -> Self {
        Self { in_all, ..self }
    }

    /// Takes a slot for `caller`. Refused as overload when the caller holds `of_each` slots, or all callers together
    /// `in_all`.
    pub fn take(&self, caller: &str) -> Result<QuotaSlot, Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by_caller.get(caller).copied().unwrap_or_default();
        if own >= self.of_each || taken.in_all >= self.in_all {
            return Err(Error::Overloaded);
        }
        taken.by_caller.insert(caller.to_owned(), own + 1);
        taken.in_all += 1;
        Ok(QuotaSlot { caller: caller.to_owned(), quota: self.clone() })
    }
}

impl Drop for QuotaSlot {
    fn drop(&mut self) {
        let mut taken = self.quota.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.by_caller.remove(&self.caller).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            taken.by_caller.insert(std::mem::take(&mut self.caller), left);
        }
        taken.in_all = taken.in_all.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_slots_whatever_others_have_and_what_is_over_counts_no_more() {
        let quota = CallerQuota::new(2);
        let first = quota.take("staff/lin");
        let second = quota.take("staff/lin");
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(quota.take("staff/lin"), Err(Error::Overloaded)));
        assert!(quota.take("staff/mei").is_ok());
        drop(first);
        let third = quota.take("staff/lin");
        assert!(third.is_ok() && quota.take("staff/lin").is_err());
        drop((second, third));
        assert!(quota.taken.lock().unwrap().by_caller.is_empty());
    }

    #[test]
    fn there_are_so_many_of_one_and_so_many_in_all_and_what_is_over_counts_no_more() {
        let quota = CallerQuota::new(2).with_total(3);
        let first = quota.take("staff/lin");
        let second = quota.take("staff/lin");
        assert!(first.is_ok() && second.is_ok() && quota.take("staff/lin").is_err());
        let other = quota.take("staff/mei");
        assert!(other.is_ok() && quota.take("staff/qin").is_err());
        drop(first);
        let third = quota.take("staff/lin");
        assert!(third.is_ok() && quota.take("staff/qin").is_err());
        drop((second, third, other));
        let taken = quota.taken.lock().unwrap();
        assert!(taken.by_caller.is_empty() && taken.in_all == 0);
    }
}
