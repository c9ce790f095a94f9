//! A broadcast from a file beside people at work: how soon the file is planned and what that holds in memory, how much of the number's rate is
//! used, and what agents notice: how long their replies wait on the same number, how soon customers' messages reach their sockets, and how
//! much more these carry. Exit code 1 if a bound is broken.
//!
//! The watched messages come to another number of the tenant, as signed webhooks: they use up nothing of the rate that is measured. On the
//! broadcast's own number customers write, too, and agents reply.

pub mod audience;
pub mod calls;
mod look;
pub mod outcome;
mod replies;
mod sockets;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::audience::{Audience, Wanted};
use self::calls::{Broadcast, Order};
use self::look::{Look, Seen};
use self::outcome::{AllTaken, Comparison};
use self::sockets::Agents;
use crate::bounds::Bounds;
use crate::cluster::{Cluster, Sync, Wanted as WantedCluster};
use crate::process::binary;
use crate::stage::{ACCOUNT, NUMBER, Places, Scene, Stage};
use crate::watch::Watch;

/// The number to which the watched messages come.
pub const BESIDE: &str = "106540352242999";
/// What planning may hold in memory beyond what the gateway holds at rest.
const MIB_OVER_IDLE: f64 = 64.0;
/// What of the rate that customers leave may stay unused.
const UNUSED: f64 = 0.01;
/// How long a reply may wait between its acceptance and its call, at p99.
const REPLY_MS: f64 = 250.0;
/// How much more agents' sockets may carry, in percent.
const MORE_PERCENT: f64 = 1.0;
/// What is freed after a start, or a phase, is freed by then.
const SETTLE: Duration = Duration::from_secs(3);
/// A broadcast is at its pace by then.
const PACE: Duration = Duration::from_secs(4);
/// How long a plan, and what is left of a run, may take.
const PLANNED: Duration = Duration::from_secs(900);
const ENDED: Duration = Duration::from_secs(120);
/// How often memory is noted.
const NOTED: Duration = Duration::from_secs(5);
/// Wrong rows for each hundred recipients.
const WRONG_PERCENT: u32 = 2;

/// Options of `mesej-load broadcast`.
#[derive(clap::Args, Debug, Clone)]
pub struct BroadcastArgs {
    /// Recipients in the file
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    pub recipients: u32,
    /// Messages a second that Meta allows the number
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(20..=1_000))]
    pub rate: u32,
    /// Agents with a socket
    #[arg(long, default_value_t = 200)]
    pub agents: u32,
    /// Messages a second that customers write to another number of the tenant
    #[arg(long, default_value_t = 100)]
    pub inbound: u32,
    /// Messages a second that customers write to the broadcast's number
    #[arg(long, default_value_t = 10.0)]
    pub customers: f64,
    /// Replies a second from the broadcast's number
    #[arg(long, default_value_t = 10)]
    pub replies: u32,
    /// Seconds that are looked at without the broadcast, and at most with it: what is left then is cancelled
    #[arg(long, default_values_t = [30, 180], num_args = 2)]
    pub secs: Vec<u64>,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the gateway keeps what it knows
    #[arg(long, value_enum, default_value = "fjall")]
    pub backend: crate::contacts::Backend,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// Runs the rig.
