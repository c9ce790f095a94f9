//! A wall clock that does not follow every jump of the machine's.
//!
//! Between two readings, wall clock and monotonic clock move alike unless somebody set the former. What is within
//! [`TOLERANCE`] is followed at once. A larger jump is not: time goes on by the monotonic clock until the wall clock is back,
//! or a witness agrees with it, or it has stayed where it is for as long as it jumped with no witness against it. A start is a
//! jump from the latest time that the store saw.
//!
//! Witnesses are Meta's: a signed webhook says from when on it is at least, an answer of the Graph API what time it is. The
//! latter decides between two clocks that disagree, and over both when they are ahead of it; what it says never leads ahead
//! of the machine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Clock, Timestamp};

/// What the wall clock may differ by and be followed at once.
const TOLERANCE: i64 = 300_000;
/// The store is told the time at least this often: no id of a former process is later.
const TOLD: i64 = 10_000;

/// A jump that is not believed.
#[derive(Debug, Clone, Copy)]
struct Jump {
    /// How far the wall clock is ahead, in milliseconds.
    ahead: i64,
    /// When it was seen, or a witness was last against it, on the monotonic clock in milliseconds.
    since: i64,
}

#[derive(Debug)]
struct State {
    /// What is shown when the monotonic clock stands at zero.
    offset: i64,
    jump: Option<Jump>,
    /// What the Graph API's clock showed when the monotonic clock stood at zero.
    witness: Option<i64>,
    /// The latest time that an id may carry already.
    latest_id: i64,
}

