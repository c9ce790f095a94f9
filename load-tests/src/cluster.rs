//! A CQL server for a rig: the one that `MESEJ_TEST_CQL` names, or nodes that end with the rig.
//!
//! `MESEJ_TEST_CQL_REPLICATION` says how many copies of each row a given server is to hold; 1 without it.

mod launcher;

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Command;

use launcher::Launcher;
pub use launcher::{Order, Sync};

/// How long nodes that take connections may need until they can make a schema together.
const ACQUAINTED: Duration = Duration::from_secs(30);

/// What a rig needs.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Nodes, 1 to 3, each with a copy of every row.
    pub nodes: u8,
    /// When a write is on disk.
    pub sync: Sync,
}

/// A server with a keyspace of the rig's own, whose schema is up to date.
pub struct Cluster {
    addresses: Vec<String>,
    keyspace: String,
    copies: String,
    launcher: Option<Launcher>,
}

impl Cluster {
    /// Finds or starts the server and makes the schema with `mesej migrate`. Data and logs of a started one go to `home`.
    pub async fn start(mesej: &Path, home: &Path, wanted: Wanted) -> anyhow::Result<Self> {
        let given = std::env::var("MESEJ_TEST_CQL").ok();
        let cluster = match given.filter(|address| !address.is_empty()) {
            Some(address) => Self::of(vec![address], copies(), None),
            None => Self::launch(home, wanted).await?,
        };
        cluster.migrate(mesej).await?;
        Ok(cluster)
    }

    /// Nodes of the rig's own, which it can kill and stop.
    pub async fn own(mesej: &Path, home: &Path, wanted: Wanted) -> anyhow::Result<Self> {
        let cluster = Self::launch(home, wanted).await?;
        cluster.migrate(mesej).await?;
        Ok(cluster)
    }

    /// The same server with another keyspace, for a gateway that has nothing to do with the first. The server ends with the first.
    pub async fn another_keyspace(&self, mesej: &Path) -> anyhow::Result<Self> {
        let another = Self {
            addresses: self.addresses.clone(),
            keyspace: format!("{}_beside", self.keyspace),
            copies: self.copies.clone(),
            launcher: None,
        };
        another.migrate(mesej).await?;
        Ok(another)
    }

    async fn launch(home: &Path, wanted: Wanted) -> anyhow::Result<Self> {
        let launcher = Launcher::start(&home.join("cql"), wanted).await?;
        let addresses = launcher.addresses();
        Ok(Self::of(addresses, wanted.nodes.to_string(), Some(launcher)))
    }

    fn of(addresses: Vec<String>, copies: String, launcher: Option<Launcher>) -> Self {
        Self {
            addresses,
            keyspace: format!("mesej_rig_{}", std::process::id()),
            copies,
            launcher,
        }
    }

    /// Makes the schema. Nodes that have just begun to take connections may yet have to find each other.
    async fn migrate(&self, mesej: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let made = Command::new(mesej)
                .arg("migrate")
                .envs(self.env())
                .kill_on_drop(true)
                .output()
                .await?;
            if made.status.success() {
                return Ok(());
            }
            anyhow::ensure!(
                began.elapsed() < ACQUAINTED,
                "mesej migrate failed: {}",
                String::from_utf8_lossy(&made.stderr)
            );
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Does something to some of its nodes, which are counted from 1.
    pub async fn order(&mut self, order: Order, nodes: &[u8]) -> anyhow::Result<()> {
        match &mut self.launcher {
            Some(launcher) => launcher.order(order, nodes).await,
            None => anyhow::bail!("a server of somebody else's is neither killed nor stopped"),
        }
    }

    /// What tells `mesej` to use it.
    pub fn env(&self) -> Vec<(String, String)> {
        let settings = self.settings().into_iter();
        settings.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The same, by the names of settings.
    pub fn settings(&self) -> [(&'static str, String); 4] {
        let points: Vec<_> = self
            .addresses
            .iter()
            .map(|address| format!("\"{address}\""))
            .collect();
        [
            ("MESEJ_STORE__BACKEND", "scylla".to_owned()),
            ("MESEJ_STORE__CONTACT_POINTS", format!("[{}]", points.join(", "))),
            ("MESEJ_STORE__KEYSPACE", self.keyspace.clone()),
            ("MESEJ_STORE__REPLICATION_FACTOR", self.copies.clone()),
        ]
    }
}

fn copies() -> String {
    std::env::var("MESEJ_TEST_CQL_REPLICATION").unwrap_or_else(|_| "1".to_owned())
}
