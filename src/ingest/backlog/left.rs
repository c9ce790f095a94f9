//! Entries that this process left to others. A scan finds them as long as they are not done, and leaves them no second time to
//! the same process: that one has them listed, or finds them by a scan of its own.

use std::collections::{HashMap, VecDeque};

use super::Backlog;
use super::item::Owner;
use crate::domain::JournalId;
use crate::store::ProcessId;

/// Entries that are remembered. One that is forgotten is left once more, which changes nothing.
const MOST: usize = 32_768;

/// The last ones, each with the process that it was left to.
#[derive(Debug, Default)]
pub(super) struct LeftToOthers {
    to: HashMap<(JournalId, Owner), ProcessId>,
    order: VecDeque<(JournalId, Owner)>,
}

impl Backlog {
    /// An entry was left to a process.
    pub(in crate::ingest) fn leave_to(&mut self, process: ProcessId, id: JournalId, owner: Owner) {
        let left = &mut self.left;
        if left.to.insert((id, owner), process).is_none() {
            left.order.push_back((id, owner));
        }
        if left.order.len() > MOST
            && let Some(oldest) = left.order.pop_front()
        {
            left.to.remove(&oldest);
        }
    }

    /// Whether an entry was left to a process, as far as that is remembered.
    pub(in crate::ingest) fn is_left_to(&self, process: ProcessId, id: JournalId, owner: Owner) -> bool {
        self.left.to.get(&(id, owner)) == Some(&process)
    }
}
