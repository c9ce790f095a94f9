//! A thread that owns a file's writing, and the bounded way to it.
//!
//! What waits is bounded in number and in bytes: whoever finds no room within a second is told so. After a failed commit
//! nobody knows what the disk holds, so the thread never writes again and the process is expected to end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout_at;

use super::disk;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::telemetry::metrics;

/// Writes that may wait.
const WAITING_WRITES: usize = 4_096;
/// Bytes that may wait.
const WAITING_BYTES: usize = 8 << 20;
/// How long a caller waits for room before it is told that there is none.
const PATIENCE: Duration = Duration::from_secs(1);
/// A commit that takes longer means that the engine or the disk is stuck: nobody waits for it any more, nor does the end.
const STALLED: Duration = Duration::from_secs(10);
/// A commit that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

/// A write that waits, with the room that it takes.
pub(super) struct Placed<W> {
    pub(super) write: W,
    _room: OwnedSemaphorePermit,
}

/// The way to the thread. Dropping it waits for what is under way, though not for a disk that hangs.
pub(super) struct WriteQueue<W> {
    queue: Option<mpsc::Sender<Placed<W>>>,
    room: Arc<Semaphore>,
    pub(super) condition: Arc<Condition>,
    thread: Option<JoinHandle<()>>,
    /// Closes when the thread has ended.
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
    /// How long the drop waits for that.
    pub(super) farewell: Duration,
}

impl<W: Send + 'static> WriteQueue<W> {
    /// Starts the thread, which runs until the queue is closed and empty.
    pub(super) fn start(
        name: &str,
        condition: Arc<Condition>,
        run: impl FnOnce(mpsc::Receiver<Placed<W>>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (queue, writes) = mpsc::channel(WAITING_WRITES);
        let (ends, ended) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _ends = ends;
                run(writes);
            })
            .map_err(|error| StoreError::new(StoreErrorKind::Unavailable, error.to_string()))?;
        Ok(Self {
            queue: Some(queue),
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            condition,
            thread: Some(thread),
            ended: Mutex::new(ended),
            farewell: STALLED,
        })
    }

    /// Puts a write in line. `cost` is about its size in bytes.
    pub(super) async fn put(&self, cost: usize, write: W) -> Result<(), StoreError> {
        if self.condition.is_broken() {
            return Err(broken());
        }
        let until = tokio::time::Instant::now() + PATIENCE;
        let bytes = u32::try_from(cost.clamp(1, WAITING_BYTES)).unwrap_or(u32::MAX);
        let room = match Arc::clone(&self.room).try_acquire_many_owned(bytes) {
            Ok(room) => room,
            Err(_none) => match timeout_at(until, Arc::clone(&self.room).acquire_many_owned(bytes)).await {
                Ok(Ok(room)) => room,
                Ok(Err(_closed)) => return Err(broken()),
                Err(_elapsed) => return Err(overloaded()),
            },
        };
        let placed = Placed { write, _room: room };
        let queue = self.queue.as_ref().ok_or_else(broken)?;
        match queue.try_send(placed) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(broken()),
            Err(mpsc::error::TrySendError::Full(placed)) => match timeout_at(until, queue.reserve()).await {
                Ok(Ok(place)) => {
                    place.send(placed);
                    Ok(())
                }
                Ok(Err(_closed)) => Err(broken()),
                Err(_elapsed) => Err(overloaded()),
            },
        }
    }

    /// Whether writes can be taken now.
    pub(super) fn health(&self) -> Result<(), StoreError> {
        let alive = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        if !alive {
            return Err(broken());
        }
        self.condition.health()
    }

    /// Bytes that may still wait.
    #[cfg(test)]
    pub(super) fn room_left(&self) -> usize {
        self.room.available_permits()
    }
}

impl<W> Drop for WriteQueue<W> {
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
            tracing::error!("a thread of the store ended with a panic");
        }
    }
}

/// How a thread and its disk are, for others to see.
pub(super) struct Condition {
    folder: PathBuf,
    /// Bytes that must stay free on the disk.
    reserve: u64,
    started: Instant,
    broken: AtomicBool,
    full: AtomicBool,
    /// Bytes that were free when last looked.
    free: AtomicU64,
    /// Milliseconds after `started` at which the commit under way began; 0 when none is.
    committing: AtomicU64,
    free_bytes: ::metrics::Gauge,
    /// Commits fail as they do when the disk does.
    #[cfg(test)]
    pub(super) disk_fails: AtomicBool,
}

