//! Writing and reading that must succeed: repeated with growing pauses until the ledger or the store takes it.

use std::time::Duration;

use crate::actors::{CommitError, LedgerHandle};
use crate::domain::{MessageId, PhoneNumberId, TenantId};
use crate::store::{Op, OpOutcome, OutboxRow, Store, StoreError, StoreErrorKind};

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

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
    let mut pause = FIRST;
    let mut impossible = 0;
    loop {
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
                | StoreErrorKind::Unknown => pause = error.retry_after.unwrap_or(pause).min(LONGEST),
            },
            Err(CommitError::Busy) => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Reads one outbox row, however long it takes.
pub(super) async fn read_row(
    store: &dyn Store,
    tenant: TenantId,
    number: &PhoneNumberId,
    message: MessageId,
) -> Option<OutboxRow> {
    let mut pause = FIRST;
    loop {
        match store.outbox(tenant, number.clone(), before(message), 1).await {
            Ok(rows) => return rows.into_iter().next().filter(|row| row.at.message == message),
            Err(error) => tracing::warn!(tenant.id = %tenant, %error, "cannot read the outbox"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// The id just before this one.
pub(super) fn before(message: MessageId) -> Option<MessageId> {
    let number = u128::from_be_bytes(*message.as_bytes());
    let before = number.checked_sub(1)?;
    Some(MessageId::from_bytes(before.to_be_bytes()))
}

/// The pause after so many failures in a row.
pub(super) fn pause_after(failures: u32) -> Duration {
    FIRST
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
        .min(LONGEST)
}
