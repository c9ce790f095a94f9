//! The outbound queue of one number: what goes next, when, and what became of it.
//!
//! ```text
//! enqueue ─▶ queue (a queue per customer, schedule) ─claim, durable─▶ in flight ─limit─▶ call ─▶ result, committed
//!    ▲            ▲        what has no room stays in the outbox       │
//!    └─ outbox ───┘◀──────────── provably not taken ◀─────────────────┤
//!                  unknown outcomes are watched ◀─────────────────────┘
//! ```
//!
//! The queue in memory is only a hint: the store grants each claim, so that a message is never called for twice. Claims are
//! durable before the first byte leaves, and a result is committed however long that takes. Everything happens in turns
//! ([`scheduler`]): a turn does what can be done now and sets one timer for what comes next.

mod announce;
mod call;
mod circuit_breaker;
mod claims;
mod customer_queues;
mod delay_estimate;
mod files;
mod gauges;
mod handle;
mod handover;
mod in_flight;
mod inbox;
mod limits;
mod order_statistics;
mod overflow;
mod parked;
mod pause;
mod queue;
mod receipts;
mod recent_sends;
mod refusals;
mod response_policy;
mod results;
mod retry;
mod scan;
mod scheduler;
mod send;
mod sending_hours;
#[cfg(test)]
mod tests;
mod unknown;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext as _, Context, SpawnHandle};
use futures_util::stream;
use tokio::sync::{Semaphore, oneshot, watch};

use super::incarnation::LateResults;
use super::messages::lane::{Arrived, HandoverLeft, LateCame, RowChanged, SharedChanged};
use super::{BoundedAddr, Incarnations, LedgerHandle};
use crate::domain::{Clock, MessageId, TenantId};
use crate::limiter::{NumberLimiter, PairLimiter};
use crate::media::outbound::OutboundFiles;
use crate::store::{ClaimsAhead, Number, Store};
use crate::whatsapp::{BearerToken, Graph};
use announce::Announcer;
use call::Results;
use circuit_breaker::CircuitBreaker;
use claims::Claiming;
use files::WaitingFiles;
use gauges::Gauges;
use handle::Shared;
use handover::{Handover, Predecessor};
use in_flight::InFlight;
use overflow::Overflow;
use parked::Parked;
use pause::{Pause, PauseCause, Stands};
use queue::{Queue, Share};
use receipts::Receipts;
use scan::Scan;
use sending_hours::SendingHoursBook;
use unknown::Watch;
use waiting::Moment;

pub use gauges::LaneSnapshot;
pub use handle::LaneHandle;
pub(super) use handover::Handovers;
pub use limits::{LaneLimits, UnknownLimits};
pub use waiting::Waiting;

/// What is particular to one lane.
#[derive(Debug, Clone)]
pub struct LaneSettings {
    /// Whose number it is.
    pub tenant: TenantId,
    /// The number.
    pub number: Number,
    /// Bounds, deadlines and policies.
    pub limits: Arc<LaneLimits>,
    /// Where jitter comes from.
    pub seed: u64,
}

/// What a lane works with.
#[derive(Clone)]
pub struct LaneParts {
    /// Holds the outbox and grants claims.
    pub store: Arc<dyn Store>,
    /// Makes the calls.
    pub graph: Arc<dyn Graph>,
    /// Takes what the lane decides. Claims are made under its fence.
    pub ledger: LedgerHandle,
    /// Takes the results of calls, even of those that end after the ledger.
    pub successors: Incarnations,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Calls to Meta in flight in the whole process.
    pub calls: Arc<Semaphore>,
    /// Where it is noted which claims have no call yet.
    pub ahead: Arc<ClaimsAhead>,
    /// Brings files of messages to Meta.
    pub files: Arc<dyn OutboundFiles>,
    /// Who may have sent from the number before.
    pub earlier: Earlier,
}

/// Who may have sent from a number before this process did: its last second counts as full, and what was sent to a customer
/// is looked up in history while it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Nobody.
    Nobody,
    /// A process that ended by this time on this process's monotonic clock.
    Until(Duration),
    /// Another process of the same cluster, until the lane begins.
    Others,
}

/// Starts the lane of a number on an arbiter. It loads what is in the outbox before it claims anything.
pub fn start(arbiter: &ArbiterHandle, settings: LaneSettings, parts: LaneParts) -> LaneHandle {
    let shared = Arc::new(Shared::default());
    let (row, changes) = watch::channel(settings.number.clone());
    let (number, mailbox) = (settings.number.id.clone(), settings.limits.mailbox);
    let lane_shared = Arc::clone(&shared);
    // From before it reads the outbox: a result is found there, or heard of.
    let late = parts.successors.late();
    let arrivals = parts.ledger.arrivals();
    let addr = Lane::start_in_arbiter(arbiter, move |ctx: &mut Context<Lane>| {
        ctx.set_mailbox_capacity(mailbox);
        let streams = Streams {
            changes,
            late,
            arrivals,
        };
        Lane::new(settings, parts, lane_shared, streams, ctx)
    });
    let addr = BoundedAddr::new(addr, mailbox);
    LaneHandle::new(addr, shared, row, number)
}

