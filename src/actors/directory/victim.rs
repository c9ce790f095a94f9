//! Killing one actor of a tenant, for tests that ask what the others make of it.

use super::{RETIREMENT, TenantHandle};
use crate::actors::messages::tenant::Retire;

/// Which actor dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The tenant, with its conversations.
    Tenant,
    /// The writer of its log.
    Ledger,
    /// Its lanes.
    Lanes,
}

impl TenantHandle {
    /// Kills an actor without a word to the others.
    pub(crate) async fn kill(&self, victim: Victim) {
        match victim {
            Victim::Tenant => drop(self.addr.tell(Retire, RETIREMENT).await),
            Victim::Ledger => self.ledger.retire().await,
            Victim::Lanes => {
                for lane in self.lanes.values() {
                    lane.die().await;
                }
            }
        }
    }

    /// Whether one of its actors is dead.
    pub(crate) fn is_dead(&self) -> bool {
        !self.is_alive()
    }
}
