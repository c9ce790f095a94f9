//! How fast a broadcast may go by its own rate, and how fast it goes.

use std::time::Duration;

/// How often it is measured, and noted, how fast it goes.
const MEASURED: Duration = Duration::from_secs(1);

/// How many more may be handed over, by the broadcast's own rate.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: Option<u32>,
    /// Thousandths of a message.
    saved: u64,
    at: Duration,
}

impl Pace {
    pub(super) const fn new(per_second: Option<u32>, at: Duration) -> Self {
        Self {
            per_second,
            saved: 0,
            at,
        }
    }

    /// How many may go now. What was not used is kept for a second.
    pub(super) fn allowed(&mut self, now: Duration) -> u32 {
        let Some(rate) = self.per_second.map(u64::from) else {
            return u32::MAX;
        };
        let passed = u64::try_from(now.saturating_sub(self.at).as_millis()).unwrap_or(u64::MAX);
        self.at = now;
        self.saved = self
            .saved
            .saturating_add(passed.saturating_mul(rate))
            .min(rate * 1_000);
        u32::try_from(self.saved / 1_000).unwrap_or(u32::MAX)
    }

    pub(super) fn use_up(&mut self, messages: u32) {
        self.saved = self.saved.saturating_sub(u64::from(messages) * 1_000);
    }
}

/// How many messages leave the outbox within a second, measured now and then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    at: Duration,
    gone: Option<u64>,
    pub(super) per_second: Option<u32>,
}

impl Speed {
    pub(super) const fn new(at: Duration) -> Self {
        Self {
            at,
            gone: None,
            per_second: None,
        }
    }

    /// Takes note of how many are gone so far; says whether it was measured.
    pub(super) fn measure(&mut self, gone: u64, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at);
        let Some(before) = self.gone.filter(|_| passed >= MEASURED) else {
            if self.gone.is_none() {
                (self.gone, self.at) = (Some(gone), now);
            }
            return false;
        };
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
        let per_second = gone.saturating_sub(before).saturating_mul(1_000) / millis;
        self.per_second = Some(u32::try_from(per_second).unwrap_or(u32::MAX));
        (self.gone, self.at) = (Some(gone), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_its_own_is_kept_and_saves_for_a_second_at_most() {
        let at = Duration::from_millis;
        let mut pace = Pace::new(Some(10), at(0));
        let mut sent = 0;
        for tick in 0..100 {
            let now = pace.allowed(at(tick * 100));
            pace.use_up(now);
            sent += now;
        }
        assert_eq!(sent, 99);
        assert_eq!(
            pace.allowed(at(1_000_000)),
            10,
            "what was missed is not made up for"
        );
        assert_eq!(Pace::new(None, at(0)).allowed(at(0)), u32::MAX);
    }

    #[test]
    fn its_speed_is_what_left_within_a_second() {
        let at = Duration::from_millis;
        let mut speed = Speed::new(at(0));
        assert!(!speed.measure(100, at(0)));
        assert!(!speed.measure(150, at(500)));
        assert!(speed.measure(260, at(2_000)));
        assert_eq!(speed.per_second, Some(80));
        assert!(speed.measure(260, at(3_000)));
        assert_eq!(speed.per_second, Some(0));
    }
}
