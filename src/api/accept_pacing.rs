//! How new connections begin on one thread: evenly.
//!
//! When thousands of agents come back at once, their first requests would keep the thread busy for as long as they last, and
//! whoever has a connection already, above all Meta, would wait for all of them. A thread looks for what has come over
//! connections only after it has gone through all that is ready, and the journal needs the processors, too.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::gcra::{Rate, SharedPace};

/// Connections that begin in a second: a part of what a thread can do.
const PER_S: u32 = 4_000;
/// The same at once, after a pause.
const AT_ONCE: u32 = 32;
/// Where so many come that one would wait for longer, it does not wait: that would only add to what is in hand.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the module. Of one thread; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct AcceptPacing {
    /// By the clock that wakes those who wait.
    opened: Instant,
    pace: Rc<SharedPace>,
}

impl AcceptPacing {
    /// Nobody has come yet.
    pub(super) fn open() -> Self {
        Self {
            opened: Instant::now(),
            pace: Rc::default(),
        }
    }

    /// Waits for a newcomer's turn.
    pub(super) async fn pass(&self) {
        let rate = Rate::even(PER_S, AT_ONCE);
        match self.pace.book(rate, self.opened.elapsed(), PATIENCE) {
            Ok(wait) if !wait.is_zero() => tokio::time::sleep(wait).await,
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[actix_web::test]
    async fn newcomers_begin_evenly_and_nobody_waits_for_long() {
        tokio::time::pause();
        let pacing = AcceptPacing::open();
        let began = Instant::now();
        let crowd = (0..9_000).map(|_| async {
            pacing.pass().await;
            began.elapsed()
        });
        let waits = join_all(crowd).await;
        let within = |time: Duration| waits.iter().filter(|wait| **wait <= time).count();
        let beyond = 9_000 - usize::try_from(PER_S * 2 + AT_ONCE).unwrap();
        let at_once = usize::try_from(AT_ONCE).unwrap();
        assert!(
            within(Duration::ZERO) <= at_once + beyond + 1,
            "{}",
            within(Duration::ZERO)
        );
        let in_a_second = within(Duration::from_secs(1)) - within(Duration::ZERO);
        assert!((3_900..=4_100).contains(&in_a_second), "{in_a_second}");
        assert_eq!(within(PATIENCE + Duration::from_millis(2)), 9_000);
    }
}
