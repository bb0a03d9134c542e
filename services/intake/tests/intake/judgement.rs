//! How duties of requests are judged: the same history recorded in any order, with a clock that runs at any time, gives
//! the same duties and the same counts; and nobody improves them by what they record late or lend out (A9.1, A2.4).

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::time::to_proto;
use kefu_proto::compliance::v1 as duties;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Bench, Dice, assert_refused};
use tonic::Code;

use super::desk::Desk;

/// Something that happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Respond,
    Tell,
    Classify,
    Resolve,
    Try,
    Satisfied,
    Cancel,
}

/// The counts of each clause.
type Counts = Vec<(String, [i64; 10])>;

/// A deed and the minute of it, from the registration on.
type Happened = (i64, Deed);

/// Throws a history in the order of time. It ends with a closed or a cancelled request.
fn history(dice: &mut Dice) -> Vec<Happened> {
    let mut below = |bound: u64| i64::try_from(dice.below(bound)).unwrap();
    let responded = below(150);
    // What is told first is the first answer, too.
    let first = if below(3) == 0 { Deed::Tell } else { Deed::Respond };
    let mut happened = vec![(responded, first)];
    happened.extend((0..below(4)).map(|_| (responded + 1 + below(70), Deed::Tell)));
    happened.extend((0..=below(2)).map(|_| (below(220), Deed::Classify)));
    let end = if below(4) == 0 {
        Deed::Cancel
    } else {
        happened.push((225, Deed::Resolve));
        happened.extend((0..below(3)).map(|_| (226 + below(20), Deed::Try)));
        Deed::Satisfied
    };
    happened.push((250, end));
    happened.sort_by_key(|&(minute, _)| minute);
    happened
}

/// Throws an order of recording that the API accepts: an answer by `RespondRequest` before what is told, at least one classification and
/// every one of them before the solution, attempts after it, the end at the end.
fn shuffled(dice: &mut Dice, history: &[Happened]) -> Vec<Happened> {
    let mut left = history.to_vec();
    let mut order = Vec::new();
    let is_answer = |deed: Deed| matches!(deed, Deed::Respond | Deed::Tell);
    while !left.is_empty() {
        let pending = |deeds: &[Deed]| left.iter().any(|(_, deed)| deeds.contains(deed));
        let is_possible = |deed: Deed| match deed {
            Deed::Respond | Deed::Classify => true,
            Deed::Tell => !pending(&[Deed::Respond]),
            Deed::Resolve => {
                !pending(&[Deed::Respond, Deed::Classify]) && order.iter().any(|(_, deed)| is_answer(*deed))
            }
            Deed::Try => !pending(&[Deed::Resolve]),
            Deed::Satisfied | Deed::Cancel => left.len() == 1,
        };
        let possible: Vec<usize> = (0..left.len()).filter(|&place| is_possible(left[place].1)).collect();
        order.push(left.remove(dice.pick(&possible)));
    }
    order
}

impl Desk {
    async fn record(&mut self, name: &str, deed: Deed, at: Timestamp) {
        // Each request has a problem of its own, so that none repeats another.
        let problem_type = name.to_owned();
        let (name, occurred_time) = (name.to_owned(), Some(to_proto(at)));
        let (channel, requests) = (Channel::Hotline.into(), &mut self.requests);
        match deed {
            Deed::Respond => {
                let call = pb::RespondRequestRequest {
                    name,
                    occurred_time,
                    text: "已联系工程师".into(),
                    ..Default::default()
                };
                requests.respond_request(call).await.unwrap();
            }
            Deed::Tell => {
                let (parent, text) = (name, "已联系工程师".into());
                let call =
                    pb::RecordProgressRequest { parent, text, told_by: channel, occurred_time, ..Default::default() };
                requests.record_progress(call).await.unwrap();
            }
            Deed::Classify => {
                let business_domain = "printing".into();
                let call = pb::ClassifyRequestRequest {
                    name,
                    business_domain,
                    problem_type,
                    occurred_time,
                    ..Default::default()
                };
                requests.classify_request(call).await.unwrap();
            }
            Deed::Resolve => {
                let (resolution, assistance) = ("重新安装驱动".into(), "远程陪同操作".into());
                let call =
                    pb::ResolveRequestRequest { name, resolution, assistance, occurred_time, ..Default::default() };
                requests.resolve_request(call).await.unwrap();
            }
            Deed::Try | Deed::Satisfied => {
                let outcome = if deed == Deed::Try { Outcome::NotReached } else { Outcome::Satisfied }.into();
                let call = pb::ConfirmResolutionRequest { name, outcome, channel, occurred_time, ..Default::default() };
                requests.confirm_resolution(call).await.unwrap();
            }
            Deed::Cancel => {
                let call =
                    pb::CancelRequestRequest {
                        name, reason: "不需要了".into(), occurred_time, ..Default::default()
                    };
                requests.cancel_request(call).await.unwrap();
            }
        }
    }

