//! How long the ledger's messages are kept: said at the last moment, so that a change counts at once.
//!
//! No op says how long its message is kept. What is written goes by what holds when its batch is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{CommitError, LedgerHandle};
use crate::domain::{Author, ConversationId, Retention};
use crate::store::Op;
use crate::store::op::{Organise, OrganiseChange};

/// Days.
#[derive(Debug, Clone)]
pub(super) struct Keeping(Arc<AtomicU32>);

impl Keeping {
    pub(super) fn of(days: Retention) -> Self {
        Self(Arc::new(AtomicU32::new(days.get())))
    }

    fn set(&self, days: Retention) {
        self.0.store(days.get(), Ordering::Release);
    }

    /// What holds now.
    pub(super) fn now(&self) -> Retention {
        // Only a retention is ever put in.
        Retention::days(self.0.load(Ordering::Acquire)).unwrap_or(Retention::DEFAULT)
    }
}

impl LedgerHandle {
    /// From the next batch on, messages are kept for so long.
    pub fn keep_for(&self, days: Retention) {
        self.keeping.set(days);
    }

    /// Waits until the batch that may be under way is committed: after this, nothing is written as it was before.
    pub async fn pass(&self) -> Result<(), CommitError> {
        // An op that changes nothing, about a conversation that nobody has. How long a batch is kept is decided when it is
        // taken: whichever batch this is in, the one under way before it is over.
        let op = Op::Organise(Organise {
            conversation: ConversationId::from_bytes([0; 16]),
            author: Author::Contact,
            change: OrganiseChange::Read { seen: None },
        });
        self.commit(op).await.map(|_refused| ())
    }
}
