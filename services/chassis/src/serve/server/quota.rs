//! The quota of calls under way for each caller, open streams among them. A call counts until the last byte of its answer is
//! on its way or the answer is given up, because an answer that waits for a slow reader takes memory. So do its bytes, which
//! count as unread until then.

use std::sync::Arc;
use std::task::Poll;

use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use kefu_proto::rules::v1::Role;

use crate::base::error::Error;
use crate::base::quota::{CallerQuota, QuotaSlot, UnreadBytes};
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

/// Makes the answer that refuses a call for an error.
pub type Refuse = Box<dyn FnOnce(Error) -> Response + Send>;

/// Wraps the answer so that it holds `slot` until its last byte was written, and counts its bytes as unread. Where the caller
/// would leave too much unread, the answer is given up: with `refuse` before it has begun, and by a broken stream later. What
/// must not be refused, because the call has changed something, has no `refuse`, and is counted only.
#[must_use]
pub fn answer(response: Response, slot: Option<QuotaSlot>, refuse: Option<Refuse>) -> Response {
    let Some(slot) = slot.map(Arc::new) else { return response };
    let is_refused = refuse.is_some();
    let (response, first) = parts::begun(response);
    let first = match (first.map(|bytes| hold(&slot, bytes, is_refused)), refuse) {
        (Some(Err(error)), Some(refuse)) => return refuse(error),
        (first, _) => first.and_then(Result::ok),
    };
    let mut first = first;
    parts::seen(response, move |asked| match asked {
        Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(count(frame, &slot, &mut first, is_refused))),
        other => other,
    })
}

/// Counts bytes of an answer as unread.
fn hold(slot: &Arc<QuotaSlot>, bytes: usize, is_refused: bool) -> Result<UnreadBytes, Error> {
    if is_refused { slot.hold(bytes) } else { Ok(slot.hold_anyway(bytes)) }
}

/// Ties a part of an answer to what counts it: `first`, while the first part is still to come.
fn count(
    frame: Frame<Bytes>,
    slot: &Arc<QuotaSlot>,
    first: &mut Option<UnreadBytes>,
    is_refused: bool,
) -> Result<Frame<Bytes>, axum::Error> {
    let Some(length) = frame.data_ref().map(Bytes::len) else { return Ok(frame) };
    let unread = match first.take() {
        Some(first) => first,
        None => hold(slot, length, is_refused).map_err(axum::Error::new)?,
    };
    Ok(frame.map_data(|bytes| Bytes::from_owner(BodyPart { bytes, _unread: unread })))
}

/// Bytes that the transport has taken and not yet written.
struct BodyPart {
    bytes: Bytes,
    _unread: UnreadBytes,
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
