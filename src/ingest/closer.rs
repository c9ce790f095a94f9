//! Takes note of how entries ended, and marks in the journal what is done.

use std::sync::Arc;

use tokio::time::Instant;

use super::backlog::{Ends, Item};
use super::board::Board;
use super::ticket::{Ended, Taken, Verdict};
use crate::crash::{self, CrashPoint};
use crate::domain::JournalId;
use crate::store::{Quarantined, Store, StoreError};
use crate::telemetry::labels::QuarantineReason;
use crate::telemetry::metrics;

/// Closes entries until nobody waits for it any more.
pub(super) async fn run(board: Arc<Board>, store: Arc<dyn Store>) {
    loop {
        let ended = board.reports.some().await;
        close(&board, store.as_ref(), ended).await;
    }
}

async fn close(board: &Board, store: &dyn Store, ended: Vec<Ended>) {
    crash::point(CrashPoint::AfterApply);
    let mut done = Vec::with_capacity(ended.len());
    // Their flows go on at once: the journal is told meanwhile.
    board.change(|backlog| {
        for Ended { taken, verdict } in ended {
            match verdict {
                Verdict::Done => backlog.ended(taken.flow, taken.pace),
                Verdict::Again => {
                    let (flow, pace) = (taken.flow, taken.pace);
                    backlog.again(flow, waiting(taken), pace, Instant::now());
                    continue;
                }
                Verdict::Poison => {}
            }
            done.push((taken, verdict));
        }
    });
    let mut aside = Vec::new();
    for (taken, verdict) in &done {
        if *verdict == Verdict::Poison {
            aside.push((taken.entry, put_aside(store, taken.entry).await));
        }
    }
    let (mut whole, mut closed) = (Vec::new(), Vec::new());
    board.change(|backlog| {
        for (taken, verdict) in done {
            let failed = aside.iter().any(|(id, put)| *id == taken.entry && put.is_err());
            if verdict == Verdict::Poison {
                if failed {
                    let (flow, pace) = (taken.flow, taken.pace);
                    backlog.again(flow, waiting(taken), pace, Instant::now());
                    continue;
                }
                backlog.ended(taken.flow, taken.pace);
            }
            if taken.part.ends() == Ends::Entry {
                whole.push(taken.entry);
            }
            closed.push((taken.entry, taken.flow.owner));
        }
        backlog.applied(closed.len(), Instant::now());
    });
    let marked = if whole.is_empty() {
        Ok(())
    } else {
        store.journal_done(whole).await
    };
    crash::point(CrashPoint::AfterDone);
    board.look(|backlog| {
        for (entry, owner) in closed {
            backlog.closed(entry, owner);
        }
    });
    if let Err(error) = marked {
        // Harmless: they are applied again, which changes nothing.
        tracing::warn!(error = %error, "cannot mark journal entries done");
        board.scan_again();
    }
}

fn waiting(taken: Taken) -> Item {
    Item {
        id: taken.entry,
        size: taken.size,
        entry: None,
        part: taken.part,
    }
}

/// Puts a whole entry aside: something of it can never be committed, the rest is and repeats harmlessly.
async fn put_aside(store: &dyn Store, id: JournalId) -> Result<(), StoreError> {
    let put = async {
        let Some(entry) = store.journal_read(vec![id]).await?.pop() else {
            return Ok(());
        };
        metrics::quarantined_total(QuarantineReason::Poison).increment(1);
        let item = Quarantined {
            id,
            at: entry.received,
            reason: "poison".to_owned(),
            body: entry.body,
        };
        store.quarantine(item).await
    };
    let put = put.await;
    if let Err(error) = &put {
        tracing::warn!(journal.id = %id, error = %error, "cannot put a webhook aside");
    }
    put
}
