//! Writing a commit's rows: plain writes, each stamped with the commit's number, each repeated until it is acknowledged.

use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::change::Change;
use super::index_rows::IndexRows;
use super::keys::{self, Class};
use super::pages::Part;
use super::partitions::Sorted;
use super::row_cache::{Note, Term};
use super::statements::MessageStatements;
use crate::domain::{TenantId, Timestamp};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::row::Seen;

/// Requests of one commit under way at once.
const TOGETHER: usize = 128;
/// How often a write is tried.
const TRIES: u32 = 6;
/// Whose rows are written, in which commit, and when that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) tenant: TenantId,
    pub(super) term: Term,
    pub(super) stamp: i64,
    /// The commit's time, or as much later as the writing is.
    pub(super) now: Timestamp,
}

impl Writing {
    /// A row whose time is over replaces what stood there, and is gone in a second.
    pub(super) fn ttl(&self, expires: Timestamp) -> i32 {
        keys::ttl(expires, self.now).unwrap_or(1)
    }
}

impl ScyllaStore {
    /// The table of a class.
    pub(super) fn messages(&self, class: Class) -> &MessageStatements {
        match class {
            Class::Short => &self.book.short,
            Class::Middle => &self.book.middle,
            Class::Long => &self.book.long,
        }
    }

    /// Writes all rows of a commit. Can be repeated: it ends the same.
    pub(super) async fn write_rows(&self, writing: Writing, changes: &[Change]) -> Result<(), StoreError> {
        // First the index rows, then what they lead to.
        let IndexRows { parts, notes } = self.index_rows(writing, changes);
        let parts = self.link.request_batches(parts);
        let index_rows: Vec<_> = parts
            .iter()
            .map(|lines| self.until_taken(move || self.link.write_together(lines)))
            .collect();
        all(index_rows).await?;
        for note in notes {
            self.row_cache.note(note);
        }
        let Sorted { parts, others } = self.sort(writing, changes)?;
        let parts = self.link.request_batches(parts);
        let parts: Vec<_> = parts
            .iter()
            .map(|lines| self.until_taken(move || self.link.write_together(lines)))
            .collect();
        // A message that moves to another table is never away: what removes it from where it stood comes last.
        let (removals, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|change| removes(change));
        let others: Vec<_> = others
            .into_iter()
            .map(|change| self.until_taken(move || self.write_once(writing, change)))
            .collect();
        futures_util::try_join!(all(parts), all(others))?;
        if removals.is_empty() {
            return Ok(());
        }
        self.ownerships.of(writing.tenant).removes_messages();
        let removals: Vec<_> = removals
            .into_iter()
            .map(|change| self.until_taken(move || self.write_once(writing, change)))
            .collect();
        all(removals).await
    }

    async fn write_once(&self, writing: Writing, change: &Change) -> Result<(), StoreError> {
        let Writing { tenant, stamp, .. } = writing;
        let of = keys::tenant(tenant);
        let rows = &self.book.rows;
        match change {
            Change::DropConversation(id) => {
                let values = (stamp, of, keys::shard(id.as_bytes()), id.as_bytes());
                self.row_cache
                    .forget(|note| matches!(note, Note::Owner(t, c) if t.tenant == tenant && c == id));
                self.link.write(&rows.drop_conversation, values).await
            }
            Change::DropMessage { at, class } => {
                let table = self.messages(super::change::class(*class)?);
                let values = (
                    stamp,
                    of,
                    at.conversation.as_bytes(),
                    keys::bucket(at.message),
                    at.message.as_bytes(),
                );
                self.link.write(&table.drop, values).await
            }
            Change::DropMessages {
                conversation,
                bucket,
                class,
                down_to,
            } => {
                let class = super::change::class(*class)?;
                let part = Part {
                    tenant,
                    conversation: *conversation,
                    bucket: *bucket,
                    class,
                };
                self.drop_part(stamp, part, *down_to).await
            }
            Change::DropBuckets(id) => {
                self.row_cache
                    .forget(|note| matches!(note, Note::Bucket(t, c, ..) if t.tenant == tenant && c == id));
                self.link
                    .write(&rows.drop_buckets, (stamp, of, id.as_bytes()))
                    .await
            }
            Change::DropContact(id) => {
                let values = (stamp, of, keys::shard(id.as_bytes()), id.as_bytes());
                self.link.write(&rows.drop_contact, values).await
            }
            Change::DropBelongings(id) => {
                self.row_cache
                    .forget(|note| matches!(note, Note::Member(t, c, _) if t.tenant == tenant && c == id));
                self.link
                    .write(&rows.drop_belongings, (stamp, of, id.as_bytes()))
                    .await
            }
            Change::DropAlias(key) => {
                self.link
                    .write(&rows.drop_alias, (stamp, of, keys::shard(key), key))
                    .await
            }
            Change::Retention(job) => self.write_job(stamp, job).await,
            // Those stand with others of their kind: see `sort`.
            Change::Conversation { .. }
            | Change::Message { .. }
            | Change::Contact(_)
            | Change::Terms { .. }
            | Change::Alias { .. }
            | Change::Seen { .. }
            | Change::Idempotency { .. }
            | Change::Outbox(_)
            | Change::DropOutbox { .. }
            | Change::Tally { .. }
            | Change::Event(_) => Ok(()),
        }
    }

    /// Repeats a write that may be repeated, until it is acknowledged.
    pub(super) async fn until_taken<F>(&self, write: impl Fn() -> F) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut tries = 0;
        loop {
            match write().await {
                Err(error)
                    if tries < TRIES && (error.is_retryable() || error.kind == StoreErrorKind::Unknown) =>
                {
                    tries += 1;
                    tracing::debug!(tries, error = %error, "a row is written again");
                    self.pause(tries).await;
                }
                other => return other,
            }
        }
    }
}

/// Whether messages are removed from where they stand.
const fn removes(change: &Change) -> bool {
    matches!(
        change,
        Change::DropMessage { .. } | Change::DropMessages { .. } | Change::DropBuckets(_)
    )
}

/// Does all, some at once.
pub(super) async fn all(writes: Vec<impl Future<Output = Result<(), StoreError>>>) -> Result<(), StoreError> {
    futures_util::stream::iter(writes)
        .buffer_unordered(TOGETHER)
        .try_collect()
        .await
}

pub(super) fn place_of(seen: &Seen) -> (&[u8], &[u8]) {
    match &seen.at {
        Some(at) => (at.conversation.as_bytes(), at.message.as_bytes()),
        None => (&[], &[]),
    }
}
