//! One tenant's flood beside another tenant: how soon a message of the other reaches its agent, and a message of the flooded
//! tenant's own customers behind its statuses.
//!
//! The gateway has a processor for itself: what floods it must not be what slows it down. A CQL server cannot have one: there a
//! second gateway with a keyspace of its own, which nobody floods, tells what the busy server costs anybody. Three lines of JSON:
//! while it is quiet, during the flood, and the bounds. A message that has not arrived ten seconds after the end is counted as
//! unseen. Exit code 1 if any is, or a bound is not met.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cluster::{Cluster, Sync, Wanted};
use crate::cores;
use crate::elsewhere::Elsewhere;
use crate::gateway::Tenant;
use crate::intake::load::{Listener, Open, Posted, next_number};
use crate::intake::webhook::Maker;
use crate::intake::wire::Connection;
use crate::process::binary;
use crate::stage::{ACCOUNT, NUMBER, Places, SECRET, Scene, Stage};

/// The number that is flooded.
const FLOODED: &str = "106540352242999";
const PATH: &str = "/webhooks/whatsapp";
/// How much later than while it is quiet a neighbour's message may be seen at p99: the larger of these, in milliseconds and as a
/// share, and as much again as a bystander's message is later.
const LATER_MS: f64 = 20.0;
const LATER_SHARE: f64 = 0.2;
/// How late a message of the flooded tenant's own customers may be seen at p99.
const OWN_MS: f64 = 1_000.0;

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
    /// Seconds before, in which customers write four times as much; by default 20 on a CQL server, which compiles what it runs
    #[arg(long)]
    pub warm_up: Option<u64>,
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
    let binary = binary(args.binary.as_deref())?;
    let cluster = match args.backend {
        Backend::Fjall => None,
        Backend::Cql => {
            let wanted = Wanted {
                nodes: 1,
                sync: Sync::Periodic,
            };
            Some(Cluster::start(&binary, home.path(), wanted).await?)
        }
    };
    let beside = match &cluster {
        Some(cluster) => Some(cluster.another_keyspace(&binary).await?.settings()),
        None => None,
    };
    let settings = cluster.iter().flat_map(Cluster::settings).collect();
    tokio::task::spawn_blocking(move || cores::apart(move || measure(args, settings, beside))).await?
}

