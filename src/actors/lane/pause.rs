//! A lane, or its bulk alone, that stands still until somebody acts at Meta's side; tries one message now and then.

use std::time::Duration;

use crate::whatsapp::PauseReason;

/// Why it stands still, and when one message is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    /// Why.
    pub(super) reason: PauseReason,
    /// Meta's code; 0 when Meta was not asked.
    pub(super) code: i64,
    began: Duration,
    probe_at: Duration,
    wait: Duration,
    longest: Duration,
}

impl Pause {
    /// Stands still from now on; tries one message after `wait`, and after twice as long each time that fails.
    pub(super) fn new(
        reason: PauseReason,
        code: i64,
        wait: Duration,
        longest: Duration,
        now: Duration,
    ) -> Self {
        Self {
            reason,
            code,
            began: now,
            probe_at: now + wait,
            wait,
            longest,
        }
    }

    /// Whether one message may be tried.
    pub(super) fn may_probe(&self, now: Duration) -> Result<(), Duration> {
        if now >= self.probe_at {
            Ok(())
        } else {
            Err(self.probe_at)
        }
    }

    /// Meta refused again. A call from before the pause says nothing new.
    pub(super) fn refused_again(
        &mut self,
        reason: PauseReason,
        code: i64,
        call_began: Duration,
        now: Duration,
    ) {
        if call_began < self.began {
            return;
        }
        (self.reason, self.code) = (reason, code);
        self.began = now;
        self.wait = self.wait.saturating_mul(2).min(self.longest);
        self.probe_at = now + self.wait;
    }

    /// Whether an answer to a call shows that the reason is gone.
    pub(super) fn ended_by(&self, call_began: Duration) -> bool {
        call_began >= self.probe_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn probes_grow_apart_and_calls_from_before_the_pause_change_nothing() {
        let mut pause = Pause::new(PauseReason::Payment, 131_042, secs(300), secs(1_000), secs(10));
        pause.refused_again(PauseReason::Payment, 131_042, secs(9), secs(11));
        assert_eq!(pause.may_probe(secs(11)), Err(secs(310)));
        assert!(!pause.ended_by(secs(9)));
        assert_eq!(pause.may_probe(secs(310)), Ok(()));
        pause.refused_again(PauseReason::Payment, 131_042, secs(310), secs(311));
        assert_eq!(pause.may_probe(secs(311)), Err(secs(911)));
        pause.refused_again(PauseReason::Payment, 131_042, secs(911), secs(912));
        assert_eq!(pause.may_probe(secs(912)), Err(secs(1_912)));
        assert!(pause.ended_by(secs(1_912)));
    }
}
