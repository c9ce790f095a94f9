//! The live tail of a tenant's ledger, from which sockets pull.
//!
//! The ledger publishes to one [`WorkerFeed`] per HTTP worker; whoever misses something reads the log. Publishing never
//! waits and never fails the commit. Sockets of one worker share one buffer of encoded events, and pull from it by cursor:
//! a socket that has caught up leaves its [`Outlet`] at its [`Subscription`] and is handed what comes, any other is woken. A socket
//! that does not read costs nothing but its own buffers.

mod coalescing;
mod cursor;
mod event_buffer;
mod idle_sockets;
mod log_reader;
mod publisher;
mod registry;
#[cfg(test)]
pub(crate) mod rig;
mod signals;
mod subscription;
mod subscriptions;
mod tail;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::domain::{AgentId, ConversationId, Event, Seq};

pub use cursor::{Cursor, Step};
pub use idle_sockets::{Left, Outlet};
pub use log_reader::{Paged, PagedEach};
pub use publisher::LiveHead;
pub use registry::{FeedLimits, FeedParts, Feeds};
pub use subscription::Subscription;
pub use tail::{Chunk, FeedWire, Pulled};
pub use worker::WorkerFeed;

/// Events that were committed together.
#[derive(Debug, Clone)]
pub struct Published {
    /// Where the log stands after them.
    pub head: Seq,
    /// In order, dense, ending at `head`.
    pub events: Arc<[Event]>,
}

/// What an agent does that is shown and not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// An agent types, or stopped.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        agent: AgentId,
        /// Whether it began.
        on: Typing,
    },
    /// Who looks at a conversation now.
    Viewing {
        /// Where.
        conversation: ConversationId,
        /// Everybody who does.
        agents: Vec<AgentId>,
    },
    /// Agents came, went or are busy.
    Presence {
        /// Who, and how.
        agents: Vec<(AgentId, Presence)>,
    },
}

/// Whether somebody types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Typing {
    /// Began.
    Began,
    /// Stopped.
    Stopped,
}

/// How available an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Takes conversations.
    Online,
    /// Is there, takes no new ones.
    Busy,
    /// Is not there.
    Offline,
}

/// One reader of the live tail, on a thread of its own. Must not block.
pub trait Subscriber: Send + Sync {
    /// Takes events, or notes that it missed some. Returns false once it is gone.
    fn publish(&self, published: &Published) -> bool;
    /// Takes a signal, or drops it. Returns false once it is gone.
    fn signal(&self, signal: &Arc<Signal>) -> bool;
    /// False once it is gone.
    fn is_there(&self) -> bool;
}

/// A reader that the ledger feeds.
#[derive(Clone)]
pub struct FeedSubscriber(Arc<dyn Subscriber>);

impl FeedSubscriber {
    /// Wraps a reader.
    pub fn new(subscriber: Arc<dyn Subscriber>) -> Self {
        Self(subscriber)
    }

    /// Hands over events; false once the reader is gone.
    pub(crate) fn publish(&self, published: &Published) -> bool {
        self.0.publish(published)
    }

    /// Hands over a signal; false once the reader is gone.
    pub(crate) fn signal(&self, signal: &Arc<Signal>) -> bool {
        self.0.signal(signal)
    }

    /// False once the reader is gone.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_there()
    }
}

impl std::fmt::Debug for FeedSubscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FeedSubscriber")
    }
}
