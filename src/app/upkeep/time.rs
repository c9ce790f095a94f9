//! Which time is gone by, told to the store for the next start and to whoever watches.

use std::time::Duration;

use super::each;
use crate::domain::Clock;
use crate::store::Store;
use crate::telemetry::metrics;

/// How often the store is told the time: no id of this process is later than what it was told by more than
/// [`crate::domain::SteadyClock`] adds at a start.
const TELL: Duration = Duration::from_secs(5);

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
