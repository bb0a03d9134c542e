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
        field: None,
    };
    let (document, _) = answered(&Problem::of(gate.into_status(Language::English)), Language::English);
    assert_eq!(document["status"], 409);
    assert_eq!(document["violations"][0]["clause"], "C2.4");
    assert_eq!(document["violations"][0]["subject"], "requests/1");
    assert!(document["detail"].as_str().unwrap().contains("C2.4"), "{document}");
}

#[test]
fn a_clause_is_told_in_the_readers_language_beside_the_english() {
    let gate = || Error::Gate {
        subject: "requests/1".into(),
        clause: "C2.1".into(),
        missing: Text::new("nobody answered", "无人应答"),
        field: None,
    };
    for (language, message) in [
        (Language::English, "C2.1 (First answer in time): nobody answered."),
        (Language::Chinese, "C2.1（及时应答）：无人应答。"),
    ] {
        let (document, _) = answered(&Problem::of(gate().into_status(language)), language);
        let violation = &document["violations"][0];
        assert_eq!((&violation["message"], &violation["description"]), (&json!(message), &json!("nobody answered")));
    }
    let (document, _) = answered(&Problem::of(Error::DirectoryEmpty.into_status(Language::Chinese)), Language::Chinese);
    assert_eq!(document["violations"][0]["message"], document["detail"], "{document}");
}

#[test]
fn the_clause_that_demands_the_rule_of_a_field_is_named() {
    let wrong = wrong!(RequiredWhen under "C2.3", "is required with the kind", "在填写类型时必填");
    let refused = Error::field("order_number", wrong).into_status(Language::English);
    let (document, _) = answered(&Problem::of(refused), Language::English);
    assert_eq!(document["violations"][0]["clause"], "C2.3");
    let refused = Error::field("order_number", wrong!(Form, "note: is odd", "有误")).into_status(Language::English);
    let (document, _) = answered(&Problem::of(refused), Language::English);
    assert_eq!(document["violations"][0].get("clause"), None, "{document}");
}

#[test]
fn what_the_gateway_finds_wrong_is_told_as_the_services_tell_it() {
    let input = kefu_proto::pool().get_message_by_name("kefu.intake.v1.RegisterRequestRequest").unwrap();
    let wrong = wrong!(Required under "C2.3", "is required", "必填");
    let problem = Problem::invalid("orderNumber", wrong.clone()).of_request(input.clone());
    let refused = Error::field("order_number", wrong).into_status_of(Language::Chinese, Some(&input));
    let own = answered(&problem, Language::Chinese);
    let services = answered(&Problem::of(refused), Language::Chinese);
    assert_eq!(own.0["violations"][0]["message"], services.0["violations"][0]["message"]);
    assert_eq!((&own.0["detail"], &own.0["reason"]), (&services.0["detail"], &services.0["reason"]));
    let (document, _) = answered(&problem.on_line(7).because(&"it says"), Language::Chinese);
    let violation = &document["violations"][0];
    assert!(violation["message"].as_str().unwrap().starts_with("第7行："), "{document}");
    assert_eq!(violation["description"], "line 7: C2.3: is required (it says)");
}

#[test]
fn every_refusal_of_the_gateway_itself_has_a_reason_and_is_told_in_both_languages() {
    let own = own_refusals();
    for refusal in &own {
        let has_han = |text: &str| text.contains(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
        assert!(
            refusal.reason != ErrorReason::Unspecified && has_han(&refusal.zh) && !has_han(&refusal.en),
            "{refusal:?}"
        );
    }
    for status in [400, 401, 404, 405, 408, 413, 415, 429, 500, 503, 504] {
        assert!(own.iter().any(|refusal| refusal.status == status), "{status}");
    }
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
