//! What comes back from calls: first what it means for the lane, then, once committed, what becomes of the message.

use std::time::Duration;

use actix::{ActorContext as _, Context};

use super::Lane;
use super::call::Progress;
use super::circuit_breaker::Allowance;
use super::in_flight::InFlightMessage;
use super::pause::{Heard, Pause, PauseCause, Stands};
use super::response_policy::Effect;
use super::retry::Lost;
use super::unknown::Doubt;
use super::waiting::{Hold, Moment};
use crate::actors::request::DelayReason;
use crate::domain::{MessageId, MetaError, Priority, Timestamp};
use crate::store::op::AttemptResult;
use crate::store::{OpOutcome, OutboxRow, OutboxState};
use crate::whatsapp::PauseReason;

impl Lane {
    /// Takes in what a call's task tells.
    pub(super) fn progressed(&mut self, progress: Progress, ctx: &mut Context<Self>) {
        match progress {
            Progress::Answered {
                message,
                effect,
                began,
                took,
            } => {
                // A connection that was refused at once says nothing about how quick answers are.
                if !matches!(effect, Effect::Troubled(_)) {
                    self.number_limit.note_answer(began, took, self.now().mono);
                }
                self.take_effect(message, effect, began);
            }
            Progress::Ended {
                message,
                result,
                outcome,
            } => self.end_call(message, &result, outcome, ctx),
            Progress::Died { message } => self.mourn(message, ctx),
        }
    }

    fn take_effect(&mut self, message: MessageId, effect: Effect, began: Duration) {
        let now = self.now();
        let Some(found) = self.in_flight.get_mut(message) else {
            return;
        };
        let priority = found.item.waiting.priority;
        let contact = found.item.waiting.contact;
        if matches!(effect, Effect::TooFastForPair) {
            found.delay = DelayReason::PairLimit;
        }
        if let Effect::Troubled(trouble) = effect {
            self.circuit_breaker.troubled(trouble, began, now.mono);
            if matches!(self.circuit_breaker.allowance(now.mono), Allowance::NoneUntil(_)) {
                self.return_all_unstarted();
            }
            return;
        }
        self.circuit_breaker.answered(began);
        match effect {
            Effect::Answered => self.note_working(message, priority, began),
            Effect::TooFast { silence } => {
                // Calls that began before the pace was halved say nothing about the new pace.
                if began >= self.slowed_at {
                    self.number_limit.slow_down(now.mono);
                    self.slowed_at = now.mono;
                }
                if let Some(silence) = silence {
                    self.fall_silent(silence, now);
                }
            }
            Effect::TooFastForPair => {
                let customer = self.queue.whose(contact);
                self.pair_limit.penalise(customer, now.mono);
                self.note_working(message, priority, began);
            }
            Effect::Silence(silence) => self.fall_silent(silence, now),
            Effect::PauseLane(reason, error) => {
                self.pause(answered(reason, error), began, now);
                self.return_all_unstarted();
            }
            Effect::PauseBulk(reason, error) => {
                self.pause_bulk(answered(reason, error), began, now);
                self.return_unstarted(Priority::Bulk);
            }
            Effect::Troubled(_) => {}
        }
    }

    /// Makes no call for a while, because Meta asked for that.
    pub(super) fn fall_silent(&mut self, silence: Duration, now: Moment) {
        self.circuit_breaker.stop_until(now.mono + silence, now.mono);
        self.return_all_unstarted();
    }

    /// A call that began after a pause's trial was due shows that the reason is gone.
    fn note_working(&mut self, message: MessageId, priority: Priority, began: Duration) {
        self.announcer.proven();
        let now = self.now().mono;
        let ends = |pause: &mut Pause| pause.answered(message, began, now) == Stands::No;
        if self.paused.as_mut().is_some_and(ends) {
            self.paused = None;
            self.resumed_at = Some(now);
        }
        if priority == Priority::Bulk && self.bulk_paused.as_mut().is_some_and(ends) {
            self.bulk_paused = None;
            self.resumed_at = Some(now);
        }
    }

    fn end_call(
        &mut self,
        message: MessageId,
        result: &AttemptResult,
        outcome: Result<OpOutcome, Lost>,
        ctx: &mut Context<Self>,
    ) {
        let Some(found) = self.in_flight.remove(message) else {
            return;
        };
        self.files.forget(message);
        let now = self.now();
        let contact = found.item.waiting.contact;
        match (outcome, result) {
            (Err(Lost::LedgerGone), _) => ctx.stop(),
            (Err(Lost::Impossible(_)), _) => self.lose_track(found, ctx),
            (Ok(OpOutcome::Refused(_)), _) => self.queue.free(contact, now),
            (Ok(_), AttemptResult::Accepted { .. } | AttemptResult::Refused { .. }) => {
                self.queue.free(contact, now);
            }
            (Ok(_), AttemptResult::Held { .. }) => {
                self.queue.free(contact, now);
                // Meta holds it, unless a status came first.
                self.find_again(message, ctx);
            }
            // A status may have settled the message while its call was under way.
            (
                Ok(
                    OpOutcome::Unchanged
                    | OpOutcome::Duplicate { .. }
                    | OpOutcome::Contact { .. }
                    | OpOutcome::Suppressed(_),
                ),
                _,
            ) => {
                let mut item = found.item;
                item.waiting.attempt = found.claimed.token.attempt;
                self.look_up(item, ctx);
            }
            (Ok(OpOutcome::Committed { .. }), AttemptResult::NotAccepted { retry_at, .. }) => {
                self.try_again(found, *retry_at, now);
            }
            (Ok(OpOutcome::Committed { .. }), AttemptResult::Unknown { .. }) => {
                self.queue.free(contact, now);
                let claimed = found.claimed.row.since;
                self.watch_for(&Doubt::new(&found.claimed.row, claimed, found.number, now));
            }
        }
    }

    fn try_again(&mut self, found: InFlightMessage, retry_at: Timestamp, now: Moment) {
        let mut item = found.item;
        item.waiting.attempt = found.claimed.token.attempt;
        item.waiting.due = retry_at;
        item.waiting.rest = retry_at.since(now.wall);
        item.hold = (retry_at > now.wall).then(|| Hold {
            until: now.mono_at(retry_at),
            reason: found.delay,
        });
        // A message that came back because the lane pauses, or that was never called for, was not refused itself.
        if found.began.is_some() && item.hold.is_some() {
            item.refusals = item.refusals.saturating_add(1);
            item.first_refused.get_or_insert(now.mono);
        }
        self.back_in_line(item, now);
    }

    /// The task of a call died, before or after the call: nobody can tell.
    fn mourn(&mut self, message: MessageId, ctx: &mut Context<Self>) {
        let Some(found) = self.in_flight.remove(message) else {
            return;
        };
        tracing::error!(tenant.id = %self.tenant, message.id = %message, "a call died: its outcome is unknown");
        self.lose_track(found, ctx);
    }

    /// Nobody can write down, or tell, what became of a call.
    fn lose_track(&mut self, found: InFlightMessage, ctx: &mut Context<Self>) {
        let contact = found.item.waiting.contact;
        let row = OutboxRow {
            state: OutboxState::Claimed,
            ..found.claimed.row
        };
        self.declare_unknown(vec![row], ctx, move |lane, ctx| {
            lane.queue.free(contact, lane.now());
            lane.turn_soon(ctx);
        });
    }
}

const fn answered(reason: PauseReason, error: MetaError) -> PauseCause {
    PauseCause {
        reason,
        error: Some(error),
        heard: Heard::ByAnswer,
    }
}
