//! Rates of callers, and how many of their requests may be under way, since incoming bodies and unread answers take
//! memory. A caller is identified by a valid token, so that a forged token uses up nobody's quota; everybody else
//! counts by address. A request that is refused here costs no service anything.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::HeaderMap;
use kefu_chassis::identity::{IssuerConfig, Verifier, bearer};
use kefu_chassis::quota::{CallerQuota, QuotaSlot};
use kefu_proto::rules::v1::Role;

use crate::config::Limits;
use crate::problem::Problem;

/// When to retry for a caller with too many requests under way.
const NEXT: Duration = Duration::from_secs(1);

/// The rates of callers, and the requests that each has under way.
pub struct Rates {
    verifier: Verifier,
    quota: CallerQuota,
    callers: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rates").field("callers", &self.callers.len()).finish_non_exhaustive()
    }
}

impl Rates {
    /// Creates the rates with the bounds of `limits`, for callers with tokens of these issuers.
    pub fn new(issuers: Vec<IssuerConfig>, limits: &Limits) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.rate_per_second));
        let quota = quota.allow_burst(at_least_one(limits.rate_burst));
        let clock = DefaultClock::default();
        let callers = RateLimiter::dashmap_with_clock(quota, clock.clone());
        let calls = CallerQuota::new(limits.calls_per_caller).with_bytes(limits.unread_bytes_per_caller);
        Self { verifier: Verifier::new(issuers), quota: calls, callers, clock }
    }

    /// Counts a request with these headers from this address; it is under way until the slot is dropped. Other services
    /// call for many and are not counted.
    pub async fn count(&self, headers: &HeaderMap, address: Option<IpAddr>) -> Result<Option<QuotaSlot>, Problem> {
        let verified = match bearer(headers) {
            Some(token) => self.verifier.verify(token).await.ok(),
            None => None,
        };
        let caller = match verified.map(|verified| verified.caller) {
            Some(caller) if caller.roles.contains(&Role::Service) => return Ok(None),
            Some(caller) => caller.subject.clone(),
            None => address.map(origin).unwrap_or_default(),
        };
        let until = self.callers.check_key(&caller);
        until.map_err(|until| Problem::too_often(until.wait_time_from(self.clock.now())))?;
        self.quota.take(&caller).map(Some).map_err(|_| Self::overloaded())
    }

    /// The refusal of a caller who has too many requests under way, or leaves too much unread.
    pub fn overloaded() -> Problem {
        Problem::too_often(NEXT)
    }

    /// Forgets callers who have not called for so long that their rate is full again.
    pub fn tidy(&self) {
        self.callers.retain_recent();
        self.callers.shrink_to_fit();
    }
}

/// Returns the origin of an address. With IPv6 that is the network of 2⁶⁴ addresses, since whoever has one of them has
/// all.
fn origin(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
    }
}

/// How often callers are forgotten.
pub const TIDY: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_not_called_for_a_while_is_forgotten() {
        let rates = Rates::new(Vec::new(), &Limits { rate_per_second: 1_000, rate_burst: 1, ..Limits::default() });
        for number in 0..1_000 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
            assert!(rates.count(&HeaderMap::new(), Some(address)).await.is_ok());
        }
        assert!(rates.callers.len() > 500);
        while !rates.callers.is_empty() {
            rates.tidy();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn an_address_counts_as_its_network() {
        for (address, counts_as) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
        ] {
            assert_eq!(origin(address.parse().unwrap()), counts_as);
        }
    }
}
