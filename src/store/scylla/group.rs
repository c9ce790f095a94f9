//! Webhooks that come while another is being written go together with the next request: the busier it is, the fewer
//! requests each of them costs. Tenants take turns, each in the order of arrival: whoever is flooded keeps nobody else waiting.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Semaphore, oneshot};

use super::ScyllaStore;
use super::gather::Line;
use super::keys;
use super::memory::Note;
use crate::domain::TenantId;
use crate::store::JournalEntry;
use crate::store::error::{StoreError, StoreErrorKind};

/// Webhooks taken at once.
const TOGETHER: usize = 64;
/// The same for each tenant where several wait: an answer comes the sooner the less goes with it.
const OF_ONE: usize = 8;
/// Bytes taken at once, unless one alone has more.
const BYTES: usize = 128 * 1_024;
/// How many may write at a time: while they wait, others gather.
const TURNS: usize = 2;
/// Seconds after which a minute is named again: three times as long it is not cut off.
const NAMED_FOR: u64 = 300;
/// The one partition of small lists.
const ONLY: i16 = 0;

type Answer = oneshot::Sender<Result<(), StoreError>>;

/// A webhook that waits to be written.
struct Waiting {
    entry: JournalEntry,
    answer: Answer,
}

fn answer(waiting: impl Iterator<Item = Answer>, how: &Result<(), StoreError>) {
    for waiting in waiting {
        // Whoever waited may have gone.
        let _ = waiting.send(how.clone());
    }
}

/// Those that wait, by tenant.
#[derive(Default)]
struct Queue {
    flows: HashMap<Option<TenantId>, VecDeque<Waiting>>,
    /// Tenants of which one waits, in turn.
    turns: VecDeque<Option<TenantId>>,
}

impl Queue {
    fn push(&mut self, owner: Option<TenantId>, waiting: Waiting) {
        let flow = self.flows.entry(owner).or_default();
        if flow.is_empty() {
            self.turns.push_back(owner);
        }
        flow.push_back(waiting);
    }

    fn front(&self) -> Option<&Waiting> {
        self.flows.get(self.turns.front()?)?.front()
    }

    fn pop(&mut self) -> Option<Waiting> {
        let owner = self.turns.pop_front()?;
        let flow = self.flows.get_mut(&owner)?;
        let next = flow.pop_front();
        if flow.is_empty() {
            self.flows.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        next
    }
}

/// Those that wait, and whose turn it is to write them.
pub(super) struct Group {
    queue: Mutex<Queue>,
    turns: Semaphore,
}

impl Group {
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            turns: Semaphore::new(TURNS),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(
        &self,
        entry: JournalEntry,
        owner: Option<TenantId>,
    ) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, answered) = oneshot::channel();
        self.queue().push(owner, Waiting { entry, answer });
        answered
    }

    /// The next to go together: those of one minute, and no more than one request takes.
    fn take(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        let owners = queue.turns.len();
        let most = if owners > 1 {
            TOGETHER.min(owners.saturating_mul(OF_ONE))
        } else {
            TOGETHER
        };
        let mut taken: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = queue.front() {
            let fits = match taken.first() {
                None => true,
                Some(first) => {
                    taken.len() < most
                        && bytes + next.entry.body.len() <= BYTES
                        && keys::minute(first.entry.id) == keys::minute(next.entry.id)
                }
            };
            if !fits {
                break;
            }
            bytes += next.entry.body.len();
            taken.extend(queue.pop());
        }
        taken
    }
}

