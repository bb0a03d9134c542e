//! How many calls one caller may have under way, open streams among them, so that nobody takes what others need. A call counts
//! until the last byte of its answer is on its way or the answer is given up: what lies ready for somebody who does not read
//! is memory too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use kefu_proto::rules::v1::Role;

use crate::base::error::Error;
use crate::contract::identity::Identity;
use crate::serve::server::parts;

/// The calls under way, by caller.
#[derive(Clone, Debug)]
pub struct CallerQuota {
    at_most: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// One of a caller's calls, until it is dropped.
#[derive(Debug)]
pub struct QuotaSlot {
    caller: String,
    quota: CallerQuota,
}

impl CallerQuota {
    /// At most so many of each.
    #[must_use]
    pub fn new(at_most: usize) -> Self {
        Self { at_most, taken: Arc::default() }
    }

    /// One more of `caller`; none for another service, which calls for many.
    pub fn take(&self, caller: &Identity) -> Result<Option<QuotaSlot>, Error> {
        if caller.roles.contains(&Role::Service) { Ok(None) } else { self.take_as(&caller.subject).map(Some) }
    }

    /// One more of those who need not say who they are.
    pub fn take_anonymously(&self) -> Result<QuotaSlot, Error> {
        self.take_as("")
    }

    /// One more of whoever is known by this.
    pub fn take_as(&self, caller: &str) -> Result<QuotaSlot, Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(caller).copied().unwrap_or_default();
        if own >= self.at_most {
            return Err(Error::Overloaded);
        }
        taken.insert(caller.to_owned(), own + 1);
        Ok(QuotaSlot { caller: caller.to_owned(), quota: self.clone() })
    }
}

impl Drop for QuotaSlot {
    fn drop(&mut self) {
        let mut taken = self.quota.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.remove(&self.caller).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            taken.insert(std::mem::take(&mut self.caller), left);
        }
    }
}

/// The answer of the call that has `slot`.
#[must_use]
pub fn answer(response: Response, slot: Option<QuotaSlot>) -> Response {
    let Some(slot) = slot.map(Arc::new) else { return response };
    parts::seen(response, move |asked| {
        asked.map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(BodyPart { bytes, _slot: slot.clone() })))
    })
}

/// What the transport has taken and not yet written.
struct BodyPart {
    bytes: Bytes,
    _slot: Arc<QuotaSlot>,
}

impl AsRef<[u8]> for BodyPart {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_calls_whatever_others_have_and_what_is_over_counts_no_more() {
        let quota = CallerQuota::new(2);
        let caller = |subject: &str, roles: &[Role]| Identity {
            subject: subject.into(),
            roles: roles.to_vec(),
            department: String::new(),
        };
        let (lin, mei) = (caller("staff/lin", &[Role::Agent]), caller("staff/mei", &[Role::Admin]));
        let first = quota.take(&lin).unwrap();
        let second = quota.take(&lin).unwrap();
        assert!(first.is_some() && second.is_some());
        assert!(matches!(quota.take(&lin), Err(Error::Overloaded)));
        assert!(quota.take(&mei).is_ok() && quota.take_anonymously().is_ok());
        let service = caller("services/intake", &[Role::Service]);
        let services: Vec<_> = (0..5).map(|_| quota.take(&service)).collect();
        assert!(services.iter().all(|slot| matches!(slot, Ok(None))));
        drop(first);
        let third = quota.take(&lin);
        assert!(third.is_ok() && quota.take(&lin).is_err());
        drop((second, third));
        assert!(quota.taken.lock().unwrap().is_empty());
    }
}