async fn stage(
    args: &NeighbourArgs,
    places: Places,
    env: Vec<(&'static str, String)>,
) -> anyhow::Result<Stage> {
    let scene = Scene {
        binary: args.binary.clone(),
        rate: 1_000,
        seed: 1,
        places,
        env,
    };
    Stage::set(scene).await
}

async fn measure(
    args: NeighbourArgs,
    env: Vec<(&'static str, String)>,
    beside: Option<[(&'static str, String); 4]>,
) -> anyhow::Result<ExitCode> {
    let bystander = match beside {
        // Where the rig is: off the processor of the gateway that is flooded.
        Some(env) => Some(stage(&args, Places::Anywhere, env.into()).await?),
        None => None,
    };
    let stage = stage(&args, Places::Apart, env).await?;
    let number = json!({
        "phone_number_id": FLOODED, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0001",
        "access_token": "simulated-access-token", "app": "simulated", "rate": 1_000,
    });
    let flooded = stage.gateway.make_tenant("Flooded", &number).await?;
    let rig = Rig {
        args,
        stage,
        flooded,
        bystander,
    };
    rig.warm_up().await?;
    let quiet = rig.half("quiet", 0).await?;
    let loud = rig.half("flood", rig.args.connections).await?;
    let later_anyway = match (quiet.bystander_ms, loud.bystander_ms) {
        (Some(quiet), Some(loud)) => (loud - quiet).max(0.0),
        _ => 0.0,
    };
    let bound = quiet.neighbour_ms + LATER_MS.max(quiet.neighbour_ms * LATER_SHARE) + later_anyway;
    let is_met = loud.neighbour_ms <= bound && loud.own_ms <= OWN_MS && quiet.unseen + loud.unseen == 0;
    let line = json!({
        "neighbour_seen_p99_ms": { "quiet": quiet.neighbour_ms, "flood": loud.neighbour_ms, "bound": bound },
        "bystander_seen_p99_ms": { "quiet": quiet.bystander_ms, "flood": loud.bystander_ms },
        "own_customers_seen_p99_ms": { "flood": loud.own_ms, "bound": OWN_MS },
        "met": is_met,
    });
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(if is_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is compared of a half of the run.
struct Half {
    neighbour_ms: f64,
    own_ms: f64,
    bystander_ms: Option<f64>,
    unseen: u64,
}

struct Rig {
    args: NeighbourArgs,
    stage: Stage,
    flooded: Tenant,
    /// Another gateway on the same CQL server.
    bystander: Option<Stage>,
}

/// What one tenant's customers wrote, and when its agent saw it.
struct Seen {
    posted: Posted,
    delays: Histogram<u64>,
}

/// How much a tenant's customers write.
#[derive(Clone, Copy)]
struct Pace {
    rate: u32,
    secs: u64,
}

impl Rig {
    /// What runs for the first time is slow, and nothing to compare with.
    async fn warm_up(&self) -> anyhow::Result<()> {
        let usual = match self.args.backend {
            Backend::Fjall => 0,
            Backend::Cql => 20,
        };
        let pace = Pace {
            rate: self.args.rate * 4,
            secs: self.args.warm_up.unwrap_or(usual),
        };
        if pace.secs > 0 {
            self.all(pace).await?;
        }
        Ok(())
    }

    /// The customers of the neighbour, of the flooded tenant, and of the bystander.
    async fn all(&self, pace: Pace) -> anyhow::Result<(Seen, Seen, Option<Seen>)> {
        let bystander = async {
            match &self.bystander {
                Some(stage) => customers(stage, &stage.tenant, NUMBER, pace).await.map(Some),
                None => Ok(None),
            }
        };
        tokio::try_join!(
            customers(&self.stage, &self.stage.tenant, NUMBER, pace),
            customers(&self.stage, &self.flooded, FLOODED, pace),
            bystander
        )
    }

    /// Both tenants' customers write while so many connections flood; prints a line.
    async fn half(&self, phase: &str, connections: u32) -> anyhow::Result<Half> {
        let ends = Instant::now() + Duration::from_secs(self.args.secs);
        // Whoever floods is on other machines: it must not take the processor from a server that stands on this one.
        let elsewhere = Elsewhere::start()?;
        let flood = elsewhere.handle().spawn(flood(
            maker(&self.stage, FLOODED),
            connections,
            self.args.statuses,
            ends,
        ));
        let pace = Pace {
            rate: self.args.rate,
            secs: self.args.secs,
        };
        let (neighbour, own, bystander) = self.all(pace).await?;
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
            "bystander": bystander.as_ref().map(|seen| shown(seen, unseen(seen))),
        });
        writeln!(std::io::stdout().lock(), "{line}")?;
        let bystander_unseen = bystander.as_ref().map_or(0, &unseen);
        Ok(Half {
            neighbour_ms: ms(&neighbour.delays, 0.99),
            own_ms: ms(&own.delays, 0.99),
            bystander_ms: bystander.as_ref().map(|seen| ms(&seen.delays, 0.99)),
            unseen: unseen(&neighbour) + unseen(&own) + bystander_unseen,
        })
    }
}

/// A tenant's customers write.
async fn customers(stage: &Stage, tenant: &Tenant, number: &'static str, pace: Pace) -> anyhow::Result<Seen> {
    let listener = Listener::of(&stage.gateway, tenant).await?;
    let open = Open {
        rate: pace.rate,
        connections: 4,
        length: Duration::from_secs(pace.secs),
        began: listener.began(),
    };
    let posted = open.post(maker(stage, number)).await?;
    let delays = listener.end(posted.acknowledged.len()).await?;
    Ok(Seen { posted, delays })
}

fn maker(stage: &Stage, number: &'static str) -> Maker {
    let address = stage.gateway.url("");
    Maker::new(
        SECRET,
        ACCOUNT,
        number,
        address.trim_start_matches("http://"),
        PATH,
    )
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

fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    let micros = u32::try_from(histogram.value_at_quantile(quantile)).unwrap_or(u32::MAX);
    f64::from(micros) / 1_000.0
}

fn shown(seen: &Seen, unseen: u64) -> Value {
    json!({
        "posted": seen.posted.acknowledged.len(), "refused": seen.posted.failed, "unseen": unseen,
        "ack_p50_ms": ms(&seen.posted.acknowledged, 0.5), "ack_p99_ms": ms(&seen.posted.acknowledged, 0.99),
        "seen_p50_ms": ms(&seen.delays, 0.5), "seen_p99_ms": ms(&seen.delays, 0.99),
        "seen_max_ms": ms(&seen.delays, 1.0),
    })
}