impl ScyllaStore {
    /// Writes a webhook, alone or with others.
    ///
    /// Whoever has a turn writes for all who wait. Should it be dropped meanwhile, those it wrote for hear nothing, and
    /// write once more: the same row, so it does no harm.
    pub(super) async fn journal_put(
        &self,
        entry: JournalEntry,
        owner: Option<TenantId>,
    ) -> Result<(), StoreError> {
        loop {
            let mut answered = self.journal.join(entry.clone(), owner);
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
                self.put_together(taken).await;
            };
            if let Some(answer) = answer {
                return answer;
            }
        }
    }

    /// Writes those of one minute. Each is answered as soon as the request is that it went with.
    async fn put_together(&self, taken: Vec<Waiting>) {
        let Some(first) = taken.first() else { return };
        let minute = keys::minute(first.entry.id);
        if let Err(error) = self.name_minute(minute).await {
            return answer(taken.into_iter().map(|waiting| waiting.answer), &Err(error));
        }
        let statement = &self.book.rows.put_journal;
        let mut parts: BTreeMap<i16, Vec<(Line<'_>, Answer)>> = BTreeMap::new();
        for Waiting { entry, answer } in taken {
            let shard = keys::journal_shard(entry.id);
            let line = Line {
                statement,
                bytes: entry.body.len(),
                values: Box::new((
                    shard,
                    minute,
                    *entry.id.as_bytes(),
                    entry.received.as_millis(),
                    entry.body,
                    keys::journal_stamp(entry.id),
                )),
            };
            parts.entry(shard).or_default().push((line, answer));
        }
        let requests = self.link.bundle(parts.into_values().collect(), |(line, _)| line);
        let writes = requests.into_iter().map(|request| async move {
            let (lines, answers): (Vec<_>, Vec<_>) = request.into_iter().unzip();
            let mut written = self.link.write_together(&lines).await;
            if written.is_ok() {
                // It may have taken long, or the process stood still.
                written = self.name_minute(minute).await;
            }
            answer(answers.into_iter(), &written);
        });
        futures_util::future::join_all(writes).await;
    }

    /// Sees to it that a minute was named lately.
    async fn name_minute(&self, minute: i64) -> Result<(), StoreError> {
        let note = Note::Minute(minute, self.clock.monotonic().as_secs() / NAMED_FOR);
        if !self.memory.knows(&note) {
            self.link
                .write(&self.book.rows.put_minute, (ONLY, minute))
                .await?;
            self.memory.note(note);
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

    fn sizes(group: &Group) -> Vec<usize> {
        std::iter::from_fn(|| Some(group.take().len()).filter(|taken| *taken > 0)).collect()
    }

    #[test]
    fn no_request_grows_beyond_its_bounds() {
        let group = Group::new();
        let _answers: Vec<_> = (0..130).map(|_| group.join(entry(1, 10), None)).collect();
        assert_eq!(sizes(&group), [64, 64, 2]);
        let _answers: Vec<_> = (0..3).map(|_| group.join(entry(1, 60 * 1_024), None)).collect();
        assert_eq!(sizes(&group), [2, 1]);
        let _answers: Vec<_> = (0..2)
            .map(|_| group.join(entry(1, 3 * 1_024 * 1_024), None))
            .collect();
        assert_eq!(
            sizes(&group),
            [1, 1],
            "one that is larger than a request goes alone"
        );
    }

    #[test]
    fn each_minute_has_a_partition_of_its_own() {
        let group = Group::new();
        let _answers: Vec<_> = [59, 59, 60]
            .map(|second| group.join(entry(second, 10), None))
            .into();
        assert_eq!(sizes(&group), [2, 1]);
    }

    #[test]
    fn a_flood_keeps_nobody_else_waiting_and_each_goes_in_the_order_of_arrival() {
        let group = Group::new();
        let flooded = |n: usize| group.join(entry(1, n), Some(TenantId::new(1)));
        let _flood: Vec<_> = (0..200).map(flooded).collect();
        let other = |n: usize| group.join(entry(1, 1_000 + n), Some(TenantId::new(2)));
        let _others: Vec<_> = (0..3).map(other).collect();
        let taken: Vec<usize> = group
            .take()
            .iter()
            .map(|waiting| waiting.entry.body.len())
            .collect();
        let (others, flood): (Vec<_>, Vec<_>) = taken.into_iter().partition(|size| *size >= 1_000);
        assert_eq!(others, [1_000, 1_001, 1_002]);
        assert_eq!(flood, (0..13).collect::<Vec<_>>());
        assert_eq!(sizes(&group), [64, 64, 59], "alone it takes all there is");
    }
}
