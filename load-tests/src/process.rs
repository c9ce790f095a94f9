//! Child processes: started with an environment of their own, ended with their parent.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::{Child, Command};

/// A running `mesej`.
pub struct Process {
    child: Child,
    what: &'static str,
}

/// How a process is started.
pub struct Launch {
    /// The binary.
    pub binary: PathBuf,
    /// What it is, for messages.
    pub what: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, beside `PATH`.
    pub env: Vec<(String, String)>,
    /// Where its logs go.
    pub log: PathBuf,
}

/// The operator's token of every gateway that [`Launch::serve`] starts.
pub const ADMIN: &str = "load-tests-admin-token";
const APPS: &str = r#"[{ name = "simulated", app_secrets = ["simulated-app-secret"], verify_token = "simulated-verify-token" }]"#;

impl Launch {
    /// A gateway that keeps its data and its log in a folder, listens on a port of this machine, and calls Meta at an address.
    pub fn serve(binary: PathBuf, folder: &Path, port: u16, meta: &str) -> Self {
        let env = [
            ("MESEJ_SERVER__LISTEN", format!("127.0.0.1:{port}")),
            ("MESEJ_SERVER__ADMIN_TOKEN", ADMIN.to_owned()),
            ("MESEJ_STORE__PATH", folder.join("data").display().to_string()),
            ("MESEJ_WHATSAPP__BASE_URL", meta.to_owned()),
            ("MESEJ_WHATSAPP__APPS", APPS.to_owned()),
            ("MESEJ_LIMITS__KEY_REQUESTS_PER_S", "10000".to_owned()),
            ("MESEJ_LIMITS__TENANT_REQUESTS_PER_S", "10000".to_owned()),
        ];
        Self {
            binary,
            what: "mesej serve",
            args: vec!["serve".to_owned()],
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            log: folder.join("gateway.log"),
        }
    }

    /// Starts it.
    pub fn start(&self) -> anyhow::Result<Process> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let child = Command::new(&self.binary)
            .args(&self.args)
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {} ({})", self.what, self.binary.display()))?;
        Ok(Process {
            child,
            what: self.what,
        })
    }
}

impl Process {
    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// SIGKILL: nothing of it gets to finish anything.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("cannot kill {}", self.what))
    }

    /// SIGTERM, and waits until it ended in order.
    pub async fn end(mut self, limit: Duration) -> anyhow::Result<()> {
        let id = self
            .id()
            .with_context(|| format!("{} ended by itself", self.what))?;
        let told = Command::new("kill").args(["-TERM", &id.to_string()]).status();
        anyhow::ensure!(told.await?.success(), "{} cannot be told to end", self.what);
        let status = self.ended(limit).await?;
        anyhow::ensure!(status.success(), "{} ended with {status}", self.what);
        Ok(())
    }

    /// Waits until it ended by itself.
    pub async fn ended(&mut self, limit: Duration) -> anyhow::Result<std::process::ExitStatus> {
        tokio::time::timeout(limit, self.child.wait())
            .await
            .with_context(|| format!("{} did not end within {limit:?}", self.what))?
            .context("cannot wait for a child")
    }
}

/// CPU time that a process used so far, of user and system. Source: proc(5), `/proc/pid/stat`, fields 14 and 15.
pub fn cpu_time(id: u32) -> anyhow::Result<Duration> {
    /// Length of a clock tick on Linux, as every kernel tells its programs.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("a process without a name")?;
    let ticks: u32 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u32>().unwrap_or(0))
        .sum();
    Ok(TICK * ticks)
}

/// Resident memory of a process, in KiB.
pub fn resident_kib(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap_or("0");
    Ok(kib.parse()?)
}

/// Polls an address until it answers 200.
pub async fn ready(client: &reqwest::Client, url: &str, limit: Duration) -> anyhow::Result<Duration> {
    let began = Instant::now();
    loop {
        let answer = client.get(url).timeout(Duration::from_millis(500)).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(began.elapsed());
        }
        anyhow::ensure!(began.elapsed() < limit, "{url} was not ready within {limit:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The `mesej` binary: beside this one, unless told otherwise.
pub fn binary(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()?.with_file_name("mesej"),
    };
    anyhow::ensure!(
        path.exists(),
        "{} is not there: build it, or name it with --binary",
        path.display()
    );
    Ok(path)
}

/// A loopback port that nobody uses now.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}
