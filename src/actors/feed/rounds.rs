//! When sockets are woken for events. Waking a crowd takes a worker some milliseconds, and what is published meanwhile
//! should go out in one write for each socket rather than in a round of its own.

use std::time::Duration;

/// How long the next round waits for each socket that was woken: somewhat longer than the round itself takes.
const PER_SOCKET: Duration = Duration::from_micros(12);
/// Shorter pauses are not worth a timer: a team of some 160 on one worker notices nothing of all this.
const SHORTEST: Duration = Duration::from_millis(2);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(50);

/// See the module. Pure: whoever holds it wakes, and keeps the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounds {
    /// Events wake at once.
    AtOnce,
    /// The last round was a moment ago.
    Paused,
    /// The same, and something came since.
    Due,
}

impl Rounds {
    /// Events came: whether sockets are woken now. If not, [`Self::resume`] will say so.
    pub(super) fn may_wake(&mut self) -> bool {
        if *self == Self::AtOnce {
            return true;
        }
        *self = Self::Due;
        false
    }

    /// So many sockets were woken: for how long none is, if for a while.
    pub(super) fn pause(&mut self, woken: usize) -> Option<Duration> {
        let woken = u32::try_from(woken).unwrap_or(u32::MAX);
        let pause = PER_SOCKET.saturating_mul(woken).min(LONGEST);
        (pause >= SHORTEST).then(|| {
            *self = Self::Paused;
            pause
        })
    }

    /// The pause is over: whether events came meanwhile, so that sockets are woken now.
    pub(super) fn resume(&mut self) -> bool {
        std::mem::replace(self, Self::AtOnce) == Self::Due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_team_is_woken_for_each_event() {
        let mut rounds = Rounds::AtOnce;
        for _ in 0..3 {
            assert!(rounds.may_wake());
            assert_eq!(rounds.pause(100), None);
        }
    }

    #[test]
    fn what_comes_while_a_crowd_is_served_wakes_it_once_afterwards() {
        let mut rounds = Rounds::AtOnce;
        assert!(rounds.may_wake());
        assert_eq!(rounds.pause(1_000), Some(Duration::from_millis(12)));
        assert!(!rounds.may_wake());
        assert!(!rounds.may_wake());
        assert!(rounds.resume(), "what came is not forgotten");
        assert!(rounds.may_wake());
        assert_eq!(rounds.pause(1_000_000), Some(LONGEST));
        assert!(!rounds.resume(), "nothing came");
        assert!(rounds.may_wake());
    }
}
