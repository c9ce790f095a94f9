//! Applies journal entries, in journal order, until each is done.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use super::route::Router;
use super::tail::{Next, Tail};
use super::ticket::{Ended, Ticket, Verdict};
use super::turns::{Load, Turn, Turns};
use crate::actors::directory::Directory;
use crate::crash::{self, CrashPoint};
use crate::domain::JournalId;
use crate::shutdown::Shutdown;
use crate::store::{JournalEntry, Quarantined, Store, StoreError};
use crate::telemetry::labels::QuarantineReason;
use crate::telemetry::metrics;

/// Entries in hand: parsed, with ops that are not all committed.
const IN_HAND: usize = 4_096;
/// Entries taken at once.
const TAKE: usize = 256;
/// How long an entry that failed waits before the journal is read again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the end of the process waits for entries in hand.
const FAREWELL: Duration = Duration::from_secs(4);

/// What an entry waits for.
enum Wait {
    /// The end of a rest.
    Until(Instant),
    /// Those in hand, until then at the latest.
    ForReports(Option<Instant>),
}

/// The applier. Run it until it returns.
pub struct Applier {
    store: Arc<dyn Store>,
    router: Router,
    taken_back: Arc<Notify>,
    tail: Arc<Tail>,
    shutdown: Shutdown,
    places: Arc<Semaphore>,
    in_hand: HashSet<JournalId>,
    report: mpsc::Sender<Ended>,
    ended: mpsc::Receiver<Ended>,
    read_again: Option<Instant>,
    turns: Turns,
}

impl Applier {
    pub(super) fn new(directory: Arc<Directory>, tail: Arc<Tail>, shutdown: Shutdown) -> Self {
        let store = Arc::clone(directory.store());
        // One report per entry in hand, and some to spare while reports are being read.
        let (report, ended) = mpsc::channel(IN_HAND * 2);
        Self {
            store,
            taken_back: directory.taken_back(),
            router: Router::new(directory, IN_HAND),
            tail,
            shutdown,
            places: Arc::new(Semaphore::new(IN_HAND)),
            in_hand: HashSet::new(),
            report,
            ended,
            read_again: None,
            turns: Turns::new(Instant::now()),
        }
    }

    /// Applies entries until the process ends. What is not done then is applied by the next process.
    pub async fn run(mut self) {
        let _part = self.shutdown.part();
        let shutdown = self.shutdown.clone();
        let tail = Arc::clone(&self.tail);
        let taken_back = Arc::clone(&self.taken_back);
        let mut tick = tokio::time::interval(AGAIN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let room = self.places.available_permits() > 0;
            let mut reports = Vec::new();
            tokio::select! {
                biased;
                () = shutdown.begun() => break,
                _ = self.ended.recv_many(&mut reports, IN_HAND) => self.close(reports).await,
                _ = tick.tick() => {
                    if self.read_again.is_some_and(|due| due <= Instant::now()) {
                        self.read_again = None;
                        self.read_journal().await;
                    }
                }
                () = taken_back.notified() => {
                    self.read_again.get_or_insert(Instant::now() + AGAIN);
                }
                next = tail.next(TAKE), if room => match next {
                    Next::Entries(entries) => {
                        for entry in entries {
                            self.apply(entry).await;
                        }
                    }
                    Next::ReadJournal => {
                        self.read_journal().await;
                        tail.caught_up();
                        // An entry may have been made durable between the last page and this moment.
                        self.read_again = Some(Instant::now() + AGAIN);
                    }
                },
            }
        }
        self.farewell().await;
    }

