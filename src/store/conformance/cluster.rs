//! The suite on a real server, and what a cluster alone does.
//!
//! `MESEJ_TEST_CQL=host:port` names a server; without it, one is started (see `tests/cql/node.sh`) and ends with the tests.
//! `MESEJ_TEST_CQL_REPLICATION` says how many copies of each row a ring is to hold; 1 without it.
//! A server that does not start fails the tests. Keyspaces are few, since tables are slow to make: a test takes one for
//! itself, emptied, and gives it back.

mod faults;
mod forwarded;
// Both shared with the tests that see the gateway from outside.
#[path = "../../../tests/cql/keyspaces.rs"]
mod keyspaces;
#[path = "../../../tests/cql/node.rs"]
mod node;
mod own;
mod proxy;
mod server;
mod tls;

use std::sync::Arc;

use self::keyspaces::{Keyspaces, State, Taken};
use super::Backend;
use crate::domain::{Clock, SystemClock};
use crate::store::Store;
use crate::store::scylla::{ScyllaOptions, ScyllaStore, schema};

static KEYSPACES: Keyspaces = Keyspaces::new("mesej_test", 4);

/// A keyspace of one's own, given back when dropped.
#[derive(Debug)]
pub(super) struct Keyspace(Taken);

/// How the tests reach the server.
pub(super) fn options(keyspace: &str) -> ScyllaOptions {
    let mut options = ScyllaOptions::new(vec![keyspaces::server()], keyspace);
    options.replication_factor = keyspaces::copies();
    // Two cores run the server and all tests at once.
    options.deadlines.interactive = std::time::Duration::from_secs(10);
    options.deadlines.write = std::time::Duration::from_secs(10);
    options.deadlines.conditional = std::time::Duration::from_secs(10);
    options.deadlines.scan = std::time::Duration::from_secs(30);
    options
}

impl Keyspace {
    /// One that is empty.
    pub(super) fn take() -> Self {
        let keyspace = KEYSPACES.take();
        let options = options(keyspace.name());
        let ready = match keyspace.state() {
            State::Used => server::run(async move { schema::empty(&options).await }),
            State::Unmade => server::run(async move { schema::migrate(&options, "tests").await.map(|_| ()) }),
        };
        ready.map_err(keyspaces::beside_its_log).unwrap();
        Self(keyspace)
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.0.name()
    }
}

/// A store on the server.
pub(in crate::store) struct Cluster {
    store: Arc<ScyllaStore>,
    keyspace: Keyspace,
}

impl Cluster {
    fn over(keyspace: Keyspace) -> Self {
        Self::by_clock(keyspace, Arc::new(SystemClock::new()))
    }

    fn by_clock(keyspace: Keyspace, clock: Arc<dyn Clock>) -> Self {
        let options = options(keyspace.name());
        let store = server::run(async move { ScyllaStore::open(&options, clock).await }).unwrap();
        Self {
            store: Arc::new(store),
            keyspace,
        }
    }
}

impl Backend for Cluster {
    fn open() -> Self {
        Self::over(Keyspace::take())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(self) -> Self {
        let Self { store, keyspace } = self;
        assert_eq!(Arc::strong_count(&store), 1, "somebody still holds the store");
        drop(store);
        Self::over(keyspace)
    }
}
