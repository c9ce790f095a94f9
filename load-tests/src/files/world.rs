//! A simulator, and a gateway that is killed and started again on the same folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use crate::gateway::{Gateway, Tenant};
use crate::process::{self, ADMIN, Launch, Process, binary, free_port};
use crate::simulator::Simulator;

/// How long a start may take.
const START: Duration = Duration::from_secs(120);

/// Both, running.
pub(super) struct World {
    pub(super) gateway: Gateway,
    pub(super) tenant: Tenant,
    pub(super) simulator: Simulator,
    serving: Launch,
    process: Option<Process>,
    _simulated: Process,
    folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn start(given: Option<&Path>, seed: u64) -> anyhow::Result<Self> {
        let mesej = binary(given)?;
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
                format!("--seed={seed}"),
                "--rate=1000".to_owned(),
                "--chatter=0".to_owned(),
            ]
            .into(),
            env: Vec::new(),
            log: folder.path().join("simulator.log"),
        }
        .start()?;
        let simulator = Simulator::new(meta.clone())?;
        let gateway = Gateway::new(format!("http://127.0.0.1:{port}"), ADMIN.to_owned())?;
        process::ready(gateway.client(), &format!("{meta}/_control/stats"), START).await?;
        let serving = Launch::serve(mesej, folder.path(), port, &meta);
        let process = Some(serving.start()?);
        process::ready(gateway.client(), &gateway.url("/readyz"), START).await?;
        let number = json!({
            "phone_number_id": "106540352242922", "waba_id": "102290129340398",
            "display_phone_number": "+1 555 070 0000", "access_token": "simulated-access-token",
            "app": "simulated", "rate": 1_000,
        });
        let tenant = gateway.make_tenant("Files", &number).await?;
        Ok(Self {
            gateway,
            tenant,
            simulator,
            serving,
            process,
            _simulated: simulated,
            folder,
        })
    }

    /// SIGKILL, and a new start on the same folder.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        let process = self.process.take().context("the gateway is not there")?;
        process.kill().await?;
        self.process = Some(self.serving.start()?);
        process::ready(self.gateway.client(), &self.gateway.url("/readyz"), START).await?;
        Ok(())
    }

    /// The gateway's process id.
    pub(super) fn gateway_id(&self) -> anyhow::Result<u32> {
        let id = self.process.as_ref().and_then(Process::id);
        id.context("the gateway ended")
    }

    /// Resident memory of the gateway, in KiB.
    pub(super) fn resident_kib(&self) -> anyhow::Result<u64> {
        process::resident_kib(self.gateway_id()?)
    }

    /// The folder with files.
    pub(super) fn files(&self) -> PathBuf {
        self.folder.path().join("data/media")
    }

    /// Has what nobody needs be removed.
    pub(super) async fn sweep(&self) -> anyhow::Result<()> {
        let request = self
            .gateway
            .client()
            .post(self.gateway.url("/v1/admin/media/sweep"));
        let status = request.bearer_auth(ADMIN).send().await?.status();
        anyhow::ensure!(status.is_success(), "a sweep was refused with {status}");
        Ok(())
    }

    /// A customer sends a file.
    pub(super) async fn send_file(&self, from: &str, name: &str, bytes: usize) -> anyhow::Result<()> {
        let file = json!({ "kind": "document", "filename": name, "bytes": bytes });
        self.simulator
            .order("/_control/say", &json!({ "from": from, "file": file }))
            .await
    }
}
