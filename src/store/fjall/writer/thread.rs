//! The thread: what it takes together.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Answer, Need, Write};
use crate::store::fjall::engine::failed;
use crate::store::fjall::tally::Notes;
use crate::store::fjall::txn::Txn;
use crate::store::fjall::write_queue::{Condition, Measures, Placed, Space};

/// Writes made durable together, at most.
const GROUP_WRITES: usize = 2_048;
/// Bytes made durable together, at most about.
const GROUP_BYTES: usize = 1 << 20;

/// The writer's thread.
pub(super) struct Thread {
    pub(super) txn: Txn,
    pub(super) notes: Notes,
    pub(super) condition: Arc<Condition>,
    pub(super) measures: Measures,
}

/// Writes that were evaluated and wait for the commit.
#[derive(Default)]
struct Group {
    answers: Vec<Answer>,
    bytes: usize,
}

impl Group {
    fn has_room(&self) -> bool {
        self.answers.len() < GROUP_WRITES && self.bytes < GROUP_BYTES
    }
}

impl Thread {
    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Placed<Write>>) {
        while let Some(first) = queue.blocking_recv() {
            self.condition.look_at_disk();
            let mut group = Group::default();
            self.evaluate(first.write, &mut group);
            while group.has_room()
                && let Ok(next) = queue.try_recv()
            {
                self.evaluate(next.write, &mut group);
            }
            self.finish(group);
        }
    }

    fn evaluate(&mut self, write: Write, group: &mut Group) {
        let space = match write.need {
            Need::Durable => Space::Takes,
            Need::MakesRoom => Space::Makes,
        };
        if let Some(refusal) = self.condition.refusal(space) {
            let answer = (write.turn)(Err(refusal));
            return answer(Ok(()));
        }
        group.answers.push((write.turn)(Ok(&mut self.txn)));
        group.bytes += write.cost;
    }

    fn finish(&mut self, group: Group) {
        let (took, committed) = self
            .condition
            .commit(|| self.txn.commit().map_err(|error| failed(error).detail));
        self.measures.committed(took, group.answers.len());
        // Before anybody is told: what was acknowledged can be missed.
        let committed =
            committed.map(|tally| tally.into_iter().for_each(|tally| self.notes.committed(tally)));
        for answer in group.answers {
            answer(committed.clone());
        }
    }
}
