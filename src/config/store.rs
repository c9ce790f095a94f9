//! Where history is kept.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::optional_secret;

/// Section `store`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Which store.
    pub backend: Backend,
    /// Folder of the embedded store.
    pub path: PathBuf,
    /// Whether a start without a store there is refused.
    pub must_exist: bool,
    /// Whether a store that lost something is opened with what is left. Said on the command line, for one start.
    #[serde(skip)]
    pub damaged: Damaged,
    /// Memory for caching, in MiB.
    pub cache_mb: u64,
    /// Most journal kept on disk, in MiB.
    pub journal_mb: u64,
    /// `host:port` of some nodes of the cluster.
    pub contact_points: Vec<String>,
    /// The keyspace of rows; with `_lwt` behind it, the one of conditional writes.
    pub keyspace: String,
    /// Copies of each row.
    pub replication_factor: u16,
    /// The datacentre that is asked; empty where there is only one.
    pub datacenter: String,
    /// User of the cluster; empty for a cluster that does not ask.
    pub user: String,
    /// The user's password.
    #[serde(with = "optional_secret")]
    pub password: Option<SecretString>,
    /// A file of certificates that vouch for the nodes; empty speaks plainly to them.
    pub tls_ca: PathBuf,
    /// The name in the certificates of all nodes; empty when each bears its own address.
    pub tls_server_name: String,
    /// Calls of the cluster under way at once.
    pub in_flight: usize,
}

/// What becomes of a store that lost something that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Damaged {
    /// It is not opened.
    #[default]
    IsRefused,
    /// It is opened with what is left.
    IsAccepted,
}

/// A store that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Embedded, durable.
    Fjall,
    /// A cluster of ScyllaDB or Apache Cassandra.
    Scylla,
    /// Gone with the process.
    Memory,
}

impl Backend {
    /// Its name in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fjall => "fjall",
            Self::Scylla => "scylla",
            Self::Memory => "memory",
        }
    }
}

impl StoreConfig {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.range("store.cache_mb", self.cache_mb, 1..=1_048_576);
        // The embedded store refuses to run with less than 64 MiB of journal.
        problems.range("store.journal_mb", self.journal_mb, 64..=4_096);
        if self.path.as_os_str().is_empty() {
            problems.add("store.path", "must not be empty");
        }
        self.check_cluster(problems);
    }

    fn check_cluster(&self, problems: &mut Problems) {
        if self.backend == Backend::Scylla && self.contact_points.is_empty() {
            problems.add(
                "store.contact_points",
                "must name a node when `store.backend` is \"scylla\"",
            );
        }
        for (at, point) in self.contact_points.iter().enumerate() {
            let good = point
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            if !good {
                problems.add(
                    format!("store.contact_points[{at}]"),
                    "must be host:port, such as \"10.0.0.1:9042\"",
                );
            }
        }
        let first = self.keyspace.chars().next();
        let named = first.is_some_and(|c| c.is_ascii_lowercase())
            && self.keyspace.len() <= 40
            && self
                .keyspace
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !named {
            problems.add(
                "store.keyspace",
                "must be at most 40 lower-case letters, digits and underscores, a letter first",
            );
        }
        // It stands inside a statement.
        if self.datacenter.contains(['\'', '\\', '{', '}']) {
            problems.add("store.datacenter", "must be a name, without quotes or braces");
        }
        if self.tls_ca.as_os_str().is_empty() && !self.tls_server_name.is_empty() {
            problems.add("store.tls_server_name", "needs `store.tls_ca`");
        }
        problems.range("store.replication_factor", self.replication_factor, 1..=9);
        problems.range("store.in_flight", self.in_flight, 16..=65_536);
        if self.password.is_some() && self.user.is_empty() {
            problems.add("store.password", "needs `store.user`");
        }
    }
}
