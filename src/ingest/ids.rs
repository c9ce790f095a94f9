//! Ids of journal entries: they grow with arrival. Given a clock for ids, they never go back, over restarts neither.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{JournalId, Timestamp};

/// Makes ids. The upper 48 bits of the counter are milliseconds, so that a later process continues above.
pub(super) struct JournalIds {
    last: AtomicU64,
    salt: u64,
}

impl JournalIds {
    pub(super) const fn new(salt: u64) -> Self {
        Self {
            last: AtomicU64::new(0),
            salt,
        }
    }

    /// The next id: at this time, or just after the last one if the clock stands or went back.
    pub(super) fn next(&self, now: Timestamp) -> JournalId {
        let from_clock = u64::try_from(now.as_millis()).unwrap_or(0) << 16;
        let step = |last: u64| Some(from_clock.max(last.saturating_add(1)));
        let last = self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, step);
        let taken = from_clock.max(last.unwrap_or_default().saturating_add(1));
        let mut bytes = [0_u8; 16];
        let parts = taken.to_be_bytes().into_iter().chain(self.salt.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = byte);
        JournalId::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_goes_back() {
        let ids = JournalIds::new(7);
        let first = ids.next(Timestamp::from_secs(1_000));
        let second = ids.next(Timestamp::from_secs(1_000));
        let third = ids.next(Timestamp::from_secs(900));
        assert!(first < second && second < third);
        assert!(third < ids.next(Timestamp::from_secs(1_001)));
    }
}
