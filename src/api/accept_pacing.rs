//! How new connections begin on one thread: evenly.
//!
//! When thousands of agents come back at once, their first requests would keep the thread busy for as long as they last, and
//! whoever has a connection already, above all Meta, would wait for all of them. A thread looks for what has come over
//! connections only after it has gone through all that is ready, and the journal needs the processors, too.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::gcra::{Rate, SharedPace};
use crate::telemetry::labels::ConnectionEnd;

/// Connections that begin in a second: a part of what a thread can do.
const PER_S: u32 = 4_000;
/// The same with a handshake of TLS, which takes a thread up to 0.7 ms, most of it for the signature of an RSA key.
const PER_S_WITH_HANDSHAKE: u32 = 1_000;
/// The same at once, after a pause.
const AT_ONCE: u32 = 32;
/// The longest wait for a turn.
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
    cost: AcceptCost,
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
            cost,
        }
    }

    /// Waits for a newcomer's turn, or says why it gets none.
    ///
    /// Beyond [`PATIENCE`] a connection that costs nothing begins at once, since its wait would only add to what is in hand. A
    /// handshake is refused: begun at once, those of a crowd would take the thread for seconds. Clients come back.
    pub(super) async fn pass(&self) -> Result<(), ConnectionEnd> {
        match (
            self.pace.book(self.rate, self.opened.elapsed(), PATIENCE),
            self.cost,
        ) {
            (Ok(wait), _) if !wait.is_zero() => tokio::time::sleep(wait).await,
            (Ok(_), _) | (Err(_), AcceptCost::Plain) => {}
            (Err(_), AcceptCost::TlsHandshake) => return Err(ConnectionEnd::Overloaded),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    const CROWD: usize = 9_000;

    /// When each of a crowd begins, if it does; and that those that begin after a wait do so at this rate.
    async fn turns(cost: AcceptCost, per_s: usize) -> Vec<Result<Duration, ConnectionEnd>> {
        tokio::time::pause();
        let pacing = AcceptPacing::open(cost);
        let began = Instant::now();
        let turns = join_all((0..CROWD).map(|_| async {
            let turn = pacing.pass().await;
            turn.map(|()| began.elapsed())
        }))
        .await;
        let in_a_second = begun(&turns, Duration::from_secs(1)) - begun(&turns, Duration::ZERO);
        assert!(
            (per_s * 39 / 40..=per_s * 41 / 40).contains(&in_a_second),
            "{in_a_second}"
        );
        turns
    }

    fn begun(turns: &[Result<Duration, ConnectionEnd>], within: Duration) -> usize {
        turns
            .iter()
            .filter(|turn| turn.as_ref().is_ok_and(|wait| *wait <= within))
            .count()
    }

    #[actix_web::test]
    async fn plain_newcomers_begin_evenly_and_nobody_waits_for_long() {
        let turns = turns(AcceptCost::Plain, 4_000).await;
        let at_once = usize::try_from(AT_ONCE).unwrap();
        let beyond = CROWD - (4_000 * 2 + at_once);
        assert!(begun(&turns, Duration::ZERO) <= at_once + beyond + 1);
        assert_eq!(begun(&turns, PATIENCE + Duration::from_millis(2)), CROWD);
    }

    #[actix_web::test]
    async fn no_more_handshakes_begin_than_the_thread_can_do_and_the_rest_is_refused() {
        let turns = turns(AcceptCost::TlsHandshake, 1_000).await;
        let at_once = usize::try_from(AT_ONCE).unwrap();
        assert!(begun(&turns, Duration::ZERO) <= at_once + 1);
        let all = begun(&turns, PATIENCE + Duration::from_millis(2));
        assert!((2_000..=2_000 + at_once + 1).contains(&all), "{all}");
        let refused = turns
            .iter()
            .filter(|turn| **turn == Err(ConnectionEnd::Overloaded))
            .count();
        assert_eq!(all + refused, CROWD);
    }
}
