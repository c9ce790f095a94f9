//! What is found at the end, and whether it is as it should be.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::{KillArgs, UNCALLED};
use super::beside::{Pause, Refused};
use super::{Deaths, Subject};
use crate::broadcast::outcome::{AllTaken, Comparison};
use crate::gateway::text;
use crate::rig::{Found, Rig};

/// How long what webhooks told may need until it is seen everywhere.
const SEEN: Duration = Duration::from_secs(60);
/// What was claimed before a pause or a cancel was answered is called for until then.
const CLAIMED_MS: i64 = 2_000;
/// The same for an opt-out.
const GRACE_MS: i64 = 2_000;

/// What people did meanwhile.
pub(super) struct Acts {
    pub(super) pauses: Vec<Pause>,
    pub(super) refusals: Vec<Refused>,
    /// When the cancel of the other broadcast was answered.
    pub(super) cancelled: Option<i64>,
    /// How the clock was set.
    pub(super) jumps: Vec<&'static str>,
}

/// How many deaths were wanted.
pub(super) struct Wanted {
    pub(super) in_plan: u32,
    pub(super) in_run: u32,
}

/// Messages that left after they were called off.
#[derive(Debug, Default)]
struct Late {
    /// After what was claimed before must have been called for.
    beyond: usize,
    /// The last one, in milliseconds after the answer.
    last_ms: i64,
}

impl Late {
    /// Looks at what was taken between an answer and a moment.
    fn look(&mut self, times: &[i64], answered: i64, until: i64) {
        for at in times.iter().filter(|at| **at > answered && **at < until) {
            self.last_ms = self.last_ms.max(at - answered);
            self.beyond += usize::from(*at > answered + CLAIMED_MS);
        }
    }
}

