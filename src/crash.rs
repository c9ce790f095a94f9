//! Named places at which the process can be made to die, for tests that show what survives.
//!
//! `MESEJ_CRASH_AT=after_claim:3`, read once at the start, makes the process abort (SIGABRT, no unwinding, no flushing)
//! the third time it gets to that place; without `:3`, the first time. `MESEJ_CRASH_LOG` names a file that notes the
//! place before the end, so that a test knows that it was reached. Otherwise a place costs one relaxed atomic load.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

#[cfg(test)]
mod tests;

macro_rules! points {
    ($( $(#[$doc:meta])* $point:ident = $name:literal, )+) => {
        /// A place where dying must lose nothing and repeat nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CrashPoint { $( $(#[$doc])* $point, )+ }

        impl CrashPoint {
            /// Every place, in the order in which a message meets them.
            pub const ALL: &[Self] = &[$(Self::$point),+];

            /// Its name in `MESEJ_CRASH_AT`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$point => $name),+ }
            }
        }
    };
}

points! {
    /// A webhook's signature is right; nothing is durable.
    BeforeJournal = "before_journal",
    /// The webhook is durable; the 200 has not left.
    AfterJournal = "after_journal",
    /// The webhook was read from the journal; nothing of it is applied.
    BeforeApply = "before_apply",
    /// All of it is committed; the journal does not know yet.
    AfterApply = "after_apply",
    /// The journal knows.
    AfterDone = "after_done",
    /// A ledger's batch is decided; nothing of it is durable.
    BeforeCommit = "before_commit",
    /// The batch is durable; neither its askers nor the feed know yet.
    AfterCommit = "after_commit",
    /// A message's turn in its lane has come; nothing says so yet.
    BeforeClaim = "before_claim",
    /// The claim is durable; no byte has left.
    AfterClaim = "after_claim",
    /// The request is about to be written.
    BeforeRequest = "before_request",
    /// Meta answered; nothing durable says so.
    AfterResponse = "after_response",
    /// The result is durable.
    AfterResult = "after_result",
    /// A batch of an import is noted; nothing says so yet.
    AfterImportBatch = "after_import_batch",
    /// Some recipients of a broadcast are written down; its plan is not at its end.
    AfterBroadcastChunk = "after_broadcast_chunk",
    /// Some recipients of a broadcast were handed to the ledger; nothing says so yet.
    AfterBroadcastBatch = "after_broadcast_batch",
    /// A broadcast is to stand still, says its row; its ledger does not know yet.
    AfterBroadcastPause = "after_broadcast_pause",
    /// The bytes of a file are durable; no row leads to them.
    AfterFileBytes = "after_file_bytes",
    /// Its row leads to them; its message does not show it.
    AfterFileRow = "after_file_row",
    /// A customer is listed to be erased; nothing is removed.
    ErasureListed = "erasure_listed",
    /// Messages and contacts are removed; what leads to them and the customer's other rows are not.
    MidErasure = "mid_erasure",
    /// Everything is removed; nothing says so yet.
    AfterErasure = "after_erasure",
}

/// Why `MESEJ_CRASH_AT` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no crash point: name or name:nth, with a name of {names}", names = names())]
pub struct UnknownPoint(String);

fn names() -> String {
    CrashPoint::ALL
        .iter()
        .map(|point| point.name())
        .collect::<Vec<_>>()
        .join(", ")
}

const NOWHERE: usize = usize::MAX;

static WATCHED: AtomicUsize = AtomicUsize::new(NOWHERE);
static VISITS_LEFT: AtomicU32 = AtomicU32::new(0);
static LOG: OnceLock<PathBuf> = OnceLock::new();

/// Reads the environment. To be called once, before anything that a test may want to kill.
pub fn arm_from_environment() -> Result<(), UnknownPoint> {
    let Ok(wish) = std::env::var("MESEJ_CRASH_AT") else {
        return Ok(());
    };
    let (place, nth) = parse(&wish)?;
    if let Some(path) = std::env::var_os("MESEJ_CRASH_LOG") {
        // Set by the first call; a second one would read the same environment.
        let _ = LOG.set(path.into());
    }
    VISITS_LEFT.store(nth, Ordering::Relaxed);
    WATCHED.store(place, Ordering::Release);
    Ok(())
}

fn parse(wish: &str) -> Result<(usize, u32), UnknownPoint> {
    let (name, nth) = wish.split_once(':').unwrap_or((wish, "1"));
    let place = CrashPoint::ALL.iter().position(|point| point.name() == name);
    let nth = nth.parse::<u32>().ok().filter(|nth| *nth > 0);
    place.zip(nth).ok_or_else(|| UnknownPoint(wish.to_owned()))
}

/// Dies here if it is time to.
#[inline]
pub fn point(point: CrashPoint) {
    if WATCHED.load(Ordering::Relaxed) != NOWHERE {
        visit(point);
    }
}

#[cold]
fn visit(point: CrashPoint) {
    let watched = CrashPoint::ALL.get(WATCHED.load(Ordering::Acquire));
    if watched == Some(&point) && VISITS_LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        note(point);
        std::process::abort();
    }
}

fn note(point: CrashPoint) {
    let Some(path) = LOG.get() else { return };
    let written = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| {
            writeln!(file, "{}", point.name())?;
            file.sync_data()
        });
    if let Err(error) = written {
        tracing::error!(%error, "cannot note the crash point");
    }
}
