//! Several processes on one store: who has a tenant, and what one process tells another.

use std::time::Duration;

use super::error::StoreError;
use crate::domain::{JournalId, TenantId};

/// One process that uses a store which others use, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(i64);

impl ProcessId {
    /// Wraps a number that no other process has.
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// Whether other processes use the store at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// None can.
    Alone,
    /// Others may.
    WithOthers,
}

/// What a process says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// It serves.
    Serving,
    /// It ends in order: it applies no more webhooks, and finishes what is under way.
    Ending,
}

/// The process that took a tenant's lease last. A hint: who may write is decided by the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantOwner {
    /// The one that asks.
    ThisProcess,
    /// Another one, which lives.
    Living(ProcessId),
    /// Another one, which ends in order: nothing is left to it any more, and its tenants are its own until it is gone.
    Ending(ProcessId),
    /// Another one, which said nothing for so long that it is taken for dead, or which has ended.
    Gone(ProcessId),
}

/// How urgent a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody waits for it.
    Prompt,
    /// It holds nothing but statuses.
    Statuses,
}

/// A webhook in the journal that its taker leaves to the process which has the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarded {
    /// Its place in the journal.
    pub entry: JournalId,
    /// Whom it concerns.
    pub tenant: TenantId,
    /// Its bytes.
    pub size: usize,
    /// How urgent it is.
    pub urgency: Urgency,
}

/// For how long the cluster keeps what one process told another.
pub const FORWARDED_FOR: Duration = Duration::from_hours(1);

/// Whether there may be more to be read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rest {
    /// Not as far as is known.
    #[default]
    Nothing,
    /// There may be.
    More,
}

/// What others told, as far as it could be read now.
#[derive(Debug, Default)]
pub struct ForwardedPage {
    /// What they told, that of one sender in order.
    pub webhooks: Vec<Forwarded>,
    /// Rows that can never be read. They are passed over: what they told of stands in the journal.
    pub unreadable: usize,
    /// Whether some of them told more.
    pub rest: Rest,
    /// Why senders could not be read, one reason for all. What they told is read the next time.
    pub failed: Option<StoreError>,
}
