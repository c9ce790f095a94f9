//! The audit log: who did what, recorded before it is done, each entry chained to the one before.
//!
//! | File | What it holds |
//! |---|---|
//! | `audit/chain.rs` | where the next entry goes, and what chains it |
//! | `audit/pages.rs` | reading entries, newest first and in their order |
//! | `audit/verify.rs` | looking for the first place that is not as it was written |
//!
//! The order is decided where the next place of a month is taken: an entry is added only where nothing stands, so that any number of
//! gateways write one chain. [`AuditHead`] notes where the chain ends; after a kill it may be behind, so whoever reads it looks ahead.

mod chain;
mod pages;
#[cfg(test)]
mod tests;
mod verify;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::domain::{AuditAction, Clock, Month, Timestamp};
use crate::store::plain::{PlainTable, PlainValue};
use crate::store::tables::{
    AuditActor, AuditDetails, AuditEntry, AuditHead, AuditScope, AuditTarget, ChainLink, EntryHash,
    EntryPlace,
};
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::telemetry::labels::AuditOutcome;
use crate::telemetry::metrics;

pub use pages::{AuditFilter, AuditPage, NumberedEntry};
pub use verify::{Noted, Verdict};

/// How long an entry may take, with its wait: somebody waits to be let do something.
const DEADLINE: Duration = Duration::from_secs(5);
/// Entries of one log that wait to be written in this process.
const WAITING: usize = 64;
/// Logs whose ends are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// How often another place is tried, because another gateway took the one before or nobody knows what became of it.
const TRIES: usize = 16;
/// Entries that are looked at at once behind the noted end.
const AHEAD: usize = 256;

/// Something that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub action: AuditAction,
    /// To what.
    pub target: Option<AuditTarget>,
    /// From where.
    pub address: Option<IpAddr>,
    /// What else.
    pub details: AuditDetails,
}

/// Why nothing could be recorded or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Too many want to record something at once.
    #[error("too much is being recorded in this audit log")]
    Busy,
    /// The store did not take it in time.
    #[error("the audit log was not written in time")]
    Late,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The end of one log, and who waits for it.
struct Log {
    end: tokio::sync::Mutex<Option<AuditHead>>,
    places: Arc<Semaphore>,
}

/// All audit logs of a store.
pub struct AuditLog {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keep: Duration,
    logs: Mutex<LruCache<AuditScope, Arc<Log>>>,
    next_id: AtomicU64,
}

