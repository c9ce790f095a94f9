//! Removing what expired.

use super::state::State;
use crate::domain::Timestamp;
use crate::store::Swept;

impl State {
    /// Removes expired rows, at most `limit`.
    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> Swept {
        let mut rows = 0;
        for ledger in self.ledgers.values_mut() {
            rows += ledger.sweep(now, limit - rows);
        }
        let over: Vec<_> = self
            .quarantine
            .values()
            .filter(|item| item.until() <= now)
            .map(|item| item.id)
            .take(limit - rows)
            .collect();
        rows += over.len();
        for id in over {
            self.quarantine.remove(&id);
        }
        rows += self.plain.sweep(now, limit - rows);
        Swept {
            rows,
            more: rows == limit,
        }
    }
}
