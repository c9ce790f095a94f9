//! Claiming: a few messages ahead of the limit, so that a call begins the moment the limit lets it.
//!
//! As many claims are kept ready as the limit lets go in a short time, or while two claims are being made durable if that
//! takes longer, and one more, so that a slow disk costs latency and not rate. A note says of each that no call has begun, so
//! that a process that is killed leaves none of them unknown; a machine that dies does.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use tokio::sync::OwnedSemaphorePermit;

use super::Lane;
use super::circuit_breaker::Allowance;
use super::customer_queues::NotYet;
use super::gauges;
use super::in_flight::InFlightMessage;
use super::retry::pause_after;
use super::waiting::{Item, Moment, PRIORITIES, PerPriority, Waiting};
use crate::actors::request::DelayReason;
use crate::crash::{self, CrashPoint};
use crate::domain::consent::MARKETING_STOPPED;
use crate::domain::{AttemptToken, ContactId, MessageId, Priority};
use crate::store::{Ahead, ClaimOutcome, ClaimWant, Claimed, StoreError, StoreErrorKind};
use crate::telemetry::labels::Code;
use crate::telemetry::{Seldom, labels, metrics};

/// How long to wait for a place among the process's calls before looking again.
const NO_PLACE: Duration = Duration::from_millis(5);

/// The log tells of all lanes together that cannot claim: while the store is away, none can.
static UNCLAIMED: Seldom = Seldom::each(Duration::from_secs(10));

/// A message that the lane wants to claim, the place for its call, and the note that no call has begun.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) item: Item,
    permit: OwnedSemaphorePermit,
    ahead: Option<Ahead>,
    pub(super) customer: Customer,
}

