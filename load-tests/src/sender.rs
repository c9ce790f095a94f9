//! A program that sends at a fixed rate, whatever the gateway does, and repeats what was not answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::gateway::{Gateway, Submitted, Tenant};

/// Between two attempts of one submit: at first, and at the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// How fast, and how patiently.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Messages a second.
    pub rate: u32,
    /// Submits under way at once; what would be more is skipped.
    pub under_way: usize,
    /// Tells one run's messages from another's.
    pub run: u64,
}

/// One submit that the gateway acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// The gateway's id.
    pub message: String,
    /// The word in its text that no other message has.
    pub marker: String,
    /// When it was first asked for, and when it was acknowledged.
    began: Instant,
    ended: Instant,
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
    /// Messages that were not begun, because too many were under way.
    pub skipped: AtomicU64,
    answers: Mutex<BTreeMap<String, u64>>,
    took_ms: Mutex<Vec<u32>>,
}

impl Book {
    /// Attempts by how they were answered so far: `accepted`, `no_answer`, or the error's code.
    pub fn answers(&self) -> BTreeMap<String, u64> {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Submits that were answered with 202.
    pub fn acknowledged(&self) -> usize {
        self.acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Messages whose id is smaller than one that was acknowledged before they were asked for.
    pub fn gone_back(&self) -> usize {
        let mut asked = self
            .acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut ended = asked.clone();
        asked.sort_by_key(|one| one.began);
        ended.sort_by_key(|one| one.ended);
        let mut before = ended.into_iter().peekable();
        let mut largest = String::new();
        let behind = asked.iter().filter(|one| {
            while let Some(earlier) = before.next_if(|earlier| earlier.ended < one.began) {
                largest = largest.clone().max(earlier.message);
            }
            one.message < largest
        });
        behind.count()
    }

    /// How long accepted attempts took so far, in milliseconds.
    pub fn took_ms(&self) -> Vec<u32> {
        self.took_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, answer: &Submitted, took: Duration) {
        let name = match answer {
            Submitted::Accepted { .. } => "accepted",
            Submitted::Refused { code, .. } => code,
            Submitted::NoAnswer => "no_answer",
        };
        *self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.to_owned())
            .or_default() += 1;
        if let Submitted::Accepted { .. } = answer {
            let mut took_ms = self.took_ms.lock().unwrap_or_else(PoisonError::into_inner);
            took_ms.push(u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
        }
    }
}

/// Sends `rate` messages a second until told to stop. Recipients come in turn from the list.
pub struct Sender {
    book: Arc<Book>,
    rate: watch::Sender<u32>,
    stop: Arc<tokio::sync::Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Sender {
    /// Starts sending.
    pub fn start(gateway: Gateway, tenant: Tenant, recipients: Vec<String>, pace: Pace) -> Self {
        let Pace { rate, under_way, run } = pace;
        let book = Arc::new(Book::default());
        let stop = Arc::new(tokio::sync::Notify::new());
        let (shared, stopped) = (Arc::clone(&book), Arc::clone(&stop));
        let (rate, mut rates) = watch::channel(rate);
        let task = tokio::spawn(async move {
            let places = Arc::new(Semaphore::new(under_way));
            let mut tick = every(*rates.borrow_and_update());
            'all: for number in 0_u64.. {
                loop {
                    tokio::select! {
                        () = stopped.notified() => break 'all,
                        _ = tick.tick() => break,
                        Ok(()) = rates.changed() => tick = every(*rates.borrow_and_update()),
                    }
                }
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    shared.skipped.fetch_add(1, Ordering::Relaxed);
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
            let all = u32::try_from(under_way).unwrap_or(u32::MAX);
            let _ = places.acquire_many(all).await;
        });
        Self {
            book,
            rate,
            stop,
            task,
        }
    }

    /// Sends so many messages a second from now on.
    pub fn set_rate(&self, rate: u32) {
        self.rate.send_replace(rate);
    }

    /// What became of submits so far.
    pub fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book)
    }

    /// Stops and waits for what is under way.
    pub async fn finish(self) -> anyhow::Result<Arc<Book>> {
        self.stop.notify_one();
        self.task.await?;
        Ok(self.book)
    }
}

fn every(rate: u32) -> Interval {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    tick
}

async fn one(gateway: &Gateway, tenant: &Tenant, book: &Book, recipient: &str, marker: &str) {
    let message = message(recipient, marker);
    let mut pause = FIRST;
    let asked = Instant::now();
    let give_up = asked + Duration::from_secs(60);
    while Instant::now() < give_up {
        let began = Instant::now();
        let answer = gateway.submit(tenant, marker, &message).await;
        book.note(&answer, began.elapsed());
        match answer {
            Submitted::Accepted { message } => {
                let acknowledged = Acknowledged {
                    message,
                    marker: marker.to_owned(),
                    began: asked,
                    ended: Instant::now(),
                };
                book.acknowledged
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(acknowledged);
                return;
            }
            Submitted::Refused { status, .. } if status < 500 && status != 429 && status != 409 => {
                book.refused.fetch_add(1, Ordering::Relaxed);
                return;
            }
            Submitted::Refused { .. } | Submitted::NoAnswer => {
                book.repeated.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
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
