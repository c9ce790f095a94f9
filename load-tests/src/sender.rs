//! A program that sends at a fixed rate, whatever the gateway does, and repeats what was not answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior};

use crate::gateway::{Gateway, Submitted, Tenant};

/// Submits under way at once: more would only wait for a gateway that is down.
const UNDER_WAY: usize = 256;

/// One submit that the gateway acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The gateway's id.
    pub message: String,
    /// The word in its text that no other message has.
    pub marker: String,
}

/// What became of all submits.
#[derive(Default)]
pub struct Book {
    /// Answered with 202.
    pub acknowledged: Mutex<Vec<Acknowledged>>,
    /// Refused for good, by code.
    pub refused: AtomicU64,
    /// Attempts without an answer, which were repeated with the same key.
    pub repeated: AtomicU64,
    /// Given up after the last repeat.
    pub given_up: AtomicU64,
}

/// Sends `rate` messages a second until told to stop. Recipients come in turn from the list.
pub struct Sender {
    book: Arc<Book>,
    stop: Arc<tokio::sync::Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Sender {
    /// Starts sending.
    pub fn start(gateway: Gateway, tenant: Tenant, recipients: Vec<String>, rate: u32, run: u64) -> Self {
        let book = Arc::new(Book::default());
        let stop = Arc::new(tokio::sync::Notify::new());
        let (shared, stopped) = (Arc::clone(&book), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let places = Arc::new(Semaphore::new(UNDER_WAY));
            let mut tick = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for number in 0_u64.. {
                tokio::select! {
                    () = stopped.notified() => break,
                    _ = tick.tick() => {}
                }
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    continue;
                };
                let index = usize::try_from(number).unwrap_or(0) % recipients.len().max(1);
                let Some(recipient) = recipients.get(index).cloned() else {
                    break;
                };
                let (gateway, tenant, book) = (gateway.clone(), tenant.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    one(
                        &gateway,
                        &tenant,
                        &book,
                        &recipient,
                        &format!("mk-s{run:x}-{number}"),
                    )
                    .await;
                    drop(place);
                });
            }
            // Every submit under way ends: answered, or given up.
            let all = u32::try_from(UNDER_WAY).unwrap_or(u32::MAX);
            let _ = places.acquire_many(all).await;
        });
        Self { book, stop, task }
    }

    /// Stops and waits for what is under way.
    pub async fn finish(self) -> anyhow::Result<Arc<Book>> {
        self.stop.notify_one();
        self.task.await?;
        Ok(self.book)
    }
}

async fn one(gateway: &Gateway, tenant: &Tenant, book: &Book, recipient: &str, marker: &str) {
    let message = message(recipient, marker);
    let give_up = Instant::now() + Duration::from_secs(60);
    while Instant::now() < give_up {
        match gateway.submit(tenant, marker, &message).await {
            Submitted::Accepted { message } => {
                let acknowledged = Acknowledged {
                    message,
                    marker: marker.to_owned(),
                };
                book.acknowledged
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(acknowledged);
                return;
            }
            Submitted::Refused { status } if status < 500 && status != 429 && status != 409 => {
                book.refused.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Submitted::Refused { .. } | Submitted::NoAnswer => {
                book.repeated.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    book.given_up.fetch_add(1, Ordering::Relaxed);
}

fn message(recipient: &str, marker: &str) -> Value {
    json!({
        "to": recipient,
        "type": "text",
        "text": { "body": format!("{marker} your order is on its way") },
        "on_unknown": "never_duplicate",
    })
}
