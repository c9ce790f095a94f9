//! Ids of the messages that a tenant writes, in the order in which they are asked for.

use crate::domain::{MessageId, Timestamp};

/// Makes ids: at the given time, or just after the last one while that stands or has gone back.
#[derive(Debug, Default)]
pub(super) struct MessageIds {
    /// Milliseconds, and a place within them in the lowest 16 bits.
    last: u64,
}

impl MessageIds {
    /// The next id; `tail` tells it apart from those that others make.
    pub(super) fn next(&mut self, now: Timestamp, tail: u64) -> MessageId {
        let from_clock = u64::try_from(now.as_millis()).unwrap_or(0) << 16;
        self.last = from_clock.max(self.last.saturating_add(1));
        let at = i64::try_from(self.last >> 16).unwrap_or(i64::MAX);
        let place = u16::try_from(self.last & u64::from(u16::MAX)).unwrap_or(u16::MAX);
        MessageId::new(Timestamp::from_millis(at), place, tail)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ids_grow_when_the_clock_goes_back_and_when_more_come_in_a_millisecond_than_it_has_places() {
        let mut ids = MessageIds::default();
        let now = Timestamp::from_secs(1_790_000_000);
        let mut last = ids.next(now, u64::MAX);
        assert_eq!(last.timestamp(), now);
        let before = now.before(Duration::from_secs(600));
        for _ in 0..70_000 {
            let next = ids.next(before, 0);
            assert!(last < next);
            last = next;
        }
        assert_eq!(last.timestamp(), now.after(Duration::from_millis(1)));
        let later = now.after(Duration::from_secs(1));
        assert_eq!(ids.next(later, 0).timestamp(), later);
    }
}
