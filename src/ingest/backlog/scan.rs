//! Finding entries in the journal whose ids are not listed: all that an earlier process left, those of flows that have
//! more than may be listed, or all once more, because another process may have left some.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::item::{Flow, Item};
use super::listing::Listed;
use super::{AGAIN, Backlog};
use crate::domain::{JournalId, TenantId};
use crate::store::{JournalEntry, Sharing};
use crate::telemetry::metrics;
use crate::whatsapp::webhook::Haste;

/// Entries that came during a scan, noted in case that it does not see them.
const LATE: usize = 8_192;
/// A flow with fewer listed, and more in the journal, has them listed.
const HUNGRY: usize = 256;

/// What is scanned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What an earlier process left. Until it is known, nothing newer is applied.
    Opening,
    /// Entries of flows that are not listed from somewhere after this place.
    Refill(JournalId),
    /// What is not known for whatever reason.
    Everything,
}

impl Kind {
    const fn is_of_all(self) -> bool {
        match self {
            Self::Opening | Self::Everything => true,
            Self::Refill(_) => false,
        }
    }
}

/// Where a scan begins: after this entry, or at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct After(pub(in crate::ingest) Option<JournalId>);

/// An entry that a scan saw.
pub(in crate::ingest) struct Seen {
    pub(in crate::ingest) entry: JournalEntry,
    pub(in crate::ingest) owners: Vec<TenantId>,
    pub(in crate::ingest) haste: Haste,
}

/// The state of scanning.
#[derive(Debug)]
pub(super) struct Scan {
    sharing: Sharing,
    opened: bool,
    running: Option<Kind>,
    /// Flows that a scan looks for.
    hungry: HashSet<Flow>,
    /// Flows for which the scan found more than may be listed.
    full: HashSet<Flow>,
    late: Vec<(Flow, Item)>,
    missed: bool,
    everything_at: Option<Instant>,
    /// How often the whole journal began to be read.
    begun: u64,
    /// The last of those that came to the end.
    ended: u64,
}

impl Scan {
    pub(super) fn opening(sharing: Sharing) -> Self {
        Self {
            sharing,
            opened: false,
            running: None,
            hungry: HashSet::new(),
            full: HashSet::new(),
            late: Vec::new(),
            missed: false,
            everything_at: None,
            begun: 0,
            ended: 0,
        }
    }

    fn note_late(&mut self, flow: Flow, mut item: Item) {
        if self.late.len() < LATE {
            item.entry = None;
            self.late.push((flow, item));
        } else {
            self.missed = true;
        }
    }
}

impl Backlog {
    /// Has the whole journal read once more, in a while.
    pub(in crate::ingest) fn scan_again(&mut self, now: Instant) {
        self.scan_within(AGAIN, now);
    }

    /// The same, no later than this.
    pub(super) fn scan_within(&mut self, pause: Duration, now: Instant) {
        let due = self.scan.everything_at.unwrap_or(now + pause);
        self.scan.everything_at = Some(due.min(now + pause));
    }

    /// Has the whole journal read once more at once. Says which reading that is: the next one to begin.
    pub(in crate::ingest) fn scan_now(&mut self, now: Instant) -> u64 {
        self.scan_within(Duration::ZERO, now);
        self.scan.begun + 1
    }

    /// Whether such a reading came to the end, or a later one.
    pub(in crate::ingest) fn has_scanned(&self, which: u64) -> bool {
        self.scan.ended >= which
    }

    /// The journal could not be read to its end. What was wanted of it is still wanted.
    pub(in crate::ingest) fn scan_failed(&mut self, now: Instant) {
        if self.scan.running == Some(Kind::Everything) {
            self.scan_again(now);
        }
        self.stop_scan();
    }

    /// When a scan should begin that is not due yet.
    pub(in crate::ingest) fn scan_due(&self) -> Option<Instant> {
        self.scan.everything_at
    }

    /// Begins a scan, if one is wanted.
    pub(in crate::ingest) fn begin_scan(&mut self, now: Instant) -> Option<After> {
        let flows = &self.flows;
        let is_unlisted = |flow: &Flow| flows.get(flow).is_some_and(|queue| queue.unlisted.is_some());
        self.scan.hungry.retain(is_unlisted);
        let hungriest = self.scan.hungry.iter().filter_map(|flow| {
            let queue = self.flows.get(flow)?;
            queue.unlisted
        });
        let kind = if !self.scan.opened {
            Kind::Opening
        } else if self.scan.everything_at.is_some_and(|due| due <= now) {
            self.scan.everything_at = None;
            Kind::Everything
        } else {
            Kind::Refill(hungriest.min()?)
        };
        if kind.is_of_all() {
            self.scan.begun += 1;
        }
        self.scan.running = Some(kind);
        self.scan.full.clear();
        Some(After(match kind {
            Kind::Opening | Kind::Everything => None,
            Kind::Refill(from) => from.before(),
        }))
    }

