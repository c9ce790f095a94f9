//! Refusals that come by status, after Meta had taken the message: what they say of the account, the number or the pace
//! concerns more than the message, as the same code does in the answer to a call.
//!
//! Such an account goes on accepting calls and fails each message later, for good. So an accepted trial does not end a pause
//! that began in this way; the trial's own status does.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};

use super::Lane;
use super::handle::LateRefusal;
use super::pause::{Heard, Pause, PauseCause};
use super::waiting::Moment;
use crate::domain::{AttemptToken, MessageId, MetaError, Priority};
use crate::whatsapp::error::{Class, told_by_status};
use crate::whatsapp::{PauseReason, RefusalScope, RetryAdvice, RetryScope};

/// Meta repeats webhooks for days, and tells late of what somebody has mended since.
const TELLS_OF_NOW: Duration = Duration::from_secs(600);

/// The same for a pace, which changes from one second to the next.
const TELLS_OF_THE_PACE: Duration = Duration::from_secs(10);

/// Meta's times are whole seconds.
const COARSE: Duration = Duration::from_secs(1);

impl Lane {
    pub(super) fn heard_late(&mut self, refusal: LateRefusal, now: Moment, ctx: &mut Context<Self>) {
        let LateRefusal { token, at, error } = refusal;
        let age = now.wall.since(at);
        match told_by_status(error.code) {
            Class::Refused(RefusalScope::Lane(reason)) => {
                self.refused_late((reason, Priority::Interactive), token, age, error, now);
            }
            Class::Refused(RefusalScope::Bulk(reason)) => {
                self.refused_late((reason, Priority::Bulk), token, age, error, now);
            }
            Class::Retry(advice) => self.throttled_late(advice, token, age, now, ctx),
            Class::Refused(RefusalScope::Message | RefusalScope::Contact(_) | RefusalScope::Template)
            | Class::NotGraph
            | Class::Ambiguous => {}
        }
    }

    /// The message failed for good; what goes next goes slower.
    fn throttled_late(
        &mut self,
        advice: RetryAdvice,
        token: Option<AttemptToken>,
        age: Duration,
        now: Moment,
        ctx: &mut Context<Self>,
    ) {
        let failed = now.mono.saturating_sub(age);
        match (advice.scope, token) {
            (RetryScope::Pair, Some(token)) if age <= TELLS_OF_THE_PACE => {
                self.silence_pair(token, failed, ctx);
            }
            (RetryScope::Pair | RetryScope::Message, _) => {}
            (RetryScope::Number, _) if advice.backoff.factor > 1 => {
                // What failed before the pace was halved says nothing about the new pace.
                if age <= TELLS_OF_THE_PACE && failed >= self.slowed_at {
                    self.number_limit.slow_down(now.mono);
                    self.slowed_at = now.mono;
                }
            }
            (RetryScope::Number | RetryScope::Account, _) => {
                let rest = advice.backoff.first.saturating_sub(age);
                if !rest.is_zero() {
                    self.fall_silent(rest, now);
                }
            }
        }
    }

    /// Finds out to whom a call went, and gives that customer a rest.
    fn silence_pair(&self, token: AttemptToken, failed: Duration, ctx: &mut Context<Self>) {
        let (store, tenant) = (Arc::clone(&self.store), self.tenant);
        let read = async move { store.conversation(tenant, token.conversation).await };
        ctx.spawn(read.into_actor(self).map(move |found, lane, ctx| {
            match found {
                Ok(Some(conversation)) => {
                    let now = lane.now().mono;
                    lane.pair_limit
                        .penalise_late(conversation.contact_id, failed, now);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(tenant.id = %tenant, %error, "cannot tell who was written to too fast");
                }
            }
            lane.turn_soon(ctx);
        }));
    }

    /// Meta took a message and refused it later for a reason that all messages have, or all in bulk.
    fn refused_late(
        &mut self,
        (reason, stops): (PauseReason, Priority),
        token: Option<AttemptToken>,
        age: Duration,
        error: MetaError,
        now: Moment,
    ) {
        let is_past = |resumed: Duration| now.mono.saturating_sub(age) + COARSE < resumed;
        if age > TELLS_OF_NOW || self.resumed_at.is_some_and(is_past) {
            return;
        }
        let tries = token.is_some_and(|token| self.tries(stops, token.message));
        let standing = match stops {
            Priority::Interactive => &self.paused,
            Priority::Bulk => &self.bulk_paused,
        };
        // Of a lane that stands still, only its trial tells something new.
        if standing.is_some() && !tries {
            return;
        }
        let cause = PauseCause {
            reason,
            error: Some(error),
            heard: Heard::ByStatus,
        };
        match stops {
            Priority::Interactive => {
                self.pause(cause, now.mono, now);
                self.return_all_unstarted();
            }
            Priority::Bulk => {
                self.pause_bulk(cause, now.mono, now);
                self.return_unstarted(Priority::Bulk);
            }
        }
    }

    /// Stands still for want of a token: nothing can be called for.
    pub(super) fn pause_without_token(&mut self, now: Moment) {
        let cause = PauseCause {
            reason: PauseReason::AccessToken,
            error: None,
            heard: Heard::ByAnswer,
        };
        self.pause(cause, now.mono, now);
    }

    /// A status that is no failure came: if it is the trial's, the reason to stand still is gone.
    pub(super) fn note_trial_sent(&mut self, message: MessageId, now: Moment) {
        if self.tries(Priority::Interactive, message) {
            self.paused = None;
            self.resumed_at = Some(now.mono);
        }
        if self.tries(Priority::Bulk, message) {
            self.bulk_paused = None;
            self.resumed_at = Some(now.mono);
        }
    }

    /// Whether a message is the trial of the lane, or of its bulk.
    fn tries(&self, of: Priority, message: MessageId) -> bool {
        let call_began = self.in_flight.get(message).and_then(|found| found.began);
        let tries = |pause: &Pause| pause.tries(message, call_began);
        match of {
            Priority::Interactive => self.paused.as_ref().is_some_and(tries),
            Priority::Bulk => self.bulk_paused.as_ref().is_some_and(tries),
        }
    }
}
