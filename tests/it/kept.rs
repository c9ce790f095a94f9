//! Where a gateway under test keeps its history: in a folder, or on a real CQL server.
//!
//! See `tests/cql/keyspaces.rs` for the server. One that does not start fails the tests.

use std::path::Path;

use mesej::store::scylla::{ScyllaOptions, schema};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tempfile::TempDir;

use crate::keyspaces::{Keyspaces, State, Taken, beside_its_log, copies, server};

static KEYSPACES: Keyspaces = Keyspaces::new("mesej_it", 2);

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
    keyspace: Option<Taken>,
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
            keyspace: Some(keyspace()),
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
                ("MESEJ_STORE__KEYSPACE", keyspace.name().to_owned()),
                ("MESEJ_STORE__REPLICATION_FACTOR", copies().to_string()),
            ]);
        }
        settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// An empty keyspace of one's own.
fn keyspace() -> Taken {
    let keyspace = KEYSPACES.take();
    let (name, state) = (keyspace.name().to_owned(), keyspace.state());
    apart(async move {
        match state {
            State::Used => empty(&name).await,
            State::Unmade => {
                let mut options = ScyllaOptions::new(vec![server()], name);
                options.replication_factor = copies();
                let made = schema::migrate(&options, "tests").await;
                made.map_err(beside_its_log).unwrap();
            }
        }
    });
    keyspace
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
    let session: Result<Session, _> = SessionBuilder::new().known_node(server()).build().await;
    let session = session.map_err(beside_its_log).unwrap();
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
