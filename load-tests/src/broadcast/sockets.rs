//! Agents who read, and what their sockets carry.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::Stage;
use crate::stuck::connect;

/// Agents with a socket each. One of them also tells events apart.
pub struct Agents {
    bytes: Arc<AtomicU64>,
    told: Arc<Mutex<BTreeMap<String, Kind>>>,
    readers: Vec<tokio::task::JoinHandle<()>>,
}

/// Events of a kind on one socket.
#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    events: u64,
    bytes: u64,
}

/// What sockets carried.
#[derive(Debug, Clone)]
pub struct Carried {
    time: Duration,
    sockets: usize,
    bytes: u64,
    told: BTreeMap<String, Kind>,
}

/// What is read of a frame with events.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default)]
    events: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    kind: &'a str,
}

impl Agents {
    /// Connects them.
    pub async fn connect(stage: &Stage, count: u32) -> anyhow::Result<Self> {
        let mut agents = Self {
            bytes: Arc::default(),
            told: Arc::default(),
            readers: Vec::new(),
        };
        for n in 0..count.max(1) {
            let socket = connect(stage, &format!("agent-{n}"), None).await?;
            let bytes = Arc::clone(&agents.bytes);
            let told = (n == 0).then(|| Arc::clone(&agents.told));
            agents.readers.push(tokio::spawn(read(socket, bytes, told)));
        }
        Ok(agents)
    }

    /// What their sockets carried since the last time.
    pub fn take(&self, time: Duration) -> anyhow::Result<Carried> {
        let closed = self.readers.iter().filter(|reader| reader.is_finished()).count();
        anyhow::ensure!(closed == 0, "{closed} agents' sockets were closed");
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Carried {
            time,
            sockets: self.readers.len(),
            bytes: self.bytes.swap(0, Ordering::Relaxed),
            told: std::mem::take(&mut told),
        })
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

async fn read(
    mut socket: WebSocketStream<TcpStream>,
    bytes: Arc<AtomicU64>,
    told: Option<Arc<Mutex<BTreeMap<String, Kind>>>>,
) {
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => {
                bytes.fetch_add(u64::try_from(text.len()).unwrap_or(0), Ordering::Relaxed);
                if let Some(told) = &told {
                    note(&text, &mut told.lock().unwrap_or_else(PoisonError::into_inner));
                }
            }
            Message::Ping(payload) => {
                // A socket that cannot be written to ends the loop at its next read.
                let _ = socket.send(Message::Pong(payload)).await;
            }
            _ => {}
        }
    }
}

fn note(text: &str, told: &mut BTreeMap<String, Kind>) {
    let events = serde_json::from_str::<Frame<'_>>(text).map_or_else(|_| Vec::new(), |frame| frame.events);
    for event in events {
        let kind = serde_json::from_str::<Event<'_>>(event.get()).map_or("other", |event| event.kind);
        let known = told.entry(kind.to_owned()).or_default();
        known.events += 1;
        known.bytes += u64::try_from(event.get().len()).unwrap_or(0);
    }
}

impl Carried {
    /// Bytes a second, on all sockets.
    pub fn bytes_per_s(&self) -> f64 {
        float(self.bytes) / self.time.as_secs_f64()
    }

    /// Bytes of events of broadcasts for each hundred of all others, on one socket.
    pub fn more_percent(&self) -> f64 {
        let own = self.told.get("broadcast").map_or(0, |kind| kind.bytes);
        let all: u64 = self.told.values().map(|kind| kind.bytes).sum();
        float(own) * 100.0 / float(all - own)
    }

    /// The figures.
    pub fn line(&self) -> Value {
        let kinds: serde_json::Map<String, Value> = self
            .told
            .iter()
            .map(|(kind, told)| {
                let per_s = float(told.events) / self.time.as_secs_f64();
                let each = float(told.bytes) / float(told.events);
                (kind.clone(), json!({ "per_s": per_s, "bytes_each": each }))
            })
            .collect();
        json!({ "sockets": self.sockets, "bytes_per_s": self.bytes_per_s(), "events_of_one": kinds })
    }
}

fn float(count: u64) -> f64 {
    u32::try_from(count).map_or_else(
        |_| f64::from(u32::try_from(count >> 10).unwrap_or(u32::MAX)) * 1_024.0,
        f64::from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broadcasts_add_is_told_apart() {
        let mut told = BTreeMap::new();
        note(
            r#"{"type":"events","events":[{"seq":1,"kind":"message","data":{}},{"seq":2,"kind":"broadcast"}]}"#,
            &mut told,
        );
        note(r#"{"type":"welcome"}"#, &mut told);
        let carried = Carried {
            time: Duration::from_secs(2),
            sockets: 3,
            bytes: 600,
            told,
        };
        let near = |left: f64, right: f64| (left - right).abs() < 1e-9;
        assert!(near(carried.bytes_per_s(), 300.0));
        assert!(near(carried.more_percent(), 28.0 * 100.0 / 36.0), "{carried:?}");
    }
}
