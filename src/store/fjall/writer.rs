//! One thread owns all writing: it takes what waits, evaluates it in order, and makes it durable together.
//!
//! There is no timer: while one group is being synced, the next one gathers. After a failed commit nobody knows what the
//! disk holds, so the writer never writes again and the process is expected to end.

mod thread;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout_at;

use super::engine::Engine;
use super::txn::Txn;
use crate::domain::JournalId;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::telemetry::metrics;
use thread::Thread;

/// Writes that may wait.
const WAITING_WRITES: usize = 4_096;
/// Bytes that may wait.
const WAITING_BYTES: usize = 8 << 20;
/// How long a caller waits for room before it is told that there is none.
const PATIENCE: Duration = Duration::from_secs(1);
/// A commit that takes longer means that the engine or the disk is stuck: nobody waits for it any more, nor does the end.
const STALLED: Duration = Duration::from_secs(10);

/// What a write needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// A webhook: durable before it is answered, and before whatever else waits. Taking in costs little, and who brought
    /// it brings it again when it takes long; applying can wait. Refused when the disk is nearly full.
    Intake,
    /// Durable before it is answered; refused when the disk is nearly full.
    Durable,
    /// Durable before it is answered; makes room, so that it is let through on a disk that is nearly full.
    MakesRoom,
    /// May be lost in a crash: rides along, and is not worth a sync of its own.
    Lazy,
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A write and its caller: what is done when its turn comes, or is refused, and what is answered after the commit.
type Turn = Box<dyn FnOnce(Result<&mut Txn, StoreError>) -> Answer + Send>;

struct Write {
    need: Need,
    cost: usize,
    turn: Turn,
    _room: OwnedSemaphorePermit,
}

/// What the writer's thread shows to others.
#[derive(Debug)]
struct Shown {
    started: Instant,
    broken: AtomicBool,
    full: AtomicBool,
    /// Milliseconds after `started` at which the commit under way began; 0 when none is.
    committing: AtomicU64,
    open: Mutex<BTreeSet<JournalId>>,
}

/// The way to the writer's thread. Dropping it waits for what is under way, though not for a disk that hangs.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Write>>,
    room: Arc<Semaphore>,
    shown: Arc<Shown>,
    thread: Option<JoinHandle<()>>,
    /// Closes when the thread has ended.
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
    /// How long the drop waits for that.
    pub(super) farewell: Duration,
}