pub async fn run(args: BroadcastArgs) -> anyhow::Result<ExitCode> {
    let &[quiet_secs, most_secs] = args.secs.as_slice() else {
        anyhow::bail!("--secs wants the seconds without and those with the broadcast");
    };
    let home = tempfile::tempdir()?;
    let cluster = match args.backend {
        crate::contacts::Backend::Fjall => None,
        crate::contacts::Backend::Cql => {
            let wanted = WantedCluster {
                nodes: 1,
                sync: Sync::Periodic,
            };
            Some(Cluster::start(&binary(args.binary.as_deref())?, home.path(), wanted).await?)
        }
    };
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: args.rate,
        seed: args.seed,
        places: Places::Anywhere,
        env: cluster.iter().flat_map(Cluster::settings).collect(),
    })
    .await?;
    let beside = json!({
        "phone_number_id": BESIDE, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0001",
        "access_token": "simulated-access-token", "app": "simulated", "rate": 80,
    });
    stage.gateway.add_number(&stage.tenant.id, &beside).await?;
    let known = stage
        .open_windows(args.replies.saturating_mul(20).max(50), args.rate / 2)
        .await?;
    let agents = Agents::connect(&stage, args.agents).await?;
    stage.simulator.chatter(args.customers, 300).await?;
    let looks = Look::begin(&stage, &args, known, &agents).await?;
    let mut bounds = Bounds::default();

    let quiet = looks.look(Duration::from_secs(quiet_secs)).await?;
    say(&json!({ "phase": "quiet", "seen": quiet.line() }))?;

    let broadcast = Broadcast::create(&stage.gateway, &stage.tenant, NUMBER, None).await?;
    let audience = Audience::new(Wanted {
        recipients: args.recipients,
        wrong_percent: WRONG_PERCENT,
        group: 3,
        seed: args.seed,
    });
    let planned = plan(&stage, &broadcast, &audience).await?;
    bounds.hold("mib_over_idle", planned.mib_over_idle, MIB_OVER_IDLE);
    say(&planned.line)?;
    let foretold = broadcast.dry_run().await?;

    let length = u64::from(args.recipients / args.rate.max(1)).min(most_secs);
    let length = Duration::from_secs(length).saturating_sub(PACE * 2).max(PACE);
    let memory = Memory::begin(&stage)?;
    broadcast.launch().await?;
    tokio::time::sleep(PACE).await;
    let began = Instant::now();
    let loud = looks.look(length).await?;
    let pace = Pace::of(&args, &loud);
    let is_whole = end(
        &args,
        &broadcast,
        Duration::from_secs(most_secs).saturating_sub(began.elapsed()),
    )
    .await?;
    let memory = memory.end().await?;
    let ratio = loud.seen_p99_ms() / quiet.seen_p99_ms();
    say(&json!({
        "phase": "broadcast", "pace": pace.line, "seen": loud.line(),
        "seen_p99_over_quiet": ratio, "socket_bytes_more_percent": loud.carried.more_percent(),
        "socket_bytes_per_s_over_quiet": loud.carried.bytes_per_s() / quiet.carried.bytes_per_s(),
        "memory_kib": memory,
    }))?;
    bounds.hold("unused_share_of_the_rate", pace.unused, UNUSED);
    bounds.hold("fullest_second", pace.fullest, f64::from(args.rate));
    bounds.hold("reply_p99_ms", loud.replies.p99_ms(), REPLY_MS);
    bounds.hold(
        "replies_not_sent",
        f64::from(loud.replies.unsent + loud.replies.refused),
        0.0,
    );
    bounds.hold(
        "socket_bytes_more_percent",
        loud.carried.more_percent(),
        MORE_PERCENT,
    );
    bounds.hold("unseen", loud.unseen() + quiet.unseen(), 0.0);
    if is_whole {
        let found = compared(&stage, &broadcast, &audience).await?;
        bounds.hold(
            "sent_twice_forgotten_or_told_otherwise",
            if found.is_sound() { 0.0 } else { 1.0 },
            0.0,
        );
        say(&json!({ "phase": "end", "broadcast": found.line() }))?;
        say(&beside_the_dry_run(&stage, &broadcast, &foretold).await?)?;
    }
    say(&json!({ "bounds": bounds.line() }))?;
    Ok(bounds.exit_code())
}

/// What planning took.
struct Planned {
    mib_over_idle: f64,
    line: Value,
}

/// Uploads the file and has it planned, with a look at memory.
async fn plan(stage: &Stage, broadcast: &Broadcast, audience: &Audience) -> anyhow::Result<Planned> {
    const PIECE: usize = 64 << 10;
    tokio::time::sleep(SETTLE).await;
    let file = audience.csv();
    let idle_kib = stage.resident_kib()?;
    let watch = Watch::begin(stage.gateway_id()?);
    let last_byte = Arc::new(OnceLock::new());
    let noted = Arc::clone(&last_byte);
    let pieces: Vec<Vec<u8>> = file.chunks(PIECE).map(<[u8]>::to_vec).collect();
    let count = pieces.len();
    let pieces = stream::iter(pieces.into_iter().enumerate().map(move |(n, piece)| {
        if n + 1 == count {
            noted.get_or_init(Instant::now);
        }
        Ok::<_, std::io::Error>(piece)
    }));
    let began = Instant::now();
    broadcast
        .upload_stream(reqwest::Body::wrap_stream(pieces))
        .await?;
    let uploaded = began.elapsed();
    let upload_mib = mib(watch.so_far().saturating_sub(idle_kib));
    broadcast.plan().await?;
    let ready = broadcast.until(&["ready"], PLANNED).await?;
    let since = last_byte.get().map_or(began, |last| *last);
    let ready_after = since.elapsed();
    let mib_over_idle = mib(watch.end().saturating_sub(idle_kib));
    tokio::time::sleep(SETTLE).await;
    Ok(Planned {
        mib_over_idle,
        line: json!({
            "phase": "plan", "rows": audience.len(), "bytes": file.len(), "upload_answered_s": uploaded.as_secs_f64(),
            "last_byte_to_ready_s": ready_after.as_secs_f64(), "idle_mib": mib(idle_kib), "mib_over_idle": mib_over_idle,
            "mib_over_idle_until_uploaded": upload_mib, "mib_over_idle_after": mib(stage.resident_kib()?.saturating_sub(idle_kib)),
            "plan": ready.get("plan"),
        }),
    })
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1_024.0
}

