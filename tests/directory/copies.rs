//! Tests the copies of the directory: they equal the original and take each change once, whichever side stops
//! meanwhile, and a service does not follow a directory whose journal was rewritten.

use std::io::Write;
use std::sync::{Arc, Mutex};

use kefu_chassis::names::DIRECTORY;
use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::{ErrorReason, Role};
use kefu_testkit::{Bench, assert_refused, eventually, subscribe_thread};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{DESK, House, OTHER, until};

/// Returns every row of a copy, and the position that it has reached.
async fn copy(bench: &Bench) -> Vec<String> {
    let tables = ["department", "staff", "membership", "absence", "post"]
        .map(|table| format!("select '{table} ' || to_jsonb(t)::text as row from directory_{table} as t"));
    let cursor = "select 'cursor ' || position || ' ' || encode(hash, 'hex') from feed_cursor";
    let query = format!("{} union all {cursor} order by 1", tables.join(" union all "));
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(bench.admin()).await.unwrap()
}

/// Waits until both copies have everything that is recorded, and returns their rows.
async fn settled(house: &House) -> Vec<String> {
    house.appraisal.followed().await;
    let own = copy(&house.appraisal).await;
    eventually("intake has everything", async || (copy(&house.intake).await == own).then_some(())).await;
    own
}

async fn is_ready(bench: &Bench) -> bool {
    let request = HealthCheckRequest { service: "kefu.intake.v1.RequestService".into() };
    let health = HealthClient::new(bench.channel()).check(request).await.unwrap().into_inner();
    health.status() == ServingStatus::Serving
}

/// Makes a change of every kind that the directory's journal has.
async fn change_everything(house: &House, round: usize) {
    let name = format!("p{round}");
    house.hire(&name, Role::Agent, DESK).await;
    let staff = format!("staff/{name}");
    let moved = pb::Staff { name: staff.clone(), department: OTHER.into(), ..Default::default() };
    house.change(moved, "department", "2026-11-20T09:00:00+08:00").await;
    let absence = pb::Absence {
        start_time: super::proto("2026-11-20T08:00:00+08:00"),
        end_time: super::proto("2026-11-20T12:00:00+08:00"),
        kind: pb::absence::Kind::Sick.into(),
        ..Default::default()
    };
    let call = pb::RecordAbsenceRequest { parent: staff.clone(), absence: Some(absence), ..Default::default() };
    let absence = house.directory().record_absence(call).await.unwrap().into_inner();
    house.directory().end_absence(pb::EndAbsenceRequest { name: absence.name, ..Default::default() }).await.unwrap();
    let call = pb::AppointGeneralManagerRequest { staff: staff.clone(), ..Default::default() };
    house.directory().appoint_general_manager(call).await.unwrap();
    house.found(&format!("d{round}"), &["x"]).await;
}

#[tokio::test]
async fn two_replicas_take_each_change_once_and_both_know_it() {
    let house = House::open().await;
    let replica = house.intake.replica().await;
    for round in 0..5 {
        change_everything(&house, round).await;
    }
    let rows = settled(&house).await;
    let counted = |table: &str| rows.iter().filter(|row| row.starts_with(table)).count();
    assert_eq!([counted("staff"), counted("membership"), counted("absence"), counted("department")], [6, 11, 5, 7]);
    assert_eq!([counted("post"), counted("cursor")], [1, 1]);
    for bench in [&house.intake, &replica, &house.appraisal] {
        until(bench, "the last change is known", |known| {
            known.general_manager() == Some("staff/p4") && known.department("departments/d4").is_some()
        })
        .await;
    }
    // One replica stops, and the other goes on.
    replica.stop().await;
    change_everything(&house, 5).await;
    settled(&house).await;
}

#[tokio::test]
async fn intake_goes_on_with_its_copy_while_appraisal_is_away_and_catches_up() {
    let mut house = House::open().await;
    let customer = house.customer().await;
    settled(&house).await;
    house.appraisal.halt().await;
    house.register(&customer, "").await.unwrap();
    assert!(is_ready(&house.intake).await);
    // Intake also starts while appraisal is away.
    house.intake.halt().await;
    house.intake.resume().await;
    eventually("intake is ready", async || is_ready(&house.intake).await.then_some(())).await;
    house.register(&customer, "").await.unwrap();

    house.appraisal.resume().await;
    house.leave("staff/lin").await;
    house.until("staff/lin has left", |known| !known.is_active("staff/lin")).await;
    let refused = house.register(&customer, "").await;
    assert_refused(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    settled(&house).await;
}

#[tokio::test]
async fn a_service_that_starts_again_goes_on_from_where_its_copy_is() {
    let mut house = House::open().await;
    house.hire("early", Role::Agent, DESK).await;
    settled(&house).await;
    house.intake.halt().await;
    // A row removed from the copy stays away, because events before the cursor are not asked for again.
    let mark = "delete from directory_staff where name = 'staff/early'";
    sqlx::query(mark).execute(house.intake.admin()).await.unwrap();
    change_everything(&house, 0).await;
    house.intake.resume().await;
    house.until("what happened meanwhile is known", |known| known.general_manager() == Some("staff/p0")).await;
    assert!(!house.intake.chassis().directory.now().is_active("staff/early"));
}

/// A writer that keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_journal_that_was_rewritten_is_not_followed_and_the_operator_hears_of_it() {
    let mut house = House::open().await;
    let before = settled(&house).await;
    house.appraisal.halt().await;
    // To a subscriber this looks like another history of the same length.
    let mut transaction = house.appraisal.admin().begin().await.unwrap();
    for statement in [
        "alter table journal disable trigger all",
        "update journal set hash = sha256(hash)",
        "alter table journal enable trigger all",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let _guard = subscribe_thread(&tracing_subscriber::registry().with(layer).into());
    house.intake.halt().await;
    house.appraisal.resume().await;
    house.hire("new", Role::Agent, DESK).await;
    house.intake.resume().await;
    eventually("the operator hears of it", async || {
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        log.contains("is not the one that was followed").then_some(())
    })
    .await;
    assert_eq!(copy(&house.intake).await, before, "the copy is used as it is");
    house.register(&house.customer().await, "").await.unwrap();
    assert_eq!(house.appraisal.name(), DIRECTORY);
}
