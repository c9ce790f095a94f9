//! Two processes, two agents and a sender.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::KillArgs;
use crate::agent::Agent;
use crate::cluster::Cluster;
use crate::gateway::{Gateway, Tenant, text};
use crate::process::{self, Launch, Process, binary, free_port};
use crate::sender::{Book, Sender};
use crate::simulator::Simulator;

const ADMIN: &str = "kill-rig-admin-token";
const NUMBER: &str = "106540352242922";
const ACCOUNT: &str = "102290129340398";
/// Enough that the pair limit, one in six seconds, does not hold the sender back.
const RECIPIENTS: u32 = 2_000;
/// How long a start may take before the rig gives up.
const START: Duration = Duration::from_secs(60);
/// How long everything may take to settle after the last kill.
const SETTLE: Duration = Duration::from_secs(180);

/// The rig. See the module.
pub(super) struct Rig {
    pub(super) gateway: Gateway,
    pub(super) tenant: Tenant,
    pub(super) simulator: Simulator,
    pub(super) ready_ms: Vec<u64>,
    pub(super) book: Option<Arc<Book>>,
    agents: Vec<(String, Agent)>,
    sender: Option<Sender>,
    told: usize,
    launch: Launch,
    process: Option<Process>,
    _simulator_process: Process,
    _cluster: Option<Cluster>,
    _folder: tempfile::TempDir,
}

/// What the end looks like.
pub(super) struct Found {
    pub(super) report: Value,
    pub(super) quiet: Value,
}

