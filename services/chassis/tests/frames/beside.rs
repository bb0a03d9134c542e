//! What is looked at while a server is attacked: that others are served, how fast, and how much memory it takes.

use std::time::Duration;

use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_testkit::{Bearer, Bench, sign};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;
use tonic::transport::Endpoint;

/// How long anybody else's call may take on a busy machine while the server is attacked.
const PATIENCE: Duration = Duration::from_secs(5);

static ALONE: Mutex<()> = Mutex::const_new(());

/// Returns when no other test runs.
pub async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

/// The memory of this process, server and callers, as its share of what is resident.
pub fn memory_mib() -> i64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap() / 1024
}

/// A call by somebody else, on a connection of its own.
pub async fn call(bench: &Bench, subject: &str) -> Result<(), tonic::Status> {
    let channel = Endpoint::from_shared(format!("http://{}", bench.address())).unwrap().connect_lazy();
    let mut client = ComplianceServiceClient::new(Bearer::new(&sign(subject, &["ADMIN"])).on(channel));
    let list = pb::ListDutiesRequest { parent: bench.name(), ..Default::default() };
    client.list_duties(list).await.map(|_| ())
}

/// Does `attack` while others go on calling, one on a connection that was there before and one that connects anew for each call;
/// each call must succeed in time. Afterwards, too.
pub async fn others_are_served<T>(bench: &Bench, attack: impl Future<Output = T>) -> T {
    let mut known = ComplianceServiceClient::new(bench.as_("staff/mei", &["ADMIN"]));
    let mut calls = 0_u32;
    let mut slowest = Duration::ZERO;
    let mut both = async || {
        let began = Instant::now();
        let list = pb::ListDutiesRequest { parent: bench.name(), ..Default::default() };
        let served = tokio::time::timeout(PATIENCE, async {
            // A connection that was idle may be told to go while a call is on its way to it: any client sends that again.
            if let Err(lost) = known.list_duties(list.clone()).await {
                assert!(std::error::Error::source(&lost).is_some(), "{lost:?}");
                known.list_duties(list).await.unwrap();
            }
            call(bench, "staff/mei").await.unwrap();
        });
        served.await.expect("others are served in time");
        calls += 1;
        slowest = slowest.max(began.elapsed());
    };
    let others = async {
        loop {
            both().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let outcome = tokio::select! {
        outcome = attack => outcome,
        () = others => unreachable!("others go on for ever"),
    };
    both().await;
    println!("others were served {calls} times, at most in {slowest:?}");
    outcome
}
