//! A CQL server that ends with whoever started it. Shared by the store's own tests and those of the whole gateway.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// One node, run by `tests/cql/node.sh`, which ends it when its input ends: at the latest with this process.
#[derive(Debug)]
pub struct Node {
    child: Child,
    address: String,
    log: PathBuf,
}

/// A port that nobody uses now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Where a node keeps its data. What it writes is gone with the tests, so it goes to memory where there is room: a server
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

impl Node {
    /// Starts one on its own ports, in a folder that is removed at the end.
    pub fn start() -> Self {
        let folder = folder();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cql/node.sh");
        let port = port();
        let mut child = Command::new(script)
            .arg(&folder)
            .args(["127.0.0.1", &port.to_string()])
            .env("MESEJ_CQL_STORAGE_PORT", self::port().to_string())
            .env("MESEJ_CQL_JMX_PORT", self::port().to_string())
            .env("MESEJ_CQL_TEMPORARY", "1")
            .env("MESEJ_CQL_HEAP", "1g")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        let address = format!("127.0.0.1:{port}");
        assert_eq!(
            said.trim(),
            format!("ready {address}"),
            "the CQL server did not start: see above; MESEJ_TEST_CQL=host:port names another one"
        );
        let log = folder.join("log");
        Self { child, address, log }
    }

    /// What the server said last, for a test that it fails.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
