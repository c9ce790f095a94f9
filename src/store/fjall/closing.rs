//! The end in order: everything goes into tables, so that the next start has no log to read.
//!
//! The engine reads its logs again with every start, however much of them its tables hold, and begins a new one only after
//! 64 MB. So a new one is begun here, once the engine is closed, and those before are removed as the engine removes them:
//! when nothing in them is needed any more.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use super::keys::Space;
use super::tally::{Noted, Tally};
use super::watermark::Watermark;
use super::writer::Need;
use super::{FjallStore, SMALL, check, rewrite, sync_folder};
use crate::store::error::StoreError;

/// What takes longer is left to the next start.
const WITHIN: Duration = Duration::from_secs(5);

/// Dropped last: leaves the folder as the next start wants it, and notes which logs are in it.
pub(super) struct Closing {
    folder: PathBuf,
    /// Everything up to here is in tables.
    written_out: OnceLock<Tally>,
}

impl FjallStore {
    /// Writes everything to tables. What is written after this stays in the log, too.
    pub(super) async fn write_all_out(&self) -> Result<(), StoreError> {
        // Asked between two commits: each is in memory as a whole then.
        let tally = self.writer.write(Need::MakesRoom, SMALL, |txn| Ok(txn.tally()));
        let tally = tally.await?;
        let write = |engine: &_| rewrite::write_out(engine, &Space::ALL, WITHIN);
        self.reader.away(write).await?;
        self.closing.written_out.get_or_init(|| tally);
        Ok(())
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "cannot note what the data folder holds");
        }
    }
}

impl Closing {
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            written_out: OnceLock::new(),
        }
    }

    fn close(&self) -> io::Result<()> {
        // Whoever has it open may still remove logs.
        let Some(_alone) = check::alone(&self.folder)? else {
            return Ok(());
        };
        let Some(noted) = Noted::read(&self.folder)? else {
            return Ok(());
        };
        // Otherwise something was committed since.
        if self.written_out.get() == Some(&noted.tally) {
            begin_log(&self.folder)?;
        }
        let logs = check::logs(&self.folder)?;
        let closed = Noted {
            logs: Some(logs.into_iter().map(|(id, _)| id).collect()),
            ..noted
        };
        Watermark::open(&Noted::path(&self.folder))?.note_durably(&closed)
    }
}

/// Begins a log, and removes those before it.
fn begin_log(folder: &Path) -> io::Result<()> {
    let before = check::logs(folder)?;
    let Some((newest, _)) = before.last() else {
        return Ok(());
    };
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(format!("{}.jnl", newest + 1)))?
        .sync_all()?;
    sync_folder(folder)?;
    // The oldest first: whenever this is cut off, those that are left follow each other.
    for (_, log) in before {
        fs::remove_file(log)?;
        sync_folder(folder)?;
    }
    Ok(())
}
