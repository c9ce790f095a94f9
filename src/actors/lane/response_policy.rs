//! What a call's result means: for its message, and for everything else in the lane. Pure.

use std::time::Duration;

use super::circuit_breaker::Trouble;
use super::limits::LaneLimits;
use super::waiting::Moment;
use crate::domain::{MetaError, Priority};
use crate::store::op::AttemptResult;
use crate::telemetry::labels;
use crate::whatsapp::client::{Acceptance, NotAcceptedCause};
use crate::whatsapp::{PauseReason, RefusalScope, RetryAdvice, RetryScope, SendResult};

/// Waits grow by up to this part of themselves, so that what failed together does not come back together.
const JITTER: f64 = 0.25;

/// What is known about the message of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallHistory {
    /// Which queue.
    pub(super) priority: Priority,
    /// This call's number, from 1.
    pub(super) attempt: u8,
    /// Earlier calls that were provably not taken.
    pub(super) refusals: u32,
    /// When the first of them was.
    pub(super) first_refused: Option<Duration>,
}

/// What a call's result means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponseAction {
    /// For its message.
    pub(super) result: AttemptResult,
    /// For the lane.
    pub(super) effect: Effect,
}

/// What a call's result means for the lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Meta works.
    Answered,
    /// The number sends too fast; Meta may ask for silence beside that.
    TooFast {
        /// How long.
        silence: Option<Duration>,
    },
    /// Too fast to this customer.
    TooFastForPair,
    /// Nothing for so long.
    Silence(Duration),
    /// No useful answer.
    Troubled(Trouble),
    /// Nothing goes until a person acts.
    PauseLane(PauseReason, MetaError),
    /// No bulk goes until a person acts.
    PauseBulk(PauseReason, MetaError),
}

/// Judges a result that came at `now`.
pub(super) fn decide(
    result: SendResult,
    call: CallHistory,
    limits: &LaneLimits,
    now: Moment,
    rng: &mut fastrand::Rng,
) -> ResponseAction {
    match result {
        SendResult::Accepted {
            wamid, acceptance, ..
        } => ResponseAction {
            result: match acceptance {
                Acceptance::Sending => AttemptResult::Accepted { wamid },
                Acceptance::Held => AttemptResult::Held { wamid },
            },
            effect: Effect::Answered,
        },
        SendResult::NotAccepted { retry, cause, error } => {
            let wait = retry
                .backoff
                .after(call.refusals.saturating_add(1))
                .mul_f64(rng.f64().mul_add(JITTER, 1.0));
            ResponseAction {
                result: later(wait, error, call, limits, now),
                effect: effect_of_delay(retry, cause),
            }
        }
        SendResult::Refused { scope, error } => refused(scope, error, call, limits, now),
        SendResult::Ambiguous { cause, error } => ResponseAction {
            result: AttemptResult::Unknown {
                error: Some(error.unwrap_or_else(|| MetaError {
                    code: 0,
                    title: cause.title().into(),
                    details: None,
                })),
            },
            effect: Effect::Troubled(Trouble::Perhaps),
        },
    }
}

fn effect_of_delay(retry: RetryAdvice, cause: NotAcceptedCause) -> Effect {
    let lasting = (retry.backoff.first > RetryAdvice::DOUBLING.backoff.first).then_some(retry.backoff.first);
    match (cause, retry.scope) {
        (NotAcceptedCause::NoConnection, _) => Effect::Troubled(Trouble::Certain),
        (NotAcceptedCause::NotGraph, _) => Effect::Troubled(Trouble::NotGraph),
        (_, RetryScope::Pair) => Effect::TooFastForPair,
        (_, RetryScope::Message) => Effect::Answered,
        (NotAcceptedCause::Throttled, RetryScope::Number) if retry.backoff.factor > 1 => {
            Effect::TooFast { silence: lasting }
        }
        (_, RetryScope::Number | RetryScope::Account) => {
            lasting.map_or(Effect::Troubled(Trouble::Certain), Effect::Silence)
        }
    }
}

fn refused(
    scope: RefusalScope,
    error: MetaError,
    call: CallHistory,
    limits: &LaneLimits,
    now: Moment,
) -> ResponseAction {
    match scope {
        RefusalScope::Lane(reason) => ResponseAction {
            result: when_resumed(error.clone(), call, limits, now),
            effect: Effect::PauseLane(reason, error),
        },
        RefusalScope::Bulk(reason) => ResponseAction {
            result: match call.priority {
                Priority::Bulk => when_resumed(error.clone(), call, limits, now),
                Priority::Interactive => AttemptResult::Refused { error: error.clone() },
            },
            effect: Effect::PauseBulk(reason, error),
        },
        RefusalScope::Message | RefusalScope::Contact(_) | RefusalScope::Template => ResponseAction {
            result: AttemptResult::Refused { error },
            effect: Effect::Answered,
        },
    }
}

/// Not sent and not the message's fault: it is the first to go when the lane runs again.
fn when_resumed(error: MetaError, call: CallHistory, limits: &LaneLimits, now: Moment) -> AttemptResult {
    if call.attempt >= limits.max_attempts {
        return AttemptResult::Refused { error };
    }
    AttemptResult::NotAccepted {
        retry_at: now.wall,
        error: Some(error),
    }
}

fn later(
    wait: Duration,
    error: Option<MetaError>,
    call: CallHistory,
    limits: &LaneLimits,
    now: Moment,
) -> AttemptResult {
    let began = call.first_refused.unwrap_or(now.mono);
    let too_late = (now.mono + wait).saturating_sub(began) > limits.retry_for;
    if call.attempt >= limits.max_attempts || too_late {
        return AttemptResult::Refused {
            error: error.unwrap_or_else(|| MetaError {
                code: 0,
                title: "WhatsApp could not be reached in time".into(),
                details: None,
            }),
        };
    }
    AttemptResult::NotAccepted {
        retry_at: now.wall_after(wait),
        error,
    }
}

/// How a result is counted.
pub(super) const fn label(result: &AttemptResult) -> labels::AttemptResult {
    match result {
        AttemptResult::Accepted { .. } => labels::AttemptResult::Accepted,
        AttemptResult::Held { .. } => labels::AttemptResult::Held,
        AttemptResult::NotAccepted { .. } => labels::AttemptResult::NotAccepted,
        AttemptResult::Refused { .. } => labels::AttemptResult::Permanent,
        AttemptResult::Unknown { .. } => labels::AttemptResult::Unknown,
    }
}
