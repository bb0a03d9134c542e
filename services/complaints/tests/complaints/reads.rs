//! Reads of complaints: search, watch, lists and explanations, and what each caller sees.

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::{Outcome, State};
use kefu_proto::complaints::v1::complaint_service_client::ComplaintServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::Bench;

use super::desk::{Desk, FIELD};

async fn found(desk: &Desk, staff: &str, query: &str) -> Vec<String> {
    let call = pb::SearchComplaintsRequest { query: query.into(), ..Default::default() };
    let found = desk.as_(staff).search_complaints(call).await.unwrap().into_inner();
    found.complaints.into_iter().map(|complaint| complaint.number).collect()
}

#[tokio::test]
async fn complaints_are_found_by_what_was_said_and_found_by_those_only_whom_they_concern() {
    let desk = Desk::open().await;
    let leak = desk.concluded(Outcome::Upheld).await;
    let other = pb::RegisterComplaintRequest {
        matter: "账单多收了两次 Laser-200".into(),
        contact: Some(kefu_proto::contacts::v1::Contact { phone: "139 0013 9000".into(), ..Default::default() }),
        ..Desk::registration()
    };
    let bill = desk.as_("staff/lin").register_complaint(other).await.unwrap().into_inner();
    for query in ["漏水", "安装 漏水", "13800138000", "8000", "王小明", "试压", leak.number.as_str(), "c20261120000001"]
    {
        assert_eq!(found(&desk, "staff/lin", query).await, [leak.number.as_str()], "{query}");
    }
    assert_eq!(found(&desk, "staff/lin", "laser 200").await, [bill.number.as_str()]);
    assert_eq!(found(&desk, "staff/lin", "漏水 账单").await, [""; 0], "each word must be found");
    assert_eq!(found(&desk, "staff/qin", "漏水").await.len(), 1, "of the responsible department");
    assert_eq!(found(&desk, "staff/qin", "账单").await, [""; 0], "which has nothing to do with the bill");
    assert_eq!(found(&desk, "staff/ceo", "账单").await.len(), 1);
    let listed =
        desk.as_("staff/qin").list_complaints(pb::ListComplaintsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.complaints.iter().map(|known| known.number.as_str()).collect::<Vec<_>>(), [leak.number.as_str()]);
    let asked = pb::ListComplaintsRequest {
        responsible_department: FIELD.into(),
        state: State::Concluded.into(),
        ..Default::default()
    };
    assert_eq!(desk.as_("staff/lin").list_complaints(asked).await.unwrap().into_inner().complaints.len(), 1);
}

#[tokio::test]
async fn a_watch_shows_each_change_to_those_it_concerns_and_goes_on_where_it_broke() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.bench.seal().await;
    let watch = |token: String| pb::WatchComplaintsRequest { resume_token: token, ..Default::default() };
    let mut handler = desk.as_("staff/lin").watch_complaints(watch(String::new())).await.unwrap().into_inner();
    let began = handler.message().await.unwrap().unwrap();
    assert!(began.complaint.is_none());
    let mut stranger = desk.as_("staff/chief").watch_complaints(watch(String::new())).await.unwrap().into_inner();
    stranger.message().await.unwrap().unwrap();
    desk.acknowledge(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    desk.notify(&name, "departments/other").await.unwrap();
    desk.bench.seal().await;
    let mut told = Vec::new();
    while told.len() < 3 {
        let change = handler.message().await.unwrap().unwrap();
        told.push((change.event.rsplit('.').next().unwrap().to_owned(), change.resume_token));
    }
    let events: Vec<&str> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events, ["ComplaintAcknowledged", "ComplaintClassified", "DepartmentNotified"]);
    // Events are filtered by the parties at the time of reading, when the department had been notified.
    let concerned = stranger.message().await.unwrap().unwrap();
    assert_eq!(concerned.complaint.unwrap().name, name);
    let mut again = desk.as_("staff/lin").watch_complaints(watch(told[0].1.clone())).await.unwrap().into_inner();
    again.message().await.unwrap().unwrap();
    assert!(again.message().await.unwrap().unwrap().event.ends_with("ComplaintClassified"));
}

