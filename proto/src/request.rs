//! What requests have in common, implemented by the build for each that has it.

/// A request that changes one resource, which it names itself.
pub trait Target {
    /// The name of the resource.
    fn name(&self) -> &str;
    /// The etag that the caller has seen; empty if they gave none, or the request takes none.
    fn etag(&self) -> &str;
    /// When it happened; none if the caller did not say, or the request takes none.
    fn occurred_time(&self) -> Option<&prost_types::Timestamp>;
}

#[cfg(test)]
mod tests {
    use super::Target as _;
    use crate::compliance::v1::PauseDutyRequest;
    use crate::directory::v1::RecordAbsenceRequest;
    use crate::intake::v1::RespondRequestRequest;

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
}
