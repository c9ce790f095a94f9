//! The thread: what it does first, and how much of it together.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fjall::PersistMode;
use tokio::sync::mpsc;

use super::{Answer, Need, Shown, Write, broken, full};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::fjall::disk;
use crate::store::fjall::txn::{JournalChange, Txn};
use crate::telemetry::metrics;

/// Writes made durable together, at most.
const GROUP_WRITES: usize = 2_048;
/// Bytes made durable together, at most about.
const GROUP_BYTES: usize = 1 << 20;
/// A commit that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);
/// While webhooks wait for their commit, other writes are evaluated no longer than about this.
const OTHERS: Duration = Duration::from_millis(1);

/// The writer's thread.
pub(super) struct Thread {
    pub(super) txn: Txn,
    pub(super) shown: Arc<Shown>,
    pub(super) folder: PathBuf,
    /// Bytes that must stay free on the disk.
    pub(super) reserve: u64,
    pub(super) commit_seconds: ::metrics::Histogram,
    pub(super) batch_size: ::metrics::Histogram,
    pub(super) free_bytes: ::metrics::Gauge,
}

/// Writes that were evaluated and wait for the commit.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    bytes: usize,
    sync: bool,
    /// Webhooks are among them.
    hurry: bool,
    /// How many are none.
    others: usize,
}

/// Writes whose turn has not come.
#[derive(Default)]
struct Waiting {
    webhooks: VecDeque<Write>,
    others: VecDeque<Write>,
}

impl Waiting {
    fn add(&mut self, write: Write) {
        match write.need {
            Need::Intake => self.webhooks.push_back(write),
            Need::Durable | Need::MakesRoom | Need::Lazy => self.others.push_back(write),
        }
    }

    /// Takes over what waits in the queue, whose bound on bytes goes on holding.
    fn fill(&mut self, queue: &mut mpsc::Receiver<Write>) {
        while let Ok(write) = queue.try_recv() {
            self.add(write);
        }
    }

    fn is_empty(&self) -> bool {
        self.webhooks.is_empty() && self.others.is_empty()
    }
}

impl Group {
    fn has_room(&self) -> bool {
        self.answers.len() < GROUP_WRITES && self.bytes < GROUP_BYTES
    }
}

impl Thread {
    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Write>) {
        let mut waiting = Waiting::default();
        loop {
            if waiting.is_empty() {
                let Some(first) = queue.blocking_recv() else {
                    return;
                };
                waiting.add(first);
            }
            waiting.fill(&mut queue);
            self.look_at_disk();
            let group = self.gather(&mut waiting, &mut queue);
            self.finish(group);
        }
    }

    /// Webhooks first, and of the others at least one: under a flood neither waits for the end of it.
    fn gather(&mut self, waiting: &mut Waiting, queue: &mut mpsc::Receiver<Write>) -> Group {
        let mut group = Group::default();
        let mut others_began = None;
        while group.has_room() {
            if let Some(webhook) = waiting.webhooks.pop_front() {
                self.evaluate(webhook, &mut group);
                group.hurry = true;
                continue;
            }
            let began = *others_began.get_or_insert_with(Instant::now);
            let enough = group.hurry && group.others > 0 && began.elapsed() >= OTHERS;
            let Some(other) = (!enough).then(|| waiting.others.pop_front()).flatten() else {
                break;
            };
            self.evaluate(other, &mut group);
            group.others += 1;
            waiting.fill(queue);
        }
        group
    }

    fn look_at_disk(&self) {
        let free = disk::free_bytes(&self.folder);
        if let Some(free) = free {
            self.free_bytes.set(metrics::number(free));
        }
        let low = free.is_some_and(|free| free < self.reserve);
        if self.shown.full.swap(low, Ordering::AcqRel) != low {
            if low {
                tracing::error!("the disk is nearly full: writes are refused");
            } else {
                tracing::info!("the disk has room again");
            }
        }
    }

    fn evaluate(&mut self, write: Write, group: &mut Group) {
        let refusal = if self.shown.broken.load(Ordering::Acquire) {
            Some(broken())
        } else if write.need != Need::MakesRoom && self.shown.full.load(Ordering::Acquire) {
            Some(full())
        } else {
            None
        };
        if let Some(refusal) = refusal {
            let answer = (write.turn)(Err(refusal));
            return answer(Ok(()));
        }
        group.answers.push((write.turn)(Ok(&mut self.txn)));
        group.bytes += write.cost;
        group.sync |= write.need != Need::Lazy;
    }

    fn finish(&mut self, group: Group) {
        let mode = if group.sync {
            PersistMode::SyncData
        } else {
            PersistMode::Buffer
        };
        self.shown
            .committing
            .store(self.shown.now_ms(), Ordering::Release);
        let began = Instant::now();
        let committed = self.txn.commit(mode);
        let took = began.elapsed();
        self.shown.committing.store(0, Ordering::Release);
        self.commit_seconds.record(took.as_secs_f64());
        let writes = u64::try_from(group.answers.len()).unwrap_or(u64::MAX);
        self.batch_size.record(metrics::number(writes));
        if took > SLOW {
            tracing::warn!(took_ms = took.as_millis(), "a commit was slow");
        }
        let result = match committed {
            Ok(changes) => {
                self.publish(changes);
                Ok(())
            }
            Err(error) => {
                self.shown.broken.store(true, Ordering::Release);
                tracing::error!(%error, "a commit failed: nothing is written any more until the process restarts");
                Err(StoreError::new(StoreErrorKind::Unknown, error.to_string()))
            }
        };
        for answer in group.answers {
            answer(result.clone());
        }
    }

    fn publish(&self, changes: Vec<JournalChange>) {
        if changes.is_empty() {
            return;
        }
        let mut open = self.shown.open();
        for change in changes {
            match change {
                JournalChange::Opened(id) => open.insert(id),
                JournalChange::Closed(id) => open.remove(&id),
            };
        }
    }
}
