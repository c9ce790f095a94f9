//! The only writer of a tenant's log: batches what others decided, commits it, numbers it, feeds it.
//!
//! While one batch is being written the next one gathers, so the store's own pace is the batching window. Ops are
//! idempotent, so a batch whose outcome is unknown is simply offered again at the position where the log then stands.
//! Where it stays unknown, the ledger looks until it knows, and what arrived after all it makes known: feeds read it in the
//! log, and lanes look into their outbox.

mod commit;
mod condition;
mod handle;
mod keeping;
mod order;
mod reply;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, ArbiterHandle, AsyncContext, Context, Handler, Message, WrapFuture as _};
use actix::{ActorContext as _, ActorFutureExt as _, SpawnHandle};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::bounded::{Admitted, BoundedAddr};
use super::feed::{FeedSubscriber, Published};
use super::messages::ledger::{AskIdle, Commit, Finish, Relay, Retire, Subscribe};
use crate::domain::{Clock, Epoch, Fence, Retention, Seq, TenantId};
use crate::media::discover::tells_of_a_file;
use crate::store::{Op, OpOutcome, Store, StoreError, StoreErrorKind, TenantHead};
use crate::telemetry::metrics;
use commit::{Arrived, Batch, Committed, Standing, TRIES};
use condition::Condition;
use keeping::Keeping;
use order::senders_first;
use reply::Heard;

pub use handle::LedgerHandle;
pub(super) use reply::Reply;
pub use reply::{CommitError, CommitObserver};

/// Unfinished ops of one tenant. Each may hold a message of some KiB, so this is a few MiB at most.
const CAPACITY: usize = 4_096;
/// Ops in one batch: bounds the latency that a burst adds to what comes after it, in this log and, where they share a
/// disk, in others and in the intake.
const BATCH: usize = 64;
/// Ops in one batch where the store takes long over each, whatever is in it: there, many small batches are what others
/// wait for.
const LARGE_BATCH: usize = 256;
/// Bytes of messages in one batch, unless one op alone has more: on a cluster they are one row for a moment.
const BATCH_BYTES: usize = 1 << 20;
/// A batch that took longer than this was long under way for its own sake.
const LONG: Duration = Duration::from_millis(100);
/// How long a caller waits for room before it is told that the tenant is busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// An answer that is owed, and the place that its op holds until then.
struct Owed {
    reply: Reply,
    _place: OwnedSemaphorePermit,
}

/// The actor. See the module.
pub struct Ledger {
    tenant: TenantId,
    fence: Fence,
    epoch: Epoch,
    head: Seq,
    standing: Standing,
    shown: Arc<AtomicU64>,
    /// The last event that tells of a file.
    told_file: Arc<AtomicU64>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keeping: Keeping,
    condition: Condition,
    waiting: Vec<(Op, Owed)>,
    writing: bool,
    /// Says that the log has what nobody was told of.
    arrivals: watch::Sender<()>,
    /// The next look at where the log stands, and how many there were since it was in doubt.
    look: Option<SpawnHandle>,
    looks: u32,
    /// How long the last batch took.
    took: Duration,
    finishing: Vec<oneshot::Sender<()>>,
    subscribers: Vec<FeedSubscriber>,
}

impl Ledger {
    /// Takes ownership of a tenant's log and starts its writer on an arbiter.
    pub async fn open(
        tenant: TenantId,
        retention: Retention,
        fresh_epoch: Epoch,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        arbiter: &ArbiterHandle,
    ) -> Result<LedgerHandle, StoreError> {
        let fence = store.lease(tenant).await?;
        let TenantHead { epoch, head } = store.open_tenant(tenant, fence, fresh_epoch).await?;
        let shown = Arc::new(AtomicU64::new(head.get()));
        let handle_head = Arc::clone(&shown);
        let told_file = Arc::new(AtomicU64::new(head.get()));
        let handle_file = Arc::clone(&told_file);
        let keeping = Keeping::of(retention);
        let told = keeping.clone();
        let condition = Condition::default();
        let own_condition = condition.clone();
        let arrivals = watch::Sender::new(());
        let own_arrivals = arrivals.clone();
        let addr = Self::start_in_arbiter(arbiter, move |ctx: &mut Context<Self>| {
            ctx.set_mailbox_capacity(CAPACITY);
            Self {
                tenant,
                fence,
                epoch,
                head,
                standing: Standing::Known,
                shown,
                told_file,
                store,
                clock,
                keeping: told,
                condition: own_condition,
                waiting: Vec::new(),
                writing: false,
                arrivals: own_arrivals,
                look: None,
                looks: 0,
                took: Duration::ZERO,
                finishing: Vec::new(),
                subscribers: Vec::new(),
            }
        });
        Ok(LedgerHandle {
            addr: BoundedAddr::new(addr, CAPACITY),
            tenant,
            epoch,
            fence,
            head: handle_head,
            told_file: handle_file,
            keeping,
            condition,
            arrivals,
            callers: Arc::default(),
        })
    }

