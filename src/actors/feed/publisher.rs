//! The ledger's end of a feed: hands over what was committed, from the ledger's thread, without ever waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::worker::WorkerFeed;
use super::{Published, Signal, Subscriber};
use crate::actors::bounded::{BoundedAddr, Refused};
use crate::domain::Seq;

/// What a publisher tells beside the mailbox, so that nothing is forgotten when the mailbox is full.
#[derive(Debug, Default)]
pub(super) struct Marks {
    head: AtomicU64,
    missed: AtomicBool,
}

impl Marks {
    /// The newest position that the ledger told of.
    pub(super) fn head(&self) -> Seq {
        Seq::new(self.head.load(Ordering::Acquire))
    }

    /// Takes note of a position that the ledger reached.
    pub(super) fn raise(&self, head: Seq) {
        self.head.fetch_max(head.get(), Ordering::AcqRel);
    }

    /// Forgets the position before another ledger is followed, which may stand further back.
    pub(super) fn reset(&self) {
        self.head.store(0, Ordering::Release);
    }

    /// Whether something did not fit into the mailbox since this was last asked.
    pub(super) fn take_missed(&self) -> bool {
        self.missed.swap(false, Ordering::AcqRel)
    }
}

/// Where a tenant's ledger stands, readable from any thread: how the reaper knows that a socket has something to read.
#[derive(Debug, Clone, Default)]
pub struct LiveHead(pub(super) Arc<Marks>);

impl LiveHead {
    /// The newest position.
    pub fn get(&self) -> Seq {
        self.0.head()
    }
}

/// Subscribes a feed to a ledger. The ledger drops it when it ends, and the feed notices.
pub(super) struct Publisher {
    pub(super) addr: BoundedAddr<WorkerFeed>,
    pub(super) marks: Arc<Marks>,
}

impl Publisher {
    fn offer<M>(&self, message: M) -> bool
    where
        M: Send + 'static,
        WorkerFeed: actix::Handler<crate::actors::Admitted<M>>,
    {
        match self.addr.try_tell(message) {
            Ok(()) => true,
            Err(Refused::Full(_)) => {
                self.marks.missed.store(true, Ordering::Release);
                true
            }
            Err(Refused::Closed(_)) => false,
        }
    }
}

impl Subscriber for Publisher {
    fn publish(&self, published: &Published) -> bool {
        self.marks.raise(published.head);
        self.offer(published.clone())
    }

    fn signal(&self, signal: &Arc<Signal>) -> bool {
        self.offer(Arc::clone(signal))
    }

    fn is_there(&self) -> bool {
        self.addr.is_connected()
    }
}
