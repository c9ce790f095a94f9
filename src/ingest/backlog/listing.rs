//! Entries are listed in their flows, as many as memory may hold.

use super::item::{Flow, Item, Part, TakenIn};
use super::{Backlog, Seen};
use crate::domain::TenantId;
use crate::store::JournalEntry;
use crate::whatsapp::webhook::Haste;

/// Entries listed in all flows together, beside the few that each may always list.
const LISTED: usize = 131_072;
/// Entries that any flow may list.
const FEW: usize = 1_024;
/// Bytes of bodies held in memory.
const BYTES: usize = 64 << 20;

/// What became of an entry that was to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// It waits.
    New,
    /// It waited before, or is in flight.
    Known,
    /// It stays in the journal.
    NoRoom,
}

impl Seen {
    /// The entry in each flow that it concerns.
    pub(super) fn split(self) -> impl Iterator<Item = (Flow, Item)> {
        let Self { entry, owners, haste } = self;
        let part = Part::among(&owners);
        let owners: Vec<Option<TenantId>> = if owners.is_empty() {
            vec![None]
        } else {
            owners.into_iter().map(Some).collect()
        };
        owners.into_iter().map(move |owner| {
            let item = Item {
                id: entry.id,
                size: entry.body.len(),
                entry: Some(entry.clone()),
                part: part.clone(),
                taken_in: TakenIn::Here,
            };
            (Flow { owner, haste }, item)
        })
    }
}

impl Backlog {
    /// Takes note of an entry that was made durable.
    pub(in crate::ingest) fn push(&mut self, entry: JournalEntry, owners: Vec<TenantId>, haste: Haste) {
        self.came += 1;
        let seen = Seen { entry, owners, haste };
        for (flow, item) in seen.split() {
            self.arrive(flow, item);
        }
    }

    /// Lists an entry, unless it is listed or in flight. Without room for it, its flow is unlisted from there on.
    pub(super) fn list(&mut self, flow: Flow, item: Item) -> Listed {
        if self.open.contains(&(item.id, flow.owner)) {
            return Listed::Known;
        }
        let queue = self.flows.entry(flow).or_default();
        if self.listed >= LISTED && queue.len() >= FEW {
            queue.unlisted = Some(queue.unlisted.map_or(item.id, |from| from.min(item.id)));
            return Listed::NoRoom;
        }
        self.put(flow, item)
    }

    /// Lists an entry again that was taken: there is always room, since it goes first.
    pub(super) fn put_back(&mut self, flow: Flow, item: Item) {
        self.open.remove(&(item.id, flow.owner));
        self.put(flow, item);
    }

    fn put(&mut self, flow: Flow, item: Item) -> Listed {
        let room = BYTES.saturating_sub(self.kept);
        let Some(kept) = self.flows.entry(flow).or_default().insert(item, room) else {
            return Listed::Known;
        };
        self.listed += 1;
        self.kept += kept;
        self.stir(flow);
        Listed::New
    }
}
