//! A gateway and a simulator, each a process of its own, with two agents who watch and a program that sends.

mod deaths;
mod end;
mod launch;
mod rival;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::cluster::{Cluster, Wanted};
use crate::gateway::{Gateway, Tenant, text};
use crate::process::{self, Launch, Process, binary, free_port};
use crate::sender::{Book, Pace, Sender};
use crate::simulator::Simulator;
pub use deaths::{Cause, Death};
pub use end::Found;
use launch::{environment, faults, recipients, start_simulator};

const ADMIN: &str = "kill-rig-admin-token";
/// What webhooks are signed with.
pub const SECRET: &str = "simulated-app-secret";
/// The number.
pub const NUMBER: &str = "106540352242922";
/// Messages a second that Meta allows it, as a rule.
pub const RATE: u32 = 1_000;
const ACCOUNT: &str = "102290129340398";
/// Enough that the pair limit, one in six seconds, does not hold the sender back.
const RECIPIENTS: u32 = 2_000;
/// How long a start may take before the rig gives up.
const START: Duration = Duration::from_secs(60);
/// How long nothing may change before what is not settled after the last kill counts as stuck.
const SETTLE: Duration = Duration::from_secs(180);

/// What a rig is set up with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// Messages a second that Meta allows the number.
    pub rate: u32,
    /// Messages that customers write in a second.
    pub inbound: f64,
    /// Messages that a program sends in a second.
    pub sends: u32,
    /// Submits under way at once: more would only wait for a gateway that is down.
    pub under_way: usize,
    /// The shortest and the longest time that Graph takes for a call, in milliseconds.
    pub graph_ms: [u64; 2],
    /// Whether Graph fails, and webhooks come twice, late, out of order and forged.
    pub faults: bool,
    /// Where the gateway keeps what it knows.
    pub keeps: Keeps,
    /// The `mesej` binary; by default the one beside this program.
    pub binary: Option<PathBuf>,
    /// Data and logs are kept in this folder.
    pub keep: Option<PathBuf>,
    /// More of the gateway's environment.
    pub env: Vec<(String, String)>,
}

/// Where the gateway keeps what it knows.
#[derive(Debug, Clone)]
pub enum Keeps {
    /// In a folder.
    Embedded,
    /// On the cluster that `MESEJ_TEST_CQL` names, or on nodes of the rig's own.
    Cluster(Wanted),
    /// On nodes of the rig's own, which it kills and stops.
    OwnCluster(Wanted),
}

/// The rig. See the module.
pub struct Rig {
    /// The gateway's API.
    pub gateway: Gateway,
    /// The tenant.
    pub tenant: Tenant,
    /// The simulator's remote control.
    pub simulator: Simulator,
    /// How long each start took until the gateway was ready, in milliseconds.
    pub ready_ms: Vec<u64>,
    /// What each death left behind.
    pub deaths: Vec<Death>,
    /// What became of all submits, once the load has stopped.
    pub book: Option<Arc<Book>>,
    /// The nodes, where there are any.
    pub cluster: Option<Cluster>,
    agents: Vec<(String, Agent)>,
    sender: Option<Sender>,
    told: usize,
    launch: Launch,
    process: Option<Process>,
    _simulator_process: Process,
    _folder: tempfile::TempDir,
}

