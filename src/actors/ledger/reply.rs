//! Who is told what became of an op, and how.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::store::{OpOutcome, StoreError};

/// Why an op was not committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The tenant has too much in hand.
    #[error("the tenant's ledger is busy")]
    Busy,
    /// The ledger stopped; a new one will take over.
    #[error("the tenant's ledger stopped")]
    Closed,
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody who wants to know what became of an op without waiting for it.
pub trait CommitObserver: Send + Sync {
    /// Called once, from the ledger's thread. Must not block.
    fn committed(&self, result: Result<&OpOutcome, &CommitError>);
}

/// Who is told what became of an op.
pub(in crate::actors) enum Reply {
    /// The caller waits.
    Waiting(oneshot::Sender<Result<OpOutcome, CommitError>>),
    /// An observer is called.
    Observer(Arc<dyn CommitObserver>),
    /// Nobody asks.
    Nobody,
}

impl Reply {
    /// Whether the op came by a webhook: the journal has it, so nobody waits for the commit.
    pub(super) const fn is_of_the_road_in(&self) -> bool {
        matches!(self, Self::Observer(_))
    }

    pub(super) fn tell(self, result: Result<&OpOutcome, &CommitError>) -> Heard {
        match self {
            Self::Waiting(sender) => match sender.send(result.cloned().map_err(Clone::clone)) {
                Ok(()) => Heard::Yes,
                Err(_gone) => Heard::No,
            },
            Self::Observer(observer) => {
                observer.committed(result);
                Heard::Yes
            }
            Self::Nobody => Heard::No,
        }
    }
}

/// Whether somebody took the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    No,
    Yes,
}
