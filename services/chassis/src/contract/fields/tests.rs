use kefu_proto::complaints::v1::{RecordCallbackRequest, UploadedEvidence};
use kefu_proto::compliance::v1::{SummarizeComplianceRequest, WaiveDutyRequest};
use kefu_proto::contacts::v1::Contact;
use kefu_proto::intake::v1::{ConfirmResolutionRequest, Customer, FindCustomersRequest};
use kefu_proto::intake::v1::{RegisterRequestRequest, UpdateCustomerRequest};
use kefu_proto::rules::v1::Role;
use prost::{Message, Name};

use super::*;

fn wrong<M: Message + Name>(message: &M) -> Vec<String> {
    wrong_by(message, &[])
}

/// The fields that are wrong in a call of somebody in these roles.
fn wrong_by<M: Message + Name>(message: &M, roles: &[Role]) -> Vec<String> {
    let pool = kefu_proto::pool();
    let fields = Checker::new(pool).fields(&pool.get_message_by_name(&M::full_name()).unwrap()).unwrap();
    fields
        .inspect(&message.encode_to_vec(), &Giver { subject: "staff/lin", acts_as: &|role| roles.contains(&role) })
        .unwrap()
        .0
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

fn registration() -> RegisterRequestRequest {
    RegisterRequestRequest {
        customer: "customers/0199".into(),
        channel: 1,
        kind: 1,
        contact: Some(Contact { phone: "13800138000".into(), ..Contact::default() }),
        description: "x".into(),
        ..RegisterRequestRequest::default()
    }
}

#[test]
fn what_is_required_must_be_there_and_not_blank() {
    assert_eq!(wrong(&RegisterRequestRequest::default()), ["customer", "channel", "kind", "contact", "description"]);
    for blank in [" \t\n", "\u{200b}\u{2060}", "\u{feff}", "\u{ad}", "\u{3164}", "\u{2800}\u{2800}"] {
        assert_eq!(wrong(&RegisterRequestRequest { description: blank.into(), ..registration() }), ["description"]);
    }
    assert!(wrong(&registration()).is_empty());
}

#[test]
fn nested_fields_are_named_by_their_path() {
    let contact = Some(Contact { email: "no at".into(), phone: "1".repeat(41), ..Contact::default() });
    assert_eq!(wrong(&RegisterRequestRequest { contact, ..registration() }), ["contact.phone", "contact.email"]);
}

#[test]
fn names_enums_uuids_and_nul_characters_are_checked() {
    assert_eq!(wrong(&RegisterRequestRequest { customer: "people/1".into(), ..registration() }), ["customer"]);
    assert_eq!(wrong(&RegisterRequestRequest { channel: 99, ..registration() }), ["channel"]);
    assert_eq!(wrong(&RegisterRequestRequest { request_id: "1".into(), ..registration() }), ["request_id"]);
    assert_eq!(wrong(&RegisterRequestRequest { description: "a\0b".into(), ..registration() }), ["description"]);
    let far = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    assert_eq!(wrong(&RegisterRequestRequest { occurred_time: far, ..registration() }), ["occurred_time"]);
    assert_eq!(
        wrong(&WaiveDutyRequest { name: "services/intake/duties/1".into(), ..WaiveDutyRequest::default() }),
        ["reason"]
    );
}

#[test]
fn lists_are_bounded_and_their_items_checked() {
    let request =
        SummarizeComplianceRequest { parent: "services/intake".into(), group_by: vec![1, 1, 77], ..Default::default() };
    assert_eq!(wrong(&request), ["group_by[1]", "group_by[2]"]);
}

#[test]
fn an_update_checks_only_what_its_mask_names() {
    let customer = Some(Customer { name: "customers/1".into(), needs: "x".repeat(4001), ..Customer::default() });
    let mask =
        |paths: &[&str]| Some(prost_types::FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
    let update = |paths: &[&str]| UpdateCustomerRequest {
        customer: customer.clone(),
        update_mask: mask(paths),
        ..Default::default()
    };
    assert_eq!(wrong(&update(&["needs"])), ["customer.needs"]);
    assert_eq!(wrong(&update(&["owner"])), Vec::<String>::new());
    assert_eq!(wrong(&update(&["*"])), ["customer.display_name", "customer.needs"]);
    assert_eq!(wrong(&update(&[])), ["customer.needs"], "without a mask, what is set");
    let unnamed = Some(Customer::default());
    assert_eq!(wrong(&UpdateCustomerRequest { customer: unnamed, ..update(&["owner"]) }), ["customer.name"]);
}

#[test]
fn what_acts_instead_of_being_read_is_refused_and_a_short_field_is_one_line() {
    let controls = ('\0'..='\u{9f}').filter(|sign| sign.is_control() && !"\t\n\r".contains(*sign));
    let directions = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    let refused: Vec<char> = controls.chain(directions).collect();
    assert_eq!(refused.len(), 65 - 3 + 9);
    for sign in refused {
        let description = format!("a{sign}b");
        assert_eq!(wrong(&RegisterRequestRequest { description, ..registration() }), ["description"], "{sign:?}");
    }
    for sign in ["\t", "\n", "\r"] {
        let text = format!("a{sign}b");
        assert!(wrong(&RegisterRequestRequest { description: text.clone(), ..registration() }).is_empty());
        assert_eq!(wrong(&RegisterRequestRequest { order_number: text, ..registration() }), ["order_number"]);
    }
    // Joiners and marks of direction are part of how words and emoji are written.
    let description = "\u{200d}\u{200e}\u{200f}\u{feff}e\u{301}👨‍👩‍👧".into();
    assert!(wrong(&RegisterRequestRequest { description, ..registration() }).is_empty());
}

#[test]
fn of_a_set_too_few_are_told_once_and_too_many_each() {
    let find = |phone: &str, email: &str, display_name: &str| FindCustomersRequest {
        phone: phone.into(),
        email: email.into(),
        display_name: display_name.into(),
        ..FindCustomersRequest::default()
    };
    assert!(wrong(&find("13800138000", "\u{200b}", "")).is_empty());
    assert_eq!(wrong(&find("", "\u{200b}", "")), ["phone"]);
    assert_eq!(wrong(&find("", "lin@example.com", "林")), ["email", "display_name"]);
    let contact = |contact| RegisterRequestRequest { contact: Some(contact), ..registration() };
    assert_eq!(wrong(&contact(Contact { person: "林".into(), ..Contact::default() })), ["contact"]);
    let both = Contact { phone: "1".into(), chat_id: "x".into(), ..Contact::default() };
    assert!(wrong(&contact(both)).is_empty(), "at least one");
}

#[test]
fn a_value_is_limited_by_another_field_and_by_who_gives_it() {
    let call = |satisfied, satisfaction| RecordCallbackRequest {
        name: "complaints/1".into(),
        satisfied,
        satisfaction,
        channel: 1,
        comment: "x".into(),
        ..RecordCallbackRequest::default()
    };
    for (satisfied, satisfaction, fits) in [(true, 2, false), (true, 3, true), (false, 3, true), (false, 4, false)] {
        let expected: &[&str] = if fits { &[] } else { &["satisfaction"] };
        assert_eq!(wrong(&call(satisfied, satisfaction)), expected, "{satisfied} {satisfaction}");
    }
    let given_up = ConfirmResolutionRequest {
        name: "requests/1".into(),
        outcome: 4,
        channel: 1,
        ..ConfirmResolutionRequest::default()
    };
    assert_eq!(wrong_by(&given_up, &[Role::Customer]), ["outcome"]);
    assert!(wrong_by(&given_up, &[Role::Agent]).is_empty());
    let timed =
        ConfirmResolutionRequest { outcome: 1, occurred_time: Some(prost_types::Timestamp::default()), ..given_up };
    assert_eq!(wrong_by(&timed, &[Role::Customer]), ["occurred_time"]);
    assert_eq!(wrong_by(&registration(), &[Role::Service]), ["first_responder"]);
}

#[test]
fn a_digest_has_the_bytes_of_a_digest() {
    for (length, fits) in [(31, false), (32, true), (33, false)] {
        let evidence = UploadedEvidence { sha256: vec![1; length], ..UploadedEvidence::default() };
        assert_eq!(wrong(&evidence).contains(&"sha256".to_owned()), !fits, "{length}");
    }
}

#[test]
fn values_that_exclude_each_other_do_not_stand_in_one_list() {
    let by = |group_by: &[i32]| SummarizeComplianceRequest {
        parent: "services/intake".into(),
        group_by: group_by.to_vec(),
        ..SummarizeComplianceRequest::default()
    };
    assert_eq!(wrong(&by(&[1, 4, 6])), ["group_by"]);
    assert!(wrong(&by(&[1, 2, 6])).is_empty());
}
