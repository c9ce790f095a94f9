//! What taking in a webhook costs: how many a second beside the barest handlers that could take them, how long until the
//! 200 beside the disk's own sync, and how long until an agent's socket has it.

mod bare;
pub mod disk;
pub mod load;
pub mod webhook;
pub mod wire;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::process::{self, Launch, Process, cpu_time, free_port};
use crate::stage::{ACCOUNT, NUMBER, Places, SECRET, Scene, Stage};
pub use bare::{BareArgs, run as run_bare};
use load::Capacity;
pub use load::{Open, Posted};
pub use webhook::Maker;

/// Options of `mesej-load intake`.
#[derive(clap::Args, Debug, Clone)]
pub struct IntakeArgs {
    /// Webhooks a second of the run that measures delays
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    /// Connections that post
    #[arg(long, default_value_t = 64)]
    pub connections: u32,
    /// Seconds of each part of the run
    #[arg(long, default_value_t = 10)]
    pub secs: u64,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// How long a start may take.
const START: Duration = Duration::from_secs(20);
/// How long the gateway may take to apply what it took in.
const DRAINED: Duration = Duration::from_secs(300);
/// The gateway looks at its backlog a little more often than this.
const BACKLOG_SHOWN: Duration = Duration::from_secs(6);
/// Each server is loaded this often in turn, so that a change of the machine's mood meets all of them.
const TURNS: u32 = 3;

/// Runs the rig.
pub async fn run(args: IntakeArgs) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        places: Places::Anywhere,
        env: Vec::new(),
    })
    .await?;
    let (bare, bare_address) = start_bare(&stage).await?;
    let gateway_address = stage.gateway.url("").trim_start_matches("http://").to_owned();
    let gateway_id = stage.gateway_id()?;
    let bare_id = bare.id().context("the bare handlers ended")?;
    let maker = |address: &str, path| Maker::new(SECRET, ACCOUNT, NUMBER, address, path);

    // First at an even pace: a store that has just taken in a flood is still busy with it.
    let delays = delays(&args, &stage, maker(&gateway_address, "/webhooks/whatsapp")).await?;

    let mut servers = [
        (
            "read_only",
            bare_id,
            maker(&bare_address, "/read"),
            &bare_address,
            Capacity::default(),
        ),
        (
            "verified",
            bare_id,
            maker(&bare_address, "/verified"),
            &bare_address,
            Capacity::default(),
        ),
        (
            "gateway",
            gateway_id,
            maker(&gateway_address, "/webhooks/whatsapp"),
            &gateway_address,
            Capacity::default(),
        ),
    ];
    let turn = Duration::from_secs(args.secs) / TURNS;
    let mut applying = Duration::ZERO;
    for _ in 0..TURNS {
        for (_, id, maker, address, capacity) in &mut servers {
            let before = cpu_time(*id)?;
            let done = load::flood(address, maker, args.connections, turn).await?;
            capacity.add(&done, cpu_time(*id)?.saturating_sub(before));
            // The next one has the machine for itself.
            applying += drained(&stage).await?;
        }
    }
    let mut line = delays;
    let fields = line.as_object_mut().context("no object")?;
    let [read_only, verified, gateway] = servers.map(|(_, _, _, _, capacity)| capacity);
    fields.insert("read_only_per_s".into(), json!(read_only.per_second()));
    fields.insert("verified_per_s".into(), json!(verified.per_second()));
    fields.insert("gateway_per_s".into(), json!(gateway.per_second()));
    let against_read = gateway.per_second() / read_only.per_second();
    let against_verified = gateway.per_second() / verified.per_second();
    fields.insert("gateway_over_read_only".into(), json!(against_read));
    fields.insert("gateway_over_verified".into(), json!(against_verified));
    fields.insert("read_only_cpu_us".into(), json!(read_only.cpu_us()));
    fields.insert("verified_cpu_us".into(), json!(verified.cpu_us()));
    fields.insert("gateway_cpu_us".into(), json!(gateway.cpu_us()));
    fields.insert("applied_within_s".into(), json!(applying.as_secs_f64()));
    let refused = read_only.refused + verified.refused + gateway.refused;
    fields.insert("refused".into(), json!(refused));
    drop(bare);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Posts at an even pace, with an agent who listens and a probe on the store's disk.
async fn delays(args: &IntakeArgs, stage: &Stage, maker: Maker) -> anyhow::Result<Value> {
    let listener = load::Listener::start(stage).await?;
    let probe = disk::Probe::start(stage.folder())?;
    let open = Open {
        rate: args.rate,
        connections: args.connections,
        length: Duration::from_secs(args.secs),
        began: listener.began(),
    };
    let posted = open.post(maker).await?;
    let synced = probe.end()?;
    let reached = listener.end(posted.acknowledged.len()).await?;
    let ms = |histogram: &Histogram<u64>, quantile| micros(histogram.value_at_quantile(quantile)) / 1_000.0;
    Ok(json!({
        "rate": args.rate, "posted": posted.acknowledged.len(), "failed": posted.failed,
        "ack_p50_ms": ms(&posted.acknowledged, 0.5), "ack_p99_ms": ms(&posted.acknowledged, 0.99),
        "client_lag_p99_ms": ms(&posted.lag, 0.99),
        "fdatasync_p50_ms": ms(&synced, 0.5), "fdatasync_p99_ms": ms(&synced, 0.99),
        "ack_over_fdatasync": ms(&posted.acknowledged, 0.5) / ms(&synced, 0.5),
        "reached_agent": reached.len(),
        "reach_p50_ms": ms(&reached, 0.5), "reach_p99_ms": ms(&reached, 0.99),
    }))
}

/// Waits until everything that was taken in is applied, and says how long that took.
async fn drained(stage: &Stage) -> anyhow::Result<Duration> {
    let began = Instant::now();
    loop {
        tokio::time::sleep(BACKLOG_SHOWN).await;
        if stage.gateway.metric("mesej_journal_backlog").await? < 1.0 {
            return Ok(began.elapsed());
        }
        anyhow::ensure!(began.elapsed() < DRAINED, "the gateway does not catch up");
    }
}

fn micros(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

/// Starts the bare handlers; gives their address.
pub async fn start_bare(stage: &Stage) -> anyhow::Result<(Process, String)> {
    let port = free_port()?;
    let process = Launch {
        binary: std::env::current_exe()?,
        what: "mesej-load bare",
        args: vec![
            "bare".to_owned(),
            format!("--port={port}"),
            format!("--secret={SECRET}"),
            format!("--file={}", stage.folder().join("bare").display()),
        ],
        env: Vec::new(),
        log: stage.folder().join("bare.log"),
    }
    .start()?;
    let address = format!("127.0.0.1:{port}");
    process::ready(stage.gateway.client(), &format!("http://{address}/ready"), START).await?;
    Ok((process, address))
}
