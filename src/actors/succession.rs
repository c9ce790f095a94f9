//! Who writes a tenant's log now, over restarts of its actors.
//!
//! A call to Meta may outlive the lane that began it and the ledger that this lane knew. Its result belongs to whoever
//! writes the log by then, and the lane that works now has to hear of it: it may watch that call as one of unknown outcome.

use tokio::sync::{broadcast, watch};

use super::LedgerHandle;
use super::lane::Handovers;
use crate::domain::AttemptToken;

/// Late results that a lane may have unread. One that it misses it finds when the wait for the outcome ends.
const UNREAD: usize = 1_024;

/// Kept over restarts by whoever starts the tenant.
#[derive(Debug, Clone)]
pub struct Succession {
    writer: watch::Sender<LedgerHandle>,
    late: broadcast::Sender<AttemptToken>,
    handovers: Handovers,
}

impl Succession {
    /// Begins with the first writer.
    pub fn new(writer: LedgerHandle) -> Self {
        Self {
            writer: watch::Sender::new(writer),
            late: broadcast::Sender::new(UNREAD),
            handovers: Handovers::default(),
        }
    }

    /// Names the next writer.
    pub fn hand_over(&self, writer: LedgerHandle) {
        self.writer.send_replace(writer);
    }

    /// A view for those who have something to write.
    pub fn follow(&self) -> Successors {
        Successors {
            writer: self.writer.subscribe(),
            late: self.late.clone(),
            handovers: self.handovers.clone(),
        }
    }
}

/// What a lane knows of who comes after its own ledger.
#[derive(Debug, Clone)]
pub struct Successors {
    writer: watch::Receiver<LedgerHandle>,
    late: broadcast::Sender<AttemptToken>,
    handovers: Handovers,
}

impl Successors {
    /// The writer now.
    pub fn writer(&self) -> LedgerHandle {
        self.writer.borrow().clone()
    }

    /// What lanes leave to the lanes after them.
    pub(super) const fn handovers(&self) -> &Handovers {
        &self.handovers
    }

    /// Waits until another one writes; `None` when there will be none.
    pub async fn after(&self, gone: &LedgerHandle) -> Option<LedgerHandle> {
        let mut writer = self.writer.clone();
        let next = writer
            .wait_for(|writer| writer.fence() != gone.fence())
            .await
            .ok()?;
        Some(next.clone())
    }

    /// Tells the tenant's lanes that a result of an earlier lane's call was committed.
    pub fn tell_late(&self, token: AttemptToken) {
        // Without a lane there is nobody who watches the outcome.
        let _ = self.late.send(token);
    }

    /// Late results from now on.
    pub fn late(&self) -> broadcast::Receiver<AttemptToken> {
        self.late.subscribe()
    }
}
