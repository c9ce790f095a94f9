//! The feeds of one HTTP worker, started when the first socket of a tenant comes and ended when the last has gone.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::event_buffer::EventBufferLimits;
use super::log_reader::LogReader;
use super::publisher::{Marks, Publisher};
use super::subscription::Subscription;
use super::subscriptions::Turn;
use super::tail::{FeedWire, Tail};
use super::worker::{self, Nudge, WorkerFeed};
use crate::actors::bounded::BoundedAddr;
use crate::actors::port::TenantPresence;
use crate::actors::request::Refusal;
use crate::domain::{Clock, TenantId};
use crate::store::Store;
use crate::telemetry::metrics;

/// Sockets served before others on this thread have a turn.
const AT_ONCE: usize = 64;

/// Bounds of a feed.
#[derive(Debug, Clone, Copy)]
pub struct FeedLimits {
    /// Newest events kept ready.
    pub buffer_events: usize,
    /// The same in bytes.
    pub buffer_bytes: usize,
    /// How long a feed lives without sockets.
    pub idle_after: Duration,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self {
            buffer_events: 2_048,
            buffer_bytes: 1 << 20,
            idle_after: Duration::from_secs(60),
        }
    }
}

/// What feeds are made of; shared by all workers.
#[derive(Clone)]
pub struct FeedParts {
    /// Whose ledgers are followed.
    pub tenants: Arc<dyn TenantPresence>,
    /// Where the log is read.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How events are written for sockets.
    pub wire: FeedWire,
    /// Bounds of each feed.
    pub limits: FeedLimits,
    /// Reads of the log for sockets that are far behind, in the whole process.
    pub page_permits: Arc<Semaphore>,
}

/// One feed's state, shared by its actor and the sockets of its thread.
pub(super) struct Core {
    pub(super) tail: RefCell<Tail>,
    pub(super) marks: Arc<Marks>,
    pub(super) log: LogReader,
    pub(super) tenants: Arc<dyn TenantPresence>,
    limits: FeedLimits,
    addr: OnceCell<BoundedAddr<WorkerFeed>>,
    /// Gone once the ledger that was followed has ended.
    pub(super) publisher: RefCell<std::sync::Weak<Publisher>>,
    registry: Weak<Registry>,
    /// Room for the wakers of one round, kept for the next.
    round: RefCell<Vec<Waker>>,
    /// Bytes that sockets took since they were last counted. The metric itself is shared by all threads: touching it for
    /// each delivery would cost more than the rest of the delivery.
    taken: Cell<u64>,
}

impl Core {
    pub(super) fn addr(&self) -> Option<BoundedAddr<WorkerFeed>> {
        self.addr.get().cloned()
    }

    pub(super) fn buffer_events(&self) -> u64 {
        u64::try_from(self.limits.buffer_events).unwrap_or(u64::MAX)
    }

    pub(super) fn idle_after(&self) -> Duration {
        self.limits.idle_after
    }

    /// Wakes every socket that waits. Nothing is borrowed while they are woken.
    pub(super) fn wake_all(&self) {
        self.count_taken();
        let mut round = self.round.take();
        self.tail.borrow_mut().drain_waiting(&mut round);
        round.drain(..).for_each(Waker::wake);
        self.round.replace(round);
    }

    /// Wakes the sockets that wait from a place on, some at a time. Gives the place to go on from.
    pub(super) fn wake_some(&self, from: usize) -> Option<usize> {
        let mut round = self.round.take();
        let next = self
            .tail
            .borrow_mut()
            .subscriptions
            .drain_some(from, AT_ONCE, &mut round);
        round.drain(..).for_each(Waker::wake);
        self.round.replace(round);
        next
    }

    /// Hands events to the sockets from a place on, and wakes those that have to look for themselves. Gives how many
    /// there were, and the place to go on from.
    pub(super) fn serve(&self, from: usize) -> (usize, Option<usize>) {
        let mut turn = Turn {
            wakers: self.round.take(),
            ..Turn::default()
        };
        let next = self.tail.borrow_mut().serve(from, AT_ONCE, &mut turn);
        let served = turn.served.saturating_add(turn.wakers.len());
        self.take(turn.bytes);
        self.count_taken();
        turn.wakers.drain(..).for_each(Waker::wake);
        self.round.replace(turn.wakers);
        (served, next)
    }

