//! What stands in the folder, looked at before the engine opens it.
//!
//! The engine takes a log that it cannot read on for one whose last write was cut off, and cuts it there; a keyspace without
//! its manifest for one whose making was cut off, and removes it. Here it is told apart: what was acknowledged and is not
//! there any more is a [`Problem`], and nothing is changed before somebody has decided about it.

mod log;
mod logs;
mod tables;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::aside;
use super::tally::{Noted, Tally};
use crate::store::error::{StoreError, StoreErrorKind};

/// First bytes of the engine's file `version`, and all of it.
const VERSION: &[u8; 4] = b"FJL\x03";
/// How often a lock is tried, and how long is waited in between: a process that ends may need a moment.
pub(super) const TRIES: u32 = 3;
pub(super) const BETWEEN: Duration = Duration::from_millis(100);

/// Whether there is a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There is none, or the making of one was cut off.
    Absent,
    /// There is one.
    Stands,
}

/// Something acknowledged that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) help: Help,
}

/// What can be done about it beside restoring a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Help {
    /// Nothing.
    Restore,
    /// To go on with what a log has before this byte.
    Cut(PathBuf, usize),
    /// To go on without this log, which belongs behind what is missing.
    Aside(PathBuf),
    /// To write this file again.
    Write(PathBuf, &'static [u8]),
    /// To go on without.
    GoOn,
}

/// What was found.
pub(super) struct Checked {
    pub(super) state: State,
    pub(super) noted: Option<Noted>,
    pub(super) problems: Vec<Problem>,
    /// How much is missing, where that can be told.
    pub(super) missing: Option<String>,
    /// A log's end that was never acknowledged.
    torn: Option<(PathBuf, usize)>,
}

/// The engine's lock, held.
pub(super) struct Alone(File);

impl Drop for Alone {
    fn drop(&mut self) {
        // Closing the file alone would leave it with a child that is being started at this moment.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "cannot let go of the data folder's lock");
        }
    }
}

/// Takes the engine's lock; `None` while somebody else has it.
pub(super) fn alone(folder: &Path) -> io::Result<Option<Alone>> {
    let lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Alone(lock))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// The same, for whoever needs it.
pub(super) fn hold(folder: &Path) -> Result<Alone, StoreError> {
    for _ in 0..TRIES {
        if let Some(lock) = alone(folder).map_err(|error| super::engine::refused(&error))? {
            return Ok(lock);
        }
        std::thread::park_timeout(BETWEEN);
    }
    Err(super::engine::failed(fjall::Error::Locked))
}

/// The engine's logs, oldest first.
pub(super) fn logs(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut logs = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        if let Some(number) = number
            && path.extension().is_some_and(|extension| extension == "jnl")
        {
            logs.push((number, path));
        }
    }
    logs.sort_unstable();
    Ok(logs)
}

/// The engine's keyspaces, by the names of their folders.
pub(super) fn keyspaces(folder: &Path) -> io::Result<Vec<u64>> {
    let folders = match fs::read_dir(folder.join("keyspaces")) {
        Ok(folders) => folders,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = BTreeSet::new();
    for folder in folders {
        found.extend(
            folder?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u64>().ok()),
        );
    }
    Ok(found.into_iter().collect())
}

/// Looks at everything, and changes nothing.
pub(super) fn check(folder: &Path) -> io::Result<Checked> {
    let noted = Noted::read(folder)?;
    let logs = logs::Logs::read(folder)?;
    let here = keyspaces(folder)?;
    let version = folder.join("version");
    let written = written(folder, &here)?;
    let mut checked = Checked {
        state: State::Stands,
        problems: Vec::new(),
        missing: None,
        torn: None,
        noted,
    };
    let begun = logs.are_empty() && written.is_empty();
    if checked.noted.is_none() && begun && (!version.try_exists()? || logs.are_new()) {
        checked.state = State::Absent;
        return Ok(checked);
    }
    if checked.noted.is_none() {
        tracing::warn!(
            folder = %folder.display(),
            "`engine.watermark` is missing or damaged: damage to the end of the engine's log cannot be told from a write that was cut off"
        );
    }
    match fs::read(&version) {
        Ok(bytes) if bytes == VERSION => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        found => {
            let is = if found.is_ok() { "is damaged" } else { "is missing" };
            checked.problems.push(Problem {
                what: format!("its file `version` {is}"),
                help: Help::Write(version, VERSION),
            });
        }
    }
    let expected: BTreeSet<u64> = match &checked.noted {
        Some(noted) => noted.keyspaces.iter().copied().collect(),
        None => logs.keyspaces().chain(written).chain([0]).collect(),
    };
    let mut room = tables::READ_WHOLE;
    for keyspace in expected {
        let keyspace = folder.join("keyspaces").join(keyspace.to_string());
        let problems = tables::problems(&keyspace, &mut room);
        checked.problems.extend(problems.into_iter().map(|what| Problem {
            what,
            help: Help::Restore,
        }));
    }
    let found = logs.problems(folder, checked.noted.as_ref());
    checked.missing = found.missing;
    checked.torn = found.torn;
    checked.problems.extend(found.problems);
    Ok(checked)
}

