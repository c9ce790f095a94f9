//! Wrong operator's tokens: told in the log, and slowed for each peer.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limiter::{Allowance, Buckets, Network};
use crate::telemetry::Seldom;

/// Wrong tokens that a peer may show at once, and how long it takes until it may show one more.
const WRONG: Allowance = Allowance::new(20, Duration::from_secs(6));
/// Peers that are remembered.
const PEERS: usize = 4_096;
/// How often the log tells of it.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// See the module. Times are those of the monotonic clock.
pub(in crate::api) struct WrongTokens {
    told: Seldom,
    peers: Mutex<Buckets<Network>>,
}

impl WrongTokens {
    /// None yet.
    pub(in crate::api) fn new() -> Self {
        Self {
            told: Seldom::each(TOLD_EACH),
            peers: Mutex::new(Buckets::new(WRONG, PEERS)),
        }
    }

    /// Whether a peer may show a token now, or else when.
    pub(super) fn admit(&self, peer: IpAddr, now: Duration) -> Result<(), Duration> {
        let wait = self.peers().wait(&Network::of(peer), now);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// It was wrong.
    pub(super) fn shown(&self, peer: IpAddr, now: Duration) {
        self.peers().add(&Network::of(peer), now);
        if let Some(count) = self.told.happened(now) {
            tracing::warn!(%peer, count, "somebody calls the admin API with a token that no operator has");
        }
    }

    fn peers(&self) -> MutexGuard<'_, Buckets<Network>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shows_wrong_tokens_waits_and_nobody_else_does() {
        let wrong = WrongTokens::new();
        let peer = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut now = Duration::from_secs(100);
        for n in 0..20 {
            wrong
                .admit(peer("2001:db8::1"), now)
                .unwrap_or_else(|_| panic!("{n}"));
            wrong.shown(peer("2001:db8::1"), now);
        }
        let wait = wrong.admit(peer("2001:db8::2"), now).unwrap_err();
        assert!(wait <= Duration::from_secs(6) && !wait.is_zero(), "{wait:?}");
        wrong.admit(peer("2001:db9::1"), now).unwrap();
        wrong.admit(peer("192.0.2.1"), now).unwrap();
        now += wait;
        wrong.admit(peer("2001:db8::1"), now).unwrap();
        wrong.shown(peer("2001:db8::1"), now);
        wrong.admit(peer("2001:db8::1"), now).unwrap_err();
    }
}
