//! The real binary on a folder, for tests of what it does with its files and who may ask it.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::gateway::{PATIENCE, until};

/// The binary.
pub const MESEJ: &str = env!("CARGO_BIN_EXE_mesej");

/// The command with these arguments, its output kept.
pub fn mesej(arguments: &[&str]) -> Command {
    let mut command = Command::new(MESEJ);
    command.args(arguments);
    kept(command)
}

/// A command that hears nothing and whose output is kept.
pub fn kept(mut command: Command) -> Command {
    command
        .env_remove("MESEJ_CONFIG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A gateway on this folder, as soon as it listens, and where.
pub async fn started(arguments: &[&str], folder: &Path) -> (Child, String) {
    started_as(mesej(arguments), "localhost", folder).await
}

/// The same by a command of one's own, which listens at this host.
pub async fn started_as(mut command: Command, host: &str, folder: &Path) -> (Child, String) {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let log = std::fs::File::create(folder.with_file_name("log")).unwrap();
    let child = command
        .env("MESEJ_SERVER__LISTEN", format!("{host}:{port}"))
        .env("MESEJ_SERVER__WORKERS", "1")
        .env("MESEJ_STORE__PATH", folder)
        .env("MESEJ_ZEBRA", "x")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    until("it is ready", || async {
        let answer = get(&address, "/readyz", "").await;
        answer.contains(" 200 ").then_some(())
    })
    .await;
    (child, address)
}

/// The answer to one request, whole; nothing when nobody answers.
pub async fn get(address: &str, path: &str, key: &str) -> String {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    );
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(address).await {
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.read_to_end(&mut answer).await;
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Ends it in order.
pub async fn ended(mut child: Child) {
    let pid = child.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.unwrap().success());
    tokio::time::timeout(PATIENCE, child.wait())
        .await
        .unwrap()
        .unwrap();
}
