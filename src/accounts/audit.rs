//! The audit log: who did what, recorded before it is done, each entry chained to the one before.
//!
//! | File | What it holds |
//! |---|---|
//! | `audit/chain.rs` | where the next entry goes, and what chains it |
//! | `audit/places.rs` | how many entries wait at once, and whose |
//! | `audit/pages.rs` | reading entries, newest first and in their order |
//! | `audit/file.rs` | checking an export by itself |
//! | `audit/verify.rs` | looking for the first place that is not as it was written |
//!
//! The order is decided where the next place of a month is taken: an entry is added only where nothing stands, so that any number of
//! gateways write one chain. [`AuditHead`] notes where the chain ends; after a kill it may be behind, so whoever reads it looks ahead.
//! It is never behind by a month: a month is left by a change of that row, since places of a month that is over are free again.

mod chain;
mod file;
mod pages;
mod places;
#[cfg(test)]
mod tests;
mod verify;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::time::{Instant, timeout, timeout_at};

use crate::domain::{AuditAction, Clock, Month, Timestamp};
use crate::store::plain::{PlainTable, PlainValue};
use crate::store::tables::{
    AuditActor, AuditDetails, AuditEntry, AuditHead, AuditMonth, AuditScope, AuditTarget, ChainLink,
    EntryHash, EntryPlace,
};
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::telemetry::labels::AuditOutcome;
use crate::telemetry::{Seldom, metrics};

use places::{Kind, Places};

pub use file::ExportCheck;
pub use pages::{AuditFilter, AuditPage, NumberedEntry};
pub use verify::{Noted, Verdict};

/// How long an entry may take, with its wait: somebody waits to be let do something.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long an entry behind an answer may take: nobody waits for it.
const BEHIND: Duration = Duration::from_secs(10);
/// How long the end of a log is trusted that was remembered: others may have written since, and what they wrote may be over.
const TRUSTED: Duration = Duration::from_secs(600);
/// Logs whose ends are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// It is told of busy logs at most this often, of all together.
static BUSY: Seldom = Seldom::each(Duration::from_secs(60));
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

/// The end of one log, and who waits for it. Entries of a kind wait for each other before they wait for the end, so that of each kind
/// one at most stands before another.
#[derive(Default)]
struct Log {
    end: tokio::sync::Mutex<Option<Remembered>>,
    places: Places,
    usual: tokio::sync::Mutex<()>,
    reserved: tokio::sync::Mutex<()>,
    behind: tokio::sync::Mutex<()>,
}

