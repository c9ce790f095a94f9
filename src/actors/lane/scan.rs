//! Reading the outbox: all of it at the start, again what had no room in memory, and one row when the store refused its claim
//! or nobody knows what it did.
//!
//! At the start, a row that is claimed was left by a process that died: its call may or may not have been made, so its
//! outcome is unknown, unless a note says that no call had begun. Nothing is claimed before that is committed.

use std::sync::Arc;
use std::time::Duration;

use actix::{ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, WrapFuture as _};
use futures_util::future::join_all;

use super::Lane;
use super::inbox::OFFER_AGAIN;
use super::overflow::Missing;
use super::retry::{Lost, open_again, pause_after, read_row};
use super::unknown::{ClaimNumber, Doubt, Watched};
use super::waiting::{Hold, Item, Moment, Waiting};
use crate::actors::request::DelayReason;
use crate::domain::{AttemptToken, MessageId};
use crate::store::{Ahead, Claimed, OpOutcome, OutboxRow, OutboxState, StoreError};
use crate::telemetry::Seldom;

/// Messages that may arrive while the outbox is read; more are found by reading again.
const ARRIVALS: usize = 1_000;

/// The log tells of all lanes together that cannot read: while the store is away, none can.
static UNREAD: Seldom = Seldom::each(Duration::from_secs(10));

/// The shortest time between two readings, and how much of the time may go into reading: one part in four.
const REST: Duration = Duration::from_millis(100);

/// What is read.
#[derive(Debug)]
pub(super) enum Scan {
    /// The lane has just started.
    NotBegun,
    /// It is under way.
    Running(Running),
    /// It may begin again from this time on.
    Over(Duration),
}

/// A reading under way.
#[derive(Debug)]
pub(super) struct Running {
    kind: Kind,
    sought: Missing,
    arrived: Vec<Waiting>,
    began: Duration,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Everything; claimed rows are a dead process's.
    First,
    /// What had no room; claimed rows are this lane's own.
    Again,
}

impl Scan {
    /// Whether the outbox was read after the start.
    pub(super) const fn is_loaded(&self) -> bool {
        !matches!(
            self,
            Self::NotBegun
                | Self::Running(Running {
                    kind: Kind::First,
                    ..
                })
        )
    }
}

impl Lane {
    /// Reads what is missing in memory.
    pub(super) fn begin_scan(&mut self, ctx: &mut Context<Self>) {
        let (kind, sought) = match self.scan {
            Scan::NotBegun => (Kind::First, Missing::everything()),
            Scan::Over(_) => (Kind::Again, self.overflow.begin_reading()),
            Scan::Running(_) => return,
        };
        self.scan = Scan::Running(Running {
            kind,
            sought,
            arrived: Vec::new(),
            began: self.now().mono,
            failures: 0,
        });
        self.read_page(sought.from().and_then(MessageId::before), ctx);
    }

    /// Keeps a queued message, unless older ones of its kind are not in memory yet.
    pub(super) fn admit(&mut self, waiting: Waiting, now: Moment) {
        let message = waiting.message;
        if self.in_flight.holds(message) || self.claiming.asks_for(message) || self.parked.holds(message) {
            return;
        }
        if let Scan::Running(running) = &mut self.scan
            && running.sought.concerns(&waiting, now)
        {
            if running.arrived.len() < ARRIVALS {
                running.arrived.push(waiting);
            } else {
                self.overflow.note(&waiting, now);
            }
            return;
        }
        self.keep(waiting, now);
    }

    fn keep(&mut self, waiting: Waiting, now: Moment) {
        if self.overflow.comes_before(&waiting, now) {
            self.overflow.note(&waiting, now);
        } else {
            let mut item = Item::new(waiting, now);
            // One whose time has not come is looked at again when it has.
            if item.hold.is_none() {
                item.hold = self.files.rest(&item.waiting, now);
            }
            if let Some(displaced) = self.queue.add(item, now) {
                self.overflow.note(&displaced.waiting, now);
            }
        }
    }

    fn read_page(&mut self, after: Option<MessageId>, ctx: &mut Context<Self>) {
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let limit = self.limits.page;
        let page = async move { store.outbox(tenant, number, after, limit).await };
        ctx.spawn(
            page.into_actor(self)
                .map(move |page, lane, ctx| lane.page_came(after, page, ctx)),
        );
    }

