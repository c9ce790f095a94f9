//! An agent's client that comes back with its cursor, and notes every event that it applied.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::stage::{PATIENCE, pause};

#[derive(Default)]
struct Book {
    epoch: String,
    seq: u64,
    events: Vec<Value>,
}

/// A connected agent.
pub(super) struct Agent {
    book: Arc<Mutex<Book>>,
    task: tokio::task::JoinHandle<()>,
}

impl Agent {
    /// Connects, and again whenever the connection breaks. Its first connection stands: it sees everything from now on.
    pub(super) async fn start(base: String, key: String) -> Self {
        let book = Arc::new(Mutex::new(Book::default()));
        let own = Arc::clone(&book);
        let task = actix::spawn(async move {
            loop {
                let _ = session(&base, &key, &own).await;
                pause(Duration::from_millis(20)).await;
            }
        });
        let agent = Self { book, task };
        let let_in = async {
            while agent.book.lock().unwrap().epoch.is_empty() {
                pause(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, let_in).await;
        in_time.expect("it is not let in");
        agent
    }

    /// How far it has read.
    pub(super) fn position(&self) -> u64 {
        self.book.lock().unwrap().seq
    }

    /// What it saw, in the oracle's words.
    pub(super) fn report(self, tenant: crate::domain::TenantId) -> mesej_simulator::oracle::EventsSeen {
        self.task.abort();
        let book = self.book.lock().unwrap();
        let seen = json!({
            "tenant": tenant, "agent": "ann", "epoch": book.epoch, "from": 0, "events": book.events
        });
        serde_json::from_value(seen).unwrap()
    }
}

async fn session(base: &str, key: &str, book: &Mutex<Book>) -> Option<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    let client = client.build().ok()?;
    let ticket: Value = client
        .post(format!("{base}/v1/ws/ticket"))
        .bearer_auth(key)
        .json(&json!({ "agent": "ann", "name": "Ann" }))
        .send()
        .await
        .ok()?
        .json()
        .await
        .ok()?;
    let url = format!("{}/v1/ws", base.replacen("http", "ws", 1));
    let mut request = url.into_client_request().ok()?;
    let protocol = format!("mesej.v2, ticket.{}", ticket["ticket"].as_str()?);
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol.parse().ok()?);
    let connected = tokio::time::timeout(PATIENCE, connect_async(request)).await;
    let (mut socket, _) = connected.ok()?.ok()?;
    let hello = {
        let book = book.lock().unwrap();
        match book.epoch.as_str() {
            "" => json!({ "type": "hello" }),
            epoch => json!({ "type": "hello", "epoch": epoch, "seq": book.seq }),
        }
    };
    socket.send(Message::text(hello.to_string())).await.ok()?;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            let frame: Value = serde_json::from_str(&text).ok()?;
            apply(&mut book.lock().unwrap(), &frame);
        }
    }
    None
}

fn apply(book: &mut Book, frame: &Value) {
    match frame["type"].as_str() {
        Some("welcome") if book.epoch.is_empty() => {
            frame["epoch"].as_str().unwrap().clone_into(&mut book.epoch);
        }
        Some("resync") => panic!("nothing was lost that a client had to load again: {frame}"),
        Some("events") => {
            for event in frame["events"].as_array().unwrap() {
                book.seq = event["seq"].as_u64().unwrap();
                let data = &event["data"];
                let state = data.get("state").filter(|_| event["kind"] == "status");
                let message = &data["message"];
                book.events.push(json!({
                    "seq": book.seq, "message_id": message.get("id").or(data.get("message_id")),
                    "wamid": message.get("wamid"), "state": state,
                }));
            }
        }
        _ => {}
    }
}
