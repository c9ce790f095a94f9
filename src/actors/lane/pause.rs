//! A lane, or its bulk alone, that stands still until somebody acts at Meta's side; tries one message now and then.

use std::time::Duration;

use crate::domain::{MessageId, MetaError};
use crate::whatsapp::PauseReason;

/// Why a lane stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PauseCause {
    /// Why.
    pub(super) reason: PauseReason,
    /// Meta's code and words; none when Meta was not asked.
    pub(super) error: Option<MetaError>,
    /// How Meta said so.
    pub(super) heard: Heard,
}

/// How Meta refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// In the answer to a call: an accepted one shows that the reason is gone.
    ByAnswer,
    /// In a status, long after the call was accepted: only a status shows that the reason is gone.
    ByStatus,
}

/// Why it stands still, and when one message is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pause {
    /// Why.
    pub(super) cause: PauseCause,
    began: Duration,
    probe_at: Duration,
    wait: Duration,
    longest: Duration,
    /// The message that was tried and accepted, while its status is waited for.
    trial: Option<MessageId>,
}

/// Whether a lane stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// Still.
    Yes,
    /// Not any more.
    No,
}

impl Pause {
    /// Stands still from now on; tries one message after `wait`, and after twice as long each time that fails.
    pub(super) fn new(cause: PauseCause, wait: Duration, longest: Duration, now: Duration) -> Self {
        Self {
            cause,
            began: now,
            probe_at: now + wait,
            wait,
            longest,
            trial: None,
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
    pub(super) fn refused_again(&mut self, cause: PauseCause, call_began: Duration, now: Duration) {
        if call_began < self.began {
            return;
        }
        // Where a status refused once, an accepted call proves nothing from then on.
        let heard = match self.cause.heard {
            Heard::ByStatus => Heard::ByStatus,
            Heard::ByAnswer => cause.heard,
        };
        self.cause = PauseCause { heard, ..cause };
        self.began = now;
        self.trial = None;
        self.wait = self.wait.saturating_mul(2).min(self.longest);
        self.probe_at = now + self.wait;
    }

    /// Meta answered a call in a way that says nothing against the lane.
    pub(super) fn answered(&mut self, message: MessageId, call_began: Duration, now: Duration) -> Stands {
        if call_began < self.probe_at {
            return Stands::Yes;
        }
        match self.cause.heard {
            Heard::ByAnswer => Stands::No,
            Heard::ByStatus => {
                self.trial = Some(message);
                self.probe_at = now + self.wait;
                Stands::Yes
            }
        }
    }

    /// Whether it still stands for a lane whose last definite answer came to a call that began then. A pause that is heard of
    /// late may be over.
    pub(super) fn stands_after(&self, worked: Option<Duration>) -> Stands {
        match self.cause.heard {
            Heard::ByAnswer if worked.is_some_and(|worked| worked >= self.began) => Stands::No,
            Heard::ByAnswer | Heard::ByStatus => Stands::Yes,
        }
    }

    /// Whether this message was tried, or is being tried since the given time.
    pub(super) fn tries(&self, message: MessageId, call_began: Option<Duration>) -> bool {
        self.trial == Some(message) || call_began.is_some_and(|began| began >= self.probe_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn refused(heard: Heard) -> PauseCause {
        PauseCause {
            reason: PauseReason::Payment,
            error: None,
            heard,
        }
    }

    fn message() -> MessageId {
        MessageId::from_bytes([1; 16])
    }

    #[test]
    fn probes_grow_apart_and_calls_from_before_the_pause_change_nothing() {
        let mut pause = Pause::new(refused(Heard::ByAnswer), secs(300), secs(1_000), secs(10));
        pause.refused_again(refused(Heard::ByAnswer), secs(9), secs(11));
        assert_eq!(pause.may_probe(secs(11)), Err(secs(310)));
        assert_eq!(pause.answered(message(), secs(9), secs(12)), Stands::Yes);
        assert_eq!(pause.may_probe(secs(310)), Ok(()));
        pause.refused_again(refused(Heard::ByAnswer), secs(310), secs(311));
        assert_eq!(pause.may_probe(secs(311)), Err(secs(911)));
        pause.refused_again(refused(Heard::ByAnswer), secs(911), secs(912));
        assert_eq!(pause.may_probe(secs(912)), Err(secs(1_912)));
        assert_eq!(pause.answered(message(), secs(1_912), secs(1_913)), Stands::No);
    }

    #[test]
    fn where_a_status_refused_an_accepted_trial_waits_for_its_own_status() {
        let mut pause = Pause::new(refused(Heard::ByStatus), secs(300), secs(1_000), secs(10));
        assert_eq!(pause.answered(message(), secs(310), secs(311)), Stands::Yes);
        assert!(pause.tries(message(), None));
        assert_eq!(pause.may_probe(secs(312)), Err(secs(611)), "one trial at a time");
        // The trial failed by its status.
        pause.refused_again(refused(Heard::ByStatus), secs(310), secs(312));
        assert_eq!(pause.may_probe(secs(312)), Err(secs(912)));
        assert!(!pause.tries(message(), None));
        assert!(
            pause.tries(message(), Some(secs(912))),
            "its status may overtake its answer"
        );
    }
}
