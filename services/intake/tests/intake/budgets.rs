//! Round trips to Postgres of each kind of call: begin, lock, duties, domain rows, one statement for the rest, commit.

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::notifications::v1::ListNotificationsRequest;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_testkit::Bench;

use super::desk::Desk;

#[tokio::test]
async fn every_kind_of_call_keeps_to_its_budget_of_round_trips() {
    let mut desk = Desk::on(Bench::builder(&kefu_intake::SERVICE).counting().start().await).await;
    let request = desk.register(Channel::Chat).await;
    desk.respond(&request.name).await.unwrap();
    let second = desk.register(Channel::Chat).await;
    let (requests, customers, registration) = (&desk.requests, &desk.customers, desk.registration(Channel::Chat));
    let name = request.name.as_str();

    let register =
        desk.bench.round_trips(async || requests.clone().register_request(registration.clone()).await.unwrap());
    assert_eq!(register.await, 4, "begin, insert, record, commit");
    let note = || pb::RecordProgressRequest { parent: name.into(), text: "x".into(), ..Default::default() };
    let progress = desk.bench.round_trips(async || requests.clone().record_progress(note()).await.unwrap());
    assert_eq!(progress.await, 7, "begin, lock, duties, insert, update, record, commit");
    let classification = || pb::ClassifyRequestRequest {
        name: name.into(),
        business_domain: "x".into(),
        problem_type: "y".into(),
        ..Default::default()
    };
    let classify = desk.bench.round_trips(async || requests.clone().classify_request(classification()).await.unwrap());
    assert_eq!(classify.await, 7, "begin, lock, duties, the earlier contact, update, record, commit");
    let get = desk
        .bench
        .round_trips(async || requests.clone().get_request(pb::GetRequestRequest { name: name.into() }).await.unwrap());
    assert_eq!(get.await, 1);
    let explanation = pb::ExplainRequestRequest { name: name.into() };
    let explain = desk.bench.round_trips(async || requests.clone().explain_request(explanation.clone()).await.unwrap());
    assert_eq!(explain.await, 3, "the request, an authorisation, and its customer");
    let list = desk
        .bench
        .round_trips(async || requests.clone().list_requests(pb::ListRequestsRequest::default()).await.unwrap());
    assert_eq!(list.await, 1);
    let phone = || pb::FindCustomersRequest { phone: "13800138000".into(), ..Default::default() };
    let find = desk.bench.round_trips(async || customers.clone().find_customers(phone()).await.unwrap());
    assert_eq!(find.await, 1);
    let words = || pb::SearchRequestsRequest { query: "王小明 打印".into(), ..Default::default() };
    let search = desk.bench.round_trips(async || requests.clone().search_requests(words()).await.unwrap());
    assert_eq!(search.await, 3, "what is newest, what may fit, and the requests of the page");
    let duplicates = || pb::SuggestDuplicatesRequest { name: name.into(), ..Default::default() };
    let suggest = desk.bench.round_trips(async || requests.clone().suggest_duplicates(duplicates()).await.unwrap());
    assert_eq!(suggest.await, 2, "the request, and the others");
    let draft = || pb::SuggestDraftDuplicatesRequest { customer: desk.customer.clone(), ..Default::default() };
    let suggest = desk.bench.round_trips(async || requests.clone().suggest_draft_duplicates(draft()).await.unwrap());
    assert_eq!(suggest.await, 2, "the customer and the project, and the others");
    let queue = desk
        .bench
        .round_trips(async || requests.clone().list_my_queue(pb::ListMyQueueRequest::default()).await.unwrap());
    assert_eq!(queue.await, 2, "what presses, and the requests");

    let order = || pb::FileWorkOrderRequest {
        parent: name.into(),
        for_department: "departments/field".into(),
        content: "x".into(),
        ..Default::default()
    };
    let file = desk.bench.round_trips(async || requests.clone().file_work_order(order()).await.unwrap());
    assert_eq!(file.await, 7, "begin, lock, duties, insert, update, record, commit");
    let (other, relation) = (second.name, pb::request::Relation::Related.into());
    let link = || pb::LinkRequestsRequest { name: name.into(), other: other.clone(), relation, ..Default::default() };
    let link = desk.bench.round_trips(async || requests.clone().link_requests(link()).await.unwrap());
    assert_eq!(link.await, 7, "begin, lock both, duties, two updates, record, commit");
    let order = pb::RegisterRequestRequest { order_number: "SO-1".into(), ..registration.clone() };
    requests.clone().register_request(order.clone()).await.unwrap();
    let repeat = desk.bench.round_trips(async || requests.clone().register_request(order.clone()).await.unwrap());
    assert_eq!(repeat.await, 7, "begin, turn, the earlier contact, its update, insert, record, commit");
    let notifications = NotificationServiceClient::new(desk.bench.as_("staff/lin", &["AGENT"]));
    let mine = || ListNotificationsRequest { parent: desk.bench.name(), ..Default::default() };
    let told = desk.bench.round_trips(async || notifications.clone().list_notifications(mine()).await.unwrap());
    assert_eq!(told.await, 1);
}
