//! What a declaration of a table says.

use super::OfUser;
use crate::store::transfer::RecordKind;

/// How long a row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// By the tenant's retention, from the message's own time.
    WithMessage,
    /// [`crate::domain::Retention::EVENTS`], or as long as messages where that is less.
    WithEvent,
    /// As long as its message, and no less than [`crate::domain::Retention::DEDUPE`].
    PastRetries,
    /// So many hours from when it was written.
    Hours(u64),
    /// Until its message is settled.
    UntilSettled,
    /// Until it is applied.
    UntilApplied,
    /// Until a time that the row itself names, or until it is removed.
    AsLongAsItSays,
    /// Until it is removed or replaced.
    UntilRemoved,
}

/// The person or business that a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A customer.
    Contact,
    /// A business.
    Tenant,
    /// Who looks after the gateway.
    Operator,
    /// A person who signs in.
    User,
    /// Nobody.
    Nobody,
}

/// What an erasure of its subject does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// It is removed.
    Removed,
    /// It stays without what it tells of the subject.
    Blanked,
    /// Nothing: it holds ids or digests alone, or is nobody's.
    Nothing,
    /// It is removed where a text in it is one of the subject's names.
    Searched,
    /// Nothing yet: whoever erases waits until it is applied.
    WaitedFor,
}

/// Whether a copy to another store takes a row along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// With the rows of a tenant's ledger.
    Ledger(RecordKind),
    /// By a call of its own.
    ByItself,
    /// With the rows of all plain tables.
    Plain,
    /// No: whoever takes the other rows in makes it.
    Made,
    /// No: it is about this store alone.
    No,
}

/// One kind of row.
#[derive(Debug)]
pub struct Table {
    /// Its name, also in reports of copies.
    pub name: &'static str,
    /// What a row is.
    pub says: &'static str,
    /// What names a row, first what stands together.
    pub key: &'static str,
    /// How long it is kept.
    pub kept: Kept,
    /// Whom it is about.
    pub subject: Subject,
    /// Fields that tell of a person, or that must stay secret.
    pub personal: &'static [&'static str],
    /// Fields that no export shows: they let somebody in, or say how.
    pub secret: &'static [&'static str],
    /// How the rows of one user are found. An account is erased in the order of [`super::ALL`].
    pub of_user: OfUser,
    /// What an erasure does to it.
    pub erasure: Erasure,
    /// Whether it is copied.
    pub copied: Copied,
    /// Where it stands in a data folder: the engine's keyspace, and the first letter of its keys where several kinds share one.
    pub folder: &'static [&'static str],
    /// Its tables on a cluster.
    pub cluster: &'static [&'static str],
}
