//! Members for whom programs act on sockets: that they are in the team is looked up once for all of those sockets.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::FRESH_FOR_SOCKETS;
use crate::domain::{TenantId, UserId};

/// Members that are remembered.
const KEPT: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

type Present = LruCache<(TenantId, UserId), Duration>;

/// When each was looked up.
pub(super) struct PresentMembers(Mutex<Present>);

impl Default for PresentMembers {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl PresentMembers {
    /// Whether somebody was in the team a moment ago.
    pub(super) fn knows(&self, tenant: TenantId, user: UserId, now: Duration) -> bool {
        let looked_up = self.present().get(&(tenant, user)).copied();
        looked_up.is_some_and(|at| now.saturating_sub(at) < FRESH_FOR_SOCKETS)
    }

    /// Somebody was, unless that is out of date by now, which is asked while nobody can forget it.
    pub(super) fn note(
        &self,
        tenant: TenantId,
        user: UserId,
        now: Duration,
        still_holds: impl FnOnce() -> bool,
    ) {
        let mut present = self.present();
        if still_holds() {
            present.put((tenant, user), now);
        }
    }

    /// Has somebody looked up again in all teams.
    pub(super) fn forget(&self, user: UserId) {
        let mut present = self.present();
        let all = present.iter().map(|(key, _)| *key);
        let theirs: Vec<_> = all.filter(|(_, one)| *one == user).collect();
        for key in theirs {
            present.pop(&key);
        }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // Entries are put and taken whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_known_for_a_while_and_until_somebody_says_otherwise() {
        let (present, one) = (PresentMembers::default(), TenantId::new(1));
        let [ana, ben] = [1, 2].map(|byte| UserId::from_bytes([byte; 16]));
        let now = Duration::from_secs(1_000);
        for user in [ana, ben] {
            present.note(one, user, now, || true);
        }
        let late = now + FRESH_FOR_SOCKETS;
        let just = late.saturating_sub(Duration::from_millis(1));
        assert!(present.knows(one, ana, just) && !present.knows(one, ana, late));
        assert!(!present.knows(TenantId::new(2), ana, now));
        present.forget(ana);
        assert!(!present.knows(one, ana, now) && present.knows(one, ben, now));
        // What was read before that is not kept.
        present.note(one, ana, now, || false);
        assert!(!present.knows(one, ana, now));
    }
}