/// Keyspaces in whose folders something was written, beside the one that names the others.
fn written(folder: &Path, here: &[u64]) -> io::Result<Vec<u64>> {
    let mut written = Vec::new();
    for keyspace in here.iter().copied().filter(|keyspace| *keyspace > 0) {
        let tables = folder.join("keyspaces").join(keyspace.to_string()).join("tables");
        let any = match fs::read_dir(tables) {
            Ok(mut tables) => tables.next().transpose()?.is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if any {
            written.push(keyspace);
        }
    }
    Ok(written)
}

impl Checked {
    /// Why the folder is not opened, if it has problems.
    pub(super) fn refusal(&self) -> Option<StoreError> {
        let told: Vec<&str> = self
            .problems
            .iter()
            .map(|problem| problem.what.as_str())
            .collect();
        let helps = self.problems.iter().all(|problem| problem.help != Help::Restore);
        (!told.is_empty()).then(|| refusal(&told.join("; "), self.missing.as_deref(), helps))
    }

    /// What the problems cost, once somebody accepted that: keeps copies of what is cut or left out.
    pub(super) fn accept(&self, folder: &Path) -> io::Result<()> {
        for Problem { what, help } in &self.problems {
            tracing::error!(missing = self.missing.as_deref(), "accepted as lost: {what}");
            match help {
                Help::Restore | Help::GoOn => {}
                Help::Cut(log, at) => {
                    aside::copy(folder, log)?;
                    cut(log, *at)?;
                }
                Help::Aside(log) => {
                    aside::copy(folder, log)?;
                    fs::remove_file(log)?;
                }
                Help::Write(path, bytes) => fs::write(path, bytes)?,
            }
        }
        super::sync_folder(folder)
    }

    /// Makes ready what the engine would misunderstand although nothing is missing.
    pub(super) fn prepare(&self, folder: &Path) -> io::Result<()> {
        if self.state == State::Absent {
            // The engine makes these, and does not expect them. Nothing was written to them.
            if !folder.join("version").try_exists()? {
                for (_, log) in logs(folder)? {
                    fs::remove_file(log)?;
                }
            }
            return Ok(());
        }
        if let Some((log, at)) = &self.torn {
            tracing::warn!(
                log = %log.display(),
                "the end of the log was cut off in the middle of a write that was not acknowledged"
            );
            cut(log, *at)?;
        }
        match &self.noted {
            Some(noted) => super::tally::opening(folder, noted),
            None => Ok(()),
        }
    }

    /// After the engine opened it: what of the acknowledged is not there, if anything.
    pub(super) fn is_short_of(&self, stored: Tally) -> Option<String> {
        let noted = self.noted.as_ref().map(|noted| noted.tally).unwrap_or_default();
        (noted.commits > stored.commits).then(|| logs::counted(noted, stored))
    }
}

fn cut(log: &Path, at: usize) -> io::Result<()> {
    let file = File::options().write(true).open(log)?;
    file.set_len(u64::try_from(at).unwrap_or(u64::MAX))?;
    file.sync_all()
}

/// What was found out after the engine opened the folder, which by then may have written to it.
pub(super) const SHORT: &str = "the folder holds less than was acknowledged";

const ACCEPT: &str =
    "restore the folder from a backup, or start once with `--accept-loss` to go on without what is missing";

/// Says what is missing, and what helps, before anything was changed.
pub(super) fn refusal(what: &str, missing: Option<&str>, accepting_helps: bool) -> StoreError {
    let missing = missing.map_or(String::new(), |missing| format!(". Missing: {missing}"));
    let help = if accepting_helps {
        ACCEPT
    } else {
        "restore the folder from a backup: `--accept-loss` does not help here"
    };
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("what was acknowledged is damaged or lost: {what}{missing}. Nothing was changed; {help}"),
    )
}

/// Says how much is missing in a folder that the engine opened.
pub(super) fn short_of(missing: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        format!("what was acknowledged is damaged or lost: {SHORT}. Missing: {missing}; {ACCEPT}"),
    )
}