/// The most of these that lie in one sliding second.
fn fullest_second(times: &[i64]) -> usize {
    let (mut first, mut most) = (0, 0);
    for (last, at) in times.iter().enumerate() {
        while times.get(first).is_some_and(|before| before + 1_000 <= *at) {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Compares until what webhooks told is seen everywhere.
async fn compared(rig: &Rig, subject: &Subject) -> anyhow::Result<(Comparison, Vec<i64>)> {
    let began = Instant::now();
    loop {
        let taken = AllTaken::read(&rig.simulator).await?;
        let found = Comparison::make(&subject.broadcast, &subject.audience, &taken).await?;
        if found.is_sound() || began.elapsed() > SEEN {
            return Ok((found, taken.times(&subject.audience)));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Has the oracle know what became of the broadcast's messages: those that stand in no list are not in the history that was read.
async fn tell_oracle(rig: &Rig, found: &[&Comparison]) -> anyhow::Result<()> {
    let history = rig.gateway.history(&rig.tenant).await?;
    let read: HashSet<String> = history
        .iter()
        .map(|one| text(one, "id"))
        .collect::<Result<_, _>>()?;
    let all: Vec<&(String, String)> = found.iter().flat_map(|found| &found.messages).collect();
    for part in all.chunks(5_000) {
        let submissions: Vec<Value> = part
            .iter()
            .map(|(id, _)| json!({ "message_id": id, "tenant": rig.tenant.id }))
            .collect();
        rig.simulator.tell("submissions", &json!(submissions)).await?;
        let unread = part.iter().filter(|(id, _)| !read.contains(id));
        let rows: Vec<Value> = unread
            .map(|(id, state)| json!({ "message_id": id, "state": state }))
            .collect();
        rig.simulator
            .tell("history", &json!({ "tenant": rig.tenant.id, "rows": rows }))
            .await?;
    }
    Ok(())
}

/// Prints the end and decides about the exit code.
pub(super) async fn end(
    args: &KillArgs,
    rig: &Rig,
    (subject, ceased): (&Subject, Option<&Subject>),
    (deaths, acts, wanted): (Deaths, Acts, Wanted),
    found: Found,
) -> anyhow::Result<ExitCode> {
    let (own, times) = compared(rig, subject).await?;
    let other = match ceased {
        Some(ceased) => Some(compared(rig, ceased).await?),
        None => None,
    };
    let mut compared = vec![&own];
    compared.extend(other.as_ref().map(|(found, _)| found));
    let opt_outs: Vec<Value> = acts
        .refusals
        .iter()
        .map(|one| json!({ "customer": one.phone, "committed_at_ms": one.at, "grace_ms": GRACE_MS }))
        .collect();
    rig.simulator.tell("opt_outs", &json!(opt_outs)).await?;
    tell_oracle(rig, &compared).await?;
    let found = Found {
        report: rig.simulator.report().await?,
        ..found
    };
    let (mut late, mut late_cancel) = (Late::default(), Late::default());
    for pause in &acts.pauses {
        late.look(&times, pause.answered, pause.resumed);
    }
    if let (Some((_, times)), Some(answered)) = (&other, acts.cancelled) {
        late_cancel.look(times, answered, i64::MAX);
    }
    let ids: Vec<&String> = compared.iter().flat_map(|found| &found.unknown).collect();
    let calls = rig.simulator.calls(&json!(ids)).await?;
    let uncalled = calls.get("never").and_then(Value::as_u64).unwrap_or(u64::MAX);
    let in_flight: u64 = rig.deaths.iter().map(|death| death.calls).sum();
    let deaths_all = u64::try_from(rig.deaths.len()).unwrap_or(u64::MAX);
    let unknown = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    // With faults Graph itself leaves its caller in doubt.
    let left_by_deaths = if args.faults { uncalled } else { unknown };
    let stats = rig.simulator.stats().await?;
    let asked = stats.pointer("/busiest_second/0/asked").and_then(Value::as_u64);
    let mut all_times = sent_times(rig).await?;
    all_times.sort_unstable();
    let sent_in_a_second = fullest_second(&all_times);
    let line = json!({
        "broadcast": own.line(),
        "cancelled": other.as_ref().map(|(found, _)| found.line()), "was_cancelled": acts.cancelled.is_some(),
        "recipients": args.broadcast, "cycles": args.cycles, "seed": args.seed, "faults": args.faults, "clock_jumps": acts.jumps,
        "deaths": deaths_all, "deaths_uploading": deaths.uploading, "deaths_planning": deaths.planning,
        "deaths_running": deaths.running, "died_at": deaths.at, "ready_ms_max": rig.ready_ms.iter().max(),
        "pauses": acts.pauses.len(), "last_after_a_pause_ms": late.last_ms, "sent_while_paused": late.beyond,
        "last_after_the_cancel_ms": late_cancel.last_ms, "sent_after_the_cancel": late_cancel.beyond,
        "opt_outs": acts.refusals.len(),
        "unknown_in_the_end": calls, "unknown_after_starts": deaths.unknown, "calls_open_at_deaths": in_flight,
        "fullest_second_asked": asked, "fullest_second_sent": sent_in_a_second, "rate": args.rate,
    });
    let compared_well = compared.iter().all(|found| found.is_sound());
    let died_enough =
        deaths.planning >= wanted.in_plan.div_ceil(2) && deaths.running >= wanted.in_run.div_ceil(2);
    let rate_held = asked.is_some_and(|asked| asked <= u64::from(args.rate));
    let called_off_well = late.beyond == 0 && late_cancel.beyond == 0;
    let few_unknown = left_by_deaths <= in_flight + UNCALLED * deaths_all;
    let line = found.line(rig, line);
    for (what, holds) in [
        ("each recipient once, or told why not", compared_well),
        (
            "it was killed often enough while it was planned and while it ran",
            died_enough,
        ),
        ("no sliding second over the rate", rate_held),
        ("nothing more after a pause and a cancel", called_off_well),
        ("no more unknown than were in flight at the deaths", few_unknown),
        ("the oracle's promises", line.is_sound()),
    ] {
        eprintln!("{what}: {}", if holds { "yes" } else { "NO" });
    }
    let good = compared_well && died_enough && rate_held && called_off_well && few_unknown;
    line.end(line.is_sound() && good)
}

/// When anything was sent, in milliseconds since 1970.
async fn sent_times(rig: &Rig) -> anyhow::Result<Vec<i64>> {
    let sends = rig.simulator.sends().await?;
    let times = sends
        .iter()
        .filter_map(|sent| sent.get("accepted_at_ms").and_then(Value::as_i64));
    Ok(times.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_second_slides() {
        assert_eq!(fullest_second(&[]), 0);
        assert_eq!(fullest_second(&[0, 999, 1_000, 1_500, 1_998, 3_000]), 4);
    }

    #[test]
    fn what_was_claimed_before_a_pause_is_called_for_yet() {
        let mut late = Late::default();
        late.look(&[90, 100, 150, 2_100, 2_101, 9_000], 100, 9_000);
        assert_eq!((late.beyond, late.last_ms), (1, 2_001));
    }
}
