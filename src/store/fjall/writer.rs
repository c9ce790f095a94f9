//! One thread owns all writing to the engine: it takes what waits, evaluates it in order, and makes it durable together.
//!
//! There is no timer: while one group is being synced, the next one gathers.

mod thread;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::engine::Engine;
use super::tally::{Notes, Tally};
use super::txn::Txn;
use super::write_queue::{Condition, Measures, WriteQueue, unanswered};
use crate::store::error::{StoreError, StoreErrorKind};
use thread::Thread;

/// What a write needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Durable before it is answered; refused when the disk is nearly full.
    Durable,
    /// Durable before it is answered; makes room, so that it is let through on a disk that is nearly full.
    MakesRoom,
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A write and its caller: what is done when its turn comes, or is refused, and what is answered after the commit.
type Turn = Box<dyn FnOnce(Result<&mut Txn, StoreError>) -> Answer + Send>;

pub(super) struct Write {
    need: Need,
    cost: usize,
    turn: Turn,
}

/// The way to the writer's thread.
pub(super) struct Writer {
    pub(super) queue: WriteQueue<Write>,
}

impl Writer {
    /// Starts the thread on what the folder holds.
    pub(super) fn start(
        engine: Engine,
        tally: Tally,
        notes: Notes,
        condition: Arc<Condition>,
    ) -> Result<Self, StoreError> {
        let thread = Thread {
            txn: Txn::new(engine, tally),
            notes,
            condition: Arc::clone(&condition),
            measures: Measures::default(),
        };
        let queue = WriteQueue::start("store-writer", condition, move |writes| thread.run(writes))?;
        Ok(Self { queue })
    }

    /// Has a write evaluated in its turn and answers once its group is durable. `cost` is about its size in bytes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        need: Need,
        cost: usize,
        evaluate: impl FnOnce(&mut Txn) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
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
        };
        self.queue.put(cost, write).await?;
        answer.await.unwrap_or_else(|_closed| Err(unanswered()))
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