    /// Applies everything that the journal holds and that is not in hand.
    async fn read_journal(&mut self) {
        self.router.begin_again();
        let mut after = None;
        loop {
            let page = match self.store.journal_open(after, TAKE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(error = %error, "cannot read the journal");
                    self.read_again = Some(Instant::now() + AGAIN);
                    return;
                }
            };
            let Some(last) = page.last() else { return };
            after = Some(last.id);
            for entry in page {
                if self.in_hand.contains(&entry.id) {
                    continue;
                }
                metrics::journal_replayed_total().increment(1);
                self.apply(entry).await;
            }
            let mut reports = Vec::new();
            while let Ok(report) = self.ended.try_recv() {
                reports.push(report);
            }
            self.close(reports).await;
            if self.shutdown.has_begun() {
                return;
            }
            if self.read_again.is_some_and(|due| due <= Instant::now()) {
                // In a flood the end is far: those that are to be tried again come first.
                self.read_again = None;
                self.router.begin_again();
                after = None;
            }
        }
    }

    async fn apply(&mut self, entry: JournalEntry) {
        if self.in_hand.contains(&entry.id) {
            return;
        }
        let Some(place) = self.place().await else {
            // The end has begun: it stays in the journal.
            return;
        };
        crash::point(CrashPoint::BeforeApply);
        self.in_hand.insert(entry.id);
        let ticket = Arc::new(Ticket::new(entry.id, self.report.clone(), place));
        self.router.apply(&entry, ticket).await;
    }

    /// Waits for a place in hand and for this road's turn. `None` once the end of the process has begun.
    async fn place(&mut self) -> Option<OwnedSemaphorePermit> {
        let shutdown = self.shutdown.clone();
        while !shutdown.has_begun() {
            let wait = match self.turns.turn(Instant::now()) {
                Turn::Go => {
                    if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                        self.turns.took();
                        return Some(place);
                    }
                    Wait::ForReports(None)
                }
                Turn::AfterThose(until) => Wait::ForReports(Some(until)),
                Turn::At(until) => Wait::Until(until),
            };
            let mut reports = Vec::new();
            let ended = &mut self.ended;
            let waited = async {
                match wait {
                    // What ends meanwhile is noted when the rest is over.
                    Wait::Until(until) => tokio::time::sleep_until(until).await,
                    Wait::ForReports(None) => {
                        ended.recv_many(&mut reports, IN_HAND).await;
                    }
                    Wait::ForReports(Some(until)) => {
                        // Late ones are noted with the next.
                        let _ = tokio::time::timeout_at(until, ended.recv_many(&mut reports, IN_HAND)).await;
                    }
                }
            };
            tokio::select! {
                () = shutdown.begun() => return None,
                () = waited => {}
            }
            self.close(reports).await;
        }
        None
    }

    /// Takes note of how entries ended.
    async fn close(&mut self, reports: Vec<Ended>) {
        if reports.is_empty() {
            self.note_applied(0);
            return;
        }
        crash::point(CrashPoint::AfterApply);
        let mut done = Vec::with_capacity(reports.len());
        for Ended { entry: id, verdict } in reports {
            match verdict {
                Verdict::Done => done.push(id),
                Verdict::Again => {
                    self.in_hand.remove(&id);
                    self.read_again.get_or_insert(Instant::now() + AGAIN);
                }
                Verdict::Poison => match self.put_aside(id).await {
                    Ok(()) => done.push(id),
                    Err(error) => {
                        tracing::warn!(journal.id = %id, error = %error, "cannot put a webhook aside");
                        self.in_hand.remove(&id);
                        self.read_again.get_or_insert(Instant::now() + AGAIN);
                    }
                },
            }
        }
        let applied = done.len();
        if applied > 0 {
            self.mark_done(done).await;
        }
        self.note_applied(applied);
    }

    fn note_applied(&mut self, entries: usize) {
        let load = Load {
            came: self.tail.came(),
            behind: self.tail.is_behind(),
            in_hand: self.in_hand.len(),
        };
        self.turns.applied(entries, load, Instant::now());
    }

    async fn mark_done(&mut self, done: Vec<JournalId>) {
        if let Err(error) = self.store.journal_done(done.clone()).await {
            // Harmless: the entries are applied again after the next start, which changes nothing.
            tracing::warn!(error = %error, "cannot mark journal entries done");
            self.read_again.get_or_insert(Instant::now() + AGAIN);
        }
        crash::point(CrashPoint::AfterDone);
        for id in &done {
            self.in_hand.remove(id);
        }
    }

    /// Puts a whole entry aside: something of it can never be committed, the rest is and repeats harmlessly.
    async fn put_aside(&self, id: JournalId) -> Result<(), StoreError> {
        let mut before = *id.as_bytes();
        for byte in before.iter_mut().rev() {
            let (less, borrowed) = byte.overflowing_sub(1);
            *byte = less;
            if !borrowed {
                break;
            }
        }
        let page = self
            .store
            .journal_open(Some(JournalId::from_bytes(before)), 1)
            .await?;
        let Some(entry) = page.into_iter().find(|entry| entry.id == id) else {
            return Ok(());
        };
        metrics::quarantined_total(QuarantineReason::Poison).increment(1);
        let item = Quarantined {
            id,
            at: entry.received,
            reason: "poison".to_owned(),
            body: entry.body,
        };
        self.store.quarantine(item).await
    }

    /// Lets entries in hand finish, so that the next start has less to repeat.
    async fn farewell(mut self) {
        let deadline = Instant::now() + FAREWELL;
        while !self.in_hand.is_empty() {
            let mut reports = Vec::new();
            let waited = tokio::time::timeout_at(deadline, self.ended.recv_many(&mut reports, IN_HAND)).await;
            if waited.is_err() {
                return;
            }
            self.close(reports).await;
        }
    }
}