    /// What became of the duties of a request, but for what says when it was recorded.
    async fn figures(&self, name: &str) -> Vec<String> {
        let duties = self.duties(name).await.into_iter().map(|duty| {
            let (due, met, breached) = (duty.due_time, duty.met_time, duty.breached_time);
            let (kind, state, late, attempted) = (&duty.kind, duty.state(), duty.late, duty.attempted);
            format!("{kind} {state:?} due {due:?} met {met:?} breached {breached:?} {late} {attempted}")
        });
        let mut duties: Vec<String> = duties.collect();
        duties.sort();
        duties
    }

    /// Every count by clause, but for those that say when things were recorded.
    async fn counts(&self) -> Counts {
        let mut client = ComplianceServiceClient::new(self.bench.as_("staff/root", &["ADMIN"]));
        let call = duties::SummarizeComplianceRequest { parent: self.bench.name(), ..Default::default() };
        let rows = client.summarize_compliance(call).await.unwrap().into_inner().rows;
        let counts = rows.into_iter().map(|row| {
            let kept = [row.opened, row.met_in_time, row.late, row.open, row.overdue];
            let other = [row.waived, row.voided, row.attempted, row.deviated, row.breached];
            (row.clause, std::array::from_fn(|place| if place < 5 { kept[place] } else { other[place - 5] }))
        });
        counts.collect()
    }
}

/// What `after` counts more than `before`.
fn added(before: &[(String, [i64; 10])], after: Counts) -> Counts {
    let was = |clause: &str| before.iter().find(|(known, _)| known == clause).map_or([0; 10], |(_, counts)| *counts);
    after
        .into_iter()
        .map(|(clause, counts)| {
            let was = was(&clause);
            (clause, std::array::from_fn(|place| counts[place] - was[place]))
        })
        .collect()
}

#[tokio::test]
async fn the_same_history_gives_the_same_figures_in_whatever_order_it_is_recorded_and_whenever_the_clock_runs() {
    let mut dice = Dice::new(Dice::seed());
    // Progress is owed every hour, so that much of it is late.
    let bench = Bench::builder(&kefu_intake::SERVICE).regulation("[C4.1]\nprogress_every = \"1h working\"\n");
    let mut desk = Desk::on(bench.starting_at("2026-11-23T09:00:00+08:00").start().await).await;
    for _ in 0..4 {
        let history = history(&mut dice);
        let began = desk.bench.now();
        let at = |minute: i64| began + SignedDuration::from_mins(minute);
        let mut first: Option<(Vec<String>, Counts)> = None;
        for play in 0..6 {
            let order = if play == 0 { history.clone() } else { shuffled(&mut dice, &history) };
            let before = desk.counts().await;
            let call = pb::RegisterRequestRequest {
                occurred_time: Some(to_proto(began)),
                ..desk.registration(Channel::Email)
            };
            let name = desk.requests.register_request(call).await.unwrap().into_inner().name;
            for &(minute, deed) in &order {
                if play == 0 {
                    desk.bench.time().advance_to(at(minute).max(desk.bench.now()));
                } else if dice.below(2) == 0 {
                    desk.bench.time().advance(SignedDuration::from_mins(1));
                }
                if dice.below(3) == 0 {
                    desk.bench.mark_overdue().await;
                }
                desk.record(&name, deed, at(minute)).await;
            }
            let figures = (desk.figures(&name).await, added(&before, desk.counts().await));
            match &first {
                None => first = Some(figures),
                Some(first) => assert_eq!(&figures, first, "{history:?} recorded as {order:?}"),
            }
        }
        desk.pass(24 * 60 - 260);
    }
}

#[tokio::test]
async fn a_promise_that_is_recorded_soon_moves_a_passed_due_time_and_one_recorded_later_does_not() {
    for (minutes, late, taken_back) in [(4, false, 1), (30, true, 0)] {
        let mut desk = Desk::open().await;
        let request = desk.register(Channel::Chat).await;
        let told = desk.bench.now() + SignedDuration::from_secs(1);
        desk.pass(minutes);
        desk.bench.mark_overdue().await;
        let call = pb::PromiseWaitRequest {
            name: request.name.clone(),
            reason: "配件在途".into(),
            promised_time: Some(to_proto(told + SignedDuration::from_hours(1))),
            occurred_time: Some(to_proto(told)),
            ..Default::default()
        };
        desk.requests.promise_wait(call).await.unwrap();
        desk.respond(&request.name).await.unwrap();
        let duty = desk.duty(&request.name, "first_response").await;
        assert_eq!((duty.late, duty.taken_back, duty.moved_late), (late, taken_back, false), "{minutes}");
    }
}