impl Rig {
    /// Starts everything and lets customers write first, so that their service windows are open.
    pub async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let mesej = binary(plan.binary.as_deref())?;
        let folder = tempfile::tempdir()?;
        let home = plan.keep.clone().unwrap_or_else(|| folder.path().to_owned());
        std::fs::create_dir_all(&home)?;
        let (port, meta_port) = (free_port()?, free_port()?);
        let meta = format!("http://127.0.0.1:{meta_port}");
        let simulator_process = start_simulator(plan, &mesej, &home, port, meta_port)?;
        let simulator = Simulator::new(meta.clone())?;
        let gateway = Gateway::new(format!("http://127.0.0.1:{port}"), ADMIN.to_owned())?;
        process::ready(gateway.client(), &format!("{meta}/_control/stats"), START).await?;
        let mut env = environment(plan, &home, port, &meta);
        env.extend(plan.env.iter().cloned());
        let cluster = match plan.keeps {
            Keeps::Embedded => None,
            Keeps::Cluster(wanted) => Some(Cluster::start(&mesej, &home, wanted).await?),
            Keeps::OwnCluster(wanted) => Some(Cluster::own(&mesej, &home, wanted).await?),
        };
        if let Some(cluster) = &cluster {
            env.retain(|(name, _)| name != "MESEJ_STORE__BACKEND");
            env.extend(cluster.env());
        }
        let launch = Launch {
            binary: mesej,
            what: "mesej serve",
            args: vec!["serve".to_owned()],
            env,
            log: home.join("gateway.log"),
        };
        let process = launch.start()?;
        let ready = process::ready(gateway.client(), &gateway.url("/readyz"), START).await?;
        let number = json!({
            "phone_number_id": NUMBER, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0000",
            "access_token": "simulated-access-token", "app": "simulated", "rate": plan.rate,
        });
        let tenant = gateway.make_tenant("Rig", &number).await?;
        simulator
            .tell("tenants", &json!({ tenant.id.clone(): [NUMBER] }))
            .await?;
        let agents = ["ana", "ben"].map(|name| {
            (
                name.to_owned(),
                Agent::start(gateway.clone(), tenant.clone(), name.to_owned()),
            )
        });
        let mut rig = Self {
            gateway,
            tenant,
            simulator,
            ready_ms: vec![millis(ready)],
            deaths: Vec::new(),
            book: None,
            cluster,
            agents: agents.into(),
            sender: None,
            told: 0,
            launch,
            process: Some(process),
            _simulator_process: simulator_process,
            _folder: folder,
        };
        rig.open_windows(plan).await?;
        Ok(rig)
    }

    async fn open_windows(&mut self, plan: &Plan) -> anyhow::Result<()> {
        while self
            .agents
            .iter()
            .any(|(_, agent)| crate::agent::lock(&agent.seen).epoch.is_empty())
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let to = recipients();
        for recipient in &to {
            self.simulator
                .say(recipient.trim_start_matches('+'), "hello")
                .await?;
        }
        self.simulator.quiesce(START).await?;
        // The load begins when what came before it is applied.
        self.agents_reach(u64::from(RECIPIENTS), START).await?;
        self.simulator.faults(&faults(plan)).await?;
        self.simulator.chatter(plan.inbound, 1_000).await?;
        self.sender = Some(Sender::start(
            self.gateway.clone(),
            self.tenant.clone(),
            to,
            Pace {
                rate: plan.sends,
                under_way: plan.under_way,
                run: plan.seed,
            },
        ));
        Ok(())
    }

    /// SIGKILL.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let Some(process) = self.process.take() else {
            return Ok(());
        };
        process.kill().await?;
        self.note_death(Cause::Kill).await
    }

    /// Starts the gateway again, perhaps with a place at which it dies.
    pub async fn restart(&mut self, dies_at: Option<String>) -> anyhow::Result<()> {
        self.launch.env.retain(|(name, _)| name != "MESEJ_CRASH_AT");
        let armed = dies_at.is_some();
        self.launch
            .env
            .extend(dies_at.map(|place| ("MESEJ_CRASH_AT".to_owned(), place)));
        let mut process = self.launch.start()?;
        let url = self.gateway.url("/readyz");
        let began = Instant::now();
        loop {
            let limit = Duration::from_millis(500);
            if process::ready(self.gateway.client(), &url, limit).await.is_ok() {
                // An armed process may be ready only to die at once: its start is no measure.
                if !armed {
                    self.ready_ms.push(millis(began.elapsed()));
                }
                break;
            }
            if !process.is_running() {
                anyhow::ensure!(armed, "the gateway ended by itself at its start: see its log");
                break;
            }
            anyhow::ensure!(
                began.elapsed() < START,
                "the gateway was not ready within {START:?}"
            );
        }
        self.process = Some(process);
        Ok(())
    }

    /// Whether the gateway ends by itself, at this place, within this time.
    pub async fn died_at(&mut self, place: &'static str, limit: Duration) -> anyhow::Result<bool> {
        let Some(process) = self.process.as_mut() else {
            return Ok(false);
        };
        let died = process.ended(limit).await.is_ok();
        if died {
            self.process = None;
            self.note_death(Cause::Place(place)).await?;
        }
        Ok(died)
    }

    /// Hands what agents saw and callers were told to the oracle.
    pub async fn tell_oracle(&mut self) -> anyhow::Result<()> {
        for (name, agent) in &self.agents {
            if let Some(report) = agent.report(&self.tenant.id, name) {
                self.simulator.tell("events", &json!([report])).await?;
            }
        }
        let Some(book) = self.book.clone().or_else(|| self.submits()) else {
            return Ok(());
        };
        self.told += self.tell_of(&book, self.told).await?;
        Ok(())
    }

    /// Hands what callers of another gateway were told to the oracle.
    pub async fn tell_submissions(&self, book: &Book) -> anyhow::Result<()> {
        self.tell_of(book, 0).await.map(|_| ())
    }

    /// Hands submits from one on to the oracle; how many.
    async fn tell_of(&self, book: &Book, from: usize) -> anyhow::Result<usize> {
        let submissions: Vec<Value> = {
            let all = book.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter()
                .skip(from)
                .map(|one| json!({ "message_id": one.message, "marker": one.marker, "tenant": self.tenant.id }))
                .collect()
        };
        for part in submissions.chunks(5_000) {
            self.simulator.tell("submissions", &json!(part)).await?;
        }
        Ok(submissions.len())
    }

    /// Stops the load, waits until everything has an end, and asks the oracle.
    pub async fn settle(&mut self) -> anyhow::Result<Found> {
        if self.process.is_none() {
            self.restart(None).await?;
        }
        self.simulator.chatter(0.0, 1).await?;
        self.simulator.faults(&json!({})).await?;
        let sender = self.sender.take().context("nothing was sent")?;
        self.book = Some(sender.finish().await?);
        let mut quiet = self.simulator.quiesce(SETTLE).await?;
        let (mut deadline, mut left) = (Instant::now() + SETTLE, u64::MAX);
        loop {
            self.simulator.quiesce(SETTLE).await?;
            self.agents_catch_up().await?;
            self.count_unknown().await?;
            self.tell_oracle().await?;
            self.read_history().await?;
            let report = self.simulator.report().await?;
            let found = Found { report, quiet };
            // What was acknowledged last may still wait its turn.
            let still = found.total("unsettled") + found.total("lost");
            if still < left {
                (deadline, left) = (Instant::now() + SETTLE, still);
            }
            if still == 0 || Instant::now() > deadline {
                return Ok(found);
            }
            quiet = found.quiet;
            self.simulator.tell("forget_history", &json!({})).await?;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    async fn agents_catch_up(&self) -> anyhow::Result<()> {
        self.agents_reach(self.head().await?, SETTLE).await
    }

    /// Where the tenant's ledger stands.
    async fn head(&self) -> anyhow::Result<u64> {
        let page = self
            .gateway
            .get(&self.tenant, "/v1/conversations?limit=1")
            .await?;
        let head = page.get("as_of_seq").and_then(Value::as_u64);
        head.context("a page without as_of_seq")
    }

    /// Waits until every agent has seen the events up to this one.
    async fn agents_reach(&self, head: u64, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        while self.agents.iter().any(|(_, agent)| agent.position() < head) {
            anyhow::ensure!(Instant::now() < deadline, "an agent did not catch up with {head}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn read_history(&self) -> anyhow::Result<()> {
        let rows: Vec<Value> = self
            .gateway
            .history(&self.tenant)
            .await?
            .iter()
            .map(|message| {
                let state = message.pointer("/delivery/state").cloned().unwrap_or(Value::Null);
                Ok(json!({
                    "message_id": text(message, "id")?,
                    "wamid": message.get("wamid").cloned().unwrap_or(Value::Null),
                    "state": state,
                }))
            })
            .collect::<anyhow::Result<_>>()?;
        for part in rows.chunks(5_000) {
            self.simulator
                .tell("history", &json!({ "tenant": self.tenant.id, "rows": part }))
                .await?;
        }
        Ok(())
    }

    /// Has customers write and the program send so often from now on.
    pub async fn load(&self, inbound: f64, sends: u32) -> anyhow::Result<()> {
        self.simulator.chatter(inbound, 1_000).await?;
        if let Some(sender) = &self.sender {
            sender.set_rate(sends);
        }
        Ok(())
    }

    /// Customers' messages that were acknowledged and wait to be applied, if the gateway never died.
    pub async fn unapplied(&self) -> anyhow::Result<f64> {
        let stats = self.simulator.stats().await?;
        let acknowledged = stats.get("inbound_acknowledged").and_then(Value::as_f64);
        let mut left = acknowledged.context("no count of acknowledged messages")?;
        for what in ["applied", "duplicates"] {
            let name = format!("mesej_{what}_total{{kind=\"message\"}}");
            left -= self.gateway.metric(&name).await?;
        }
        Ok(left)
    }

    /// Events that the slowest agent has yet to see.
    pub async fn behind(&self) -> anyhow::Result<u64> {
        let seen = self.agents.iter().map(|(_, agent)| agent.position()).min();
        Ok(self.head().await?.saturating_sub(seen.unwrap_or(0)))
    }

    /// What became of submits so far, while the load runs.
    pub fn submits(&self) -> Option<Arc<Book>> {
        self.sender.as_ref().map(Sender::book)
    }

    /// Submits that were answered with 202, once the load has stopped.
    pub fn acknowledged(&self) -> usize {
        self.book.as_deref().map_or(0, Book::acknowledged)
    }

    /// Connections, fresh loads and holes that the agents noticed themselves.
    pub fn agents(&self) -> Value {
        self.agents
            .iter()
            .map(|(name, agent)| {
                let book = crate::agent::lock(&agent.seen);
                json!({ "agent": name, "connects": book.connects, "resyncs": book.resyncs, "holes": book.holes })
            })
            .collect()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
