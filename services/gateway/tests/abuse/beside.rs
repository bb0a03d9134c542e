//! Attacks the gateway while other callers go on, and measures the memory that it takes meanwhile.

pub use kefu_testkit::beside::alone;
use kefu_testkit::beside::{self, Peak};
use kefu_testkit::sign;
use reqwest::Client;

use crate::stage::Stage;

/// Most memory that an attack may add in MiB, callers and services included; some attacks have a bound of their own.
pub const BOUND_MIB: i64 = 64;
/// Path that the other callers read.
pub const LIST: &str = "/v1/services/intake/duties";

/// Runs `attack` while two others go on calling, one on a connection made before and one that connects anew for each
/// call. Every call of theirs must succeed in time, and memory must grow by less than `bound_mib`.
pub async fn attacked<T>(stage: &Stage, bound_mib: i64, attack: impl Future<Output = T>) -> T {
    let known = Client::new();
    let call = async |client: &Client| {
        let sent = client.get(format!("http://{}{LIST}", stage.address())).bearer_auth(mei()).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        sent.bytes().await.unwrap();
    };
    // The first call makes a service allocate once, which is not counted as growth.
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

/// Returns the token of a caller who takes no part in the attack.
pub fn mei() -> String {
    sign("staff/mei", &["ADMIN"])
}