    /// Counts bytes that were handed to sockets.
    pub(super) fn take(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(0);
        self.taken.set(self.taken.get().saturating_add(bytes));
    }

    /// Adds to the metric what sockets took.
    pub(super) fn count_taken(&self) {
        let taken = self.taken.take();
        if taken > 0 {
            metrics::deliveries_bytes_total().increment(taken);
        }
    }

    /// Lets go of the feed: sockets find it closed, and the next socket of the tenant starts another.
    pub(super) fn end(&self) {
        self.tail.borrow_mut().close();
        if let Some(registry) = self.registry.upgrade() {
            let mut feeds = registry.feeds.borrow_mut();
            let mine = feeds.get(&self.log.tenant).is_some_and(|feed| {
                feed.get()
                    .is_some_and(|core| std::ptr::eq(Rc::as_ptr(core), self))
            });
            if mine {
                feeds.remove(&self.log.tenant);
            }
        }
        self.wake_all();
    }

    pub(super) fn nudge(&self, nudge: Nudge) {
        if let Some(addr) = self.addr.get() {
            // A full mailbox looks by itself before long.
            let _ = addr.try_tell(nudge);
        }
    }
}

type Opening = Rc<tokio::sync::OnceCell<Rc<Core>>>;

struct Registry {
    parts: FeedParts,
    feeds: RefCell<HashMap<TenantId, Opening>>,
}

/// The feeds of one HTTP worker. Clones are the same; it stays on its thread.
#[derive(Clone)]
pub struct Feeds(Rc<Registry>);

impl Feeds {
    /// No feed yet.
    pub fn new(parts: FeedParts) -> Self {
        Self(Rc::new(Registry {
            parts,
            feeds: RefCell::default(),
        }))
    }

    /// Takes a subscription at a tenant's feed; the first to come starts it.
    pub async fn join(&self, tenant: TenantId) -> Result<Subscription, Refusal> {
        let opening = Rc::clone(self.0.feeds.borrow_mut().entry(tenant).or_default());
        let core = opening.get_or_try_init(|| self.open(tenant)).await;
        match core {
            Ok(core) => Ok(Subscription::take(Rc::clone(core))),
            Err(refusal) => {
                let mut feeds = self.0.feeds.borrow_mut();
                // Somebody else may be trying; whoever is last tidies up.
                if feeds
                    .get(&tenant)
                    .is_some_and(|known| Rc::ptr_eq(known, &opening) && Rc::strong_count(known) == 2)
                {
                    feeds.remove(&tenant);
                }
                Err(refusal)
            }
        }
    }

    /// Feeds that run.
    pub fn len(&self) -> usize {
        self.0.feeds.borrow().len()
    }

    /// Whether no feed runs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn open(&self, tenant: TenantId) -> Result<Rc<Core>, Refusal> {
        let parts = &self.0.parts;
        let buffer = EventBufferLimits {
            events: parts.limits.buffer_events,
            bytes: parts.limits.buffer_bytes,
        };
        let core = Rc::new(Core {
            tail: RefCell::new(Tail::new(buffer, parts.wire)),
            marks: Arc::default(),
            log: LogReader {
                tenant,
                store: Arc::clone(&parts.store),
                clock: Arc::clone(&parts.clock),
                wire: parts.wire,
                permits: Arc::clone(&parts.page_permits),
            },
            tenants: Arc::clone(&parts.tenants),
            limits: parts.limits,
            addr: OnceCell::new(),
            publisher: RefCell::default(),
            registry: Rc::downgrade(&self.0),
            round: RefCell::default(),
            taken: Cell::default(),
        });
        let addr = core.addr.get_or_init(|| WorkerFeed::launch(Rc::clone(&core)));
        let subscribed = worker::subscribe(&core, addr.clone()).await;
        match subscribed {
            Ok(()) => {
                core.nudge(Nudge::Read);
                Ok(core)
            }
            Err(refusal) => {
                core.nudge(Nudge::End);
                Err(refusal)
            }
        }
    }
}
