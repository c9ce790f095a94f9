//! Opening a folder: looking at it, deciding about what is missing, and only then letting the engine have it.

use std::path::Path;

use super::check::{self, Checked, State};
use super::engine::{Engine, refused};
use super::guard::FolderGuard;
use super::settle;
use super::tally::{Notes, Tally};
use super::terms;
use super::{Absent, FjallOptions, Loss, journal, make_folder, marker, private};
use crate::domain::Timestamp;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::telemetry::metrics;

/// An engine with what it holds.
pub(super) struct Opened {
    pub(super) engine: Engine,
    pub(super) tally: Tally,
    pub(super) notes: Notes,
    /// The webhook journal beside it, not opened yet.
    pub(super) webhooks: journal::Checked,
    pub(super) guard: FolderGuard,
}

/// Opens the engine in a folder, which is made if it is not there and may be.
pub(super) fn open(folder: &Path, options: &FjallOptions) -> Result<Opened, StoreError> {
    if options.absent == Absent::IsRefused {
        there(folder)?;
    }
    make_folder(folder)
        .and_then(|()| private::mend(folder))
        .map_err(|error| refused(&error))?;
    let guard = FolderGuard::take(folder)?;
    marker::check(folder)?;
    let alone = check::hold(folder)?;
    let checked = check::check(folder).map_err(|error| refused(&error))?;
    metrics::store_made().set(if checked.state == State::Absent { 1.0 } else { 0.0 });
    if checked.state == State::Absent {
        tell_of_new(folder);
    }
    let webhooks = super::webhooks(folder);
    let watermark = super::webhooks_watermark(folder);
    let journal = journal::check(&webhooks, &watermark).map_err(|error| error.within(&webhooks))?;
    // A start that accepted a loss may have died before it settled it.
    let accepted = match options.loss {
        Loss::IsAcceptedAt(now) => Some(now),
        Loss::IsRefused => settle::due(folder).map_err(|error| refused(&error))?,
    };
    // Both before anything is changed: a refusal says that nothing was.
    decide(&checked, &journal, accepted)?;
    if let Some(now) = accepted {
        settle::begin(folder, now)
            .and_then(|()| checked.accept(folder))
            .map_err(|error| refused(&error))?;
    }
    checked.prepare(folder).map_err(|error| refused(&error))?;
    drop(alone);
    let engine = Engine::open(folder, options)?;
    terms::make(&engine)?;
    let stored = Tally::stored(&engine)?;
    let missing = checked.is_short_of(stored);
    let tally = match (accepted, missing) {
        (Some(now), missing) => {
            if let Some(missing) = missing {
                tracing::error!(missing, "accepted as lost: {}", check::SHORT);
            }
            // Also where nothing seems to be missing: a backup is whole, and older than what was acknowledged.
            settle::after_loss(&engine, stored, now)?
        }
        (None, Some(missing)) => return Err(check::short_of(&missing)),
        (None, None) => stored,
    };
    let notes = Notes::begin(folder, tally).map_err(|error| refused(&error))?;
    if accepted.is_some() {
        settle::end(folder).map_err(|error| refused(&error))?;
    }
    Ok(Opened {
        engine,
        tally,
        notes,
        webhooks: journal,
        guard,
    })
}

/// Refuses to begin an empty history where one is expected.
fn there(folder: &Path) -> Result<(), StoreError> {
    let absent = match check::check(folder) {
        Ok(checked) => checked.state == State::Absent,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(refused(&error)),
    };
    if !absent {
        return Ok(());
    }
    let detail = "no store is there, and `store.must_exist` forbids to make one: is the volume mounted, and is `store.path` \
                  right? For a first start, set it to false";
    Err(StoreError::new(StoreErrorKind::Unavailable, detail))
}

/// What `mesej demo` puts into its folder first. Nobody misses a history there.
const DEMO_KEY: &str = "demo.key";

/// An empty history is what an unmounted volume looks like.
fn tell_of_new(folder: &Path) {
    let others = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let (known, others): (Vec<_>, Vec<_>) = others
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .partition(|name| ["lock", DEMO_KEY].contains(&name.as_str()));
    if others.is_empty() && known.iter().any(|name| name == DEMO_KEY) {
        return tracing::info!(folder = %folder.display(), "a store for the demo is made");
    }
    tracing::warn!(
        folder = %folder.display(),
        other_files = others.join(", "),
        "no store was there: a new one is made, with an empty history. Where there should be one, stop this process, and look \
         whether the volume is mounted and `store.path` is right; `store.must_exist = true` refuses to make one"
    );
}

fn decide(
    checked: &Checked,
    journal: &journal::Checked,
    accepted: Option<Timestamp>,
) -> Result<(), StoreError> {
    let refusal = match (checked.refusal(), journal.refusal()) {
        (Some(engine), Some(journal)) => Some(engine.and(&journal)),
        (engine, journal) => engine.or(journal),
    };
    let mends = checked
        .problems
        .iter()
        .all(|problem| problem.help != check::Help::Restore);
    match refusal {
        Some(refusal) if accepted.is_none() || !mends => Err(refusal),
        Some(_) | None => Ok(()),
    }
}
