//! What a feed holds: the buffer, what was joined from it, and who waits.

use std::collections::VecDeque;
use std::task::Waker;

use bytes::Bytes;

use super::Signal;
use super::event_buffer::{EventBuffer, EventBufferLimits, Offered};
use super::signals::Signals;
use super::subscriptions::{Subscriptions, Turn};
use crate::domain::{Epoch, Event, EventKind, Seq};
use crate::store::TenantHead;

/// Bytes of events that are joined into one frame. A frame holds one event at least, however long it is.
pub(super) const JOIN: usize = 32 * 1024;
/// Joined frames that are kept for other sockets at the same cursor. They are at the head, with few exceptions.
const JOINED: usize = 4;
/// Positions by which a read of older events begins early, so that a herd of sockets with cursors close to each other
/// needs one read.
const HERD: u64 = 64;

/// How events and signals are written for sockets. Called once for all sockets of a worker.
#[derive(Debug, Clone, Copy)]
pub struct FeedWire {
    /// Joins events into one frame. The second argument is the sum of their lengths.
    pub events: fn(&mut dyn Iterator<Item = &Bytes>, usize) -> Bytes,
    /// One signal as a frame.
    pub signal: fn(&Signal) -> Bytes,
}

/// Events joined into one frame, shared by all sockets that stand where it begins.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The frame.
    pub bytes: Bytes,
    /// The position of its last event.
    pub through: Seq,
}

/// What a feed has for a cursor.
#[derive(Debug, Clone)]
pub enum Pulled {
    /// The events after it.
    Chunk(Chunk),
    /// Nothing yet: wait.
    Nothing,
    /// The feed reads what is missing: wait.
    Soon,
    /// It is older than what the feed can hold: read the log.
    Behind,
    /// What comes after it is no longer kept.
    Gone,
}

/// What there is at once for a socket that stands by.
#[derive(Debug, Clone)]
pub(super) enum Ready {
    /// The events after its position.
    Chunk {
        /// They.
        chunk: Chunk,
        /// Where they end.
        ends: Ends,
    },
    /// Nothing has come.
    Nothing,
    /// It is not in the buffer: the socket has to pull.
    Elsewhere,
}

/// Where a chunk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// With the newest event.
    AtHead,
    /// Before it: there is more.
    Before,
}

#[derive(Debug)]
struct Joined {
    after: Seq,
    /// Whether there was no room for the event after it.
    full: bool,
    chunk: Chunk,
}

/// See the module. Everything here is of one thread.
#[derive(Debug)]
pub(super) struct Tail {
    epoch: Epoch,
    buffer: EventBuffer,
    limits: EventBufferLimits,
    wire: FeedWire,
    joined: VecDeque<Joined>,
    /// The smallest position that is known to be readable, or at least not known to be gone.
    oldest: Seq,
    /// From where a socket needs older events than the buffer has.
    wanted: Option<Seq>,
    open: bool,
    ledgers: u64,
    pub(super) subscriptions: Subscriptions,
    pub(super) signals: Signals,
}

impl Tail {
    /// A feed that follows nothing yet.
    pub(super) fn new(limits: EventBufferLimits, wire: FeedWire) -> Self {
        Self {
            epoch: Epoch::default(),
            buffer: EventBuffer::at(Seq::default(), limits),
            limits,
            wire,
            joined: VecDeque::new(),
            oldest: Seq::default(),
            wanted: None,
            open: false,
            ledgers: 0,
            subscriptions: Subscriptions::default(),
            signals: Signals::default(),
        }
    }

    /// Follows a ledger that stands here. Goes on without a break when it is the same ledger as before.
    pub(super) fn follow(&mut self, ledger: TenantHead) {
        if self.epoch != ledger.epoch || !self.open || ledger.head < self.buffer.head() {
            self.epoch = ledger.epoch;
            self.oldest = Seq::default();
            self.restart(ledger.head);
        }
        self.open = true;
        self.ledgers = self.ledgers.wrapping_add(1);
    }

    /// How many ledgers it has followed, one after another.
    pub(super) fn ledgers(&self) -> u64 {
        self.ledgers
    }

    /// Ends the feed: sockets find it closed.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Whether it follows a ledger.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Identity of the ledger.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// How far it follows.
    pub(super) fn head(&self) -> Seq {
        self.buffer.head()
    }

    /// The position before its oldest event.
    pub(super) fn base(&self) -> Seq {
        self.buffer.base()
    }

    /// Drops everything and stands at a position. Sockets before it read the log.
    pub(super) fn restart(&mut self, at: Seq) {
        self.buffer = EventBuffer::at(at, self.limits);
        self.joined.clear();
        self.wanted = None;
    }

    /// Adds the newest event. With one that takes a message back, or says that something was erased, whatever came before is dropped:
    /// some of it was taken out of the log. Sockets that have not come so far read the log.
    pub(super) fn push(&mut self, event: &Event) -> Offered {
        if matches!(event.kind, EventKind::MessageRevoked | EventKind::Erased)
            && event.seq > self.buffer.head()
        {
            self.restart(self.buffer.head());
            self.buffer.close_below();
        }
        self.buffer.push(event.seq, event.json.clone())
    }

