//! Webhooks that come while another is being written go together with the next request: the busier it is, the fewer
//! requests each of them costs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Semaphore, oneshot};

use super::ScyllaStore;
use super::keys;
use super::partitions::BoundStatement;
use super::row_cache::Note;
use crate::store::JournalEntry;
use crate::store::error::{StoreError, StoreErrorKind};

/// Webhooks taken at once.
const TOGETHER: usize = 64;
/// Bytes taken at once, unless one alone has more.
const BYTES: usize = 128 * 1_024;
/// How many may write at a time: while they wait, others gather.
const TURNS: usize = 2;
/// Seconds after which a minute is named again: three times as long it is not cut off.
const NAMED_FOR: u64 = 300;
/// The one partition of small lists.
const ONLY: i16 = 0;

/// A webhook that waits to be written.
struct Waiting {
    entry: JournalEntry,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// Those that wait.
pub(super) struct GroupCommit {
    queue: Mutex<VecDeque<Waiting>>,
    turns: Semaphore,
}

impl GroupCommit {
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            turns: Semaphore::new(TURNS),
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, entry: JournalEntry) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.queue().push_back(Waiting { entry, answer });
        answered
    }

    /// The next to go together: those of one minute, and no more than one request takes.
    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        let mut taken: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.front() {
            let fits = match taken.first() {
                None => true,
                Some(first) => {
                    taken.len() < TOGETHER
                        && bytes + next.entry.body.len() <= BYTES
                        && keys::minute(first.entry.id) == keys::minute(next.entry.id)
                }
            };
            if !fits {
                break;
            }
            bytes += next.entry.body.len();
            taken.extend(queue.pop_front());
        }
        taken
    }
}

impl ScyllaStore {
    /// Writes a webhook, alone or with others.
    ///
    /// Whoever has a turn writes for all who wait. Should it be dropped meanwhile, those it wrote for hear nothing, and
    /// write once more: the same row, so it does no harm.
    pub(super) async fn journal_put(&self, entry: JournalEntry) -> Result<(), StoreError> {
        loop {
            let mut answered = self.journal.join(entry.clone());
            let turn = tokio::select! {
                biased;
                answer = &mut answered => match answer {
                    Ok(answer) => return answer,
                    Err(_gone) => continue,
                },
                turn = self.journal.turns.acquire() => turn.map_err(|_closed| {
                    StoreError::new(StoreErrorKind::Unavailable, "the journal is closed")
                })?,
            };
            let answer = loop {
                match answered.try_recv() {
                    Ok(answer) => break Some(answer),
                    Err(TryRecvError::Closed) => break None,
                    Err(TryRecvError::Empty) => {}
                }
                let taken = self.journal.take();
                if taken.is_empty() {
                    // Somebody else has it in hand.
                    drop(turn);
                    break answered.await.ok();
                }
                let answer = self.put_together(&taken).await;
                for waiting in taken {
                    // Whoever waited may have gone.
                    let _ = waiting.answer.send(answer.clone());
                }
            };
            if let Some(answer) = answer {
                return answer;
            }
        }
    }

    async fn put_together(&self, taken: &[Waiting]) -> Result<(), StoreError> {
        let Some(first) = taken.first() else {
            return Ok(());
        };
        let rows = &self.book.rows;
        let minute = keys::minute(first.entry.id);
        self.name_minute(minute).await?;
        let mut parts: BTreeMap<i16, Vec<BoundStatement<'_>>> = BTreeMap::new();
        for Waiting { entry, .. } in taken {
            let shard = keys::journal_shard(entry.id);
            let values = (
                shard,
                minute,
                entry.id.as_bytes(),
                entry.received.as_millis(),
                entry.body.as_ref(),
                keys::journal_stamp(entry.id),
            );
            parts.entry(shard).or_default().push(BoundStatement {
                statement: &rows.put_journal,
                values: Box::new(values),
                bytes: entry.body.len(),
            });
        }
        let requests = self.link.request_batches(parts.into_values().collect());
        let writes = requests.iter().map(|lines| self.link.write_together(lines));
        let written = futures_util::future::join_all(writes).await;
        let none_is = written
            .iter()
            .all(|one| matches!(one, Err(error) if error.kind != StoreErrorKind::Unknown));
        if let Some(error) = written.into_iter().find_map(Result::err) {
            return Err(if none_is { error } else { error.into_unknown() });
        }
        // It may have taken long, or the process stood still.
        self.name_minute(minute).await.map_err(StoreError::into_unknown)
    }

    /// Sees to it that a minute was named lately.
    async fn name_minute(&self, minute: i64) -> Result<(), StoreError> {
        let note = Note::Minute(minute, self.clock.monotonic().as_secs() / NAMED_FOR);
        if !self.row_cache.knows(&note) {
            self.link
                .write(&self.book.rows.put_minute, (ONLY, minute))
                .await?;
            self.row_cache.note(note);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::{JournalId, Timestamp};

    fn entry(second: i64, bytes: usize) -> JournalEntry {
        let [_, _, ms @ ..] = (second * 1_000).to_be_bytes();
        let mut id = [0; 16];
        id[..6].copy_from_slice(&ms);
        JournalEntry {
            id: JournalId::from_bytes(id),
            received: Timestamp::from_millis(second * 1_000),
            body: Bytes::from(vec![0; bytes]),
        }
    }

    fn sizes(group: &GroupCommit) -> Vec<usize> {
        std::iter::from_fn(|| Some(group.take().len()).filter(|taken| *taken > 0)).collect()
    }

    #[test]
    fn no_request_grows_beyond_its_bounds() {
        let group = GroupCommit::new();
        let _answers: Vec<_> = (0..130).map(|_| group.join(entry(1, 10))).collect();
        assert_eq!(sizes(&group), [64, 64, 2]);
        let _answers: Vec<_> = (0..3).map(|_| group.join(entry(1, 60 * 1_024))).collect();
        assert_eq!(sizes(&group), [2, 1]);
        let _answers: Vec<_> = (0..2).map(|_| group.join(entry(1, 3 * 1_024 * 1_024))).collect();
        assert_eq!(
            sizes(&group),
            [1, 1],
            "one that is larger than a request goes alone"
        );
    }

    #[test]
    fn each_minute_has_a_partition_of_its_own() {
        let group = GroupCommit::new();
        let _answers: Vec<_> = [59, 59, 60].map(|second| group.join(entry(second, 10))).into();
        assert_eq!(sizes(&group), [2, 1]);
    }
}
