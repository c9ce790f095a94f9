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
/// The same with a handshake of TLS, which takes a thread up to 0.7 ms, most of it for the signature of an RSA key.
const PER_S_WITH_HANDSHAKE: u32 = 1_000;
/// The same at once, after a pause.
const AT_ONCE: u32 = 32;
/// Where so many come that one would wait for longer, it does not wait: that would only add to what is in hand.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is computed for a newcomer before it can ask for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AcceptCost {
    /// Nothing.
    Plain,
    /// A handshake of TLS.
    TlsHandshake,
}

/// See the module. Of one thread; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct AcceptPacing {
    /// By the clock that wakes those who wait.
    opened: Instant,
    rate: Rate,
    pace: Rc<SharedPace>,
}

impl AcceptPacing {
    /// Nobody has come yet.
    pub(super) fn open(cost: AcceptCost) -> Self {
        let per_s = match cost {
            AcceptCost::Plain => PER_S,
            AcceptCost::TlsHandshake => PER_S_WITH_HANDSHAKE,
        };
        Self {
            opened: Instant::now(),
            rate: Rate::even(per_s, AT_ONCE),
            pace: Rc::default(),
        }
    }

    /// Waits for a newcomer's turn.
    pub(super) async fn pass(&self) {
        match self.pace.book(self.rate, self.opened.elapsed(), PATIENCE) {
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
        for (cost, per_s) in [(AcceptCost::Plain, 4_000), (AcceptCost::TlsHandshake, 1_000)] {
            begin_evenly(cost, per_s).await;
        }
    }

    async fn begin_evenly(cost: AcceptCost, per_s: usize) {
        let pacing = AcceptPacing::open(cost);
        let began = Instant::now();
        let crowd = (0..9_000).map(|_| async {
            pacing.pass().await;
            began.elapsed()
        });
        let waits = join_all(crowd).await;
        let within = |time: Duration| waits.iter().filter(|wait| **wait <= time).count();
        let at_once = usize::try_from(AT_ONCE).unwrap();
        let beyond = 9_000 - (per_s * 2 + at_once);
        assert!(
            within(Duration::ZERO) <= at_once + beyond + 1,
            "{}",
            within(Duration::ZERO)
        );
        let in_a_second = within(Duration::from_secs(1)) - within(Duration::ZERO);
        assert!(
            (per_s * 39 / 40..=per_s * 41 / 40).contains(&in_a_second),
            "{in_a_second}"
        );
        assert_eq!(within(PATIENCE + Duration::from_millis(2)), 9_000);
    }
}
