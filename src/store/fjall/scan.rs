//! Walking over ranges of keys as they stood at one moment.

use std::ops::Bound;

use fjall::{Guard, Readable, Slice, Snapshot};
use serde::de::DeserializeOwned;

use super::codec;
use super::engine::{Engine, failed};
use super::keys::{Key, Space};
use crate::store::error::StoreError;

/// One moment of all keyspaces.
pub(super) struct Moment<'a> {
    engine: &'a Engine,
    snapshot: Snapshot,
}

/// A key and its value.
pub(super) struct Pair {
    pub(super) key: Slice,
    pub(super) value: Slice,
}

fn pair(guard: Guard) -> Result<Pair, StoreError> {
    let (key, value) = guard.into_inner().map_err(failed)?;
    Ok(Pair { key, value })
}

impl<'a> Moment<'a> {
    /// Now.
    pub(super) fn of(engine: &'a Engine) -> Self {
        Self {
            engine,
            snapshot: engine.snapshot(),
        }
    }

    /// What was stored under a key.
    pub(super) fn get(&self, space: Space, key: &Key) -> Result<Option<Slice>, StoreError> {
        self.snapshot.get(self.engine.space(space), key).map_err(failed)
    }

    /// A small row, if it was stored.
    pub(super) fn row<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let value = self.get(Space::Rows, key)?;
        value.map(|value| codec::row(&value)).transpose()
    }

    /// All that begins with a prefix, in order; after a key, if one is given.
    pub(super) fn under(
        &self,
        space: Space,
        prefix: &Key,
        after: Option<Key>,
    ) -> impl DoubleEndedIterator<Item = Result<Pair, StoreError>> + use<> {
        let start = after.map_or_else(|| Bound::Included(prefix.clone()), Bound::Excluded);
        let end = prefix.after_prefix().map_or(Bound::Unbounded, Bound::Excluded);
        self.range(space, (start, end))
    }

    /// All between two bounds, in order.
    pub(super) fn range(
        &self,
        space: Space,
        range: (Bound<Key>, Bound<Key>),
    ) -> impl DoubleEndedIterator<Item = Result<Pair, StoreError>> + use<> {
        self.snapshot.range(self.engine.space(space), range).map(pair)
    }
}