    /// Adds what was read after the newest event. What lies between is no longer kept.
    pub(super) fn catch_up(&mut self, oldest: Seq, newer: &[Event]) {
        self.oldest = self.oldest.max(oldest);
        for event in newer {
            if self.push(event) == Offered::Gap {
                self.restart(before(event.seq));
                self.push(event);
            }
        }
        if self.buffer.head().next() < oldest {
            self.restart(before(oldest));
        }
    }

    /// Adds older events that a socket wanted. Whatever is still missing then is not to be had here.
    pub(super) fn fill(&mut self, wanted: Seq, oldest: Seq, older: Vec<(Seq, Bytes)>) {
        self.oldest = self.oldest.max(oldest);
        if !self.buffer.is_closed_below() {
            self.buffer.extend_below(older.into_iter());
        }
        if self.buffer.base() > wanted {
            self.buffer.close_below();
        }
    }

    /// From where a socket needs older events, if any does.
    pub(super) fn wanted(&self) -> Option<Seq> {
        self.wanted.filter(|wanted| *wanted < self.buffer.base())
    }

    /// Says that a read of older events begins.
    pub(super) fn take_wanted(&mut self) -> Option<Seq> {
        self.wanted().inspect(|_| self.wanted = None)
    }

    /// The events after a cursor, as far as they fit into one frame.
    pub(super) fn pull(&mut self, after: Seq) -> Pulled {
        if after >= self.buffer.head() {
            return Pulled::Nothing;
        }
        if after < self.buffer.base() {
            return self.pull_older(after);
        }
        Pulled::Chunk(self.chunk(after))
    }

    /// The events after a position in the buffer one by one, as many as fit into one frame.
    pub(super) fn each(&self, after: Seq) -> Option<Vec<Bytes>> {
        if !self.open || after < self.buffer.base() || after >= self.buffer.head() {
            return None;
        }
        let (count, _, _) = self.fitting(after);
        Some(self.buffer.after(after).take(count).cloned().collect())
    }

    /// What is at hand for a cursor.
    fn ready(&mut self, after: Seq) -> Ready {
        if !self.open || after < self.buffer.base() {
            return Ready::Elsewhere;
        }
        if after >= self.buffer.head() {
            return Ready::Nothing;
        }
        let chunk = self.chunk(after);
        let ends = if chunk.through < self.buffer.head() {
            Ends::Before
        } else {
            Ends::AtHead
        };
        Ready::Chunk { chunk, ends }
    }

    /// The events after a position in the buffer.
    fn chunk(&mut self, after: Seq) -> Chunk {
        let known = self.joined.iter().find(|joined| joined.after == after);
        if let Some(joined) = known
            && (joined.full || joined.chunk.through == self.buffer.head())
        {
            return joined.chunk.clone();
        }
        self.join(after)
    }

    fn pull_older(&mut self, after: Seq) -> Pulled {
        if after.next() < self.oldest {
            return Pulled::Gone;
        }
        let behind = self.buffer.head().get().saturating_sub(after.get());
        if !self.buffer.is_open_below() || behind > u64::try_from(self.limits.events).unwrap_or(u64::MAX) {
            return Pulled::Behind;
        }
        let from = Seq::new(after.get().saturating_sub(after.get() % HERD));
        self.wanted = Some(self.wanted.map_or(from, |wanted| wanted.min(from)));
        Pulled::Soon
    }

    /// How many events after a position fit into one frame, how long they are, and whether that is less than all.
    fn fitting(&self, after: Seq) -> (usize, usize, bool) {
        let mut count = 0_usize;
        let mut bytes = 0_usize;
        let mut full = false;
        for json in self.buffer.after(after) {
            let longer = bytes.saturating_add(json.len()).saturating_add(1);
            if count > 0 && longer > JOIN {
                full = true;
                break;
            }
            count = count.saturating_add(1);
            bytes = longer;
        }
        (count, bytes, full)
    }

    fn join(&mut self, after: Seq) -> Chunk {
        let (count, bytes, full) = self.fitting(after);
        let through = after
            .get()
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let chunk = Chunk {
            bytes: (self.wire.events)(&mut self.buffer.after(after).take(count), bytes),
            through: Seq::new(through),
        };
        self.joined.retain(|joined| joined.after != after);
        if self.joined.len() >= JOINED {
            self.joined.pop_front();
        }
        self.joined.push_back(Joined {
            after,
            full,
            chunk: chunk.clone(),
        });
        chunk
    }

    /// Adds a signal.
    pub(super) fn signal(&mut self, signal: &Signal) {
        let frame = (self.wire.signal)(signal);
        self.signals.push(signal, frame);
    }

    /// Serves the places from one on, `count` at most; gives the one to go on from.
    pub(super) fn serve(&mut self, from: usize, count: usize, turn: &mut Turn) -> Option<usize> {
        let mut subscriptions = std::mem::take(&mut self.subscriptions);
        let next = subscriptions.serve(from, count, self.ledgers, |after| self.ready(after), turn);
        self.subscriptions = subscriptions;
        next
    }

    /// Moves everybody who waits to `out`.
    pub(super) fn drain_waiting(&mut self, out: &mut Vec<Waker>) {
        self.subscriptions.drain(out);
    }
}

fn before(seq: Seq) -> Seq {
    Seq::new(seq.get().saturating_sub(1))
}
