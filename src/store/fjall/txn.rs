//! What a group of writes sees and changes before it is durable.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZeroUsize;

use fjall::{PersistMode, Slice};
use lru::LruCache;
use serde::de::DeserializeOwned;

use super::codec::{self, Head};
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use super::scan::Moment;
use super::tally::Tally;
use crate::domain::{Contact, ContactId, Conversation, TenantId};
use crate::store::error::StoreError;

/// Decoded rows kept at hand: those of customers who write and are written to now.
const DECODED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// A small row that is read for nearly every message.
#[derive(Debug, Clone)]
pub(super) enum Decoded {
    /// A conversation.
    Conversation(Conversation),
    /// A contact.
    Contact(Contact),
    /// Where an alias leads.
    Alias(ContactId),
}

/// Where a value stands.
type Place = (Space, Key);

/// A value about to be written, or nothing to remove what is there.
type Pending = Option<Slice>;

/// What the write at work replaced.
struct Replaced {
    place: Place,
    /// `None` when nothing was pending there.
    before: Option<Pending>,
}

/// The writes of one group: each sees those before it, and a failed one leaves no trace.
pub(super) struct Txn {
    engine: Engine,
    pending: HashMap<Place, Pending>,
    /// What the write at work replaced, to put it back should it fail.
    undo: Vec<Replaced>,
    /// Rows as they were read or written last, decoded. Never other than what `get` would give.
    decoded: LruCache<Key, Decoded>,
    /// Heads of ledgers, as the last successful write left them.
    heads: HashMap<TenantId, Head>,
    /// What the folder holds, and events that are about to be added to it.
    tally: Tally,
    added: u64,
}

impl Txn {
    /// Begins with nothing pending, on what the folder holds.
    pub(super) fn new(engine: Engine, tally: Tally) -> Self {
        Self {
            engine,
            pending: HashMap::new(),
            undo: Vec::new(),
            decoded: LruCache::new(DECODED),
            heads: HashMap::new(),
            tally,
            added: 0,
        }
    }

    /// What the folder holds, without what is pending.
    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }

    /// What is stored under a key, or about to be.
    pub(super) fn get(&self, space: Space, key: &Key) -> Result<Option<Slice>, StoreError> {
        // The tuple is what the map compares; a borrowed form of it would cost more than it saves.
        match self.pending.get(&(space, key.clone())) {
            Some(value) => Ok(value.clone()),
            None => self.engine.get(space, key),
        }
    }

    /// A small row, if it is stored or about to be.
    pub(super) fn row<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let value = self.get(Space::Rows, key)?;
        value.map(|value| codec::row(&value)).transpose()
    }

    /// The first of those that begin with a prefix in which something is found, with what is about to be written.
    pub(super) fn first_under<T>(
        &self,
        space: Space,
        prefix: &Key,
        find: impl Fn(&Key, &[u8]) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut fresh: Vec<(&Key, &Slice)> = self
            .pending
            .iter()
            .filter(|((of, key), _)| *of == space && key.as_ref().starts_with(prefix.as_ref()))
            .filter_map(|((_, key), value)| Some((key, value.as_ref()?)))
            .collect();
        fresh.sort_unstable_by_key(|(key, _)| *key);
        let mut fresh = fresh.into_iter().peekable();
        for pair in Moment::of(&self.engine).under(space, prefix, None) {
            let pair = pair?;
            let stored = Key::stored(&pair.key);
            while let Some((key, value)) = fresh.next_if(|(key, _)| **key <= stored) {
                if let Some(found) = find(key, value)? {
                    return Ok(Some(found));
                }
            }
            if !self.pending.contains_key(&(space, stored.clone()))
                && let Some(found) = find(&stored, &pair.value)?
            {
                return Ok(Some(found));
            }
        }
        for (key, value) in fresh {
            if let Some(found) = find(key, value)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Writes a value.
    pub(super) fn put(&mut self, space: Space, key: Key, value: Slice) {
        self.change(space, key, Some(value));
    }

    /// Removes a value.
    pub(super) fn delete(&mut self, space: Space, key: Key) {
        self.change(space, key, None);
    }

    /// A small row as it was read or written last.
    pub(super) fn decoded(&mut self, key: &Key) -> Option<&Decoded> {
        self.decoded.get(key)
    }

    /// Keeps a small row that was just read or written under this key.
    pub(super) fn keep_decoded(&mut self, key: Key, row: Decoded) {
        self.decoded.put(key, row);
    }

    fn change(&mut self, space: Space, key: Key, value: Pending) {
        if space == Space::Rows {
            self.decoded.pop(&key);
        }
        let before = match self.pending.entry((space, key.clone())) {
            Entry::Occupied(mut slot) => Some(slot.insert(value)),
            Entry::Vacant(slot) => {
                slot.insert(value);
                None
            }
        };
        let place = (space, key);
        self.undo.push(Replaced { place, before });
    }

    /// A ledger's head.
    pub(super) fn head(&self, tenant: TenantId) -> Result<Option<Head>, StoreError> {
        if let Some(head) = self.heads.get(&tenant) {
            return Ok(Some(*head));
        }
        let stored = self.get(Space::Rows, &keys::row(Kind::Head, tenant, &[]))?;
        stored
            .map(|value| codec::parse_head(codec::body(&value)?))
            .transpose()
    }

    /// Moves a ledger's head. The last thing that a write does: it is not undone.
    pub(super) fn put_head(&mut self, tenant: TenantId, head: Head) {
        let before = self
            .head(tenant)
            .ok()
            .flatten()
            .map_or(0, |before| before.head.get());
        self.added = self.added.saturating_add(head.head.get().saturating_sub(before));
        self.put(
            Space::Rows,
            keys::row(Kind::Head, tenant, &[]),
            codec::head(&head),
        );
        self.heads.insert(tenant, head);
    }

    /// Keeps what the write at work did.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    /// Takes back what the write at work did.
    pub(super) fn undo(&mut self) {
        while let Some(Replaced { place, before }) = self.undo.pop() {
            self.decoded.pop(&place.1);
            match before {
                Some(value) => self.pending.insert(place, value),
                None => self.pending.remove(&place),
            };
        }
    }

    /// Makes all of it durable, counted; what the folder holds then, unless nothing was pending.
    pub(super) fn commit(&mut self) -> Result<Option<Tally>, fjall::Error> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let tally = self.tally.after(std::mem::take(&mut self.added));
        self.pending
            .insert((Space::Rows, Tally::key()), Some(tally.value()));
        let mut batch = fjall::OwnedWriteBatch::with_capacity(self.engine.db().clone(), self.pending.len())
            .durability(Some(PersistMode::SyncData));
        // Neighbours are found in the memory where the one before was found.
        let mut pending: Vec<_> = self.pending.drain().collect();
        pending.sort_unstable_by(|(place, _), (other, _)| place.cmp(other));
        for ((space, key), value) in pending {
            let space = self.engine.space(space);
            match value {
                Some(value) => batch.insert(space, key, value),
                None => batch.remove(space, key),
            }
        }
        batch.commit()?;
        self.tally = tally;
        Ok(Some(tally))
    }
}
