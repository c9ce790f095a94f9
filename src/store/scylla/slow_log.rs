//! The log of slow requests: a line once in a while, however many there are. A cluster that is slow is so for all that is asked.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A request that takes longer is told of in the log.
const SLOW: Duration = Duration::from_secs(1);
/// Not more often than this.
const TOLD_EACH: Duration = Duration::from_secs(1);

/// Slow answers that were not told of yet.
#[derive(Debug, Default)]
pub(super) struct SlowLog(Mutex<Untold>);

#[derive(Debug, Default)]
struct Untold {
    last: Option<Instant>,
    count: u64,
}

impl Untold {
    /// One more, at this time; how many there were, if it is time to tell.
    fn one_more(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < TOLD_EACH)
        {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

impl SlowLog {
    /// Waits for an answer, and tells of it when that took long.
    pub(super) async fn watch<T, E>(
        &self,
        name: &str,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let answer = answer.await;
        let now = Instant::now();
        let took = now.saturating_duration_since(began);
        if took > SLOW {
            let mut untold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = untold.one_more(now) {
                drop(untold);
                tracing::warn!(
                    statement = name,
                    ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    failed = answer.is_err(),
                    count,
                    "the cluster was slow to answer"
                );
            }
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_slow_answers_are_told_of_once_a_second_and_none_is_forgotten() {
        let (mut untold, began) = (Untold::default(), Instant::now());
        let told: Vec<_> = (0..=30)
            .map(|n| untold.one_more(began + TOLD_EACH / 10 * n))
            .collect();
        assert_eq!(told[0], Some(1));
        assert_eq!((told[10], told[20], told[30]), (Some(10), Some(10), Some(10)));
        assert_eq!(told.iter().flatten().count(), 4);
    }
}
