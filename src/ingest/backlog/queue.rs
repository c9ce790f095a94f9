//! What waits in one flow, in the journal's order.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::item::Item;
use crate::domain::JournalId;
use crate::ingest::in_flight::InFlightOps;

/// Entries of one flow whose bodies are held in memory; those behind them are read from the journal.
const BODIES: usize = 1_024;
/// Bytes of them.
const BODY_BYTES: usize = 8 << 20;

/// Where a flow stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// It has nothing to do, or too much in flight.
    #[default]
    Resting,
    /// It waits for its turn.
    InTurn,
    /// It waits for a time.
    Held,
    /// What it took is being handed over.
    HandingOver,
}

/// One flow. See the module.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: BTreeMap<JournalId, Item>,
    kept: usize,
    bodies: usize,
    /// From here on its entries are not listed: they are only in the journal.
    pub(super) unlisted: Option<JournalId>,
    pub(super) phase: Phase,
    /// Something of it failed while more was being handed over: it is to wait.
    pub(super) not_before: Option<Instant>,
    /// Entries that were taken and have not ended.
    pub(super) in_flight: usize,
    /// Bytes that it may still take in this round; less than none after a large entry.
    pub(super) credit: i64,
    pub(super) ops: Arc<InFlightOps>,
}

impl Queue {
    /// Lists an entry. Whether it was not listed before.
    pub(super) fn insert(&mut self, mut item: Item, room: usize) -> Option<usize> {
        if self.items.contains_key(&item.id) {
            return None;
        }
        let size = item.kept();
        if size > room || self.bodies >= BODIES || self.kept.saturating_add(size) > BODY_BYTES {
            item.entry = None;
        }
        let kept = item.kept();
        self.kept += kept;
        self.bodies += usize::from(item.entry.is_some());
        self.items.insert(item.id, item);
        Some(kept)
    }

    /// Takes out the oldest entry.
    pub(super) fn pop(&mut self) -> Option<Item> {
        let (_, item) = self.items.pop_first()?;
        self.kept -= item.kept();
        self.bodies -= usize::from(item.entry.is_some());
        Some(item)
    }

    /// Listed entries.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing of it is anywhere.
    pub(super) fn is_over(&self) -> bool {
        self.items.is_empty()
            && self.unlisted.is_none()
            && self.in_flight == 0
            && self.phase == Phase::Resting
    }
}
