//! Quotas of callers: how many slots of something scarce each caller may hold at once, and all callers together; and how
//! many bytes each may leave unread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::error::Error;

/// A quota of slots, counted by caller.
#[derive(Clone, Debug)]
pub struct CallerQuota {
    of_each: usize,
    in_all: usize,
    bytes_of_each: usize,
    taken: Arc<Mutex<Taken>>,
}

/// The slots that are taken.
#[derive(Debug, Default)]
struct Taken {
    by_caller: HashMap<String, Share>,
    in_all: usize,
}

/// What one caller holds.
#[derive(Debug, Default)]
struct Share {
    slots: usize,
    bytes: usize,
}

/// One slot that a caller holds; dropping it gives the slot back.
#[derive(Debug)]
pub struct QuotaSlot {
    caller: String,
    quota: CallerQuota,
}

/// Bytes that a caller leaves unread; dropping them gives their room back.
#[derive(Debug)]
pub struct UnreadBytes {
    slot: Arc<QuotaSlot>,
    bytes: usize,
}

impl CallerQuota {
    /// Creates a quota of `of_each` slots for each caller, without a bound for all callers together.
    #[must_use]
    pub fn new(of_each: usize) -> Self {
        Self { of_each, in_all: usize::MAX, bytes_of_each: usize::MAX, taken: Arc::default() }
    }

    /// Bounds what each caller may leave unread by `bytes_of_each`.
    #[must_use]
    pub fn with_bytes(self, bytes_of_each: usize) -> Self {
        Self { bytes_of_each, ..self }
    }

    /// Bounds the slots of all callers together by `in_all`.
    #[must_use]
    pub fn with_total(self, in_all: usize) -> Self {
        Self { in_all, ..self }
    }

    /// Takes a slot for `caller`. Refused as overload when the caller holds `of_each` slots, or all callers together
    /// `in_all`.
    pub fn take(&self, caller: &str) -> Result<QuotaSlot, Error> {
        let mut taken = self.lock();
        let own = taken.by_caller.get(caller).map_or(0, |share| share.slots);
        if own >= self.of_each || taken.in_all >= self.in_all {
            return Err(Error::Overloaded);
        }
        taken.by_caller.entry(caller.to_owned()).or_default().slots += 1;
        taken.in_all += 1;
        Ok(QuotaSlot { caller: caller.to_owned(), quota: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl QuotaSlot {
    /// Counts bytes of an answer until they are read. Refused as overload when the caller would leave more unread than it
    /// may; what is the only thing unread is never refused.
    pub fn hold(self: &Arc<Self>, bytes: usize) -> Result<UnreadBytes, Error> {
        let mut taken = self.quota.lock();
        let unread = &mut taken.by_caller.entry(self.caller.clone()).or_default().bytes;
        if *unread > 0 && unread.saturating_add(bytes) > self.quota.bytes_of_each {
            return Err(Error::Overloaded);
        }
        *unread += bytes;
        drop(taken);
        Ok(UnreadBytes { slot: self.clone(), bytes })
    }

    /// Counts bytes of an answer that must not be refused.
    #[must_use]
    pub fn hold_anyway(self: &Arc<Self>, bytes: usize) -> UnreadBytes {
        self.quota.lock().by_caller.entry(self.caller.clone()).or_default().bytes += bytes;
        UnreadBytes { slot: self.clone(), bytes }
    }
}

impl Drop for UnreadBytes {
    fn drop(&mut self) {
        if let Some(share) = self.slot.quota.lock().by_caller.get_mut(&self.slot.caller) {
            share.bytes = share.bytes.saturating_sub(self.bytes);
        }
    }
}

impl Drop for QuotaSlot {
    fn drop(&mut self) {
        let mut taken = self.quota.lock();
        if let Some(share) = taken.by_caller.get_mut(&self.caller) {
            share.slots = share.slots.saturating_sub(1);
            if share.slots == 0 {
                taken.by_caller.remove(&self.caller);
            }
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
    fn a_caller_leaves_so_many_bytes_unread_whatever_others_do_unless_it_is_one_answer() {
        let quota = CallerQuota::new(3).with_bytes(10);
        let take = |caller| Arc::new(quota.take(caller).unwrap());
        let (first, second, other) = (take("staff/lin"), take("staff/lin"), take("staff/mei"));
        let large = first.hold(11).unwrap();
        assert!(matches!(second.hold(1), Err(Error::Overloaded)));
        assert!(other.hold(1).is_ok());
        drop(large);
        let small = [first.hold(4), second.hold(6)];
        assert!(small.iter().all(Result::is_ok) && first.hold(1).is_err());
        drop(small);
        assert!(second.hold(10).is_ok());
        drop((first, second, other));
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
