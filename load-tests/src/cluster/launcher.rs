//! Nodes of the rig's own, started by `tests/cql/ring.sh`, which also kills, stops and starts them one by one.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Wanted;

/// How long whatever is done to nodes may take before the rig gives up: longer than the launcher itself waits for a node.
const LIMIT: Duration = Duration::from_secs(400);

/// When a node has a write on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sync {
    /// Some seconds after it answered: what a machine that dies forgets, other nodes still have
    Periodic,
    /// Before it answers
    Group,
}

/// What is done to nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// SIGKILL.
    Kill,
    /// Started again on the same data; done when they take connections.
    Start,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

impl Order {
    /// The order, and how it is answered when done.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Kill => ("kill", "killed"),
            Self::Start => ("start", "started"),
            Self::Stop => ("stop", "stopped"),
            Self::Continue => ("continue", "continued"),
        }
    }
}

/// Running nodes. They end when this is dropped, because their input ends with it.
pub(super) struct Launcher {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    port: u16,
    nodes: u8,
    _child: Child,
}

impl Launcher {
    /// Starts nodes and waits until all take connections.
    pub(super) async fn start(folder: &Path, wanted: Wanted) -> anyhow::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cql/ring.sh");
        let port = lasting_port()?;
        let sync = match wanted.sync {
            Sync::Periodic => "periodic",
            Sync::Group => "group",
        };
        let mut child = Command::new(&script)
            .arg(folder)
            .args([port.to_string(), wanted.nodes.to_string()])
            .env("MESEJ_CQL_STORAGE_PORT", lasting_port()?.to_string())
            .env("MESEJ_CQL_SYNC", sync)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", script.display()))?;
        let orders = child.stdin.take().context("the launcher has no input")?;
        let output = child.stdout.take().context("the launcher has no output")?;
        let mut launcher = Self {
            orders,
            answers: BufReader::new(output).lines(),
            port,
            nodes: wanted.nodes,
            _child: child,
        };
        launcher.expect(&format!("ready 127.0.0.1:{port}")).await?;
        Ok(launcher)
    }

    /// `host:port` of every node.
    pub(super) fn addresses(&self) -> Vec<String> {
        (1..=self.nodes)
            .map(|node| format!("127.0.0.{node}:{}", self.port))
            .collect()
    }

    /// Does something to nodes, and waits until it is done.
    pub(super) async fn order(&mut self, order: Order, nodes: &[u8]) -> anyhow::Result<()> {
        let nodes: Vec<_> = nodes.iter().map(u8::to_string).collect();
        let (word, done) = order.words();
        let nodes = nodes.join(" ");
        let line = format!("{word} {nodes}\n");
        self.orders.write_all(line.as_bytes()).await?;
        self.expect(&format!("{done} {nodes}")).await
    }

    async fn expect(&mut self, answer: &str) -> anyhow::Result<()> {
        let said = tokio::time::timeout(LIMIT, self.answers.next_line()).await;
        let said =
            said.with_context(|| format!("the CQL nodes did not say {answer:?} within {LIMIT:?}"))??;
        anyhow::ensure!(
            said.as_deref() == Some(answer),
            "the CQL nodes said {said:?} instead of {answer:?}: see above"
        );
        Ok(())
    }
}

/// A port that nobody uses now, and that no connection is given while its node is dead.
fn lasting_port() -> anyhow::Result<u16> {
    // Below the ports of connections. Source: ip(7), ip_local_port_range, whose usual beginning is 32768.
    (0..1_000)
        .map(|_| fastrand::u16(20_000..32_000))
        .find(|port| std::net::TcpListener::bind(("0.0.0.0", *port)).is_ok())
        .context("no port is free")
}
