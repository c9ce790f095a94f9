//! What others tell and ask a lane. Handlers take it in and leave the rest to the next turn.

use std::sync::Arc;
use std::time::Duration;

use actix::{
    ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, StreamHandler,
    WrapFuture as _,
};

use super::Lane;
use super::announce::Told;
use super::retry::{Lost, commit_until_taken, read_row};
use super::scan::Scan;
use crate::actors::Admitted;
use crate::actors::messages::lane::{
    Arrived, AskDelayEstimate, AskIdle, AskSnapshot, AskState, Drain, Enqueue, Forget, Halt, HandoverLeft,
    Join, LateCame, NoteStatus, RowChanged, SendReceipt, SettleNow, SharedChanged,
};
use crate::actors::request::{Missing, Refusal};
use crate::domain::{DeliveryState, MessageId};
use crate::store::op::{Settle, Settlement};
use crate::store::{MessageRef, Op, OpOutcome, OpRefusal, OutboxState};
use crate::telemetry::labels::{ActorKind, UnknownResolution};
use crate::telemetry::metrics;
use crate::whatsapp::BearerToken;

/// How long what the store will not take is left alone.
pub(super) const OFFER_AGAIN: Duration = Duration::from_secs(60);

impl StreamHandler<SharedChanged> for Lane {
    fn handle(&mut self, _: SharedChanged, ctx: &mut Context<Self>) {
        let now = self.now();
        for _ in 0..self.shared.take_inbound() {
            self.number_limit.note_inbound(now.mono);
        }
        if self.shared.take_overflowed() {
            self.overflow.note_refused();
        }
        if self.shared.take_resumed() && self.token.is_some() {
            self.run_again();
        }
        for broadcast in self.shared.take_steered() {
            self.unpark(broadcast);
        }
        for progress in self.shared.take_progress() {
            self.progressed(progress, ctx);
        }
        for refusal in self.shared.take_refusals() {
            self.heard_late(refusal, now, ctx);
        }
        self.turn_soon(ctx);
    }
}

impl StreamHandler<RowChanged> for Lane {
    fn handle(&mut self, changed: RowChanged, ctx: &mut Context<Self>) {
        let now = self.now();
        self.row = *changed.0;
        self.number_limit.set_rate(self.row.rate);
        self.token = BearerToken::parse(self.row.access_token.reveal()).ok();
        self.run_again();
        if self.token.is_none() {
            self.pause_without_token(now);
            self.return_all_unstarted();
        }
        self.turn_soon(ctx);
    }

    /// The last handle is gone: nobody can ask for anything any more. Calls under way end by themselves.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl StreamHandler<LateCame> for Lane {
    fn handle(&mut self, late: LateCame, ctx: &mut Context<Self>) {
        let now = self.now();
        for token in &late.0 {
            self.watch.note_late_result(token, now.mono);
        }
        self.turn_soon(ctx);
    }

    /// Nobody starts this tenant again: the process ends.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl StreamHandler<Arrived> for Lane {
    fn handle(&mut self, _: Arrived, ctx: &mut Context<Self>) {
        self.overflow.note_refused();
        self.turn_soon(ctx);
    }

    /// The ledger is gone, and the lane's handles with it.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl StreamHandler<HandoverLeft> for Lane {
    fn handle(&mut self, _: HandoverLeft, ctx: &mut Context<Self>) {
        self.inherit();
        self.turn_soon(ctx);
    }

    /// Nobody starts this tenant again: the process ends.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl Lane {
    fn run_again(&mut self) {
        if self.paused.take().is_some() || self.bulk_paused.take().is_some() {
            self.resumed_at = Some(self.now().mono);
        }
        self.bulk_paused = None;
        self.circuit_breaker.release();
    }