/// See the module.
pub struct SteadyClock {
    source: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl SteadyClock {
    /// Begins by believing the wall clock of `source`.
    pub fn over(source: Arc<dyn Clock>) -> Self {
        let offset = source.now().as_millis() - millis(source.monotonic());
        let state = State {
            offset,
            jump: None,
            witness: None,
            latest_id: i64::MIN,
        };
        Self {
            source,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, as of now.
    fn read(&self, state: &mut State) -> i64 {
        let (wall, mono) = (self.source.now().as_millis(), millis(self.source.monotonic()));
        let steady = state.offset.saturating_add(mono);
        let ahead = wall.saturating_sub(steady);
        let same = |jump: &Jump| is_near(jump.ahead - ahead);
        let jump = match state.jump.filter(same) {
            _ if is_near(ahead) => None,
            Some(jump) => Some(jump),
            None => Some(Jump { ahead, since: mono }),
        };
        state.jump = jump.filter(|jump| mono - jump.since < ahead.abs());
        if state.jump.is_some() {
            return steady;
        }
        state.offset = wall.saturating_sub(mono);
        wall
    }
}

fn is_near(ahead: i64) -> bool {
    ahead.abs() <= TOLERANCE
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.read(&mut self.state()))
    }

    fn monotonic(&self) -> Duration {
        self.source.monotonic()
    }

    fn for_ids(&self) -> Timestamp {
        let mut state = self.state();
        state.latest_id = self.read(&mut state).max(state.latest_id);
        Timestamp(state.latest_id)
    }

    fn doubt(&self) -> Option<i64> {
        let mut state = self.state();
        self.read(&mut state);
        let (wall, mono) = (self.source.now().as_millis(), millis(self.source.monotonic()));
        let against = state
            .witness
            .map(|zero| wall.saturating_sub(zero.saturating_add(mono)));
        let ahead = state.jump.map(|jump| jump.ahead);
        ahead
            .or(against.filter(|ahead| !is_near(*ahead)))
            .map(|ahead| ahead / 1_000)
    }

    fn of_machine(&self) -> Timestamp {
        self.source.now()
    }

    fn resume(&self, seen: Timestamp) {
        let mut state = self.state();
        let now = self.read(&mut state);
        let is_jump = !is_near(now - seen.0);
        // Time goes on from what was seen, and the former process may have given ids since.
        if is_jump || now < seen.0 {
            state.latest_id = state.latest_id.max(seen.0.saturating_add(TOLD));
        }
        if is_jump {
            state.offset = seen.0.saturating_sub(millis(self.source.monotonic()));
            self.read(&mut state);
        }
    }

    fn vouched(&self, at: Timestamp) {
        let mut state = self.state();
        if state.jump.is_none() {
            return;
        }
        let steady = self.read(&mut state);
        let wall = self.source.now().as_millis();
        if at.0 > steady && at.0 <= wall.saturating_add(TOLERANCE) {
            state.offset = at.0.saturating_sub(millis(self.source.monotonic()));
            self.read(&mut state);
        }
    }

    fn witnessed(&self, at: Timestamp) {
        let mut state = self.state();
        let steady = self.read(&mut state);
        let (wall, mono) = (self.source.now().as_millis(), millis(self.source.monotonic()));
        let at = at.0;
        state.witness = Some(at.saturating_sub(mono));
        if is_near(at.saturating_sub(wall)) {
            state.jump = None;
            state.offset = wall.saturating_sub(mono);
            return;
        }
        if !is_near(at.saturating_sub(steady)) && at < wall.max(steady) {
            state.offset = at.saturating_sub(mono);
            state.jump = None;
            self.read(&mut state);
        }
        if let Some(jump) = &mut state.jump {
            jump.since = mono;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TestClock;

    const START: Timestamp = Timestamp::from_secs(1_790_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    fn clocks() -> (TestClock, SteadyClock) {
        let source = TestClock::at(START);
        (source.clone(), SteadyClock::over(Arc::new(source)))
    }

    #[test]
    fn a_jump_is_not_followed_and_is_forgotten_when_the_clock_is_back() {
        for jumped in [
            START.before(10 * MINUTE),
            START.after(HOUR),
            START.before(DAY),
            START.after(366 * DAY),
        ] {
            let (source, clock) = clocks();
            source.jump_wall_to(jumped);
            assert_eq!(clock.now(), START);
            assert!(clock.doubt().is_some());
            source.advance(MINUTE);
            assert_eq!(clock.now(), START.after(MINUTE));
            source.jump_wall_to(START.after(MINUTE));
            assert_eq!((clock.now(), clock.doubt()), (START.after(MINUTE), None));
        }
    }

    #[test]
    fn a_jump_that_lasts_as_long_as_it_went_is_followed_at_last() {
        let (source, clock) = clocks();
        source.jump_wall_to(START.before(10 * MINUTE));
        assert_eq!(clock.doubt(), Some(-600));
        source.advance(9 * MINUTE);
        assert_eq!(
            (clock.now(), clock.doubt()),
            (START.after(9 * MINUTE), Some(-600))
        );
        source.advance(MINUTE);
        assert_eq!((clock.now(), clock.doubt()), (START, None));

        let (source, clock) = clocks();
        source.jump_wall_to(START.after(366 * DAY));
        assert!(clock.doubt().is_some());
        source.advance(366 * DAY - MINUTE);
        assert!(clock.doubt().is_some());
        source.advance(MINUTE);
        assert_eq!((clock.now(), clock.doubt()), (START.after(2 * 366 * DAY), None));
    }

    #[test]
    fn a_clock_that_a_witness_is_against_is_never_believed_and_one_that_it_agrees_with_is_at_once() {
        let (source, clock) = clocks();
        source.jump_wall_to(START.after(HOUR));
        for _ in 0..8 {
            source.advance(HOUR / 2);
            clock.witnessed(Timestamp(clock.now().as_millis() + 4_000));
            assert_eq!(clock.doubt(), Some(3_600));
        }
        assert_eq!(clock.now(), START.after(4 * HOUR));
        for jumped in [START.after(366 * DAY), START.before(DAY)] {
            let (source, clock) = clocks();
            let first = clock.for_ids();
            source.jump_wall_to(jumped);
            assert!(clock.doubt().is_some());
            clock.witnessed(jumped.before(MINUTE));
            assert_eq!((clock.now(), clock.doubt()), (jumped, None));
            assert!(clock.for_ids() >= first, "ids never go back");
        }
    }

    #[test]
    fn a_first_start_with_a_wrong_clock_is_doubted_once_a_witness_says_so() {
        // Nothing is known of before: there is no store that saw another time.
        let source = TestClock::at(START.after(366 * DAY));
        let clock = SteadyClock::over(Arc::new(source.clone()));
        assert_eq!(clock.doubt(), None);
        let first = clock.for_ids();
        clock.witnessed(START);
        assert_eq!((clock.now(), clock.doubt()), (START, Some(366 * 86_400)));
        assert_eq!(clock.for_ids(), first);
        source.jump_wall_to(START.after(MINUTE));
        assert_eq!((clock.now(), clock.doubt()), (START.after(MINUTE), None));

        let source = TestClock::at(START.before(DAY));
        let clock = SteadyClock::over(Arc::new(source));
        clock.witnessed(START);
        assert_eq!(
            clock.now(),
            START.before(DAY),
            "it never leads ahead of the machine"
        );
        assert_eq!(clock.doubt(), Some(-86_400));
    }

    #[test]
    fn a_start_long_after_the_end_is_over_with_the_first_answer_of_the_graph_api() {
        let clock = SteadyClock::over(Arc::new(TestClock::at(START.after(30 * DAY))));
        clock.resume(START);
        assert_eq!((clock.now(), clock.doubt()), (START, Some(30 * 86_400)));
        clock.witnessed(START.after(30 * DAY));
        assert_eq!((clock.now(), clock.doubt()), (START.after(30 * DAY), None));
    }

    #[test]
    fn a_second_jump_is_doubted_from_its_own_beginning() {
        let (source, clock) = clocks();
        source.jump_wall_to(START.after(HOUR));
        assert_eq!(clock.doubt(), Some(3_600));
        source.advance(50 * MINUTE);
        source.jump_wall_to(START.after(2 * HOUR));
        assert!(clock.doubt().is_some());
        source.advance(MINUTE * 20);
        assert!(clock.doubt().is_some());
    }

    #[test]
    fn small_steps_are_followed_and_ids_never_go_back() {
        let (source, clock) = clocks();
        let first = clock.for_ids();
        source.jump_wall_to(START.before(MINUTE));
        assert_eq!(clock.now(), START.before(MINUTE));
        assert_eq!((clock.for_ids(), clock.doubt()), (first, None));
    }

    #[test]
    fn a_start_goes_on_from_what_the_store_saw() {
        let seen = START;
        for (wall, now, ids, doubted) in [
            (seen.after(MINUTE), seen.after(MINUTE), seen.after(MINUTE), false),
            (
                seen.after(366 * DAY),
                seen,
                seen.after(Duration::from_secs(10)),
                true,
            ),
            (seen.before(DAY), seen, seen.after(Duration::from_secs(10)), true),
            (
                seen.before(MINUTE),
                seen.before(MINUTE),
                seen.after(Duration::from_secs(10)),
                false,
            ),
        ] {
            let clock = SteadyClock::over(Arc::new(TestClock::at(wall)));
            clock.resume(seen);
            assert_eq!(clock.now(), now);
            assert_eq!(clock.for_ids(), ids);
            assert_eq!(clock.doubt().is_some(), doubted);
        }
    }

    #[test]
    fn metas_word_proves_a_clock_right_but_never_moves_it_beyond_the_machines() {
        let start = || {
            let source = TestClock::at(START.after(DAY));
            let clock = SteadyClock::over(Arc::new(source));
            clock.resume(START);
            clock
        };
        let clock = start();
        clock.vouched(START.after(DAY).before(MINUTE));
        assert_eq!((clock.now(), clock.doubt()), (START.after(DAY), None));
        let clock = start();
        clock.vouched(START.after(HOUR));
        assert_eq!(clock.now(), START.after(HOUR), "it is at least as late");
        assert!(clock.doubt().is_some());
        clock.vouched(START.after(2 * DAY));
        assert_eq!(
            clock.now(),
            START.after(HOUR),
            "nobody's word counts against the clock"
        );
        clock.vouched(START);
        assert_eq!(clock.now(), START.after(HOUR));
    }
}
