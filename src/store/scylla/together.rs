//! Asking once for what many ask for at the same moment: the page of a conversation that a whole team looks at.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::OnceCell;

/// Questions that are being answered.
#[derive(Debug)]
pub(super) struct Together<K, V> {
    under_way: Mutex<HashMap<K, Weak<OnceCell<V>>>>,
}

impl<K: Eq + Hash + Clone, V: Clone> Together<K, V> {
    pub(super) fn new() -> Self {
        Self {
            under_way: Mutex::new(HashMap::new()),
        }
    }

    fn questions(&self) -> MutexGuard<'_, HashMap<K, Weak<OnceCell<V>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question: from whoever asks it already, or by asking. Should the one who asks be dropped, another
    /// who waits asks instead. An answer is given to those alone who asked before everybody had it.
    pub(super) async fn ask(&self, key: K, answer: impl Future<Output = V>) -> V {
        let cell = {
            let mut questions = self.questions();
            let there = questions.get(&key).and_then(Weak::upgrade);
            there.unwrap_or_else(|| {
                let cell = Arc::new(OnceCell::new());
                // Whoever was dropped while it asked left its question.
                questions.retain(|_, cell| cell.strong_count() > 0);
                questions.insert(key.clone(), Arc::downgrade(&cell));
                cell
            })
        };
        let value = cell.get_or_init(|| answer).await.clone();
        drop(cell);
        let mut questions = self.questions();
        if questions.get(&key).is_some_and(|cell| cell.strong_count() == 0) {
            questions.remove(&key);
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
        let together = Together::new();
        let asked = AtomicUsize::new(0);
        let gate = tokio::sync::Semaphore::new(0);
        let answer = || async {
            let nth = asked.fetch_add(1, Ordering::SeqCst);
            let _open = gate.acquire().await.unwrap();
            nth
        };
        let all = futures_util::future::join_all((0..20).map(|_| together.ask("page", answer())));
        let (answers, ()) = futures_util::future::join(all, async { gate.add_permits(1) }).await;
        assert_eq!(answers, vec![0; 20]);
        assert_eq!(
            together.ask("page", answer()).await,
            1,
            "a later question is asked anew"
        );
        assert!(together.questions().is_empty());
    }

    #[tokio::test]
    async fn who_waits_asks_when_the_one_who_asked_is_gone() {
        let together: Together<&str, usize> = Together::new();
        let never = together.ask("page", std::future::pending());
        let mut never = Box::pin(never);
        assert!(futures_util::poll!(&mut never).is_pending());
        let mut second = Box::pin(together.ask("page", async { 2 }));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(never);
        assert_eq!(second.await, 2);
    }

    #[tokio::test]
    async fn questions_of_those_who_are_gone_are_forgotten() {
        let together: Together<usize, usize> = Together::new();
        for n in 0..9 {
            let mut never = Box::pin(together.ask(n, std::future::pending()));
            assert!(futures_util::poll!(&mut never).is_pending());
        }
        assert_eq!(together.questions().len(), 1);
    }
}
