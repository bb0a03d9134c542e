use kefu_proto::compliance::v1::{SummarizeComplianceRequest, WaiveDutyRequest};
use kefu_proto::contacts::v1::Contact;
use kefu_proto::intake::v1::{Customer, RegisterRequestRequest, UpdateCustomerRequest};
use prost::{Message, Name};

use super::*;

fn wrong<M: Message + Name>(message: &M) -> Vec<String> {
    let pool = kefu_proto::pool();
    let fields = Checker::new(pool).fields(&pool.get_message_by_name(&M::full_name()).unwrap()).unwrap();
    fields
        .inspect(&message.encode_to_vec(), &Giver { subject: "staff/lin", acts_as: &|_| true })
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
        contact: Some(Contact::default()),
        description: "x".into(),
        ..RegisterRequestRequest::default()
    }
}

#[test]
fn what_is_required_must_be_there_and_not_blank() {
    assert_eq!(wrong(&RegisterRequestRequest::default()), ["customer", "channel", "kind", "contact", "description"]);
    assert_eq!(wrong(&RegisterRequestRequest { description: " \t\n".into(), ..registration() }), ["description"]);
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