    fn page_came(
        &mut self,
        after: Option<MessageId>,
        page: Result<Vec<OutboxRow>, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        let now = self.now().mono;
        let Scan::Running(running) = &mut self.scan else {
            return;
        };
        let kind = running.kind;
        let rows = match page {
            Ok(rows) => rows,
            Err(error) => {
                let told = UNREAD.happened(now);
                if let Some(count) = told.or(error.kind.is_lasting().then_some(1)) {
                    tracing::warn!(tenant.id = %self.tenant, %error, count, "cannot read the outbox");
                }
                running.failures = running.failures.saturating_add(1);
                let pause = pause_after(running.failures, None);
                ctx.run_later(pause, move |lane, ctx| lane.read_page(after, ctx));
                return;
            }
        };
        running.failures = 0;
        let sought = running.sought;
        let next = rows
            .last()
            .map(|row| row.at.message)
            .filter(|_| rows.len() >= self.limits.page);
        let now = self.now();
        let mut orphans = Vec::new();
        for row in rows {
            match row.state {
                _ if self.is_known(row.at.message) => {}
                OutboxState::Queued => {
                    if kind == Kind::Again {
                        self.overflow.note_found();
                    } else if row.attempt > 0 {
                        self.announcer.doubt();
                    }
                    self.keep(sought.found(row.into(), now), now);
                }
                OutboxState::Unknown | OutboxState::Held => {
                    self.watch_for(&Doubt::new(&row, row.since, ClaimNumber::default(), now));
                }
                OutboxState::Claimed if kind == Kind::First => orphans.push(row),
                OutboxState::Claimed => {}
            }
        }
        let (mut uncalled, mut doubtful) = (Vec::new(), Vec::new());
        for row in orphans {
            let claim = token_of(self.tenant, &row);
            let noted = row
                .claimed_under
                .and_then(|fence| self.ahead.take_left(claim, fence));
            match noted {
                Some(note) => uncalled.push((row, note)),
                None => doubtful.push(row),
            }
        }
        self.give_back(uncalled, ctx, move |lane, ctx| {
            lane.declare_unknown(doubtful, ctx, move |lane, ctx| lane.read_on(next, ctx));
        });
    }

    fn read_on(&mut self, next: Option<MessageId>, ctx: &mut Context<Self>) {
        let Scan::Running(running) = &self.scan else {
            return;
        };
        let enough = running.kind == Kind::Again && self.overflow.is_full_for(&running.sought);
        match next {
            Some(next) if !enough => self.read_page(Some(next), ctx),
            _ => self.end_scan(ctx),
        }
    }

    fn end_scan(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        let before = std::mem::replace(&mut self.scan, Scan::Over(now.mono));
        if let Scan::Running(running) = before {
            let took = now.mono.saturating_sub(running.began);
            self.scan = Scan::Over(now.mono + REST.max(took * 3));
            self.overflow.end_reading();
            for waiting in running.arrived {
                self.admit(waiting, now);
            }
        }
        self.turn_soon(ctx);
    }

    /// Whether a message is in memory, in flight or watched.
    fn is_known(&self, message: MessageId) -> bool {
        self.queue.holds(message)
            || self.in_flight.holds(message)
            || self.claiming.asks_for(message)
            || self.watch.holds(message)
            || self.parked.holds(message)
    }

    /// Watches an unknown outcome, or notes that there is no room for it.
    pub(super) fn watch_for(&mut self, doubt: &Doubt) {
        if self.watch.add(*doubt) == Watched::NoRoom {
            self.overflow.note_doubt(doubt.at.message);
        }
    }

    /// Gives back claims of an earlier process for which no call was made, as their notes tell, and keeps their messages. Then
    /// goes on.
    fn give_back(
        &mut self,
        rows: Vec<(OutboxRow, Ahead)>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if rows.is_empty() {
            return then(self, ctx);
        }
        let (results, tenant, at) = (self.results.clone(), self.tenant, self.now().wall);
        let work = async move {
            let give_back = rows
                .iter()
                .map(|(row, _)| results.give_back(token_of(tenant, row), at));
            let outcomes = join_all(give_back).await;
            rows.into_iter().zip(outcomes).collect::<Vec<_>>()
        };
        ctx.spawn(work.into_actor(self).map(move |given_back, lane, ctx| {
            let now = lane.now();
            for ((row, _note), outcome) in given_back {
                match outcome {
                    Ok(OpOutcome::Committed { .. }) => {
                        let waiting = Waiting {
                            due: at,
                            ..(&row).into()
                        };
                        lane.keep(waiting, now);
                    }
                    Ok(_) => lane.find_again(row.at.message, ctx),
                    Err(Lost::Impossible(_)) => lane.declare_later(row, ctx),
                    Err(Lost::LedgerGone) => return ctx.stop(),
                }
            }
            then(lane, ctx);
        }));
    }

    /// Commits of claims that nobody works on that their outcome is unknown, and watches them. Then goes on.
    pub(super) fn declare_unknown(
        &mut self,
        rows: Vec<OutboxRow>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if rows.is_empty() {
            return then(self, ctx);
        }
        let (results, tenant) = (self.results.clone(), self.tenant);
        let work = async move {
            let keep = rows
                .iter()
                .map(|row| results.declare_unknown(token_of(tenant, row)));
            let outcomes = join_all(keep).await;
            rows.into_iter().zip(outcomes).collect::<Vec<_>>()
        };
        ctx.spawn(work.into_actor(self).map(move |declared, lane, ctx| {
            let now = lane.now();
            for (row, outcome) in declared {
                match outcome {
                    Ok(OpOutcome::Refused(_)) => {}
                    Err(Lost::Impossible(_)) => lane.declare_later(row, ctx),
                    // It was known before, or a late result came first.
                    Ok(OpOutcome::Unchanged) => lane.find_again(row.at.message, ctx),
                    Ok(_) => lane.watch_for(&Doubt::new(&row, row.since, ClaimNumber::default(), now)),
                    Err(Lost::LedgerGone) => return ctx.stop(),
                }
            }
            then(lane, ctx);
        }));
    }

