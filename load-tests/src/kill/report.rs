//! What the rig says at its end: the oracle's text for people, one JSON object for programs.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{KillArgs, PLACES};
use crate::rig::{Found, Rig};

/// Prints the end and decides about the exit code.
pub(super) fn print(args: &KillArgs, rig: &Rig, reached: &[&str], found: &Found) -> anyhow::Result<ExitCode> {
    let total = |name: &str| found.total(name);
    let missed: Vec<_> = PLACES.iter().filter(|place| !reached.contains(place)).collect();
    let acknowledged = rig.acknowledged();
    let count = |pick: fn(&crate::sender::Book) -> &std::sync::atomic::AtomicU64| {
        rig.book
            .as_ref()
            .map_or(0, |book| pick(book).load(Ordering::Relaxed))
    };
    let broken = found.broken();
    let line = json!({
        "cycles": args.cycles,
        "seed": args.seed,
        "faults": args.faults,
        "inbound_acknowledged": total("inbound_acknowledged"),
        "sends_acknowledged": acknowledged,
        "sends_accepted": total("sends_accepted"),
        "lost": total("lost") + total("inbound_unshown"),
        "twice": total("twice"),
        "holes": total("holes"),
        "unsettled": total("unsettled"),
        "unknown": total("unknown"),
        "ready_ms_max": rig.ready_ms.iter().copied().max().unwrap_or(0),
        "crash_points_reached": reached.len(),
        "crash_points_missed": missed,
        "sends_repeated": count(|book| &book.repeated),
        "sends_refused": count(|book| &book.refused),
        "sends_given_up": count(|book| &book.given_up),
        "agents": rig.agents(),
        "webhooks": found.quiet,
        "broken": broken,
    });
    let zero = |name: &str| line.get(name).and_then(Value::as_u64) == Some(0);
    let worked = total("inbound_acknowledged") > 0 && total("sends_accepted") > 0 && acknowledged > 0;
    let good =
        ["lost", "twice", "holes"].iter().all(|name| zero(name)) && broken.is_empty() && missed.is_empty();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(if good && worked {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
