//! A socket's place at a feed: everything that it asks of it.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;

use super::idle_sockets::{IdleSocket, Left, Outlet};
use super::log_reader::{Paged, PagedEach};
use super::publisher::LiveHead;
use super::registry::Core;
use super::subscriptions::Place;
use super::tail::Pulled;
use super::worker::Nudge;
use crate::domain::{ConversationId, Epoch, Seq};
use crate::store::StoreError;

/// A socket's place at its tenant's feed. Given up when dropped. Stays on the feed's thread.
pub struct Subscription {
    core: Rc<Core>,
    place: Place,
}

impl Subscription {
    pub(super) fn take(core: Rc<Core>) -> Self {
        let place = core.tail.borrow_mut().subscriptions.subscribe();
        Self { core, place }
    }

    /// Whether the feed still follows its ledger. If not, the socket should come back later.
    pub fn is_open(&self) -> bool {
        self.core.tail.borrow().is_open()
    }

    /// How many ledgers the feed has followed, one after another: each new one has a new tenant actor behind it.
    pub fn ledgers(&self) -> u64 {
        self.core.tail.borrow().ledgers()
    }

    /// Identity of the ledger.
    pub fn epoch(&self) -> Epoch {
        self.core.tail.borrow().epoch()
    }

    /// The newest position that can be pulled, or that is being read.
    pub fn head(&self) -> Seq {
        self.core.marks.head()
    }

    /// The same for other threads.
    pub fn live_head(&self) -> LiveHead {
        LiveHead(Arc::clone(&self.core.marks))
    }

    /// The events after a cursor, joined into one frame.
    pub fn pull(&self, after: Seq) -> Pulled {
        let mut tail = self.core.tail.borrow_mut();
        let first = tail.wanted().is_none();
        let pulled = tail.pull(after);
        drop(tail);
        if matches!(pulled, Pulled::Soon) && first {
            self.core.nudge(Nudge::Read);
        }
        pulled
    }

    /// The events after a cursor one by one, as many as are joined into one frame; `None` where they are not in the buffer, or there are
    /// none: then [`Self::pull`] says what to do.
    pub fn each(&self, after: Seq) -> Option<Vec<Bytes>> {
        self.core.tail.borrow().each(after)
    }

    /// Reads the log after a cursor that is older than what the feed holds, for who takes the events one by one.
    pub fn read_each(&self, after: Seq) -> impl Future<Output = Result<PagedEach, StoreError>> + 'static {
        self.core.log.clone().read_each(after)
    }

    /// Reads the log after a cursor that is older than what the feed holds.
    pub fn read(&self, after: Seq) -> impl Future<Output = Result<Paged, StoreError>> + 'static {
        self.core.log.clone().read(after)
    }

    /// The number of the newest signal.
    pub fn last_signal(&self) -> u64 {
        self.core.tail.borrow().signals.last()
    }

    /// The signals after a number, joined.
    pub fn signals(&self, after: u64) -> Option<Bytes> {
        self.core.tail.borrow_mut().signals.after(after)
    }

    /// The same one by one, each with the conversation that it is about.
    pub fn each_signal(&self, after: u64) -> Vec<(Option<ConversationId>, Bytes)> {
        self.core.tail.borrow().signals.each_after(after)
    }

    /// Counts bytes that were handed to the socket.
    pub fn took(&self, bytes: usize) {
        self.core.take(bytes);
    }

    /// Has this one woken at the next event, signal, or end.
    pub fn wait(&self, waker: &Waker) {
        self.core.tail.borrow_mut().subscriptions.wait(self.place, waker);
    }

    /// Has the feed itself write what follows a cursor, which must have been pulled up to the end. Whoever stands by is
    /// also woken whenever it has to look, see [`Self::wait`].
    pub fn stand_by(&self, after: Seq, outlet: Rc<dyn Outlet>) {
        let mut tail = self.core.tail.borrow_mut();
        let idle = IdleSocket::new(outlet, after, tail.ledgers());
        tail.subscriptions.stand_by(self.place, idle);
    }

    /// Ends standing by, and says how far the socket got meanwhile.
    pub fn take_back(&self) -> Option<Left> {
        self.core.tail.borrow_mut().subscriptions.take_back(self.place)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.core.tail.borrow_mut().subscriptions.leave(self.place);
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscription({})", self.core.log.tenant)
    }
}
