//! An agent's client: resumes by cursor, and writes down every event that it applied.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::gateway::{Gateway, Tenant};

/// What one agent saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Identity of the log.
    pub epoch: String,
    /// The cursor of the first connection.
    pub from: u64,
    /// The last event applied.
    pub seq: u64,
    /// Events whose position was not the next one.
    pub holes: u64,
    /// How often the server said to load afresh.
    pub resyncs: u64,
    /// How often it connected.
    pub connects: u64,
    /// Messages whose outcome became unknown.
    pub unknown: Vec<Value>,
    /// Events, repeats included, since they were last taken.
    pub events: Vec<Value>,
}

/// A connected agent.
pub struct Agent {
    /// What it saw so far.
    pub seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Agent {
    /// Connects, and connects again whenever the connection breaks.
    pub fn start(gateway: Gateway, tenant: Tenant, name: String) -> Self {
        Self::run(gateway, tenant, name, Seen::default())
    }

    /// Comes back with a cursor.
    pub fn resume(gateway: Gateway, tenant: Tenant, name: String, epoch: String, seq: u64) -> Self {
        let seen = Seen {
            epoch,
            seq,
            from: seq,
            ..Seen::default()
        };
        Self::run(gateway, tenant, name, seen)
    }

    fn run(gateway: Gateway, tenant: Tenant, name: String, seen: Seen) -> Self {
        let seen = Arc::new(Mutex::new(seen));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                // A broken connection is what this rig is about: come back with the cursor.
                let _ = session(&gateway, &tenant, &name, &shared).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { seen, task }
    }

    /// Where it stands.
    pub fn position(&self) -> u64 {
        lock(&self.seen).seq
    }

    /// What it saw since the last time, in the oracle's words; `None` when that is nothing.
    pub fn report(&self, tenant: &str, name: &str) -> Option<Value> {
        let mut book = lock(&self.seen);
        let events = std::mem::take(&mut book.events);
        (!events.is_empty()).then(|| {
            json!({ "tenant": tenant, "agent": name, "epoch": book.epoch, "from": book.from, "events": events })
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The seen-book; a panic elsewhere left it whole.
pub fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn session(gateway: &Gateway, tenant: &Tenant, name: &str, seen: &Mutex<Seen>) -> anyhow::Result<()> {
    let ticket = gateway.ticket(tenant, name).await?;
    let mut request = gateway
        .url("/v1/ws")
        .replacen("http", "ws", 1)
        .into_client_request()?;
    let protocol = format!("mesej.v2, ticket.{ticket}").parse()?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    let connect = tokio_tungstenite::connect_async(request);
    let (mut socket, _) = tokio::time::timeout(Duration::from_secs(2), connect).await??;
    let hello = {
        let mut book = lock(seen);
        book.connects += 1;
        if book.epoch.is_empty() {
            json!({ "type": "hello" })
        } else {
            json!({ "type": "hello", "epoch": book.epoch, "seq": book.seq })
        }
    };
    socket.send(Message::text(hello.to_string())).await?;
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(60), socket.next()).await?;
        match frame.context("the server closed")?? {
            Message::Text(text) => apply(seen, &serde_json::from_str(&text)?)?,
            Message::Ping(payload) => socket.send(Message::Pong(payload)).await?,
            Message::Close(_) => return Ok(()),
            _ => {}
        }
    }
}

fn apply(seen: &Mutex<Seen>, frame: &Value) -> anyhow::Result<()> {
    let mut book = lock(seen);
    let number = |field: &str| {
        frame
            .get(field)
            .and_then(Value::as_u64)
            .context("a frame without its number")
    };
    match frame.get("type").and_then(Value::as_str) {
        Some("welcome") => {
            let epoch = crate::gateway::text(frame, "epoch")?;
            if book.epoch.is_empty() {
                book.seq = number("seq")?;
                book.from = book.seq;
            } else if book.epoch == epoch && number("seq")? != book.seq {
                book.holes += 1;
            }
            book.epoch = epoch;
        }
        Some("resync") => {
            book.resyncs += 1;
            book.epoch = crate::gateway::text(frame, "epoch")?;
            book.seq = number("head_seq")?;
        }
        Some("skipped") => {
            if number("from")? > book.seq + 1 {
                book.holes += 1;
            }
            book.seq = book.seq.max(number("to")?);
        }
        Some("events") => {
            for event in frame
                .get("events")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                take(&mut book, event)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn take(book: &mut Seen, event: &Value) -> anyhow::Result<()> {
    let seq = event
        .get("seq")
        .and_then(Value::as_u64)
        .context("an event without a position")?;
    let field = |path: &str| event.pointer(path).cloned().unwrap_or(Value::Null);
    let id = match event.pointer("/data/message/id") {
        Some(id) => id.clone(),
        None => field("/data/message_id"),
    };
    // Lanes have states of their own.
    let is_status = event.get("kind").and_then(Value::as_str) == Some("status");
    let state = if is_status {
        field("/data/state")
    } else {
        Value::Null
    };
    if seq > book.seq && state == "unknown" {
        book.unknown.push(id.clone());
    }
    book.events.push(json!({
        "seq": seq,
        "message_id": id,
        "wamid": field("/data/message/wamid"),
        "state": state,
        "fingerprint": fingerprint(&event.to_string()),
    }));
    // At least once on the wire: a repeat is allowed, and changes nothing.
    if seq <= book.seq {
        return Ok(());
    }
    if seq != book.seq + 1 {
        book.holes += 1;
    }
    book.seq = seq;
    Ok(())
}

/// Tells two events apart: FNV-1a, kept below 2^53 so that it survives JSON.
fn fingerprint(text: &str) -> u64 {
    let full = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    full >> 12
}
