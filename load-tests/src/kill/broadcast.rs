//! A broadcast under kills: while its file comes, while it is planned, and while it runs, is paused and goes on.
//!
//! Beside it customers write, a program sends, some recipients opt out, and, where wanted, a second broadcast is cancelled in the middle. The
//! gateway dies at random moments and, one time in three, at a place that it comes to. At the end each recipient of the file is held against
//! what Graph took.

mod audit;
mod beside;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::clock::Setting;
use super::{KillArgs, REACH};
use crate::broadcast::audience::{Audience, Wanted};
use crate::broadcast::calls::{Broadcast, Order};
use crate::rig::{NUMBER, Rig};

/// Wrong rows for each hundred recipients.
const WRONG_PERCENT: u32 = 3;
/// Which phones the recipients have: of the broadcast, and of the one that is cancelled.
const GROUP: u32 = 3;
const CANCELLED_GROUP: u32 = 4;
/// Places that the gateway comes to while a broadcast runs.
const PLACES: [&str; 9] = [
    "after_broadcast_batch",
    "before_commit",
    "after_commit",
    "before_claim",
    "after_claim",
    "before_request",
    "after_response",
    "after_result",
    "after_apply",
];
/// How long a plan may take beside kills.
const PLANNED: Duration = Duration::from_secs(300);
/// How long a broadcast may take to its end once nothing is killed any more, beyond the time that its rate needs.
const ENDED: Duration = Duration::from_secs(180);
/// For how long a broadcast has to run while the clock is set in every way.
const CLOCK_MS: u64 = 170_000;

/// How long the gateway lives between two kills, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) shortest: u64,
    pub(super) longest: u64,
}

impl Life {
    fn deal(self, dice: &mut fastrand::Rng) -> Duration {
        Duration::from_millis(dice.u64(self.shortest..=self.longest))
    }

    const fn mean(self) -> u64 {
        u64::midpoint(self.shortest, self.longest)
    }
}

/// A broadcast and whom it is for.
#[derive(Clone)]
struct Subject {
    broadcast: Broadcast,
    audience: Arc<Audience>,
}

/// Deaths by what the broadcast was doing, and at which places.
#[derive(Debug, Default)]
struct Deaths {
    uploading: u32,
    planning: u32,
    running: u32,
    at: Vec<&'static str>,
    /// Unknown recipients, as counted after each start.
    unknown: Vec<u64>,
}

/// Runs the rig.
pub(super) async fn run(
    args: &KillArgs,
    mut rig: Rig,
    life: Life,
    setting: Option<Setting>,
) -> anyhow::Result<ExitCode> {
    let mut dice = fastrand::Rng::with_seed(args.seed);
    let in_plan = (args.cycles / 4).max(1);
    let in_run = args.cycles.saturating_sub(in_plan).max(1);
    let mut length_ms = u64::from(in_run) * life.mean();
    if setting.is_some() {
        length_ms = length_ms.max(CLOCK_MS);
    }
    let share = |recipients: u32| rate_for(recipients, length_ms, args);
    let subject = subject(&rig, args, args.broadcast, GROUP, share(args.broadcast)).await?;
    let ceased = if args.cancel {
        let recipients = (args.broadcast / 2).max(1);
        let ceased = subject_of_cancel(&rig, args, recipients, share(recipients)).await?;
        Some(ceased)
    } else {
        None
    };
    let mut deaths = Deaths::default();
    let known = beside::introduce(&rig, &subject.audience, args.seed).await?;
    plan(&mut rig, &subject, in_plan, &mut dice, &mut deaths).await?;
    subject.broadcast.launch().await?;
    if let Some(ceased) = &ceased {
        ceased.broadcast.launch().await?;
    }
    let (stop, stopped) = watch::channel(false);
    let length = Duration::from_millis(length_ms);
    let pauses = tokio::spawn(beside::pause(
        subject.broadcast.clone(),
        beside::Pauses {
            count: (in_run / 4).max(1),
            length,
            seed: args.seed,
        },
        stopped.clone(),
    ));
    let refusals = tokio::spawn(beside::refuse(
        (rig.gateway.clone(), rig.tenant.clone(), rig.simulator.clone()),
        known,
        length,
        stopped.clone(),
    ));
    let cancelled = ceased.clone().map(|ceased| {
        tokio::spawn(beside::cancel(
            ceased.broadcast,
            length.mul_f64(dice.f64() * 0.5 + 0.2),
        ))
    });
    let is_set = || setting.as_ref().is_none_or(Setting::is_complete);
    let mut armed = None;
    for cycle in 1.. {
        if (cycle > in_run && is_set()) || subject.broadcast.state().await? == "done" {
            break;
        }
        let lived = life.deal(&mut dice);
        let died = if let Some(place) = armed {
            rig.died_at(place, lived).await?
        } else {
            tokio::time::sleep(lived).await;
            false
        };
        if died {
            deaths.at.extend(armed);
        } else {
            rig.kill().await?;
        }
        deaths.running += 1;
        armed = (cycle < in_run && dice.u32(0..3) == 0)
            .then(|| dice.choice(PLACES))
            .flatten();
        rig.restart(armed.map(|place| format!("{place}:{}", dice.u32(1..=40))))
            .await?;
        rig.tell_oracle().await?;
        let told = if armed.is_none() {
            let shown = subject.broadcast.shown().await?;
            deaths.unknown.push(number(&shown, "/counts/outcomes/unknown"));
            brief(&shown)
        } else {
            json!(armed)
        };
        eprintln!(
            "kill {cycle}/{in_run}: ready again in {} ms: {told}",
            rig.ready_ms.last().copied().unwrap_or(0)
        );
    }
    if armed.is_some() {
        // It may die yet.
        rig.kill().await?;
        rig.restart(None).await?;
    }
    stop.send_replace(true);
    let acts = audit::Acts {
        pauses: pauses.await??,
        refusals: refusals.await??,
        cancelled: match cancelled {
            Some(cancelled) => cancelled.await??,
            None => None,
        },
        jumps: match setting {
            Some(setting) => setting.end().await?,
            None => Vec::new(),
        },
    };
    subject.broadcast.order(Order::Resume).await?;
    let needed = Duration::from_millis(length_ms * 2) + ENDED;
    let ended = subject.broadcast.until(&["done"], needed).await?;
    eprintln!("it is done: {}", brief(&ended));
    let found = rig.settle().await?;
    let wanted = audit::Wanted { in_plan, in_run };
    audit::end(
        args,
        &rig,
        (&subject, ceased.as_ref()),
        (deaths, acts, wanted),
        found,
    )
    .await
}

