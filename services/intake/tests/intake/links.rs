//! Repeat contacts about the same matter, and requests that agents link (A2.8).

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Priority, Relation};
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use prost::Message as _;
use tonic::Code;

use super::desk::{Desk, contact, payload};

async fn about(desk: &mut Desk, order: &str) -> pb::Request {
    let call = pb::RegisterRequestRequest { order_number: order.into(), ..desk.registration(Channel::Hotline) };
    desk.requests.register_request(call).await.unwrap().into_inner()
}

async fn get(desk: &Desk, name: &str) -> pb::Request {
    let call = pb::GetRequestRequest { name: name.into() };
    desk.requests.clone().get_request(call).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_customer_who_calls_again_about_the_same_order_is_linked_raised_and_counted() {
    let mut desk = Desk::open().await;
    let first = about(&mut desk, "SO-7").await;
    assert_eq!((first.repeat_of.as_str(), first.priority()), ("", Priority::Normal));
    desk.pass(24 * 60);
    let mut mei = desk.as_("staff/mei", "AGENT");
    let call = pb::RegisterRequestRequest { order_number: "SO-7".into(), ..desk.registration(Channel::Hotline) };
    let second = mei.register_request(call).await.unwrap().into_inner();
    assert_eq!((second.repeat_of.as_str(), second.priority()), (first.name.as_str(), Priority::High));
    assert_eq!(second.linked_requests, [first.name.as_str()]);
    let earlier = get(&desk, &first.name).await;
    assert_eq!((earlier.repeat_contacts, earlier.priority()), (1, Priority::High));
    assert_eq!(earlier.linked_requests, [second.name.as_str()]);
    assert_ne!(earlier.etag, first.etag);
    let events = desk.events().await;
    let counted = events.iter().find(|event| payload(event) == "RepeatContactRecorded").unwrap();
    let counted = pb::RepeatContactRecorded::decode(counted.payload.as_ref().unwrap().value.as_slice()).unwrap();
    assert_eq!((counted.owner.as_str(), counted.repeated_by.as_str()), ("staff/lin", second.name.as_str()));
    // The third one is counted on the first too, and raises its priority to urgent.
    let third = about(&mut desk, "SO-7").await;
    assert_eq!((third.repeat_of.as_str(), third.priority()), (first.name.as_str(), Priority::High));
    let earlier = get(&desk, &first.name).await;
    assert_eq!((earlier.repeat_contacts, earlier.priority()), (2, Priority::Urgent));
}

#[tokio::test]
async fn six_contacts_in_a_row_all_count_on_the_first_whatever_they_write_of_the_order() {
    let mut desk = Desk::open().await;
    let first = about(&mut desk, "A-1").await;
    for order in ["a-1", "A1", "A-1 ", "Ａ－１", "a 1"] {
        desk.pass(48 * 60);
        let again = about(&mut desk, order).await;
        assert_eq!(again.repeat_of, first.name, "{order}");
        assert_eq!(again.order_number, order, "shown as it was typed");
    }
    assert_eq!(get(&desk, &first.name).await.repeat_contacts, 5);
    assert_eq!(about(&mut desk, "B-1").await.repeat_of, "");
}

#[tokio::test]
async fn what_an_agent_links_to_a_repeat_is_counted_on_the_first_contact() {
    let mut desk = Desk::open().await;
    let first = about(&mut desk, "A-1").await.name;
    let second = about(&mut desk, "A-1").await.name;
    let third = desk.register(Channel::Chat).await.name;
    let link = pb::LinkRequestsRequest {
        name: third.clone(),
        other: second,
        relation: Relation::Repeat.into(),
        ..Default::default()
    };
    let linked = desk.requests.link_requests(link).await.unwrap().into_inner();
    assert_eq!(linked.repeat_of, first);
    assert_eq!(get(&desk, &first).await.repeat_contacts, 2);
}

#[tokio::test]
async fn a_repeat_contact_is_known_before_it_is_registered_and_the_timeline_says_what_it_is_about() {
    let mut desk = Desk::open().await;
    let first = about(&mut desk, "A-1").await;
    let draft = pb::SuggestDraftDuplicatesRequest {
        customer: desk.customer.clone(),
        order_number: "ａ１".into(),
        description: "还是没有收到".into(),
        ..Default::default()
    };
    let found = desk.requests.suggest_draft_duplicates(draft).await.unwrap().into_inner().duplicates;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].request.as_ref().unwrap().name, first.name);
    assert!(found[0].repeat_contact);
    let call = pb::GetCustomerTimelineRequest { name: desk.customer.clone(), ..Default::default() };
    let entries = desk.customers.get_customer_timeline(call).await.unwrap().into_inner().entries;
    assert_eq!(entries.iter().map(|entry| entry.summary.as_str()).collect::<Vec<_>>(), ["打印机无法连接"]);
}

