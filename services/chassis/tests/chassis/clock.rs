//! The clock marks a breach exactly when the due time has passed, and a late record corrects it.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::time::{from_proto, to_proto};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::duty::State;
use kefu_proto::events::v1::DutyChanged;
use kefu_proto::events::v1::duty_change::Kind;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Event, SubscribeRequest};
use kefu_testkit::{BARE, Bench, eventually};

use crate::stage::{call, compliance, duty, entry, get, store};

async fn events(bench: &Bench, count: usize) -> Vec<Event> {
    let request = SubscribeRequest { parent: bench.name(), ..SubscribeRequest::default() };
    let mut stream = EventFeedClient::new(bench.as_service()).subscribe(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(stream.message().await.unwrap().unwrap().event);
    }
    events
}

/// Records now that the duty about `subject` was fulfilled at `at`.
async fn meet(bench: &Bench, subject: &str, at: Timestamp) {
    let call = call(bench);
    let mut work = bench.chassis().begin(&call).await.unwrap();
    let mut duty = work.live_duties(subject).await.unwrap().remove(0);
    let did = duty.meet(at, call.now);
    let corrected = duty.take_corrected();
    let payload = DutyChanged { subject: subject.to_owned() };
    let event = kefu_chassis::journal::NewEvent::new(subject, 1, at, &[&duty.clause], &payload);
    work.record(event.correcting(corrected).with_duties(did));
    work.put(duty);
    work.commit(()).await.unwrap();
}

#[tokio::test]
async fn a_duty_is_breached_a_microsecond_after_its_due_time_and_not_before() {
    let bench = Bench::of(&BARE).await;
    let new = duty(&bench, "things/1", "staff/lin", "departments/desk", 1);
    let due = new.due_at.unwrap();
    let name = store(&bench, vec![new]).await.remove(0);
    bench.time().advance_to(due);
    assert_eq!(kefu_chassis::duties::mark_overdue(bench.chassis()).await.unwrap(), 0);
    assert_eq!(get(&bench, &name).await.breached_time, None);

    bench.time().advance(SignedDuration::from_micros(1));
    assert!(get(&bench, &name).await.late, "it is late whether or not the clock has looked");
    let marked = eventually("the service's own clock marks it", || async {
        let marked = bench.number("select count(*) from duty where breached_at is not null").await;
        (marked == 1).then_some(())
    });
    marked.await;
    let breached = get(&bench, &name).await;
    assert_eq!(
        (breached.state(), breached.breached_time, breached.late, breached.taken_back),
        (State::Open, Some(to_proto(due)), true, 0)
    );
    let event = events(&bench, 2).await.remove(1);
    assert_eq!(
        (event.aggregate.as_str(), event.actor.as_str(), event.clauses),
        (name.as_str(), "services/bare", vec!["C4.1".into()])
    );
    assert_eq!(event.occurred_time.as_ref().and_then(from_proto), Some(due));
    assert_eq!(event.recorded_time.as_ref().and_then(from_proto), Some(due + SignedDuration::from_micros(1)));
    assert_eq!((event.duty_changes[0].kind(), event.duty_changes[0].duty.as_str()), (Kind::Breached, name.as_str()));
    assert_eq!(event.payload.unwrap().to_msg::<DutyChanged>().unwrap().subject, "things/1");
}

#[tokio::test]
async fn a_duty_whose_clock_stands_or_is_over_is_never_marked() {
    let bench = Bench::of(&BARE).await;
    let mut duties: Vec<_> = (0..4).map(|_| duty(&bench, "things/1", "staff/lin", "departments/desk", 1)).collect();
    duties[0].pause(entry(&bench, "staff/head"), "parts");
    duties[1].meet(bench.now(), bench.now());
    duties[2].waive(bench.now(), "gone", "staff/head");
    duties[3].void(bench.now(), bench.now(), "gone", "staff/head");
    store(&bench, duties).await;
    bench.time().advance(SignedDuration::from_hours(1_000));
    assert_eq!(kefu_chassis::duties::mark_overdue(bench.chassis()).await.unwrap(), 0);
    assert_eq!(bench.number("select count(*) from duty where breached_at is not null").await, 0);
}

#[tokio::test]
async fn what_was_done_in_time_and_recorded_late_corrects_the_breach_and_what_was_done_late_does_not() {
    let bench = Bench::of(&BARE).await;
    let new: Vec<_> = ["things/timely", "things/tardy"]
        .map(|subject| duty(&bench, subject, "staff/lin", "departments/desk", 1))
        .into();
    let due = new[0].due_at.unwrap();
    let names = store(&bench, new).await;
    bench.time().advance(SignedDuration::from_hours(3));
    bench.mark_overdue().await;
    meet(&bench, "things/timely", due).await;
    meet(&bench, "things/tardy", due + SignedDuration::from_micros(1)).await;

    let timely = get(&bench, &names[0]).await;
    assert_eq!((timely.state(), timely.taken_back, timely.met_time), (State::Met, 1, Some(to_proto(due))));
    assert_eq!((timely.late, timely.breached_time, timely.recorded_late), (false, None, true));
    let tardy = get(&bench, &names[1]).await;
    assert_eq!((tardy.state(), tardy.late, tardy.taken_back, tardy.recorded_late), (State::Met, true, 0, false));
    // Seven events: one opens both duties, each is marked and escalated to the supervisor, and each is fulfilled.
    let events = events(&bench, 7).await;
    let last: Vec<_> =
        events[5..].iter().flat_map(|event| &event.duty_changes).map(|change| (change.kind(), change.late)).collect();
    assert_eq!(last, [(Kind::Corrected, false), (Kind::Met, false), (Kind::Met, true)]);
    assert!(!events[5].corrects.is_empty(), "the mark stays visible");

    let request = pb::SummarizeComplianceRequest { parent: bench.name(), ..pb::SummarizeComplianceRequest::default() };
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let row = client.summarize_compliance(request).await.unwrap().into_inner().rows.remove(0);
    assert_eq!((row.opened, row.met_in_time, row.late, row.taken_back, row.overdue), (2, 1, 1, 1, 0));
    assert_eq!((row.recorded_late, row.breached), (1, 1));
}
