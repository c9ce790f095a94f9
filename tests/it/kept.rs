//! Where a gateway under test keeps its history: in a folder, or on a real CQL server.
//!
//! `MESEJ_TEST_CQL=host:port` names a server; without it, one is started (see `tests/cql/node.sh`) and ends with the tests. A
//! server that does not start fails them. Tables are slow to make, so there are few keyspaces: each gateway has one for
//! itself, emptied, and gives it back.

use std::path::Path;
use std::sync::{Condvar, Mutex, OnceLock};

use mesej::store::scylla::{ScyllaOptions, schema};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tempfile::TempDir;

use crate::node::Node;

/// Keyspaces in use at once.
const KEYSPACES: usize = 2;

/// Makes a test of each scenario for each store.
macro_rules! on_every_store {
    ($($scenario:ident),+ $(,)?) => {
        mod in_a_folder {
            $(
                #[actix::test]
                async fn $scenario() {
                    super::$scenario($crate::kept::Kept::in_a_folder()).await;
                }
            )+
        }
        mod on_a_cluster {
            $(
                #[actix::test]
                async fn $scenario() {
                    super::$scenario($crate::kept::Kept::on_a_cluster()).await;
                }
            )+
        }
    };
}
pub(crate) use on_every_store;

/// A place of one's own for one gateway, which goes away afterwards.
pub(crate) struct Kept {
    folder: TempDir,
    keyspace: Option<Keyspace>,
}

impl Kept {
    /// In a new folder.
    pub(crate) fn in_a_folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            keyspace: None,
        }
    }

    /// In an empty keyspace of the server.
    pub(crate) fn on_a_cluster() -> Self {
        // Another test of this binary may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            keyspace: Some(Keyspace::take()),
            ..Self::in_a_folder()
        }
    }

    /// A folder for what else a test keeps.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What tells the gateway, as the environment would.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let path = self.folder.path().join("data").display().to_string();
        let mut settings = vec![("MESEJ_STORE__PATH", path)];
        if let Some(keyspace) = &self.keyspace {
            settings.extend([
                ("MESEJ_STORE__BACKEND", "scylla".to_owned()),
                ("MESEJ_STORE__CONTACT_POINTS", format!("[\"{}\"]", server())),
                ("MESEJ_STORE__KEYSPACE", keyspace.0.clone()),
                ("MESEJ_STORE__REPLICATION_FACTOR", copies().to_string()),
            ]);
        }
        settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// `host:port` of the server.
fn server() -> String {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    static NODE: OnceLock<Node> = OnceLock::new();
    let named = || match std::env::var("MESEJ_TEST_CQL") {
        Ok(address) if !address.is_empty() => address,
        _ => NODE.get_or_init(Node::start).address().to_owned(),
    };
    ADDRESS.get_or_init(named).clone()
}

fn copies() -> u16 {
    std::env::var("MESEJ_TEST_CQL_REPLICATION").map_or(1, |copies| copies.parse().unwrap())
}

/// Which keyspaces nobody uses, and how many there are.
#[derive(Debug)]
struct Pool {
    free: Vec<String>,
    made: usize,
    in_use: usize,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    free: Vec::new(),
    made: 0,
    in_use: 0,
});
static FREED: Condvar = Condvar::new();

/// A keyspace of one's own, given back when dropped.
struct Keyspace(String);

impl Keyspace {
    /// One that is empty.
    fn take() -> Self {
        let mut pool = POOL.lock().unwrap();
        while pool.in_use >= KEYSPACES {
            pool = FREED.wait(pool).unwrap();
        }
        pool.in_use += 1;
        let used = pool.free.pop();
        let name = used.clone().unwrap_or_else(|| {
            pool.made += 1;
            // A server that is kept between runs has keyspaces of other runs, perhaps of another schema.
            format!("mesej_it_{}_{}", std::process::id(), pool.made)
        });
        drop(pool);
        let keyspace = Self(name);
        let name = keyspace.0.clone();
        apart(async move {
            if used.is_some() {
                empty(&name).await;
                return;
            }
            let mut options = ScyllaOptions::new(vec![server()], name);
            options.replication_factor = copies();
            schema::migrate(&options, "tests").await.unwrap();
        });
        keyspace
    }
}

impl Drop for Keyspace {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap();
        pool.in_use -= 1;
        // Whoever fails may leave somebody who still writes: nobody else is to see that.
        if !std::thread::panicking() {
            pool.free.push(std::mem::take(&mut self.0));
        }
        FREED.notify_one();
    }
}

/// Runs something to its end, from within a test's runtime, which is not to know of it.
fn apart(what: impl Future<Output = ()> + Send) {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(what);
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

/// Removes all rows that a gateway before left.
async fn empty(keyspace: &str) {
    let session: Session = SessionBuilder::new().known_node(server()).build().await.unwrap();
    for keyspace in [keyspace.to_owned(), format!("{keyspace}_lwt")] {
        let cql = format!("SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{keyspace}'");
        let answer = session.query_unpaged(cql, ()).await.unwrap();
        let answer = answer.into_rows_result().unwrap();
        for row in answer.rows::<(String,)>().unwrap() {
            let (table,) = row.unwrap();
            if !table.starts_with("schema_") {
                let cql = format!("TRUNCATE {keyspace}.{table}");
                session.query_unpaged(cql, ()).await.unwrap();
            }
        }
    }
}