impl Writer {
    /// Starts the thread. `open` are the webhooks that wait already; writes are refused while less than `reserve` bytes are
    /// free on the disk that holds `folder`.
    pub(super) fn start(
        engine: Engine,
        folder: PathBuf,
        reserve: u64,
        open: BTreeSet<JournalId>,
    ) -> Result<Self, StoreError> {
        let (queue, writes) = mpsc::channel(WAITING_WRITES);
        let shown = Arc::new(Shown {
            started: Instant::now(),
            broken: AtomicBool::new(false),
            full: AtomicBool::new(false),
            committing: AtomicU64::new(0),
            open: Mutex::new(open),
        });
        let thread = Thread {
            txn: Txn::new(engine),
            shown: Arc::clone(&shown),
            folder,
            reserve,
            commit_seconds: metrics::store_commit_seconds(),
            batch_size: metrics::store_batch_size(),
            free_bytes: metrics::store_disk_free_bytes(),
        };
        let (ends, ended) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let _ends = ends;
                thread.run(writes);
            })
            .map_err(|error| StoreError::new(StoreErrorKind::Unavailable, error.to_string()))?;
        Ok(Self {
            queue: Some(queue),
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            shown,
            thread: Some(thread),
            ended: Mutex::new(ended),
            farewell: STALLED,
        })
    }

    /// Has a write evaluated in its turn and answers once its group is durable. `cost` is about its size in bytes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        need: Need,
        cost: usize,
        evaluate: impl FnOnce(&mut Txn) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let room = self.room_for(cost).await?;
        let (sender, answer) = oneshot::channel();
        let write = Write {
            need,
            cost,
            turn: Box::new(move |turn| {
                let result = turn.and_then(|txn| attempt(txn, evaluate));
                Box::new(move |committed| {
                    // The caller may have gone; the write stands all the same.
                    let _ = sender.send(result.and_then(|value| committed.map(|()| value)));
                })
            }),
            _room: room.permit,
        };
        self.send(write, room.until).await?;
        answer.await.unwrap_or_else(|_closed| {
            Err(StoreError::new(
                StoreErrorKind::Unknown,
                "the writer stopped before it answered",
            ))
        })
    }

    async fn room_for(&self, cost: usize) -> Result<Room, StoreError> {
        if self.shown.broken.load(Ordering::Acquire) {
            return Err(broken());
        }
        let until = tokio::time::Instant::now() + PATIENCE;
        let bytes = u32::try_from(cost.clamp(1, WAITING_BYTES)).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(&self.room).try_acquire_many_owned(bytes) {
            return Ok(Room { permit, until });
        }
        match timeout_at(until, Arc::clone(&self.room).acquire_many_owned(bytes)).await {
            Ok(Ok(permit)) => Ok(Room { permit, until }),
            Ok(Err(_closed)) => Err(broken()),
            Err(_elapsed) => Err(overloaded()),
        }
    }

    async fn send(&self, write: Write, until: tokio::time::Instant) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(broken)?;
        match queue.try_send(write) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(broken()),
            Err(mpsc::error::TrySendError::Full(write)) => match timeout_at(until, queue.reserve()).await {
                Ok(Ok(place)) => {
                    place.send(write);
                    Ok(())
                }
                Ok(Err(_closed)) => Err(broken()),
                Err(_elapsed) => Err(overloaded()),
            },
        }
    }

    /// The webhooks that wait to be applied, in order.
    pub(super) fn open_journal(&self) -> MutexGuard<'_, BTreeSet<JournalId>> {
        self.shown.open()
    }

    /// Bytes that may still wait.
    #[cfg(test)]
    pub(super) fn room_left(&self) -> usize {
        self.room.available_permits()
    }

    /// Whether writes can be taken now.
    pub(super) fn health(&self) -> Result<(), StoreError> {
        let alive = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        if self.shown.broken.load(Ordering::Acquire) || !alive {
            return Err(broken());
        }
        let began = self.shown.committing.load(Ordering::Acquire);
        let took = self
            .shown
            .started
            .elapsed()
            .saturating_sub(Duration::from_millis(began));
        if began > 0 && took > STALLED {
            let detail = format!("a commit has been under way for {} s", took.as_secs());
            return Err(StoreError::new(StoreErrorKind::Unavailable, detail));
        }
        if self.shown.full.load(Ordering::Acquire) {
            return Err(full());
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(self.farewell) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            tracing::error!("the disk hangs: what was not acknowledged is left behind");
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer ended with a panic");
        }
    }
}

/// Evaluates one write. Should it fail or panic, nothing of it stays: a panic must not end the only thread that writes.
fn attempt<T>(
    txn: &mut Txn,
    evaluate: impl FnOnce(&mut Txn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let result = catch_unwind(AssertUnwindSafe(|| evaluate(txn))).unwrap_or_else(|_panic| {
        Err(StoreError::new(
            StoreErrorKind::Corrupt,
            "evaluating the write panicked; nothing was written",
        ))
    });
    match &result {
        Ok(_) => txn.keep(),
        Err(_) => txn.undo(),
    }
    result
}

struct Room {
    permit: OwnedSemaphorePermit,
    until: tokio::time::Instant,
}

fn broken() -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        "a commit failed: the process must restart",
    )
}

fn overloaded() -> StoreError {
    StoreError::new(StoreErrorKind::Overloaded, "too much waits to be written").retry_after(PATIENCE)
}

fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "the disk is nearly full").retry_after(Duration::from_secs(30))
}

impl Shown {
    fn open(&self) -> MutexGuard<'_, BTreeSet<JournalId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}
