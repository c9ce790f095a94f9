//! People who sign in: what it costs, what an open session costs a call and a socket, whether an answer tells that an account exists,
//! and what everybody else notices of a flood of wrong passwords from everywhere. The gateway has a processor for itself, as those who
//! come are on other machines. Exit code 1 if a bound is broken.

pub mod account;
mod flood;
mod prices;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use crate::bounds::Bounds;
use crate::probe::{Bystander, Probe};
use crate::stage::{Places, Scene, Stage};
use account::People;

/// Options of `mesej-load people`.
#[derive(clap::Args, Debug, Clone)]
pub struct PeopleArgs {
    /// Accounts that are made
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=200))]
    pub accounts: u32,
    /// Sign-ins whose price is measured, and sessions with a socket
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub sign_ins: u32,
    /// Wrong passwords a second in the flood
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    /// Seconds of the flood, and of the quiet before
    #[arg(long, default_value_t = 20)]
    pub secs: u64,
    /// Signed webhooks a second meanwhile
    #[arg(long, default_value_t = 200)]
    pub webhooks: u32,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// The growth of webhooks' p99 over its quiet value ÷ that of a bystander's.
const P99_OVER_QUIET: f64 = 1.2;
/// What the gateway may hold after the flood came again that it did not hold before that.
const GROWN_KIB: f64 = 8.0 * 1024.0;
/// How much slower or faster the median answer for an account that exists may be than for one that does not.
const KNOWN_OVER_UNKNOWN: f64 = 1.1;
/// How long after the flood it is looked what the gateway holds.
const AFTER: Duration = Duration::from_secs(3);
/// How long the flood goes on when it comes again.
const AGAIN: Duration = Duration::from_secs(5);

/// Runs the rig.
pub async fn run(args: PeopleArgs) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        places: Places::Apart,
        env: vec![
            // Everybody comes from a network of their own: what slows one address is not what holds here.
            ("MESEJ_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\"]".to_owned()),
            ("MESEJ_LIMITS__SOCKETS_PER_AGENT", "10000".to_owned()),
            ("MESEJ_LIMITS__KEY_BURST", "100000".to_owned()),
        ],
    })
    .await?;
    let mut bounds = Bounds::default();
    let people = People::invite(&stage, args.accounts).await?;

    let timing = prices::timing(&people, 100).await?;
    bounds.hold("known_over_unknown", timing.ratio(), KNOWN_OVER_UNKNOWN);
    bounds.hold("unknown_over_known", 1.0 / timing.ratio(), KNOWN_OVER_UNKNOWN);
    say(
        json!({ "part": "timing", "known_ms": timing.known_ms, "unknown_ms": timing.unknown_ms, "ratio": timing.ratio() }),
    )?;

    let (signed_in, sessions) = prices::sign_ins(&stage, &people, args.sign_ins).await?;
    say(
        json!({ "part": "sign_ins", "sign_ins": args.sign_ins, "per_s": signed_in.per_s, "cpu_ms_each": signed_in.cpu_ms }),
    )?;
    let calls = prices::calls(&stage, &sessions).await?;
    say(
        json!({ "part": "calls", "by_session_cpu_us": calls.by_session_us, "by_key_cpu_us": calls.by_key_us }),
    )?;
    let sockets = prices::sockets(&stage, &sessions).await?;
    say(
        json!({ "part": "sockets", "each_by_session_kib": sockets.by_session_kib, "each_by_key_kib": sockets.by_key_kib }),
    )?;

    let bystander = Bystander::start(&stage).await?;
    let length = Duration::from_secs(args.secs);
    let quiet = Probe::start(&stage, &bystander, args.webhooks, length)?
        .end()
        .await?;
    let before_kib = stage.resident_kib()?;
    let wrong = flood::Flood::start(&stage, args.rate)?;
    let probe = Probe::start(&stage, &bystander, args.webhooks, length)?;
    let seen = probe.end().await?;
    let during_kib = stage.resident_kib()?;
    let answered = wrong.end();
    tokio::time::sleep(AFTER).await;
    let after_kib = stage.resident_kib()?;
    let again = flood::Flood::start(&stage, args.rate)?;
    tokio::time::sleep(AGAIN).await;
    drop(again);
    tokio::time::sleep(AFTER).await;
    let after_again_kib = stage.resident_kib()?;
    let kib = |kib: u64| f64::from(u32::try_from(kib).unwrap_or(u32::MAX));
    bounds.hold(
        "p99_over_quiet_beside_a_bystander",
        seen.over(&quiet),
        P99_OVER_QUIET,
    );
    bounds.hold("webhooks_refused", f64::from(seen.failed()), 0.0);
    bounds.hold(
        "grown_kib",
        kib(after_again_kib.saturating_sub(after_kib)),
        GROWN_KIB,
    );
    bounds.hold("let_in", f64::from(answered.let_in), 0.0);
    say(json!({
        "part": "flood", "rate": args.rate, "answers": answered.line(), "quiet": quiet.line(), "seen": seen.line(),
        "p99_over_quiet_beside_a_bystander": seen.over(&quiet), "before_kib": before_kib, "during_kib": during_kib,
        "after_kib": after_kib, "after_again_kib": after_again_kib,
    }))?;
    say(json!({ "bounds": bounds.line() }))?;
    Ok(bounds.exit_code())
}

fn say(line: serde_json::Value) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}
