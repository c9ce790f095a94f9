//! A CQL server that ends with whoever started it. Shared by the store's own tests and those of the whole gateway.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// One node, run by `tests/cql/node.sh`, which ends it when its input ends: at the latest with this process.
#[derive(Debug)]
pub struct Node {
    child: Child,
    address: String,
}

/// A port that nobody uses now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Node {
    /// Starts one on its own ports, in a folder that is removed at the end. What it says goes to the file `log` there.
    pub fn start(folder: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cql/node.sh");
        let port = port();
        let mut child = Command::new(script)
            .arg(folder)
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
        Self { child, address }
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
