//! Who reads where: one row at once on the caller's thread, pages on a few threads of their own.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::codec;
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use crate::domain::{Alias, Contact, ContactId, Links, TenantId, Timestamp};
use crate::store::error::{StoreError, StoreErrorKind};

/// Pages read at a time. More would only wait for the same disk.
const READERS: usize = 4;

/// Reads from the engine.
pub(super) struct Reader {
    engine: Engine,
    turns: Arc<Semaphore>,
}

impl Reader {
    /// Reads from there.
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            turns: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Reads on another thread, since it may wait for the disk often.
    pub(super) async fn away<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::new(StoreErrorKind::Unavailable, "the store is closing");
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_closed| stopped())?;
        let engine = self.engine.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let result = read(&engine);
            // The engine goes before the turn is given back: whoever closes the store waits for all turns.
            drop(engine);
            drop(turn);
            result
        });
        reading.await.unwrap_or_else(|error| {
            Err(StoreError::new(
                StoreErrorKind::Corrupt,
                format!("a read failed: {error}"),
            ))
        })
    }

    /// One row that does not expire.
    pub(super) fn row<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        row(&self.engine, key)
    }

    /// One row, unless its time is over.
    pub(super) fn live_row<T: DeserializeOwned>(
        &self,
        space: Space,
        key: &Key,
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        let value = self.engine.get(space, key)?;
        value.map_or(Ok(None), |value| codec::live_row(&value, now))
    }

    /// The contact that an alias leads to, links followed.
    pub(super) fn by_alias(&self, tenant: TenantId, alias: &Alias) -> Result<Option<ContactId>, StoreError> {
        by_alias(&self.engine, tenant, alias)
    }
}

fn row<T: DeserializeOwned>(engine: &Engine, key: &Key) -> Result<Option<T>, StoreError> {
    let value = engine.get(Space::Rows, key)?;
    value.map(|value| codec::row(&value)).transpose()
}

/// The contact that an alias leads to, links followed.
pub(super) fn by_alias(
    engine: &Engine,
    tenant: TenantId,
    alias: &Alias,
) -> Result<Option<ContactId>, StoreError> {
    let key = keys::row(Kind::Alias, tenant, &alias.key(tenant));
    let Some(mut at) = row::<ContactId>(engine, &key)? else {
        return Ok(None);
    };
    let mut links = Links::default();
    loop {
        let key = keys::row(Kind::Contact, tenant, at.as_bytes());
        let Some(contact) = row::<Contact>(engine, &key)? else {
            return Ok(None);
        };
        match links.after(&contact) {
            Some(next) => at = next,
            None => return Ok(Some(at)),
        }
    }
}
