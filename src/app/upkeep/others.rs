//! Other processes on the same cluster: their tenants are theirs as long as they live, and looked after here when one is gone.
//! A number that one of them adds or changes is known here a few seconds later.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::each;
use crate::actors::Directory;
use crate::store::{ProcessId, StoreError};

/// How often this process says that it lives, and looks who else does. What it says is believed for four times as long.
const LOOK: Duration = Duration::from_secs(2);

/// Who lives, as far as that can be told.
#[derive(Debug)]
struct Others {
    known: BTreeSet<ProcessId>,
    /// The last look failed: what kept this process from saying that it lives may have kept others, too.
    in_doubt: bool,
}

impl Others {
    /// Takes in a look; whether somebody is gone.
    fn look(&mut self, seen: Option<BTreeSet<ProcessId>>) -> bool {
        let Some(seen) = seen else {
            self.in_doubt = true;
            return false;
        };
        if std::mem::take(&mut self.in_doubt) {
            self.known.extend(seen);
            return false;
        }
        let is_gone = !self.known.is_subset(&seen);
        self.known = seen;
        is_gone
    }
}

/// Starts tenants whose process is gone, and that have something to send.
pub(super) async fn succeed(directory: &Directory, known: BTreeSet<ProcessId>) {
    let mut due = each(LOOK);
    let mut others = Others {
        known,
        in_doubt: false,
    };
    let mut is_gone = false;
    loop {
        due.tick().await;
        is_gone |= others.look(directory.store().others().await.ok());
        if is_gone {
            is_gone = told(directory.start_due().await).is_err();
        }
    }
}

/// Takes over numbers that others add or change. There may be very many of them: reading them takes a tenth of the time at most.
pub(super) async fn read_numbers(directory: &Directory) {
    let mut is_failing = false;
    loop {
        let began = Instant::now();
        let read = directory.read_numbers_again().await;
        let was_failing = std::mem::replace(&mut is_failing, read.is_err());
        if let Err(error) = read
            && !was_failing
        {
            tracing::warn!(%error, "cannot tell whether another gateway added a number");
        }
        let rest = if is_failing {
            LOOK
        } else {
            LOOK.max(began.elapsed() * 9)
        };
        tokio::time::sleep(rest).await;
    }
}

fn told(started: Result<(), StoreError>) -> Result<(), StoreError> {
    match &started {
        Ok(()) => tracing::info!("another gateway is gone: its tenants that have something to send run here"),
        Err(error) => tracing::warn!(%error, "cannot tell yet what a gateway left that is gone"),
    }
    started
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[i64]) -> BTreeSet<ProcessId> {
        ids.iter().copied().map(ProcessId::new).collect()
    }

    #[test]
    fn a_process_is_gone_when_a_look_right_after_another_misses_it() {
        let mut others = Others {
            known: ids(&[1]),
            in_doubt: false,
        };
        assert!(!others.look(Some(ids(&[1, 2]))));
        assert!(others.look(Some(ids(&[2]))), "the first is gone");
        assert!(!others.look(Some(ids(&[2]))));
        assert!(!others.look(None));
        assert!(!others.look(Some(ids(&[]))), "nobody could say that it lives");
        assert!(!others.look(Some(ids(&[2]))));
        assert!(!others.look(None));
        assert!(!others.look(Some(ids(&[3]))));
        assert!(others.look(Some(ids(&[3]))), "it did not come back");
    }
}
