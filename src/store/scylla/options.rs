//! What must be known to reach a cluster.

use std::time::Duration;

use secrecy::SecretString;

use super::tls_proxy::Tls;

/// How a cluster is reached and used.
#[derive(Debug, Clone)]
pub struct ScyllaOptions {
    /// `host:port` of some nodes; the others are learnt from them.
    pub contact_points: Vec<String>,
    /// The keyspace of rows; the one of conditional writes is called the same with `_lwt` behind it.
    pub keyspace: String,
    /// Copies of each row in the datacentre.
    pub replication_factor: u16,
    /// The datacentre that is asked; `None` where there is only one.
    pub datacenter: Option<String>,
    /// Who we are, where the cluster asks.
    pub login: Option<Login>,
    /// How the cluster proves who it is; `None` speaks plainly to it.
    pub tls: Option<Tls>,
    /// Calls of the store under way at once; more are refused at once as `Overloaded`.
    pub in_flight: usize,
    /// How long a request may take.
    pub deadlines: Deadlines,
    /// Where chance comes from. Each process has another.
    pub seed: u64,
}

/// A user of the cluster.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// How long a request may take, by what it is for.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Reads that somebody waits for.
    pub interactive: Duration,
    /// Plain writes.
    pub write: Duration,
    /// Conditional writes, which take several rounds between nodes.
    pub conditional: Duration,
    /// Reads of whole partitions.
    pub scan: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            interactive: Duration::from_secs(1),
            write: Duration::from_secs(2),
            conditional: Duration::from_secs(3),
            scan: Duration::from_secs(10),
        }
    }
}

impl ScyllaOptions {
    /// What suits most: three copies, the only datacentre.
    pub fn new(contact_points: Vec<String>, keyspace: impl Into<String>) -> Self {
        Self {
            contact_points,
            keyspace: keyspace.into(),
            replication_factor: 3,
            datacenter: None,
            login: None,
            tls: None,
            in_flight: 512,
            deadlines: Deadlines::default(),
            seed: 0,
        }
    }

    /// The names that stand for the keyspaces in statements, put in.
    pub(super) fn named(&self, cql: &str) -> String {
        cql.replace("{data}", &self.keyspace)
            .replace("{lwt}", &format!("{}_lwt", self.keyspace))
    }
}
