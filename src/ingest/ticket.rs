//! The books on one owner's part of a journal entry: done when every op that came of it is committed.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::TOLD_EACH;
use super::backlog::{Flow, Item, Pace, Part, TakenIn};
use super::in_flight::Place;
use crate::actors::{CommitError, CommitObserver};
use crate::domain::JournalId;
use crate::store::{OpOutcome, StoreError, StoreErrorKind};
use crate::telemetry::labels::ElementKind;
use crate::telemetry::{Seldom, metrics};

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Everything of it is committed, or put aside.
    Done,
    /// Some elements of it can never be applied, and all others are.
    Spoiled,
    /// Something of it is not committed; it must be applied again.
    Again,
    /// It kills whoever applies it, and nobody knows by which element.
    Poison,
}

impl Verdict {
    const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Spoiled => 1,
            Self::Again => 2,
            Self::Poison => 3,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::Spoiled,
            2 => Self::Again,
            _ => Self::Poison,
        }
    }
}

/// An entry that is no longer in flight.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) taken: Taken,
    pub(super) verdict: Verdict,
    /// Elements that can never be applied.
    pub(super) spoiled: Vec<usize>,
}

/// An entry in flight: what is needed to wait for another turn.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) entry: JournalId,
    pub(super) size: usize,
    pub(super) flow: Flow,
    pub(super) part: Part,
    pub(super) taken_in: TakenIn,
    pub(super) pace: Pace,
}

impl From<Taken> for Item {
    fn from(taken: Taken) -> Self {
        Self {
            id: taken.entry,
            size: taken.size,
            entry: None,
            part: taken.part,
            taken_in: taken.taken_in,
        }
    }
}

/// Where entries that ended are noted until somebody looks. No more than are in flight.
#[derive(Debug)]
pub(super) struct Reports {
    ended: Mutex<Vec<Ended>>,
    told: Notify,
    began: Instant,
    uncommitted: Seldom,
    unread: Seldom,
    unforwarded: Seldom,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            ended: Mutex::default(),
            told: Notify::new(),
            began: Instant::now(),
            uncommitted: Seldom::each(TOLD_EACH),
            unread: Seldom::each(TOLD_EACH),
            unforwarded: Seldom::each(TOLD_EACH),
        }
    }
}

impl Reports {
    /// Logs that an element is not committed: while the store is away, none is, and all are tried each second.
    fn tell_uncommitted(&self, entry: JournalId, error: &CommitError) {
        if let Some(count) = self.uncommitted.happened(self.began.elapsed()) {
            tracing::warn!(journal.id = %entry, %error, count, "an element is not committed");
        }
    }

    /// Logs that what is to be applied cannot be read.
    pub(super) fn tell_unread(&self, error: &StoreError) {
        if let Some(count) = self.unread.happened(self.began.elapsed()) {
            tracing::warn!(%error, count, "cannot read the journal");
        }
    }

    /// Logs that webhooks cannot be left to the process that has their tenant.
    pub(super) fn tell_unforwarded(&self, error: &StoreError) {
        if let Some(count) = self.unforwarded.happened(self.began.elapsed()) {
            tracing::warn!(%error, count, "cannot leave webhooks to the gateway that has their tenant");
        }
    }

    fn note(&self, ended: Ended) {
        let mut all = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(ended);
        drop(all);
        self.told.notify_one();
    }

    /// Waits until some ended.
    pub(super) async fn some(&self) -> Vec<Ended> {
        loop {
            let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
            if !ended.is_empty() {
                return ended;
            }
            self.told.notified().await;
        }
    }
}

/// One entry in flight. Each op holds a share; the last one to go reports how the entry ended.
pub(super) struct Ticket {
    taken: Option<Taken>,
    verdict: AtomicU8,
    spoiled: Mutex<Vec<usize>>,
    reports: Arc<Reports>,
}

impl Ticket {
    /// Opens the books.
    pub(super) fn new(taken: Taken, reports: Arc<Reports>) -> Self {
        Self {
            taken: Some(taken),
            verdict: AtomicU8::new(Verdict::Done.code()),
            spoiled: Mutex::default(),
            reports,
        }
    }

    fn entry(&self) -> JournalId {
        let taken = self.taken.as_ref();
        taken.map_or_else(|| JournalId::from_bytes([0; 16]), |taken| taken.entry)
    }

