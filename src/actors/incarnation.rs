//! Who writes a tenant's log now, over restarts of its actors.
//!
//! A call to Meta may outlive the lane that began it and the ledger that this lane knew. Its result belongs to whoever
//! writes the log by then, and the lane that works now has to hear of it: it may watch that call as one of unknown outcome.

use std::collections::VecDeque;

use tokio::sync::watch;

use super::LedgerHandle;
use super::lane::Handovers;
use crate::domain::AttemptToken;

/// Late results that a lane may have unread. One that it misses it finds when the wait for the outcome ends.
const UNREAD: usize = 1_024;

/// Late results that were told of, the newest of them. Takes no room before there is one.
#[derive(Debug, Default)]
struct Late {
    /// How many were told of before these.
    before: usize,
    tokens: VecDeque<AttemptToken>,
}

impl Late {
    fn tell(&mut self, token: AttemptToken) {
        self.tokens.push_back(token);
        if self.tokens.len() > UNREAD {
            self.tokens.pop_front();
            self.before += 1;
        }
    }

    fn count(&self) -> usize {
        self.before + self.tokens.len()
    }
}

/// Kept over restarts by whoever starts the tenant.
#[derive(Debug, Clone)]
pub struct Incarnation {
    writer: watch::Sender<LedgerHandle>,
    late: watch::Sender<Late>,
    handovers: Handovers,
}

impl Incarnation {
    /// Begins with the first writer.
    pub fn new(writer: LedgerHandle) -> Self {
        Self {
            writer: watch::Sender::new(writer),
            late: watch::Sender::default(),
            handovers: Handovers::default(),
        }
    }

    /// Names the next writer.
    pub fn hand_over(&self, writer: LedgerHandle) {
        self.writer.send_replace(writer);
    }

    /// A view for those who have something to write.
    pub fn follow(&self) -> Incarnations {
        Incarnations {
            writer: self.writer.subscribe(),
            late: self.late.clone(),
            handovers: self.handovers.clone(),
        }
    }
}

/// What a lane knows of who comes after its own ledger.
#[derive(Debug, Clone)]
pub struct Incarnations {
    writer: watch::Receiver<LedgerHandle>,
    late: watch::Sender<Late>,
    handovers: Handovers,
}

impl Incarnations {
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
        self.late.send_modify(|late| late.tell(token));
    }

    /// Late results from now on.
    pub fn late(&self) -> LateResults {
        let late = self.late.subscribe();
        let read = late.borrow().count();
        LateResults { late, read }
    }
}

/// One lane's view of late results.
#[derive(Debug)]
pub struct LateResults {
    late: watch::Receiver<Late>,
    /// How many were read, or missed.
    read: usize,
}

impl LateResults {
    /// Waits for some; `None` when there will be none.
    pub async fn some(&mut self) -> Option<Vec<AttemptToken>> {
        self.late.changed().await.ok()?;
        let late = self.late.borrow_and_update();
        let known = self.read.saturating_sub(late.before);
        self.read = late.count();
        Some(late.tokens.iter().skip(known).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConversationId, MessageId, TenantId};

    fn token(attempt: u8) -> AttemptToken {
        AttemptToken {
            tenant: TenantId::new(1),
            conversation: ConversationId::from_bytes([1; 16]),
            message: MessageId::from_bytes([1; 16]),
            attempt,
        }
    }

    #[tokio::test]
    async fn late_results_are_read_once_each_by_every_lane_and_only_the_oldest_are_missed() {
        let told = watch::Sender::new(Late::default());
        let tell = |attempt| told.send_modify(|late| late.tell(token(attempt)));
        let view = || {
            let late = told.subscribe();
            let read = late.borrow().count();
            LateResults { late, read }
        };
        tell(1);
        let (mut quick, mut slow) = (view(), view());
        tell(2);
        assert_eq!(quick.some().await.unwrap(), [token(2)]);
        tell(3);
        assert_eq!(quick.some().await.unwrap(), [token(3)]);
        (0..UNREAD).for_each(|_| tell(4));
        assert_eq!(slow.some().await.unwrap(), vec![token(4); UNREAD]);
        drop(told);
        assert!(slow.some().await.is_none());
    }
}
