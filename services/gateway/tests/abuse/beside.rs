//! Others, who call while the gateway is attacked, and the memory that it takes meanwhile.

pub use kefu_testkit::beside::alone;
use kefu_testkit::beside::{self, Peak};
use kefu_testkit::sign;
use reqwest::Client;

use crate::stage::Stage;

/// By how much memory may grow in an attack unless it says more, callers and services included.
pub const BOUND_MIB: i64 = 64;
/// What others ask for.
pub const LIST: &str = "/v1/services/intake/duties";

/// Does `attack` while others go on calling, one on a connection that was there before and one that connects anew for each call;
/// each call must succeed in time, and memory may not grow by more than `bound_mib`.
pub async fn attacked<T>(stage: &Stage, bound_mib: i64, attack: impl Future<Output = T>) -> T {
    let known = Client::new();
    let call = async |client: &Client| {
        let sent = client.get(format!("http://{}{LIST}", stage.address())).bearer_auth(mei()).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        sent.bytes().await.unwrap();
    };
    // What a service makes for its first call is no growth.
    call(&known).await;
    let peak = Peak::from_here();
    let both = async || {
        call(&known).await;
        call(&Client::new()).await;
    };
    let outcome = beside::others_are_served(both, attack).await;
    let grown = peak.grown_mib();
    println!("{grown} MiB more");
    assert!(grown < bound_mib, "{grown} MiB more");
    outcome
}

/// The token of somebody who attacks nobody.
pub fn mei() -> String {
    sign("staff/mei", &["ADMIN"])
}
