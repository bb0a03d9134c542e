//! Tests how a request becomes a complaint, across intake and complaints, whatever crashes between them.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::complaints::v1::improvement_service_client::ImprovementServiceClient;
use kefu_proto::complaints::v1::{self as complaints};
use kefu_proto::contacts::v1::{Channel, Contact};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::intake::v1::timeline_entry::Kind;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Bench, Caller, assert_refused, eventually, request_id};
use sqlx::Executor as _;
use tonic::{Code, Status};

/// Intake and complaints as peers, and a customer with a request of staff/lin.
struct Pair {
    intake: Bench,
    complaints: Bench,
    customer: String,
    request: String,
}

impl Pair {
    async fn open() -> Self {
        let intake = Bench::of(&kefu_intake::SERVICE).await;
        let complaints = Bench::builder(&kefu_complaints::SERVICE).beside(&intake).start().await;
        intake.meet(&complaints);
        let contact = Contact { phone: "138 0013 8000".into(), ..Default::default() };
        let customer =
            pb::Customer { display_name: "王小明".into(), contacts: vec![contact.clone()], ..Default::default() };
        let agent = intake.as_("staff/lin", &["AGENT"]);
        let call =
            pb::CreateCustomerRequest { customer: Some(customer), allow_shared_contacts: true, ..Default::default() };
        let customer = CustomerServiceClient::new(agent.clone()).create_customer(call).await.unwrap().into_inner().name;
        let call = pb::RegisterRequestRequest {
            customer: customer.clone(),
            channel: Channel::Hotline.into(),
            kind: pb::request::Kind::Complaint.into(),
            contact: Some(contact),
            description: "安装后漏水".into(),
            ..Default::default()
        };
        let request = RequestServiceClient::new(agent).register_request(call).await.unwrap().into_inner().name;
        Self { intake, complaints, customer, request }
    }

    fn requests(&self) -> RequestServiceClient<Caller> {
        RequestServiceClient::new(self.intake.as_("staff/lin", &["AGENT"]))
    }

    async fn convert(&self, request_id: &str) -> Result<pb::Request, Status> {
        let call = pb::ConvertToComplaintRequest {
            name: self.request.clone(),
            category: complaints::complaint::Category::Quality.into(),
            request_id: request_id.into(),
            ..Default::default()
        };
        Ok(self.requests().convert_to_complaint(call).await?.into_inner())
    }

    async fn convert_saying(&self, matter: &str) -> Result<pb::Request, Status> {
        let call = pb::ConvertToComplaintRequest {
            name: self.request.clone(),
            matter: matter.into(),
            category: complaints::complaint::Category::Quality.into(),
            ..Default::default()
        };
        Ok(self.requests().convert_to_complaint(call).await?.into_inner())
    }

    fn leader(&self) -> RequestServiceClient<Caller> {
        RequestServiceClient::new(self.intake.as_("staff/boss", &["SUPERVISOR"]))
    }

    async fn request(&self) -> pb::Request {
        let call = pb::GetRequestRequest { name: self.request.clone() };
        self.requests().get_request(call).await.unwrap().into_inner()
    }

    /// Returns all complaints.
    async fn registered(&self) -> Vec<complaints::Complaint> {
        let mut client = ComplaintServiceClient::new(self.complaints.as_service());
        client.list_complaints(complaints::ListComplaintsRequest::default()).await.unwrap().into_inner().complaints
    }

    async fn timeline(&self) -> Vec<pb::TimelineEntry> {
        let call = pb::GetCustomerTimelineRequest { name: self.customer.clone(), ..Default::default() };
        let mut client = CustomerServiceClient::new(self.intake.as_("staff/lin", &["AGENT"]));
        client.get_customer_timeline(call).await.unwrap().into_inner().entries
    }

    /// Waits until the background worker has linked the request, and returns the complaint's name.
    async fn until_linked(&self) -> String {
        eventually("the request is linked", async || {
            self.intake.time().advance(SignedDuration::from_secs(21));
            Some(self.request().await.complaint).filter(|complaint| !complaint.is_empty())
        })
        .await
    }

    async fn tamper(&self, statement: &'static str) {
        self.intake.admin().execute(statement).await.unwrap();
    }
}

