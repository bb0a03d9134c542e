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
pub struct Shares {
    at_most: usize,
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// One of a caller's calls, until it is dropped.
#[derive(Debug)]
pub struct Share {
    caller: String,
    shares: Shares,
}

impl Shares {
    /// At most so many of each.
    #[must_use]
    pub fn new(at_most: usize) -> Self {
        Self { at_most, taken: Arc::default() }
    }

    /// One more of `caller`; none for another service, which calls for many.
    pub fn take(&self, caller: &Identity) -> Result<Option<Share>, Error> {
        if caller.roles.contains(&Role::Service) { Ok(None) } else { self.take_as(&caller.subject).map(Some) }
    }

    /// One more of those who need not say who they are.
    pub fn take_anonymously(&self) -> Result<Share, Error> {
        self.take_as("")
    }

    /// One more of whoever is known by this.
    pub fn take_as(&self, caller: &str) -> Result<Share, Error> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(caller).copied().unwrap_or_default();
        if own >= self.at_most {
            return Err(Error::Overloaded);
        }
        taken.insert(caller.to_owned(), own + 1);
        Ok(Share { caller: caller.to_owned(), shares: self.clone() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.remove(&self.caller).unwrap_or_default().saturating_sub(1);
        if left > 0 {
            taken.insert(std::mem::take(&mut self.caller), left);
        }
    }
}

/// The answer of the call that has `share`.
#[must_use]
pub fn answer(response: Response, share: Option<Share>) -> Response {
    let Some(share) = share.map(Arc::new) else { return response };
    parts::seen(response, move |asked| {
        asked.map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(Part { bytes, _share: share.clone() })))
    })
}

/// What the transport has taken and not yet written.
struct Part {
    bytes: Bytes,
    _share: Arc<Share>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_has_so_many_calls_whatever_others_have_and_what_is_over_counts_no_more() {
        let shares = Shares::new(2);
        let caller = |subject: &str, roles: &[Role]| Identity {
            subject: subject.into(),
            roles: roles.to_vec(),
            department: String::new(),
        };
        let (lin, mei) = (caller("staff/lin", &[Role::Agent]), caller("staff/mei", &[Role::Admin]));
        let first = shares.take(&lin).unwrap();
        let second = shares.take(&lin).unwrap();
        assert!(first.is_some() && second.is_some());
        assert!(matches!(shares.take(&lin), Err(Error::Overloaded)));
        assert!(shares.take(&mei).is_ok() && shares.take_anonymously().is_ok());
        let service = caller("services/intake", &[Role::Service]);
        let services: Vec<_> = (0..5).map(|_| shares.take(&service)).collect();
        assert!(services.iter().all(|share| matches!(share, Ok(None))));
        drop(first);
        let third = shares.take(&lin);
        assert!(third.is_ok() && shares.take(&lin).is_err());
        drop((second, third));
        assert!(shares.taken.lock().unwrap().is_empty());
    }
}
