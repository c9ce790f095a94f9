//! Who goes first when the machine cannot both take in and apply all that comes: taking in.
//!
//! Applying a webhook costs several times what taking it in costs. What is not taken in is lost for Meta's next attempt,
//! minutes later; what is not applied yet is safe in the journal. So while more comes than is applied at full speed, and
//! the applier is behind anyway, it works a quarter of the time: a slice, and a rest three times as long. As soon as
//! applying at full speed would catch up, it does that.

use std::time::Duration;

use tokio::time::Instant;

/// Entries after which it is decided anew who goes first.
const SLICE: u64 = 256;
/// A rest is so many times as long as the slice before it.
const REST: u32 = 3;
/// The longest rest, and how long a slice waits for the slowest of its entries: that one must not hold up the others.
const LONGEST: Duration = Duration::from_millis(100);

/// The applier's share. Counts are those since the start of the process.
#[derive(Debug)]
pub(super) struct IntakePriority {
    /// When it was decided last who goes first, and when work began after that.
    decided: Instant,
    began: Instant,
    came: u64,
    taken: u64,
    applied: u64,
    resting: Option<Instant>,
    sliced: bool,
}

/// Whether the applier may take an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Now.
    Go,
    /// Not before those in flight are done, or this time.
    AfterThose(Instant),
    /// Not before then.
    At(Instant),
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    /// Webhooks taken in so far.
    pub(super) came: u64,
    /// The applier is behind by more than it has in flight.
    pub(super) behind: Behind,
    /// Entries in flight.
    pub(super) in_flight: usize,
}

/// Whether the applier keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// What waits is about to be applied.
    No,
    /// More waits than that.
    Yes,
}

impl IntakePriority {
    /// Begins at full speed.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            decided: now,
            began: now,
            came: 0,
            taken: 0,
            applied: 0,
            resting: None,
            sliced: false,
        }
    }

    /// Whether an entry may be taken.
    pub(super) fn turn(&mut self, now: Instant) -> Turn {
        match self.resting {
            Some(until) if now < until => return Turn::At(until),
            Some(_) => {
                self.resting = None;
                self.began = now;
            }
            None => {}
        }
        if self.sliced && self.taken >= SLICE {
            return Turn::AfterThose(self.began + LONGEST);
        }
        Turn::Go
    }

    /// An entry was taken.
    pub(super) fn took(&mut self) {
        self.taken += 1;
    }

    /// Entries are done.
    pub(super) fn applied(&mut self, entries: usize, load: Load, now: Instant) {
        self.applied += u64::try_from(entries).unwrap_or(u64::MAX);
        let over = if self.sliced {
            // A slice that cannot be filled says that nothing more waits.
            let done = load.in_flight == 0 || now >= self.began + LONGEST;
            done && (self.taken >= SLICE || load.behind == Behind::No)
        } else {
            self.applied >= SLICE
        };
        if !over {
            return;
        }
        let worked = now.saturating_duration_since(self.began);
        let passed = now.saturating_duration_since(self.decided);
        let came = load.came.saturating_sub(self.came);
        // More comes in a second than is applied in one of work.
        let more = u128::from(came) * worked.as_nanos() > u128::from(self.applied) * passed.as_nanos();
        self.sliced = load.behind == Behind::Yes && more;
        if self.sliced {
            self.resting = Some(now + (worked * REST).min(LONGEST));
        }
        self.came = load.came;
        self.taken = 0;
        self.applied = 0;
        self.began = now;
        self.decided = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn load(came: u64, behind: Behind) -> Load {
        Load {
            came,
            behind,
            in_flight: 0,
        }
    }

    /// Takes a slice that is done after ten milliseconds.
    fn slice(turns: &mut IntakePriority, now: &mut Instant, load: Load) {
        for _ in 0..SLICE {
            assert_eq!(turns.turn(*now), Turn::Go);
            turns.took();
        }
        *now += 10 * MS;
        turns.applied(SLICE.try_into().unwrap(), load, *now);
    }

    #[test]
    fn who_keeps_up_never_rests() {
        let mut now = Instant::now();
        let mut turns = IntakePriority::new(now);
        for n in 1..100 {
            slice(&mut turns, &mut now, load(n * 10_000, Behind::No));
        }
        assert_eq!(turns.turn(now), Turn::Go);
    }

    #[test]
    fn who_is_behind_while_more_comes_works_a_quarter_of_the_time() {
        let mut now = Instant::now();
        let mut turns = IntakePriority::new(now);
        for n in 1..10 {
            slice(&mut turns, &mut now, load(n * 2_000, Behind::Yes));
            assert_eq!(turns.turn(now), Turn::At(now + 30 * MS));
            now += 30 * MS;
        }
        // Only one slice at a time is in flight.
        for _ in 0..SLICE {
            assert_eq!(turns.turn(now), Turn::Go);
            turns.took();
        }
        let began = now;
        assert_eq!(turns.turn(now), Turn::AfterThose(began + LONGEST));
        let some = Load {
            in_flight: 156,
            ..load(99_999, Behind::Yes)
        };
        turns.applied(100, some, now);
        assert_eq!(turns.turn(now), Turn::AfterThose(began + LONGEST));
        now += 90 * MS;
        turns.applied(156, load(99_999, Behind::Yes), now);
        assert_eq!(turns.turn(now), Turn::At(now + LONGEST));
    }

    #[test]
    fn the_slowest_of_a_slice_does_not_hold_up_the_others() {
        let mut now = Instant::now();
        let mut turns = IntakePriority::new(now);
        slice(&mut turns, &mut now, load(1_000, Behind::Yes));
        now += 30 * MS;
        for _ in 0..SLICE {
            assert_eq!(turns.turn(now), Turn::Go);
            turns.took();
        }
        let stuck = Load {
            in_flight: 1,
            ..load(9_000, Behind::Yes)
        };
        turns.applied(255, stuck, now + 10 * MS);
        assert_eq!(turns.turn(now + 10 * MS), Turn::AfterThose(now + LONGEST));
        turns.applied(0, stuck, now + LONGEST);
        now += 2 * LONGEST;
        assert_eq!(turns.turn(now), Turn::Go);
    }

    #[test]
    fn who_is_behind_and_would_catch_up_does_so_at_full_speed() {
        let mut now = Instant::now();
        let mut turns = IntakePriority::new(now);
        slice(&mut turns, &mut now, load(1_000, Behind::Yes));
        now += 30 * MS;
        // A slice takes ten milliseconds, and in forty of them a little less came than could be applied.
        slice(&mut turns, &mut now, load(1_000 + 4 * SLICE - 1, Behind::Yes));
        assert_eq!(turns.turn(now), Turn::Go);
        for _ in 0..10 * SLICE {
            assert_eq!(turns.turn(now), Turn::Go);
            turns.took();
        }
    }

    #[test]
    fn a_flood_that_ends_in_the_middle_of_a_slice_holds_nothing_up() {
        let mut now = Instant::now();
        let mut turns = IntakePriority::new(now);
        slice(&mut turns, &mut now, load(1_000, Behind::Yes));
        now += 30 * MS;
        for _ in 0..10 {
            assert_eq!(turns.turn(now), Turn::Go);
            turns.took();
        }
        turns.applied(10, load(1_010, Behind::No), now);
        for _ in 0..2 * SLICE {
            assert_eq!(turns.turn(now), Turn::Go);
            turns.took();
        }
    }
}
