//! Claiming: a few messages ahead of the limit, so that a call begins the moment the limit lets it.
//!
//! As many claims are kept ready as the limit lets go while two claims are being made durable, and one more, so that a slow
//! disk costs latency and not rate. Each further one would leave an unknown outcome if the process dies. After a stall of
//! the disk the limit lets go what it held back.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use tokio::sync::OwnedSemaphorePermit;

use super::Lane;
use super::brake::Allowance;
use super::gauges;
use super::hands::Hand;
use super::persist::pause_after;
use super::waiting::{Item, Moment, PRIORITIES, PerPriority};
use crate::actors::request::DelayReason;
use crate::crash::{self, CrashPoint};
use crate::domain::{MessageId, Priority};
use crate::store::{ClaimOutcome, ClaimWant, Claimed, StoreError, StoreErrorKind};
use crate::telemetry::{labels, metrics};

/// How long to wait for a place among the process's calls before looking again.
const NO_PLACE: Duration = Duration::from_millis(5);

/// A message that the lane wants to claim, and the place for its call.
#[derive(Debug)]
struct Want {
    item: Item,
    permit: OwnedSemaphorePermit,
}

/// The state of claiming. One request to the store at a time: the store itself batches over lanes.
#[derive(Debug, Default)]
pub(super) struct Claiming {
    asked: Vec<MessageId>,
    asked_by: PerPriority<usize>,
    failures: u32,
    not_before: Duration,
    latency: Duration,
}

impl Claiming {
    /// Whether a claim for this message is under way.
    pub(super) fn asks_for(&self, message: MessageId) -> bool {
        self.asked.contains(&message)
    }

    /// Whether any claim is under way.
    pub(super) const fn is_idle(&self) -> bool {
        self.asked.is_empty()
    }

    /// Claims under way.
    pub(super) const fn len(&self) -> usize {
        self.asked.len()
    }

    /// Before when none is worth trying.
    pub(super) const fn not_before(&self) -> Duration {
        self.not_before
    }

    fn begin(&mut self, wants: &[Want]) {
        self.asked = wants.iter().map(|want| want.item.id()).collect();
        self.asked_by = PerPriority::default();
        for want in wants {
            *self.asked_by.of_mut(want.item.waiting.priority) += 1;
        }
    }

    /// No claim is under way any more.
    pub(super) fn end(&mut self) {
        self.asked.clear();
        self.asked_by = PerPriority::default();
    }

    /// Remembers how long claims take; a slow one counts at once, a quick one little by little.
    fn took(&mut self, latency: Duration) {
        self.failures = 0;
        self.latency = latency.max((self.latency * 7 + latency) / 8);
    }
}

/// Whether messages of a priority may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// As many as the limits allow.
    Open,
    /// One, if nothing of the kind is in hand.
    Trial,
    /// None before this time.
    ShutUntil(Duration),
    /// None.
    Shut,
}

impl Lane {
    /// Whether messages of a priority may be claimed.
    pub(super) fn gate(&self, priority: Priority, now: Moment) -> Gate {
        if self.draining.is_some() || self.token.is_none() || !self.scan.is_loaded() {
            return Gate::Shut;
        }
        let brake = match self.brake.allowance(now.mono) {
            Allowance::Free => Gate::Open,
            Allowance::One => Gate::Trial,
            Allowance::NoneUntil(until) => Gate::ShutUntil(until),
        };
        let bulk = self.bulk_paused.as_ref().filter(|_| priority == Priority::Bulk);
        let pauses = [self.paused.as_ref(), bulk].into_iter().flatten();
        pauses
            .map(|pause| match pause.may_probe(now.mono) {
                Ok(()) => Gate::Trial,
                Err(until) => Gate::ShutUntil(until),
            })
            .fold(brake, stricter)
    }

    /// Whether a reply is being claimed, or is about to be.
    pub(super) fn reply_is_coming(&self, now: Moment) -> bool {
        let reply = Priority::Interactive;
        let may_claim = || self.claiming.is_idle() && now.mono >= self.claiming.not_before;
        *self.claiming.asked_by.of(reply) > 0
            || may_claim()
                && self.queue.has_ready(reply)
                && self.gate(reply, now) == Gate::Open
                && self.room(reply) > 0
                && self.calls.available_permits() > 0
    }

