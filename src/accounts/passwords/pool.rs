//! Bounds what is computed at a time and what may wait for it. Each has a thread of its own: that costs a thousandth of a hash.

use std::sync::Arc;
use std::time::Duration;

use thread_priority::ThreadPriority;
use thread_priority::unix::{
    NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::{Semaphore, oneshot};

use super::PasswordError;
use crate::telemetry::metrics;

/// How many may wait. At 12 ms a hash and two at a time, the last of them waits half a second.
pub(super) const WAITING: usize = 64;
/// How long one waits at most; whoever signs in has lost patience by then.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Which other threads a pool's threads give way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yields {
    /// None more than any thread does.
    ToNone,
    /// All others (`SCHED_IDLE`, sched(7)): a flood of wrong passwords must not make messages wait for a processor.
    ToAll,
}

impl Yields {
    fn apply(self) {
        if self == Self::ToNone {
            return;
        }
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        // A sandbox may forbid it: then hashes compete as all threads do.
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
            tracing::debug!(?error, "passwords are hashed at the usual priority");
        }
    }
}

/// Runs work, a few at a time.
#[derive(Debug)]
pub(super) struct Pool {
    /// One for each that runs.
    turns: Arc<Semaphore>,
    /// One for each that runs or waits.
    places: Arc<Semaphore>,
    yields: Yields,
}

impl Pool {
    /// So many at a time, at least one.
    pub(super) fn new(at_a_time: usize, yields: Yields) -> Self {
        let at_a_time = at_a_time.max(1);
        Self {
            turns: Arc::new(Semaphore::new(at_a_time)),
            places: Arc::new(Semaphore::new(at_a_time.saturating_add(WAITING))),
            yields,
        }
    }

    /// Runs it when its turn comes. Work that has begun is never given up, and keeps its turn also when nobody waits for it any more:
    /// whoever hangs up early must not get more than one at a time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_full| PasswordError::Busy)?;
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_late| PasswordError::Busy)?
            .map_err(|_closed| PasswordError::Broken("the pool is closed".to_owned()))?;
        let (sender, computed) = oneshot::channel();
        let yields = self.yields;
        let thread = std::thread::Builder::new().name("password-hash".to_owned());
        let begun = thread.spawn(move || {
            yields.apply();
            let _in_flight = InFlight::begin();
            let result = work();
            drop((turn, place));
            // Whoever asked may have gone.
            let _ = sender.send(result);
        });
        begun.map_err(|error| PasswordError::Broken(error.to_string()))?;
        computed
            .await
            .map_err(|_gone| PasswordError::Broken("it panicked".to_owned()))
    }
}

/// One hash that is being computed, for as long as this lives.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        metrics::password_hashes_in_flight().increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::password_hashes_in_flight().decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Work that stands still until the gate opens, and knows how many run beside it.
    struct Gate {
        closed: Mutex<Option<Sender<()>>>,
        opens: Arc<Mutex<Receiver<()>>>,
        running: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        began: tokio::sync::mpsc::Sender<()>,
    }

    impl Gate {
        fn new() -> (Self, tokio::sync::mpsc::Receiver<()>) {
            let (closed, opens) = channel();
            let (began, beginnings) = tokio::sync::mpsc::channel(256);
            let gate = Self {
                closed: Mutex::new(Some(closed)),
                opens: Arc::new(Mutex::new(opens)),
                running: Arc::default(),
                most: Arc::default(),
                began,
            };
            (gate, beginnings)
        }

        fn work(&self) -> impl FnOnce() + Send + 'static {
            let (opens, running, most) = (
                Arc::clone(&self.opens),
                Arc::clone(&self.running),
                Arc::clone(&self.most),
            );
            let began = self.began.clone();
            move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                began.try_send(()).unwrap();
                // An error is how it opens: the sender is gone.
                let _ = opens.lock().unwrap().recv();
                running.fetch_sub(1, Ordering::SeqCst);
            }
        }

        fn open(&self) {
            drop(self.closed.lock().unwrap().take());
        }
    }

    /// Lets the other tasks run until so many places are left.
    async fn settle(pool: &Pool, left: usize) {
        for _ in 0..10_000 {
            if pool.places.available_permits() == left {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{} places are left", pool.places.available_permits());
    }

    #[tokio::test]
    async fn a_few_run_at_a_time_some_wait_and_the_rest_is_refused() {
        let pool = Arc::new(Pool::new(2, Yields::ToNone));
        let (gate, mut began) = Gate::new();
        let start = |count: usize| {
            (0..count)
                .map(|_| {
                    let (pool, work) = (Arc::clone(&pool), gate.work());
                    tokio::spawn(async move { pool.run(work).await })
                })
                .collect::<Vec<_>>()
        };
        let admitted = start(2 + WAITING);
        began.recv().await.unwrap();
        began.recv().await.unwrap();
        settle(&pool, 0).await;
        for refused in start(3) {
            assert_eq!(refused.await.unwrap(), Err(PasswordError::Busy));
        }
        gate.open();
        for admitted in admitted {
            assert_eq!(admitted.await.unwrap(), Ok(()));
        }
        assert_eq!(gate.most.load(Ordering::SeqCst), 2);
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn who_waits_too_long_is_refused_and_gives_the_place_back() {
        let pool = Arc::new(Pool::new(1, Yields::ToNone));
        let (gate, mut began) = Gate::new();
        let first = {
            let (pool, work) = (Arc::clone(&pool), gate.work());
            tokio::spawn(async move { pool.run(work).await })
        };
        began.recv().await.unwrap();
        let second = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(|| ()).await })
        };
        settle(&pool, WAITING - 1).await;
        tokio::time::pause();
        tokio::time::advance(PATIENCE).await;
        assert_eq!(second.await.unwrap(), Err(PasswordError::Busy));
        assert_eq!(pool.places.available_permits(), WAITING);
        gate.open();
        assert_eq!(first.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_turn() {
        let pool = Arc::new(Pool::new(1, Yields::ToNone));
        let (gate, mut began) = Gate::new();
        let given_up = {
            let (pool, work) = (Arc::clone(&pool), gate.work());
            tokio::spawn(async move { pool.run(work).await })
        };
        began.recv().await.unwrap();
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        assert_eq!(pool.turns.available_permits(), 0);
        gate.open();
        assert_eq!(pool.run(|| 7).await, Ok(7));
        assert_eq!(gate.most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_takes_no_place_with_it() {
        let pool = Pool::new(1, Yields::ToNone);
        for _ in 0..WAITING + 2 {
            let result = pool.run(|| -> () { panic!("made to fail") }).await;
            assert_eq!(result, Err(PasswordError::Broken("it panicked".to_owned())));
        }
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    /// What the kernel says of the thread that asks.
    fn policy() -> ThreadSchedulePolicy {
        thread_priority::unix::thread_schedule_policy().unwrap()
    }

    #[tokio::test]
    async fn hashes_of_strangers_give_way_to_all_other_threads() {
        let normal = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let strangers = Pool::new(1, Yields::ToAll);
        assert_eq!(strangers.run(policy).await, Ok(idle));
        let familiar = Pool::new(1, Yields::ToNone);
        assert_eq!(familiar.run(policy).await, Ok(normal));
        assert_eq!(policy(), normal);
    }
}