/// How the number's rate was used.
struct Pace {
    unused: f64,
    fullest: f64,
    line: Value,
}

impl Pace {
    /// Of two looks at the simulator's counts. Customers write evenly, but not to the millisecond: room for one message more is theirs.
    fn of(args: &BroadcastArgs, seen: &Seen) -> Self {
        let (before, after, secs) = &seen.counted;
        let at = |stats: &Value, path: &str| stats.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let grown = |path: &str| at(after, path) - at(before, path);
        let (sends, inbound) = (grown("/graph/sends_accepted"), grown("/inbound"));
        let left = f64::from(args.rate) - (inbound / *secs).round() - 1.0;
        let share = sends / *secs / left;
        let fullest = at(after, "/busiest_second/0/asked");
        Self {
            unused: 1.0 - share,
            fullest,
            line: json!({
                "rate": args.rate, "secs": secs, "sends": sends, "inbound": inbound, "share": share,
                "share_of_mean": sends / (f64::from(args.rate) * *secs - inbound), "fullest_second_of_sends": fullest,
                "graph": after.get("graph"),
            }),
        }
    }
}

/// What came of it beside what was foretold. Customers and replies on its number, which are not foretold, make it later.
async fn beside_the_dry_run(stage: &Stage, broadcast: &Broadcast, foretold: &Value) -> anyhow::Result<Value> {
    let bill = stage.simulator.bill().await?;
    let shown = broadcast.shown().await?;
    let between = |of: &Value, from: &str, to: &str| {
        let at = |name: &str| of.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        (at(to) - at(from)) / 1_000.0
    };
    let (foretold_s, took_s) = (
        between(foretold, "starts_at", "ends_at"),
        between(&shown, "launched_at", "ended_at"),
    );
    let micros = bill.get("micros").and_then(Value::as_f64).unwrap_or(f64::NAN);
    Ok(json!({
        "phase": "dry run", "foretold_s": foretold_s, "took_s": took_s, "took_over_foretold": took_s / foretold_s,
        "foretold": foretold.get("spend"), "billed": micros / 1e6, "bill": bill.get("lines"),
    }))
}

/// Memory, noted now and then.
struct Memory {
    stop: tokio::sync::oneshot::Sender<()>,
    task: tokio::task::JoinHandle<anyhow::Result<Vec<u64>>>,
}

impl Memory {
    fn begin(stage: &Stage) -> anyhow::Result<Self> {
        let process = stage.gateway_id()?;
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut noted = Vec::new();
            loop {
                noted.push(crate::process::resident_kib(process)?);
                tokio::select! {
                    _ = &mut stopped => return anyhow::Ok(noted),
                    () = tokio::time::sleep(NOTED) => {}
                }
            }
        });
        Ok(Self { stop, task })
    }

    async fn end(self) -> anyhow::Result<Vec<u64>> {
        // Whoever noted may have failed already.
        let _ = self.stop.send(());
        self.task.await?
    }
}

/// Waits for the end, or cancels what is left when the time is up; whether it came to its end.
async fn end(args: &BroadcastArgs, broadcast: &Broadcast, left: Duration) -> anyhow::Result<bool> {
    let began = Instant::now();
    while began.elapsed() < left {
        if broadcast.state().await? == "done" {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!(
        "the time is up for {} recipients: what is left is cancelled",
        args.recipients
    );
    broadcast.order(Order::Cancel).await?;
    broadcast.until(&["cancelled", "done"], ENDED).await?;
    Ok(false)
}

/// Each row of the file beside what the simulator took, once all statuses are told.
async fn compared(stage: &Stage, broadcast: &Broadcast, audience: &Audience) -> anyhow::Result<Comparison> {
    stage.simulator.chatter(0.0, 1).await?;
    stage.simulator.quiesce(ENDED).await?;
    let began = Instant::now();
    loop {
        let taken = AllTaken::read(&stage.simulator).await?;
        let found = Comparison::make(broadcast, audience, &taken).await?;
        if found.is_sound() || began.elapsed() > ENDED {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

fn say(line: &Value) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}
