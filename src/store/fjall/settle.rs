//! After a loss was accepted: what is left must not be taken for what was there.
//!
//! Every ledger gets another identity, and its events end: who followed it loads afresh, and no position is used twice. What
//! waits to be sent may have been sent in what is missing: it counts as called, so that it is unknown and not repeated.
//!
//! That it has to be done is a file of the folder before anything of it is changed. A start that dies in the middle leaves a
//! folder that may look whole; the next one finds the file, and goes on whether or not it is told to accept a loss.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::codec::{self, Head, NEVER};
use super::disk;
use super::engine::Engine;
use super::keys::{self, Key, Kind, Space};
use super::scan::Moment;
use super::tally::Tally;
use super::txn::Txn;
use crate::domain::{Epoch, TenantId, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::{OutboxRow, OutboxState};

/// The file, which holds when the loss was accepted.
fn due_file(folder: &Path) -> PathBuf {
    folder.join("loss-accepted")
}

/// When a loss was accepted that is not settled yet.
pub(super) fn due(folder: &Path) -> io::Result<Option<Timestamp>> {
    match fs::read_to_string(due_file(folder)) {
        Ok(ms) => {
            let ms = ms.parse().map_err(|_no_number| {
                let told = format!("{} holds no time", due_file(folder).display());
                io::Error::new(io::ErrorKind::InvalidData, told)
            });
            Ok(Some(Timestamp::from_millis(ms?)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes durably that a loss was accepted. Notes of claims go: what they say was so when the folder was copied, and who made
/// the calls since then wiped them elsewhere.
pub(super) fn begin(folder: &Path, now: Timestamp) -> io::Result<()> {
    disk::replace(&due_file(folder), now.as_millis().to_string().as_bytes())?;
    crate::store::ahead::discard(folder)
}

/// Notes that it is settled.
pub(super) fn end(folder: &Path) -> io::Result<()> {
    fs::remove_file(due_file(folder))?;
    super::sync_folder(folder)
}

/// Settles all tenants, and returns what the folder holds then.
pub(super) fn after_loss(engine: &Engine, stored: Tally, now: Timestamp) -> Result<Tally, StoreError> {
    let mut txn = Txn::new(engine.clone(), stored);
    let moment = Moment::of(engine);
    let mut ledgers = 0_u64;
    for pair in moment.under(Space::Rows, &keys::global(Kind::Head, &[]), None) {
        let pair = pair?;
        let Some(tenant) = tenant_of(&pair.key) else {
            continue;
        };
        let head = codec::parse_head(codec::body(&pair.value)?)?;
        let begun = Head {
            epoch: Epoch::new(head.epoch.get().wrapping_add(1)),
            floor: head.head.next(),
            ..head
        };
        txn.put_head(tenant, begun);
        ledgers += 1;
    }
    let mut doubtful = 0_u64;
    for pair in moment.under(Space::Rows, &keys::global(Kind::Outbox, &[]), None) {
        let pair = pair?;
        let row: OutboxRow = codec::row(&pair.value)?;
        let (OutboxState::Queued, true, Some(attempt)) =
            (row.state, row.due <= now, row.attempt.checked_add(1))
        else {
            continue;
        };
        let called = OutboxRow {
            state: OutboxState::Claimed,
            attempt,
            claimed_under: None,
            since: now,
            ..row
        };
        txn.put(Space::Rows, Key::stored(&pair.key), codec::json(NEVER, &called)?);
        doubtful += 1;
    }
    tracing::warn!(
        ledgers,
        doubtful,
        "the loss was accepted: agents load everything afresh, and messages that waited are unknown, since they may have been sent"
    );
    let committed = txn.commit().map_err(super::engine::failed)?;
    Ok(committed.unwrap_or(stored))
}

/// The tenant in the key of a ledger's end.
fn tenant_of(key: &[u8]) -> Option<TenantId> {
    key.split_first().and_then(|(_, rest)| keys::tenant_of(rest))
}
