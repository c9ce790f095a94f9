//! What the rig says at its end: one JSON object for programs.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::RingArgs;
use super::acts::{ActOne, Outage};
use crate::rig::{Found, Rig};

/// How much of act one may fail, in per cent.
const NOTICED: f64 = 1.0;

/// Prints the end and decides about the exit code.
pub(super) fn print(
    args: &RingArgs,
    rig: &Rig,
    one: &ActOne,
    outages: &[Outage],
    found: &Found,
) -> anyhow::Result<ExitCode> {
    let total = |name: &str| found.total(name);
    let broken = found.broken();
    let book = rig.book.as_deref();
    let wrong: u64 = outages.iter().map(|outage| outage.refusals.wrong).sum();
    let line = json!({
        "nodes": args.nodes,
        "seed": args.seed,
        "inbound_acknowledged": total("inbound_acknowledged"),
        "sends_acknowledged": rig.acknowledged(),
        "sends_accepted": total("sends_accepted"),
        "lost": total("lost") + total("inbound_unshown"),
        "twice": total("twice"),
        "holes": total("holes"),
        "unsettled": total("unsettled"),
        "unknown": total("unknown"),
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
        "agents": rig.agents(),
        "webhooks": found.quiet,
        "broken": broken,
    });
    let zero = |name: &str| line.get(name).and_then(Value::as_u64) == Some(0);
    let worked = total("inbound_acknowledged") > 0 && total("sends_accepted") > 0 && one.accepted > 0;
    let good = ["lost", "twice", "holes", "unsettled", "wrong_refusals"]
        .iter()
        .all(|name| zero(name))
        && broken.is_empty()
        && one.error_rate() < NOTICED;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(if good && worked {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
