use std::collections::HashSet;
use std::sync::LazyLock;

use expect_test::expect_file;

use super::*;

mod conditions;
mod words;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(kefu_proto::COMMENTED).unwrap();
    serde_json::to_value(document(&pool)).unwrap()
});

fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let verbs = |path: &'static Value| path.as_object().unwrap().iter();
    paths.iter().flat_map(|(path, of)| verbs(of).map(move |(verb, op)| (path.as_str(), verb.as_str(), op))).collect()
}

fn operation(id: &str) -> &'static Value {
    operations()
        .into_iter()
        .map(|(_, _, operation)| operation)
        .find(|operation| operation["operationId"] == id)
        .unwrap()
}

fn component(name: &str) -> &'static Value {
    let found = &DOCUMENT["components"]["schemas"][name];
    assert!(found.is_object(), "{name}");
    found
}

#[test]
fn every_method_is_there_once_for_each_of_its_bindings() {
    for method in methods(kefu_proto::pool()) {
        let bindings = bindings(&method);
        let found =
            operations().into_iter().filter(|(_, _, operation)| operation["x-kefu-method"] == method.full_name());
        let mut found: Vec<&str> = found.map(|(_, verb, _)| verb).collect();
        let mut asked: Vec<&str> = bindings.iter().map(|binding| binding.verb.as_str()).collect();
        found.sort_unstable();
        asked.sort_unstable();
        assert!(!found.is_empty());
        assert_eq!(found, asked, "{}", method.full_name());
    }
}

#[test]
fn no_two_operations_have_the_same_id_and_each_is_of_a_tag() {
    let tags: HashSet<&Value> = DOCUMENT["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    assert_eq!(tags.len(), DOCUMENT["tags"].as_array().unwrap().len());
    let mut seen = HashSet::new();
    for (path, verb, operation) in operations() {
        assert!(seen.insert(&operation["operationId"]), "{verb} {path}");
        assert!(tags.contains(&operation["tags"][0]), "{verb} {path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, seen: &mut usize) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| check(item, seen)),
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    *seen += 1;
                    let found = DOCUMENT.pointer(reference.trim_start_matches('#'));
                    assert!(found.is_some_and(Value::is_object), "{reference}");
                }
                members.values().for_each(|member| check(member, seen));
            }
            _ => {}
        }
    }
    let mut seen = 0;
    check(&DOCUMENT, &mut seen);
    assert!(seen > 1000, "{seen}");
}

#[test]
fn every_parameter_of_a_path_is_described_and_no_other() {
    for (path, verb, operation) in operations() {
        let asked: Vec<&str> = path.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect();
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let given: Vec<&str> =
            parameters.filter(|given| given["in"] == "path").map(|given| given["name"].as_str().unwrap()).collect();
        assert_eq!(given, asked, "{verb} {path}");
        assert!(!path.contains(['=', '*']), "{path}");
    }
}

#[test]
fn what_must_be_given_of_a_field_is_said_as_the_services_ask_it() {
    let registration = component("kefu.intake.v1.RegisterRequestRequest");
    assert_eq!(registration["required"], json!(["customer", "channel", "kind", "contact", "description"]));
    assert_eq!(registration["additionalProperties"], json!(false));
    let field = |name: &str| &registration["properties"][name];
    assert_eq!(field("customer")["pattern"], "^(customers/[A-Za-z0-9._~-]{1,63})$");
    assert_eq!((&field("description")["minLength"], &field("description")["maxLength"]), (&json!(1), &json!(4000)));
    assert_eq!(field("requestId")["type"], json!(["string", "null"]));
    assert!(field("requestId")["pattern"].as_str().unwrap().ends_with(")?$"), "empty is not given");
    assert_eq!(field("channel")["not"]["const"], "CHANNEL_UNSPECIFIED");

    let upload = component("kefu.complaints.v1.UploadedEvidence");
    let size = &upload["properties"]["sizeBytes"];
    assert_eq!((&size["type"], &size["minimum"]), (&json!(["string", "integer"]), &json!(1)));
    assert_eq!(size["maximum"], 16_777_216);
    assert_eq!(upload["properties"]["sha256"]["maxLength"], 44);
    // No rule says that it is required, but 0 is less than it may be.
    assert_eq!(component("kefu.events.v1.Anchor-Input")["required"], json!(["position", "hash"]));

    let page = operation("RequestService_ListTransfers")["parameters"].as_array().unwrap();
    let size = page.iter().find(|parameter| parameter["name"] == "pageSize").unwrap();
    assert_eq!(size["schema"], json!({"type": "integer", "format": "int32", "minimum": 0, "maximum": 200}));
}

#[test]
fn an_update_need_not_give_what_a_creation_must() {
    assert_eq!(component("kefu.intake.v1.Customer-Input")["required"], json!(["displayName"]));
    let update = component("kefu.intake.v1.Customer-Update");
    assert_eq!(update.get("required"), None);
    assert_eq!(update["properties"]["displayName"]["type"], json!(["string", "null"]));
    assert_eq!(update["properties"]["createTime"]["readOnly"], json!(true));
}

#[test]
fn the_path_carries_its_fields_alone_and_a_form_has_its_file_last() {
    let body = component("kefu.intake.v1.ResolveRequestRequest");
    assert_eq!(body["properties"].get("name"), None);
    let upload = component("kefu.complaints.v1.UploadedEvidence");
    assert_eq!(upload["properties"].get("parent"), None);
    assert_eq!(upload["required"][0], "kind");

    let written = serde_json::to_string(&document(&DescriptorPool::decode(kefu_proto::COMMENTED).unwrap())).unwrap();
    assert!(written.starts_with(r#"{"openapi":"3.1.0","#) && !written.contains(r"\u0000\"));
    let form = &written[written.find("multipart/form-data").unwrap()..];
    let form = &form[form.find("\"properties\"").unwrap()..];
    assert!(form.find("\"evidence\"").unwrap() < form.find("\"content\"").unwrap());
}

#[test]
fn streams_are_marked_and_content_that_ends_is_not() {
    let is_stream = |id: &str| operation(id).get("x-kefu-stream").is_some();
    assert!(is_stream("RequestService_WatchRequests") && is_stream("EventFeed_Subscribe"));
    assert!(!is_stream("EvidenceService_GetEvidenceContent") && !is_stream("RequestService_GetRequest"));
    let content = &operation("EvidenceService_GetEvidenceContent")["responses"]["200"]["content"];
    assert_eq!(content.as_object().unwrap().keys().collect::<Vec<_>>(), ["application/octet-stream"]);
}

#[test]
fn of_a_service_that_every_one_has_the_path_says_which_and_the_choices_are_all() {
    let parameters = operation("ComplianceService_GetDuty")["parameters"].as_array().unwrap();
    assert_eq!(parameters[0]["schema"]["enum"], json!(["appraisal", "complaints", "intake"]));
    assert_eq!(parameters[1]["name"], "duty");
}

#[test]
fn an_operation_says_all_that_its_contract_does() {
    let described = serde_json::to_string_pretty(operation("RequestService_DeclineTransfer")).unwrap() + "\n";
    expect_file!["tests/decline_transfer.json"].assert_eq(&described);
}

#[test]
fn a_schema_says_all_that_its_message_does() {
    let described = serde_json::to_string_pretty(component("kefu.contacts.v1.Contact-Input")).unwrap() + "\n";
    expect_file!["tests/contact.json"].assert_eq(&described);
}
