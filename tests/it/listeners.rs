//! Who finds what where: operators at a listener of their own, clients behind a proxy.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::ADMIN;
use crate::process::{ended, free_port, get, mesej, started_as};

fn status_of(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

#[actix::test]
async fn operators_have_a_listener_of_their_own_and_nobody_else_finds_what_is_there() {
    let place = tempfile::tempdir().unwrap();
    let theirs = format!("127.0.0.1:{}", free_port());
    let mut command = mesej(&["serve"]);
    command
        .env("MESEJ_SERVER__ADMIN_TOKEN", ADMIN)
        .env("MESEJ_SERVER__ADMIN_LISTEN", &theirs);
    let (child, public) = started_as(command, "127.0.0.1", &place.path().join("data")).await;
    for (path, at_public, at_theirs) in [
        ("/healthz", "200", "200"),
        ("/readyz", "200", "200"),
        ("/metrics", "404", "200"),
        ("/v1/admin/tenants", "404", "200"),
        ("/v1/admin/nothing", "404", "404"),
        ("/v1/numbers", "401", "404"),
        ("/webhooks/whatsapp", "403", "404"),
        ("/", "200", "200"),
        ("/console/operator.js", "200", "200"),
        ("/v1/session", "401", "404"),
    ] {
        let (here, there) = (get(&public, path, ADMIN).await, get(&theirs, path, ADMIN).await);
        assert_eq!(
            (status_of(&here), status_of(&there)),
            (at_public, at_theirs),
            "{path}"
        );
    }
    // Not even that there is such a call is told.
    let here = get(&public, "/v1/admin/tenants", "a-wrong-token-of-an-operator").await;
    assert!(
        here.contains("\"not_found\"") && !here.contains("server.admin_token"),
        "{here}"
    );
    let log = std::fs::read_to_string(place.path().join("log")).unwrap();
    assert!(log.contains(&theirs), "{log}");
    ended(child).await;
}

/// The status of a call with a wrong token that comes with such a list of addresses.
async fn guessed(address: &str, forwarded_for: &str) -> String {
    let request = format!(
        "GET /v1/admin/tenants HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {forwarded_for}\r\n\
         Authorization: Bearer a-token-that-somebody-guessed\r\nConnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    status_of(&answer).to_owned()
}

#[actix::test]
async fn whoever_guesses_behind_a_trusted_proxy_is_slowed_and_not_who_comes_through_it_too() {
    let place = tempfile::tempdir().unwrap();
    let mut command = mesej(&["serve"]);
    command
        .env("MESEJ_SERVER__ADMIN_TOKEN", ADMIN)
        .env("MESEJ_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1\", \"10.0.0.0/8\"]");
    let (child, address) = started_as(command, "127.0.0.1", &place.path().join("data")).await;
    // It writes another address each time before what its proxies append.
    for n in 0..20 {
        let list = format!("198.51.100.{n}, 203.0.113.7, 10.0.0.9");
        assert_eq!(guessed(&address, &list).await, "401");
    }
    assert_eq!(guessed(&address, "203.0.113.7").await, "429");
    assert_eq!(guessed(&address, "203.0.113.8").await, "401");
    let log = std::fs::read_to_string(place.path().join("log")).unwrap();
    assert!(log.contains("\"peer\":\"203.0.113.7\""), "{log}");
    ended(child).await;
}

#[actix::test]
async fn without_trusted_proxies_nobody_is_believed() {
    let place = tempfile::tempdir().unwrap();
    let mut command = mesej(&["serve"]);
    command.env("MESEJ_SERVER__ADMIN_TOKEN", ADMIN);
    let (child, address) = started_as(command, "127.0.0.1", &place.path().join("data")).await;
    for n in 0..20 {
        assert_eq!(guessed(&address, &format!("198.51.100.{n}")).await, "401");
    }
    assert_eq!(guessed(&address, "198.51.100.99").await, "429");
    ended(child).await;
}
