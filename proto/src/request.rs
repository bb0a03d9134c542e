//! Traits for what requests have in common. The build implements each for the requests that have its fields.

use prost::Message;

/// A request that changes one resource and names it.
pub trait Target {
    /// Returns the name of the resource.
    fn name(&self) -> &str;
    /// Returns the etag that the caller has seen; empty if they gave none, or if the request has no such field.
    fn etag(&self) -> &str;
    /// Returns when the action happened; none if the caller did not say, or if the request has no such field.
    fn occurred_time(&self) -> Option<&prost_types::Timestamp>;
}

/// A request for one page of a list.
pub trait Paged: Message {
    /// Returns where the page begins; empty for the beginning of the list.
    fn page_token(&self) -> &str;
    /// Returns the most members of the page; 0 leaves the number to the service.
    fn page_size(&self) -> i32;
    /// Returns the encoded request without page token and page size: page tokens are bound to it.
    fn query(&self) -> Vec<u8>;
}

/// A request for a stream that can be resumed by a token.
pub trait Resumable: Message {
    /// Returns where the stream resumes; empty for a stream that begins now.
    fn resume_token(&self) -> &str;
    /// Returns the encoded request without the resume token: resume tokens are bound to it.
    fn query(&self) -> Vec<u8>;
}

#[cfg(test)]
mod tests {
    use super::{Paged as _, Resumable as _, Target as _};
    use crate::compliance::v1::PauseDutyRequest;
    use crate::directory::v1::RecordAbsenceRequest;
    use crate::intake::v1::{ListRequestsRequest, RespondRequestRequest, WatchRequestsRequest};

    #[test]
    fn a_request_that_changes_a_resource_tells_its_name_its_etag_and_its_time() {
        let time = prost_types::Timestamp { seconds: 7, nanos: 0 };
        let request = RespondRequestRequest {
            name: "requests/1".into(),
            etag: "\"3\"".into(),
            occurred_time: Some(time),
            ..RespondRequestRequest::default()
        };
        assert_eq!((request.name(), request.etag(), request.occurred_time()), ("requests/1", "\"3\"", Some(&time)));
    }

    #[test]
    fn what_a_request_does_not_take_is_empty() {
        let pause = PauseDutyRequest { name: "services/intake/duties/1".into(), ..PauseDutyRequest::default() };
        assert_eq!((pause.name(), pause.occurred_time()), ("services/intake/duties/1", None));
        let absence = RecordAbsenceRequest { parent: "staff/lin".into(), ..RecordAbsenceRequest::default() };
        assert_eq!((absence.name(), absence.etag()), ("staff/lin", ""));
    }

    #[test]
    fn the_query_of_a_page_is_all_that_is_asked_but_for_the_page() {
        let first = ListRequestsRequest { owner: "staff/lin".into(), page_size: 7, ..ListRequestsRequest::default() };
        let second = ListRequestsRequest { page_token: "x".into(), page_size: 9, ..first.clone() };
        assert_eq!((second.page_token(), second.page_size()), ("x", 9));
        assert_eq!(first.query(), second.query());
        assert_ne!(first.query(), ListRequestsRequest { owner: String::new(), ..first.clone() }.query());
    }

    #[test]
    fn the_query_of_a_stream_is_all_that_is_asked_but_for_the_place() {
        let begun = WatchRequestsRequest { owner: "staff/lin".into(), ..WatchRequestsRequest::default() };
        let resumed = WatchRequestsRequest { resume_token: "x".into(), ..begun.clone() };
        assert_eq!((resumed.resume_token(), resumed.query()), ("x", begun.query()));
        assert_ne!(begun.query(), WatchRequestsRequest::default().query());
    }
}
