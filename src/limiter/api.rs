//! How often each client of our own API may ask: so many requests a second, with a burst.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as _, ReasonablyRealtime};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::domain::Clock;

/// Limits per key: an API key, an agent, an address.
pub struct ApiLimiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, Monotonic, NoOpMiddleware<Nanos>>,
    clock: Monotonic,
}

impl<K: Hash + Eq + Clone> ApiLimiter<K> {
    /// `per_second` requests on average and `burst` at once, for each key.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        let clock = Monotonic(clock);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    /// Lets a request of this key pass and counts it, or says how long it must wait.
    pub fn check(&self, key: &K) -> Result<(), Duration> {
        self.limiter
            .check_key(key)
            .map_err(|early| early.wait_time_from(self.clock.now()))
    }

    /// Forgets keys that have their whole burst back. To be called now and then: keys are kept until it is.
    pub fn prune(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.limiter.is_empty()
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for ApiLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiLimiter({} keys)", self.len())
    }
}

/// The gateway's clock as governor wants it.
#[derive(Clone)]
struct Monotonic(Arc<dyn Clock>);

impl governor::clock::Clock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.monotonic().into()
    }
}

impl ReasonablyRealtime for Monotonic {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{TestClock, Timestamp};

    fn limiter(per_second: u32, burst: u32) -> (TestClock, ApiLimiter<&'static str>) {
        let clock = TestClock::at(Timestamp::from_secs(1_790_000_000));
        let nonzero = |number| NonZeroU32::new(number).unwrap();
        let limiter = ApiLimiter::new(nonzero(per_second), nonzero(burst), Arc::new(clock.clone()));
        (clock, limiter)
    }

    #[test]
    fn a_burst_passes_and_then_the_pace_holds() {
        let (clock, limiter) = limiter(10, 3);
        assert!((0..3).all(|_| limiter.check(&"key").is_ok()));
        let wait = limiter.check(&"key").unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        clock.advance(wait);
        assert!(limiter.check(&"key").is_ok());
        assert!(limiter.check(&"key").is_err());
    }

    #[test]
    fn one_key_does_not_use_up_another() {
        let (_, limiter) = limiter(1, 1);
        assert!(limiter.check(&"one").is_ok());
        assert!(limiter.check(&"one").is_err());
        assert!(limiter.check(&"two").is_ok());
    }

    #[test]
    fn keys_that_rest_are_forgotten() {
        let (clock, limiter) = limiter(1, 1);
        assert!(limiter.check(&"one").is_ok());
        limiter.prune();
        assert_eq!(limiter.len(), 1);
        clock.advance(Duration::from_secs(2));
        limiter.prune();
        assert!(limiter.is_empty());
    }
}