    /// Claims what may go next.
    pub(super) fn claim_more(&mut self, now: Moment, ctx: &mut Context<Self>) {
        if !self.claiming.is_idle() || now.mono < self.claiming.not_before {
            return;
        }
        let mut wants = Vec::new();
        for priority in self.share.order() {
            self.choose(priority, now, &mut wants);
        }
        if wants.is_empty() {
            return;
        }
        self.claiming.begin(&wants);
        crash::point(CrashPoint::BeforeClaim);
        let (store, tenant) = (Arc::clone(&self.store), self.tenant);
        let fence = self.results.ledger.fence();
        let asked = wants
            .iter()
            .map(|want| ClaimWant {
                number: self.row.id.clone(),
                message: want.item.id(),
                attempt: want.item.waiting.attempt,
            })
            .collect();
        let claim = async move { store.claim(tenant, fence, asked, now.wall).await };
        ctx.spawn(claim.into_actor(self).map(move |answer, lane, ctx| {
            lane.claims_came(wants, now.mono, answer, ctx);
            lane.turn_soon(ctx);
        }));
    }

    fn choose(&mut self, priority: Priority, now: Moment, wants: &mut Vec<Want>) {
        let most = match self.gate(priority, now) {
            Gate::Open => self
                .claims_ahead(now)
                .saturating_sub(self.hands.unstarted(priority)),
            Gate::Trial if self.is_alone(priority, wants) => 1,
            Gate::Trial | Gate::ShutUntil(_) | Gate::Shut => 0,
        };
        let room = self.room(priority).saturating_sub(wants.len());
        for _ in 0..most.min(room) {
            if wants.len() >= self.limits.claims || !self.queue.has_ready(priority) {
                return;
            }
            let Ok(permit) = Arc::clone(&self.calls).try_acquire_owned() else {
                self.claiming.not_before = now.mono + NO_PLACE;
                return;
            };
            let pairs = &mut self.pair_limit;
            let taken = self.queue.take(priority, now, |contact| {
                pairs.try_take(contact, now.mono).map_err(|wait| {
                    metrics::limiter_delays_total(labels::DelayReason::PairLimit).increment(1);
                    now.mono + wait
                })
            });
            let Some(item) = taken else { return };
            wants.push(Want { item, permit });
        }
    }

    /// Whether a trial would be the only message in hand, of all or, where bulk alone stands still, of bulk.
    fn is_alone(&self, priority: Priority, wants: &[Want]) -> bool {
        if self.paused.is_none() && self.brake.is_on().is_none() {
            return self.hands.of(priority) == 0;
        }
        self.hands.is_empty() && wants.is_empty()
    }

    /// Claims of a priority to keep ready.
    fn claims_ahead(&self, now: Moment) -> usize {
        let pace = f64::from(self.row.rate.per_second()) * self.number_limit.share(now.mono);
        let while_two_are_made = Duration::from_secs_f64((pace * 2.0).max(0.0)).as_nanos()
            * self.claiming.latency.as_nanos()
            / 1_000_000_000_000_000_000;
        usize::try_from(while_two_are_made)
            .unwrap_or(usize::MAX)
            .saturating_add(1)
            .min(self.limits.claims)
    }

    /// Places in hand that a priority may still take. Each leaves the other a few, so that neither can shut it out.
    fn room(&self, priority: Priority) -> usize {
        let places = self.places();
        let left_to_the_other = match priority {
            Priority::Bulk => self.limits.kept_for_interactive,
            Priority::Interactive => {
                places.div_ceil(usize::try_from(self.limits.bulk_one_in).unwrap_or(1).max(1))
            }
        };
        let own = places.saturating_sub(left_to_the_other).max(1);
        let in_hand = self.hands.len() + self.claiming.len();
        let own_in_hand = self.hands.of(priority) + *self.claiming.asked_by.of(priority);
        places
            .saturating_sub(in_hand)
            .min(own.saturating_sub(own_in_hand))
    }

