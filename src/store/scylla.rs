//! The store on a cluster: ScyllaDB, or Apache Cassandra 5.0.
//!
//! A tenant's ledger has one owner. What it commits is one conditional write of one row, which carries the rows of the
//! batch; then these rows are written where they are read from, stamped with the commit's number. So each row has one
//! writer and one order, replaying a commit changes nothing, and nothing but that one row is ever written conditionally on
//! the way of a message. See `docs/adr/` for why.
//!
//! Statements stay within what both servers understand, and are prepared once. Reads go page by page; nothing filters.

mod answer;
mod calls;
mod cell;
mod change;
mod commit;
mod datacenter;
mod directory;
mod erase;
mod events;
mod failure;
mod forwarding;
mod group_commit;
mod head;
mod index_rows;
mod jitter;
mod journal;
mod keys;
mod ledger;
mod link;
mod list;
mod load;
mod multi_get;
mod options;
mod ownership;
mod pages;
mod partitions;
mod plain;
mod processes;
mod profile;
mod request_batches;
mod retention;
mod row_cache;
pub mod schema;
mod single_flight;
mod slow_log;
mod speculative_execution;
mod statements;
mod sweep;
mod terms;
mod tls_proxy;
mod transfer;
mod view;
mod write;
mod written;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use self::forwarding::Forwarding;
use self::group_commit::GroupCommit;
use self::link::Link;
use self::ownership::Ownerships;
use self::pages::{FirstPage, PageKey};
use self::row_cache::RowCache;
use self::single_flight::SingleFlight;
use self::statements::Book;
use super::ProcessId;
use super::error::{StoreError, StoreErrorKind};
use crate::domain::Clock;

pub use options::{Deadlines, Login, ScyllaOptions};
pub use tls_proxy::Tls;

/// When a call that was refused for too many others may be tried again.
const AGAIN: Duration = Duration::from_millis(100);
/// How long it may take to make all statements known to the cluster.
const PREPARED: Duration = Duration::from_secs(60);

/// A store on a cluster.
pub struct ScyllaStore {
    /// This process, among those that use the cluster.
    process: ProcessId,
    link: Link,
    book: Book,
    /// Numbers commits; never decides what a row says.
    clock: Arc<dyn Clock>,
    permits: Semaphore,
    ownerships: Ownerships,
    row_cache: RowCache,
    /// Webhooks that wait to be written.
    journal: GroupCommit,
    /// What this process told others, and read of what they told.
    forwarding: Forwarding,
    /// First pages that are being read.
    pages: SingleFlight<PageKey, FirstPage>,
}

impl std::fmt::Debug for ScyllaStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScyllaStore")
    }
}

impl ScyllaStore {
    /// Connects to a cluster whose schema is the one that this program knows.
    ///
    /// `Unavailable` when no node answers, `Invalid` when the schema is older or newer: the text says what to do.
    pub async fn open(options: &ScyllaOptions, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let link = Box::pin(Link::open(options)).await?;
        schema::require(&link, options).await?;
        // The driver sets no limit to this.
        let book = tokio::time::timeout(PREPARED, Book::prepare(&link, options))
            .await
            .map_err(|_elapsed| failure::of_silence())??;
        Ok(Self {
            process: ProcessId::new(link.jitter.any()),
            link,
            book,
            clock,
            permits: Semaphore::new(options.in_flight),
            ownerships: Ownerships::default(),
            row_cache: RowCache::new(),
            journal: GroupCommit::new(),
            forwarding: Forwarding::default(),
            pages: SingleFlight::new(),
        })
    }

    /// The right to one call.
    fn permit(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.permits.try_acquire().map_err(|_none| {
            StoreError::new(StoreErrorKind::Overloaded, "too many calls are under way").retry_after(AGAIN)
        })
    }

    /// Writes by a statement of the test's own.
    #[cfg(test)]
    pub(super) async fn write_raw(&self, cql: String) -> Result<(), StoreError> {
        let statement = self.link.prepare("test", profile::Purpose::Write, cql).await?;
        self.link.write(&statement, ()).await
    }

    /// What the record of the last commit holds.
    #[cfg(test)]
    pub(super) async fn last_commit(
        &self,
        tenant: crate::domain::TenantId,
    ) -> Result<bytes::Bytes, StoreError> {
        Ok(self
            .read_head(tenant)
            .await?
            .map(|head| head.redo)
            .unwrap_or_default())
    }

    /// Writes and reads a row that is nobody's: a quorum does both, or the store is not healthy.
    async fn pulse(&self) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        let now = self.clock.now().as_millis();
        self.link.write(&rows.put_pulse, (now,)).await?;
        let _row: Option<(Option<i64>,)> = self.link.row(&rows.pulse, ()).await?;
        Ok(())
    }
}