impl Rig {
    /// Starts everything and lets customers write first, so that their service windows are open.
    pub(super) async fn start(args: &KillArgs) -> anyhow::Result<Self> {
        let mesej = binary(args.binary.as_deref())?;
        let folder = tempfile::tempdir()?;
        let home = args.keep.clone().unwrap_or_else(|| folder.path().to_owned());
        std::fs::create_dir_all(&home)?;
        let (port, meta_port) = (free_port()?, free_port()?);
        let meta = format!("http://127.0.0.1:{meta_port}");
        let simulator_process = start_simulator(args, &mesej, &home, port, meta_port)?;
        let simulator = Simulator::new(meta.clone())?;
        let gateway = Gateway::new(format!("http://127.0.0.1:{port}"), ADMIN.to_owned())?;
        process::ready(gateway.client(), &format!("{meta}/_control/stats"), START).await?;
        let mut env = environment(args, &home, port, &meta);
        let cluster = match args.backend.as_str() {
            "cql" => Some(Cluster::start(&mesej, &home).await?),
            _ => None,
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
            "access_token": "simulated-access-token", "app": "simulated", "rate": 1_000,
        });
        let tenant = gateway.make_tenant("Kill rig", &number).await?;
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
            book: None,
            agents: agents.into(),
            sender: None,
            told: 0,
            launch,
            process: Some(process),
            _simulator_process: simulator_process,
            _cluster: cluster,
            _folder: folder,
        };
        rig.open_windows(args).await?;
        Ok(rig)
    }

    async fn open_windows(&mut self, args: &KillArgs) -> anyhow::Result<()> {
        while self
            .agents
            .iter()
            .any(|(_, agent)| crate::agent::lock(&agent.seen).epoch.is_empty())
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let recipients: Vec<String> = (0..RECIPIENTS).map(|n| format!("62811{n:07}")).collect();
        for recipient in &recipients {
            self.simulator.say(recipient, "hello").await?;
        }
        self.simulator.quiesce(START).await?;
        if args.faults {
            self.simulator.faults(&faults()).await?;
        }
        self.simulator.chatter(args.inbound, 1_000).await?;
        let to: Vec<_> = recipients.iter().map(|digits| format!("+{digits}")).collect();
        self.sender = Some(Sender::start(
            self.gateway.clone(),
            self.tenant.clone(),
            to,
            args.sends,
            args.seed,
        ));
        Ok(())
    }

    /// SIGKILL.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Starts the gateway again, perhaps with a place at which it dies.
    pub(super) async fn restart(&mut self, dies_at: Option<String>) -> anyhow::Result<()> {
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
            if let Ok(after) = process::ready(self.gateway.client(), &url, limit).await {
                // An armed process may be ready only to die at once: its start is no measure.
                if !armed {
                    self.ready_ms
                        .push(millis(began.elapsed().min(began.elapsed() + after)));
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

    /// Whether the gateway ends by itself within this time.
    pub(super) async fn died_by_itself(&mut self, limit: Duration) -> bool {
        let Some(process) = self.process.as_mut() else {
            return false;
        };
        let died = process.ended(limit).await.is_ok();
        if died {
            self.process = None;
        }
        died
    }

    /// Hands what agents saw and callers were told to the oracle.
    pub(super) async fn tell_oracle(&mut self) -> anyhow::Result<()> {
        for (name, agent) in &self.agents {
            if let Some(report) = agent.report(&self.tenant.id, name) {
                self.simulator.tell("events", &json!([report])).await?;
            }
        }
        let Some(book) = self.book.clone() else {
            return Ok(());
        };
        let submissions: Vec<Value> = {
            let all = book.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter()
                .skip(self.told)
                .map(|one| json!({ "message_id": one.message, "marker": one.marker, "tenant": self.tenant.id }))
                .collect()
        };
        self.told += submissions.len();
        for part in submissions.chunks(5_000) {
            self.simulator.tell("submissions", &json!(part)).await?;
        }
        Ok(())
    }

    /// Stops the load, waits until everything has an end, and asks the oracle.
    pub(super) async fn settle(&mut self) -> anyhow::Result<Found> {
        if self.process.is_none() {
            self.restart(None).await?;
        }
        self.simulator.chatter(0.0, 1).await?;
        self.simulator.faults(&json!({})).await?;
        let sender = self.sender.take().context("nothing was sent")?;
        self.book = Some(sender.finish().await?);
        let quiet = self.simulator.quiesce(SETTLE).await?;
        let deadline = Instant::now() + SETTLE;
        loop {
            self.simulator.quiesce(SETTLE).await?;
            self.agents_catch_up().await?;
            self.tell_oracle().await?;
            self.read_history().await?;
            let report = self.simulator.report().await?;
            let unsettled = report
                .pointer("/totals/unsettled")
                .and_then(Value::as_u64)
                .unwrap_or(u64::MAX);
            if unsettled == 0 || Instant::now() > deadline {
                return Ok(Found { report, quiet });
            }
            self.simulator.tell("forget_history", &json!({})).await?;
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }

    async fn agents_catch_up(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let page = self
                .gateway
                .get(&self.tenant, "/v1/conversations?limit=1")
                .await?;
            let head = page
                .get("as_of_seq")
                .and_then(Value::as_u64)
                .context("a page without as_of_seq")?;
            if self.agents.iter().all(|(_, agent)| agent.position() >= head) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "an agent did not catch up with {head}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
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

    /// Connections, fresh loads and holes that the agents noticed themselves.
    pub(super) fn agents(&self) -> Value {
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

/// Graph fails in every way that leaves its caller in doubt; webhooks come twice, late, out of order and forged.
fn faults() -> Value {
    json!({
        "error_before": 0.03, "error_after": 0.02, "reset_after": 0.02, "hang_after": 0.002, "hang_ms": 8_000,
        "pair_limited": 0.01, "throttled": 0.01, "status_early": 0.05, "status_late": 0.1,
        "status_late_by": { "min": 0, "max": 5_000 },
        "duplicated": 0.02, "reordered": 0.05, "reordered_by": { "min": 0, "max": 2_000 }, "scattered": 0.01,
        "forged": 0.005,
    })
}

fn start_simulator(
    args: &KillArgs,
    mesej: &Path,
    home: &Path,
    port: u16,
    meta_port: u16,
) -> anyhow::Result<Process> {
    let launch = Launch {
        binary: PathBuf::from(mesej),
        what: "mesej simulate",
        args: [
            "simulate".to_owned(),
            format!("--listen=127.0.0.1:{meta_port}"),
            format!("--webhook-url=http://127.0.0.1:{port}/webhooks/whatsapp"),
            format!("--seed={}", args.seed),
            "--rate=1000".to_owned(),
            "--chatter=0".to_owned(),
        ]
        .into(),
        env: Vec::new(),
        log: home.join("simulator.log"),
    };
    launch.start()
}

fn environment(args: &KillArgs, home: &Path, port: u16, meta: &str) -> Vec<(String, String)> {
    let apps = "[{ name = \"simulated\", app_secrets = [\"simulated-app-secret\"], \
                verify_token = \"simulated-verify-token\" }]";
    let log = home.join("places.log").display().to_string();
    let path = home.join("data").display().to_string();
    [
        ("MESEJ_SERVER__LISTEN", format!("127.0.0.1:{port}")),
        ("MESEJ_SERVER__ADMIN_TOKEN", ADMIN.to_owned()),
        ("MESEJ_STORE__BACKEND", args.backend.clone()),
        ("MESEJ_STORE__PATH", path),
        ("MESEJ_WHATSAPP__BASE_URL", meta.to_owned()),
        ("MESEJ_WHATSAPP__APPS", apps.to_owned()),
        ("MESEJ_WHATSAPP__TOTAL_TIMEOUT_MS", "5000".to_owned()),
        ("MESEJ_UNKNOWN__NEVER_DUPLICATE_S", "20".to_owned()),
        ("MESEJ_CRASH_LOG", log),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
