//! What the rest of the process sees of a tenant's ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::condition::Condition;
use super::keeping::Keeping;
use super::reply::{CommitError, CommitObserver, Reply};
use super::{Ledger, PATIENCE};
use crate::actors::bounded::{BoundedAddr, END_PATIENCE, Refused};
use crate::actors::feed::{FeedSubscriber, Signal};
use crate::actors::messages::ledger::{AskIdle, Commit, Finish, Relay, Retire, Subscribe};
use crate::domain::{Epoch, Fence, Seq, TenantId};
use crate::store::{Op, OpOutcome, TenantHead};

/// A handle to a tenant's ledger.
#[derive(Debug, Clone)]
pub struct LedgerHandle {
    pub(super) addr: BoundedAddr<Ledger>,
    pub(super) tenant: TenantId,
    pub(super) epoch: Epoch,
    pub(super) fence: Fence,
    pub(super) head: Arc<AtomicU64>,
    pub(super) told_file: Arc<AtomicU64>,
    pub(super) keeping: Keeping,
    pub(super) condition: Condition,
    pub(super) arrivals: watch::Sender<()>,
    /// How many wait for a commit.
    pub(super) callers: Arc<AtomicUsize>,
}

/// One who waits for a commit.
struct Caller<'a>(&'a AtomicUsize);

impl<'a> Caller<'a> {
    fn joins(callers: &'a AtomicUsize) -> Self {
        callers.fetch_add(1, Ordering::AcqRel);
        Self(callers)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl LedgerHandle {
    /// Where the log stands at least. Rows read after this call hold everything up to here.
    pub fn head(&self) -> TenantHead {
        TenantHead {
            epoch: self.epoch,
            head: Seq::new(self.head.load(Ordering::Acquire)),
        }
    }

    /// The last event of this ledger that tells of a file; where it was opened, while there is none. Read it after the head: what is
    /// told of up to there is counted.
    pub fn told_file(&self) -> Seq {
        Seq::new(self.told_file.load(Ordering::Acquire))
    }

    /// Whose ledger it is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Identity of the ledger.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The fence under which it writes; lanes claim under the same.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Whether it still takes ops.
    pub fn is_connected(&self) -> bool {
        self.addr.is_connected()
    }

    /// Whether what is handed over now would wait for a store that is away. `now` is of the monotonic clock.
    pub fn hangs(&self, now: Duration) -> bool {
        self.condition.hangs(now)
    }

    /// Takes note that another process owns the log.
    pub(crate) fn lose(&self, now: Duration) {
        self.condition.loses(now);
    }

    /// Whether another process turned out to own the log.
    pub(crate) fn was_lost(&self) -> bool {
        self.condition.is_lost()
    }

    /// For how much longer the log is left to the process that took it; `None` when nobody did, or long ago.
    pub(crate) fn hands_off(&self, now: Duration) -> Option<Duration> {
        self.condition.hands_off(now)
    }

    /// How many wait for a commit: what they asked for is refused when it takes too long.
    pub fn callers(&self) -> usize {
        self.callers.load(Ordering::Acquire)
    }

    /// Ops in hand.
    pub fn depth(&self) -> usize {
        self.addr.depth()
    }

    /// Commits an op and waits until it is durable. Dropping the future does not take the op back.
    pub async fn commit(&self, op: Op) -> Result<OpOutcome, CommitError> {
        let _caller = Caller::joins(&self.callers);
        let (sender, answer) = oneshot::channel();
        let commit = Commit {
            op,
            reply: Reply::Waiting(sender),
        };
        match self.addr.tell(commit, PATIENCE).await {
            Ok(()) => answer.await.unwrap_or(Err(CommitError::Closed)),
            Err(Refused::Full(_)) => Err(CommitError::Busy),
            Err(Refused::Closed(_)) => Err(CommitError::Closed),
        }
    }

    /// Hands over an op of the road in and has the observer called when it is durable. Waits for room, not for the commit. An
    /// op that is not taken is an error that the observer is told, too. Where the store is slow, ops of those who wait for
    /// the commit go first.
    pub async fn commit_observed(
        &self,
        op: Op,
        observer: Arc<dyn CommitObserver>,
        patience: Duration,
    ) -> Result<(), CommitError> {
        let commit = Commit {
            op,
            reply: Reply::Observer(observer),
        };
        let (commit, error) = match self.addr.tell(commit, patience).await {
            Ok(()) => return Ok(()),
            Err(Refused::Full(commit)) => (commit, CommitError::Busy),
            Err(Refused::Closed(commit)) => (commit, CommitError::Closed),
        };
        let _ = commit.reply.tell(Err(&error));
        Err(error)
    }

    /// Hands over an op whose outcome nobody waits for, unless the ledger is busy; says whether it was taken.
    pub fn offer(&self, op: Op) -> bool {
        self.addr
            .try_tell(Commit {
                op,
                reply: Reply::Nobody,
            })
            .is_ok()
    }

    /// Adds a live reader and returns where the log stands: everything after that will be published to it.
    pub async fn subscribe(&self, subscriber: FeedSubscriber) -> Result<TenantHead, CommitError> {
        let (reply, answer) = oneshot::channel();
        match self.addr.tell(Subscribe { subscriber, reply }, PATIENCE).await {
            Ok(()) => answer.await.map_err(|_gone| CommitError::Closed),
            Err(Refused::Full(_)) => Err(CommitError::Busy),
            Err(Refused::Closed(_)) => Err(CommitError::Closed),
        }
    }

    /// Says when the log turned out to have what nobody was told of: commits that were in doubt, or whose askers were gone.
    pub(crate) fn arrivals(&self) -> watch::Receiver<()> {
        self.arrivals.subscribe()
    }

    /// Tells connected agents something that is not kept: typing, viewing, presence. Lost when the ledger is busy.
    pub fn relay(&self, signal: Signal) {
        drop(self.addr.try_tell(Relay(signal)));
    }

    /// Whether nobody listens, nothing waits and nothing is in doubt. False also when it does not say so.
    pub(crate) async fn is_idle(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        let asked = self.addr.try_tell(AskIdle(reply)).is_ok();
        asked && answer.await == Ok(true) && self.depth() == 0
    }

    /// Stops the ledger at once, because another writer takes over. What it was not told committed is offered again by
    /// whoever asked for it.
    pub(crate) async fn retire(&self) {
        drop(self.addr.tell(Retire, PATIENCE).await);
    }

    /// Commits what waits, then stops the ledger.
    pub async fn finish(&self) {
        let (sender, finished) = oneshot::channel();
        if self.addr.tell(Finish(sender), END_PATIENCE).await.is_ok() {
            // A ledger that stopped before has nothing left to commit.
            let _ = finished.await;
        }
    }
}
