//! The orderly end, within the time that the settings give.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::accounts::Accounts;
use crate::actors::directory::Directory;
use crate::actors::lane::LaneHandle;
use crate::store::Store;

/// Calls in flight end by their own deadline at the latest; this is how long the end waits for them.
const CALLS: Duration = Duration::from_secs(8);
/// What is decided is committed within this, or after the next start.
const COMMITS: Duration = Duration::from_secs(3);
/// What people see of sign-ins is written within this, or missing in their lists.
const SIGN_INS: Duration = Duration::from_secs(2);
/// What is in memory is written to files within this, or read again by the next start.
const CLOSE: Duration = Duration::from_secs(6);

/// What was given up when the time was over. It goes on after the next start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    /// Lanes with calls to Meta under way, whose outcomes are found out later.
    pub(super) lanes: usize,
    /// Ledgers that had not committed everything. What was not acknowledged is offered again.
    pub(super) ledgers: usize,
    /// Parts of the road in that had webhooks in hand.
    pub(super) parts: usize,
}

impl Left {
    /// Says in the log how it ended.
    pub(super) fn tell(self) {
        let Self {
            lanes,
            ledgers,
            parts,
        } = self;
        if self == Self::default() {
            tracing::info!("ended: everything that was under way is finished");
        } else {
            tracing::warn!(
                lanes,
                ledgers,
                parts,
                "ended before everything under way was finished: it goes on after the next start"
            );
        }
    }
}

/// Takes no new claims and waits for calls to Meta that are under way, so that their outcomes are known. Says how many
/// lanes had some when the time was over.
pub(super) async fn drain_lanes(directory: &Arc<Directory>) -> usize {
    directory.close();
    let lanes: Vec<_> = directory
        .running()
        .iter()
        .flat_map(|tenant| tenant.lanes.values().cloned().collect::<Vec<_>>())
        .collect();
    late(lanes.iter().map(LaneHandle::drain), CALLS).await
}

/// Commits everything that was decided. Says how many ledgers did not in time.
pub(super) async fn finish_ledgers(directory: &Arc<Directory>) -> usize {
    let tenants = directory.running();
    late(tenants.iter().map(|tenant| tenant.ledger.finish()), COMMITS).await
}

/// Writes down who signed in, or was refused, until now.
pub(super) async fn finish_sign_ins(accounts: &Accounts) {
    let missing = accounts.sign_ins_written(SIGN_INS).await;
    if missing > 0 {
        tracing::warn!(missing, "sign-ins or refusals are missing in people's lists");
    }
}

/// Makes the next start short. A store that cannot be closed in time is read by the next start as after a kill.
pub(super) async fn close(store: &dyn Store) {
    match tokio::time::timeout(CLOSE, store.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "cannot close the store: the next start takes longer"),
        Err(_elapsed) => tracing::warn!("the store takes long to close: the next start takes longer"),
    }
}

/// How many of these take longer.
async fn late<T>(all: impl Iterator<Item = impl Future<Output = T>>, limit: Duration) -> usize {
    let all = join_all(all.map(|one| tokio::time::timeout(limit, one))).await;
    all.iter().filter(|ended| ended.is_err()).count()
}

#[cfg(test)]
mod tests;