/// Whether the pair limit knows what was sent to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Customer {
    Known,
    /// An earlier process may have written to them shortly before it ended.
    New,
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

    /// Until when none is tried, because the store took the last one not.
    pub(super) fn refused_until(&self, now: Moment) -> Option<Duration> {
        (self.failures > 0 && now.mono < self.not_before).then_some(self.not_before)
    }

    /// Before when none is worth trying.
    pub(super) const fn not_before(&self) -> Duration {
        self.not_before
    }

    pub(super) fn begin(&mut self, wants: &[Want]) {
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
    /// One, if nothing of the kind is in flight.
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
        let circuit_breaker = match self.circuit_breaker.allowance(now.mono) {
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
            .fold(circuit_breaker, stricter)
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
        self.put_off_shut(now);
        if wants.is_empty() {
            return;
        }
        self.claiming.begin(&wants);
        if wants.iter().any(|want| want.customer == Customer::New) {
            self.recall(wants, now, ctx);
        } else {
            self.ask(wants, now.mono, ctx);
        }
    }

    /// Asks the store for claims of what was chosen then.
    pub(super) fn ask(&self, wants: Vec<Want>, chosen_at: Duration, ctx: &mut Context<Self>) {
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
        let now = self.now().wall;
        let claim = async move { store.claim(tenant, fence, asked, now).await };
        ctx.spawn(claim.into_actor(self).map(move |answer, lane, ctx| {
            lane.claims_came(wants, chosen_at, answer, ctx);
            lane.turn_soon(ctx);
        }));
    }

    fn choose(&mut self, priority: Priority, now: Moment, wants: &mut Vec<Want>) {
        let most = match self.gate(priority, now) {
            Gate::Open => self
                .claims_ahead(now)
                .saturating_sub(self.in_flight.unstarted(priority)),
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
            let (pairs, recalls) = (&mut self.pair_limit, now.mono < self.recalls_until);
            let (files, hours) = (&mut self.files, &mut self.sending_hours);
            let mut customer = Customer::Known;
            let taken = self.queue.take(priority, now, |contact, waiting| {
                // Before a token of the pair's limit is taken: it would be lost.
                if let Some(hold) = hours.rest(waiting, now).or_else(|| files.rest(waiting, now)) {
                    return Err(NotYet::Message(hold));
                }
                customer = if recalls && !pairs.knows(contact) {
                    Customer::New
                } else {
                    Customer::Known
                };
                pairs.try_take(contact, now.mono).map_err(|wait| {
                    metrics::limiter_delays_total(labels::DelayReason::PairLimit).increment(1);
                    NotYet::Pair(now.mono + wait)
                })
            });
            let Some(item) = taken else { return };
            let ahead = self.note_ahead(&item.waiting);
            wants.push(Want {
                item,
                permit,
                ahead,
                customer,
            });
        }
    }

    /// Notes that a message is about to be claimed and that no call has begun.
    fn note_ahead(&self, waiting: &Waiting) -> Option<Ahead> {
        let claim = AttemptToken {
            tenant: self.tenant,
            conversation: waiting.conversation,
            message: waiting.message,
            attempt: waiting.attempt.checked_add(1)?,
        };
        Some(self.ahead.note(claim, self.results.ledger.fence()))
    }

    /// Whether a trial would be the only message in flight, of all or, where bulk alone stands still, of bulk.
    fn is_alone(&self, priority: Priority, wants: &[Want]) -> bool {
        if self.paused.is_none() && self.circuit_breaker.is_on().is_none() {
            return self.in_flight.of(priority) == 0;
        }
        self.in_flight.is_empty() && wants.is_empty()
    }

    /// Claims of a priority to keep ready.
    fn claims_ahead(&self, now: Moment) -> usize {
        let pace = f64::from(self.row.rate.per_second()) * self.number_limit.share(now.mono);
        let time = self.limits.ready.max(self.claiming.latency.saturating_mul(2));
        let in_that_time = Duration::try_from_secs_f64(pace * time.as_secs_f64()).unwrap_or_default();
        usize::try_from(in_that_time.as_secs())
            .unwrap_or(usize::MAX)
            .saturating_add(1)
            .min(self.limits.claims)
    }

    /// Places in flight that a priority may still take. Each leaves the other a few, so that neither can shut it out.
    fn room(&self, priority: Priority) -> usize {
        let places = self.places();
        let left_to_the_other = match priority {
            Priority::Bulk => self.limits.kept_for_interactive,
            Priority::Interactive => {
                places.div_ceil(usize::try_from(self.limits.bulk_one_in).unwrap_or(1).max(1))
            }
        };
        let own = places.saturating_sub(left_to_the_other).max(1);
        let in_flight = self.in_flight.len() + self.claiming.len();
        let own_in_flight = self.in_flight.of(priority) + *self.claiming.asked_by.of(priority);
        places
            .saturating_sub(in_flight)
            .min(own.saturating_sub(own_in_flight))
    }

    fn claims_came(
        &mut self,
        wants: Vec<Want>,
        chosen_at: Duration,
        answer: Result<Vec<ClaimOutcome>, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        let now = self.now();
        let outcomes = match answer {
            Ok(outcomes) => outcomes,
            Err(error) => return self.claims_failed(wants, &error, now, ctx),
        };
        crash::point(CrashPoint::AfterClaim);
        self.claiming.took(now.mono.saturating_sub(chosen_at));
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
                    self.join(want.item.waiting.contact, claimed.person, now);
                    self.take_in_hand(want.item, *claimed, Some(want.permit), want.ahead);
                }
                Some(ClaimOutcome::OptedOut) => {
                    let why = "the customer stopped marketing messages: it was not sent";
                    self.fail_unwanted(&want.item, Code("opted_out"), (MARKETING_STOPPED, why), ctx);
                }
                Some(ClaimOutcome::ContactIsMinor) => {
                    let why = "the customer is marked as under age: it was not sent";
                    // No code of Meta's says so.
                    self.fail_unwanted(&want.item, Code("contact_is_minor"), (0, why), ctx);
                }
                Some(ClaimOutcome::Blocked) => {
                    let why = "the number blocks the customer: it was not sent";
                    // No code of Meta's says so.
                    self.fail_unwanted(&want.item, Code("blocked"), (0, why), ctx);
                }
                Some(ClaimOutcome::Halted(broadcast)) => self.park(want.item, broadcast),
                Some(ClaimOutcome::BroadcastCancelled) => self.take_back(&want.item, ctx),
                Some(ClaimOutcome::Refused) | None => self.look_up(want.item, ctx),
            }
        }
        self.unpark_overtaken();
        self.return_overtaken();
        let shut = |gate| matches!(gate, Gate::Shut | Gate::ShutUntil(_));
        for priority in PRIORITIES {
            if shut(self.gate(priority, now)) {
                self.return_unstarted(priority);
            }
        }
    }

    /// Two customers turned out to be one: they have one queue and one limit.
    pub(super) fn join(&mut self, from: ContactId, to: ContactId, now: Moment) {
        let (from, to) = (self.queue.whose(from), self.queue.whose(to));
        if from != to {
            self.pair_limit.join(from, to, now.mono);
            self.queue.join(from, to, now);
        }
    }

    /// Keeps a granted claim.
    pub(super) fn take_in_hand(
        &mut self,
        item: Item,
        claimed: Claimed,
        permit: Option<OwnedSemaphorePermit>,
        ahead: Option<Ahead>,
    ) {
        let number = self.watch.note_claim(item.id());
        self.in_flight.add(InFlightMessage {
            item,
            claimed,
            ahead,
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
        let pause = pause_after(self.claiming.failures, error.retry_after);
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
                let told = UNCLAIMED.happened(now.mono);
                if let Some(count) = told.or(error.kind.is_lasting().then_some(1)) {
                    tracing::warn!(tenant.id = %self.tenant, %error, count, "cannot claim messages");
                }
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
