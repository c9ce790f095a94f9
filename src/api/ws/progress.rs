//! What a socket shows of itself to the reaper, from its own thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use crate::actors::feed::LiveHead;
use crate::domain::Seq;

/// A socket that has sent no event yet waits for none.
const NO_CURSOR: u64 = u64::MAX;

/// How a socket gets on.
#[derive(Debug)]
pub(super) struct Progress {
    moves: AtomicU64,
    cursor: AtomicU64,
    owes: AtomicBool,
    ending: AtomicBool,
    reaped: AtomicBool,
    /// Milliseconds on the monotonic clock; 0 for never.
    read: AtomicU64,
    head: LiveHead,
    waker: AtomicWaker,
}

/// What a socket would do if its client read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing waits for it.
    Nothing,
    /// Something waits to be read.
    Read,
    /// Its last frames wait to be read.
    End,
}

impl Progress {
    pub(super) fn new(head: LiveHead) -> Self {
        Self {
            moves: AtomicU64::new(0),
            cursor: AtomicU64::new(NO_CURSOR),
            owes: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            reaped: AtomicBool::new(false),
            read: AtomicU64::new(0),
            head,
            waker: AtomicWaker::new(),
        }
    }

    /// Something was written to the socket. Called by its thread alone.
    pub(super) fn moved(&self) {
        let moves = self.moves.load(Ordering::Relaxed);
        self.moves.store(moves.wrapping_add(1), Ordering::Relaxed);
    }

    /// Has this one woken when the socket is ended from outside.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Events up to here were handed to the socket.
    pub(super) fn sent(&self, seq: Seq) {
        self.cursor.store(seq.get(), Ordering::Relaxed);
    }

    /// Whether frames other than events wait.
    pub(super) fn set_owes(&self, owes: Owes) {
        self.owes.store(owes == Owes::Frames, Ordering::Relaxed);
    }

    /// The socket is to be closed.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// How often something was written so far.
    pub(super) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    /// What waits for the client.
    pub(super) fn want(&self) -> Want {
        if self.ending.load(Ordering::Relaxed) {
            Want::End
        } else if self.owes.load(Ordering::Relaxed)
            || self.head.get().get() > self.cursor.load(Ordering::Relaxed)
        {
            Want::Read
        } else {
            Want::Nothing
        }
    }

    /// The client was seen to read. Called by the reaper alone.
    pub(super) fn note_read(&self, now: Duration) {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.read.store(now, Ordering::Relaxed);
    }

    /// When the client was last seen to read.
    pub(super) fn last_read(&self) -> Duration {
        Duration::from_millis(self.read.load(Ordering::Relaxed))
    }

    /// Ends the connection from outside.
    pub(super) fn reap(&self) {
        self.reaped.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether it was ended from outside.
    pub(super) fn is_reaped(&self) -> bool {
        self.reaped.load(Ordering::Acquire)
    }
}

/// Whether frames other than events wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owes {
    /// Some do.
    Frames,
    /// None does.
    Nothing,
}