    /// Notes something that keeps the entry from being done. The worst one counts.
    pub(super) fn note(&self, verdict: Verdict) {
        self.verdict.fetch_max(verdict.code(), Ordering::AcqRel);
    }

    /// Notes that an element can never be applied.
    pub(super) fn spoil(&self, element: usize) {
        let mut spoiled = self.spoiled.lock().unwrap_or_else(PoisonError::into_inner);
        spoiled.push(element);
        drop(spoiled);
        self.note(Verdict::Spoiled);
    }
}

/// A ticket's share for one op. An op that nobody tells the end of, because its ledger stopped, is applied again.
pub(super) struct Share {
    // Freed before the ticket says how the entry ended.
    _place: Place,
    ticket: Arc<Ticket>,
    element: usize,
    kind: ElementKind,
    told: AtomicBool,
}

impl Share {
    /// Takes a share.
    pub(super) fn of(ticket: &Arc<Ticket>, element: usize, kind: ElementKind, place: Place) -> Self {
        Self {
            _place: place,
            ticket: Arc::clone(ticket),
            element,
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
                let entry = self.ticket.entry();
                let kind = match error {
                    CommitError::Store(error) => Some(error.kind),
                    CommitError::Busy | CommitError::Closed => None,
                };
                match kind {
                    Some(StoreErrorKind::Invalid | StoreErrorKind::Corrupt) => {
                        tracing::warn!(journal.id = %entry, %error, "an element can never be committed");
                        return self.ticket.spoil(self.element);
                    }
                    // The store tells of it, once; here it would be told for every element, each second.
                    Some(StoreErrorKind::Full) => {
                        tracing::debug!(journal.id = %entry, %error, "an element waits for room");
                    }
                    _ => self.ticket.reports.tell_uncommitted(entry, error),
                }
                self.ticket.note(Verdict::Again);
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

/// A ticket's share for what is written down beside the ledger. What nobody settles is applied again.
pub(super) struct Heeded {
    ticket: Arc<Ticket>,
    is_settled: bool,
}

impl Heeded {
    /// Takes a share.
    pub(super) fn of(ticket: &Arc<Ticket>) -> Self {
        Self {
            ticket: Arc::clone(ticket),
            is_settled: false,
        }
    }

    /// It is written down, or need not be.
    pub(super) fn settle(mut self) {
        self.is_settled = true;
    }
}

impl Drop for Heeded {
    fn drop(&mut self) {
        if !self.is_settled {
            self.ticket.note(Verdict::Again);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let verdict = Verdict::of(self.verdict.load(Ordering::Acquire));
        if let Some(taken) = self.taken.take() {
            let spoiled = self.spoiled.get_mut().unwrap_or_else(PoisonError::into_inner);
            let spoiled = std::mem::take(spoiled);
            self.reports.note(Ended {
                taken,
                verdict,
                spoiled,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::in_flight::InFlightOps;
    use super::*;
    use crate::whatsapp::webhook::Haste;

    fn ticket(reports: &Arc<Reports>) -> Arc<Ticket> {
        let taken = Taken {
            entry: JournalId::from_bytes([7; 16]),
            size: 1,
            flow: Flow {
                owner: None,
                haste: Haste::Prompt,
            },
            part: Part::Whole,
            taken_in: TakenIn::Here,
            pace: Pace::KeepsUp,
        };
        Arc::new(Ticket::new(taken, Arc::clone(reports)))
    }

    async fn share(ticket: &Arc<Ticket>) -> Share {
        let place = Arc::new(InFlightOps::default()).place(1).await;
        Share::of(ticket, 0, ElementKind::Message, place.unwrap())
    }

    #[tokio::test]
    async fn an_entry_is_done_only_when_every_op_of_it_is_told_to_be_committed() {
        let reports = Arc::new(Reports::default());
        let entry = ticket(&reports);
        let (told, silent) = (share(&entry).await, share(&entry).await);
        drop(entry);
        told.committed(Ok(&OpOutcome::Unchanged));
        drop(told);
        assert!(
            reports.ended.lock().unwrap().is_empty(),
            "one op is still on its way"
        );
        drop(silent);
        assert_eq!(reports.some().await[0].verdict, Verdict::Again);
        let entry = ticket(&reports);
        let told = share(&entry).await;
        told.committed(Ok(&OpOutcome::Unchanged));
        drop((entry, told));
        assert_eq!(reports.some().await[0].verdict, Verdict::Done);
    }
}
