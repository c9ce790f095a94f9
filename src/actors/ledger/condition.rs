//! How the writer of a log fares, for those who decide whether to hand it more, or to start another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::telemetry::metrics;

/// A batch that takes longer than this hangs: the store does not take it now.
const HANGS: Duration = Duration::from_secs(4);
/// How long a writer that lost its log to another process leaves it alone. Two who took it from each other with every
/// request would do nothing else.
const HANDS_OFF: Duration = Duration::from_secs(5);

/// Shared by the writer and its handles. Times are of the monotonic clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    /// When the batch in hand was begun, in milliseconds, and one more; 0 while there is none.
    writing: Arc<AtomicU64>,
    /// When another process turned out to own the log.
    lost: Arc<OnceLock<Duration>>,
}

impl Condition {
    /// A batch is begun.
    pub(super) fn begins(&self, now: Duration) {
        let ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX - 1);
        self.writing.store(ms.saturating_add(1), Ordering::Release);
    }

    /// The batch has an end.
    pub(super) fn ends(&self) {
        self.writing.store(0, Ordering::Release);
    }

    /// Whether the batch in hand takes so long that whatever is handed over now would wait for a store that is away.
    pub(super) fn hangs(&self, now: Duration) -> bool {
        match self.writing.load(Ordering::Acquire).checked_sub(1) {
            Some(began) => now.saturating_sub(Duration::from_millis(began)) > HANGS,
            None => false,
        }
    }

    /// Another process owns the log.
    pub(super) fn loses(&self, now: Duration) {
        if self.lost.set(now).is_ok() {
            metrics::ledger_takeovers_total().increment(1);
        }
    }

    /// Whether another process turned out to own the log.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.get().is_some()
    }

    /// For how much longer the log is left to the process that took it.
    pub(super) fn hands_off(&self, now: Duration) -> Option<Duration> {
        let since = now.saturating_sub(*self.lost.get()?);
        HANDS_OFF.checked_sub(since).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_batch_hangs_only_while_it_is_in_hand() {
        let condition = Condition::default();
        assert!(!condition.hangs(at(100)));
        condition.begins(at(100));
        assert!(!condition.hangs(at(104)));
        assert!(condition.hangs(at(105)));
        condition.ends();
        assert!(!condition.hangs(at(105)));
    }

    #[test]
    fn a_lost_log_is_left_alone_for_a_while_and_not_for_ever() {
        let condition = Condition::default();
        assert_eq!(condition.hands_off(at(10)), None);
        condition.loses(at(10));
        condition.loses(at(12));
        assert_eq!(condition.hands_off(at(11)), Some(at(4)));
        assert_eq!(condition.hands_off(at(15)), None, "counted from the first time");
    }
}
