//! Takes note of how entries ended, and marks in the journal what is done.

use std::sync::Arc;

use tokio::time::Instant;

use super::backlog::Ends;
use super::quarantine;
use super::shared_backlog::SharedBacklog;
use super::ticket::{Ended, Verdict};
use crate::crash::{self, CrashPoint};
use crate::store::Store;

/// Closes entries until nobody waits for it any more.
pub(super) async fn run(shared_backlog: Arc<SharedBacklog>, store: Arc<dyn Store>) {
    loop {
        let ended = shared_backlog.reports.some().await;
        close(&shared_backlog, store.as_ref(), ended).await;
    }
}

async fn close(shared_backlog: &SharedBacklog, store: &dyn Store, ended: Vec<Ended>) {
    crash::point(CrashPoint::AfterApply);
    let mut done = Vec::with_capacity(ended.len());
    // Their flows go on at once: the journal is told meanwhile.
    shared_backlog.change(|backlog| {
        for Ended {
            taken,
            verdict,
            spoiled,
        } in ended
        {
            match verdict {
                Verdict::Done => backlog.ended(taken.flow, taken.pace),
                Verdict::Again => {
                    let (flow, pace) = (taken.flow, taken.pace);
                    backlog.again(flow, taken.into(), pace, Instant::now());
                    continue;
                }
                Verdict::Spoiled | Verdict::Poison => {}
            }
            let spoiled = match verdict {
                Verdict::Spoiled => Some(spoiled),
                Verdict::Poison => Some(Vec::new()),
                Verdict::Done | Verdict::Again => None,
            };
            done.push((taken, spoiled));
        }
    });
    let mut put_aside = Vec::new();
    for (taken, spoiled) in &done {
        if let Some(elements) = spoiled {
            let put = quarantine::put_poison(store, taken.entry, elements).await;
            put_aside.push((taken.entry, put));
        }
    }
    let (mut whole, mut closed) = (Vec::new(), Vec::new());
    shared_backlog.change(|backlog| {
        for (taken, spoiled) in done {
            let failed = put_aside
                .iter()
                .any(|(id, put)| *id == taken.entry && put.is_err());
            if spoiled.is_some() {
                if failed {
                    let (flow, pace) = (taken.flow, taken.pace);
                    backlog.again(flow, taken.into(), pace, Instant::now());
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
    shared_backlog.look(|backlog| {
        for (entry, owner) in closed {
            backlog.closed(entry, owner);
        }
    });
    if let Err(error) = marked {
        // Harmless: they are applied again, which changes nothing.
        tracing::warn!(error = %error, "cannot mark journal entries done");
        shared_backlog.scan_again();
    }
}
