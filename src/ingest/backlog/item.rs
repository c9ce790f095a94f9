//! An entry of the journal as it waits, and what of it is whose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::domain::{JournalId, TenantId};
use crate::store::JournalEntry;
use crate::whatsapp::webhook::Haste;

/// Who waits in turn: a tenant, or those whom nobody knows, together.
pub(in crate::ingest) type Owner = Option<TenantId>;

/// A queue: what is urgent and what is not wait apart, so that the one does not wait for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::ingest) struct Flow {
    /// Whose.
    pub(in crate::ingest) owner: Owner,
    /// How urgent.
    pub(in crate::ingest) haste: Haste,
}

/// Which of an entry's elements one owner's turn applies.
#[derive(Debug, Clone)]
pub(in crate::ingest) enum Part {
    /// All of them.
    Whole,
    /// Those of one owner; the first of them applies what is nobody's, too.
    Of(Arc<Parts>),
}

/// The owners of an entry that has several. It is done when each of them has applied its part.
#[derive(Debug)]
pub(in crate::ingest) struct Parts {
    owners: Vec<TenantId>,
    left: AtomicUsize,
}

impl Part {
    /// One for each of these owners.
    pub(in crate::ingest) fn among(owners: &[TenantId]) -> Self {
        if owners.len() < 2 {
            return Self::Whole;
        }
        Self::Of(Arc::new(Parts {
            owners: owners.to_vec(),
            left: AtomicUsize::new(owners.len()),
        }))
    }

    /// Whether it is all that the entry has, for all whom it concerns.
    pub(in crate::ingest) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }

    /// Of the owners of one element, those to whom this part hands it.
    pub(in crate::ingest) fn of(&self, own: Owner, owners: Vec<TenantId>) -> Vec<TenantId> {
        let Self::Of(parts) = self else { return owners };
        let is_first = parts.owners.first().copied() == own;
        let takes = |owner: &TenantId| Some(*owner) == own || is_first && !parts.owners.contains(owner);
        owners.into_iter().filter(takes).collect()
    }

    /// Whether what belongs to nobody is this part's.
    pub(in crate::ingest) fn takes_strays(&self, own: Owner) -> Strays {
        match self {
            Self::Of(parts) if parts.owners.first().copied() != own => Strays::LeftToAnother,
            Self::Of(_) | Self::Whole => Strays::Taken,
        }
    }

    /// Notes that this part is applied. Whether the whole entry is done.
    pub(in crate::ingest) fn ends(&self) -> Ends {
        match self {
            Self::Of(parts) if parts.left.fetch_sub(1, Ordering::AcqRel) > 1 => Ends::Part,
            Self::Of(_) | Self::Whole => Ends::Entry,
        }
    }
}

/// What becomes of elements that belong to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Strays {
    /// They are put aside.
    Taken,
    /// Another part does that.
    LeftToAnother,
}

/// What is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum Ends {
    /// One owner's part; others are left.
    Part,
    /// All of it.
    Entry,
}

/// Which process took an entry in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum TakenIn {
    /// This one, or one whose entries it found in the journal.
    Here,
    /// Another one, which told this process of it.
    Elsewhere,
}

/// An entry that waits for its owner's turn.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct Item {
    /// Its place in the journal.
    pub(in crate::ingest) id: JournalId,
    /// Its bytes, or at least as many as a turn is charged.
    pub(in crate::ingest) size: usize,
    /// The entry, while there is room for it in memory; else it is read from the journal.
    pub(in crate::ingest) entry: Option<JournalEntry>,
    /// What of it is applied.
    pub(in crate::ingest) part: Part,
    /// Who took it in.
    pub(in crate::ingest) taken_in: TakenIn,
}

impl Item {
    /// Bytes held in memory.
    pub(super) fn kept(&self) -> usize {
        self.entry.as_ref().map_or(0, |entry| entry.body.len())
    }
}
