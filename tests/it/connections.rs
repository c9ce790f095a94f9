//! How many connections the real binary takes: of one address, and in all.

use std::net::{IpAddr, UdpSocket};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::gateway::{SECRET, signature, until};
use crate::process::{MESEJ, ended, free_port, get, kept, mesej, started_as};

/// Connections of one address.
const OF_PEER: usize = 4;
/// Files that the process may have open, of which half are for connections.
const FILES: usize = 256;

/// An address of this machine that others can reach; nothing is sent.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let reachable = socket.connect("192.0.2.1:9");
    assert!(
        reachable.is_ok(),
        "the machine has no address but that of its loopback interface, whose connections are not counted"
    );
    socket.local_addr().unwrap().ip()
}

/// The status of a request's answer over a connection that stays open; `None` if it is refused.
async fn status(stream: &mut TcpStream, head: &str, body: &str) -> Option<u16> {
    let length = body.len();
    let request = format!("{head}\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = vec![0; 4_096];
    let read = stream.read(&mut answer).await.ok()?;
    let answer = std::str::from_utf8(&answer[..read]).unwrap();
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

const HEALTH: &str = "GET /healthz HTTP/1.1";

/// A connection over which a request was answered; `None` if it was refused.
async fn connected(to: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    (status(&mut stream, HEALTH, "").await? == 200).then_some(stream)
}

/// Opens connections until one is refused; gives those that were not.
async fn as_many_as_there_may_be(to: &str) -> Vec<TcpStream> {
    let mut open = Vec::new();
    while let Some(stream) = connected(to).await {
        open.push(stream);
        assert!(open.len() <= FILES, "none is refused");
    }
    open
}

/// Waits until the gateway tells that it refused some. It may refuse the connection that asks, too,
/// until it has seen that others have ended.
async fn refused(address: &str, why: &str) {
    let line = format!("mesej_connections_ended_total{{reason=\"{why}\"}} ");
    let what = format!("connections are refused for {why}");
    until(&what, || async {
        let metrics = get(address, "/metrics", "").await;
        metrics.contains(&line).then_some(())
    })
    .await;
}

#[actix::test]
async fn an_address_has_its_share_of_the_connections_and_leaves_others_theirs() {
    let place = tempfile::tempdir().unwrap();
    let mut command = mesej(&["serve"]);
    command.env("MESEJ_SERVER__CONNECTIONS_PER_PEER", OF_PEER.to_string());
    let (child, here) = started_as(command, "0.0.0.0", &place.path().join("data")).await;
    let there = here.replace("127.0.0.1", &own_address().to_string());
    let mut open = as_many_as_there_may_be(&there).await;
    assert_eq!(open.len(), OF_PEER);
    refused(&here, "peer").await;
    let proxy = connected(&here).await;
    assert!(proxy.is_some(), "a proxy on this machine is not counted");
    assert_eq!(status(&mut open[0], HEALTH, "").await, Some(200));
    drop(open.pop());
    until("the next is let in", || connected(&there)).await;
    ended(child).await;
}

#[actix::test]
async fn one_machine_leaves_operators_of_others_connections_to_their_listener() {
    let place = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = mesej(&["serve"]);
    command.env("MESEJ_SERVER__ADMIN_LISTEN", format!("0.0.0.0:{port}"));
    let (child, _) = started_as(command, "127.0.0.1", &place.path().join("data")).await;
    let (here, there) = (format!("127.0.0.1:{port}"), format!("{}:{port}", own_address()));
    let open = as_many_as_there_may_be(&there).await;
    assert_eq!(open.len(), 16);
    refused(&here, "peer").await;
    drop(open);
    ended(child).await;
}

#[actix::test]
async fn connections_leave_the_store_its_files_whatever_the_limit() {
    let place = tempfile::tempdir().unwrap();
    let limited = format!("ulimit -n {FILES} && exec \"$0\" serve");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, MESEJ]);
    let mut command = kept(command);
    let apps = format!(
        "[{{ name = \"simulated\", app_secrets = [\"{SECRET}\"], verify_token = \"a-verify-token\" }}]"
    );
    command.env("MESEJ_WHATSAPP__APPS", apps);
    let (child, address) = started_as(command, "127.0.0.1", &place.path().join("data")).await;
    until("no connection is left of the start", || async {
        let metrics = get(&address, "/metrics", "").await;
        metrics.contains("mesej_connections_open 1\n").then_some(())
    })
    .await;
    let mut open = as_many_as_there_may_be(&address).await;
    // That of the last look may not have ended yet.
    assert!(
        (FILES / 2 - 1..=FILES / 2).contains(&open.len()),
        "{}",
        open.len()
    );
    let body = json!({ "object": "whatsapp_business_account", "entry": [] }).to_string();
    let signature = signature(body.as_bytes());
    let webhook = format!("POST /webhooks/whatsapp HTTP/1.1\r\nX-Hub-Signature-256: {signature}");
    for stream in open.iter_mut().take(20) {
        assert_eq!(status(stream, &webhook, &body).await, Some(200));
    }
    drop(open.pop());
    until("the next is let in", || connected(&address)).await;
    drop(open);
    refused(&address, "full").await;
    ended(child).await;
}
