//! Telling of what happens often: once in a while, with how many there were.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counts what happens until it is time to tell of it.
#[derive(Debug)]
pub struct Seldom {
    each: Duration,
    untold: Mutex<Untold>,
}

#[derive(Debug, Default)]
struct Untold {
    /// When it was told last, on the monotonic clock.
    last: Option<Duration>,
    count: u64,
}

impl Seldom {
    /// Tells at most once in this time.
    pub const fn each(each: Duration) -> Self {
        let untold = Mutex::new(Untold { last: None, count: 0 });
        Self { each, untold }
    }

    /// It happened, at this time of the monotonic clock. Gives how often since it was told last, if it is time to tell.
    pub fn happened(&self, now: Duration) -> Option<u64> {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.count = untold.count.saturating_add(1);
        if untold
            .last
            .is_some_and(|last| now.saturating_sub(last) < self.each)
        {
            return None;
        }
        untold.last = Some(now);
        Some(std::mem::take(&mut untold.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_told_of_once_in_a_while_and_none_is_forgotten() {
        let seldom = Seldom::each(Duration::from_secs(10));
        let told: Vec<_> = (0..=30)
            .map(|n| seldom.happened(Duration::from_secs(n)))
            .collect();
        assert_eq!(told[0], Some(1));
        assert_eq!((told[10], told[20], told[30]), (Some(10), Some(10), Some(10)));
        assert_eq!(told.iter().flatten().count(), 4);
    }
}