#[tokio::test]
async fn what_can_be_done_next_is_told_with_what_stands_in_the_way() {
    let desk = Desk::open().await;
    let name = desk.register().await.name;
    desk.investigate(&name, "staff/zhao").await.unwrap();
    let call = pb::ExplainComplaintRequest { name: name.clone() };
    let explained = desk.as_("staff/zhao").explain_complaint(call).await.unwrap().into_inner();
    assert_eq!(explained.state(), State::Investigating);
    let conclude = explained.explanations.iter().find(|each| each.method == "ConcludeInvestigation").unwrap();
    let clauses: Vec<&str> = conclude.refusals.iter().map(|refusal| refusal.clause.as_str()).collect();
    assert_eq!(clauses, ["C5.2", "D8.4"], "no apology and no words with the complainant");
    assert_eq!((conclude.allowed, conclude.to_state.as_str()), (false, "CONCLUDED"));
    desk.acknowledge(&name).await.unwrap();
    desk.speak(&name).await.unwrap();
    let call = pb::ExplainComplaintRequest { name: name.clone() };
    let explained = desk.as_("staff/zhao").explain_complaint(call).await.unwrap().into_inner();
    let allowed = |method: &str| explained.explanations.iter().any(|each| each.method == method && each.allowed);
    assert!(allowed("ConcludeInvestigation") && !allowed("ProposeResolution") && !allowed("AcknowledgeComplaint"));
    let refusal = |method: &str| {
        let of = explained.explanations.iter().find(|each| each.method == method).unwrap();
        of.refusals[0].reason()
    };
    assert_eq!(refusal("AssignComplaint"), ErrorReason::RoleMissing, "an investigator assigns nothing");
}

#[tokio::test]
async fn calls_keep_to_their_round_trips() {
    let bench = Bench::builder(&kefu_complaints::SERVICE).counting().start().await;
    let desk = Desk::on(bench).await;
    let name = desk.register().await.name;
    let client = desk.as_("staff/lin");
    let register = desk
        .bench
        .round_trips(|| {
            let mut client = client.clone();
            async move { client.register_complaint(Desk::registration()).await.unwrap() }
        })
        .await;
    let get = desk
        .bench
        .round_trips(|| {
            let (mut client, name) = (client.clone(), name.clone());
            async move { client.get_complaint(pb::GetComplaintRequest { name }).await.unwrap() }
        })
        .await;
    let classify = desk
        .bench
        .round_trips(|| {
            let (mut client, name) = (client.clone(), name.clone());
            let call = pb::ClassifyComplaintRequest { name, category: 1, severity: 1, ..Default::default() };
            async move { client.classify_complaint(call).await.unwrap() }
        })
        .await;
    let told = |name: &str| pb::RecordComplaintProgressRequest {
        name: name.into(),
        channel: 1,
        text: "处理中".into(),
        ..Default::default()
    };
    let progress = desk
        .bench
        .round_trips(|| {
            let (mut client, call) = (client.clone(), told(&name));
            async move { client.record_complaint_progress(call).await.unwrap() }
        })
        .await;
    // register: begin, insert, journal, commit; classify: begin, lock, duties, update, journal, commit; progress: a
    // paper more.
    assert_eq!((register, get, classify, progress), (4, 1, 6, 7));
}

#[tokio::test]
async fn another_service_names_the_handler() {
    let desk = Desk::open().await;
    let mut service = ComplaintServiceClient::new(desk.bench.as_service());
    let refused = service.register_complaint(Desk::registration()).await;
    let refusal = kefu_testkit::assert_refused(refused, tonic::Code::InvalidArgument, ErrorReason::FieldInvalid);
    assert_eq!(refusal.fields(), ["handler"]);
}
