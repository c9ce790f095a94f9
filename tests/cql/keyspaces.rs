//! The server that tests run against, and its keyspaces: few, since tables are slow to make. A test has one for itself and
//! gives it back. Shared by the store's own tests and those of the whole gateway.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::node::Node;

// Tried once: each test that needs it would wait as long as the first for one that does not start.
static NODE: OnceLock<Option<Started>> = OnceLock::new();

/// A server that ends with this process, and where it keeps its data.
#[derive(Debug)]
struct Started {
    node: Node,
    folder: PathBuf,
}

impl Started {
    fn now() -> Self {
        let folder = folder();
        let node = Node::start(&folder);
        Self { node, folder }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Where the server keeps its data. What it writes is gone with the tests, so it goes to memory where there is room: a server
/// that empties a hundred tables waits for the disk at each of them, for minutes when somebody else writes there too.
fn folder() -> PathBuf {
    let mut builder = tempfile::Builder::new();
    let prefixed = builder.prefix("mesej-cql-");
    let folder = match in_memory() {
        Some(memory) => prefixed.tempdir_in(memory),
        None => prefixed.tempdir(),
    };
    folder.unwrap().keep()
}

/// A file system in memory with room for what the tests write, some hundred MiB.
fn in_memory() -> Option<&'static Path> {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).ok()?;
    (free.f_bavail.saturating_mul(free.f_frsize) >= 2 << 30).then_some(memory)
}

/// Says beside an error what the server that ends with this process said last.
pub fn beside_its_log(error: impl std::fmt::Display) -> String {
    let said = NODE.get().and_then(Option::as_ref).map(Started::last_words);
    format!("{error}; the server's log ends:\n{}", said.unwrap_or_default())
}

/// `host:port` of the server: the one that `MESEJ_TEST_CQL` names, or one that ends with this process.
pub fn server() -> String {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    let named = || match std::env::var("MESEJ_TEST_CQL") {
        Ok(address) if !address.is_empty() => address,
        _ => {
            let started = NODE.get_or_init(|| std::panic::catch_unwind(Started::now).ok());
            assert!(
                started.is_some(),
                "the CQL server did not start: see the first failure"
            );
            started.as_ref().unwrap().node.address().to_owned()
        }
    };
    ADDRESS.get_or_init(named).clone()
}

/// Copies of each row that a ring is to hold: `MESEJ_TEST_CQL_REPLICATION`, or 1.
pub fn copies() -> u16 {
    std::env::var("MESEJ_TEST_CQL_REPLICATION").map_or(1, |copies| copies.parse().unwrap())
}

/// Keyspaces of one kind of test.
#[derive(Debug)]
pub struct Keyspaces {
    prefix: &'static str,
    /// In use at once.
    most: usize,
    pool: Mutex<Pool>,
    freed: Condvar,
}

/// Which nobody uses, and how many there are.
#[derive(Debug)]
struct Pool {
    free: Vec<String>,
    made: usize,
    in_use: usize,
}

impl Keyspaces {
    /// None yet.
    pub const fn new(prefix: &'static str, most: usize) -> Self {
        Self {
            prefix,
            most,
            pool: Mutex::new(Pool {
                free: Vec::new(),
                made: 0,
                in_use: 0,
            }),
            freed: Condvar::new(),
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that nobody uses: to be emptied, or to be made.
    pub fn take(&'static self) -> Taken {
        let mut pool = self.pool();
        while pool.in_use >= self.most {
            pool = self.freed.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        pool.in_use += 1;
        let used = pool.free.pop();
        let state = if used.is_some() {
            State::Used
        } else {
            State::Unmade
        };
        let name = used.unwrap_or_else(|| {
            pool.made += 1;
            // A server that is kept between runs has keyspaces of other runs, perhaps of another schema.
            format!("{}_{}_{}", self.prefix, std::process::id(), pool.made)
        });
        Taken {
            name,
            state,
            of: self,
        }
    }
}

/// What is to be done to a keyspace before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not there yet.
    Unmade,
    /// It holds what somebody left.
    Used,
}

/// A keyspace of one's own, given back when dropped.
#[derive(Debug)]
pub struct Taken {
    name: String,
    state: State,
    of: &'static Keyspaces,
}

impl Taken {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was found.
    pub fn state(&self) -> State {
        self.state
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut pool = self.of.pool();
        pool.in_use -= 1;
        // Whoever fails may leave somebody who still writes: nobody else is to see that.
        if !std::thread::panicking() {
            pool.free.push(std::mem::take(&mut self.name));
        }
        self.of.freed.notify_one();
    }
}