#[tokio::test]
async fn another_order_another_customer_or_three_days_later_is_no_repeat() {
    let mut desk = Desk::open().await;
    let first = about(&mut desk, "SO-7").await;
    assert_eq!(about(&mut desk, "SO-8").await.repeat_of, "");
    assert_eq!(about(&mut desk, "").await.repeat_of, "");
    let other = pb::Customer { display_name: "李雷".into(), contacts: vec![contact()], ..Default::default() };
    let other = pb::CreateCustomerRequest { customer: Some(other), allow_shared_contacts: true, ..Default::default() };
    let other = desk.customers.create_customer(other).await.unwrap().into_inner().name;
    let theirs = pb::RegisterRequestRequest {
        order_number: "SO-7".into(),
        customer: other,
        ..desk.registration(Channel::Hotline)
    };
    assert_eq!(desk.requests.register_request(theirs).await.unwrap().into_inner().repeat_of, "");
    desk.pass(72 * 60 - 1);
    let within = about(&mut desk, "SO-7").await;
    assert_eq!(within.repeat_of, first.name);
    desk.pass(72 * 60);
    assert_eq!(about(&mut desk, "SO-7").await.repeat_of, "", "72 hours are over");
}

#[tokio::test]
async fn the_same_type_of_problem_shows_when_it_is_classified() {
    let mut desk = Desk::open().await;
    let first = desk.register(Channel::Chat).await.name;
    desk.classify(&first).await.unwrap();
    let second = desk.register(Channel::Chat).await;
    assert_eq!(second.repeat_of, "", "nothing says what it is about yet");
    let classified = desk.classify(&second.name).await.unwrap();
    assert_eq!((classified.repeat_of.as_str(), classified.priority()), (first.as_str(), Priority::High));
    assert_eq!(desk.classify(&second.name).await.unwrap().priority(), Priority::High, "counted once");
    assert_eq!(get(&desk, &first).await.repeat_contacts, 1);
}

#[tokio::test]
async fn an_agent_links_what_belongs_together_and_says_what_is_a_repeat() {
    let mut desk = Desk::open().await;
    let (first, second) = (desk.register(Channel::Chat).await.name, desk.register(Channel::Chat).await.name);
    let link = |name: &str, other: &str, relation: Relation| pb::LinkRequestsRequest {
        name: name.into(),
        other: other.into(),
        relation: relation.into(),
        ..Default::default()
    };
    let related = desk.requests.link_requests(link(&second, &first, Relation::Related)).await.unwrap().into_inner();
    assert_eq!((related.linked_requests, related.repeat_of.as_str()), (vec![first.clone()], ""));
    assert_eq!(get(&desk, &first).await.linked_requests, [second.as_str()]);
    let repeat = desk.requests.link_requests(link(&second, &first, Relation::Repeat)).await.unwrap().into_inner();
    assert_eq!((repeat.repeat_of.as_str(), repeat.priority()), (first.as_str(), Priority::High));
    assert_eq!(repeat.linked_requests, [first.as_str()], "linked once");
    desk.requests.link_requests(link(&second, &first, Relation::Repeat)).await.unwrap();
    assert_eq!(get(&desk, &first).await.repeat_contacts, 1, "counted once");

    desk.pass(1);
    let later = desk.register(Channel::Chat).await.name;
    let other = pb::Customer { display_name: "李雷".into(), contacts: vec![contact()], ..Default::default() };
    let other = pb::CreateCustomerRequest { customer: Some(other), allow_shared_contacts: true, ..Default::default() };
    let other = desk.customers.create_customer(other).await.unwrap().into_inner().name;
    let theirs = pb::RegisterRequestRequest { customer: other, ..desk.registration(Channel::Chat) };
    let theirs = desk.requests.register_request(theirs).await.unwrap().into_inner().name;
    desk.pass(72 * 60);
    let much_later = desk.register(Channel::Chat).await.name;
    for (name, other, relation) in [
        (&first, &first, Relation::Related),
        (&first, &theirs, Relation::Related),
        (&first, &later, Relation::Repeat),
        (&much_later, &first, Relation::Repeat),
    ] {
        let refused = desk.requests.link_requests(link(name, other, relation)).await;
        assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["other"]);
    }
}
