//! What the rig says at its end: one JSON object for programs.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::RingArgs;
use super::acts::{ActOne, Outage};
use crate::rig::{Found, Rig};

/// How much of act one may fail, in per cent.
const NOTICED: f64 = 1.0;

/// Prints the end and decides about the exit code.
pub(super) fn print(
    args: &RingArgs,
    rig: &Rig,
    carried: Option<u32>,
    one: &ActOne,
    outages: &[Outage],
    found: &Found,
) -> anyhow::Result<ExitCode> {
    let book = rig.book.as_deref();
    let wrong: u64 = outages.iter().map(|outage| outage.refusals.wrong).sum();
    let own = json!({
        "nodes": args.nodes,
        "seed": args.seed,
        "sends_per_s_carried_by_all": carried,
        "act_one": {
            "secs": one.secs.round(),
            "error_rate": (one.error_rate() * 1_000.0).round() / 1_000.0,
            "webhooks": one.webhooks,
            "webhooks_failed": one.webhooks_failed,
            "submits": one.submits,
            "submits_failed": one.submits_failed,
            "inbound_per_s": one.per_second(one.inbound),
            "sends_per_s": one.per_second(one.accepted),
            "submit_p50_ms": one.p50_ms,
            "submit_p99_ms": one.p99_ms,
        },
        "outages": outages.iter().map(|outage| json!({
            "webhooks": outage.refusals.webhooks,
            "sends": outage.refusals.sends,
            "recovery_ms": u64::try_from(outage.recovery.as_millis()).unwrap_or(u64::MAX),
        })).collect::<Vec<_>>(),
        "recovery_ms_max": outages.iter().map(|outage| outage.recovery.as_millis()).max().map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
        "wrong_refusals": wrong,
        "answers": book.map(crate::sender::Book::answers),
        "sends_given_up": book.map(|book| book.given_up.load(Ordering::Relaxed)),
    });
    let line = found.line(rig, own);
    let calm = one.accepted > 0 && one.error_rate() < NOTICED;
    line.end(line.is_sound() && line.all_zero(&["unsettled", "wrong_refusals"]) && calm)
}