impl Condition {
    /// All well. Writes are refused while less than `reserve` bytes are free on the disk that holds `folder`.
    pub(super) fn new(folder: &Path, reserve: u64) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.to_owned(),
            reserve,
            started: Instant::now(),
            broken: AtomicBool::new(false),
            full: AtomicBool::new(false),
            free: AtomicU64::new(0),
            committing: AtomicU64::new(0),
            free_bytes: metrics::store_disk_free_bytes(),
            #[cfg(test)]
            disk_fails: AtomicBool::new(false),
        })
    }

    /// A commit failed before.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Why a write is refused now, if it is.
    pub(super) fn refusal(&self, needs: Space) -> Option<StoreError> {
        if self.is_broken() {
            return Some(broken());
        }
        let is_full = needs == Space::Takes && self.full.load(Ordering::Acquire);
        is_full.then(|| full(self.free.load(Ordering::Relaxed), self.reserve))
    }

    /// Looks how much room the disk has.
    pub(super) fn look_at_disk(&self) {
        let free = disk::free_bytes(&self.folder);
        if let Some(free) = free {
            self.free.store(free, Ordering::Relaxed);
            self.free_bytes.set(metrics::number(free));
        }
        let low = free.is_some_and(|free| free < self.reserve);
        if self.full.swap(low, Ordering::AcqRel) != low {
            if low {
                tracing::error!(
                    folder = %self.folder.display(),
                    free_mib = free.unwrap_or_default() >> 20,
                    needed_mib = self.reserve >> 20,
                    "the disk is nearly full: writes are refused until there is room"
                );
            } else {
                tracing::info!("the disk has room again");
            }
        }
    }

    /// Commits, with others seeing how long it takes. A failure is the last commit: what came behind a region that was not
    /// written wholly could not be told from it by the next start, and would be cut away with it.
    pub(super) fn commit<T, E: std::fmt::Display>(
        &self,
        commit: impl FnOnce() -> Result<T, E>,
    ) -> (Duration, Result<T, StoreError>) {
        if self.is_broken() {
            return (Duration::ZERO, Err(broken()));
        }
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.committing.store(since.max(1), Ordering::Release);
        let began = Instant::now();
        let committed = match self.fails() {
            None => commit().map_err(|error| error.to_string()),
            Some(error) => Err(error),
        };
        let took = began.elapsed();
        self.committing.store(0, Ordering::Release);
        if took > SLOW {
            tracing::warn!(
                took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "a commit was slow"
            );
        }
        let committed = committed.map_err(|error| {
            self.broken.store(true, Ordering::Release);
            let folder = self.folder.display();
            tracing::error!(%folder, %error, "a commit failed: nothing is written any more until the process restarts");
            StoreError::new(StoreErrorKind::Unknown, error)
        });
        (took, committed)
    }

    #[cfg(test)]
    fn fails(&self) -> Option<String> {
        let fails = self.disk_fails.load(Ordering::Acquire);
        fails.then(|| "for the test".to_owned())
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests ask it")]
    const fn fails(&self) -> Option<String> {
        None
    }

    fn health(&self) -> Result<(), StoreError> {
        if self.is_broken() {
            return Err(broken());
        }
        let began = self.committing.load(Ordering::Acquire);
        let took = self
            .started
            .elapsed()
            .saturating_sub(Duration::from_millis(began));
        if began > 0 && took > STALLED {
            let detail = format!("a commit has been under way for {} s", took.as_secs());
            return Err(StoreError::new(StoreErrorKind::Unavailable, detail));
        }
        if self.full.load(Ordering::Acquire) {
            return Err(full(self.free.load(Ordering::Relaxed), self.reserve));
        }
        Ok(())
    }
}

/// What a write does to the room on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// It takes some: refused when the disk is nearly full.
    Takes,
    /// It makes some in the end: let through on a disk that is nearly full.
    Makes,
}

/// What a caller is told whose answer never came.
pub(super) fn unanswered() -> StoreError {
    StoreError::new(StoreErrorKind::Unknown, "the writer stopped before it answered")
}

/// Counts what became durable together, and how long that took.
pub(super) struct Measures {
    commit_seconds: ::metrics::Histogram,
    batch_size: ::metrics::Histogram,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            commit_seconds: metrics::store_commit_seconds(),
            batch_size: metrics::store_batch_size(),
        }
    }
}

impl Measures {
    /// One commit.
    pub(super) fn committed(&self, took: Duration, writes: usize) {
        self.commit_seconds.record(took.as_secs_f64());
        let writes = u64::try_from(writes).unwrap_or(u64::MAX);
        self.batch_size.record(metrics::number(writes));
    }
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

fn full(free: u64, reserve: u64) -> StoreError {
    let told = format!(
        "the disk is nearly full: {} MiB are free, and {} MiB must be before anything is written",
        free >> 20,
        reserve >> 20
    );
    StoreError::new(StoreErrorKind::Full, told).retry_after(Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_still_wants_to_write_after_a_failed_commit_does_not() {
        let condition = Condition::new(Path::new("/"), 0);
        let (_, failed) = condition.commit(|| Err::<(), _>("torn"));
        assert_eq!(failed.unwrap_err().kind, StoreErrorKind::Unknown);
        let mut written = false;
        let (_, refused) = condition.commit(|| {
            written = true;
            Ok::<(), String>(())
        });
        assert_eq!(refused.unwrap_err().kind, StoreErrorKind::Unavailable);
        assert!(!written, "something stands behind the broken region");
    }
}
