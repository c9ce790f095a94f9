//! What the rig says at its end.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::{KillArgs, PLACES};
use crate::rig::{Found, Rig};

/// Prints the end and decides about the exit code.
pub(super) fn print(args: &KillArgs, rig: &Rig, reached: &[&str], found: &Found) -> anyhow::Result<ExitCode> {
    let missed: Vec<_> = PLACES.iter().filter(|place| !reached.contains(place)).collect();
    let count = |pick: fn(&crate::sender::Book) -> &std::sync::atomic::AtomicU64| {
        rig.book
            .as_ref()
            .map_or(0, |book| pick(book).load(Ordering::Relaxed))
    };
    let own = json!({
        "cycles": args.cycles,
        "seed": args.seed,
        "faults": args.faults,
        "ready_ms_max": rig.ready_ms.iter().copied().max().unwrap_or(0),
        "crash_points_reached": reached.len(),
        "crash_points_missed": missed,
        "sends_repeated": count(|book| &book.repeated),
        "sends_refused": count(|book| &book.refused),
        "sends_given_up": count(|book| &book.given_up),
    });
    let line = found.line(rig, own);
    line.end(line.is_sound() && missed.is_empty())
}
