//! One flow's turn: what it took is read, routed and handed over, in order.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::backlog::{Flow, Handed, Item, Pace, Work};
use super::forwarded;
use super::route::{InFlightByFlow, Router};
use super::shared_backlog::SharedBacklog;
use super::ticket::{Taken, Ticket, Verdict};
use crate::crash::{self, CrashPoint};
use crate::domain::JournalId;
use crate::store::{JournalEntry, ProcessId, Store, StoreError};
use crate::telemetry::metrics;

/// A turn. However it ends, by a panic as well, nothing of it is forgotten: what was not begun waits for the next turn.
pub(super) struct TurnOf {
    shared_backlog: Arc<SharedBacklog>,
    in_flight: InFlightByFlow,
    pace: Pace,
    left: VecDeque<Item>,
    current: Option<Arc<Ticket>>,
    how: Handed,
}

impl TurnOf {
    pub(super) fn new(shared_backlog: Arc<SharedBacklog>, work: Work) -> Self {
        let Work {
            flow,
            share,
            ops,
            items,
            pace,
        } = work;
        Self {
            shared_backlog,
            in_flight: InFlightByFlow { flow, ops, share },
            pace,
            left: items,
            current: None,
            // Until it has ended well.
            how: Handed::HeldUp,
        }
    }

    /// Hands everything over, or as much as the tenant takes.
    pub(super) async fn run(mut self, store: Arc<dyn Store>, router: Arc<Router>) {
        let elsewhere = match self.flow().owner {
            Some(owner) => router.elsewhere(owner).await,
            None => Ok(None),
        };
        let Ok(elsewhere) = elsewhere else {
            return;
        };
        if let Err(error) = self.read(store.as_ref(), elsewhere).await {
            self.shared_backlog.reports.tell_unread(&error);
            return;
        }
        while !self.left.is_empty() {
            if let Some(process) = elsewhere
                && self.left.front().is_some_and(|item| item.part.is_whole())
            {
                if let Err(error) = self.forward(process, store.as_ref(), &router).await {
                    self.shared_backlog.reports.tell_unforwarded(&error);
                    return;
                }
                continue;
            }
            let Some(item) = self.left.pop_front() else {
                break;
            };
            let taken = self.taken(&item);
            let Some(entry) = item.entry else {
                self.not_there(taken);
                continue;
            };
            let ticket = Arc::new(Ticket::new(taken, Arc::clone(&self.shared_backlog.reports)));
            crash::point(CrashPoint::BeforeApply);
            self.current = Some(Arc::clone(&ticket));
            let handed = router.apply(&entry, &item.part, &self.in_flight, ticket).await;
            self.current = None;
            match handed {
                Handed::All => {}
                Handed::Split => break,
                Handed::HeldUp => return,
            }
            // Others have their turn, too.
            tokio::task::yield_now().await;
        }
        self.how = Handed::All;
    }

    /// Leaves the next entries to the process that has the tenant. From then on they are that process'; should it be gone before
    /// they are applied, whoever is left finds them in the journal.
    async fn forward(&mut self, to: ProcessId, store: &dyn Store, router: &Router) -> Result<(), StoreError> {
        let flow = self.flow();
        let whole = self.left.iter().take_while(|item| item.part.is_whole());
        let count = whole.clone().count();
        // A scan finds them again as long as that process has not applied them.
        let fresh: Vec<_> = self.shared_backlog.look(|backlog| {
            let is_fresh = |item: &&Item| !backlog.is_left_to(to, item.id, flow.owner);
            whole
                .filter(is_fresh)
                .filter_map(|item| forwarded::told(flow, item))
                .collect()
        });
        if !fresh.is_empty() {
            let told = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
            store.forward(to, fresh).await?;
            metrics::webhooks_forwarded_total().increment(told);
        }
        let gone: Vec<Item> = self.left.drain(..count).collect();
        self.shared_backlog.change(|backlog| {
            for item in &gone {
                backlog.ended(flow, self.pace);
                backlog.closed(item.id, flow.owner);
                backlog.leave_to(to, item.id, flow.owner);
            }
            // Asked only now that a reading of the journal would list them: one that was begun before may have passed them over.
            if router.is_gone(to) {
                for item in gone {
                    backlog.arrive(flow, item);
                }
            }
        });
        Ok(())
    }

    /// Reads what is not in memory. What is left to another process is not needed.
    async fn read(&mut self, store: &dyn Store, elsewhere: Option<ProcessId>) -> Result<(), StoreError> {
        let absent = |item: &&Item| item.entry.is_none() && !(elsewhere.is_some() && item.part.is_whole());
        let ids: Vec<JournalId> = self.left.iter().filter(absent).map(|item| item.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let read = store.journal_read(ids).await?;
        let find = |id: JournalId| -> Option<JournalEntry> {
            let at = read.binary_search_by_key(&id, |entry| entry.id).ok()?;
            read.get(at).cloned()
        };
        for item in &mut self.left {
            if item.entry.is_none() {
                item.entry = find(item.id);
            }
        }
        Ok(())
    }

    /// The journal does not have it: another process did it, or it will turn up. It is not marked as done.
    fn not_there(&self, taken: Taken) {
        self.shared_backlog.change(|backlog| {
            backlog.ended(taken.flow, taken.pace);
            backlog.closed(taken.entry, taken.flow.owner);
            backlog.missing(taken.flow, taken.into(), Instant::now());
        });
        self.shared_backlog.missing.notify_one();
    }

    fn taken(&self, item: &Item) -> Taken {
        Taken {
            entry: item.id,
            size: item.size,
            flow: self.flow(),
            part: item.part.clone(),
            taken_in: item.taken_in,
            pace: self.pace,
        }
    }

    fn flow(&self) -> Flow {
        self.in_flight.flow
    }
}

impl Drop for TurnOf {
    fn drop(&mut self) {
        if let Some(ticket) = self.current.take() {
            // Applying it panicked, and would do so again; or the process ends.
            ticket.note(if std::thread::panicking() {
                Verdict::Poison
            } else {
                Verdict::Again
            });
        }
        let back = std::mem::take(&mut self.left);
        let (flow, pace, how) = (self.flow(), self.pace, self.how);
        self.shared_backlog
            .change(|backlog| backlog.handed(flow, back, pace, how, Instant::now()));
    }
}
