//! Keeps a number's backlog full while customers write, and asks the simulator for its busiest sliding second.
//!
//! Meta counts what comes in and what goes out together. The run is good when no sliding second that ended with a send,
//! taken or refused, was above the limit, and sends used at least 99 % of what customers left: they write evenly,
//! but not to the millisecond, so room for one message more than their rate is theirs. What a customer writes into a second
//! that is already full is reported, but cannot be held against a sender.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::Submitted;
use crate::stage::{Places, Scene, Stage};

/// Options of `mesej-load pace`.
#[derive(clap::Args, Debug, Clone)]
pub struct PaceArgs {
    /// Messages a second that Meta allows the number
    #[arg(long, default_value_t = 80)]
    pub rate: u32,
    /// Messages a second that customers write
    #[arg(long, default_value_t = 10.0)]
    pub inbound: f64,
    /// Seconds
    #[arg(long, default_value_t = 60)]
    pub secs: u64,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// Submits under way at once.
const CALLERS: u32 = 32;
/// Messages that wait in the lane are kept at about this many seconds of its rate.
const AHEAD_SECS: u32 = 2;
/// Time at the start that does not count: the backlog fills, and the flood of customers who open windows is forgotten.
const WARM: Duration = Duration::from_secs(12);

/// Runs the rig.
pub async fn run(args: PaceArgs) -> anyhow::Result<ExitCode> {
    let scene = Scene {
        places: Places::Anywhere,
        binary: args.binary.clone(),
        rate: args.rate,
        seed: 1,
        env: Vec::new(),
    };
    let stage = Arc::new(Stage::set(scene).await?);
    // One in six seconds to each, and some to spare.
    let recipients = Arc::new(
        stage
            .open_windows(args.rate.saturating_mul(8).max(200), args.rate * 7 / 10)
            .await?,
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.simulator.chatter(args.inbound, 500).await?;
    let submitted = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + WARM + Duration::from_secs(args.secs);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (stage, recipients, submitted) = (stage.clone(), recipients.clone(), submitted.clone());
            let started = Instant::now();
            tokio::spawn(async move {
                while Instant::now() < end {
                    let number = submitted.fetch_add(1, Ordering::Relaxed);
                    let due = number.saturating_sub(u64::from(args.rate.saturating_mul(AHEAD_SECS)));
                    let pace =
                        started + Duration::from_micros(due.saturating_mul(1_000_000) / u64::from(args.rate));
                    tokio::time::sleep_until(pace.min(end)).await;
                    let index = usize::try_from(number).unwrap_or(0) % recipients.len().max(1);
                    let Some(to) = recipients.get(index) else { return };
                    let body =
                        json!({ "to": to, "type": "text", "text": { "body": format!("mk-p{number}") } });
                    if let Submitted::Refused { status, .. } = stage
                        .gateway
                        .submit(&stage.tenant, &format!("p{number}"), &body)
                        .await
                    {
                        eprintln!("refused with {status}");
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(WARM).await;
    let before = stage.simulator.stats().await?;
    let began = Instant::now();
    tokio::time::sleep_until(end).await;
    let after = stage.simulator.stats().await?;
    let secs = began.elapsed().as_secs_f64();
    for caller in callers {
        caller.await?;
    }
    report(&args, &before, &after, secs)
}

fn report(args: &PaceArgs, before: &Value, after: &Value, secs: f64) -> anyhow::Result<ExitCode> {
    let grown = |path: &str| {
        let at = |stats: &Value| stats.pointer(path).and_then(Value::as_f64).unwrap_or(0.0);
        at(after) - at(before)
    };
    let (sends, inbound) = (grown("/graph/sends_accepted"), grown("/inbound"));
    let second = |which: &str| {
        let path = format!("/busiest_second/0/{which}");
        after.pointer(&path).and_then(Value::as_u64).unwrap_or(u64::MAX)
    };
    let (busiest, asked) = (second("messages"), second("asked"));
    let left = f64::from(args.rate) - (inbound / secs).round() - 1.0;
    let share = sends / secs / left;
    let share_of_mean = sends / (f64::from(args.rate) * secs - inbound);
    let line = json!({
        "rate": args.rate, "secs": secs, "sends": sends, "inbound": inbound, "left_for_sends_each_second": left, "share": share, "share_of_mean": share_of_mean,
        "busiest_second": busiest, "busiest_second_of_sends": asked, "graph": after.get("graph"),
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    let good = asked <= u64::from(args.rate) && share >= 0.99;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
