//! Why a message waits and when it should go, and how the lane stands as a whole.

use std::time::Duration;

use super::Lane;
use super::brake::Allowance;
use super::claims::Gate;
use super::gauges::Levels;
use super::queue::Standing;
use super::snapshot::LaneSnapshot;
use super::waiting::{Moment, PRIORITIES, PerPriority};
use crate::actors::request::{DelayReason, Outlook};
use crate::domain::{MessageId, Priority, Timestamp};
use crate::store::OutboxRow;

impl Lane {
    /// Why a message in memory waits; `None` when it does not wait here.
    pub(super) fn outlook(&self, message: MessageId, now: Moment) -> Option<Outlook> {
        if let Some(hand) = self.hands.get(message) {
            return hand.began.is_none().then(|| Outlook {
                reason: DelayReason::NumberLimit,
                expected: Some(
                    now.wall_after(self.time_for(self.hands.unstarted(Priority::Interactive), now)),
                ),
            });
        }
        let outlook = match self.queue.standing(message, now)? {
            Standing::Scheduled { due, attempt } => Outlook {
                reason: reason_to_be_scheduled(attempt),
                expected: Some(due),
            },
            Standing::InLine {
                line,
                priority,
                ahead,
            } => {
                let (reason, free_at) = match (self.stop(priority, now), line.hold) {
                    (Some(stop), _) => stop,
                    (None, Some(hold)) => (hold.reason, Some(hold.until)),
                    (None, None) if ahead == 0 && self.hands.len() < self.places() => {
                        (DelayReason::NumberLimit, Some(now.mono))
                    }
                    (None, None) => (DelayReason::Queued, Some(now.mono)),
                };
                let in_line = self
                    .limits
                    .pair
                    .every
                    .saturating_mul(u32::try_from(line.ahead).unwrap_or(u32::MAX));
                let expected = free_at.map(|at| {
                    let wait = at.saturating_sub(now.mono);
                    now.wall_after(wait + in_line.max(self.time_for(ahead + 1, now)))
                });
                Outlook { reason, expected }
            }
        };
        Some(outlook)
    }

    /// Why a message that is in the outbox alone waits.
    pub(super) fn outlook_beyond(&self, row: &OutboxRow, now: Moment) -> Outlook {
        if row.due > now.wall {
            return Outlook {
                reason: reason_to_be_scheduled(row.attempt),
                expected: Some(row.due),
            };
        }
        let stop = self.stop(row.priority, now);
        Outlook {
            reason: stop.map_or(DelayReason::Queued, |(reason, _)| reason),
            expected: None,
        }
    }

    /// What stops all messages of a priority, and until when, if that is known.
    fn stop(&self, priority: Priority, now: Moment) -> Option<(DelayReason, Option<Duration>)> {
        let bulk_stands = self.bulk_paused.is_some() && priority == Priority::Bulk;
        if self.paused.is_some() || bulk_stands {
            return Some((DelayReason::LanePaused, None));
        }
        if self.draining.is_none() && self.token.is_none() {
            return Some((DelayReason::LanePaused, None));
        }
        match self.brake.allowance(now.mono) {
            Allowance::NoneUntil(until) => Some((DelayReason::Throttled, Some(until))),
            Allowance::Free | Allowance::One => None,
        }
    }

    /// How long so many messages take at the present pace.
    fn time_for(&self, messages: usize, now: Moment) -> Duration {
        let pace = (f64::from(self.row.rate.per_second()) * self.number_limit.share(now.mono)).max(0.1);
        let messages = f64::from(u32::try_from(messages).unwrap_or(u32::MAX));
        Duration::try_from_secs_f64(messages / pace).unwrap_or(Duration::MAX)
    }

    /// How the lane stands.
    pub(super) fn snapshot(&self) -> LaneSnapshot {
        let now = self.now();
        let unstarted: usize = PRIORITIES
            .iter()
            .map(|priority| self.hands.unstarted(*priority))
            .sum();
        LaneSnapshot {
            interactive: self.queue.in_lines(Priority::Interactive),
            bulk: self.queue.in_lines(Priority::Bulk),
            scheduled: self.queue.scheduled(),
            beyond: self.overflow.count(),
            claimed: unstarted,
            in_flight: self.hands.len().saturating_sub(unstarted),
            inbound: self.number_limit.inbound(),
            unknown: self.watch.len(),
            loaded: self.scan.is_loaded(),
            paused: self.paused.map(|pause| pause.reason),
            bulk_paused: self.bulk_paused.map(|pause| pause.reason),
            share: self.number_limit.share(now.mono),
            braking: self.brake.is_on().is_some(),
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
            paused: snapshot.paused.or(snapshot.bulk_paused),
        });
        self.shared
            .set_backlog(self.queue.len() + self.hands.len() + self.claiming.len() + self.overflow.count());
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
