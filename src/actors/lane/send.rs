//! Beginning calls, at the pace of the limit. The limit counts a call when it begins, not when it is claimed: a slow disk
//! must not make calls bunch together.

use std::sync::Arc;

use super::Lane;
use super::call::{Call, Report, return_claim};
use super::queue::Waits;
use super::receipts::Errand;
use super::response_policy::CallHistory;
use super::waiting::{Moment, PRIORITIES};
use crate::domain::{MessageId, Priority};
use crate::limiter::Hold;
use crate::media::outbound::FileAtMeta;
use crate::telemetry::{labels::DelayReason, metrics};
use crate::whatsapp::payload::{with_files, with_token};
use crate::whatsapp::{BearerToken, SendCall};

use actix::{AsyncContext as _, Context, WrapFuture as _};

/// What goes next.
enum Next {
    Message(Priority, MessageId),
    Receipt,
}

impl Lane {
    /// Begins as many calls as the limit lets go now.
    pub(super) fn begin_calls(&mut self, now: Moment, ctx: &mut Context<Self>) {
        self.pace = None;
        let Some(token) = self.token.clone() else { return };
        while let Some(next) = self.next_to_go(now) {
            if let Next::Message(_, message) = next
                && self.in_flight.is_overdue(message, now.wall)
            {
                // It waited for the limit too long; back in the queue it expires.
                self.in_flight.take_back(message);
                self.return_claim(message);
                continue;
            }
            if let Next::Message(_, message) = next
                && self.lacks_file(message)
            {
                // What was known of it had to make room: it is never sent as it was written here.
                self.in_flight.take_back(message);
                self.return_claim(message);
                continue;
            }
            if let Err(wait) = self.number_limit.try_take(now.mono) {
                self.pace = Some(now.mono + wait.delay);
                self.count_delay(&next, wait.hold);
                return;
            }
            match next {
                Next::Message(priority, _) => self.begin_call(priority, token.clone(), now),
                Next::Receipt => self.begin_receipt(token.clone(), ctx),
            }
        }
    }

    fn next_to_go(&self, now: Moment) -> Option<Next> {
        let claimed = |priority: &Priority| {
            let message = self.in_flight.next_unstarted(*priority)?;
            Some(Next::Message(*priority, message))
        };
        let order = self.share.order();
        let first = order.first().and_then(claimed);
        let receipt = || self.receipts.has_waiting().then_some(Next::Receipt);
        let next = first.or_else(receipt);
        // A broadcast does not use up the moment for which a reply is being claimed.
        if order.first() == Some(&Priority::Interactive) && self.reply_is_coming(now) {
            return next;
        }
        next.or_else(|| order.iter().find_map(claimed))
    }

    fn lacks_file(&self, message: MessageId) -> bool {
        let found = self.in_flight.get(message);
        found.is_some_and(|found| self.files.lacks(&found.item.waiting))
    }

    fn begin_call(&mut self, priority: Priority, bearer: BearerToken, now: Moment) {
        let bulk_waits = self.in_flight.unstarted(Priority::Bulk) > 0 || self.queue.has_ready(Priority::Bulk);
        let seed = self.rng.u64(..);
        let Some(found) = self.in_flight.start(priority) else {
            return;
        };
        found.began = Some(now.mono);
        let token = found.claimed.token;
        let payload = &found.claimed.row.payload;
        let files: Vec<FileAtMeta> = self
            .files
            .of(token.message)
            .unwrap_or_default()
            .iter()
            .map(|(upload, id)| FileAtMeta {
                tenant: self.tenant,
                number: self.row.id.clone(),
                upload: *upload,
                id: Arc::clone(id),
            })
            .collect();
        let body = match self.files.of(token.message) {
            Some(files) => with_token(&with_files(payload, files), &token),
            None => with_token(payload, &token),
        };
        let call = Call {
            graph: Arc::clone(&self.graph),
            call: SendCall {
                number: self.row.id.clone(),
                token: bearer,
                body,
            },
            token,
            files,
            outbound_files: Arc::clone(&self.outbound_files),
            history: CallHistory {
                priority,
                attempt: token.attempt,
                refusals: found.item.refusals,
                first_refused: found.item.first_refused,
            },
            began: now.mono,
            limits: Arc::clone(&self.limits),
            results: self.results.clone(),
            permit: found.permit.take(),
            ahead: found.ahead.take(),
            seed,
        };
        let report = Report::new(Arc::clone(&self.shared), token.message);
        self.share
            .note(priority, if bulk_waits { Waits::Yes } else { Waits::No });
        self.delayed = None;
        actix::spawn(call.run(report));
    }

    /// Gives back the claims of a priority for which no call has begun.
    pub(super) fn return_unstarted(&mut self, priority: Priority) {
        for message in self.in_flight.take_unstarted(priority) {
            self.return_claim(message);
        }
    }

    /// Gives back all claims for which no call has begun.
    pub(super) fn return_all_unstarted(&mut self) {
        for priority in PRIORITIES {
            self.return_unstarted(priority);
        }
    }

    /// Gives a claim back for which no call has begun and none will.
    pub(super) fn return_claim(&mut self, message: MessageId) {
        let Some(found) = self.in_flight.get_mut(message) else {
            return;
        };
        found.permit = None;
        let report = Report::new(Arc::clone(&self.shared), message);
        actix::spawn(return_claim(self.results.clone(), found.claimed.token, report));
    }

    fn begin_receipt(&mut self, token: BearerToken, ctx: &mut Context<Self>) {
        let Some(errand) = self.receipts.begin() else {
            return;
        };
        let call = SendCall {
            number: self.row.id.clone(),
            token,
            body: Errand::body(&errand),
        };
        let (graph, deadline) = (Arc::clone(&self.graph), self.limits.receipt_deadline);
        let work = async move {
            match tokio::time::timeout(deadline, graph.mark_read(call)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a receipt was not taken"),
                Err(_) => tracing::debug!("a receipt was not answered in time"),
            }
        };
        ctx.spawn(actix::ActorFutureExt::map(
            work.into_actor(self),
            |(), lane: &mut Self, ctx| {
                lane.receipts.end();
                lane.turn_soon(ctx);
            },
        ));
    }

    /// Counts a message once, however often the limit is asked for it.
    fn count_delay(&mut self, next: &Next, hold: Hold) {
        let Next::Message(_, message) = next else { return };
        if self.delayed.replace(*message) == Some(*message) {
            return;
        }
        let reason = match hold {
            Hold::NumberRate => DelayReason::NumberLimit,
            Hold::SlowedDown | Hold::Paused => DelayReason::Throttled,
        };
        metrics::limiter_delays_total(reason).increment(1);
    }
}
