//! Rewriting files after something was removed before its time, so that it does not stay in them.
//!
//! That it is due is a row, written together with the removal: whoever opens the folder next does it. A rewrite reads and
//! writes everything, so there is at most one a day.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::codec::{self, NEVER};
use super::engine::{Engine, failed};
use super::keys::{self, Key, Kind, Space};
use super::txn::Txn;
use super::writer::Need;
use super::{FjallStore, SMALL};
use crate::domain::Timestamp;
use crate::store::error::{StoreError, StoreErrorKind};

/// Files are rewritten not more often than this.
const EVERY: Duration = Duration::from_hours(24);
/// In this time memory is written to files, or the disk has failed.
pub(super) const WRITTEN: Duration = Duration::from_mins(1);
/// More bytes in memory than this are written to files before long.
const MUCH: u64 = 4 << 20;
/// Time between two looks whether it is.
const LOOK: Duration = Duration::from_millis(10);
/// One that failed is not tried again for this long.
const AFTER_FAILURE: Duration = Duration::from_hours(1);

pub(super) const WITH_CUSTOMERS: [Space; 3] = [Space::Messages, Space::Events, Space::Rows];

fn due_key() -> Key {
    keys::global(Kind::RewriteDue, &[])
}

fn done_key() -> Key {
    keys::global(Kind::Rewritten, &[])
}

/// Notes that files hold what is gone. Counts: what goes while files are rewritten is not taken for rewritten.
pub(super) fn mark(txn: &mut Txn) -> Result<(), StoreError> {
    let stands = txn.get(Space::Rows, &due_key())?;
    let marks = stands.map_or(Ok(0), |value| codec::parse::<u64>(codec::body(&value)?))?;
    let marks = codec::json(NEVER, &marks.wrapping_add(1))?;
    txn.put(Space::Rows, due_key(), marks);
    Ok(())
}

/// Takes the note away, unless more went since it said `marks`.
fn unmark(txn: &mut Txn, marks: u64) -> Result<(), StoreError> {
    if txn.get(Space::Rows, &due_key())? == Some(codec::json(NEVER, &marks)?) {
        txn.delete(Space::Rows, due_key());
    }
    Ok(())
}

/// Begins to write to files what is in memory.
fn begin_to_write_out(engine: &Engine, spaces: &[Space]) -> Result<(), StoreError> {
    for space in spaces {
        engine.space(*space).rotate_memtable().map_err(failed)?;
    }
    Ok(())
}

/// Begins to write to files what is in memory, once it is much: what is not in files when the process dies, the next start
/// puts into memory again, before anybody is served.
pub(super) fn keep_little_in_memory(engine: &Engine) -> Result<(), StoreError> {
    if engine.db().write_buffer_size() < MUCH {
        return Ok(());
    }
    begin_to_write_out(engine, &Space::ALL)
}

/// Writes to files what is in memory, or fails after a while.
pub(super) fn write_out(engine: &Engine, spaces: &[Space], within: Duration) -> Result<(), StoreError> {
    begin_to_write_out(engine, spaces)?;
    let began = Instant::now();
    for space in spaces {
        let space = engine.space(*space);
        // The engine's own way to wait goes on for ever once its threads have given up.
        while space.sealed_memtable_count() > 0 {
            if began.elapsed() > within {
                let detail = "what is in memory does not get to the disk";
                return Err(StoreError::new(StoreErrorKind::Unavailable, detail));
            }
            // On a thread for work that blocks.
            std::thread::park_timeout(LOOK);
        }
    }
    Ok(())
}

/// Rewrites the files that hold customers' data.
fn rewrite(engine: &Engine) -> Result<(), StoreError> {
    write_out(engine, &WITH_CUSTOMERS, WRITTEN)?;
    for space in WITH_CUSTOMERS {
        engine.space(space).major_compact().map_err(failed)?;
    }
    Ok(())
}

impl FjallStore {
    /// Rewrites files if something made that due, and the last time is long enough ago.
    pub(super) async fn rewrite_if_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let Some(marks) = self.reader.row::<u64>(&due_key())? else {
            return Ok(());
        };
        let last: Option<Timestamp> = self.reader.row(&done_key())?;
        // A time that lies ahead was noted by a clock that was set back since.
        if last.is_some_and(|last| last <= now && now < last.after(EVERY)) || !self.may_try(now) {
            return Ok(());
        }
        self.reader.away(rewrite).await?;
        // The engine lets go of old files only when it writes out something newer.
        let note = move |txn: &mut Txn| {
            txn.put(Space::Rows, done_key(), codec::json(NEVER, &now)?);
            Ok(())
        };
        self.writer.write(Need::MakesRoom, SMALL, note).await?;
        let write = |engine: &_| write_out(engine, &WITH_CUSTOMERS, WRITTEN);
        self.reader.away(write).await?;
        // Last: until here, whoever dies leaves it due.
        let unmark = move |txn: &mut Txn| unmark(txn, marks);
        self.writer.write(Need::MakesRoom, SMALL, unmark).await
    }

    fn may_try(&self, now: Timestamp) -> bool {
        let mut tried = self.rewrite_tried.lock().unwrap_or_else(PoisonError::into_inner);
        let may = tried.is_none_or(|tried| now < tried || tried.after(AFTER_FAILURE) <= now);
        if may {
            *tried = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store as _;
    use crate::store::fjall::FjallOptions;

    #[tokio::test]
    async fn a_sweep_leaves_little_that_the_next_start_would_put_into_memory_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = FjallStore::open(folder.path(), FjallOptions::default()).unwrap();
        let tables = || store.engine.space(Space::Rows).table_count();
        let fill = |bytes: usize| {
            store.put(move |txn| {
                let value = codec::bytes(NEVER, &vec![7; bytes]);
                txn.put(
                    Space::Rows,
                    keys::global(Kind::Tenant, &bytes.to_be_bytes()),
                    value,
                );
                Ok(())
            })
        };
        fill(1 << 20).await.unwrap();
        store.sweep(Timestamp::from_secs(1), 10).await.unwrap();
        assert_eq!(
            (store.engine.space(Space::Rows).sealed_memtable_count(), tables()),
            (0, 0)
        );
        fill(4 << 20).await.unwrap();
        store.sweep(Timestamp::from_secs(2), 10).await.unwrap();
        // Waits for what the sweep began.
        write_out(&store.engine, &[Space::Rows], WRITTEN).unwrap();
        assert_eq!(tables(), 1);
    }

    #[tokio::test]
    async fn what_goes_while_files_are_rewritten_stays_due() {
        let folder = tempfile::tempdir().unwrap();
        let store = FjallStore::open(folder.path(), FjallOptions::default()).unwrap();
        let due = || store.reader.row::<u64>(&due_key()).unwrap();
        assert_eq!(due(), None);
        store.put(mark).await.unwrap();
        let begun = due().unwrap();
        store.put(mark).await.unwrap();
        store.put(move |txn| unmark(txn, begun)).await.unwrap();
        let again = due().unwrap();
        store.put(move |txn| unmark(txn, again)).await.unwrap();
        assert_eq!(due(), None);
    }
}
