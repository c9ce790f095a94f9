//! One tenant in this process: who writes, where the ledger stands, and its list of conversations.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::list::ConversationList;
use super::row_cache::Term;
use crate::domain::{Epoch, Fence, Seq, TenantId, Timestamp};

/// The right to write to a ledger, and where it stood after the last commit.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) term: Term,
    pub(super) fence: Fence,
    pub(super) epoch: Epoch,
    pub(super) head: Seq,
    pub(super) stamp: i64,
    pub(super) events_until: Timestamp,
    /// When it last committed, by its own clock.
    pub(super) last: Timestamp,
    /// Whether the commit record still holds the rows of the last commit.
    pub(super) holds_rows: bool,
}

/// The oldest event that may be read, found for a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oldest {
    pub(super) seq: Seq,
    pub(super) expires: Timestamp,
    pub(super) as_of: Timestamp,
}

/// A tenant.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    /// Held while something is committed. Empty: nobody here owns the ledger, or it is not known where it stands.
    pub(super) owned: tokio::sync::Mutex<Option<Owned>>,
    /// The last fence under which this process asked for the ledger.
    fence: Mutex<Option<Fence>>,
    /// One more than the head that readers see; 0 while the ledger is not owned here.
    shown: AtomicU64,
    /// Counts what readers may have noticed: commits, and changes of the owner.
    version: AtomicU64,
    /// Counts removals of messages: whoever read meanwhile may have missed some that moved.
    removals: AtomicU64,
    /// When the last commit was made, by its own clock, in milliseconds.
    committed: AtomicI64,
    /// Under which rows are remembered that were read or written here; `None` while the ledger is not owned here.
    term: Mutex<Option<Term>>,
    /// Conversations in order of activity.
    pub(super) conversations: Mutex<ConversationList>,
    /// Held by whoever fills the list.
    pub(super) filling: tokio::sync::Mutex<()>,
    /// Whether its contacts are known to stand under their terms, those of an earlier version, too.
    has_terms: AtomicBool,
    /// Where readable events begin.
    pub(super) oldest: Mutex<Option<Oldest>>,
}

pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done inside: what a panic interrupted is filled again from the cluster.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ownership {
    /// This process asks for the ledger under a fence of its own.
    pub(super) fn asks(&self, fence: Fence) {
        let mut own = lock(&self.fence);
        *own = (*own).max(Some(fence));
    }

    /// Whether a fence is the last that this process asked under.
    pub(super) fn is_own(&self, fence: Fence) -> bool {
        *lock(&self.fence) == Some(fence)
    }

    /// The head, as far as its rows are written; `None` while the ledger is not owned here.
    pub(super) fn shown_head(&self) -> Option<Seq> {
        self.shown.load(Ordering::Acquire).checked_sub(1).map(Seq::new)
    }

    /// What a reader saw is as it was while this stays the same; `None` while the ledger is not owned here.
    pub(super) fn version(&self) -> Option<u64> {
        let version = self.version.load(Ordering::Acquire);
        self.shown_head().map(|_owned| version)
    }

    /// How often messages were removed so far.
    pub(super) fn removals(&self) -> u64 {
        self.removals.load(Ordering::Acquire)
    }

    /// Messages are about to be removed from where they stand.
    pub(super) fn removes_messages(&self) {
        self.removals.fetch_add(1, Ordering::AcqRel);
    }

    /// What this process remembers of the tenant's rows is what stands there, under this term.
    pub(super) fn term(&self) -> Option<Term> {
        *lock(&self.term)
    }

    /// When the last commit was made, by its own clock.
    pub(super) fn committed(&self) -> Timestamp {
        Timestamp::from_millis(self.committed.load(Ordering::Acquire))
    }

    /// A commit was made.
    pub(super) fn commits(&self, now: Timestamp) {
        self.committed.store(now.as_millis(), Ordering::Release);
    }

    /// Whether its contacts are known to stand under their terms.
    pub(super) fn has_terms(&self) -> bool {
        self.has_terms.load(Ordering::Acquire)
    }

    /// They do.
    pub(super) fn note_terms(&self) {
        self.has_terms.store(true, Ordering::Release);
    }

    /// The ledger is owned here.
    pub(super) fn begin(&self, term: Term) {
        *lock(&self.term) = Some(term);
    }

    /// Readers may see everything up to here.
    pub(super) fn show(&self, head: Seq) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.shown.store(head.get().saturating_add(1), Ordering::Release);
    }

    /// The ledger is not owned here any more: nothing that was remembered of it is believed.
    pub(super) fn give_up(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.shown.store(0, Ordering::Release);
        *lock(&self.term) = None;
        lock(&self.conversations).empty();
        *lock(&self.oldest) = None;
    }
}

/// All tenants that this process met.
#[derive(Debug, Default)]
pub(super) struct Ownerships {
    all: Mutex<HashMap<TenantId, Arc<Ownership>>>,
    terms: AtomicU64,
}

impl Ownerships {
    /// Whether and how this process owns a tenant.
    pub(super) fn of(&self, tenant: TenantId) -> Arc<Ownership> {
        Arc::clone(lock(&self.all).entry(tenant).or_default())
    }

    /// The same, if this process ever wrote for it.
    pub(super) fn find(&self, tenant: TenantId) -> Option<Arc<Ownership>> {
        lock(&self.all).get(&tenant).map(Arc::clone)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<(TenantId, Arc<Ownership>)> {
        lock(&self.all)
            .iter()
            .map(|(tenant, ownership)| (*tenant, Arc::clone(ownership)))
            .collect()
    }

    /// Another ownership, never met before.
    pub(super) fn term(&self, tenant: TenantId) -> Term {
        Term {
            tenant,
            number: self.terms.fetch_add(1, Ordering::Relaxed),
        }
    }
}
