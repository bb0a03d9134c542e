//! The quota of calls under way for each caller, open streams among them. A call counts until the last byte of its answer is
//! on its way or the answer is given up, because an answer that waits for a slow reader takes memory.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use kefu_proto::rules::v1::Role;

use crate::base::error::Error;
use crate::base::quota::{CallerQuota, QuotaSlot};
use crate::contract::identity::Identity;
use crate::serve::server::parts;

/// Takes the slot of a call by `caller`; none is needed for another service, which calls for many.
pub fn take(quota: &CallerQuota, caller: &Identity) -> Result<Option<QuotaSlot>, Error> {
    if caller.roles.contains(&Role::Service) { Ok(None) } else { quota.take(&caller.subject).map(Some) }
}

/// Takes the slot of an anonymous call; all anonymous callers share one quota.
pub fn take_anonymously(quota: &CallerQuota) -> Result<QuotaSlot, Error> {
    quota.take("")
}

/// Wraps the answer so that it holds `slot` until its last byte was written.
#[must_use]
pub fn answer(response: Response, slot: Option<QuotaSlot>) -> Response {
    let Some(slot) = slot.map(Arc::new) else { return response };
    parts::seen(response, move |asked| {
        asked.map_ok(|frame| frame.map_data(|bytes| Bytes::from_owner(BodyPart { bytes, _slot: slot.clone() })))
    })
}

/// Bytes that the transport has taken and not yet written.
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
    fn a_caller_has_so_many_calls_and_services_as_many_as_they_make() {
        let quota = CallerQuota::new(2);
        let caller = |subject: &str, roles: &[Role]| Identity {
            subject: subject.into(),
            roles: roles.to_vec(),
            department: String::new(),
        };
        let (lin, mei) = (caller("staff/lin", &[Role::Agent]), caller("staff/mei", &[Role::Admin]));
        let own = [take(&quota, &lin).unwrap(), take(&quota, &lin).unwrap()];
        assert!(own.iter().all(Option::is_some));
        assert!(matches!(take(&quota, &lin), Err(Error::Overloaded)));
        assert!(take(&quota, &mei).is_ok() && take_anonymously(&quota).is_ok());
        let service = caller("services/intake", &[Role::Service]);
        let services: Vec<_> = (0..5).map(|_| take(&quota, &service)).collect();
        assert!(services.iter().all(|slot| matches!(slot, Ok(None))));
    }
}
