//! What was wrong again and again: after so much of it the next try waits, and twice as long after each further one.

use std::hash::Hash;
use std::time::Duration;

use lru::LruCache;

/// How long the next try waits for those before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    /// Wrong ones that cost nothing.
    pub(super) free: u32,
    /// What the next one waits for then. Each further wrong one doubles that.
    pub(super) first: Duration,
    /// No wait is longer.
    pub(super) longest: Duration,
    /// After so long without any, wrong ones are forgotten.
    pub(super) forgotten: Duration,
}

/// Wrong tries of one key since the last right one, and when the last was.
#[derive(Debug, Clone, Copy, Default)]
struct Wrong {
    count: u32,
    last: Duration,
    /// When the one before it was: the wait goes by that again if the last does not count after all.
    before: Duration,
}

/// Wrong tries by key. When there are too many keys, the one that was used least lately is forgotten.
#[derive(Debug)]
pub(super) struct InARow<K: Hash + Eq> {
    pauses: Pauses,
    most: usize,
    wrong: LruCache<K, Wrong>,
}

impl<K: Hash + Eq> InARow<K> {
    /// None yet; at most so many keys.
    pub(super) fn new(pauses: Pauses, most: usize) -> Self {
        Self {
            pauses,
            most,
            wrong: LruCache::unbounded(),
        }
    }

    fn known(&mut self, key: &K, now: Duration) -> Wrong {
        let known = self.wrong.get(key).copied();
        let known = known.filter(|wrong| now.saturating_sub(wrong.last) < self.pauses.forgotten);
        known.unwrap_or_default()
    }

    /// How long until one more may come; zero when it may now.
    pub(super) fn wait(&mut self, key: &K, now: Duration) -> Duration {
        let Wrong { count, last, .. } = self.known(key, now);
        let Some(further) = count.checked_sub(self.pauses.free) else {
            return Duration::ZERO;
        };
        let pause = self.pauses.first.saturating_mul(1 << further.min(16));
        let pause = pause.min(self.pauses.longest);
        pause.saturating_sub(now.saturating_sub(last))
    }

    /// Counts one as wrong.
    pub(super) fn add(&mut self, key: K, now: Duration) {
        let known = self.known(&key, now);
        let wrong = Wrong {
            count: known.count.saturating_add(1),
            last: now,
            before: known.last,
        };
        self.wrong.put(key, wrong);
        if self.wrong.len() > self.most {
            self.wrong.pop_lru();
        }
    }

    /// One that was counted does not count after all.
    pub(super) fn take_back(&mut self, key: &K) {
        if let Some(wrong) = self.wrong.get_mut(key) {
            wrong.count = wrong.count.saturating_sub(1);
            wrong.last = wrong.before;
        }
    }

    /// Nothing that was wrong before counts any more.
    pub(super) fn forget(&mut self, key: &K) {
        self.wrong.pop(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.wrong.len()
    }
}
