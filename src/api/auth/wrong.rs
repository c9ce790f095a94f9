//! Wrong operator's tokens: told in the log, and slowed for each peer.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;

use crate::telemetry::Seldom;

/// Wrong tokens that a peer may show at once, and how long it takes until it may show one more.
const AT_ONCE: u32 = 20;
const EACH: Duration = Duration::from_secs(6);
/// Peers that are remembered.
const PEERS: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// How often the log tells of it.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// See the module. Times are those of the monotonic clock.
pub(in crate::api) struct WrongTokens {
    told: Seldom,
    /// When all that a peer showed is forgotten.
    peers: Mutex<LruCache<IpAddr, Duration>>,
}

impl WrongTokens {
    /// None yet.
    pub(in crate::api) fn new() -> Self {
        Self {
            told: Seldom::each(TOLD_EACH),
            peers: Mutex::new(LruCache::new(PEERS)),
        }
    }

    /// Whether a peer may show a token now, or else when.
    pub(super) fn admit(&self, peer: IpAddr, now: Duration) -> Result<(), Duration> {
        let mut peers = self.peers();
        let Some(forgotten) = peers.get(&network(peer)) else {
            return Ok(());
        };
        let room = EACH.saturating_mul(AT_ONCE.saturating_sub(1));
        let wait = forgotten.saturating_sub(now).saturating_sub(room);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// It was wrong.
    pub(super) fn shown(&self, peer: IpAddr, now: Duration) {
        let mut peers = self.peers();
        let before = peers.get(&network(peer)).copied().unwrap_or_default();
        peers.put(network(peer), before.max(now).saturating_add(EACH));
        drop(peers);
        if let Some(count) = self.told.happened(now) {
            tracing::warn!(%peer, count, "somebody calls the admin API with a token that no operator has");
        }
    }

    fn peers(&self) -> std::sync::MutexGuard<'_, LruCache<IpAddr, Duration>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has an address of IPv6 has 2^64 of them.
fn network(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(six) => {
            let prefix = six.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
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
        for n in 0..AT_ONCE {
            wrong
                .admit(peer("2001:db8::1"), now)
                .unwrap_or_else(|_| panic!("{n}"));
            wrong.shown(peer("2001:db8::1"), now);
        }
        let wait = wrong.admit(peer("2001:db8::2"), now).unwrap_err();
        assert!(wait <= EACH && !wait.is_zero(), "{wait:?}");
        wrong.admit(peer("2001:db9::1"), now).unwrap();
        wrong.admit(peer("192.0.2.1"), now).unwrap();
        now += wait;
        wrong.admit(peer("2001:db8::1"), now).unwrap();
        wrong.shown(peer("2001:db8::1"), now);
        wrong.admit(peer("2001:db8::1"), now).unwrap_err();
    }
}
