//! How far a client has read, and what to do next about it. Never passes over an event without saying so.

use bytes::Bytes;

use super::log_reader::Paged;
use super::tail::{Chunk, Pulled};
use crate::domain::{Epoch, Seq};
use crate::store::TenantHead;
use crate::telemetry::labels::ResyncReason;

/// What a socket does next about events.
#[derive(Debug, Clone)]
pub enum Step {
    /// Send this frame.
    Send(Bytes),
    /// There is nothing to send now.
    Wait,
    /// Read the log after [`Cursor::seq`], then ask [`Cursor::take_page`].
    Read,
    /// Tell the client to load afresh; what follows begins after [`Cursor::seq`].
    Resync(ResyncReason),
}

/// A client's cursor: everything up to `seq` of the ledger `epoch` was sent, or announced as lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    epoch: Epoch,
    seq: Seq,
    /// Events behind which a client is told to load afresh instead of reading them all.
    patience: u64,
}

impl Cursor {
    /// Begins where a client says that it stands, or at the head. `ledger` must be read after the client spoke.
    pub fn begin(
        claimed: Option<TenantHead>,
        ledger: TenantHead,
        patience: u64,
    ) -> (Self, Option<ResyncReason>) {
        let TenantHead { epoch, head } = ledger;
        let cursor = |seq| Self { epoch, seq, patience };
        match claimed {
            None => (cursor(head), None),
            Some(at) if at.epoch != epoch => (cursor(head), Some(ResyncReason::EpochChanged)),
            Some(at) if at.head > head => (cursor(head), Some(ResyncReason::Ahead)),
            Some(at) if head.get().saturating_sub(at.head.get()) > patience => {
                (cursor(head), Some(ResyncReason::TooFar))
            }
            Some(at) => (cursor(at.head), None),
        }
    }

    /// Identity of the ledger.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Events follow from the next position.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Takes note of events that were handed over without asking.
    pub fn passed(&mut self, through: Seq) {
        self.seq = self.seq.max(through);
    }

    /// Decides about what the feed of the ledger `feed` had for this cursor.
    pub fn take(&mut self, pulled: Pulled, feed: TenantHead) -> Step {
        if feed.epoch != self.epoch {
            return self.jump(feed, ResyncReason::EpochChanged);
        }
        match pulled {
            Pulled::Chunk(chunk) => self.send(chunk),
            Pulled::Nothing | Pulled::Soon => Step::Wait,
            Pulled::Gone => self.jump(feed, ResyncReason::TooOld),
            Pulled::Behind if feed.head.get().saturating_sub(self.seq.get()) > self.patience => {
                self.jump(feed, ResyncReason::TooFar)
            }
            Pulled::Behind => Step::Read,
        }
    }

    /// Decides about what the log had after this cursor.
    pub fn take_page(&mut self, paged: Paged, feed: TenantHead) -> Step {
        if feed.epoch != self.epoch {
            return self.jump(feed, ResyncReason::EpochChanged);
        }
        match paged {
            Paged::Chunk(chunk) => self.send(chunk),
            Paged::Nothing => Step::Wait,
            Paged::Gone => self.jump(feed, ResyncReason::TooOld),
        }
    }

    fn send(&mut self, chunk: Chunk) -> Step {
        debug_assert!(chunk.through > self.seq, "a chunk holds at least one event");
        self.seq = chunk.through;
        Step::Send(chunk.bytes)
    }

    fn jump(&mut self, to: TenantHead, reason: ResyncReason) -> Step {
        self.epoch = to.epoch;
        self.seq = to.head;
        Step::Resync(reason)
    }
}

#[cfg(test)]
mod tests;
