//! Tricks that make a desk look better than it is: what each is refused with, or how it shows (docs/integrity.md).

use jiff::SignedDuration;
use kefu_chassis::time::to_proto;
use kefu_proto::compliance::v1 as duties;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use tonic::Code;

use super::desk::{Desk, proto};

impl Desk {
    async fn row(&self, clause: &str) -> duties::ComplianceRow {
        let mut client = ComplianceServiceClient::new(self.bench.as_("staff/head", &["SUPERVISOR"]));
        let parent = self.bench.name();
        let call = duties::SummarizeComplianceRequest { parent, clause: clause.into(), ..Default::default() };
        let rows = client.summarize_compliance(call).await.unwrap().into_inner().rows;
        rows.into_iter().next().unwrap_or_default()
    }

    async fn promise(&mut self, name: &str, wait: SignedDuration) {
        let promised_time = Some(to_proto(self.bench.now() + wait));
        let call = pb::PromiseWaitRequest {
            name: name.into(),
            reason: "配件在途".into(),
            promised_time,
            ..Default::default()
        };
        self.requests.promise_wait(call).await.unwrap();
    }

    async fn told(&self, kind: &str) -> Vec<(String, String)> {
        let told = sqlx::query_as("select recipient, subject from notification where kind = $1 order by id");
        told.bind(kind).fetch_all(self.bench.admin()).await.unwrap()
    }
}

#[tokio::test]
async fn an_answer_in_writing_says_what_it_was_and_one_by_telephone_may_say_nothing() {
    let mut desk = Desk::open().await;
    let chat = desk.register(Channel::Chat).await.name;
    let answer = |text: &str, told_by: Channel| pb::RespondRequestRequest {
        name: chat.clone(),
        text: text.into(),
        told_by: told_by.into(),
        ..Default::default()
    };
    for blank in ["", " \u{200b}"] {
        let refused = desk.requests.respond_request(answer(blank, Channel::Unspecified)).await;
        let refusal = assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed);
        assert_eq!((refusal.clauses(), refusal.fields()), (vec!["C2.1"], vec!["text"]));
    }
    assert_eq!(desk.duty(&chat, "first_response").await.state(), Kept::Open);
    desk.requests.respond_request(answer("请先重启路由器", Channel::Unspecified)).await.unwrap();
    let list = pb::ListProgressRequest { parent: chat.clone(), ..Default::default() };
    let noted = desk.requests.list_progress(list).await.unwrap().into_inner().progress;
    let noted: Vec<_> = noted.iter().map(|note| (note.text.as_str(), note.told_by(), note.author.as_str())).collect();
    assert_eq!(noted, [("请先重启路由器", Channel::Chat, "staff/lin")]);

    let called_back = desk.register(Channel::Chat).await.name;
    let by_telephone = pb::RespondRequestRequest { name: called_back, ..answer("", Channel::Hotline) };
    desk.requests.respond_request(by_telephone).await.unwrap();
}

#[tokio::test]
async fn what_was_answered_in_writing_before_the_registration_is_noted_with_it() {
    let mut desk = Desk::open().await;
    let registration = pb::RegisterRequestRequest {
        answered_time: proto("2026-11-20T10:00:00+08:00"),
        ..desk.registration(Channel::Chat)
    };
    let refused = desk.requests.register_request(registration.clone()).await;
    assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), ["answer"]);
    let answered = pb::RegisterRequestRequest { answer: "请先重启路由器".into(), ..registration };
    let request = desk.requests.register_request(answered).await.unwrap().into_inner();
    let list = pb::ListProgressRequest { parent: request.name, ..Default::default() };
    let noted = desk.requests.list_progress(list).await.unwrap().into_inner().progress;
    assert_eq!(noted.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), ["请先重启路由器"]);
}

