//! The road in: webhook body → journal → 200 → parse → route → ledger → journal entry done.
//!
//! [`Intake::accept`] returns once the body is durable; that is all that the 200 promises and all that Meta waits for.
//! The [`applier`] does the rest in its own time: tenants take turns, and each is served in journal order. Applying an entry
//! twice changes nothing, so after a crash, or when anything on the way was full or failed, an entry is simply applied
//! again.

mod applier;
mod backlog;
mod completion;
mod forwarded;
mod ids;
mod in_flight;
mod intake_priority;
mod owners;
mod quarantine;
mod route;
mod scanner;
mod seeker;
mod shared_backlog;
mod signed;
mod split;
#[cfg(test)]
mod tests;
mod ticket;
mod turn;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::actors::port::{Applying, IntakePort, IntakeRefusal, Signer, WebhookTenants};
use crate::crash::{self, CrashPoint};
use crate::domain::Clock;
use crate::domain::TenantId;
use crate::shutdown::Shutdown;
use crate::store::{JournalEntry, Sharing, Store, StoreError, StoreErrorKind};
use crate::telemetry::{Seldom, metrics};
use crate::templates::TemplateBook;
use crate::whatsapp::webhook::Haste;
use ids::JournalIds;
use shared_backlog::SharedBacklog;

pub use applier::Applier;
pub use signed::signer_of;

/// What Meta is told when the journal cannot take more and the store gives no time of its own.
const COME_BACK: Duration = Duration::from_secs(5);

/// How often the log tells of webhooks that are refused, or cannot be applied now.
const TOLD_EACH: Duration = Duration::from_secs(10);

/// What the road in is built on.
#[derive(Clone)]
pub struct IngestParts {
    /// Those whom webhooks concern.
    pub tenants: Arc<dyn WebhookTenants>,
    /// Where the journal is.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where news of message templates go.
    pub templates: Arc<TemplateBook>,
}

/// Takes webhook bodies.
pub struct Intake {
    parts: IngestParts,
    ids: JournalIds,
    shared: Arc<Shared>,
    append_seconds: ::metrics::Histogram,
    refused: Seldom,
}

/// What intake and applier share. The board is a new one whenever the applier starts again.
struct Shared {
    board: RwLock<Arc<SharedBacklog>>,
    sharing: Sharing,
    runs: AtomicBool,
}

impl Shared {
    fn board(&self) -> Arc<SharedBacklog> {
        Arc::clone(&self.board.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A board on which nothing is known.
    fn begin(&self) -> Arc<SharedBacklog> {
        let board = Arc::new(SharedBacklog::new(self.sharing));
        *self.board.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&board);
        board
    }

    /// Takes note of an entry that was made durable.
    fn push(&self, entry: JournalEntry, owners: Vec<TenantId>, haste: Haste) {
        self.board().push(entry, owners, haste);
    }
}

/// Opens the road in: the part that takes bodies, and the part that applies them (to be run until the end).
pub async fn open(
    parts: IngestParts,
    shutdown: Shutdown,
    seed: u64,
) -> Result<(Arc<Intake>, Applier), StoreError> {
    let sharing = parts.store.sharing();
    let shared = Arc::new(Shared {
        board: RwLock::new(Arc::new(SharedBacklog::new(sharing))),
        sharing,
        runs: AtomicBool::new(true),
    });
    let ids = JournalIds::new(seed);
    let applier = Applier::new(parts.clone(), Arc::clone(&shared), shutdown);
    Ok((
        Arc::new(Intake {
            parts,
            ids,
            shared,
            append_seconds: metrics::journal_append_seconds(),
            refused: Seldom::each(TOLD_EACH),
        }),
        applier,
    ))
}

impl Intake {
    /// An entry of these bytes, durable on return.
    async fn keep(&self, sealed: Bytes, seen: (Vec<TenantId>, Haste)) -> Result<(), IntakeRefusal> {
        let now = self.parts.clock.now();
        let entry = JournalEntry {
            id: self.ids.next(self.parts.clock.for_ids()),
            received: now,
            body: sealed,
        };
        crash::point(CrashPoint::BeforeJournal);
        let began = self.parts.clock.monotonic();
        let appended = self.append(entry, seen).await;
        self.append_seconds
            .record(self.parts.clock.monotonic().saturating_sub(began));
        appended.map_err(|error| {
            if let Some(count) = self.refused.happened(self.parts.clock.monotonic()) {
                tracing::warn!(error = %error, count, "the journal does not take webhooks");
            }
            IntakeRefusal {
                retry_after: error.retry_after.unwrap_or(COME_BACK),
            }
        })?;
        crash::point(CrashPoint::AfterJournal);
        Ok(())
    }

    /// Stores an entry and hands it on, whether or not somebody still waits: a connection that breaks ends its handler,
    /// and what was stored meanwhile would be applied only after the next start.
    async fn append(
        &self,
        entry: JournalEntry,
        (owners, haste): (Vec<TenantId>, Haste),
    ) -> Result<(), StoreError> {
        let (store, shared) = (Arc::clone(&self.parts.store), Arc::clone(&self.shared));
        let work = tokio::spawn(async move {
            let appended = store.journal_append(entry.clone()).await;
            match &appended {
                Ok(()) => shared.push(entry, owners, haste),
                // It may stand there. Meta sends it again, so nothing is lost; but nobody would apply this entry, or mark it
                // done, before the next start.
                Err(error) if error.kind == StoreErrorKind::Unknown => {
                    shared.board().doubtful(entry, owners, haste);
                }
                Err(_) => {}
            }
            appended
        });
        work.await
            .unwrap_or_else(|lost| Err(StoreError::new(StoreErrorKind::Unknown, lost.to_string())))
    }
}

#[async_trait]
impl IntakePort for Intake {
    async fn accept(&self, signer: Signer, body: Bytes) -> Result<(), IntakeRefusal> {
        let seen = owners::at_a_glance(self.parts.tenants.as_ref(), &body);
        self.keep(signed::seal(&signer, body), seen).await
    }

    async fn take_back(&self, sealed: Bytes) -> Result<(), IntakeRefusal> {
        let (_, body) = signed::open(&sealed);
        let seen = owners::at_a_glance(self.parts.tenants.as_ref(), &body);
        self.keep(sealed, seen).await
    }

    fn applying(&self) -> Applying {
        if self.shared.runs.load(Ordering::Acquire) {
            Applying::Runs
        } else {
            Applying::Died
        }
    }
}
