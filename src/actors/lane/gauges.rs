//! A lane's part of the process-wide gauges. Gauges sum over all lanes, so each lane reports only how its own part changed,
//! and takes it back when it ends.

use std::time::Duration;

use ::metrics::Gauge;

use super::waiting::{PRIORITIES, PerPriority};
use crate::domain::Priority;
use crate::telemetry::labels::{ActorKind, PauseReason as Label};
use crate::telemetry::metrics;
use crate::whatsapp::PauseReason;

/// What a lane reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Levels {
    /// Messages that wait, by priority.
    pub(super) waiting: PerPriority<usize>,
    /// Calls under way.
    pub(super) in_flight: usize,
    /// Unknown outcomes that are watched.
    pub(super) unknown: usize,
    /// Messages that Meta took and holds back.
    pub(super) held: usize,
    /// Why the lane, or its bulk, stands still.
    pub(super) paused: Option<PauseReason>,
}

/// The levels that were reported last.
#[derive(Debug)]
pub(super) struct Gauges {
    reported: Levels,
    waiting: PerPriority<Gauge>,
    in_flight: Gauge,
    unknown: Gauge,
    held: Gauge,
}

impl Gauges {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        metrics::actors_running(ActorKind::Lane).increment(1.0);
        Self {
            reported: Levels::default(),
            waiting: PerPriority::each(metrics::lane_queue_depth),
            in_flight: metrics::attempts_in_flight(),
            unknown: metrics::unknown_open(),
            held: metrics::held_open(),
        }
    }

    /// Reports how the levels changed.
    pub(super) fn report(&mut self, levels: Levels) {
        let before = std::mem::replace(&mut self.reported, levels);
        for priority in PRIORITIES {
            step(
                self.waiting.of(priority),
                *before.waiting.of(priority),
                *levels.waiting.of(priority),
            );
        }
        step(&self.in_flight, before.in_flight, levels.in_flight);
        step(&self.unknown, before.unknown, levels.unknown);
        step(&self.held, before.held, levels.held);
        if before.paused != levels.paused {
            if let Some(reason) = before.paused {
                metrics::lane_paused(label(reason)).decrement(1.0);
            }
            if let Some(reason) = levels.paused {
                metrics::lane_paused(label(reason)).increment(1.0);
            }
        }
    }
}

impl Drop for Gauges {
    fn drop(&mut self) {
        self.report(Levels::default());
        metrics::actors_running(ActorKind::Lane).decrement(1.0);
    }
}

fn step(gauge: &Gauge, before: usize, now: usize) {
    let size = |count: usize| metrics::number(u64::try_from(count).unwrap_or(u64::MAX));
    if now > before {
        gauge.increment(size(now - before));
    } else if before > now {
        gauge.decrement(size(before - now));
    }
}

const fn label(reason: PauseReason) -> Label {
    match reason {
        PauseReason::AccessToken | PauseReason::Permission => Label::Token,
        PauseReason::SpamLimit | PauseReason::Misclassification => Label::Throttled,
        PauseReason::AccountBlocked
        | PauseReason::Payment
        | PauseReason::NumberNotReady
        | PauseReason::DisplayName
        | PauseReason::Terms => Label::Locked,
    }
}

/// Counts how long a message waited before its claim.
pub(super) fn waited(priority: Priority, wait: Duration) {
    metrics::lane_wait_seconds(priority).record(wait);
}