    fn write_next(&mut self, ctx: &mut Context<Self>) {
        if self.writing {
            return;
        }
        if self.waiting.is_empty() {
            if !self.finishing.is_empty() {
                for sender in self.finishing.drain(..) {
                    // Whoever waited may have gone.
                    let _ = sender.send(());
                }
                ctx.stop();
            } else if self.standing == Standing::InDoubt {
                self.look_later(ctx);
            }
            return;
        }
        let is_slow = self.took > LONG;
        let most = if is_slow { LARGE_BATCH } else { BATCH };
        if is_slow {
            senders_first(&mut self.waiting, most, |(_, owed)| {
                owed.reply.is_of_the_road_in()
            });
        }
        let take = count_within(self.waiting.iter().map(|(op, _)| op.body_bytes()), most);
        let (ops, owed): (Vec<_>, Vec<_>) = self.waiting.drain(..take).unzip();
        let batch = self.batch();
        self.write(batch.write(ops), owed, ctx);
    }

    fn batch(&self) -> Batch {
        Batch {
            tenant: self.tenant,
            fence: self.fence,
            epoch: self.epoch,
            head: self.head,
            standing: self.standing,
            arrived: Arrived::No,
            retention: self.keeping.now(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        }
    }

    fn write(
        &mut self,
        work: impl Future<Output = Committed> + 'static,
        owed: Vec<Owed>,
        ctx: &mut Context<Self>,
    ) {
        self.writing = true;
        let began = self.clock.monotonic();
        self.condition.begins(began);
        ctx.spawn(work.into_actor(self).map(move |committed, ledger, ctx| {
            ledger.writing = false;
            ledger.took = ledger.clock.monotonic().saturating_sub(began);
            ledger.condition.ends();
            ledger.settle(owed, committed, ctx);
            ledger.write_next(ctx);
        }));
    }

    /// Looks where the log stands after a pause, unless a batch finds it out before.
    fn look_later(&mut self, ctx: &mut Context<Self>) {
        self.looks = self.looks.saturating_add(1);
        let pause = self.batch().pause(TRIES.saturating_add(self.looks));
        let look = ctx.run_later(pause, |ledger, ctx| {
            if !ledger.writing && ledger.standing == Standing::InDoubt {
                let work = ledger.batch().end_doubt();
                ledger.write(work, Vec::new(), ctx);
            }
        });
        if let Some(before) = self.look.replace(look) {
            ctx.cancel_future(before);
        }
    }

    /// Notes the last event that tells of a file, before anybody sees that the log has moved past it.
    fn note_files(&self, committed: &Committed) {
        let told = committed.events.iter().rev().find(|event| tells_of_a_file(event));
        let unseen = committed
            .events
            .first()
            .is_none_or(|first| first.seq > self.head.next());
        // What a batch wrote whose answer was lost may tell of some, too.
        let last = if unseen {
            Some(committed.head)
        } else {
            told.map(|event| event.seq)
        };
        if let Some(last) = last {
            self.told_file.store(last.get(), Ordering::Release);
        }
    }

    fn settle(&mut self, owed: Vec<Owed>, committed: Committed, ctx: &mut Context<Self>) {
        let moved = committed.head > self.head;
        if moved {
            self.note_files(&committed);
        }
        self.head = committed.head;
        self.shown.store(self.head.get(), Ordering::Release);
        // Feeds read from the log what a batch wrote whose answer was lost.
        if moved {
            for event in &committed.events {
                metrics::events_committed_total(event.kind).increment(1);
                if event.tells_of_a_duplicate() {
                    metrics::outbound_duplicates_total().increment(1);
                }
            }
            metrics::feed_publishes_total().increment(1);
            let published = Published {
                head: self.head,
                events: committed.events.into(),
            };
            self.subscribers
                .retain(|subscriber| subscriber.publish(&published));
        }
        let failed = |kind: StoreErrorKind| {
            let mut failures = committed
                .results
                .iter()
                .filter_map(|result| result.as_ref().err());
            failures.any(|error| matches!(error, CommitError::Store(error) if error.kind == kind))
        };
        // Where the log stands is looked up after every doubt: if it stands elsewhere all the same, another one writes.
        let lost = failed(StoreErrorKind::Fenced) || failed(StoreErrorKind::HeadMoved);
        if lost {
            self.condition.loses(self.clock.monotonic());
        }
        self.standing = committed.standing;
        if self.standing == Standing::Known {
            self.looks = 0;
        }
        let mut arrived = committed.arrived;
        for (owed, result) in owed.into_iter().zip(committed.results) {
            let queues = matches!(&result, Ok(OpOutcome::Committed { queued: Some(_), .. }));
            if owed.reply.tell(result.as_ref()) == Heard::No && queues {
                arrived = Arrived::Yes;
            }
        }
        if arrived == Arrived::Yes {
            self.arrivals.send_replace(());
        }
        if lost {
            tracing::error!(tenant.id = %self.tenant, "another owner took over the ledger: stopping");
            ctx.stop();
        }
    }
}

/// How many of these go into one batch: at most so many, and at least one.
fn count_within(sizes: impl Iterator<Item = usize>, most: usize) -> usize {
    let mut bytes = 0_usize;
    sizes
        .take(most)
        .enumerate()
        .take_while(|(at, size)| {
            bytes = bytes.saturating_add(*size);
            *at == 0 || bytes <= BATCH_BYTES
        })
        .count()
}

impl Actor for Ledger {
    type Context = Context<Self>;
}

impl Handler<Admitted<Commit>> for Ledger {
    type Result = ();
    fn handle(&mut self, commit: Admitted<Commit>, ctx: &mut Context<Self>) {
        let Admitted {
            message: Commit { op, reply },
            place,
        } = commit;
        self.waiting.push((op, Owed { reply, _place: place }));
        // The batch is taken once the mailbox is drained, so that what came together is written together.
        if !self.writing && self.waiting.len() == 1 {
            ctx.notify(Gathered);
        }
    }
}

/// The mailbox had its turn: write what gathered.
#[derive(Message)]
#[rtype(result = "()")]
struct Gathered;

impl Handler<Gathered> for Ledger {
    type Result = ();
    fn handle(&mut self, _: Gathered, ctx: &mut Context<Self>) {
        self.write_next(ctx);
    }
}

impl Handler<Admitted<Subscribe>> for Ledger {
    type Result = ();
    fn handle(&mut self, subscribe: Admitted<Subscribe>, _: &mut Context<Self>) {
        let Subscribe { subscriber, reply } = subscribe.message;
        if reply
            .send(TenantHead {
                epoch: self.epoch,
                head: self.head,
            })
            .is_ok()
        {
            self.subscribers.push(subscriber);
        }
    }
}

impl Handler<Admitted<Relay>> for Ledger {
    type Result = ();
    fn handle(&mut self, relay: Admitted<Relay>, _: &mut Context<Self>) {
        let signal = Arc::new(relay.message.0);
        self.subscribers.retain(|subscriber| subscriber.signal(&signal));
    }
}

impl Handler<Admitted<AskIdle>> for Ledger {
    type Result = ();
    fn handle(&mut self, ask: Admitted<AskIdle>, _: &mut Context<Self>) {
        let Admitted { message, place } = ask;
        // What waits has a place, too: whoever asks looks at those next.
        drop(place);
        self.subscribers.retain(FeedSubscriber::is_there);
        let quiet = self.subscribers.is_empty() && self.standing == Standing::Known;
        // The asker may have gone.
        let _ = message.0.send(quiet);
    }
}

impl Handler<Admitted<Retire>> for Ledger {
    type Result = ();
    fn handle(&mut self, _: Admitted<Retire>, ctx: &mut Context<Self>) {
        self.subscribers.clear();
        ctx.stop();
    }
}

impl Handler<Admitted<Finish>> for Ledger {
    type Result = ();
    fn handle(&mut self, finish: Admitted<Finish>, ctx: &mut Context<Self>) {
        self.finishing.push(finish.message.0);
        self.write_next(ctx);
    }
}
