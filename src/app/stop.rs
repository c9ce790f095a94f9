//! The orderly end, within the time that the settings give.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::actors::directory::Directory;

/// Calls in flight end by their own deadline at the latest; this is how long the end waits for them.
const CALLS: Duration = Duration::from_secs(8);
/// What is decided is committed within this, or after the next start.
const COMMITS: Duration = Duration::from_secs(3);

/// Takes no new claims and waits for calls to Meta that are under way, so that their outcomes are known.
pub(super) async fn drain_lanes(directory: &Arc<Directory>) {
    directory.close();
    let lanes: Vec<_> = directory
        .running()
        .iter()
        .flat_map(|tenant| tenant.lanes.values().cloned().collect::<Vec<_>>())
        .collect();
    let all = join_all(lanes.iter().map(crate::actors::lane::LaneHandle::drain));
    if tokio::time::timeout(CALLS, all).await.is_err() {
        tracing::warn!(
            "calls to Meta are still under way: their outcomes are found out after the next start"
        );
    }
}

/// Commits everything that was decided.
pub(super) async fn finish_ledgers(directory: &Arc<Directory>) {
    let tenants = directory.running();
    let all = join_all(tenants.iter().map(|tenant| tenant.ledger.finish()));
    if tokio::time::timeout(COMMITS, all).await.is_err() {
        tracing::warn!("not everything was committed: what was not acknowledged is offered again");
    }
}

#[cfg(test)]
mod tests;
