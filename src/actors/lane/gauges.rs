//! How a lane stands, and its part of the process-wide gauges. Gauges sum over all lanes, so each lane reports only how its own
//! part changed, and takes it back when it ends.

use std::time::Duration;

use ::metrics::Gauge;

use super::Lane;
use super::waiting::{PRIORITIES, PerPriority};
use crate::domain::Priority;
use crate::telemetry::labels::{ActorKind, PauseReason as Label};
use crate::telemetry::metrics;
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
    /// Messages whose broadcast is halted.
    pub parked: usize,
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

impl Lane {
    /// How the lane stands.
    pub(super) fn snapshot(&self) -> LaneSnapshot {
        let now = self.now();
        let unstarted: usize = PRIORITIES
            .iter()
            .map(|priority| self.in_flight.unstarted(*priority))
            .sum();
        LaneSnapshot {
            interactive: self.queue.in_customer_queues(Priority::Interactive),
            bulk: self.queue.in_customer_queues(Priority::Bulk),
            scheduled: self.queue.scheduled(),
            beyond: self.overflow.count(),
            parked: self.parked.len(),
            claimed: unstarted,
            in_flight: self.in_flight.len().saturating_sub(unstarted),
            inbound: self.number_limit.inbound(),
            unknown: self.watch.len().saturating_sub(self.watch.held()),
            held: self.watch.held(),
            loaded: self.scan.is_loaded(),
            paused: self.paused.as_ref().map(|pause| pause.cause.reason),
            bulk_paused: self.bulk_paused.as_ref().map(|pause| pause.cause.reason),
            share: self.number_limit.share(now.mono),
            is_tripped: self.circuit_breaker.is_on().is_some(),
        }
    }

    /// Reports depths and states to the process's gauges, and the backlog to the handles.
    pub(super) fn report_levels(&mut self) {
        let snapshot = self.snapshot();
        let mut waiting = PerPriority::default();
        *waiting.of_mut(Priority::Interactive) = snapshot.interactive;
        *waiting.of_mut(Priority::Bulk) = snapshot.bulk;
        self.gauges.report(Levels {
            waiting,
            in_flight: snapshot.in_flight,
            unknown: snapshot.unknown,
            held: snapshot.held,
            paused: snapshot.paused.or(snapshot.bulk_paused),
        });
        self.shared.set_backlog(
            self.queue.len() + self.in_flight.len() + self.claiming.len() + self.overflow.count(),
        );
    }
}

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
