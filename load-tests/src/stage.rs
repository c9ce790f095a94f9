//! A simulator and a gateway, each a process of its own, with one tenant and one number.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::cores::{self, Role};
use crate::gateway::{Gateway, Tenant};
use crate::process::{self, ADMIN, Launch, Process, binary, free_port};
use crate::simulator::Simulator;

/// The number.
pub const NUMBER: &str = "106540352242922";
/// Its account.
pub const ACCOUNT: &str = "102290129340398";
/// What webhooks are signed with.
pub const SECRET: &str = "simulated-app-secret";
/// How long a start may take before the rig gives up.
const START: Duration = Duration::from_secs(60);

/// What a stage is set up with.
pub struct Scene {
    /// The `mesej` binary; by default the one beside this program.
    pub binary: Option<PathBuf>,
    /// Messages a second that Meta allows the number, in and out together.
    pub rate: u32,
    /// Where the simulator's chance comes from.
    pub seed: u64,
    /// Where its processes run.
    pub places: Places,
    /// Settings of the gateway beside the usual ones.
    pub env: Vec<(&'static str, String)>,
}

/// Where processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// Wherever there is room.
    Anywhere,
    /// The gateway has a processor for itself. For rigs all of whose threads keep off it.
    Apart,
}

impl Places {
    fn start(self, role: Role, launch: &Launch) -> anyhow::Result<Process> {
        match self {
            Self::Anywhere => launch.start(),
            Self::Apart => cores::on(role, || launch.start()),
        }
    }
}

/// Both processes, running.
pub struct Stage {
    /// The gateway's API.
    pub gateway: Gateway,
    /// The tenant.
    pub tenant: Tenant,
    /// The simulator's remote control.
    pub simulator: Simulator,
    process: Process,
    _simulator: Process,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts both.
    pub async fn set(scene: Scene) -> anyhow::Result<Self> {
        let mesej = binary(scene.binary.as_deref())?;
        let folder = tempfile::tempdir()?;
        let (port, meta_port) = (free_port()?, free_port()?);
        let meta = format!("http://127.0.0.1:{meta_port}");
        let simulated = Launch {
            binary: mesej.clone(),
            what: "mesej simulate",
            args: [
                "simulate".to_owned(),
                format!("--listen=127.0.0.1:{meta_port}"),
                format!("--webhook-url=http://127.0.0.1:{port}/webhooks/whatsapp"),
                format!("--seed={}", scene.seed),
                format!("--rate={}", scene.rate),
                "--chatter=0".to_owned(),
            ]
            .into(),
            env: Vec::new(),
            log: folder.path().join("simulator.log"),
        };
        let simulated = scene.places.start(Role::Measuring, &simulated)?;
        let simulator = Simulator::new(meta.clone())?;
        let gateway = Gateway::new(format!("http://127.0.0.1:{port}"), ADMIN.to_owned())?;
        process::ready(gateway.client(), &format!("{meta}/_control/stats"), START).await?;
        let mut serving = Launch::serve(mesej, folder.path(), port, &meta);
        let own = scene.env.into_iter();
        serving
            .env
            .extend(own.map(|(name, value)| (name.to_owned(), value)));
        let process = scene.places.start(Role::Measured, &serving)?;
        process::ready(gateway.client(), &gateway.url("/readyz"), START).await?;
        let number = json!({
            "phone_number_id": NUMBER, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0000",
            "access_token": "simulated-access-token", "app": "simulated", "rate": scene.rate,
        });
        let tenant = gateway.make_tenant("Load", &number).await?;
        Ok(Self {
            gateway,
            tenant,
            simulator,
            process,
            _simulator: simulated,
            folder,
        })
    }

    /// Lets customers write at a rate, so that they may be answered for a day; gives their numbers.
    pub async fn open_windows(&self, customers: u32, per_second: u32) -> anyhow::Result<Vec<String>> {
        let digits: Vec<String> = (0..customers).map(|n| format!("62811{n:07}")).collect();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
        for from in &digits {
            tick.tick().await;
            self.simulator.say(from, "hello").await?;
        }
        self.simulator.quiesce(START).await?;
        Ok(digits.iter().map(|digits| format!("+{digits}")).collect())
    }

    /// The gateway's process id.
    pub fn gateway_id(&self) -> anyhow::Result<u32> {
        self.process
            .id()
            .ok_or_else(|| anyhow::anyhow!("the gateway ended"))
    }

    /// Where both keep their data and logs.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Resident memory of the gateway, in KiB.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        process::resident_kib(self.gateway_id()?)
    }
}
