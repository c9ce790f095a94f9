//! What counts for a while: so much at once, and each for so long. A bucket is one time; many of them are bounded.

use std::hash::Hash;
use std::time::Duration;

use lru::LruCache;

/// How much may come at once, and how long it takes until one more may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    at_once: u32,
    each: Duration,
}

impl Allowance {
    /// So many at once, at least one, and then one in each such time.
    pub const fn new(at_once: u32, each: Duration) -> Self {
        Self { at_once, each }
    }
}

/// What one key owes: the time at which all of it is forgotten. This is the generic cell rate algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    empty_at: Duration,
}

impl Bucket {
    /// One that owes something until then.
    pub const fn until(empty_at: Duration) -> Self {
        Self { empty_at }
    }

    /// When all that it owes is forgotten.
    pub const fn forgotten_at(self) -> Duration {
        self.empty_at
    }

    /// How long until one more may come; zero when it may now.
    pub fn wait(self, rule: Allowance, now: Duration) -> Duration {
        let room = rule.each.saturating_mul(rule.at_once.saturating_sub(1));
        self.empty_at.saturating_sub(now).saturating_sub(room)
    }

    /// The same with one more, whether or not it may come.
    #[must_use]
    pub fn add(self, rule: Allowance, now: Duration) -> Self {
        Self {
            empty_at: self.empty_at.max(now).saturating_add(rule.each),
        }
    }

    /// How many are not forgotten yet.
    pub fn owes(self, rule: Allowance, now: Duration) -> u32 {
        let left = self.empty_at.saturating_sub(now).as_nanos();
        u32::try_from(left.div_ceil(rule.each.as_nanos().max(1))).unwrap_or(u32::MAX)
    }

    fn take_back(self, rule: Allowance) -> Self {
        Self {
            empty_at: self.empty_at.saturating_sub(rule.each),
        }
    }
}

/// A bucket for each key under one rule. When there are too many, the key that was used least lately is forgotten.
#[derive(Debug)]
pub struct Buckets<K: Hash + Eq> {
    rule: Allowance,
    most: usize,
    buckets: LruCache<K, Bucket>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// None yet; at most so many, which take memory only once they are there.
    pub fn new(rule: Allowance, most: usize) -> Self {
        Self {
            rule,
            most,
            buckets: LruCache::unbounded(),
        }
    }

    /// How long until one more may come; zero when it may now.
    pub fn wait(&mut self, key: &K, now: Duration) -> Duration {
        let bucket = self.buckets.get(key).copied().unwrap_or_default();
        bucket.wait(self.rule, now)
    }

    /// Counts one, whether or not it may come.
    pub fn add(&mut self, key: &K, now: Duration) {
        let bucket = self.buckets.get(key).copied().unwrap_or_default();
        self.buckets.put(key.clone(), bucket.add(self.rule, now));
        // Two for each that is added, so that the memory follows the traffic.
        for _ in 0..2 {
            let oldest = self.buckets.peek_lru().map(|(_, oldest)| *oldest);
            if oldest.is_some_and(|oldest| oldest.empty_at <= now) || self.buckets.len() > self.most {
                self.buckets.pop_lru();
            }
        }
    }

    /// One that was counted does not count after all.
    pub fn take_back(&mut self, key: &K) {
        if let Some(bucket) = self.buckets.get_mut(key) {
            *bucket = bucket.take_back(self.rule);
        }
    }

    /// Nothing that was counted of a key counts any more.
    pub fn forget(&mut self, key: &K) {
        self.buckets.pop(key);
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Allowance = Allowance::new(3, Duration::from_secs(10));

    #[test]
    fn a_burst_is_followed_by_one_in_each_time() {
        let mut buckets = Buckets::new(RULE, 8);
        let mut now = Duration::from_secs(100);
        for _ in 0..3 {
            assert_eq!(buckets.wait(&"a", now), Duration::ZERO);
            buckets.add(&"a", now);
        }
        for _ in 0..3 {
            assert_eq!(buckets.wait(&"a", now), Duration::from_secs(10));
            now += Duration::from_secs(10);
            assert_eq!(buckets.wait(&"a", now), Duration::ZERO);
            buckets.add(&"a", now);
        }
        assert_eq!(buckets.wait(&"b", now), Duration::ZERO);
    }

    #[test]
    fn what_is_taken_back_leaves_what_was_counted_before() {
        let mut buckets = Buckets::new(RULE, 8);
        let now = Duration::from_secs(100);
        for _ in 0..3 {
            buckets.add(&"a", now);
        }
        buckets.take_back(&"a");
        assert_eq!(buckets.wait(&"a", now), Duration::ZERO);
        buckets.add(&"a", now);
        assert_eq!(buckets.wait(&"a", now), Duration::from_secs(10));
        // Of nobody, and of one who owes nothing, there is nothing to take back.
        buckets.take_back(&"b");
        let later = now + Duration::from_secs(1_000);
        buckets.take_back(&"a");
        for _ in 0..3 {
            assert_eq!(buckets.wait(&"a", later), Duration::ZERO);
            buckets.add(&"a", later);
        }
        assert_eq!(buckets.wait(&"a", later), Duration::from_secs(10));
    }

    #[test]
    fn keys_are_bounded_and_those_that_owe_nothing_go_first() {
        let mut buckets = Buckets::new(RULE, 8);
        for n in 0..100 {
            buckets.add(&n, Duration::from_secs(1));
        }
        assert_eq!(buckets.len(), 8);
        for n in 100..104 {
            buckets.add(&n, Duration::from_secs(1_000));
        }
        assert_eq!(buckets.len(), 4);
    }

    proptest! {
        #[test]
        fn no_time_sees_more_than_the_burst_and_the_rate(
            steps in prop::collection::vec(0_u64..15_000, 1..200),
        ) {
            let mut buckets = Buckets::new(RULE, 1);
            let mut now = Duration::from_secs(1);
            let mut came: Vec<Duration> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                if buckets.wait(&(), now).is_zero() {
                    buckets.add(&(), now);
                    came.push(now);
                }
            }
            for (place, first) in came.iter().enumerate() {
                for (count, last) in came[place..].iter().enumerate() {
                    let allowed = 3 + usize::try_from((*last - *first).as_secs() / 10).unwrap();
                    prop_assert!(count < allowed, "{} from {first:?} to {last:?}", count + 1);
                }
            }
        }
    }
}
