//! How often one caller may call. A caller is whom a token speaks for, so that a forged one uses up nobody's share; who has no
//! token that holds counts by address. What is refused here costs no service anything.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use kefu_chassis::identity::{IssuerConfig, Verifier};
use kefu_proto::rules::v1::Role;

use crate::config::Limits;
use crate::problem::Problem;

/// The rates of callers.
pub struct Rates {
    verifier: Verifier,
    callers: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").field("callers", &self.callers.len()).finish_non_exhaustive()
    }
}

impl Rates {
    /// With the bounds of `limits`, for those whom these issuers name.
    pub fn new(issuers: Vec<IssuerConfig>, limits: &Limits) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.rate_per_second));
        let quota = quota.allow_burst(at_least_one(limits.rate_burst));
        let clock = DefaultClock::default();
        Self { verifier: Verifier::new(issuers), callers: RateLimiter::dashmap_with_clock(quota, clock.clone()), clock }
    }

    /// Counts a request with these headers from this address. Other services call for many and are not counted.
    pub async fn count(&self, headers: &HeaderMap, address: Option<IpAddr>) -> Result<(), Problem> {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let identity = match token {
            Some(token) => self.verifier.verify(token).await.ok(),
            None => None,
        };
        let caller = match identity {
            Some(identity) if identity.roles.contains(&Role::Service) => return Ok(()),
            Some(identity) => identity.subject.clone(),
            None => address.map(|address| address.to_string()).unwrap_or_default(),
        };
        self.callers.check_key(&caller).map_err(|until| Problem::too_often(until.wait_time_from(self.clock.now())))
    }

    /// Forgets the callers that have not called for so long that they may call as if for the first time.
    pub fn tidy(&self) {
        self.callers.retain_recent();
        self.callers.shrink_to_fit();
    }
}

/// How often callers are forgotten.
pub const TIDY: Duration = Duration::from_mins(1);
