//! What the rig says at its end.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::{KillArgs, PLACES, UNCALLED};
use crate::rig::{Cause, Death, Found, Rig};

/// Prints the end and decides about the exit code.
pub(super) fn print(
    args: &KillArgs,
    rig: &Rig,
    reached: &[&str],
    jumps: &[&str],
    found: &Found,
) -> anyhow::Result<ExitCode> {
    let missed: Vec<_> = PLACES.iter().filter(|place| !reached.contains(place)).collect();
    let count = |pick: fn(&crate::sender::Book) -> &std::sync::atomic::AtomicU64| {
        rig.book
            .as_ref()
            .map_or(0, |book| pick(book).load(Ordering::Relaxed))
    };
    let of = |cause: Option<Cause>, pick: fn(&Death) -> u64| -> Vec<u64> {
        let deaths = rig.deaths.iter();
        let mut all: Vec<_> = deaths
            .filter(|death| cause.is_none_or(|cause| death.cause == cause))
            .map(pick)
            .collect();
        all.sort_unstable();
        all
    };
    let of_all = |pick| of(None, pick);
    let calls = of_all(|death| death.calls);
    let unknown = of_all(|death| death.unknown);
    let answered = of_all(|death| death.answered);
    let uncalled = of_all(|death| death.uncalled);
    let by_kill = of(Some(Cause::Kill), |death| death.uncalled);
    let beyond = of(Some(Cause::Kill), Death::beyond_calls);
    let at_places: serde_json::Map<_, _> = rig
        .deaths
        .iter()
        .filter_map(|death| match death.cause {
            Cause::Place(place) => Some((place.to_owned(), json!(death.to_string()))),
            Cause::Kill => None,
        })
        .collect();
    let summary = |all: &[u64]| json!({ "median": all.get(all.len() / 2), "most": all.last(), "all": all.iter().sum::<u64>() });
    let gone_back = rig.book.as_deref().map_or(0, crate::sender::Book::gone_back);
    let own = json!({
        "deaths": rig.deaths.len(),
        "calls_at_death": summary(&calls),
        "unknown_by_death": summary(&unknown),
        "unknown_answered": summary(&answered),
        "unknown_uncalled": summary(&uncalled),
        "unknown_uncalled_by_kill": summary(&by_kill),
        "unknown_beyond_calls_by_kill": summary(&beyond),
        "unknown_at_places": at_places,
        "cycles": args.cycles,
        "seed": args.seed,
        "faults": args.faults,
        "clock_jumps": jumps,
        "ids_gone_back": gone_back,
        "ready_ms_max": rig.ready_ms.iter().copied().max().unwrap_or(0),
        "crash_points_reached": reached.len(),
        "crash_points_missed": missed,
        "sends_repeated": count(|book| &book.repeated),
        "sends_refused": count(|book| &book.refused),
        "sends_given_up": count(|book| &book.given_up),
    });
    let line = found.line(rig, own);
    // A call whose request was on its way when the gateway died is one without a call, too: so half of the kills may leave more.
    let usual = by_kill.get(by_kill.len() / 2);
    let claims_are_late = usual.is_none_or(|usual| *usual <= UNCALLED);
    line.end(line.is_sound() && missed.is_empty() && gone_back == 0 && claims_are_late)
}
