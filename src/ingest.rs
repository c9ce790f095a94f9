//! The road in: webhook body → journal → 200 → parse → route → ledger → journal entry done.
//!
//! [`Intake::accept`] returns once the body is durable; that is all that the 200 promises and all that Meta waits for.
//! The [`applier`] does the rest in its own time and in journal order. Applying an entry twice changes nothing, so after
//! a crash, or when anything on the way was full or failed, an entry is simply applied again.

mod applier;
mod fairness;
mod ids;
mod route;
mod signed;
mod tail;
#[cfg(test)]
mod tests;
mod ticket;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::actors::directory::Directory;
use crate::actors::port::{IntakePort, IntakeRefusal, Signer};
use crate::crash::{self, CrashPoint};
use crate::domain::Clock;
use crate::shutdown::Shutdown;
use crate::store::{JournalEntry, Store, StoreError, StoreErrorKind};
use crate::telemetry::metrics;
use ids::JournalIds;
use tail::Tail;

pub use applier::Applier;
pub use signed::signer_of;

/// What Meta is told when the journal cannot take more and the store gives no time of its own.
const COME_BACK: Duration = Duration::from_secs(5);

/// Takes webhook bodies.
pub struct Intake {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: JournalIds,
    tail: Arc<Tail>,
    append_seconds: ::metrics::Histogram,
}

/// Opens the road in: the part that takes bodies, and the part that applies them (to be run until the end).
pub async fn open(
    directory: Arc<Directory>,
    shutdown: Shutdown,
    seed: u64,
) -> Result<(Arc<Intake>, Applier), StoreError> {
    let (store, clock) = (Arc::clone(directory.store()), Arc::clone(directory.clock()));
    let tail = Arc::new(Tail::default());
    let ids = JournalIds::new(seed);
    let applier = Applier::new(directory, Arc::clone(&tail), shutdown);
    Ok((
        Arc::new(Intake {
            store,
            clock,
            ids,
            tail,
            append_seconds: metrics::journal_append_seconds(),
        }),
        applier,
    ))
}

impl Intake {
    /// An entry of these bytes, durable on return.
    async fn keep(&self, sealed: Bytes) -> Result<(), IntakeRefusal> {
        let now = self.clock.now();
        let entry = JournalEntry {
            id: self.ids.next(now),
            received: now,
            body: sealed,
        };
        crash::point(CrashPoint::BeforeJournal);
        let began = self.clock.monotonic();
        let appended = self.append(entry).await;
        self.append_seconds
            .record(self.clock.monotonic().saturating_sub(began));
        appended.map_err(|error| {
            tracing::warn!(error = %error, "the journal does not take webhooks");
            IntakeRefusal {
                retry_after: error.retry_after.unwrap_or(COME_BACK),
            }
        })?;
        crash::point(CrashPoint::AfterJournal);
        Ok(())
    }

    /// Stores an entry and hands it on, whether or not somebody still waits: a connection that breaks ends its handler,
    /// and what was stored meanwhile would be applied only after the next start.
    async fn append(&self, entry: JournalEntry) -> Result<(), StoreError> {
        let (store, tail) = (Arc::clone(&self.store), Arc::clone(&self.tail));
        let work = tokio::spawn(async move {
            store.journal_append(entry.clone()).await?;
            tail.push(entry);
            Ok(())
        });
        work.await
            .unwrap_or_else(|lost| Err(StoreError::new(StoreErrorKind::Unknown, lost.to_string())))
    }
}

#[async_trait]
impl IntakePort for Intake {
    async fn accept(&self, signer: Signer, body: Bytes) -> Result<(), IntakeRefusal> {
        self.keep(signed::seal(&signer, body)).await
    }

    async fn take_back(&self, sealed: Bytes) -> Result<(), IntakeRefusal> {
        self.keep(sealed).await
    }
}