impl AuditLog {
    /// Of a store, kept for so long after each month's end. Ids of entries begin at the seed, so that no two gateways have the same.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keep: Duration, seed: u64) -> Self {
        Self {
            store,
            clock,
            keep,
            logs: Mutex::new(LruCache::new(REMEMBERED)),
            next_id: AtomicU64::new(seed),
        }
    }

    /// Records what somebody is about to do. When this fails, it must not be done.
    pub async fn record(&self, scope: AuditScope, event: AuditEvent) -> Result<EntryPlace, AuditError> {
        let recorded = self.in_turn(scope, event).await;
        let outcome = if recorded.is_ok() {
            AuditOutcome::Written
        } else {
            AuditOutcome::Failed
        };
        metrics::audit_entries_total(outcome).increment(1);
        if let Err(error) = &recorded {
            tracing::warn!(%error, "the audit log could not be written");
        }
        recorded
    }

    async fn in_turn(&self, scope: AuditScope, event: AuditEvent) -> Result<EntryPlace, AuditError> {
        let log = self.log(scope);
        let _place = log.places.try_acquire().map_err(|_full| AuditError::Busy)?;
        let appended = timeout(DEADLINE, self.append(&log, scope, event)).await;
        appended.map_err(|_elapsed| AuditError::Late)?
    }

    /// Takes all places of a log, so that nothing can be recorded in it.
    #[cfg(test)]
    pub(crate) fn fill(&self, scope: AuditScope) -> Arc<Semaphore> {
        let places = Arc::clone(&self.log(scope).places);
        places.forget_permits(WAITING);
        places
    }

    fn log(&self, scope: AuditScope) -> Arc<Log> {
        // Entries are only ever replaced whole, so a panic elsewhere leaves nothing half done.
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let log = logs.get_or_insert(scope, || {
            Arc::new(Log {
                end: tokio::sync::Mutex::default(),
                places: Arc::new(Semaphore::new(WAITING)),
            })
        });
        Arc::clone(log)
    }

    async fn append(
        &self,
        log: &Log,
        scope: AuditScope,
        event: AuditEvent,
    ) -> Result<EntryPlace, AuditError> {
        let mut end = log.end.lock().await;
        let at = self.clock.now();
        // Taken out: should this be dropped on the way, the next one reads the store.
        let mut head = match end.take() {
            Some(head) => head,
            None => self.look_ahead(scope, self.head(scope, at).await?, at).await?,
        };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut failed = None;
        for _ in 0..TRIES {
            let place = chain::next_place(&head);
            // A clock that went back opens no month anew.
            let closes = (Month::of(at) > place.month).then(|| Month::of(at));
            let link = chain::link(&head, closes, self.keep);
            let entry = match closes {
                None => entry(id, at, &event, link),
                Some(_) => entry(id, at, &chain::closing(), link),
            };
            match self.put(scope, place, &entry).await {
                Ok(Some(hash)) => {
                    head = chain::followed(&head, place, &link, hash);
                    self.note(scope, head, at).await;
                    if closes.is_none() {
                        *end = Some(head);
                        return Ok(place);
                    }
                }
                // Another gateway was first.
                Ok(None) => head = self.look_ahead(scope, head, at).await?,
                // It stands there or does not: the same entry is put to the same place once more.
                Err(error) if error.kind == StoreErrorKind::Unknown => failed = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(failed.map_or(AuditError::Busy, AuditError::Store))
    }

    /// Puts an entry where nothing stands; its hash, or nothing where another one does.
    async fn put(
        &self,
        scope: AuditScope,
        place: EntryPlace,
        entry: &AuditEntry,
    ) -> Result<Option<EntryHash>, StoreError> {
        let body = serde_json::to_vec(entry)
            .map_err(|error| StoreError::new(StoreErrorKind::Corrupt, error.to_string()))?;
        let hash = EntryHash::of(&body);
        let value = PlainValue {
            body: body.into(),
            expires: Some(entry.link.keep_until),
        };
        let put = self
            .store
            .replace_plain_row(AuditEntry::at(scope, place), None, Some(value), entry.at);
        Ok(put.await?.then_some(hash))
    }

    /// The noted end of a log. Where there is none yet, the month in which the log begins is settled first, so that two gateways do
    /// not begin it in two.
    async fn head(&self, scope: AuditScope, now: Timestamp) -> Result<AuditHead, StoreError> {
        let begins = chain::beginning(scope, Month::of(now));
        let table = PlainTable::<AuditHead>::of(self.store.as_ref(), now);
        let changed = table.change::<StoreError>(AuditHead::at(scope), |before| {
            Ok(Some(before.copied().unwrap_or(begins)))
        });
        let (_, head) = changed.await?;
        Ok(head.unwrap_or(begins))
    }

    /// Follows the entries behind a noted end.
    async fn look_ahead(
        &self,
        scope: AuditScope,
        mut head: AuditHead,
        now: Timestamp,
    ) -> Result<AuditHead, StoreError> {
        loop {
            let place = chain::next_place(&head);
            let month = AuditEntry::of(scope, place.month);
            let after = place.seq.saturating_sub(1).to_be_bytes();
            let after = Some(bytes::Bytes::copy_from_slice(&after));
            let page = self.store.plain_rows(month, after, AHEAD, now).await?;
            for (sort, value) in &page.items {
                let place = EntryPlace {
                    seq: AuditEntry::seq_of(sort),
                    ..place
                };
                // One that cannot be read is for whoever verifies: the log goes on behind it.
                let link = serde_json::from_slice::<ChainLink>(&value.body).unwrap_or(ChainLink {
                    prev: head.hash,
                    keep_until: value.expires.unwrap_or(now),
                    before: None,
                    next: None,
                });
                head = chain::followed(&head, place, &link, EntryHash::of(&value.body));
            }
            if page.items.is_empty() {
                return Ok(head);
            }
        }
    }

    /// Notes where the log ends. It is a hint: when it fails, whoever reads it looks ahead.
    async fn note(&self, scope: AuditScope, head: AuditHead, now: Timestamp) {
        let table = PlainTable::<AuditHead>::of(self.store.as_ref(), now);
        let noted = table.change::<StoreError>(AuditHead::at(scope), |before| {
            let later = before.filter(|before| chain::is_behind(&head, before));
            Ok(Some(later.copied().unwrap_or(head)))
        });
        if let Err(error) = noted.await {
            tracing::debug!(%error, "the end of an audit log was not noted");
        }
    }
}

fn entry(id: u64, at: Timestamp, event: &AuditEvent, link: ChainLink) -> AuditEntry {
    let AuditEvent {
        actor,
        action,
        target,
        address,
        details,
    } = event.clone();
    AuditEntry {
        id: format!("{id:016x}"),
        at,
        actor,
        action,
        target,
        address,
        details,
        link,
    }
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditLog")
    }
}