#[tokio::test]
async fn a_duty_that_is_lent_out_is_not_paused_by_who_lent_it_and_a_pause_ends_when_it_comes_back() {
    let mut desk = Desk::open().await;
    let mut head = desk.as_("staff/head", "SUPERVISOR");
    let assign = |name: &str, owner: &str| pb::AssignRequestRequest {
        name: name.into(),
        owner: owner.into(),
        reason: "分工".into(),
        ..Default::default()
    };
    let duties_of_head = || ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR"]));
    let pause =
        |name: &str| duties::PauseDutyRequest { name: name.into(), reason: "停电".into(), ..Default::default() };

    let registration = desk.registration(Channel::Email);
    let own = head.register_request(registration).await.unwrap().into_inner().name;
    head.assign_request(assign(&own, "staff/lin")).await.unwrap();
    let lent = desk.duty(&own, "first_response").await;
    assert_eq!((lent.owner.as_str(), lent.past_owners.as_slice()), ("staff/lin", &["staff/head".to_owned()][..]));
    let refused = duties_of_head().pause_duty(pause(&lent.name)).await;
    assert_refused(refused, Code::PermissionDenied, ErrorReason::SelfDealing);

    let registration = desk.registration(Channel::Email);
    let other = desk.requests.register_request(registration).await.unwrap().into_inner().name;
    let duty = desk.duty(&other, "first_response").await;
    assert_eq!(duties_of_head().pause_duty(pause(&duty.name)).await.unwrap().into_inner().state(), Kept::Paused);
    head.assign_request(assign(&other, "staff/head")).await.unwrap();
    let back = desk.duty(&other, "first_response").await;
    assert_eq!((back.owner.as_str(), back.state()), ("staff/head", Kept::Open));
}

#[tokio::test]
async fn a_customer_who_is_not_reached_is_tried_again_on_the_next_working_day() {
    let mut desk = Desk::open().await;
    let request = desk.resolved().await;
    desk.pass(1);
    desk.confirm(&request.name, Outcome::NotReached).await.unwrap();
    let question = |duties: Vec<duties::Duty>| -> Vec<(Kept, bool, bool)> {
        let asked = duties.into_iter().filter(|duty| duty.kind == "question");
        asked.map(|duty| (duty.state(), duty.attempted, duty.late)).collect()
    };
    assert_eq!(question(desk.duties(&request.name).await), [(Kept::Met, true, false), (Kept::Open, false, false)]);
    desk.pass(7 * 24 * 60);
    let closed = desk.confirm(&request.name, Outcome::Satisfied).await.unwrap();
    assert_eq!(question(desk.duties(&request.name).await), [(Kept::Met, true, false), (Kept::Met, false, true)]);
    assert!(closed.first_contact_resolution, "A2.3: the customer confirmed it");
}

#[tokio::test]
async fn deviations_are_listed_and_counted_beside_the_duties_of_their_clause() {
    let mut desk = Desk::open().await;
    let about =
        |order: &str| pb::RegisterRequestRequest { order_number: order.into(), ..desk.registration(Channel::Chat) };
    let (first, repeated, cancelled, again) = (about("A-1"), about("A-1"), about("B-2"), about("B-2"));
    let first = desk.requests.register_request(first).await.unwrap().into_inner();
    desk.pass(1);
    desk.requests.register_request(repeated).await.unwrap();
    let cancelled = desk.requests.register_request(cancelled).await.unwrap().into_inner();
    let (name, reason) = (cancelled.name.clone(), "重复".into());
    desk.requests.cancel_request(pb::CancelRequestRequest { name, reason, ..Default::default() }).await.unwrap();
    desk.pass(1);
    desk.requests.register_request(again).await.unwrap();
    for _ in 0..2 {
        let promised_time = Some(to_proto(desk.bench.now() + SignedDuration::from_mins(9)));
        let (name, reason) = (first.name.clone(), "配件在途".into());
        let call = pb::PromiseWaitRequest { name, reason, promised_time, ..Default::default() };
        desk.requests.promise_wait(call).await.unwrap();
    }
    let mut client = ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR"]));
    let state = Kept::Deviated.into();
    let call = duties::ListDutiesRequest { parent: desk.bench.name(), state, ..Default::default() };
    let listed = client.list_duties(call).await.unwrap().into_inner().duties;
    let mut listed: Vec<_> = listed
        .iter()
        .map(|duty| (duty.clause.as_str(), duty.kind.as_str(), duty.owner.as_str(), duty.number.as_str()))
        .collect();
    listed.sort_unstable();
    let number = first.number.as_str();
    let expected = [
        ("A2.8", "registered_again", "staff/lin", cancelled.number.as_str()),
        ("A2.8", "repeat_contact", "staff/lin", number),
        ("C2.2", "second_promise", "staff/lin", number),
    ];
    assert_eq!(listed, expected);
    let counts = desk.counts().await;
    let deviated = |clause: &str| counts.iter().find(|(known, _)| known == clause).unwrap().1[8];
    assert_eq!((deviated("A2.8"), deviated("C2.2"), deviated("C2.1")), (2, 1, 0));
}