    /// Ends the wait for an unknown outcome, however long that takes to commit. `by` is what it is counted as.
    pub(super) fn settle(
        &mut self,
        at: MessageRef,
        how: Settlement,
        by: UnknownResolution,
        ctx: &mut Context<Self>,
        then: impl FnOnce(Result<OpOutcome, Lost>) + 'static,
    ) {
        let op = Op::Settle(Settle {
            at,
            number: self.row.id.clone(),
            how,
        });
        let ledger = self.results.ledger.clone();
        let work = async move { commit_until_taken(&ledger, &op).await };
        ctx.spawn(work.into_actor(self).map(move |outcome, lane, ctx| {
            match (&outcome, how) {
                (Err(Lost::LedgerGone), _) => ctx.stop(),
                (Err(Lost::Impossible(error)), _) => {
                    tracing::error!(tenant.id = %lane.tenant, message.id = %at.message, %error, "cannot settle");
                    Self::find_again_later(at.message, ctx);
                }
                (Ok(OpOutcome::Committed { .. }), Settlement::GiveUp) => {
                    metrics::unknown_resolved_total(by).increment(1);
                }
                (Ok(OpOutcome::Committed { .. }), Settlement::SendAgain) => {
                    metrics::unknown_resolved_total(by).increment(1);
                    lane.find_again(at.message, ctx);
                }
                // It is not unknown any more: a status settled it, or a late result queued it again.
                (Ok(_), _) => lane.find_again(at.message, ctx),
            }
            then(outcome);
        }));
    }

    /// What the store would not take now it may take after a repair, or for another message's sake no more.
    pub(super) fn find_again_later(message: MessageId, ctx: &mut Context<Self>) {
        ctx.run_later(OFFER_AGAIN, move |lane, ctx| lane.find_again(message, ctx));
    }

    /// Reads a message's row and keeps what it says.
    pub(super) fn find_again(&mut self, message: MessageId, ctx: &mut Context<Self>) {
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let read = async move { read_row(&*store, tenant, &number, message).await };
        ctx.spawn(read.into_actor(self).map(move |row, lane, ctx| {
            let now = lane.now();
            match row {
                Some(row) if row.state == OutboxState::Queued => {
                    lane.watch.remove(message);
                    lane.admit(row.into(), now);
                }
                Some(row) if matches!(row.state, OutboxState::Unknown | OutboxState::Held) => {
                    lane.watch_on(&row, now);
                }
                Some(_) => {}
                None => {
                    if lane.watch.remove(message).is_some_and(|doubt| !doubt.is_held()) {
                        metrics::unknown_resolved_total(UnknownResolution::Status).increment(1);
                    }
                }
            }
            lane.turn_soon(ctx);
        }));
    }
}

impl Handler<Admitted<Enqueue>> for Lane {
    type Result = ();
    fn handle(&mut self, enqueue: Admitted<Enqueue>, ctx: &mut Context<Self>) {
        let now = self.now();
        self.admit(enqueue.message.0, now);
        self.turn_soon(ctx);
    }
}

impl Handler<Admitted<NoteStatus>> for Lane {
    type Result = ();
    fn handle(&mut self, status: Admitted<NoteStatus>, ctx: &mut Context<Self>) {
        let now = self.now();
        let NoteStatus { token, state } = status.message;
        self.watch.note_status(&token, now.mono);
        if state != DeliveryState::Failed {
            self.note_trial_sent(token.message, now);
        }
        self.turn_soon(ctx);
    }
}

impl Handler<Admitted<Join>> for Lane {
    type Result = ();
    fn handle(&mut self, join: Admitted<Join>, _: &mut Context<Self>) {
        let now = self.now();
        let Join { from, to } = &join.message;
        for from in from {
            self.join(*from, *to, now);
        }
    }
}

impl Handler<Admitted<Forget>> for Lane {
    type Result = ();
    fn handle(&mut self, forget: Admitted<Forget>, ctx: &mut Context<Self>) {
        let now = self.now();
        let message = forget.message.0;
        self.files.forget(message);
        if self.queue.forget(message, now).is_none() && !self.in_flight.holds(message) {
            self.overflow.note_found();
        }
        self.turn_soon(ctx);
    }
}

impl Handler<Admitted<SendReceipt>> for Lane {
    type Result = ();
    fn handle(&mut self, receipt: Admitted<SendReceipt>, ctx: &mut Context<Self>) {
        let SendReceipt { wamid, receipt } = receipt.message;
        let until = self.now().mono + self.limits.receipt_deadline;
        if self.draining.is_some() || self.receipts.add(wamid, receipt, until).is_err() {
            metrics::permits_refused_total(ActorKind::Lane).increment(1);
        }
        self.turn_soon(ctx);
    }
}

