//! Writing and reading that must succeed: repeated with growing pauses until the ledger or the store takes it.

use std::time::Duration;

use crate::actors::{CommitError, LedgerHandle};
use crate::domain::{Backoff, MessageId, PhoneNumberId, TenantId};
use crate::store::{Op, OpOutcome, OutboxRow, Store, StoreError, StoreErrorKind};

const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(20), Duration::from_secs(5));
/// A full store tells its callers to come back much later. Room may be made at any time, and what waits here holds up a lane.
const TOLD_AT_MOST: Duration = Duration::from_secs(1);

/// Tries of one thing in a row, with a pause after each.
struct Tries {
    failures: u32,
    rng: fastrand::Rng,
}

impl Tries {
    /// Those of one message, whose pauses differ from others'.
    fn of(message: MessageId) -> Self {
        let number = u128::from_be_bytes(*message.as_bytes());
        Self::seeded(u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0))
    }

    fn seeded(seed: u64) -> Self {
        Self {
            failures: 0,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// Waits after a failure: for so long as the store told, or else longer each time.
    async fn pause(&mut self, told: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let pause = told.map_or_else(|| BACKOFF.after(self.failures), |told| told.min(TOLD_AT_MOST));
        // Never earlier than the store said.
        tokio::time::sleep(pause.mul_f64(self.rng.f64() * 0.5 + 1.0)).await;
    }

    /// Whether it has gone on for long.
    fn are_many(&self) -> bool {
        BACKOFF.after(self.failures) == BACKOFF.longest
    }
}

/// An op that the store calls impossible is offered this often in all: a batch may have been refused for another's sake.
const TRIES: u32 = 3;

/// Why something will never be written here.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Lost {
    /// The ledger is gone. Whoever opens it next finds the claim and calls its outcome unknown.
    #[error("the ledger is gone")]
    LedgerGone,
    /// The store will not take it.
    #[error("the store will never take it: {0}")]
    Impossible(StoreError),
}

/// Commits an op, however long it takes. Ops are idempotent, so one whose outcome is unknown is offered again.
///
/// Without a limit on the number of tries, because a result that is dropped would be a lie; the caller's place in flight
/// stays taken meanwhile, so no more can pile up, and the ledger's end is the end of it.
pub(super) async fn commit_until_taken(ledger: &LedgerHandle, op: &Op) -> Result<OpOutcome, Lost> {
    // Each of many that wait found another number of ops before it.
    let before = u64::try_from(ledger.depth()).unwrap_or(u64::MAX);
    let mut tries = Tries::seeded(ledger.tenant().get() ^ before);
    let mut impossible = 0;
    loop {
        let mut told = None;
        match ledger.commit(op.clone()).await {
            Ok(outcome) => return Ok(outcome),
            Err(CommitError::Closed) => return Err(Lost::LedgerGone),
            Err(CommitError::Store(error)) => match error.kind {
                StoreErrorKind::Fenced | StoreErrorKind::HeadMoved => return Err(Lost::LedgerGone),
                StoreErrorKind::Invalid | StoreErrorKind::Corrupt => {
                    impossible += 1;
                    if impossible >= TRIES {
                        return Err(Lost::Impossible(error));
                    }
                }
                StoreErrorKind::Unavailable
                | StoreErrorKind::Overloaded
                | StoreErrorKind::Full
                | StoreErrorKind::Unknown => told = error.retry_after,
            },
            Err(CommitError::Busy) => {}
        }
        tries.pause(told).await;
    }
}

/// Opens the ledger again under the fence that it has, however long it takes: the rows of its last commit are written then.
/// An error when another owner has it.
pub(super) async fn open_again(store: &dyn Store, ledger: &LedgerHandle) -> Result<(), StoreError> {
    let mut tries = Tries::seeded(ledger.tenant().get());
    loop {
        let told = match store
            .open_tenant(ledger.tenant(), ledger.fence(), ledger.epoch())
            .await
        {
            Ok(_) => return Ok(()),
            Err(error) => match error.kind {
                StoreErrorKind::Fenced
                | StoreErrorKind::HeadMoved
                | StoreErrorKind::Invalid
                | StoreErrorKind::Corrupt => return Err(error),
                StoreErrorKind::Unavailable
                | StoreErrorKind::Overloaded
                | StoreErrorKind::Full
                | StoreErrorKind::Unknown => {
                    tracing::debug!(tenant.id = %ledger.tenant(), %error, "the ledger is opened again later");
                    error.retry_after
                }
            },
        };
        tries.pause(told).await;
    }
}

/// Reads one outbox row, however long it takes: its lane can do nothing about the message without it, and ends it by ending.
pub(super) async fn read_row(
    store: &dyn Store,
    tenant: TenantId,
    number: &PhoneNumberId,
    message: MessageId,
) -> Option<OutboxRow> {
    let mut tries = Tries::of(message);
    loop {
        match store.outbox_row(tenant, number.clone(), message).await {
            Ok(row) => return row,
            Err(error) if tries.are_many() => {
                tracing::warn!(tenant.id = %tenant, %error, "cannot read the outbox");
            }
            Err(error) => tracing::debug!(tenant.id = %tenant, %error, "the outbox is read again"),
        }
        tries.pause(None).await;
    }
}

/// The pause after so many failures in a row.
pub(super) fn pause_after(failures: u32, told: Option<Duration>) -> Duration {
    BACKOFF
        .after(failures)
        .max(told.unwrap_or_default().min(TOLD_AT_MOST))
}
