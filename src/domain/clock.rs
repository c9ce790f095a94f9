//! Time as a parameter. Only [`SystemClock`] reads the machine's clocks; [`SteadyClock`] says how far these are believed.

mod steady;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

pub use steady::SteadyClock;

/// Wall-clock time in milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Says what is wanted where it is something else: callers write times in many ways.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i64(Millis)
    }
}

struct Millis;

impl Visitor<'_> for Millis {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time in milliseconds since 1970, as a whole number")
    }

    fn visit_i64<E: Error>(self, ms: i64) -> Result<Timestamp, E> {
        Ok(Timestamp(ms))
    }

    fn visit_u64<E: Error>(self, ms: u64) -> Result<Timestamp, E> {
        let whole = i64::try_from(ms);
        whole
            .map(Timestamp)
            .map_err(|_too_large| E::invalid_value(Unexpected::Unsigned(ms), &self))
    }
}

impl Timestamp {
    /// Wraps milliseconds since 1970.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Wraps seconds since 1970, as Meta writes times.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This time and a while later.
    pub fn after(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This time and a while earlier.
    pub fn before(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// No machine is right that shows an earlier time: Rust 1.95, of which releases are built, came out on this day.
pub const EARLIEST: Timestamp = Timestamp::from_secs(1_776_297_600);

/// Where the process gets its time from.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time: for what people and Meta see. May jump.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary start that never goes back: for limits, leases and time-outs.
    fn monotonic(&self) -> Duration;

    /// Wall-clock time that never goes back, over restarts neither: for ids.
    fn for_ids(&self) -> Timestamp {
        self.now()
    }

    /// Seconds by which the machine's wall clock is ahead of [`Clock::now`] while it is not believed; behind it when
    /// negative. Meanwhile nothing may be removed because its time is over.
    fn doubt(&self) -> Option<i64> {
        None
    }

    /// What the machine's wall clock shows, whether or not it is believed: for what both times may open, each thing once.
    fn of_machine(&self) -> Timestamp {
        self.now()
    }

    /// Goes on from the latest time that the store saw.
    fn resume(&self, _seen: Timestamp) {}

    /// Meta says, signed, that it is at least as late.
    fn vouched(&self, _at: Timestamp) {}

    /// The Graph API says that it is this time now.
    fn witnessed(&self, _at: Timestamp) {}
}

/// The machine's own clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock now.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves only when told; clones share it.
#[derive(Debug, Clone)]
pub struct TestClock {
    wall: Arc<AtomicI64>,
    monotonic_us: Arc<AtomicI64>,
}

impl TestClock {
    /// Stands still at the given wall-clock time.
    pub fn at(now: Timestamp) -> Self {
        Self {
            wall: Arc::new(AtomicI64::new(now.0)),
            monotonic_us: Arc::new(AtomicI64::new(0)),
        }
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        self.wall.fetch_add(
            i64::try_from(by.as_millis()).unwrap_or(i64::MAX),
            Ordering::SeqCst,
        );
        self.monotonic_us.fetch_add(
            i64::try_from(by.as_micros()).unwrap_or(i64::MAX),
            Ordering::SeqCst,
        );
    }

    /// Sets the wall clock alone, as a time server's step would.
    pub fn jump_wall_to(&self, now: Timestamp) {
        self.wall.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.monotonic_us.load(Ordering::SeqCst)).unwrap_or(0))
    }
}
