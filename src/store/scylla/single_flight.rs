//! Single flight: one read for all who ask for the same at the same moment: the page of a conversation that a whole team looks at.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::OnceCell;

/// Reads in flight.
#[derive(Debug)]
pub(super) struct SingleFlight<K, V> {
    reads: Mutex<HashMap<K, Weak<OnceCell<V>>>>,
}

impl<K: Eq + Hash + Clone, V: Clone> SingleFlight<K, V> {
    pub(super) fn new() -> Self {
        Self {
            reads: Mutex::new(HashMap::new()),
        }
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<K, Weak<OnceCell<V>>>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value: of the read in flight for this key, or of a read of its own. Should the one who asks be dropped, another
    /// who waits reads instead. Only those who asked before it ended get its value.
    pub(super) async fn ask(&self, key: K, answer: impl Future<Output = V>) -> V {
        let cell = {
            let mut in_flight = self.in_flight();
            let there = in_flight.get(&key).and_then(Weak::upgrade);
            there.unwrap_or_else(|| {
                let cell = Arc::new(OnceCell::new());
                // A read that was dropped leaves its key.
                in_flight.retain(|_, cell| cell.strong_count() > 0);
                in_flight.insert(key.clone(), Arc::downgrade(&cell));
                cell
            })
        };
        let value = cell.get_or_init(|| answer).await.clone();
        drop(cell);
        let mut in_flight = self.in_flight();
        if in_flight.get(&key).is_some_and(|cell| cell.strong_count() == 0) {
            in_flight.remove(&key);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_many_ask_at_once_is_asked_once() {
        let flight = SingleFlight::new();
        let asked = AtomicUsize::new(0);
        let gate = tokio::sync::Semaphore::new(0);
        let answer = || async {
            let nth = asked.fetch_add(1, Ordering::SeqCst);
            let _open = gate.acquire().await.unwrap();
            nth
        };
        let all = futures_util::future::join_all((0..20).map(|_| flight.ask("page", answer())));
        let (answers, ()) = futures_util::future::join(all, async { gate.add_permits(1) }).await;
        assert_eq!(answers, vec![0; 20]);
        assert_eq!(flight.ask("page", answer()).await, 1, "a later one reads anew");
        assert!(flight.in_flight().is_empty());
    }

    #[tokio::test]
    async fn who_waits_asks_when_the_one_who_asked_is_gone() {
        let flight: SingleFlight<&str, usize> = SingleFlight::new();
        let never = flight.ask("page", std::future::pending());
        let mut never = Box::pin(never);
        assert!(futures_util::poll!(&mut never).is_pending());
        let mut second = Box::pin(flight.ask("page", async { 2 }));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(never);
        assert_eq!(second.await, 2);
    }

    #[tokio::test]
    async fn questions_of_those_who_are_gone_are_forgotten() {
        let flight: SingleFlight<usize, usize> = SingleFlight::new();
        for n in 0..9 {
            let mut never = Box::pin(flight.ask(n, std::future::pending()));
            assert!(futures_util::poll!(&mut never).is_pending());
        }
        assert_eq!(flight.in_flight().len(), 1);
    }
}