fn number(shown: &Value, path: &str) -> u64 {
    shown.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

/// How it stands, in a few words.
fn brief(shown: &Value) -> Value {
    json!({
        "state": shown.get("state"), "left": shown.pointer("/counts/left"), "outcomes": shown.pointer("/counts/outcomes"),
        "limited_by": shown.get("limited_by"),
    })
}

/// The rate at which so many recipients last as long as kills go on; none where the number is no faster.
fn rate_for(recipients: u32, length_ms: u64, args: &KillArgs) -> Option<u32> {
    let rate = u64::from(recipients) * 1_000 / length_ms.max(1);
    let rate = u32::try_from(rate).unwrap_or(u32::MAX).max(1);
    (f64::from(rate) < f64::from(args.rate.saturating_sub(args.sends)) - args.inbound).then_some(rate)
}

async fn subject(
    rig: &Rig,
    args: &KillArgs,
    recipients: u32,
    group: u32,
    rate: Option<u32>,
) -> anyhow::Result<Subject> {
    let wanted = Wanted {
        recipients,
        wrong_percent: WRONG_PERCENT,
        group,
        seed: args.seed,
    };
    Ok(Subject {
        broadcast: Broadcast::create(&rig.gateway, &rig.tenant, NUMBER, rate).await?,
        audience: Arc::new(Audience::new(wanted)),
    })
}

/// The one that is cancelled: planned before anything is killed.
async fn subject_of_cancel(
    rig: &Rig,
    args: &KillArgs,
    recipients: u32,
    rate: Option<u32>,
) -> anyhow::Result<Subject> {
    let subject = subject(rig, args, recipients, CANCELLED_GROUP, rate).await?;
    subject.broadcast.upload(&subject.audience.csv()).await?;
    subject.broadcast.plan().await?;
    subject.broadcast.until(&["ready"], PLANNED).await?;
    Ok(subject)
}

/// Uploads and plans, with a death while the file comes, one where a part of the plan is written, and the others at random.
async fn plan(
    rig: &mut Rig,
    subject: &Subject,
    kills: u32,
    dice: &mut fastrand::Rng,
    deaths: &mut Deaths,
) -> anyhow::Result<()> {
    const PLACE: &str = "after_broadcast_chunk";
    let recipients = u64::try_from(subject.audience.len()).unwrap_or(u64::MAX);
    let broadcast = &subject.broadcast;
    let upload = {
        let (broadcast, file) = (broadcast.clone(), subject.audience.csv());
        tokio::spawn(async move { broadcast.upload(&file).await })
    };
    tokio::time::sleep(Duration::from_millis(dice.u64(0..=5 + recipients / 1_000))).await;
    if !upload.is_finished() {
        deaths.uploading += 1;
    }
    rig.kill().await?;
    let pieces = u32::try_from(recipients / 500).unwrap_or(u32::MAX).max(1);
    rig.restart(Some(format!("{PLACE}:{}", dice.u32(1..=pieces))))
        .await?;
    upload.await??;
    broadcast.plan().await?;
    if rig.died_at(PLACE, REACH).await? {
        deaths.at.push(PLACE);
        deaths.planning += 1;
    }
    rig.restart(None).await?;
    for _ in 1..kills {
        if broadcast.state().await? == "ready" {
            broadcast.plan().await?;
        }
        tokio::time::sleep(Duration::from_millis(dice.u64(0..=20 + recipients / 40))).await;
        rig.kill().await?;
        rig.restart(None).await?;
        let state = broadcast.state().await?;
        deaths.planning += u32::from(state == "planning");
        eprintln!("killed after it was to be planned: it is {state}");
    }
    if broadcast.state().await? == "draft" {
        broadcast.plan().await?;
    }
    broadcast.until(&["ready"], PLANNED).await?;
    Ok(())
}