    /// Not even that a call's outcome is unknown can be written: a repair, or more room, may change that.
    fn declare_later(&mut self, row: OutboxRow, ctx: &mut Context<Self>) {
        tracing::error!(
            tenant.id = %self.tenant,
            message.id = %row.at.message,
            "a claim without an outcome cannot be settled now"
        );
        ctx.run_later(OFFER_AGAIN, |lane, ctx| {
            lane.declare_unknown(vec![row], ctx, |lane, ctx| lane.turn_soon(ctx));
        });
    }
}

/// The token of a row's last claim.
pub(super) fn token_of(tenant: crate::domain::TenantId, row: &OutboxRow) -> AttemptToken {
    AttemptToken {
        tenant,
        conversation: row.at.conversation,
        message: row.at.message,
        attempt: row.attempt,
    }
}

/// After the store refused a claim for a reason that is not in the row, such as a clock that was set back.
const REFUSED: Duration = Duration::from_secs(1);

impl Lane {
    /// Nobody knows whether the claims were granted: reads the rows. No call was made for them, so what was granted is
    /// given back; the ledger refuses that if another owner made the claim.
    pub(super) fn find_out(&mut self, items: Vec<Item>, ctx: &mut Context<Self>) {
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let ledger = self.results.ledger.clone();
        let read = async move {
            // Claims may have been granted whose rows do not show it yet: opening the ledger ends what was begun.
            open_again(&*store, &ledger).await?;
            let mut found = Vec::with_capacity(items.len());
            for item in items {
                let row = read_row(&*store, tenant, &number, item.id()).await;
                found.push((item, row));
            }
            Ok(found)
        };
        ctx.spawn(read.into_actor(self).map(move |found, lane, ctx| {
            let found = match found {
                Ok(found) => found,
                Err(error) => return lane.lose(&error, ctx),
            };
            lane.claiming.end();
            for (item, row) in found {
                match row {
                    Some(row) if is_own_claim(&item, &row) => {
                        let message = item.id();
                        let token = token_of(tenant, &row);
                        let person = row.contact;
                        lane.take_in_hand(item, Claimed { token, person, row }, None, None);
                        lane.in_flight.take_back(message);
                        lane.return_claim(message);
                    }
                    row => lane.reconsider(item, row, ctx),
                }
            }
            lane.turn_soon(ctx);
        }));
    }

    /// The store refused a claim: reads why. The customer's queue stands aside meanwhile.
    pub(super) fn look_up(&mut self, item: Item, ctx: &mut Context<Self>) {
        let (store, tenant, number) = (Arc::clone(&self.store), self.tenant, self.row.id.clone());
        let message = item.id();
        let read = async move { read_row(&*store, tenant, &number, message).await };
        ctx.spawn(read.into_actor(self).map(move |row, lane, ctx| {
            lane.reconsider(item, row, ctx);
            lane.turn_soon(ctx);
        }));
    }

    /// Does with a message whose queue stands aside what its row says.
    fn reconsider(&mut self, item: Item, row: Option<OutboxRow>, ctx: &mut Context<Self>) {
        let now = self.now();
        let contact = item.waiting.contact;
        match row {
            None => self.queue.free(contact, now),
            Some(row) => match row.state {
                OutboxState::Queued => {
                    let mut again = Item::new((&row).into(), now);
                    if again.waiting == item.waiting && again.hold.is_none() {
                        again.hold = Some(Hold {
                            until: now.mono + REFUSED,
                            reason: DelayReason::Queued,
                        });
                    }
                    let (refusals, first_refused) = (item.refusals, item.first_refused);
                    self.back_in_line(
                        Item {
                            refusals,
                            first_refused,
                            ..again
                        },
                        now,
                    );
                }
                OutboxState::Unknown | OutboxState::Held => {
                    self.queue.free(contact, now);
                    self.watch_on(&row, now);
                }
                OutboxState::Claimed => {
                    self.declare_unknown(vec![row], ctx, move |lane, ctx| {
                        lane.queue.free(contact, lane.now());
                        lane.turn_soon(ctx);
                    });
                }
            },
        }
    }
}

impl Lane {
    /// Goes on watching an outcome that is unknown still.
    pub(super) fn watch_on(&mut self, row: &OutboxRow, now: Moment) {
        let doubt = Doubt::new(row, row.since, ClaimNumber::default(), now);
        if self.watch.knows(&doubt) {
            self.watch.unsettled(row.at.message, now.mono);
        } else {
            self.watch_for(&doubt);
        }
    }
}

fn is_own_claim(item: &Item, row: &OutboxRow) -> bool {
    row.state == OutboxState::Claimed && Some(row.attempt) == item.waiting.attempt.checked_add(1)
}
