//! Reads: lists and their pages, the caller's queue, finding customers, what customers see.

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request::State;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{Desk, contact, proto};

#[tokio::test]
async fn pages_hold_every_request_once_newest_first() {
    let mut desk = Desk::open().await;
    let mut registered = Vec::new();
    for _ in 0..7 {
        registered.push(desk.register(Channel::Chat).await.name);
        desk.pass(1);
    }
    let mut listed = Vec::new();
    let mut call = pb::ListRequestsRequest { page_size: 3, channel: Channel::Chat.into(), ..Default::default() };
    loop {
        let page = desk.requests.list_requests(call.clone()).await.unwrap().into_inner();
        listed.extend(page.requests.into_iter().map(|request| request.name));
        if page.next_page_token.is_empty() {
            break;
        }
        call.page_token = page.next_page_token;
    }
    registered.reverse();
    assert_eq!(listed, registered);
}

#[tokio::test]
async fn a_list_shows_only_what_its_filters_name() {
    let mut desk = Desk::open().await;
    let chat = desk.register(Channel::Chat).await;
    desk.pass(10);
    let mail = desk.register(Channel::Email).await;
    desk.respond(&mail.name).await.unwrap();
    let names = async |desk: &mut Desk, call| {
        let page: pb::ListRequestsResponse = desk.requests.list_requests(call).await.unwrap().into_inner();
        page.requests.into_iter().map(|request| request.name).collect::<Vec<_>>()
    };
    let all = pb::ListRequestsRequest::default();
    let only_mail = [
        pb::ListRequestsRequest { channel: Channel::Email.into(), ..all.clone() },
        pb::ListRequestsRequest { state: State::InProgress.into(), ..all.clone() },
        pb::ListRequestsRequest { start_time: proto("2026-11-20T10:10:00+08:00"), ..all.clone() },
        pb::ListRequestsRequest { number: mail.number.clone(), customer: desk.customer.clone(), ..all.clone() },
    ];
    for call in only_mail {
        assert_eq!(names(&mut desk, call.clone()).await, [mail.name.as_str()], "{call:?}");
    }
    let only_chat = pb::ListRequestsRequest {
        end_time: proto("2026-11-20T10:10:00+08:00"),
        owner: "staff/lin".into(),
        ..all.clone()
    };
    assert_eq!(names(&mut desk, only_chat).await, [chat.name.as_str()]);
    for call in [
        pb::ListRequestsRequest { owner: "staff/zhao".into(), ..all.clone() },
        pb::ListRequestsRequest { external_id: "1".into(), ..all },
    ] {
        assert_eq!(names(&mut desk, call).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_queue_puts_first_what_presses_most_and_holds_only_the_callers_open_requests() {
    let mut desk = Desk::open().await;
    let mail = desk.register(Channel::Email).await.name;
    let done = desk.resolved().await.name;
    desk.confirm(&done, pb::contact_attempt::Outcome::Satisfied).await.unwrap();
    let chat = desk.register(Channel::Chat).await.name;
    desk.as_("staff/zhao", "AGENT").register_request(desk.registration(Channel::Chat)).await.unwrap();
    desk.pass(5);
    let first = desk
        .requests
        .list_my_queue(pb::ListMyQueueRequest { page_size: 1, ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    let rest = pb::ListMyQueueRequest { page_size: 1, page_token: first.next_page_token };
    let rest = desk.requests.list_my_queue(rest).await.unwrap().into_inner();
    let shown: Vec<_> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|item| (item.request.as_ref().unwrap().name.as_str(), item.next_clause.as_str(), item.overdue))
        .collect();
    assert_eq!(shown, [(chat.as_str(), "C2.1", true), (mail.as_str(), "A2.8", false)]);
    assert_eq!(rest.next_page_token, "");
}

#[tokio::test]
async fn a_customer_sees_their_own_requests_and_no_internal_note() {
    let mut desk = Desk::open().await;
    let mine = desk.register(Channel::Chat).await.name;
    let other = pb::Customer { display_name: "别人".into(), contacts: vec![contact()], ..Default::default() };
    let other = desk
        .customers
        .create_customer(pb::CreateCustomerRequest {
            customer: Some(other),
            allow_shared_contacts: true,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner()
        .name;
    let theirs = pb::RegisterRequestRequest { customer: other, ..desk.registration(Channel::Chat) };
    let theirs = desk.requests.register_request(theirs).await.unwrap().into_inner().name;
    let note = pb::RecordProgressRequest { parent: mine.clone(), text: "客户易怒".into(), ..Default::default() };
    desk.requests.record_progress(note).await.unwrap();
    desk.tell(&mine).await.unwrap();

    let mut client = RequestServiceClient::new(desk.bench.as_(&desk.customer, &["CUSTOMER"]));
    let listed = client.list_requests(pb::ListRequestsRequest::default()).await.unwrap().into_inner().requests;
    assert_eq!(listed.iter().map(|request| request.name.as_str()).collect::<Vec<_>>(), [mine.as_str()]);
    assert_refused(
        client.get_request(pb::GetRequestRequest { name: theirs }).await,
        Code::NotFound,
        ErrorReason::ResourceNotFound,
    );
    let progress = client
        .list_progress(pb::ListProgressRequest { parent: mine.clone(), ..Default::default() })
        .await
        .unwrap()
        .into_inner()
        .progress;
    assert_eq!(progress.iter().map(|step| step.text.as_str()).collect::<Vec<_>>(), ["已联系工程师"]);
    let seen_by_agent = desk
        .requests
        .list_progress(pb::ListProgressRequest { parent: mine, ..Default::default() })
        .await
        .unwrap()
        .into_inner()
        .progress;
    assert_eq!(seen_by_agent.len(), 2);
}

#[tokio::test]
async fn customers_are_found_by_telephone_in_any_writing_by_email_in_any_case_and_by_a_part_of_their_name() {
    let mut desk = Desk::open().await;
    let contacts = vec![
        kefu_proto::contacts::v1::Contact { email: "Lin@Example.com".into(), ..Default::default() },
        kefu_proto::contacts::v1::Contact { phone: "010-8888 6666".into(), ..Default::default() },
    ];
    let firm = pb::Customer {
        display_name: "王府井百货".into(),
        contacts,
        kind: pb::customer::Kind::Organisation.into(),
        ..Default::default()
    };
    let firm = desk
        .customers
        .create_customer(pb::CreateCustomerRequest {
            customer: Some(firm),
            allow_shared_contacts: true,
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    let phone = |phone: &str| pb::FindCustomersRequest { phone: phone.into(), ..Default::default() };
    let email = |email: &str| pb::FindCustomersRequest { email: email.into(), ..Default::default() };
    let ending = |digits: &str| pb::FindCustomersRequest { phone_ending: digits.into(), ..Default::default() };
    let named = |name: &str| pb::FindCustomersRequest { display_name: name.into(), ..Default::default() };
    let (firm, person) = (firm.name.as_str(), desk.customer.clone());
    let cases = [
        (phone("+86 10 8888-6666"), vec![firm]),
        (phone("１３８ ００１３ ８０００"), vec![person.as_str()]),
        (phone("13900139000"), vec![]),
        (email("LIN@example.COM"), vec![firm]),
        (named("王府"), vec![firm]),
        (named("王小明"), vec![person.as_str()]),
        (named("府井"), vec![firm]),
        (named("王府 井"), vec![firm]),
        (named("王井"), vec![]),
        (named("王%小"), vec![person.as_str()]),
        (ending("6666"), vec![firm]),
        (ending("38000"), vec![person.as_str()]),
        (ending("28000"), vec![]),
    ];
    for (call, expected) in cases {
        let found = desk.customers.find_customers(call.clone()).await.unwrap().into_inner().customers;
        assert_eq!(
            found.iter().map(|customer| customer.name.as_str()).collect::<Vec<_>>(),
            expected,
            "{}",
            call.display_name
        );
    }
}

#[tokio::test]
async fn an_update_changes_the_fields_of_its_mask_and_no_other() {
    let mut desk = Desk::open().await;
    let given = pb::Customer {
        name: desk.customer.clone(),
        needs: "打印服务".into(),
        display_name: "不变".into(),
        ..Default::default()
    };
    let mask =
        |paths: &[&str]| Some(prost_types::FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() });
    let call = pb::UpdateCustomerRequest { customer: Some(given), update_mask: mask(&["needs"]), ..Default::default() };
    let updated = desk.customers.update_customer(call).await.unwrap().into_inner();
    assert_eq!(
        (updated.needs.as_str(), updated.display_name.as_str(), updated.etag.as_str()),
        ("打印服务", "王小明", "\"2\"")
    );
    let got =
        desk.customers.get_customer(pb::GetCustomerRequest { name: desk.customer.clone() }).await.unwrap().into_inner();
    assert_eq!(got, updated);
    let only_name =
        pb::Customer { name: desk.customer.clone(), display_name: "王大明".into(), ..Default::default() };
    let call = pb::UpdateCustomerRequest { customer: Some(only_name), ..Default::default() };
    let renamed = desk.customers.update_customer(call).await.unwrap().into_inner();
    assert_eq!(
        (renamed.display_name.as_str(), &renamed.contacts),
        ("王大明", &got.contacts),
        "without a mask, what is set"
    );
    let call = pb::UpdateCustomerRequest { customer: Some(renamed.clone()), ..Default::default() };
    let same = desk.customers.update_customer(call).await.unwrap().into_inner();
    assert_eq!(same, renamed, "an update that changes nothing makes no version");
    let stale = pb::Customer { etag: "\"1\"".into(), ..got.clone() };
    let call = pb::UpdateCustomerRequest { customer: Some(stale), ..Default::default() };
    assert_refused(desk.customers.update_customer(call).await, Code::Aborted, ErrorReason::EtagStale);
}

#[tokio::test]
async fn projects_belong_to_their_customer() {
    let mut desk = Desk::open().await;
    let project = pb::Project {
        display_name: "机房改造".into(),
        site_tier: pb::project::SiteTier::Province.into(),
        delivered_time: proto("2026-03-01T00:00:00+08:00"),
        ..Default::default()
    };
    let call = pb::CreateProjectRequest { parent: desk.customer.clone(), project: Some(project), ..Default::default() };
    let project = desk.customers.create_project(call).await.unwrap().into_inner();
    assert!(project.name.starts_with(&format!("{}/projects/", desk.customer)));
    let listed = desk
        .customers
        .list_projects(pb::ListProjectsRequest { parent: desk.customer.clone(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.projects, std::slice::from_ref(&project));
    let batch = pb::BatchGetProjectsRequest { parent: "customers/-".into(), names: vec![project.name.clone()] };
    let found = desk.customers.batch_get_projects(batch).await.unwrap().into_inner().projects;
    assert_eq!(found, std::slice::from_ref(&project));

    let mut stranger =
        CustomerServiceClient::new(desk.bench.as_("customers/01999999-0000-7000-8000-000000000000", &["CUSTOMER"]));
    assert_refused(
        stranger.get_project(pb::GetProjectRequest { name: project.name.clone() }).await,
        Code::NotFound,
        ErrorReason::ResourceNotFound,
    );
    let registration = pb::RegisterRequestRequest { project: project.name.clone(), ..desk.registration(Channel::Chat) };
    assert_eq!(desk.requests.register_request(registration).await.unwrap().into_inner().project, project.name);
}