#[tokio::test]
async fn thirty_notes_in_an_hour_make_up_for_no_progress_that_came_late() {
    let mut desk = Desk::open().await;
    let request = desk.register(Channel::Chat).await.name;
    desk.respond(&request).await.unwrap();
    for _ in 0..30 {
        desk.pass(2);
        desk.tell(&request).await.unwrap();
    }
    let row = desk.row("C4.1").await;
    assert_eq!((row.met_in_time, row.early), (30, 30), "each came long before a quarter of the day had passed");
    desk.pass_to("2026-11-24T18:00:00+08:00");
    desk.tell(&request).await.unwrap();
    let row = desk.row("C4.1").await;
    assert_eq!((row.met_in_time - row.early, row.late, row.breached), (0, 1, 1));
    // A quarter of a working day later it counts.
    desk.pass_to("2026-11-25T11:00:00+08:00");
    desk.tell(&request).await.unwrap();
    let row = desk.row("C4.1").await;
    assert_eq!((row.met_in_time, row.early), (31, 30));
    let early = desk.duties(&request).await.into_iter().filter(|duty| duty.early).count();
    assert_eq!(early, 30, "lists and counts agree");
}

#[tokio::test]
async fn a_duty_that_is_given_away_just_before_its_time_shows_from_whom_and_when() {
    let mut desk = Desk::open().await;
    let request = desk.register(Channel::Chat).await.name;
    desk.bench.time().advance(SignedDuration::from_secs(178));
    let given = desk.bench.now();
    let call = pb::AssignRequestRequest {
        name: request.clone(),
        owner: "staff/mei".into(),
        reason: "分工".into(),
        ..Default::default()
    };
    desk.as_("staff/boss", "SUPERVISOR").assign_request(call).await.unwrap();
    desk.pass(1);
    let breached = desk.duty(&request, "first_response").await;
    assert_eq!(
        (breached.late, breached.owner.as_str(), breached.past_owners.as_slice(), breached.owned_since_time),
        (true, "staff/mei", ["staff/lin".to_owned()].as_slice(), Some(to_proto(given)))
    );
}

#[tokio::test]
async fn every_channel_has_a_clock_for_the_first_answer() {
    let mut desk = Desk::open().await;
    for channel in (1..).map_while(|number| Channel::try_from(number).ok()).filter(|each| *each != Channel::Hotline) {
        let request = desk.register(channel).await.name;
        assert_eq!(desk.duty(&request, "first_response").await.state(), Kept::Open, "{channel:?}");
    }
}

#[tokio::test]
async fn a_long_wait_is_a_deviation_of_which_the_supervisor_is_told() {
    let mut desk = Desk::open().await;
    let usual = desk.register(Channel::Chat).await.name;
    desk.promise(&usual, SignedDuration::from_hours(8)).await;
    let long = desk.register(Channel::Chat).await.name;
    desk.promise(&long, SignedDuration::from_hours(4 * 24)).await;
    assert_eq!(desk.told("long_promise").await, [("staff/boss".to_owned(), long.clone())]);
    assert_eq!(desk.row("C2.2").await.deviated, 1);

    desk.respond(&usual).await.unwrap();
    let awaited = pb::AwaitCustomerRequest { name: usual.clone(), awaited: "序列号".into(), ..Default::default() };
    let reply = pb::RecordCustomerReplyRequest { name: usual.clone(), ..Default::default() };
    for (until, flagged) in [("2026-12-04T10:00:00+08:00", 0), ("2026-12-24T10:00:00+08:00", 1)] {
        desk.requests.await_customer(awaited.clone()).await.unwrap();
        desk.pass_to(until);
        desk.requests.record_customer_reply(reply.clone()).await.unwrap();
        assert_eq!(desk.row("C4.1").await.deviated, flagged, "{until}");
    }
    assert_eq!(desk.told("long_wait").await, [("staff/boss".to_owned(), usual)]);
}

#[tokio::test]
async fn who_promises_a_wait_in_most_requests_is_told_of() {
    let mut desk = Desk::open().await;
    let mut names = Vec::new();
    for _ in 0..10 {
        names.push(desk.register(Channel::Chat).await.name);
    }
    for name in &names[..3] {
        desk.promise(name, SignedDuration::from_hours(1)).await;
    }
    assert_eq!(desk.told("frequent_promises").await, [], "three of ten are usual");
    desk.promise(&names[3], SignedDuration::from_hours(1)).await;
    assert_eq!(desk.told("frequent_promises").await, [("staff/boss".to_owned(), names[3].clone())]);
}
