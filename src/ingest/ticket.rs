//! The books on one journal entry: done when every op that came of it is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::fairness::Place;
use crate::actors::{CommitError, CommitObserver};
use crate::domain::JournalId;
use crate::store::{OpOutcome, StoreErrorKind};
use crate::telemetry::labels::ElementKind;
use crate::telemetry::metrics;

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Everything of it is committed, or put aside.
    Done,
    /// Something of it is not; it must be applied again.
    Again,
    /// Something of it can never be committed.
    Poison,
}

impl Verdict {
    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Again => 1,
            Self::Poison => 2,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::Again,
            _ => Self::Poison,
        }
    }
}

/// An entry that is no longer in hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) entry: JournalId,
    pub(super) verdict: Verdict,
}

/// One entry in hand. Each op holds a share; the last one to go reports how the entry ended.
pub(super) struct Ticket {
    entry: JournalId,
    verdict: AtomicU8,
    ended: mpsc::Sender<Ended>,
    _place: OwnedSemaphorePermit,
}

impl Ticket {
    /// Opens the books. The place bounds the entries in hand, and so what `ended` must hold.
    pub(super) fn new(entry: JournalId, ended: mpsc::Sender<Ended>, place: OwnedSemaphorePermit) -> Self {
        Self {
            entry,
            verdict: AtomicU8::new(Verdict::Done.code()),
            ended,
            _place: place,
        }
    }

    /// Notes something that keeps the entry from being done. The worst one counts.
    pub(super) fn note(&self, verdict: Verdict) {
        self.verdict.fetch_max(verdict.code(), Ordering::AcqRel);
    }
}

/// A ticket's share for one op. An op that nobody tells the end of, because its ledger stopped, is applied again.
pub(super) struct Share {
    // Freed before the ticket says how the entry ended.
    _place: Place,
    ticket: Arc<Ticket>,
    kind: ElementKind,
    told: AtomicBool,
}

impl Share {
    /// Takes a share.
    pub(super) fn of(ticket: &Arc<Ticket>, kind: ElementKind, place: Place) -> Self {
        Self {
            _place: place,
            ticket: Arc::clone(ticket),
            kind,
            told: AtomicBool::new(false),
        }
    }
}

impl CommitObserver for Share {
    fn committed(&self, result: Result<&OpOutcome, &CommitError>) {
        self.told.store(true, Ordering::Release);
        match result {
            Ok(OpOutcome::Duplicate { .. } | OpOutcome::Unchanged) => {
                metrics::duplicates_total(self.kind).increment(1);
            }
            Ok(_) => metrics::applied_total(self.kind).increment(1),
            Err(error) => {
                tracing::warn!(journal.id = %self.ticket.entry, error = %error, "an element is not committed");
                let never = matches!(
                    error,
                    CommitError::Store(error)
                        if matches!(error.kind, StoreErrorKind::Invalid | StoreErrorKind::Corrupt)
                );
                self.ticket
                    .note(if never { Verdict::Poison } else { Verdict::Again });
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if !self.told.load(Ordering::Acquire) {
            self.ticket.note(Verdict::Again);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let verdict = Verdict::of(self.verdict.load(Ordering::Acquire));
        // There is room for every entry in hand. Without a listener the process ends, and the journal has the entry.
        let _ = self.ended.try_send(Ended {
            entry: self.entry,
            verdict,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::fairness::Fairness;
    use super::*;
    use crate::domain::TenantId;
    use tokio::sync::Semaphore;

    fn ticket(ended: &mpsc::Sender<Ended>) -> Arc<Ticket> {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Arc::new(Ticket::new(JournalId::from_bytes([7; 16]), ended.clone(), place))
    }

    async fn share(ticket: &Arc<Ticket>) -> Share {
        let place = Fairness::new(9).place(TenantId::new(1)).await;
        Share::of(ticket, ElementKind::Message, place.unwrap())
    }

    #[tokio::test]
    async fn an_entry_is_done_only_when_every_op_of_it_is_told_to_be_committed() {
        let (sender, mut ended) = mpsc::channel(4);
        let entry = ticket(&sender);
        let (told, silent) = (share(&entry).await, share(&entry).await);
        drop(entry);
        told.committed(Ok(&OpOutcome::Unchanged));
        drop(told);
        assert!(ended.try_recv().is_err(), "one op is still on its way");
        drop(silent);
        assert_eq!(ended.try_recv().unwrap().verdict, Verdict::Again);
        let entry = ticket(&sender);
        let told = share(&entry).await;
        told.committed(Ok(&OpOutcome::Unchanged));
        drop((entry, told));
        assert_eq!(ended.try_recv().unwrap().verdict, Verdict::Done);
    }
}
