//! When sockets are handed events. Serving a crowd takes a worker some milliseconds, and what is published meanwhile
//! should go out in one write for each socket rather than in a round of its own. So while much is published, rounds have
//! pauses between them; what comes alone never waits.

use std::time::Duration;

/// How long the next round waits for each socket that was served: about as long as the round itself took.
const PER_SOCKET: Duration = Duration::from_micros(8);
/// Shorter pauses are not worth a timer: a team of some 250 on one worker notices nothing of all this.
const SHORTEST: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(50);

/// See the module. Pure: whoever holds it serves, and keeps the time.
#[derive(Debug, Default)]
pub(super) struct Coalescing {
    state: State,
    /// What was published since the last round began, and what that round was for. In batches, as they were committed.
    waiting: u32,
    served: u32,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// A round may begin.
    #[default]
    Ready,
    /// A round is under way, or was a moment ago.
    Busy,
}

impl Coalescing {
    /// A batch was published.
    pub(super) fn published(&mut self) {
        self.waiting = self.waiting.saturating_add(1);
    }

    /// Whether a round begins now. If not, there is nothing to do before [`Self::rest`] or [`Self::rested`].
    pub(super) fn begin(&mut self) -> bool {
        if self.state == State::Busy || self.waiting == 0 {
            return false;
        }
        self.state = State::Busy;
        self.served = std::mem::take(&mut self.waiting);
        true
    }

    /// The round is over, in which so many sockets were served: how long until the next may begin. If at once, it may
    /// be due.
    pub(super) fn rest(&mut self, sockets: usize) -> Option<Duration> {
        let sockets = u32::try_from(sockets).unwrap_or(u32::MAX);
        let pause = PER_SOCKET.saturating_mul(sockets).min(LONGEST);
        let much = self.served > 1 || self.waiting > 0;
        if much && pause >= SHORTEST {
            return Some(pause);
        }
        self.rested();
        None
    }

    /// The pause is over: the next round may be due.
    pub(super) fn rested(&mut self) {
        self.state = State::Ready;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_team_is_served_each_batch_at_once() {
        let mut coalescing = Coalescing::default();
        for _ in 0..3 {
            coalescing.published();
            coalescing.published();
            assert!(coalescing.begin());
            assert_eq!(coalescing.rest(100), None);
            assert!(!coalescing.begin(), "nothing came");
        }
    }

    #[test]
    fn a_crowd_is_served_at_once_what_comes_alone() {
        let mut coalescing = Coalescing::default();
        for _ in 0..3 {
            coalescing.published();
            assert!(coalescing.begin());
            assert_eq!(coalescing.rest(1_000), None);
        }
    }

    #[test]
    fn what_comes_while_a_crowd_is_served_goes_out_together_afterwards() {
        let mut coalescing = Coalescing::default();
        coalescing.published();
        assert!(coalescing.begin());
        coalescing.published();
        assert!(!coalescing.begin(), "a round is under way");
        assert_eq!(coalescing.rest(1_000), Some(Duration::from_millis(8)));
        coalescing.published();
        assert!(!coalescing.begin(), "the pause");
        coalescing.rested();
        assert!(coalescing.begin(), "what came is not forgotten");
        assert_eq!(
            coalescing.rest(1_000_000),
            Some(LONGEST),
            "two batches at once: more will come"
        );
        coalescing.rested();
        assert!(!coalescing.begin(), "nothing came");
    }
}