impl Handler<Admitted<SettleNow>> for Lane {
    type Result = ();
    fn handle(&mut self, settle: Admitted<SettleNow>, ctx: &mut Context<Self>) {
        let Admitted {
            message: SettleNow { at, how, reply },
            place,
        } = settle;
        self.watch.remove(at.message);
        self.settle(at, how, UnknownResolution::Decided, ctx, move |outcome| {
            drop(place);
            let answer = match outcome {
                Ok(OpOutcome::Committed { .. } | OpOutcome::Duplicate { .. }) => Ok(()),
                Ok(OpOutcome::Refused(OpRefusal::NotFound)) => Err(Refusal::NotFound(Missing::Message)),
                Ok(_) => Err(Refusal::OutcomeKnown),
                Err(_) => Err(Refusal::Unavailable { retry_after: None }),
            };
            // The caller may have gone; what is committed stays.
            let _ = reply.send(answer);
        });
    }
}

impl Handler<Admitted<AskDelayEstimate>> for Lane {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskDelayEstimate>, ctx: &mut Context<Self>) {
        let Admitted {
            message: AskDelayEstimate { message, reply },
            place,
        } = ask;
        let now = self.now();
        let known = self.delay_estimate(message, now);
        if known.is_some() || self.overflow.count() == 0 || self.in_flight.holds(message) {
            // The caller may have gone.
            let _ = reply.send(known);
            return;
        }
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let read = async move { read_row(&*store, tenant, &number, message).await };
        ctx.spawn(read.into_actor(self).map(move |row, lane, _| {
            drop(place);
            let now = lane.now();
            let queued = row.filter(|row| row.state == OutboxState::Queued);
            // The caller may have gone.
            let _ = reply.send(queued.map(|row| lane.estimate_beyond(&row, now)));
        }));
    }
}

impl Handler<Admitted<Halt>> for Lane {
    type Result = ();
    fn handle(&mut self, halt: Admitted<Halt>, _: &mut Context<Self>) {
        self.halt();
        // The caller may have gone.
        let _ = halt.message.0.send(());
    }
}

impl Handler<Admitted<AskSnapshot>> for Lane {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskSnapshot>, _: &mut Context<Self>) {
        // The caller may have gone.
        let _ = ask.message.0.send(self.snapshot());
    }
}

impl Handler<Admitted<AskState>> for Lane {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskState>, _: &mut Context<Self>) {
        let now = self.now();
        // The caller may have gone.
        let _ = ask.message.0.send(self.told_as(&self.state(now), now));
    }
}

impl Handler<Admitted<AskIdle>> for Lane {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskIdle>, _: &mut Context<Self>) {
        // The asker may have gone.
        let _ = ask
            .message
            .0
            .send(self.has_nothing_to_do() && self.has_nothing_to_remember());
    }
}

/// A lane that has nothing to do and nothing to remember may end: the next one of its number will not know that it was there.
impl Lane {
    fn has_nothing_to_do(&self) -> bool {
        let waits = self.queue.len() + self.overflow.count() + self.watch.len();
        let in_flight = self.in_flight.len() + self.claiming.len() + self.housekeeping;
        waits + in_flight == 0 && self.receipts.is_empty() && matches!(self.scan, Scan::Over(_))
    }

    /// What Meta holds against the number, and what agents were told of it, must not be forgotten.
    fn has_nothing_to_remember(&mut self) -> bool {
        let now = self.now();
        let told = self.announcer.has_bad_news() || self.announcer.is_telling();
        !told
            && self.state(now) == Told::Running
            && self.number_limit.is_free(now.mono)
            && self.pair_limit.is_free(now.mono)
    }
}

#[cfg(test)]
impl Handler<Admitted<crate::actors::messages::lane::LoseFiles>> for Lane {
    type Result = ();
    fn handle(&mut self, _: Admitted<crate::actors::messages::lane::LoseFiles>, _: &mut Context<Self>) {
        self.files = super::files::WaitingFiles::default();
    }
}

#[cfg(test)]
impl Handler<Admitted<crate::actors::messages::lane::Die>> for Lane {
    type Result = ();
    fn handle(&mut self, _: Admitted<crate::actors::messages::lane::Die>, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}

impl Handler<Admitted<Drain>> for Lane {
    type Result = ();
    fn handle(&mut self, drain: Admitted<Drain>, ctx: &mut Context<Self>) {
        self.draining.get_or_insert_default().push(drain.message.0);
        self.return_all_unstarted();
        self.turn_soon(ctx);
    }
}
