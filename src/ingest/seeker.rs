//! Asks the journal again for entries that it did not show.

use std::sync::Arc;

use tokio::time::Instant;

use super::backlog::{AGAIN, Missing};
use super::shared_backlog::SharedBacklog;
use crate::store::Store;

/// Asks whenever it is time to.
pub(super) async fn run(shared_backlog: Arc<SharedBacklog>, store: Arc<dyn Store>) {
    loop {
        let sought = shared_backlog.look(|backlog| backlog.take_missing(Instant::now()));
        if sought.is_empty() {
            wait(&shared_backlog).await;
            continue;
        }
        match store.journal_read(sought.iter().map(Missing::id).collect()).await {
            Ok(found) => shared_backlog.change(|backlog| backlog.looked(sought, found, Instant::now())),
            Err(error) => {
                tracing::debug!(error = %error, "cannot look for entries that the journal did not show");
                shared_backlog.look(|backlog| backlog.not_looked(sought, Instant::now()));
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn wait(shared_backlog: &SharedBacklog) {
    let told = shared_backlog.missing.notified();
    match shared_backlog.look(|backlog| backlog.look_due()) {
        // Whichever comes first.
        Some(due) => drop(tokio::time::timeout_at(due, told).await),
        None => told.await,
    }
}
