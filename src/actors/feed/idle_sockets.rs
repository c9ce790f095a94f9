//! Sockets that wait with nothing in hand, and are handed events by the feed itself.
//!
//! Waking a task costs more than all that it then does to deliver one event. So a socket that has caught up leaves its
//! outlet at its subscription, and the feed writes what comes straight to it. Whatever is out of the ordinary (no room, another
//! ledger, events that are not at hand) is left to the task, which is woken and takes the place of the outlet again.

use std::rc::Rc;

use bytes::Bytes;

use super::tail::Chunk;
use crate::domain::Seq;

/// Where a socket's frames go. Never waits.
pub trait Outlet {
    /// Writes as much of a chunk as there is room for, and says how many bytes it was. None at all when the connection
    /// is broken: its task finds out.
    fn write(&self, chunk: &Chunk) -> usize;
}

/// What a socket left at its subscription.
pub(super) struct IdleSocket {
    outlet: Rc<dyn Outlet>,
    /// The ledgers that the feed had followed then; after another the task has to look.
    ledgers: u64,
    left: Left,
}

/// How far a socket got while its task slept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The position up to which events were handed over.
    pub after: Seq,
    /// What of the last one had no room.
    pub rest: Bytes,
}

impl IdleSocket {
    pub(super) fn new(outlet: Rc<dyn Outlet>, after: Seq, ledgers: u64) -> Self {
        Self {
            outlet,
            ledgers,
            left: Left {
                after,
                rest: Bytes::new(),
            },
        }
    }

    /// Whether it can be served: the feed still follows the ledger of which the socket has everything up to
    /// [`Self::after`], and nothing is left over, behind which what follows would have to wait.
    pub(super) fn is_ready(&self, ledgers: u64) -> bool {
        self.ledgers == ledgers && self.left.rest.is_empty()
    }

    pub(super) fn after(&self) -> Seq {
        self.left.after
    }

    pub(super) fn into_left(self) -> Left {
        self.left
    }

    /// Hands over the events that follow, and says how many bytes of them there was room for.
    pub(super) fn serve(&mut self, chunk: &Chunk) -> usize {
        let written = self.outlet.write(chunk).min(chunk.bytes.len());
        self.left.after = chunk.through;
        if written < chunk.bytes.len() {
            self.left.rest = chunk.bytes.slice(written..);
        }
        written
    }
}

impl std::fmt::Debug for IdleSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdleSocket")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