/// What reaches a lane beside its mailbox.
struct Streams {
    changes: watch::Receiver<Number>,
    late: LateResults,
    arrivals: watch::Receiver<()>,
}

/// The actor. See the module.
pub struct Lane {
    tenant: TenantId,
    row: Number,
    token: Option<BearerToken>,
    limits: Arc<LaneLimits>,
    store: Arc<dyn Store>,
    graph: Arc<dyn Graph>,
    results: Results,
    calls: Arc<Semaphore>,
    ahead: Arc<ClaimsAhead>,
    outbound_files: Arc<dyn OutboundFiles>,
    rng: fastrand::Rng,
    shared: Arc<Shared>,

    queue: Queue,
    overflow: Overflow,
    parked: Parked,
    scan: Scan,
    share: Share,
    claiming: Claiming,
    in_flight: InFlight,
    watch: Watch,
    receipts: Receipts,
    files: WaitingFiles,
    sending_hours: SendingHoursBook,

    number_limit: NumberLimiter,
    pair_limit: PairLimiter,
    /// Until when it counts what an earlier process sent to a customer.
    recalls_until: Duration,
    slowed_at: Duration,
    circuit_breaker: CircuitBreaker,
    paused: Option<Pause>,
    bulk_paused: Option<Pause>,
    /// When the last pause ended: refusals from before say nothing any more.
    resumed_at: Option<Duration>,

    announcer: Announcer,
    gauges: Gauges,
    /// When the limit lets the next call begin, if one waits for it.
    pace: Option<Duration>,
    /// The message whose wait for the limit was counted last.
    delayed: Option<MessageId>,
    /// Expiries that are being committed.
    housekeeping: usize,
    timer: Option<(Duration, SpawnHandle)>,
    turn_due: TurnDue,
    draining: Option<Vec<oneshot::Sender<()>>>,
}

/// Whether a turn is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnDue {
    No,
    Yes,
}

impl Lane {
    fn new(
        settings: LaneSettings,
        parts: LaneParts,
        shared: Arc<Shared>,
        streams: Streams,
        ctx: &mut Context<Self>,
    ) -> Self {
        let LaneSettings {
            tenant,
            number,
            limits,
            seed,
        } = settings;
        let Streams {
            changes,
            late,
            arrivals,
        } = streams;
        ctx.add_stream(stream::unfold(Arc::clone(&shared), |shared| async move {
            shared.changed.notified().await;
            Some((SharedChanged, shared))
        }));
        ctx.add_stream(stream::unfold(changes, |mut changes| async move {
            changes.changed().await.ok()?;
            let row = changes.borrow_and_update().clone();
            Some((RowChanged(Box::new(row)), changes))
        }));
        ctx.add_stream(stream::unfold(late, |mut late| async move {
            let tokens = late.some().await?;
            Some((LateCame(tokens), late))
        }));
        ctx.add_stream(stream::unfold(arrivals, |mut arrivals| async move {
            arrivals.changed().await.ok()?;
            Some((Arrived, arrivals))
        }));
        let left = parts.successors.handovers().watch();
        ctx.add_stream(stream::unfold(left, |mut left| async move {
            left.changed().await.ok()?;
            Some((HandoverLeft, left))
        }));
        let mut number_limit = NumberLimiter::new(number.rate);
        let predecessor = parts.successors.handovers().enter(&number.id);
        let counted = match (predecessor, parts.earlier) {
            (Predecessor::Ran, _) | (_, Earlier::Others) => Some(parts.clock.monotonic()),
            (Predecessor::None, Earlier::Until(at)) => Some(at),
            (Predecessor::None, Earlier::Nobody) => None,
        };
        if let Some(at) = counted {
            number_limit.assume_full(at, parts.clock.monotonic());
        }
        let recalls_until = match parts.earlier {
            Earlier::Nobody => Duration::ZERO,
            Earlier::Until(at) => at.saturating_add(limits.pair.reach()),
            Earlier::Others => parts.clock.monotonic().saturating_add(limits.pair.reach()),
        };
        let results = Results {
            ledger: parts.ledger,
            successors: parts.successors,
            number: number.id.clone(),
            clock: parts.clock,
        };
        Self {
            tenant,
            token: BearerToken::parse(number.access_token.reveal()).ok(),
            queue: Queue::new(limits.waiting, limits.scheduled, limits.order_patience),
            overflow: Overflow::default(),
            parked: Parked::default(),
            scan: Scan::NotBegun,
            share: Share::new(limits.bulk_one_in),
            claiming: Claiming::default(),
            in_flight: InFlight::default(),
            watch: Watch::new(limits.unknown, limits.watched),
            receipts: Receipts::new(limits.receipts),
            files: WaitingFiles::default(),
            sending_hours: SendingHoursBook::default(),
            number_limit,
            pair_limit: PairLimiter::new(limits.pair),
            recalls_until,
            slowed_at: Duration::ZERO,
            circuit_breaker: CircuitBreaker::new(limits.trip_after),
            paused: None,
            bulk_paused: None,
            resumed_at: None,
            announcer: Announcer::default(),
            gauges: Gauges::new(),
            pace: None,
            delayed: None,
            housekeeping: 0,
            timer: None,
            turn_due: TurnDue::No,
            draining: None,
            rng: fastrand::Rng::with_seed(seed),
            row: number,
            limits,
            store: parts.store,
            graph: parts.graph,
            results,
            calls: parts.calls,
            ahead: parts.ahead,
            outbound_files: parts.files,
            shared,
        }
    }

