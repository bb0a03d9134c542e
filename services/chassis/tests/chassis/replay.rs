//! A repeated call has one effect and gets the first reply, whatever happened meanwhile.

use std::sync::Arc;

use jiff::SignedDuration;
use kefu_chassis::{Error, replies};
use kefu_proto::compliance::v1 as pb;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused, request_id};
use tonic::Code;

use crate::stage::{call_as, compliance, duty, store, touch};

fn pause(name: &str, reason: &str, request_id: &str) -> pb::PauseDutyRequest {
    pb::PauseDutyRequest {
        name: name.into(),
        reason: reason.into(),
        etag: "\"1\"".into(),
        request_id: request_id.into(),
    }
}

async fn events(bench: &Bench) -> i64 {
    bench.number("select count(*) from journal where aggregate like 'services/bare/duties/%'").await
}

#[tokio::test]
async fn a_call_made_again_after_further_changes_gets_its_first_reply() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let id = request_id();
    let first = client.pause_duty(pause(&name, "parts", &id)).await.unwrap().into_inner();
    assert_eq!(first.state(), pb::duty::State::Paused);
    assert_eq!(client.pause_duty(pause(&name, "parts", &id)).await.unwrap().into_inner(), first);
    bench.time().advance(SignedDuration::from_hours(1));
    client.resume_duty(pb::ResumeDutyRequest { name: name.clone(), ..pb::ResumeDutyRequest::default() }).await.unwrap();
    assert_eq!(client.pause_duty(pause(&name, "parts", &id)).await.unwrap().into_inner(), first);
    let waive = pb::WaiveDutyRequest { name: name.clone(), reason: "gone".into(), ..pb::WaiveDutyRequest::default() };
    client.waive_duty(waive).await.unwrap();
    assert_eq!(client.pause_duty(pause(&name, "parts", &id)).await.unwrap().into_inner(), first);
    assert_eq!(events(&bench).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_call_made_at_once_has_one_effect_and_one_reply() {
    const ROUNDS: usize = 25;
    let bench = Bench::of(&BARE).await;
    let duties = (0..ROUNDS).map(|_| duty(&bench, "things/1", "staff/lin", "departments/desk", 8)).collect();
    for name in store(&bench, duties).await {
        let id = request_id();
        let calls = (0..4).map(|_| {
            let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
            let request = pause(&name, "parts", &id);
            async move { client.pause_duty(request).await.unwrap().into_inner() }
        });
        let replies = futures::future::join_all(calls).await;
        assert!(replies.iter().all(|reply| *reply == replies[0] && reply.etag == "\"2\""), "{replies:?}");
    }
    assert_eq!(events(&bench).await, i64::try_from(ROUNDS).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_creation_made_at_once_without_a_common_lock_has_one_effect_and_one_reply() {
    let bench = Arc::new(Bench::of(&BARE).await);
    for round in 0..25 {
        let id = Some(kefu_chassis::names::new_uuid(bench.now()));
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4 {
            let bench = bench.clone();
            tasks.spawn(async move {
                let call = call_as(&bench, "staff/wu", id, b"create");
                let outcome = async {
                    let mut work = bench.chassis().begin(&call).await?;
                    let name = format!("things/{round}-{task}");
                    touch(&mut work, &name, call.now, 1).await?;
                    work.commit(pb::Duty { name, ..pb::Duty::default() }).await
                };
                let outcome = outcome.await;
                assert!(matches!(outcome, Ok(_) | Err(Error::Repeated)), "{outcome:?}");
                bench.chassis().respond(&call, outcome).await.unwrap().into_inner().name
            });
        }
        let names = tasks.join_all().await;
        assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    }
    assert_eq!(bench.number("select count(*) from journal").await, 25);
    assert_eq!(bench.number("select count(*) from thing").await, 25);
}

#[tokio::test]
async fn a_request_id_holds_for_one_payload_one_method_and_one_subject() {
    let bench = Bench::of(&BARE).await;
    let duties = (0..3).map(|_| duty(&bench, "things/1", "staff/lin", "departments/desk", 8)).collect();
    let names = store(&bench, duties).await;
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let mut other = compliance(bench.as_("staff/boss", &["ADMIN"]));
    let id = request_id();
    client.pause_duty(pause(&names[0], "parts", &id)).await.unwrap();
    for request in [pause(&names[0], "other parts", &id), pause(&names[1], "parts", &id)] {
        let refused = client.pause_duty(request).await;
        assert_eq!(
            assert_refused(refused, Code::InvalidArgument, ErrorReason::RequestIdReused).fields(),
            ["request_id"]
        );
    }
    assert_eq!(other.pause_duty(pause(&names[1], "parts", &id)).await.unwrap().into_inner().decided_by, "staff/boss");
    let resume = pb::ResumeDutyRequest { name: names[0].clone(), etag: String::new(), request_id: id.clone() };
    assert_eq!(client.resume_duty(resume).await.unwrap().into_inner().state(), pb::duty::State::Open);
    assert_eq!(events(&bench).await, 3);
}

#[tokio::test]
async fn a_refused_call_may_be_made_again_with_its_request_id() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let request = pb::PauseDutyRequest { etag: "\"7\"".into(), ..pause(&name, "parts", &request_id()) };
    assert_refused(client.pause_duty(request.clone()).await, Code::Aborted, ErrorReason::EtagStale);
    client.pause_duty(pb::PauseDutyRequest { etag: String::new(), ..request }).await.unwrap();
    assert_eq!(events(&bench).await, 1);
}

#[tokio::test]
async fn replies_are_kept_for_seven_days() {
    let bench = Bench::of(&BARE).await;
    let name = store(&bench, vec![duty(&bench, "things/1", "staff/lin", "departments/desk", 8)]).await.remove(0);
    let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
    let request = pause(&name, "parts", &request_id());
    let first = client.pause_duty(request.clone()).await.unwrap().into_inner();
    bench.time().advance(SignedDuration::from_hours(7 * 24));
    replies::purge(bench.pool(), bench.now()).await;
    assert_eq!(client.pause_duty(request.clone()).await.unwrap().into_inner(), first);
    bench.time().advance(SignedDuration::from_micros(1));
    replies::purge(bench.pool(), bench.now()).await;
    assert_eq!(bench.number("select count(*) from reply").await, 0);
    assert_refused(client.pause_duty(request).await, Code::Aborted, ErrorReason::EtagStale);
}
