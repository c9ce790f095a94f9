//! The ring rig: the real binary on a cluster whose nodes are killed and stopped under load.
//!
//! Act one: one node of three is killed and brought back, another is stopped for a few seconds; nobody should notice. Act
//! two: too few nodes are left, so webhooks and sends are refused; when the nodes are back, everything goes on by itself.
//! With `--nodes 1` the only node is killed. At the end the simulator's oracle is asked as in `kill`. Exit code 1 unless
//! nothing is lost, nothing went out twice, no agent has a hole, everything has an end, and act one went almost unnoticed.

mod acts;
mod calibrate;
mod probe;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::cluster::{Sync, Wanted};
use crate::rig::{Keeps, Plan, RATE, Rig};
use acts::Cast;

/// Options of `mesej-load ring`.
#[derive(clap::Args, Debug, Clone)]
pub struct RingArgs {
    /// Nodes, each with a copy of every row
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    pub nodes: u8,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Messages that customers write in a second, three for each that is sent; by default 60 % of what the nodes carry when
    /// all are up, which is tried first
    #[arg(long, requires = "sends")]
    pub inbound: Option<f64>,
    /// Messages that a program sends in a second
    #[arg(long, requires = "inbound")]
    pub sends: Option<u32>,
    /// How long the load runs before act one, in seconds; by default 30 where there are three nodes. Nodes that have just
    /// started compile what they run, and customers are new
    #[arg(long)]
    pub warm_up: Option<u64>,
    /// How long act one takes, in seconds
    #[arg(long, default_value_t = 60)]
    pub secs: u64,
    /// How often too few nodes are left
    #[arg(long, default_value_t = 1)]
    pub outages: u32,
    /// How long too few nodes are left, in seconds
    #[arg(long, default_value_t = 12)]
    pub outage_secs: u64,
    /// When a node has a write on disk. `periodic` is as fast as Cassandra comes, and a majority that is killed takes with it
    /// what was answered last
    #[arg(long, value_enum, default_value = "group")]
    pub sync: Sync,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Keep data and logs in this folder
    #[arg(long)]
    pub keep: Option<PathBuf>,
}

/// Submits under way at once: those of some seconds.
const UNDER_WAY: usize = 1_024;
/// How long the load goes on after the last outage.
const AFTERWARDS: Duration = Duration::from_secs(5);

impl RingArgs {
    fn plan(&self) -> Plan {
        Plan {
            rate: RATE,
            seed: self.seed,
            inbound: self.inbound.unwrap_or(3.0 * f64::from(calibrate::FIRST)),
            sends: self.sends.unwrap_or(calibrate::FIRST),
            under_way: UNDER_WAY,
            graph_ms: [0, 0],
            faults: false,
            keeps: Keeps::OwnCluster(Wanted {
                nodes: self.nodes,
                sync: self.sync,
            }),
            binary: self.binary.clone(),
            keep: self.keep.clone(),
            env: Vec::new(),
        }
    }
}

/// Runs the rig.
pub async fn run(args: RingArgs) -> anyhow::Result<ExitCode> {
    let mut rig = Rig::start(&args.plan()).await?;
    let cast = Cast::by_lot(args.nodes, args.seed);
    let warm_up = args.warm_up.unwrap_or(if args.nodes == 1 { 0 } else { 30 });
    eprintln!(
        "the load runs; act one begins in {warm_up} s and takes {} s",
        args.secs
    );
    tokio::time::sleep(Duration::from_secs(warm_up)).await;
    let carried = match args.sends {
        Some(_) => None,
        None => Some(calibrate::sends_carried(&rig).await?),
    };
    let one = acts::one(&mut rig, &cast, Duration::from_secs(args.secs)).await?;
    eprintln!("act one: {one}");
    if let Some(book) = rig.submits() {
        eprintln!("submits so far: {:?}", book.answers());
    }
    let mut outages = Vec::new();
    for _ in 0..args.outages {
        let outage = acts::two(&mut rig, &cast, Duration::from_secs(args.outage_secs)).await?;
        eprintln!("act two: {outage}");
        outages.push(outage);
    }
    tokio::time::sleep(AFTERWARDS).await;
    rig.tell_oracle().await?;
    let found = rig.settle().await?;
    report::print(&args, &rig, carried, &one, &outages, &found)
}
