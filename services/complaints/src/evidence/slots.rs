//! Limits uploads at once, in all and of one caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kefu_chassis::Error;

/// The uploads under way.
#[derive(Clone, Debug)]
pub struct Slots {
    in_all: usize,
    of_one: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// The right to one upload, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    subject: String,
    slots: Slots,
}

impl Slots {
    /// Allows `in_all` uploads, of them `of_one` to one caller.
    pub fn new(in_all: usize, of_one: usize) -> Self {
        Self { in_all, of_one, taken: Arc::default() }
    }

    /// Takes a slot for `subject`.
    pub fn take(&self, subject: &str) -> Result<Slot, Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(subject).copied().unwrap_or_default();
        if own >= self.of_one || taken.values().sum::<usize>() >= self.in_all {
            return Err(Error::Overloaded);
        }
        taken.insert(subject.to_owned(), own + 1);
        Ok(Slot { subject: subject.to_owned(), slots: self.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.remove(&self.subject).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            taken.insert(std::mem::take(&mut self.subject), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_of_one_and_so_many_in_all_and_what_is_over_counts_no_more() {
        let slots = Slots::new(3, 2);
        let first = slots.take("staff/lin");
        let second = slots.take("staff/lin");
        assert!(first.is_ok() && second.is_ok() && slots.take("staff/lin").is_err());
        let other = slots.take("staff/mei");
        assert!(other.is_ok() && slots.take("staff/qin").is_err());
        drop(first);
        let third = slots.take("staff/lin");
        assert!(third.is_ok() && slots.take("staff/qin").is_err());
        drop((second, third, other));
        assert!(slots.taken.lock().is_ok_and(|taken| taken.is_empty()));
    }
}
