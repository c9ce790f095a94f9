//! Tells agents when the lane slows down, stands still or runs again: each change once, in order.

use std::sync::Arc;

use actix::{ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use serde::Serialize;

use super::Lane;
use super::circuit_breaker::Cause;
use super::pause::Pause;
use super::retry::{Lost, commit_until_taken};
use super::waiting::Moment;
use crate::actors::request::LaneState;
use crate::domain::{EventKind, PhoneNumberId};
use crate::store::Op;
use crate::store::op::Announce;

/// What agents are told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Told {
    /// Everything goes at the number's rate.
    #[default]
    Running,
    /// An earlier lane left messages that Meta had not taken: agents may believe that this one stands still.
    Unsure,
    /// Meta asked for a slower pace.
    Slowed(Why),
    /// Nothing goes.
    Paused(Pause),
    /// No bulk goes.
    BulkPaused(Pause),
}

/// Why a lane is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Meta said so.
    Throttled,
    /// Meta does not answer.
    NoAnswer,
    /// Somebody else answers in its place.
    NotGraph,
}

/// What agents were told last, and whether they are being told something.
#[derive(Debug, Default)]
pub(super) struct Announcer {
    told: Told,
    telling: Option<Told>,
    proof: Proof,
}

/// Whether Meta has taken anything from this lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Proof {
    #[default]
    None,
    Taken,
}

impl Announcer {
    /// Whether agents believe the lane to be slow or still.
    pub(super) fn has_bad_news(&self) -> bool {
        !matches!(self.told, Told::Running | Told::Unsure)
    }

    /// Whether agents are being told something.
    pub(super) const fn is_telling(&self) -> bool {
        self.telling.is_some()
    }

    /// Meta took something.
    pub(super) fn proven(&mut self) {
        self.proof = Proof::Taken;
    }

    /// A message was found for which an earlier lane had called in vain. What that told agents is not known here.
    pub(super) fn doubt(&mut self) {
        if self.told == Told::Running {
            self.told = Told::Unsure;
        }
    }
}

#[derive(Serialize)]
struct LaneChanged<'a> {
    number: &'a PhoneNumberId,
    #[serde(flatten)]
    state: LaneState,
}

impl Lane {
    /// Tells agents if the lane's state is another than they know.
    pub(super) fn announce(&mut self, now: Moment, ctx: &mut Context<Self>) {
        let state = self.state(now);
        // That nothing holds the lane up is no news before Meta has taken something.
        let unproven = state == Told::Running
            && self.announcer.told == Told::Unsure
            && self.announcer.proof == Proof::None;
        if self.announcer.telling.is_some() || unproven || same_news(&state, &self.announcer.told) {
            return;
        }
        let changed = LaneChanged {
            number: &self.row.id,
            state: self.told_as(&state, now),
        };
        let Ok(data) = serde_json::value::to_raw_value(&changed) else {
            return;
        };
        let (tenant, number) = (self.tenant, &self.row.id);
        if matches!(state, Told::Paused(_)) {
            tracing::warn!(tenant.id = %tenant, number.id = %number, state = data.get(), "sending is paused");
        } else {
            tracing::info!(tenant.id = %tenant, number.id = %number, state = data.get(), "the lane's state changed");
        }
        self.announcer.telling = Some(state);
        let op = Op::Announce(Announce {
            kind: EventKind::Lane,
            conversation: None,
            data: Arc::from(data),
            once: None,
        });
        let ledger = self.results.ledger.clone();
        let work = async move { commit_until_taken(&ledger, &op).await };
        ctx.spawn(work.into_actor(self).map(|told, lane, ctx| {
            if matches!(told, Err(Lost::LedgerGone)) {
                return ctx.stop();
            }
            if let Some(state) = lane.announcer.telling.take() {
                lane.announcer.told = state;
            }
            lane.turn_soon(ctx);
        }));
    }

    pub(super) fn state(&self, now: Moment) -> Told {
        if let Some(pause) = &self.paused {
            Told::Paused(pause.clone())
        } else if let Some(cause) = self.circuit_breaker.is_on() {
            Told::Slowed(match cause {
                Cause::NoAnswer => Why::NoAnswer,
                Cause::NotGraph => Why::NotGraph,
                Cause::Asked => Why::Throttled,
            })
        } else if let Some(pause) = &self.bulk_paused {
            Told::BulkPaused(pause.clone())
        } else if self.number_limit.share(now.mono) < 1.0 {
            Told::Slowed(Why::Throttled)
        } else {
            Told::Running
        }
    }

    /// How the lane stands, in the words of the API.
    pub(super) fn told_as(&self, state: &Told, now: Moment) -> LaneState {
        let (name, scope, reason, pause) = match state {
            Told::Running | Told::Unsure => ("running", "all", None, None),
            Told::Slowed(Why::Throttled) => ("slowed", "all", Some("throttled"), None),
            Told::Slowed(Why::NoAnswer) => ("slowed", "all", Some("no_answer"), None),
            Told::Slowed(Why::NotGraph) => ("slowed", "all", Some("not_graph"), None),
            Told::Paused(pause) => ("paused", "all", Some(pause.cause.reason.as_str()), Some(pause)),
            Told::BulkPaused(pause) => ("paused", "bulk", Some(pause.cause.reason.as_str()), Some(pause)),
        };
        let error = pause.and_then(|pause| pause.cause.error.as_ref());
        let until = match (state, pause) {
            (_, Some(pause)) => pause.may_probe(now.mono).err(),
            (Told::Slowed(_), None) => self.silent_until(now),
            (_, None) => None,
        };
        LaneState {
            state: name,
            scope,
            reason,
            code: error.map(|error| error.code).filter(|code| *code != 0),
            title: error.map(|error| Arc::clone(&error.title)),
            details: error.and_then(|error| error.details.clone()),
            until: until.map(|at| now.wall_after(at.saturating_sub(now.mono))),
        }
    }
}

/// A pause that lasts longer than was said is no news.
fn same_news(one: &Told, other: &Told) -> bool {
    let what = |pause: &Pause| {
        let code = pause.cause.error.as_ref().map(|error| error.code);
        (pause.cause.reason, code)
    };
    match (one, other) {
        (Told::Paused(one), Told::Paused(other)) | (Told::BulkPaused(one), Told::BulkPaused(other)) => {
            what(one) == what(other)
        }
        _ => one == other,
    }
}
