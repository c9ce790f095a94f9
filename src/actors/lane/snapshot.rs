//! How a lane stands, for people and tests.

use crate::whatsapp::PauseReason;

/// How a lane stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneSnapshot {
    /// Interactive messages that wait in memory and are due.
    pub interactive: usize,
    /// Bulk messages that wait in memory and are due.
    pub bulk: usize,
    /// Messages in memory whose time has not come.
    pub scheduled: usize,
    /// Messages that wait in the outbox alone, as far as is known.
    pub beyond: usize,
    /// Messages that are claimed and whose call has not begun.
    pub claimed: usize,
    /// Calls under way, or ended and not committed yet.
    pub in_flight: usize,
    /// Customers' messages that count to the number's second beside its own.
    pub inbound: usize,
    /// Unknown outcomes that are watched.
    pub unknown: usize,
    /// Messages that Meta took and holds back.
    pub held: usize,
    /// Whether the outbox was read after the start. Nothing is claimed before.
    pub loaded: bool,
    /// Why the lane stands still.
    pub paused: Option<PauseReason>,
    /// Why its bulk stands still.
    pub bulk_paused: Option<PauseReason>,
    /// The part of the number's rate that is in force, 0 to 1.
    pub share: f64,
    /// Whether only single trial calls are made, because Meta did not answer.
    pub is_tripped: bool,
}
