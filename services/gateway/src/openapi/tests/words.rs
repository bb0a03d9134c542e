//! Checks that the document tells people what everything is called and what it is for, in both languages.

use super::*;

/// Whether a text is a name that only programs use.
fn is_machine_name(text: &str) -> bool {
    text.is_empty() || text.contains('_') || text.len() > 4 && text.chars().all(|letter| letter.is_ascii_uppercase())
}

#[track_caller]
fn has_words(of: &Value, title: &str, what: &str) {
    let text = |member: &str| of[member].as_str().unwrap_or_default().to_owned();
    let is_chinese = |text: &str| text.contains(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
    assert!(!is_machine_name(&text(title)) && is_chinese(&text("x-kefu-title-zh")), "{what}: {of}");
    assert!(!text("x-kefu-help").is_empty() && is_chinese(&text("x-kefu-help-zh")), "{what}: {of}");
    let described = text("description");
    assert!(described.contains(&text("x-kefu-help")) && described.contains(&text("x-kefu-help-zh")), "{what}: {of}");
}

#[test]
fn operations_parameters_and_fields_have_labels_and_helps_in_both_languages() {
    for (path, verb, operation) in operations() {
        has_words(operation, "summary", &format!("{verb} {path}"));
        for parameter in operation["parameters"].as_array().unwrap().iter().filter(|given| given.get("$ref").is_none())
        {
            has_words(parameter, "x-kefu-title", &format!("{verb} {path}"));
        }
    }
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        let fields = schema.get("properties").and_then(Value::as_object).filter(|_| name.starts_with("kefu."));
        for (field, schema) in fields.into_iter().flatten().filter(|(_, schema)| schema.get("$ref").is_none()) {
            has_words(schema, "title", &format!("{name}.{field}"));
        }
    }
}

#[test]
fn no_value_of_an_enum_is_told_by_its_machine_name() {
    let enums = DOCUMENT["components"]["schemas"].as_object().unwrap().iter();
    let mut checked = 0;
    for (name, schema) in enums.filter(|(_, schema)| schema.get("enum").is_some()) {
        for value in schema["enum"].as_array().unwrap() {
            let value = value.as_str().unwrap();
            let words = &schema["x-kefu-values"][value];
            let (en, zh) = (words["title"].as_str().unwrap(), words["titleZh"].as_str().unwrap());
            assert!(en != value && zh != value && !zh.contains('_'), "{name}.{value}: {words}");
            let told = format!("- `{value}` ({en} · {zh}): ");
            assert!(schema["description"].as_str().unwrap().contains(&told), "{name}: {schema}");
            checked += 1;
        }
    }
    assert!(checked > 200, "{checked}");
}

#[test]
fn who_may_give_a_field_is_told_to_programs_and_in_both_languages() {
    let field = |message: &str, field: &str| &component(message)["properties"][field];
    let responder = field("kefu.intake.v1.RegisterRequestRequest", "firstResponder");
    assert_eq!(responder["x-kefu-for-roles"], json!(["SERVICE", "ADMIN"]));
    assert_eq!(responder["x-kefu-or-own-name"], json!(true));
    let described = responder["description"].as_str().unwrap();
    assert!(described.contains("others may name themselves"), "{described}");
    assert!(described.contains("其他人只能填写本人"), "{described}");
    let request = field("kefu.complaints.v1.RegisterComplaintRequest", "request");
    assert_eq!(request["x-kefu-for-roles"], json!(["SERVICE"]));
    assert_eq!(request.get("x-kefu-or-own-name"), None, "nobody is a request");
    let parameters = operation("ComplaintService_ListComplaints")["parameters"].as_array().unwrap();
    let severity = parameters.iter().find(|parameter| parameter["name"] == "severity").unwrap();
    assert_eq!(severity["x-kefu-not-for-roles"], json!(["CUSTOMER"]));
    assert!(severity["description"].as_str().unwrap().contains("不得填写。"), "{severity}");
    let order = field("kefu.intake.v1.RegisterRequestRequest", "orderNumber");
    let described = order["description"].as_str().unwrap();
    assert!(described.contains("Required when `kind` is `SHIPMENT`.") && described.contains("时必填。"), "{described}");
}

#[test]
fn every_answer_says_that_it_has_the_time() {
    let time = json!({"$ref": "#/components/headers/KefuTime"});
    assert!(DOCUMENT["components"]["headers"]["KefuTime"]["schema"].is_object());
    let shared = DOCUMENT["components"]["responses"].as_object().unwrap().iter();
    for (name, answer) in shared {
        assert_eq!(answer["headers"]["kefu-time"], time, "{name}");
    }
    for (path, verb, operation) in operations() {
        let own = operation["responses"].as_object().unwrap().iter().filter(|(_, answer)| answer.get("$ref").is_none());
        for (status, answer) in own {
            assert_eq!(answer["headers"]["kefu-time"], time, "{verb} {path} {status}");
        }
    }
}
