//! Customers that were opened twice: refused unless it is meant, and merged (A2.8, B1.2).

use std::collections::BTreeSet;

use futures::future::join_all;
use kefu_proto::contacts::v1::{Channel, Contact};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{Desk, contact};

impl Desk {
    async fn opened(&mut self, name: &str, phone: &str) -> String {
        let contacts = vec![Contact { phone: phone.into(), ..Contact::default() }];
        let customer = Some(pb::Customer { display_name: name.into(), contacts, ..Default::default() });
        let call = pb::CreateCustomerRequest { customer, ..Default::default() };
        self.customers.create_customer(call).await.unwrap().into_inner().name
    }

    async fn merge(&self, kept: &str, merged: &str) -> pb::Customer {
        let reason = "重复建档".into();
        let call = pb::MergeCustomersRequest { name: kept.into(), merged: merged.into(), reason, ..Default::default() };
        self.customers.clone().merge_customers(call).await.unwrap().into_inner()
    }

    async fn timeline(&self, name: &str) -> Vec<String> {
        let call = pb::GetCustomerTimelineRequest { name: name.into(), ..Default::default() };
        let entries = self.customers.clone().get_customer_timeline(call).await.unwrap().into_inner().entries;
        entries.into_iter().map(|entry| entry.resource).collect()
    }

    async fn register_for(&self, customer: &str) -> pb::Request {
        let call = pb::RegisterRequestRequest { customer: customer.into(), ..self.registration(Channel::Chat) };
        self.requests.clone().register_request(call).await.unwrap().into_inner()
    }
}

#[tokio::test]
async fn a_customer_is_not_opened_twice_unless_it_is_somebody_else() {
    let mut desk = Desk::open().await;
    let twice = pb::Customer { display_name: "小明".into(), contacts: vec![contact()], ..Default::default() };
    let call = |allow_shared_contacts| pb::CreateCustomerRequest {
        customer: Some(twice.clone()),
        allow_shared_contacts,
        ..Default::default()
    };
    let refusal = assert_refused(
        desk.customers.create_customer(call(false)).await,
        Code::InvalidArgument,
        ErrorReason::FieldInvalid,
    );
    assert_eq!(refusal.fields(), ["customer.contacts[0].phone"]);
    let said = refusal.said().remove(0);
    assert!(said.english.contains(&desk.customer) && said.english.contains("王小明"), "{}", said.english);
    desk.customers.create_customer(call(true)).await.unwrap();
}

#[tokio::test]
async fn of_many_who_open_one_customer_at_once_one_does() {
    let desk = Desk::open().await;
    let contacts =
        ["+8613900139000", "+8613900139001"].map(|phone| Contact { phone: phone.into(), ..Default::default() });
    let call = |turn: usize| {
        // The numbers come in both orders.
        let mut contacts = contacts.to_vec();
        contacts.rotate_left(turn % 2);
        let customer = pb::Customer { display_name: "王晓明".into(), contacts, ..Default::default() };
        pb::CreateCustomerRequest { customer: Some(customer), ..Default::default() }
    };
    let outcomes = (0..8).map(async |turn| desk.customers.clone().create_customer(call(turn)).await);
    let (opened, refused): (Vec<_>, Vec<_>) = join_all(outcomes).await.into_iter().partition(Result::is_ok);
    assert_eq!((opened.len(), refused.len()), (1, 7));
    for outcome in refused {
        let refusal = assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["customer.contacts[0].phone", "customer.contacts[1].phone"]);
    }
}

#[tokio::test]
async fn the_old_name_of_a_merged_customer_leads_to_the_other_one() {
    let mut desk = Desk::open().await;
    let (kept, old) = (desk.customer.clone(), desk.opened("王晓明", "13900139000").await);
    let project = pb::Project { display_name: "机房".into(), ..Default::default() };
    let call = pb::CreateProjectRequest { parent: old.clone(), project: Some(project), ..Default::default() };
    let project = desk.customers.create_project(call).await.unwrap().into_inner().name;
    let call = pb::RegisterRequestRequest {
        customer: old.clone(),
        project: project.clone(),
        ..desk.registration(Channel::Chat)
    };
    let theirs = desk.requests.register_request(call).await.unwrap().into_inner().name;
    let mine = desk.register(Channel::Chat).await.name;

    let merged = desk.merge(&kept, &old).await;
    assert_eq!((merged.name.as_str(), merged.contacts.len()), (kept.as_str(), 2));
    let get = |name: &str| pb::GetCustomerRequest { name: name.into() };
    assert_eq!(desk.customers.get_customer(get(&old)).await.unwrap().into_inner(), merged);
    for name in [&kept, &old] {
        // Both came at one moment, so either may stand first.
        let entries: BTreeSet<String> = desk.timeline(name).await.into_iter().collect();
        assert_eq!(entries, BTreeSet::from([mine.clone(), theirs.clone()]));
    }
    let moved = desk.requests.get_request(pb::GetRequestRequest { name: theirs.clone() }).await.unwrap().into_inner();
    assert_eq!(moved.customer, kept);
    assert!(moved.project.starts_with(&format!("{kept}/")));
    let shown = desk.customers.get_project(pb::GetProjectRequest { name: project }).await.unwrap().into_inner();
    assert_eq!(shown.name, moved.project, "the old name of the project leads to it too");
    assert_eq!(desk.register_for(&old).await.customer, kept);
    let found = pb::FindCustomersRequest { phone: "13900139000".into(), ..Default::default() };
    let found = desk.customers.find_customers(found).await.unwrap().into_inner().customers;
    assert_eq!(found.iter().map(|customer| customer.name.as_str()).collect::<Vec<_>>(), [kept.as_str()]);
    let listed = desk.customers.list_customers(pb::ListCustomersRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.customers.len(), 1);
    let found = pb::SearchRequestsRequest { query: "13900139000".into(), ..Default::default() };
    let found = desk.requests.search_requests(found).await.unwrap().into_inner().results;
    assert_eq!(found.len(), 3, "all are found by a number of either");

    // A token of the old name goes on seeing what is theirs.
    let mut token = RequestServiceClient::new(desk.bench.as_(&old, &["CUSTOMER"]));
    let own = token.list_requests(pb::ListRequestsRequest::default()).await.unwrap().into_inner().requests;
    assert_eq!(own.len(), 3);
    token.get_request(pb::GetRequestRequest { name: mine }).await.unwrap();
    let mut token = CustomerServiceClient::new(desk.bench.as_(&old, &["CUSTOMER"]));
    assert_eq!(token.get_customer(get(&old)).await.unwrap().into_inner().name, kept);
}

