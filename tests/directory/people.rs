//! Tests who may call intake: staff who are recorded, change, move and leave, and anybody while the directory is empty.

use kefu_proto::compliance::v1::SummarizeComplianceRequest;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::directory::v1 as pb;
use kefu_proto::intake::v1 as intake;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::notifications::v1::ListNotificationsRequest;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::{Bearer, assert_refused, eventually, sign};
use tonic::{Code, Status};

use super::{DESK, House, OTHER, contact};

/// Makes a call that agents may not make, and those above them may.
async fn summarize(house: &House, roles: &[&str]) -> Result<(), Status> {
    let mut client = ComplianceServiceClient::new(house.intake.as_("staff/lin", roles));
    let call = SummarizeComplianceRequest { parent: house.intake.name(), ..Default::default() };
    client.summarize_compliance(call).await.map(|_| ())
}

#[tokio::test]
async fn a_person_recorded_in_the_directory_may_call_other_services_soon_after() {
    let house = House::open().await;
    let mut new = house.requests("staff/new", &["AGENT"]);
    let refused = new.list_requests(intake::ListRequestsRequest::default()).await;
    assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    house.hire("new", Role::Agent, DESK).await;
    eventually("staff/new may call", async || {
        new.clone().list_requests(intake::ListRequestsRequest::default()).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_role_counts_only_while_token_and_directory_both_have_it() {
    let house = House::open().await;
    assert_refused(summarize(&house, &["AGENT"]).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    assert_refused(summarize(&house, &["AGENT", "MANAGER"]).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    let with = |roles: &[Role]| pb::Staff {
        name: "staff/lin".into(),
        roles: roles.iter().map(|&role| role.into()).collect(),
        ..Default::default()
    };
    house.change(with(&[Role::Agent, Role::Manager]), "roles", "").await;
    eventually("the directory's role counts", async || summarize(&house, &["MANAGER"]).await.ok()).await;
    assert_refused(summarize(&house, &["AGENT"]).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    assert_refused(summarize(&house, &[]).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    house.change(with(&[Role::Agent]), "roles", "").await;
    eventually("it counts no more", async || summarize(&house, &["MANAGER"]).await.err()).await;
    assert_refused(summarize(&house, &["MANAGER"]).await, Code::PermissionDenied, ErrorReason::RoleMissing);
    house.register(&house.customer().await, "").await.unwrap();
}

#[tokio::test]
async fn whoever_leaves_may_do_nothing_any_more_and_sees_no_more() {
    let house = House::open().await;
    let customer = house.customer().await;
    let mut lin = house.requests("staff/lin", &["AGENT"]);
    let mut watched = lin.watch_requests(intake::WatchRequestsRequest::default()).await.unwrap().into_inner();
    watched.message().await.unwrap().unwrap();
    house.leave("staff/lin").await;
    house.until("staff/lin has left", |known| !known.is_active("staff/lin")).await;
    let refused = house.register(&customer, "").await;
    assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    let refused = lin.list_requests(intake::ListRequestsRequest::default()).await;
    assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    // The next event ends the watch of somebody who has left.
    house.customer().await;
    assert_refused(watched.message().await, Code::PermissionDenied, ErrorReason::RoleMissing);
}

#[tokio::test]
async fn what_happened_before_a_move_is_the_old_departments_and_what_happens_now_is_the_new_ones() {
    let house = House::open().await;
    let customer = house.customer().await;
    let moved = pb::Staff { name: "staff/lin".into(), department: OTHER.into(), ..Default::default() };
    house.change(moved, "department", "2026-11-20T09:30:00+08:00").await;
    let now = house.intake.now();
    house.until("staff/lin has moved", |known| known.department_of("staff/lin", now) == OTHER).await;
    for (occurred, department) in [
        ("2026-11-20T05:00:00+08:00", DESK),
        ("2026-11-20T09:29:59.999999+08:00", DESK),
        ("2026-11-20T09:30:00+08:00", OTHER),
        ("", OTHER),
    ] {
        let request = house.register(&customer, occurred).await.unwrap();
        assert_eq!(request.department, department, "{occurred}");
        let duties = "select count(*) from duty where subject = $1 and department <> $2";
        let duties = sqlx::query_scalar(duties).bind(&request.name).bind(department);
        let elsewhere: i64 = duties.fetch_one(house.intake.admin()).await.unwrap();
        assert_eq!(elsewhere, 0, "duties are of the department of that time");
    }
}

#[tokio::test]
async fn while_the_directory_holds_nobody_only_operators_and_services_write() {
    let house = House::build().await;
    let customer = house.customer().await;
    let call = |name: &str| intake::CreateCustomerRequest {
        customer: Some(intake::Customer { display_name: name.into(), contacts: vec![contact()], ..Default::default() }),
        allow_shared_contacts: true,
        ..Default::default()
    };
    let mut operator = CustomerServiceClient::new(house.intake.as_("staff/admin", &["ADMIN"]));
    operator.create_customer(call("李")).await.unwrap();
    for (language, told) in [
        ("zh-CN", ("zh-CN", "员工目录尚为空，此前仅系统管理员和系统服务可以写入。")),
        ("en", ("en", "The directory holds no staff yet: until then only operators and services may write.")),
    ] {
        let bearer = Bearer::new(&sign("staff/lin", &["AGENT", "MANAGER"])).reading(language);
        let mut agent = CustomerServiceClient::new(bearer.on(house.intake.channel()));
        let refused = agent.create_customer(call("王")).await;
        let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::DirectoryEmpty);
        assert_eq!((refusal.told(), refusal.clauses(), refusal.resource()), (told, vec!["A2.1"], "services/appraisal"));
    }
    let refused = house.register(&customer, "").await;
    assert_refused(refused, Code::FailedPrecondition, ErrorReason::DirectoryEmpty);
    let mut agent = house.requests("staff/lin", &["AGENT"]);
    agent.list_requests(intake::ListRequestsRequest::default()).await.unwrap();

    house.found("desk", &[]).await;
    house.hire("lin", Role::Agent, DESK).await;
    eventually("staff/lin may write", async || house.register(&customer, "").await.ok()).await;
}

#[tokio::test]
async fn whoever_is_in_charge_is_told_at_once_what_somebody_leaves_open_and_finds_it_in_the_queue() {
    let house = House::open().await;
    let customer = house.customer().await;
    house.hire("mei", Role::Agent, DESK).await;
    house.hire("head", Role::Manager, DESK).await;
    let department = pb::Department { name: DESK.into(), head: "staff/head".into(), ..Default::default() };
    let call = pb::UpdateDepartmentRequest {
        department: Some(department),
        update_mask: Some(prost_types::FieldMask { paths: vec!["head".into()] }),
        ..Default::default()
    };
    house.directory().update_department(call).await.unwrap();
    let now = house.intake.now();
    house.until("the desk has a head", |known| known.responsible(DESK, "", now).is_some()).await;
    house.until("staff/mei is known", |known| known.is_active("staff/mei")).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(house.register(&customer, "").await.unwrap().name);
    }
    let queue = async || {
        let mut mei = house.requests("staff/mei", &["AGENT"]);
        let queue = mei.list_my_queue(intake::ListMyQueueRequest::default()).await.unwrap().into_inner().items;
        let named = queue.into_iter().map(|item| (item.request.unwrap_or_default().name, item.unattended));
        named.collect::<Vec<_>>()
    };
    assert_eq!(queue().await, []);
    house.leave("staff/lin").await;
    let told = eventually("the head is told", async || {
        let caller = house.intake.as_("staff/head", &["MANAGER"]);
        let call = ListNotificationsRequest { parent: house.intake.name(), ..Default::default() };
        let told = NotificationServiceClient::new(caller).list_notifications(call).await.unwrap().into_inner();
        Some(told.notifications).filter(|told| !told.is_empty())
    })
    .await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind.as_str(), told[0].subject.as_str()), ("matters_left", "staff/lin"));
    assert!(told[0].text.contains('3'), "{}", told[0].text);
    // The notice is stored with the copy's rows; what is held in memory follows.
    house.until("staff/lin has left", |known| !known.is_active("staff/lin")).await;
    let mut left = queue().await;
    left.sort();
    open.sort();
    assert_eq!(left, open.into_iter().map(|name| (name, true)).collect::<Vec<_>>());
}
