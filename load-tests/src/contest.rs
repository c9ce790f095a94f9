//! The contest rig: two gateways on one cluster, each of which believes that the tenant is its own.
//!
//! Programs send through both, agents watch both, and Meta posts its webhooks now to the one, now to the other. Whoever
//! opened the ledger last may write; the other is fenced out, says so, and comes back after a while. Meanwhile a change of
//! retention is under way, which either may carry on while the tenant is its own. At the end the
//! simulator's oracle is asked as in `kill`: no message may have gone out twice, and none that either acknowledged is lost.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{Sync, Wanted};
use crate::gateway::{Gateway, Tenant};
use crate::rig::{Keeps, Plan, RATE, Rig};
use crate::sender::Pace;

/// Options of `mesej-load contest`.
#[derive(clap::Args, Debug, Clone)]
pub struct ContestArgs {
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages that customers write in a second
    #[arg(long, default_value_t = 40.0)]
    pub inbound: f64,
    /// Messages that programs send through each gateway in a second
    #[arg(long, default_value_t = 20)]
    pub sends: u32,
    /// How long both gateways run, in seconds
    #[arg(long, default_value_t = 24)]
    pub secs: u64,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Keep data and logs in this folder
    #[arg(long)]
    pub keep: Option<PathBuf>,
}

/// Submits under way at once, through each.
const UNDER_WAY: usize = 256;
/// How often Meta is given the other gateway's address.
const TURNS: u32 = 4;
/// Days that messages are kept after the first change.
const KEPT: u32 = 100;
/// What a gateway may answer to whom it does not serve now. Each says to come back.
const MODEST: [&str; 4] = ["unavailable", "uncertain", "busy", "idempotency_in_progress"];

/// Runs the rig.
pub async fn run(args: ContestArgs) -> anyhow::Result<ExitCode> {
    let mut rig = Rig::start(&Plan {
        rate: RATE,
        seed: args.seed,
        inbound: args.inbound,
        sends: args.sends,
        under_way: UNDER_WAY,
        graph_ms: [0, 0],
        faults: false,
        keeps: Keeps::Cluster(Wanted {
            nodes: 1,
            sync: Sync::Periodic,
        }),
        binary: args.binary.clone(),
        keep: args.keep.clone(),
        env: Vec::new(),
    })
    .await?;
    let mut rival = rig
        .rival(Pace {
            rate: args.sends,
            under_way: UNDER_WAY,
            run: args.seed + 1,
        })
        .await?;
    eprintln!("both gateways run");
    let mut changes = 0;
    for turn in 0..TURNS {
        let to = match turn % 2 {
            0 => &rival.gateway,
            _ => &rig.gateway,
        };
        let target = json!({ "url": to.url("/webhooks/whatsapp") });
        rig.simulator.aim(&target).await?;
        let ends = Instant::now() + Duration::from_secs(args.secs) / TURNS;
        changes += change(to, &rig.tenant, KEPT + turn, ends).await?;
        tokio::time::sleep_until(ends.into()).await;
        rig.tell_oracle().await?;
    }
    let lost_to_rival = takeovers(&rig.gateway).await?;
    let lost_to_first = takeovers(&rival.gateway).await?;
    let theirs = rival.finish().await?;
    rig.tell_submissions(&theirs).await?;
    rig.leave(rival).await?;
    eprintln!("one is left");
    let found = rig.settle().await?;
    let changed = changed(&rig.gateway, &rig.tenant).await?;
    let ours = rig
        .book
        .as_deref()
        .map(crate::sender::Book::answers)
        .unwrap_or_default();
    let of_rival = theirs.answers();
    let wrong: Vec<_> = ours
        .keys()
        .chain(of_rival.keys())
        .filter(|code| *code != "accepted" && !MODEST.contains(&code.as_str()))
        .collect();
    let done = changed.get("state").and_then(Value::as_str) == Some("done");
    let both_served = [&ours, &of_rival]
        .iter()
        .all(|answers| answers.get("accepted").is_some_and(|accepted| *accepted > 0));
    let fought = both_served && lost_to_rival >= 1.0 && lost_to_first >= 1.0;
    let own = json!({
        "seed": args.seed,
        "sends_acknowledged": rig.acknowledged() + theirs.acknowledged(),
        "answers_of_first": ours,
        "answers_of_second": of_rival,
        "wrong_answers": wrong,
        "changes_of_retention": changes,
        "last_change": changed,
        "takeovers": [lost_to_rival, lost_to_first],
    });
    let line = found.line(&rig, own);
    let good = line.is_sound() && line.all_zero(&["unsettled"]) && wrong.is_empty();
    line.end(good && fought && changes > 0 && done)
}

/// Changes the tenant's retention, as soon as the gateway takes that on; 1 if it did.
async fn change(gateway: &Gateway, tenant: &Tenant, days: u32, until: Instant) -> anyhow::Result<u32> {
    while Instant::now() < until {
        if gateway.keep_for(tenant, days).await? {
            return Ok(1);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(0)
}

/// Waits for the end of the last change of retention.
async fn changed(gateway: &Gateway, tenant: &Tenant) -> anyhow::Result<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let change = gateway.change_of_retention(tenant).await?;
        let done = change.get("state").and_then(Value::as_str) == Some("done");
        if done || Instant::now() > deadline {
            return Ok(change);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// How often a gateway lost a ledger to the other.
async fn takeovers(gateway: &Gateway) -> anyhow::Result<f64> {
    gateway.metric("mesej_ledger_takeovers_total").await
}
