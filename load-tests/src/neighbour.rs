//! One tenant's flood beside another tenant: how soon a message of the other reaches its agent, and a message of the flooded
//! tenant's own customers behind its statuses.
//!
//! Two lines of JSON: while it is quiet, and during the flood. A message that has not arrived ten seconds after the end is
//! counted as unseen. Exit code 1 if any is.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{Cluster, Sync, Wanted};
use crate::gateway::Tenant;
use crate::intake::load::{Listener, Open, Posted, next_number};
use crate::intake::webhook::Maker;
use crate::intake::wire::Connection;
use crate::process::binary;
use crate::stage::{ACCOUNT, NUMBER, Places, SECRET, Scene, Stage};

/// The number that is flooded.
const FLOODED: &str = "106540352242999";
const PATH: &str = "/webhooks/whatsapp";

/// Where the gateway keeps what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    /// In a folder
    Fjall,
    /// On a CQL server with one node
    Cql,
}

/// Options of `mesej-load neighbour`.
#[derive(clap::Args, Debug, Clone)]
pub struct NeighbourArgs {
    /// Messages a second that each tenant's customers write
    #[arg(long, default_value_t = 20)]
    pub rate: u32,
    /// Connections that flood, each as fast as it is answered
    #[arg(long, default_value_t = 32)]
    pub connections: u32,
    /// Statuses in one webhook of the flood
    #[arg(long, default_value_t = 20)]
    pub statuses: u32,
    /// Seconds of each half of the run
    #[arg(long, default_value_t = 12)]
    pub secs: u64,
    /// Where the gateway keeps what it knows
    #[arg(long, value_enum, default_value = "fjall")]
    pub backend: Backend,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// Runs the rig.
pub async fn run(args: NeighbourArgs) -> anyhow::Result<ExitCode> {
    let home = tempfile::tempdir()?;
    let cluster = match args.backend {
        Backend::Fjall => None,
        Backend::Cql => {
            let wanted = Wanted {
                nodes: 1,
                sync: Sync::Periodic,
            };
            Some(Cluster::start(&binary(args.binary.as_deref())?, home.path(), wanted).await?)
        }
    };
    let stage = Stage::set(Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        places: Places::Anywhere,
        env: cluster.iter().flat_map(Cluster::settings).collect(),
    })
    .await?;
    let number = json!({
        "phone_number_id": FLOODED, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0001",
        "access_token": "simulated-access-token", "app": "simulated", "rate": 1_000,
    });
    let flooded = stage.gateway.make_tenant("Flooded", &number).await?;
    let rig = Rig {
        address: stage.gateway.url("").trim_start_matches("http://").to_owned(),
        args,
        stage,
        flooded,
    };
    let quiet = rig.half("quiet", 0).await?;
    let loud = rig.half("flood", rig.args.connections).await?;
    Ok(if quiet == 0 && loud == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Rig {
    args: NeighbourArgs,
    address: String,
    stage: Stage,
    flooded: Tenant,
}

/// What one tenant's customers wrote, and when its agent saw it.
struct Seen {
    posted: Posted,
    delays: Histogram<u64>,
}

impl Rig {
    /// Both tenants' customers write while so many connections flood; prints a line, and gives how many were not seen.
    async fn half(&self, phase: &str, connections: u32) -> anyhow::Result<u64> {
        let ends = Instant::now() + Duration::from_secs(self.args.secs);
        let flood = tokio::spawn(flood(self.maker(FLOODED), connections, self.args.statuses, ends));
        let (neighbour, own) = tokio::try_join!(
            self.customers(&self.stage.tenant, NUMBER),
            self.customers(&self.flooded, FLOODED)
        )?;
        let (taken, refused) = flood.await??;
        let unseen = |seen: &Seen| {
            let expected = seen.posted.acknowledged.len();
            expected.saturating_sub(seen.delays.len())
        };
        let line = json!({
            "phase": phase, "backend": format!("{:?}", self.args.backend).to_lowercase(), "secs": self.args.secs,
            "flood_webhooks_per_s": taken / self.args.secs.max(1), "flood_refused": refused,
            "statuses_in_each": self.args.statuses,
            "neighbour": shown(&neighbour, unseen(&neighbour)), "own_customers": shown(&own, unseen(&own)),
        });
        writeln!(std::io::stdout().lock(), "{line}")?;
        Ok(unseen(&neighbour) + unseen(&own))
    }

    async fn customers(&self, tenant: &Tenant, number: &'static str) -> anyhow::Result<Seen> {
        let listener = Listener::of(&self.stage.gateway, tenant).await?;
        let open = Open {
            rate: self.args.rate,
            connections: 4,
            length: Duration::from_secs(self.args.secs),
            began: listener.began(),
        };
        let posted = open.post(self.maker(number)).await?;
        let delays = listener.end(posted.acknowledged.len()).await?;
        Ok(Seen { posted, delays })
    }

    fn maker(&self, number: &'static str) -> Maker {
        Maker::new(SECRET, ACCOUNT, number, &self.address, PATH)
    }
}

/// Posts statuses until then; how many webhooks were taken, and how many refused.
async fn flood(maker: Maker, connections: u32, statuses: u32, ends: Instant) -> anyhow::Result<(u64, u64)> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let maker = maker.clone();
        tasks.spawn(async move {
            let mut connection = Connection::open(maker.address()).await?;
            let (mut taken, mut refused) = (0, 0);
            while Instant::now() < ends {
                match connection.call(&maker.statuses(next_number(), statuses)).await? {
                    200 => taken += 1,
                    _ => refused += 1,
                }
            }
            anyhow::Ok((taken, refused))
        });
    }
    let (mut taken, mut refused) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        let (some, not) = done??;
        taken += some;
        refused += not;
    }
    Ok((taken, refused))
}

fn shown(seen: &Seen, unseen: u64) -> Value {
    let ms = |histogram: &Histogram<u64>, quantile| {
        let micros = u32::try_from(histogram.value_at_quantile(quantile)).unwrap_or(u32::MAX);
        f64::from(micros) / 1_000.0
    };
    json!({
        "posted": seen.posted.acknowledged.len(), "refused": seen.posted.failed, "unseen": unseen,
        "ack_p50_ms": ms(&seen.posted.acknowledged, 0.5), "ack_p99_ms": ms(&seen.posted.acknowledged, 0.99),
        "seen_p50_ms": ms(&seen.delays, 0.5), "seen_p99_ms": ms(&seen.delays, 0.99),
        "seen_max_ms": ms(&seen.delays, 1.0),
    })
}