#[tokio::test]
async fn a_merged_customer_is_merged_again_and_never_with_itself() {
    let mut desk = Desk::open().await;
    let first = desk.customer.clone();
    let second = desk.opened("王二", "13900139000").await;
    let third = desk.opened("王三", "13700137000").await;
    let name = desk.register_for(&third).await.name;
    desk.merge(&second, &third).await;
    let call = |name: &str, merged: &str| pb::MergeCustomersRequest {
        name: name.into(),
        merged: merged.into(),
        reason: "重复建档".into(),
        ..Default::default()
    };
    for (kept, merged) in [(&second, &third), (&third, &second), (&first, &first)] {
        let refused = desk.customers.merge_customers(call(kept, merged)).await;
        let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["merged"]);
    }
    desk.merge(&first, &third).await;
    for old in [&second, &third] {
        assert_eq!(desk.timeline(old).await, [name.as_str()]);
    }
    for old in [&second, &third] {
        assert_eq!(desk.register_for(old).await.customer, first);
    }
}

#[tokio::test]
async fn what_is_registered_while_customers_are_merged_is_lost_to_nobody_and_streams_go_on() {
    let mut desk = Desk::open().await;
    let (kept, old) = (desk.customer.clone(), desk.opened("王晓明", "13900139000").await);
    let mut watcher = RequestServiceClient::new(desk.bench.as_(&old, &["CUSTOMER"]));
    let mut stream = watcher.watch_requests(pb::WatchRequestsRequest::default()).await.unwrap().into_inner();
    stream.message().await.unwrap();
    let register = |customer: String| {
        let (mut client, call) = (desk.requests.clone(), desk.registration(Channel::Chat));
        async move {
            // All are about one order, so that each locks the first request.
            let order_number = "A-1".into();
            let call = pb::RegisterRequestRequest { customer, order_number, ..call };
            client.register_request(call).await.unwrap();
        }
    };
    let update = |customer: String| {
        let mut client = desk.customers.clone();
        async move {
            let given = pb::Customer { name: customer, needs: "打印".into(), ..Default::default() };
            let call = pb::UpdateCustomerRequest { customer: Some(given), ..Default::default() };
            // An update that met the merge is refused as stale, or done on the customer who is kept.
            if let Err(refused) = client.update_customer(call).await {
                assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
            }
        }
    };
    let before = (0..20).map(|_| register(old.clone()));
    let merging = async { desk.merge(&kept, &old).await };
    let after = (0..20).map(|_| register(old.clone()));
    let updates = (0..4).map(|_| update(old.clone()));
    tokio::join!(
        futures::future::join_all(before),
        merging,
        futures::future::join_all(after),
        futures::future::join_all(updates)
    );
    assert_eq!(desk.timeline(&kept).await.len(), 40);
    let left = sqlx::query_scalar("select count(*) from intake.request where customer = $1::uuid");
    let left: i64 = left.bind(&old["customers/".len()..]).fetch_one(desk.bench.admin()).await.unwrap();
    assert_eq!(left, 0, "nothing stays behind under the old name");
    desk.bench.seal().await;
    let mut seen = 0;
    while seen < 40 {
        let message = stream.message().await.unwrap().unwrap();
        seen += usize::from(message.event.ends_with("RequestRegistered"));
    }
}

#[tokio::test]
async fn the_desks_own_words_are_not_shown_to_customers() {
    let mut desk = Desk::open().await;
    let given = pb::Customer {
        name: desk.customer.clone(),
        needs: "急躁".into(),
        service_plan: "少说".into(),
        ..Default::default()
    };
    let call = pb::UpdateCustomerRequest { customer: Some(given), ..Default::default() };
    let seen = desk.customers.update_customer(call).await.unwrap().into_inner();
    assert_eq!((seen.needs.as_str(), seen.service_plan.as_str()), ("急躁", "少说"));
    let mut own = CustomerServiceClient::new(desk.bench.as_(&desk.customer, &["CUSTOMER"]));
    let call = pb::GetCustomerRequest { name: desk.customer.clone() };
    let shown = own.get_customer(call).await.unwrap().into_inner();
    assert_eq!((shown.needs.as_str(), shown.service_plan.as_str()), ("", ""));
}

#[tokio::test]
async fn whoever_looks_after_a_customer_is_active_in_the_directory() {
    let mut desk = Desk::open().await;
    let customer = pb::Customer { display_name: "李雷".into(), owner: "staff/nobody".into(), ..Default::default() };
    let call = pb::CreateCustomerRequest { customer: Some(customer), ..Default::default() };
    let refused = desk.customers.create_customer(call).await;
    let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["customer.owner"]);
}
