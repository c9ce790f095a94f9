//! The kill rig: the real binary on its real store, under load, killed at random and at every named place.
//!
//! Gateway and simulator are two processes. Customers write, a program sends, two agents watch. After the last kill
//! everything is given time to settle; then history is read, and the simulator's oracle compares what was acknowledged,
//! what Graph accepted, what agents saw and what history holds. Exit code 1 unless nothing is lost, nothing went out twice,
//! no agent has a hole, and no kill left more unknown than what was being called, or answered and not durable, and two more.
//! With `--broadcast` all of it happens to a [`broadcast`].

mod broadcast;
mod clock;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use crate::cluster::{Sync, Wanted};
use crate::rig::{Keeps, Plan, RATE, Rig};

/// Options of `mesej-load kill`.
#[derive(clap::Args, Debug, Clone)]
pub struct KillArgs {
    /// Random kills
    #[arg(long, default_value_t = 20)]
    pub cycles: u32,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages a second that Meta allows the number, in and out together
    #[arg(long, default_value_t = RATE, value_parser = clap::value_parser!(u32).range(10..=1_000))]
    pub rate: u32,
    /// Messages that customers write in a second
    #[arg(long, default_value_t = 500.0)]
    pub inbound: f64,
    /// Messages that a program sends in a second
    #[arg(long, default_value_t = 200)]
    pub sends: u32,
    /// Shortest and longest life of the gateway between two kills, in milliseconds
    #[arg(long, default_values_t = [200, 5_000], num_args = 2)]
    pub life_ms: Vec<u64>,
    /// Shortest and longest time that Graph takes for a call, in milliseconds
    #[arg(long, default_values_t = [80, 150], num_args = 2)]
    pub graph_ms: Vec<u64>,
    /// Also let Graph fail and webhooks come twice, late, out of order and forged
    #[arg(long)]
    pub faults: bool,
    /// Also set the gateway's clock back and ahead, once a year ahead for a minute (needs libfaketime: `make tools`)
    #[arg(long)]
    pub clock: bool,
    /// Have a broadcast of so many recipients planned and run under the kills
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub broadcast: u32,
    /// Also cancel a second broadcast, half as large, in the middle
    #[arg(long, requires = "broadcast")]
    pub cancel: bool,
    /// The store
    #[arg(long, value_enum, default_value_t = Backend::Fjall)]
    pub backend: Backend,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Keep data and logs in this folder
    #[arg(long)]
    pub keep: Option<PathBuf>,
}

/// Where the gateway keeps what it knows.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// In a folder
    Fjall,
    /// On a cluster: the one that MESEJ_TEST_CQL names, or a server of the rig's own
    Cql,
}

/// Claims for which no call came that a kill leaves unknown at the median.
const UNCALLED: u64 = 2;

/// Every place at which the gateway is made to die.
const PLACES: [&str; 12] = [
    "before_journal",
    "after_journal",
    "before_apply",
    "after_apply",
    "after_done",
    "before_commit",
    "after_commit",
    "before_claim",
    "after_claim",
    "before_request",
    "after_response",
    "after_result",
];

/// How long the gateway may live with a place armed before it counts as never reached.
const REACH: Duration = Duration::from_secs(15);

/// Submits under way at once.
const UNDER_WAY: usize = 256;
/// The one node of a cluster.
const NODE: Wanted = Wanted {
    nodes: 1,
    sync: Sync::Periodic,
};

impl KillArgs {
    fn plan(&self) -> anyhow::Result<Plan> {
        let graph_ms = self.graph_ms.as_slice().try_into();
        Ok(Plan {
            seed: self.seed,
            rate: self.rate,
            inbound: self.inbound,
            sends: self.sends,
            under_way: UNDER_WAY,
            graph_ms: graph_ms.context("--graph-ms wants the shortest and the longest time")?,
            faults: self.faults,
            keeps: match self.backend {
                Backend::Fjall => Keeps::Embedded,
                Backend::Cql => Keeps::Cluster(NODE),
            },
            binary: self.binary.clone(),
            keep: self.keep.clone(),
            env: Vec::new(),
        })
    }
}

/// Runs the rig.
pub async fn run(args: KillArgs) -> anyhow::Result<ExitCode> {
    let set = if args.clock {
        Some(clock::SetClock::new()?)
    } else {
        None
    };
    let plan = Plan {
        env: set.as_ref().map(clock::SetClock::env).unwrap_or_default(),
        ..args.plan()?
    };
    let (shortest, longest) = match args.life_ms.as_slice() {
        [shortest, longest] if shortest <= longest => (*shortest, *longest),
        _ => anyhow::bail!("--life-ms wants the shortest and the longest life"),
    };
    let mut rig = Rig::start(&plan).await?;
    let setting = set.map(|set| set.start(args.seed));
    if args.broadcast > 0 {
        let life = broadcast::Life { shortest, longest };
        return broadcast::run(&args, rig, life, setting).await;
    }
    let mut dice = fastrand::Rng::with_seed(args.seed);
    let is_set = || setting.as_ref().is_none_or(clock::Setting::is_complete);
    for cycle in 1.. {
        // It goes on until the clock was set in every way.
        if cycle > args.cycles && is_set() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(dice.u64(shortest..=longest))).await;
        rig.kill().await?;
        rig.restart(None).await?;
        rig.tell_oracle().await?;
        eprintln!(
            "kill {cycle}/{}: ready again in {} ms; the kill before left unknown {}",
            args.cycles,
            rig.ready_ms.last().copied().unwrap_or(0),
            rig.deaths.iter().rev().nth(1).copied().unwrap_or_default(),
        );
    }
    let mut reached = Vec::new();
    for place in PLACES {
        rig.kill().await?;
        rig.restart(Some(format!("{place}:{}", dice.u32(1..=30)))).await?;
        if rig.died_at(place, REACH).await? {
            reached.push(place);
            rig.restart(None).await?;
            // Time to find out what became unknown: the next death would be taken for its cause.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        rig.tell_oracle().await?;
        eprintln!("died at {place}: {}", reached.last() == Some(&place));
    }
    let jumps = match setting {
        Some(setting) => setting.end().await?,
        None => Vec::new(),
    };
    let found = rig.settle().await?;
    report::print(&args, &rig, &reached, &jumps, &found)
}
