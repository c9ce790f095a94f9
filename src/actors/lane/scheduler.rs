//! A lane's turn: everything that can be done now, then one timer for what comes next. Between turns a lane is idle.

use std::time::Duration;

use actix::{
    ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, WrapFuture as _,
};

use super::retry::{Lost, commit_until_taken};
use super::scan::Scan;
use super::unknown::Verdict;
use super::waiting::{Item, Moment, PRIORITIES};
use super::{Lane, TurnDue};
use crate::domain::{DeliveryState, MetaError};
use crate::store::Op;
use crate::store::op::{Settlement, Withdraw};
use crate::telemetry::labels::{Code, UnknownResolution};
use crate::telemetry::metrics;

/// Timers count whole milliseconds; a shorter wait would only turn in circles.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Messages that expire and outcomes that are settled in one turn, and at once, so that a burst of them does not fill the
/// ledger.
const HOUSEKEEPING: usize = 64;

/// How often the pace is looked at while agents believe the lane to be slow.
const NEWS: Duration = Duration::from_secs(1);

/// The lane's turn.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Turn;

impl Handler<Turn> for Lane {
    type Result = ();
    fn handle(&mut self, _: Turn, ctx: &mut Context<Self>) {
        self.turn_due = TurnDue::No;
        self.turn(ctx);
    }
}

impl Lane {
    /// Makes sure that a turn follows, once all that came meanwhile is taken in.
    pub(super) fn turn_soon(&mut self, ctx: &mut Context<Self>) {
        if self.turn_due == TurnDue::No {
            self.turn_due = TurnDue::Yes;
            ctx.notify(Turn);
        }
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        self.queue.turn(now);
        self.receipts.drop_late(now.mono);
        self.expire(now, ctx);
        self.resolve_doubts(now, ctx);
        self.read_more(now, ctx);
        self.begin_calls(now, ctx);
        self.claim_more(now, ctx);
        self.bring_files(ctx);
        self.read_hours(ctx);
        self.announce(now, ctx);
        self.report_levels();
        self.end_draining(ctx);
        self.set_timer(now, ctx);
    }

    fn expire(&mut self, now: Moment, ctx: &mut Context<Self>) {
        while self.housekeeping < HOUSEKEEPING {
            let Some(item) = self.queue.take_expired(now) else {
                return;
            };
            let expire = Withdraw {
                at: item.waiting.at(),
                number: self.row.id.clone(),
                to: DeliveryState::Expired,
                error: None,
            };
            self.withdraw(expire, ctx, |_| ());
        }
    }

    /// The customer may not be written to since the message was accepted: it fails, and no call is made for it.
    pub(super) fn fail_unwanted(
        &mut self,
        item: &Item,
        label: Code,
        (code, why): (i64, &'static str),
        ctx: &mut Context<Self>,
    ) {
        let contact = item.waiting.contact;
        metrics::sends_refused_total(label).increment(1);
        let fail = Withdraw {
            at: item.waiting.at(),
            number: self.row.id.clone(),
            to: DeliveryState::Failed,
            error: Some(MetaError {
                code,
                title: why.into(),
                details: None,
            }),
        };
        self.withdraw(fail, ctx, move |lane| lane.queue.free(contact, lane.now()));
    }

    /// Ends a message that no call is made for any more.
    pub(super) fn withdraw(
        &mut self,
        what: Withdraw,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self) + 'static,
    ) {
        let message = what.at.message;
        let op = Op::Withdraw(what);
        let ledger = self.results.ledger.clone();
        let work = async move { commit_until_taken(&ledger, &op).await };
        self.housekeeping += 1;
        ctx.spawn(work.into_actor(self).map(move |outcome, lane, ctx| {
            lane.housekeeping = lane.housekeeping.saturating_sub(1);
            match outcome {
                Err(Lost::LedgerGone) => ctx.stop(),
                Err(Lost::Impossible(error)) => {
                    tracing::error!(tenant.id = %lane.tenant, message.id = %message, %error, "cannot end a message");
                    Self::find_again_later(message, ctx);
                    then(lane);
                }
                // Refused: somebody else withdrew it first.
                Ok(_) => then(lane),
            }
            lane.turn_soon(ctx);
        }));
    }

    fn resolve_doubts(&mut self, now: Moment, ctx: &mut Context<Self>) {
        for _ in 0..HOUSEKEEPING {
            let Some((doubt, verdict)) = self.watch.decide(now.mono) else {
                return;
            };
            match verdict {
                Verdict::GiveUp => {
                    let by = if doubt.is_held() {
                        UnknownResolution::HeldTooLong
                    } else {
                        UnknownResolution::GivenUp
                    };
                    self.settle(doubt.at, Settlement::GiveUp, by, ctx, |_| ());
                }
                Verdict::SendAgain => {
                    self.settle(
                        doubt.at,
                        Settlement::SendAgain,
                        UnknownResolution::Retried,
                        ctx,
                        |_| (),
                    );
                }
                Verdict::Check => self.find_again(doubt.at.message, ctx),
            }
        }
    }

    fn read_more(&mut self, now: Moment, ctx: &mut Context<Self>) {
        if self.wants_reading(now) && matches!(self.scan, Scan::Over(from) if from <= now.mono) {
            self.begin_scan(ctx);
        }
    }

    fn wants_reading(&self, now: Moment) -> bool {
        self.draining.is_none()
            && self
                .overflow
                .wants_reading(&self.queue, &self.watch, &self.limits, now)
    }

    fn end_draining(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight.is_empty()
            && self.claiming.is_idle()
            && let Some(waiting) = self.draining.take()
        {
            for done in waiting {
                // Whoever waited may have gone.
                let _ = done.send(());
            }
            ctx.stop();
        }
    }

    fn set_timer(&mut self, now: Moment, ctx: &mut Context<Self>) {
        let Some(at) = self.next_turn(now) else { return };
        let at = at.max(now.mono + SHORTEST_WAIT);
        if let Some((set, timer)) = self.timer {
            if set <= at && set > now.mono {
                return;
            }
            ctx.cancel_future(timer);
        }
        let timer = ctx.run_later(at.saturating_sub(now.mono), |lane, ctx| {
            lane.timer = None;
            lane.turn(ctx);
        });
        self.timer = Some((at, timer));
    }

    /// When something is to be done, if nothing happens before.
    fn next_turn(&self, now: Moment) -> Option<Duration> {
        // While enough expiries are being committed, the next one waits for one of them.
        let patience = if self.housekeeping < HOUSEKEEPING {
            Duration::ZERO
        } else {
            NEWS
        };
        let queue = self.queue.next_change(now).map(|at| at.max(now.mono + patience));
        let missing = self.overflow.next_due(now);
        let reading = match self.scan {
            Scan::Over(from) if self.wants_reading(now) => Some(from),
            _ => None,
        };
        let waiting = PRIORITIES
            .iter()
            .filter(|priority| self.queue.has_ready(**priority));
        let gates = waiting
            .clone()
            .filter_map(|priority| self.gate_opens(*priority, now))
            .min();
        let claims = Some(self.claiming.not_before())
            .filter(|at| *at > now.mono && self.claiming.is_idle() && waiting.count() > 0);
        let news = self.announcer.has_bad_news().then(|| now.mono + NEWS);
        [
            queue,
            missing,
            reading,
            gates,
            claims,
            news,
            self.pace,
            self.watch.next_look(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
