//! Ops of one flow in flight, so that one whose ledger is slow or stuck fills no more than its share of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How long an op waits for room. What finds none is applied again later.
pub(super) const ROOM: Duration = Duration::from_secs(2);

/// Ops that are not committed yet.
#[derive(Debug, Default)]
pub(super) struct InFlightOps {
    ops: AtomicUsize,
    freed: Notify,
}

/// One op's place. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place(Arc<InFlightOps>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.ops.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

impl InFlightOps {
    /// A place among at most so many, as soon as there is room; `None` when there is none for too long.
    pub(super) async fn place(self: &Arc<Self>, share: usize) -> Option<Place> {
        let until = Instant::now() + ROOM;
        loop {
            if self.ops.load(Ordering::Acquire) < share {
                self.ops.fetch_add(1, Ordering::AcqRel);
                return Some(Place(Arc::clone(self)));
            }
            timeout_at(until, self.freed.notified()).await.ok()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_waited_for_for_a_while_and_finds_room_when_some_is_freed() {
        let ops = Arc::new(InFlightOps::default());
        let began = Instant::now();
        let first = ops.place(2).await.unwrap();
        let _second = ops.place(2).await.unwrap();
        assert!(ops.place(2).await.is_none());
        assert_eq!(began.elapsed(), ROOM);
        let waiting = tokio::spawn({
            let ops = Arc::clone(&ops);
            async move { ops.place(2).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap().is_some());
        assert_eq!(began.elapsed(), ROOM);
    }
}
