//! Who is there: told to everybody, and seldom.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::gateway::{PATIENCE, TestGateway};
use crate::kept::Kept;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens an agent's socket; gives it with its welcome.
async fn agent(gateway: &TestGateway, name: &str) -> (Socket, Value) {
    let (_, made) = gateway
        .post("/v1/ws/ticket", None, &json!({ "agent": name }))
        .await;
    opened(gateway, made["ticket"].as_str().unwrap()).await
}

/// Opens a socket with a ticket; gives it with its welcome.
pub(crate) async fn opened(gateway: &TestGateway, ticket: &str) -> (Socket, Value) {
    let address = format!("{}/v1/ws", gateway.base.replacen("http", "ws", 1));
    let mut request = address.as_str().into_client_request().unwrap();
    let offer = format!("mesej.v2, ticket.{ticket}");
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", offer.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let hello = json!({ "type": "hello" }).to_string();
    socket.send(Message::text(hello)).await.unwrap();
    let welcome = frame(&mut socket).await;
    assert_eq!(welcome["type"], "welcome");
    (socket, welcome)
}

pub(crate) async fn frame(socket: &mut Socket) -> Value {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        if let Message::Text(text) = next.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[actix::test]
async fn a_crowd_that_comes_is_told_of_in_a_frame_a_second() {
    const CROWD: usize = 60;
    let gateway = TestGateway::start(Kept::in_a_folder()).await;
    let (mut first, _) = agent(&gateway, "first").await;
    let began = Instant::now();
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        crowd.push(agent(&gateway, &format!("agent-{number}")).await);
    }
    let (_, last) = crowd.last().unwrap();
    assert_eq!(last["present_count"], CROWD + 1);
    assert_eq!(last["present"].as_array().unwrap().len(), CROWD + 1);
    let (mut seen, mut frames) = (BTreeMap::new(), 0);
    while seen.len() < CROWD {
        let told = frame(&mut first).await;
        if told["type"] != "presence" {
            continue;
        }
        frames += 1;
        for one in told["agents"].as_array().into_iter().flatten() {
            if one["agent"] != "first" {
                seen.insert(one["agent"].to_string(), one["state"].to_string());
            }
        }
        assert!(told["agent"].is_string() && told["state"].is_string());
    }
    assert!(seen.values().all(|state| state == "\"online\""));
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(frames <= seconds + 2, "{frames} frames in {seconds} s");

    drop(crowd);
    let gone = async {
        while seen.values().any(|state| state == "\"online\"") {
            let told = frame(&mut first).await;
            for one in told["agents"].as_array().into_iter().flatten() {
                seen.insert(one["agent"].to_string(), one["state"].to_string());
            }
            seen.remove("\"first\"");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    gateway.stop().await;
}

/// The next list of a conversation's viewers that this socket is told.
async fn viewers(socket: &mut Socket, conversation: &str) -> Vec<String> {
    loop {
        let told = frame(socket).await;
        if told["type"] == "viewing" && told["conversation_id"] == conversation {
            let agents = told["agents"].as_array().unwrap();
            return agents
                .iter()
                .map(|agent| agent.as_str().unwrap().into())
                .collect();
        }
    }
}

async fn look(socket: &mut Socket, conversation: Option<&str>) {
    for asked in [
        json!({ "type": "viewing", "conversation_id": conversation }),
        json!({ "type": "ping" }),
    ] {
        socket.send(Message::text(asked.to_string())).await.unwrap();
    }
    while frame(socket).await["type"] != "pong" {}
}

#[actix::test]
async fn a_viewer_is_one_until_none_of_their_sockets_looks_any_more() {
    let gateway = TestGateway::start(Kept::in_a_folder()).await;
    // Nobody has ever used it: looking makes nothing of it.
    let conversation = "0123456789abcdef0123456789abcdef";
    let (mut watcher, _) = agent(&gateway, "watcher").await;
    let (mut ana, _) = agent(&gateway, "ana").await;
    let (mut ana_elsewhere, _) = agent(&gateway, "ana").await;
    let (mut ben, _) = agent(&gateway, "ben").await;
    look(&mut ana, Some(conversation)).await;
    assert_eq!(viewers(&mut watcher, conversation).await, ["ana"]);
    look(&mut ben, Some(conversation)).await;
    assert_eq!(viewers(&mut watcher, conversation).await, ["ana", "ben"]);
    look(&mut ana_elsewhere, Some(conversation)).await;
    look(&mut ana, None).await;
    let (_, welcome) = agent(&gateway, "newcomer").await;
    let shown = &welcome["viewing"][0];
    assert_eq!(shown["conversation_id"], conversation);
    drop(ben);
    assert_eq!(
        viewers(&mut watcher, conversation).await,
        ["ana"],
        "by her other socket"
    );
    look(&mut ana_elsewhere, None).await;
    assert!(viewers(&mut watcher, conversation).await.is_empty());
    gateway.stop().await;
}
