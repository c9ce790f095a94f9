//! Which time is gone by, told to the store for the next start and to whoever watches.

use std::time::Duration;

use super::each;
use crate::domain::Clock;
use crate::store::Store;
use crate::telemetry::metrics;
use crate::whatsapp::Graph;

/// How often the store is told the time: no id of this process is later than what it was told by more than
/// [`crate::domain::SteadyClock`] adds at a start.
const TELL: Duration = Duration::from_secs(5);

/// How often the Graph API is asked for the time while the machine's clock is in doubt.
const ASK: Duration = Duration::from_secs(30);

/// Asks the Graph API for the time at the start, and as long as the clock is in doubt.
pub(super) async fn ask(graph: &dyn Graph, clock: &dyn Clock) {
    let mut due = each(ASK);
    let mut is_start = true;
    loop {
        due.tick().await;
        if !std::mem::take(&mut is_start) && clock.doubt().is_none() {
            continue;
        }
        if let Err(error) = graph.ask_time().await {
            tracing::info!(error = %error, "the Graph API does not tell the time");
        }
    }
}

/// Tells the time for ever.
pub(super) async fn tell(store: &dyn Store, clock: &dyn Clock) {
    let mut due = each(TELL);
    let mut doubted = None;
    loop {
        due.tick().await;
        let doubt = clock.doubt();
        metrics::clock_doubt_seconds().set(metrics::signed(doubt.unwrap_or(0)));
        match (doubted, doubt) {
            (None, Some(ahead_secs)) => tracing::warn!(
                ahead_secs,
                "the wall clock jumped, or the start is long after the last end: nothing expires until the clock is back, \
                 or proven right"
            ),
            (Some(_), None) => tracing::info!(now = clock.now().as_millis(), "the wall clock is believed"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        doubted = doubt;
        // In doubt, too: it is the time that is gone by, and a start must not give ids of before again.
        if let Err(error) = store.note_time(clock.for_ids()).await {
            tracing::warn!(error = %error, "the store cannot be told the time");
        }
    }
}
