//! Callers who call too often have to wait, and nobody else does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kefu_testkit::{sign, signer};
use serde_json::Value;

use crate::beside::{LIST, alone, mei};
use crate::stage::{Stage, lin};
use crate::wire::{Wire, head_of};

const BURST: u32 = 20;

/// Starts a gateway that allows a caller [`BURST`] calls, and hardly more while a test runs.
async fn strict() -> Stage {
    Stage::with(|setup| {
        setup.limits.rate_burst = BURST;
        setup.limits.rate_per_second = 1;
    })
    .await
}

/// Returns the statuses of `count` calls with a token on one connection. Every refusal must say when to retry.
async fn statuses(stage: &Stage, token: &str, count: u32) -> Vec<u16> {
    let mut wire = Wire::connect(stage.address()).await;
    let mut statuses = Vec::new();
    for _ in 0..count {
        wire.send(head_of(token, "GET", LIST, "")).await;
        let answer = wire.answer().await.expect("it is answered");
        if answer.status == 429 {
            assert_eq!(answer.refused(429)["reason"], "OVERLOADED");
            assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
        }
        statuses.push(answer.status);
    }
    statuses
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|&&known| known == status).count()
}

/// Returns a token that expired a day ago.
fn expired() -> String {
    let token = lin();
    let (head, claims) = token.rsplit_once('.').unwrap().0.split_once('.').unwrap();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    for time in ["iat", "nbf", "exp"] {
        claims[time] = (claims[time].as_u64().unwrap() - 86_400).into();
    }
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(signer().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_too_often_waits_and_nobody_else_does() {
    let _alone = alone().await;
    let stage = strict().await;
    let often = statuses(&stage, &lin(), 3 * BURST).await;
    assert!(count(&often, 200) >= BURST as usize && count(&often, 429) >= BURST as usize, "{often:?}");
    // A second token of the same person counts for the same person.
    assert!(statuses(&stage, &sign("staff/lin", &["AGENT"]), 3).await.contains(&429));
    assert_eq!(count(&statuses(&stage, &mei(), BURST).await, 200), BURST as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_does_not_hold_uses_up_nobodys_calls_but_those_of_its_address() {
    let _alone = alone().await;
    let stage = strict().await;
    let true_one = lin();
    let (signed, signature) = true_one.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    let unsigned = format!("{signed}.");
    let mut refused = Vec::new();
    for token in [expired().as_str(), &forged, &unsigned, "x", "", "..", &"x".repeat(8_000)] {
        refused.extend(statuses(&stage, token, BURST).await);
    }
    let unauthenticated = count(&refused, 401);
    assert!((BURST as usize..2 * BURST as usize).contains(&unauthenticated), "{refused:?}");
    assert_eq!(count(&refused, 429), refused.len() - unauthenticated);
    assert_eq!(count(&statuses(&stage, &true_one, BURST).await, 200), BURST as usize);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_not_counted() {
    let _alone = alone().await;
    let stage = strict().await;
    let service = sign("services/complaints", &["SERVICE"]);
    let all = statuses(&stage, &service, 3 * BURST).await;
    assert_eq!(count(&all, 200), all.len(), "{all:?}");
}
