//! A CQL server for a rig: the one that `MESEJ_TEST_CQL` names, or one that ends with the rig.
//!
//! `MESEJ_TEST_CQL_REPLICATION` says how many copies of each row there are to be; 1 without it.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::process::free_port;

/// A server with a keyspace of the rig's own, whose schema is up to date.
pub struct Cluster {
    address: String,
    keyspace: String,
    // Its input ends with this process, and with it the server: see tests/cql/node.sh.
    _child: Option<Child>,
}

impl Cluster {
    /// Finds or starts the server and makes the schema with `mesej migrate`. Data and log of a started one go to `home`.
    pub async fn start(mesej: &Path, home: &Path) -> anyhow::Result<Self> {
        let (address, child) = match std::env::var("MESEJ_TEST_CQL") {
            Ok(address) if !address.is_empty() => (address, None),
            _ => {
                let (address, child) = node(&home.join("cql")).await?;
                (address, Some(child))
            }
        };
        let cluster = Self {
            address,
            keyspace: format!("mesej_rig_{}", std::process::id()),
            _child: child,
        };
        let made = Command::new(mesej)
            .arg("migrate")
            .envs(cluster.env())
            .kill_on_drop(true)
            .output()
            .await?;
        anyhow::ensure!(
            made.status.success(),
            "mesej migrate failed: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        Ok(cluster)
    }

    /// What tells `mesej` to use it.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("MESEJ_STORE__BACKEND", "scylla".to_owned()),
            ("MESEJ_STORE__CONTACT_POINTS", format!("[\"{}\"]", self.address)),
            ("MESEJ_STORE__KEYSPACE", self.keyspace.clone()),
            ("MESEJ_STORE__REPLICATION_FACTOR", copies()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

fn copies() -> String {
    std::env::var("MESEJ_TEST_CQL_REPLICATION").unwrap_or_else(|_| "1".to_owned())
}

async fn node(folder: &Path) -> anyhow::Result<(String, Child)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cql/node.sh");
    let port = free_port()?;
    let mut child = Command::new(&script)
        .arg(folder)
        .args(["127.0.0.1", &port.to_string()])
        .env("MESEJ_CQL_STORAGE_PORT", free_port()?.to_string())
        .env("MESEJ_CQL_JMX_PORT", free_port()?.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", script.display()))?;
    let output = child.stdout.take().context("the server has no output")?;
    let said = BufReader::new(output).lines().next_line().await?;
    let address = format!("127.0.0.1:{port}");
    anyhow::ensure!(
        said.as_deref() == Some(format!("ready {address}").as_str()),
        "the CQL server did not start: see above"
    );
    Ok((address, child))
}
