//! Why a message waits and when it should go.

use std::time::Duration;

use super::Lane;
use super::circuit_breaker::Allowance;
use super::claims::Gate;
use super::queue::Standing;
use super::waiting::{Later, Moment, Waiting};
use crate::actors::request::{DelayEstimate, DelayReason};
use crate::domain::{MessageId, MetaError, Priority, Timestamp};
use crate::store::OutboxRow;

/// What keeps all messages of a priority from going.
#[derive(Debug)]
struct Stop {
    reason: DelayReason,
    /// When one message is tried, if that is known.
    until: Option<Duration>,
    ends: Ends,
    error: Option<MetaError>,
}

/// Whether a stop is over at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// As far as anybody can tell.
    ThenByItself,
    /// When a person acts.
    WhenSomebodyActs,
}

impl Stop {
    /// Nothing goes until somebody acts at Meta's side.
    fn pause(until: Option<Duration>, error: Option<MetaError>) -> Self {
        Self {
            reason: DelayReason::LanePaused,
            until,
            ends: Ends::WhenSomebodyActs,
            error,
        }
    }

    fn delay_estimate(self, expected: Option<Timestamp>, now: Moment) -> DelayEstimate {
        DelayEstimate {
            reason: self.reason,
            expected: expected.filter(|_| self.ends == Ends::ThenByItself),
            until: self.until.map(|at| now.wall_after(at.saturating_sub(now.mono))),
            error: self.error,
        }
    }
}

impl Lane {
    /// Why a message in memory waits; `None` when it does not wait here.
    pub(super) fn delay_estimate(&self, message: MessageId, now: Moment) -> Option<DelayEstimate> {
        if let Some(found) = self.in_flight.get(message) {
            let ahead = self.in_flight.unstarted(Priority::Interactive);
            let expected = now.wall_after(self.time_for(ahead, now));
            let waits = DelayEstimate::waits(DelayReason::NumberLimit, Some(expected));
            return found.began.is_none().then_some(waits);
        }
        let (in_queue, priority, contact, ahead) = match self.queue.standing(message, now)? {
            Standing::Scheduled { due, attempt } => {
                return Some(DelayEstimate::waits(reason_to_be_scheduled(attempt), Some(due)));
            }
            Standing::InCustomerQueue {
                in_queue,
                priority,
                contact,
                ahead,
            } => (in_queue, priority, contact, ahead),
        };
        let stop = self.stop(priority, now);
        let held_until = in_queue.hold.map_or(now.mono, |hold| hold.until);
        let free_at = stop
            .as_ref()
            .and_then(|stop| stop.until)
            .unwrap_or(now.mono)
            .max(held_until);
        let before = u32::try_from(in_queue.ahead).unwrap_or(u32::MAX);
        let by_pair = self.pair_limit.when(contact, before, free_at);
        let at = by_pair.max(free_at + self.time_for(ahead + 1, now));
        let expected = Some(now.wall_after(at.saturating_sub(now.mono)));
        let reason = match in_queue.hold {
            Some(hold) => hold.reason,
            None if ahead == 0 && self.in_flight.len() < self.places() => DelayReason::NumberLimit,
            None => DelayReason::Queued,
        };
        Some(match stop {
            Some(stop) => stop.delay_estimate(expected, now),
            None => DelayEstimate::waits(reason, expected),
        })
    }

    /// Why a message that is in the outbox alone waits.
    pub(super) fn estimate_beyond(&self, row: &OutboxRow, now: Moment) -> DelayEstimate {
        let due = match Waiting::from(row).later(now) {
            Some(Later::Due(due)) => Some(due),
            Some(Later::Retry(until)) => Some(now.wall_after(until.saturating_sub(now.mono))),
            None => None,
        };
        if due.is_some() {
            return DelayEstimate::waits(reason_to_be_scheduled(row.attempt), due);
        }
        match self.stop(row.priority, now) {
            Some(stop) => stop.delay_estimate(None, now),
            None => DelayEstimate::waits(DelayReason::Queued, None),
        }
    }

    /// What stops all messages of a priority.
    fn stop(&self, priority: Priority, now: Moment) -> Option<Stop> {
        let bulk = self.bulk_paused.as_ref().filter(|_| priority == Priority::Bulk);
        if let Some(pause) = self.paused.as_ref().or(bulk) {
            // Without a token nothing is tried either.
            let until = pause.may_probe(now.mono).err().filter(|_| self.token.is_some());
            return Some(Stop::pause(until, pause.cause.error.clone()));
        }
        if self.draining.is_none() && self.token.is_none() {
            return Some(Stop::pause(None, None));
        }
        let by_itself = |reason, until| Stop {
            reason,
            until: Some(until),
            ends: Ends::ThenByItself,
            error: None,
        };
        let silent = self.silent_until(now);
        silent
            .map(|until| by_itself(DelayReason::Throttled, until))
            .or_else(|| {
                let refused = self.claiming.refused_until(now);
                refused.map(|until| by_itself(DelayReason::StoreUnavailable, until))
            })
    }

    /// Until when the lane makes no call at all, because Meta asked for silence or does not answer.
    pub(super) fn silent_until(&self, now: Moment) -> Option<Duration> {
        match self.circuit_breaker.allowance(now.mono) {
            Allowance::NoneUntil(until) => Some(until),
            Allowance::Free | Allowance::One => None,
        }
    }

    /// How long so many messages take at the present pace.
    fn time_for(&self, messages: usize, now: Moment) -> Duration {
        let pace = (f64::from(self.row.rate.per_second()) * self.number_limit.share(now.mono)).max(0.1);
        let messages = f64::from(u32::try_from(messages).unwrap_or(u32::MAX));
        Duration::try_from_secs_f64(messages / pace).unwrap_or(Duration::MAX)
    }

    /// When a gate that is shut may open by itself; `None` when it is open, or shut for good.
    pub(super) fn gate_opens(&self, priority: Priority, now: Moment) -> Option<Duration> {
        match self.gate(priority, now) {
            Gate::ShutUntil(until) => Some(until),
            Gate::Open | Gate::Trial | Gate::Shut => None,
        }
    }
}

const fn reason_to_be_scheduled(attempt: u8) -> DelayReason {
    if attempt == 0 {
        DelayReason::Scheduled
    } else {
        DelayReason::Throttled
    }
}

/// When a wall-clock time comes, no later than the longest trust in that clock: somebody may set it.
pub(super) fn wall_wake(at: Timestamp, now: Moment) -> Duration {
    const LONGEST_TRUST: Duration = Duration::from_secs(5);
    now.mono_at(at).min(now.mono + LONGEST_TRUST)
}