    /// Lists what a page of the scan showed. Whether it is worth while to read on.
    pub(in crate::ingest) fn scanned(&mut self, page: Vec<Seen>) -> bool {
        for seen in page {
            self.found(seen);
        }
        match self.scan.running {
            Some(Kind::Refill(_)) => !self.scan.hungry.is_subset(&self.scan.full),
            Some(Kind::Opening | Kind::Everything) => true,
            None => false,
        }
    }

    /// The scan came to the end of the journal. Whether more came meanwhile than was noted, so that it must read on.
    ///
    /// What came here stands behind what was read. What other processes told of may stand before it, where their clocks are
    /// behind: with others, all is read once more.
    pub(in crate::ingest) fn scanned_all(&mut self, now: Instant) -> bool {
        let Some(kind) = self.scan.running else {
            return false;
        };
        if std::mem::take(&mut self.scan.missed) {
            self.scan.late.clear();
            if self.scan.sharing == Sharing::WithOthers {
                self.scan_again(now);
            }
            return true;
        }
        let full = std::mem::take(&mut self.scan.full);
        for (flow, queue) in &mut self.flows {
            let saw_all = match kind {
                Kind::Opening => true,
                Kind::Refill(from) => queue.unlisted.is_some_and(|unlisted| unlisted >= from),
                Kind::Everything => false,
            };
            if saw_all && !full.contains(flow) {
                queue.unlisted = None;
            }
        }
        self.scan.opened |= kind == Kind::Opening;
        if kind.is_of_all() {
            self.scan.ended = self.scan.begun;
        }
        self.stop_scan();
        false
    }

    /// The scan ends before the end of the journal.
    pub(in crate::ingest) fn stop_scan(&mut self) {
        self.scan.running = None;
        self.scan.missed = false;
        let late = std::mem::take(&mut self.scan.late);
        let flows: Vec<Flow> = self.scan.hungry.drain().collect();
        if self.scan.opened {
            for (flow, item) in late {
                self.arrive(flow, item);
            }
        }
        for flow in flows {
            self.hunger(flow);
            self.stir(flow);
        }
    }

    /// An entry arrived that is not known yet.
    pub(in crate::ingest) fn arrive(&mut self, flow: Flow, item: Item) {
        let beyond = |unlisted: JournalId| item.id >= unlisted;
        let unlisted = self.flows.get(&flow).and_then(|queue| queue.unlisted);
        match self.scan.running {
            _ if !self.scan.opened => self.scan.note_late(flow, item),
            Some(Kind::Refill(_)) if unlisted.is_some_and(beyond) => self.scan.note_late(flow, item),
            _ if unlisted.is_some_and(beyond) => {}
            _ => {
                self.list(flow, item);
            }
        }
    }

    fn found(&mut self, seen: Seen) {
        let id = seen.entry.id;
        for (flow, item) in seen.split() {
            let unlisted = self.flows.get(&flow).and_then(|queue| queue.unlisted);
            let wanted = match self.scan.running {
                Some(Kind::Opening) => !self.scan.full.contains(&flow),
                Some(Kind::Refill(from)) => {
                    unlisted.is_some_and(|unlisted| unlisted >= from && id >= unlisted)
                        && !self.scan.full.contains(&flow)
                }
                Some(Kind::Everything) => unlisted.is_none_or(|unlisted| id < unlisted),
                None => false,
            };
            if !wanted {
                continue;
            }
            match self.list(flow, item) {
                Listed::New => metrics::journal_replayed_total().increment(1),
                Listed::Known => {}
                Listed::NoRoom => {
                    self.scan.full.insert(flow);
                    if let Some(queue) = self.flows.get_mut(&flow) {
                        // All before it were listed by this scan.
                        queue.unlisted = Some(id);
                    }
                }
            }
        }
    }

    /// Notes a flow that needs to have more listed.
    pub(super) fn hunger(&mut self, flow: Flow) {
        let needs = |queue: &super::Queue| queue.unlisted.is_some() && queue.len() < HUNGRY;
        if self.flows.get(&flow).is_some_and(needs) {
            self.scan.hungry.insert(flow);
        }
    }

    /// Whether a flow waits for a scan.
    pub(in crate::ingest) fn is_hungry(&self) -> bool {
        self.scan.running.is_none() && !self.scan.hungry.is_empty()
    }
}