/// An end, and when it was read or written.
struct Remembered {
    head: AuditHead,
    since: Duration,
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
        told(self.in_turn(scope, event).await, self.clock.monotonic())
    }

    /// Records what is not waited for, such as that somebody signed in: one at a time in each log, so that changes wait for one such
    /// entry at most, and beside their places.
    pub async fn record_behind(
        &self,
        scope: AuditScope,
        event: AuditEvent,
    ) -> Result<EntryPlace, AuditError> {
        let log = self.log(scope);
        let appended = timeout(BEHIND, async {
            let _turn = log.behind.lock().await;
            self.append(&log, scope, event).await
        });
        told(
            appended.await.unwrap_or(Err(AuditError::Late)),
            self.clock.monotonic(),
        )
    }

    async fn in_turn(&self, scope: AuditScope, event: AuditEvent) -> Result<EntryPlace, AuditError> {
        let log = self.log(scope);
        let place = log
            .places
            .take(&event.actor, event.action)
            .ok_or(AuditError::Busy)?;
        let turn = match place.kind() {
            Kind::Usual => &log.usual,
            Kind::Reserved => &log.reserved,
        };
        let until = Instant::now() + DEADLINE;
        // Whoever does not get a turn waits for others, and only the one whose turn it is for the store.
        let _turn = timeout_at(until, turn.lock())
            .await
            .map_err(|_elapsed| AuditError::Busy)?;
        let appended = timeout_at(until, self.append(&log, scope, event));
        appended.await.unwrap_or(Err(AuditError::Late))
    }

    fn log(&self, scope: AuditScope) -> Arc<Log> {
        // Entries are only ever replaced whole, so a panic elsewhere leaves nothing half done.
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(logs.get_or_insert(scope, Arc::default))
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
        let now = self.clock.monotonic();
        let remembered = end
            .take()
            .filter(|end| now.saturating_sub(end.since) < TRUSTED)
            .filter(|end| !chain::is_over(&end.head, self.keep, at));
        let mut head = match remembered {
            Some(end) => end.head,
            None => self.end(scope, at).await?,
        };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut failed = None;
        for _ in 0..TRIES {
            if head.next.is_some() {
                self.leave_month(scope, head, at).await?;
            }
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
                    // The end of a month is noted before the next one begins.
                    if closes.is_none() {
                        self.note(scope, head, at).await;
                        *end = Some(Remembered { head, since: now });
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

    /// The end of a log. Where all that may be read of the noted one's month is over, or nearly, nothing is added there any more: its
    /// places would be free for two. Whoever changes the head's row first then says in which month the log goes on.
    async fn end(&self, scope: AuditScope, now: Timestamp) -> Result<AuditHead, StoreError> {
        let found = self.look_ahead(scope, self.head(scope, now).await?, now).await?;
        if !chain::is_over(&found, self.keep, now) {
            return Ok(found);
        }
        let table = PlainTable::<AuditHead>::of(self.store.as_ref(), now);
        let changed = table.change::<StoreError>(AuditHead::at(scope), |before| {
            let before = before.filter(|before| !chain::is_behind(before, &found));
            let before = before.copied().unwrap_or(found);
            let is_over = chain::is_over(&before, self.keep, now);
            Ok(Some(if is_over {
                chain::passed_over(&before, Month::of(now))
            } else {
                before
            }))
        });
        let (_, head) = changed.await?;
        self.look_ahead(scope, head.unwrap_or(found), now).await
    }

    /// Writes down how a month ended before an entry of the next one is added.
    async fn leave_month(
        &self,
        scope: AuditScope,
        head: AuditHead,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(keep_until) = head.keep_until.filter(|keep_until| *keep_until > now) {
            let EntryPlace { month, seq } = head.place;
            let month = AuditMonth::at(scope, month);
            let row = AuditMonth {
                seq,
                hash: head.hash,
                keep_until,
            };
            let table = PlainTable::<AuditMonth>::of(self.store.as_ref(), now);
            // One that stands there already says the same, or is for whoever verifies.
            table.replace(&month, None, Some(&row)).await?;
        }
        self.try_note(scope, head, now).await
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

    /// Notes where the log ends. It is a hint within a month: when it fails, whoever reads it looks ahead.
    async fn note(&self, scope: AuditScope, head: AuditHead, now: Timestamp) {
        if let Err(error) = self.try_note(scope, head, now).await {
            tracing::debug!(%error, "the end of an audit log was not noted");
        }
    }

    async fn try_note(&self, scope: AuditScope, head: AuditHead, now: Timestamp) -> Result<(), StoreError> {
        let table = PlainTable::<AuditHead>::of(self.store.as_ref(), now);
        let noted = table.change::<StoreError>(AuditHead::at(scope), |before| {
            let later = before.filter(|before| chain::is_behind(&head, before));
            Ok(Some(later.copied().unwrap_or(head)))
        });
        noted.await.map(drop)
    }
}

/// Counts what was recorded, and says where it was not. That a log is busy says what its callers do, and nothing of the store.
fn told(recorded: Result<EntryPlace, AuditError>, now: Duration) -> Result<EntryPlace, AuditError> {
    let outcome = match &recorded {
        Ok(_) => AuditOutcome::Written,
        Err(AuditError::Busy) => AuditOutcome::Busy,
        Err(AuditError::Late | AuditError::Store(_)) => AuditOutcome::Failed,
    };
    metrics::audit_entries_total(outcome).increment(1);
    match &recorded {
        Ok(_) => {}
        Err(AuditError::Busy) => {
            if let Some(times) = BUSY.happened(now) {
                tracing::warn!(
                    times,
                    "too much is being recorded in one audit log: changes are refused"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "the audit log could not be written"),
    }
    recorded
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

/// All places of a log, until they are given back.
#[cfg(test)]
pub(crate) struct Full(Arc<Log>);

#[cfg(test)]
impl AuditLog {
    /// Takes all places of a log, so that nothing can be recorded in it.
    pub(crate) fn fill(&self, scope: AuditScope) -> Full {
        let log = self.log(scope);
        log.places.set_all(places::WAITING, places::RESERVED);
        Full(log)
    }
}

#[cfg(test)]
impl Drop for Full {
    fn drop(&mut self) {
        self.0.places.set_all(0, 0);
    }
}

impl std::fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditLog")
    }
}