    fn claims_came(
        &mut self,
        wants: Vec<Want>,
        asked_at: Duration,
        answer: Result<Vec<ClaimOutcome>, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        let now = self.now();
        let outcomes = match answer {
            Ok(outcomes) => outcomes,
            Err(error) => return self.claims_failed(wants, &error, now, ctx),
        };
        crash::point(CrashPoint::AfterClaim);
        self.claiming.took(now.mono.saturating_sub(asked_at));
        self.claiming.end();
        let outcomes = outcomes
            .into_iter()
            .map(Some)
            .chain(std::iter::repeat_with(|| None));
        for (want, outcome) in wants.into_iter().zip(outcomes) {
            match outcome {
                Some(ClaimOutcome::Granted(claimed)) => {
                    let wait = now.wall.since(want.item.waits_since());
                    gauges::waited(want.item.waiting.priority, wait);
                    self.take_in_hand(want.item, *claimed, Some(want.permit));
                }
                Some(ClaimOutcome::OptedOut) => self.fail_unwanted(&want.item, ctx),
                Some(ClaimOutcome::Refused) | None => self.look_up(want.item, ctx),
            }
        }
        let shut = |gate| matches!(gate, Gate::Shut | Gate::ShutUntil(_));
        for priority in PRIORITIES {
            if shut(self.gate(priority, now)) {
                self.return_unstarted(priority);
            }
        }
    }

    /// Keeps a granted claim.
    pub(super) fn take_in_hand(
        &mut self,
        item: Item,
        claimed: Claimed,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let number = self.watch.note_claim(item.id());
        self.hands.add(Hand {
            item,
            claimed,
            number,
            permit,
            began: None,
            delay: DelayReason::Throttled,
        });
    }

    /// Stops, because the ledger cannot be written by this owner any more.
    pub(super) fn lose(&mut self, error: &StoreError, ctx: &mut Context<Self>) {
        tracing::error!(tenant.id = %self.tenant, %error, "the lane cannot claim for its ledger any more: stopping");
        if matches!(error.kind, StoreErrorKind::Fenced | StoreErrorKind::HeadMoved) {
            self.results.ledger.lose(self.now().mono);
        }
        ctx.stop();
    }

    fn claims_failed(&mut self, wants: Vec<Want>, error: &StoreError, now: Moment, ctx: &mut Context<Self>) {
        self.claiming.failures = self.claiming.failures.saturating_add(1);
        let pause = error
            .retry_after
            .unwrap_or_default()
            .max(pause_after(self.claiming.failures));
        self.claiming.not_before = now.mono + pause;
        match error.kind {
            StoreErrorKind::Fenced => self.lose(error, ctx),
            StoreErrorKind::Unknown => self.find_out(wants.into_iter().map(|want| want.item).collect(), ctx),
            StoreErrorKind::Unavailable
            | StoreErrorKind::Overloaded
            | StoreErrorKind::Full
            | StoreErrorKind::HeadMoved
            | StoreErrorKind::Invalid
            | StoreErrorKind::Corrupt => {
                tracing::warn!(tenant.id = %self.tenant, %error, "cannot claim messages");
                self.claiming.end();
                for want in wants {
                    self.back_in_line(want.item, now);
                }
            }
        }
    }

    /// Puts a message back whose turn had come.
    pub(super) fn back_in_line(&mut self, item: Item, now: Moment) {
        if let Some(displaced) = self.queue.give_back(item, now) {
            self.overflow.note(&displaced.waiting, now);
        }
    }
}

fn stricter(one: Gate, other: Gate) -> Gate {
    match (one, other) {
        (Gate::Shut, _) | (_, Gate::Shut) => Gate::Shut,
        (Gate::ShutUntil(one), Gate::ShutUntil(other)) => Gate::ShutUntil(one.max(other)),
        (shut @ Gate::ShutUntil(_), _) | (_, shut @ Gate::ShutUntil(_)) => shut,
        (Gate::Trial, _) | (_, Gate::Trial) => Gate::Trial,
        (Gate::Open, Gate::Open) => Gate::Open,
    }
}
