use kefu_chassis::Error;
use kefu_chassis::wrong;
use serde_json::{Value, json};

use super::*;

fn answered(problem: &Problem, language: Language) -> (Value, HeaderMap) {
    let (document, headers) =
        problem.document(&AnswerContext { language, trace_id: "0af7".into(), service_time: ServiceTime::default() });
    (serde_json::from_slice(&document).unwrap(), headers)
}

#[test]
fn a_refusal_is_told_with_its_fields_in_the_callers_language() {
    let refused =
        Error::field("customer.display_name", wrong!(Required, "is required", "必填")).into_status(Language::Chinese);
    let (document, headers) = answered(&Problem::of(refused), Language::Chinese);
    assert_eq!(
        document,
        json!({
            "type": "urn:kefu:problem:FIELD_INVALID",
            "title": "内容有误",
            "status": 400,
            "detail": "填写的内容有缺失或不符合要求。 「客户·名称」必填。",
            "reason": "FIELD_INVALID",
            "violations": [{
                "field": "customer.displayName",
                "rule": "REQUIRED",
                "description": "is required",
                "message": "「客户·名称」必填。",
            }],
            "trace_id": "0af7",
        })
    );
    assert_eq!(headers[CONTENT_TYPE], PROBLEM);
    assert_eq!(headers[CONTENT_LANGUAGE], "zh-CN");
}

#[test]
fn a_gate_is_a_conflict_and_names_its_clause() {
    let gate = Error::Gate {
        subject: "requests/1".into(),
        clause: "C2.4".into(),
        missing: Text::new("the first judgement", "首次判断"),
    };
    let (document, _) = answered(&Problem::of(gate.into_status(Language::English)), Language::English);
    assert_eq!(document["status"], 409);
    assert_eq!(document["violations"][0]["clause"], "C2.4");
    assert_eq!(document["violations"][0]["subject"], "requests/1");
    assert!(document["detail"].as_str().unwrap().contains("C2.4"), "{document}");
}

#[test]
fn every_refusal_has_the_status_that_http_has_for_it() {
    let source = || std::io::Error::other("secret");
    for (error, status) in [
        (Error::StaleEtag("x/1".into()), 412),
        (Error::NotFound { kind: "kefu/X", name: "x/1".into() }, 404),
        (Error::Exists { kind: "kefu/X", name: "x/1".into() }, 409),
        (Error::Unauthenticated, 401),
        (Error::RoleMissing, 403),
        (Error::Overloaded, 429),
        (Error::Away(source().into()), 503),
        (Error::Deadline, 504),
        (Error::unexpected(source()), 500),
    ] {
        let (document, headers) = answered(&Problem::of(error.into_status(Language::English)), Language::English);
        assert_eq!(document["status"], status);
        assert!(!document.to_string().contains("secret"), "{document}");
        assert_eq!(headers.contains_key(RETRY_AFTER), [429, 503, 504].contains(&status), "{status}");
        assert_eq!(headers.contains_key(WWW_AUTHENTICATE), status == 401);
    }
}

#[test]
fn what_no_handler_has_said_is_not_told() {
    let lost = || Status::from_error(Box::new(std::io::Error::other("10.0.0.7:7001 refused")));
    for (status, expected) in [
        (lost(), 503),
        (Status::internal("select * from secret"), 500),
        (Status::unknown("secret"), 500),
        (Status::deadline_exceeded("secret"), 504),
    ] {
        let (document, _) = answered(&Problem::of(status), Language::English);
        assert_eq!(document["status"], expected);
        assert!(!document.to_string().contains("secret") && !document.to_string().contains("10.0"), "{document}");
    }
}
