//! What the parts of the road in share: the backlog behind a lock that is held for moments only, and who is told of changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::backlog::Backlog;
use super::ticket::Reports;
use crate::domain::TenantId;
use crate::store::{JournalEntry, Sharing};
use crate::whatsapp::webhook::Haste;

/// See the module.
pub(super) struct SharedBacklog {
    backlog: Mutex<Backlog>,
    /// Entries that are no longer in flight.
    pub(super) reports: Arc<Reports>,
    /// Told when there may be something to apply.
    pub(super) work: Notify,
    /// Told when a scan may be wanted.
    pub(super) scan: Notify,
    /// Told when the whole journal was read.
    pub(super) scanned: Notify,
    /// Told when something is to be looked for.
    pub(super) missing: Notify,
}

impl SharedBacklog {
    /// Knows nothing of the journal yet.
    pub(super) fn new(sharing: Sharing) -> Self {
        Self {
            backlog: Mutex::new(Backlog::new(Instant::now(), sharing)),
            reports: Arc::default(),
            work: Notify::new(),
            scan: Notify::new(),
            scanned: Notify::new(),
            missing: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the backlog.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Backlog) -> T) -> T {
        look(&mut self.lock())
    }

    /// Changes the backlog, and tells whoever may have something to do by that.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Backlog) -> T) -> T {
        let mut backlog = self.lock();
        let changed = change(&mut backlog);
        let is_hungry = backlog.is_hungry();
        drop(backlog);
        self.work.notify_one();
        if is_hungry {
            self.scan.notify_one();
        }
        changed
    }

    /// Has the whole journal read once more, in a while.
    pub(super) fn scan_again(&self) {
        self.look(|backlog| backlog.scan_again(Instant::now()));
        self.scan.notify_one();
    }

    /// Reads the whole journal once more, and waits until all is listed. One at a time may wait.
    pub(super) async fn scan_all(&self) {
        let which = self.look(|backlog| backlog.scan_now(Instant::now()));
        self.scan.notify_one();
        while !self.look(|backlog| backlog.has_scanned(which)) {
            self.scanned.notified().await;
        }
    }

    /// Takes note of an entry that may be durable.
    pub(super) fn doubtful(&self, entry: JournalEntry, owners: Vec<TenantId>, haste: Haste) {
        self.look(|backlog| backlog.doubtful(entry, owners, haste, Instant::now()));
        self.scan.notify_one();
        self.missing.notify_one();
    }

    /// Takes note of an entry that was made durable.
    pub(super) fn push(&self, entry: JournalEntry, owners: Vec<TenantId>, haste: Haste) {
        self.change(|backlog| backlog.push(entry, owners, haste));
    }
}