    fn now(&self) -> Moment {
        self.results.now()
    }

    /// Messages that may be in flight at once.
    fn places(&self) -> usize {
        places(&self.limits, &self.row)
    }

    /// Takes over what an earlier lane of the number left, if it did.
    fn inherit(&mut self) {
        if let Some(left) = self.results.successors.handovers().take(&self.row.id) {
            let Handover {
                row,
                pair_limit,
                circuit_breaker,
                paused,
                bulk_paused,
            } = *left;
            self.pair_limit.inherit(pair_limit);
            if row != self.row {
                return;
            }
            // The lane may have found out more by now: the end of the earlier one is heard late.
            let worked = self.circuit_breaker.worked();
            let stands = |pause: &Pause| pause.stands_after(worked) == Stands::Yes;
            self.paused = self.paused.take().or(paused.filter(stands));
            self.bulk_paused = self.bulk_paused.take().or(bulk_paused);
            self.circuit_breaker.inherit(circuit_breaker);
        }
    }

    /// Stands still until somebody acts at Meta's side.
    fn pause(&mut self, cause: PauseCause, call_began: Duration, now: Moment) {
        let wait = self.limits.probe_after;
        match &mut self.paused {
            Some(pause) => pause.refused_again(cause, call_began, now.mono),
            None => self.paused = Some(Pause::new(cause, wait, LONGEST_PAUSE, now.mono)),
        }
    }

    /// Lets no bulk go until somebody acts at Meta's side.
    fn pause_bulk(&mut self, cause: PauseCause, call_began: Duration, now: Moment) {
        let wait = self.limits.bulk_probe_after;
        match &mut self.bulk_paused {
            Some(pause) => pause.refused_again(cause, call_began, now.mono),
            None => self.bulk_paused = Some(Pause::new(cause, wait, LONGEST_BULK_PAUSE, now.mono)),
        }
    }
}

/// The longest time without a trial.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
const LONGEST_BULK_PAUSE: Duration = Duration::from_hours(24);

/// Half a second of the number's rate, and no less than the limits say; and those that are kept ready.
fn places(limits: &LaneLimits, number: &Number) -> usize {
    let rate = usize::try_from(number.rate.per_second()).unwrap_or(usize::MAX);
    let ready = u128::from(number.rate.per_second()) * limits.ready.as_millis() / 1_000;
    limits
        .in_flight
        .max(rate / 2)
        .saturating_add(usize::try_from(ready).unwrap_or(usize::MAX))
}

impl Actor for Lane {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        if self.token.is_none() {
            self.pause_without_token(now);
        }
        self.inherit();
        self.begin_scan(ctx);
        self.turn_soon(ctx);
    }
}

impl Drop for Lane {
    /// Also after a panic.
    fn drop(&mut self) {
        let handover = Handover {
            row: self.row.clone(),
            pair_limit: std::mem::replace(&mut self.pair_limit, PairLimiter::new(self.limits.pair)),
            circuit_breaker: std::mem::replace(
                &mut self.circuit_breaker,
                CircuitBreaker::new(self.limits.trip_after),
            ),
            paused: self.paused.take(),
            bulk_paused: self.bulk_paused.take(),
        };
        let handovers = self.results.successors.handovers();
        handovers.leave(self.row.id.clone(), handover);
    }
}