#[tokio::test]
async fn a_request_and_its_complaint_name_each_other_and_the_customers_timeline_has_both() {
    let pair = Pair::open().await;
    let id = request_id();
    let converted = pair.convert(&id).await.unwrap();
    let registered = pair.registered().await;
    let [complaint] = registered.as_slice() else { panic!("{registered:?}") };
    assert_eq!(
        (converted.complaint.as_str(), complaint.request.as_str()),
        (complaint.name.as_str(), converted.name.as_str())
    );
    assert_eq!((complaint.customer.as_str(), complaint.handler.as_str()), (pair.customer.as_str(), "staff/lin"));
    assert_eq!(complaint.matter, "安装后漏水");
    assert_eq!(converted.state(), pb::request::State::InProgress, "the request goes on as it was");
    assert_eq!(pair.convert(&id).await.unwrap(), converted, "a repeated call has the same answer");
    let again = pair.convert(&request_id()).await;
    assert_eq!(assert_refused(again, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["C5.1"]);

    let both = eventually("the timeline has both", async || {
        let entries = pair.timeline().await;
        (entries.len() == 2).then_some(entries)
    })
    .await;
    let of = |kind: Kind| both.iter().find(|entry| entry.kind() == kind).unwrap();
    let (request, complaint) = (of(Kind::Request), of(Kind::Complaint));
    assert_eq!(
        (request.linked.as_str(), complaint.linked.as_str()),
        (complaint.resource.as_str(), request.resource.as_str())
    );
    assert_eq!((complaint.state.as_str(), complaint.topic.as_str()), ("REGISTERED", "QUALITY"));
    assert_eq!((request.state.as_str(), request.topic.as_str()), ("IN_PROGRESS", "COMPLAINT"));
    let call = complaints::WithdrawComplaintRequest {
        name: complaint.resource.clone(),
        reason: "已解决".into(),
        ..Default::default()
    };
    let handler = pair.complaints.as_("staff/lin", &["AGENT"]);
    ComplaintServiceClient::new(handler).withdraw_complaint(call).await.unwrap();
    eventually("the timeline follows", async || {
        pair.timeline().await.iter().any(|entry| entry.state == "WITHDRAWN").then_some(())
    })
    .await;
    let other =
        CustomerServiceClient::new(pair.intake.as_("customers/0199aaaa-0000-7000-8000-000000000003", &["CUSTOMER"]))
            .get_customer_timeline(pb::GetCustomerTimelineRequest { name: pair.customer.clone(), ..Default::default() })
            .await;
    assert_refused(other, Code::NotFound, ErrorReason::ResourceNotFound);
}

#[tokio::test]
async fn the_timeline_is_paged_over_requests_and_complaints_alike() {
    let pair = Pair::open().await;
    pair.convert(&request_id()).await.unwrap();
    let handler = ComplaintServiceClient::new(pair.complaints.as_("staff/lin", &["AGENT"]));
    for matter in ["送货迟到", "发票有误"] {
        pair.complaints.time().advance(SignedDuration::from_mins(1));
        let call = complaints::RegisterComplaintRequest {
            customer: pair.customer.clone(),
            channel: Channel::Hotline.into(),
            contact: Some(Contact { phone: "138 0013 8000".into(), ..Default::default() }),
            matter: matter.into(),
            ..Default::default()
        };
        handler.clone().register_complaint(call).await.unwrap();
    }
    let whole =
        eventually("the timeline has all", async || Some(pair.timeline().await).filter(|entries| entries.len() == 4))
            .await;
    let mut client = CustomerServiceClient::new(pair.intake.as_("staff/lin", &["AGENT"]));
    let (mut paged, mut page_token) = (Vec::new(), String::new());
    loop {
        let call = pb::GetCustomerTimelineRequest { name: pair.customer.clone(), page_size: 1, page_token };
        let page = client.get_customer_timeline(call).await.unwrap().into_inner();
        assert!(page.entries.len() <= 1);
        paged.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn complaints_are_counted_by_the_contacts_that_intake_has() {
    let pair = Pair::open().await;
    pair.complaints.caught_up_with(&pair.intake).await;
    pair.convert(&request_id()).await.unwrap();
    let time = |time: &str| Some(kefu_chassis::time::to_proto(time.parse().unwrap()));
    let call = complaints::AnalyzeComplaintsRequest {
        start_time: time("2026-11-16T00:00:00+08:00"),
        end_time: time("2026-11-23T00:00:00+08:00"),
        ..Default::default()
    };
    let mut client = ImprovementServiceClient::new(pair.complaints.as_("staff/boss", &["SUPERVISOR"]));
    let told = client.analyze_complaints(call).await.unwrap().into_inner();
    assert_eq!((told.complaint_count, told.contact_count), (1, Some(1)));
    assert_eq!(told.rate_per_thousand, Some(1_000.0), "one complaint of one contact");
    assert_eq!((told.weeks.len(), told.weeks[0].week.as_str()), (1, "2026-W47"));
}

#[tokio::test]
async fn while_complaints_is_away_the_call_is_refused_and_the_complaint_comes_when_it_is_back() {
    let mut pair = Pair::open().await;
    pair.complaints.halt().await;
    let id = request_id();
    assert_refused(pair.convert(&id).await, Code::Unavailable, ErrorReason::BackendAway);
    assert!(pair.request().await.complaint.is_empty());
    pair.complaints.resume().await;
    let complaint = pair.until_linked().await;
    let registered = pair.registered().await;
    assert_eq!(registered.iter().map(|known| known.name.as_str()).collect::<Vec<_>>(), [complaint.as_str()]);
    assert_eq!(pair.convert(&id).await.unwrap().complaint, complaint, "who had no answer asks again and has it");
    let anew = pair.convert(&request_id()).await;
    assert_refused(anew, Code::FailedPrecondition, ErrorReason::GateClosed);
}

#[tokio::test]
async fn a_complaint_is_received_when_it_was_made_however_late_it_is_registered() {
    let mut pair = Pair::open().await;
    let made = pair.intake.now();
    pair.complaints.halt().await;
    assert_refused(pair.convert(&request_id()).await, Code::Unavailable, ErrorReason::BackendAway);
    let other = pair.convert_saying("另一件事").await;
    assert_eq!(assert_refused(other, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["name"]);
    pair.complaints.time().advance(SignedDuration::from_hours(48));
    pair.complaints.resume().await;
    pair.until_linked().await;
    let registered = pair.registered().await;
    assert_eq!(registered[0].received_time, Some(kefu_chassis::time::to_proto(made)));
    assert_eq!(registered[0].matter, "安装后漏水", "what the first call said");
}

#[tokio::test]
async fn what_complaints_would_refuse_is_refused_where_the_caller_can_mend_it() {
    let pair = Pair::open().await;
    pair.tamper("update intake.request set description = '', contact = '{}'").await;
    let without = pair.convert(&request_id()).await;
    assert_eq!(assert_refused(without, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["contact"]);
    let call = pb::ConvertToComplaintRequest {
        name: pair.request.clone(),
        contact: Some(Contact { phone: "138 0013 8000".into(), ..Default::default() }),
        ..Default::default()
    };
    let without = pair.requests().convert_to_complaint(call.clone()).await;
    assert_eq!(assert_refused(without, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["matter"]);
    // The request's owner has left since, and its product model has a name of 200 characters.
    pair.tamper("update intake.request set owner = 'staff/gone', product_model = repeat('x', 200)").await;
    let call = pb::ConvertToComplaintRequest { matter: "漏水".into(), ..call };
    let converted = pair.leader().convert_to_complaint(call).await.unwrap().into_inner();
    let registered = pair.registered().await;
    assert_eq!(
        (registered[0].name.as_str(), registered[0].handler.as_str()),
        (converted.complaint.as_str(), "staff/boss")
    );
}

#[tokio::test]
async fn what_is_refused_for_good_is_given_up_and_can_be_tried_anew() {
    let pair = Pair::open().await;
    pair.complaints.change_directory("update directory_staff set inactive = true where name = 'staff/lin'").await;
    let refused = pair.convert(&request_id()).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["name"]);
    assert!(pair.registered().await.is_empty());
    let kinds: Vec<String> =
        pair.intake.events().await.into_iter().map(|event| event.payload.unwrap().type_url).collect();
    assert!(kinds.last().unwrap().ends_with("RequestConversionGivenUp"), "{kinds:?}");
    pair.complaints.change_directory("update directory_staff set inactive = false where name = 'staff/lin'").await;
    pair.convert(&request_id()).await.unwrap();
}

#[tokio::test]
async fn a_complaint_names_its_request_by_a_conversion_only() {
    let pair = Pair::open().await;
    let call = complaints::RegisterComplaintRequest {
        channel: Channel::Hotline.into(),
        contact: Some(Contact { phone: "138 0013 8000".into(), ..Default::default() }),
        matter: "漏水".into(),
        request: pair.request.clone(),
        ..Default::default()
    };
    let mut agent = ComplaintServiceClient::new(pair.complaints.as_("staff/lin", &["AGENT"]));
    let refused = agent.register_complaint(call).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["request"]);
}

#[tokio::test]
async fn whatever_was_forgotten_between_the_two_there_is_one_complaint() {
    let pair = Pair::open().await;
    let converted = pair.convert(&request_id()).await.unwrap();
    // The state after a crash between the registration and the link, first with the stored reply in complaints, then
    // without.
    for forget in [false, true] {
        if forget {
            pair.complaints.admin().execute("delete from reply").await.unwrap();
        }
        pair.tamper("update intake.conversion set done = false, try_next_at = '2000-01-01'").await;
        pair.tamper("update intake.request set complaint = null").await;
        // Intake stores its reply in the transaction that links the two, so after such a crash there is none.
        pair.tamper("delete from reply").await;
        assert_eq!(pair.until_linked().await, converted.complaint);
    }
    assert_eq!(pair.registered().await.len(), 1);
}

#[tokio::test]
async fn many_at_once_make_one_complaint() {
    let pair = Pair::open().await;
    let calls = (0..8).map(|_| async { pair.convert(&request_id()).await });
    let outcomes = futures::future::join_all(calls).await;
    let made: BTreeSet<String> = outcomes.iter().flatten().map(|request| request.complaint.clone()).collect();
    assert_eq!(made.len(), 1, "{outcomes:?}");
    assert!(outcomes.iter().flatten().all(|request| !request.complaint.is_empty()));
    for status in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    }
    assert_eq!(pair.registered().await.len(), 1);
}

#[tokio::test]
async fn complaints_of_a_merged_customer_are_the_other_ones_and_the_old_name_leads_to_them() {
    let pair = Pair::open().await;
    let complaint = pair.convert(&request_id()).await.unwrap().complaint;
    let handler = ComplaintServiceClient::new(pair.complaints.as_("staff/lin", &["AGENT"]));
    let registration = complaints::RegisterComplaintRequest {
        customer: pair.customer.clone(),
        channel: Channel::Hotline.into(),
        contact: Some(Contact { phone: "138 0013 8000".into(), ..Default::default() }),
        matter: "送货迟到".into(),
        ..Default::default()
    };
    // Of an archived complaint nothing else changes, and no other merge waits for it.
    let archived = handler.clone().register_complaint(registration.clone()).await.unwrap().into_inner().name;
    let (name, reason) = (archived.clone(), "已解决".into());
    let call = complaints::WithdrawComplaintRequest { name, reason, ..Default::default() };
    handler.clone().withdraw_complaint(call).await.unwrap();
    let call = complaints::ArchiveComplaintRequest { name: archived.clone(), ..Default::default() };
    let archive = handler.clone().archive_complaint(call).await.unwrap().into_inner().name;
    let mut customers = CustomerServiceClient::new(pair.intake.as_("staff/lin", &["AGENT"]));
    let customer = Some(pb::Customer { display_name: "王小明".into(), ..Default::default() });
    let call = pb::CreateCustomerRequest { customer, ..Default::default() };
    let kept = customers.create_customer(call).await.unwrap().into_inner().name;
    let call = pb::MergeCustomersRequest {
        name: kept.clone(),
        merged: pair.customer.clone(),
        reason: "重复建档".into(),
        ..Default::default()
    };
    customers.merge_customers(call).await.unwrap();
    let get = complaints::GetComplaintRequest { name: complaint.clone() };
    for name in [&complaint, &archived] {
        let get = complaints::GetComplaintRequest { name: name.clone() };
        eventually("the complaint follows", async || {
            let shown = handler.clone().get_complaint(get.clone()).await.unwrap().into_inner();
            (shown.customer == kept).then_some(())
        })
        .await;
    }
    let verify = complaints::VerifyArchiveRequest { name: archive };
    assert!(handler.clone().verify_archive(verify).await.unwrap().into_inner().intact);
    let mut token = ComplaintServiceClient::new(pair.complaints.as_(&pair.customer, &["CUSTOMER"]));
    eventually("a token of the old name sees it", async || token.clone().get_complaint(get.clone()).await.ok()).await;
    let listed = token.list_complaints(complaints::ListComplaintsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.complaints.len(), 2);
    let registered = handler.clone().register_complaint(registration).await.unwrap().into_inner();
    assert_eq!(registered.customer, kept);
    let timeline = pb::GetCustomerTimelineRequest { name: pair.customer.clone(), ..Default::default() };
    eventually("both are on the timeline, under either name", async || {
        let entries = customers.clone().get_customer_timeline(timeline.clone()).await.unwrap().into_inner().entries;
        (entries.len() == 4).then_some(())
    })
    .await;
}
