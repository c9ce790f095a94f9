//! Reads the journal for entries that are not listed. Nobody waits for it: what it finds is applied while it goes on.

use std::sync::Arc;

use tokio::time::Instant;

use super::backlog::{AGAIN, After, Backlog, Seen};
use super::shared_backlog::SharedBacklog;
use super::{IngestParts, owners, signed};
use crate::actors::port::WebhookTenants;
use crate::store::JournalEntry;

/// Entries read at once.
const PAGE: usize = 512;

/// Scans whenever that is wanted.
pub(super) async fn run(shared_backlog: Arc<SharedBacklog>, parts: IngestParts) {
    loop {
        match shared_backlog.look(|backlog| backlog.begin_scan(Instant::now())) {
            Some(after) => scan(&shared_backlog, &parts, after).await,
            None => wait(&shared_backlog).await,
        }
    }
}

async fn wait(shared_backlog: &SharedBacklog) {
    let told = shared_backlog.scan.notified();
    match shared_backlog.look(|backlog| backlog.scan_due()) {
        // Whichever comes first.
        Some(due) => drop(tokio::time::timeout_at(due, told).await),
        None => told.await,
    }
}

async fn scan(shared_backlog: &SharedBacklog, parts: &IngestParts, After(mut after): After) {
    loop {
        let page = match parts.store.journal_open(after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                shared_backlog.reports.tell_unread(&error);
                shared_backlog.change(|backlog| backlog.scan_failed(Instant::now()));
                return tokio::time::sleep(AGAIN).await;
            }
        };
        after = page.last().map(|entry| entry.id).or(after);
        let is_last = page.len() < PAGE;
        let seen: Vec<Seen> = page
            .into_iter()
            .map(|entry| look(parts.tenants.as_ref(), entry))
            .collect();
        if !shared_backlog.change(|backlog| backlog.scanned(seen)) {
            return shared_backlog.change(Backlog::stop_scan);
        }
        if is_last && !shared_backlog.change(|backlog| backlog.scanned_all(Instant::now())) {
            shared_backlog.scanned.notify_one();
            return;
        }
    }
}

fn look(tenants: &dyn WebhookTenants, entry: JournalEntry) -> Seen {
    let (_, body) = signed::open(&entry.body);
    let (mut owners, haste) = owners::at_a_glance(tenants, &body);
    if let Some(only) = signed::only_for(&entry.body) {
        owners = vec![only];
    }
    Seen { entry, owners, haste }
}
