//! Writing a commit's rows: plain writes, each stamped with the commit's number, each repeated until it is acknowledged.

use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::change::{Change, EventRow, json, kind_code};
use super::head::pause;
use super::keys::{self, Class};
use super::link::Prepared;
use super::memory::Note;
use super::pages::Part;
use super::statements::MessageStatements;
use crate::domain::{ContactId, Conversation, Message, TenantId, Timestamp};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::row::{OutboxRow, Seen};

/// Rows of one commit written at once.
const TOGETHER: usize = 64;
/// How often a row's write is tried.
const TRIES: u32 = 6;
/// A preview whose message is over stays for this long, so that it goes by the sweep rather than by a surprise.
const PREVIEW_OVER: i32 = 60;

/// What belongs to a contact, as the index names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belonging {
    Alias,
    Link,
    Conversation,
}

impl Belonging {
    pub(super) const fn code(self) -> i8 {
        match self {
            Self::Alias => 1,
            Self::Link => 2,
            Self::Conversation => 3,
        }
    }

    pub(super) const fn of_code(code: i8) -> Option<Self> {
        Some(match code {
            1 => Self::Alias,
            2 => Self::Link,
            3 => Self::Conversation,
            _ => return None,
        })
    }
}

/// Whose rows are written, in which commit, and when that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) tenant: TenantId,
    pub(super) stamp: i64,
    /// The commit's time, or as much later as the writing is.
    pub(super) now: Timestamp,
}

impl Writing {
    /// A row whose time is over replaces what stood there, and is gone in a second.
    fn ttl(&self, expires: Timestamp) -> i32 {
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
        let writes: Vec<_> = changes
            .iter()
            .map(|change| self.write_row(writing, change))
            .collect();
        futures_util::stream::iter(writes)
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await
    }

    async fn write_row(&self, writing: Writing, change: &Change) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            match self.write_once(writing, change).await {
                Err(error)
                    if tries < TRIES && (error.is_retryable() || error.kind == StoreErrorKind::Unknown) =>
                {
                    tries += 1;
                    tracing::debug!(tries, error = %error, "a row is written again");
                    pause(tries).await;
                }
                other => return other,
            }
        }
    }

    async fn write_once(&self, writing: Writing, change: &Change) -> Result<(), StoreError> {
        let Writing { tenant, stamp, .. } = writing;
        let of = keys::tenant(tenant);
        let rows = &self.book.rows;
        match change {
            Change::Conversation { row, preview_until } => {
                self.write_conversation(writing, row, *preview_until).await
            }
            Change::DropConversation(id) => {
                let values = (stamp, of, keys::shard(id.as_bytes()), id.as_bytes());
                self.memory
                    .forget(|note| matches!(note, Note::Owner(t, c) if *t == tenant && c == id));
                self.link.write(&rows.drop_conversation, values).await
            }
            Change::Message { row, expires } => self.write_message(writing, row, *expires).await,
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
                self.memory
                    .forget(|note| matches!(note, Note::Bucket(t, c, ..) if *t == tenant && c == id));
                self.link
                    .write(&rows.drop_buckets, (stamp, of, id.as_bytes()))
                    .await
            }
            Change::Seen { key, row, expires } => {
                let (conversation, message) = place_of(row);
                let values = (
                    of,
                    keys::seen_shard(key.as_bytes()),
                    key.as_bytes(),
                    conversation,
                    message,
                    expires.as_millis(),
                    writing.ttl(*expires),
                    stamp,
                );
                self.link.write(&rows.put_seen, values).await
            }
            Change::Contact(row) => {
                if let Some(target) = row.linked_to {
                    self.belongs(writing, target, Belonging::Link, row.id.as_bytes())
                        .await?;
                }
                let id = row.id.as_bytes();
                let values = (of, keys::shard(id), id, json(row)?, stamp);
                self.link.write(&rows.put_contact, values).await
            }
            Change::DropContact(id) => {
                let values = (stamp, of, keys::shard(id.as_bytes()), id.as_bytes());
                self.link.write(&rows.drop_contact, values).await
            }
            Change::DropBelongings(id) => {
                self.link
                    .write(&rows.drop_belongings, (stamp, of, id.as_bytes()))
                    .await
            }
            Change::Alias { key, contact } => {
                self.belongs(writing, *contact, Belonging::Alias, key).await?;
                let values = (of, keys::shard(key), key, contact.as_bytes(), stamp);
                self.link.write(&rows.put_alias, values).await
            }
            Change::DropAlias(key) => {
                self.link
                    .write(&rows.drop_alias, (stamp, of, keys::shard(key), key))
                    .await
            }
            Change::Idempotency { key, row, expires } => {
                let values = (
                    of,
                    keys::shard(key),
                    key,
                    row.request,
                    row.at.conversation.as_bytes(),
                    row.at.message.as_bytes(),
                    expires.as_millis(),
                    writing.ttl(*expires),
                    stamp,
                );
                self.link.write(&rows.put_idempotency, values).await
            }
            Change::Outbox(row) => self.write_outbox(writing, row).await,
            Change::DropOutbox { number, message } => {
                let values = (
                    stamp,
                    of,
                    number.as_str(),
                    keys::slot(*message),
                    message.as_bytes(),
                );
                self.link.write(&rows.drop_outbox, values).await
            }
            Change::Event(event) => self.write_event(writing, event).await,
            Change::Retention(job) => self.write_job(stamp, job).await,
        }
    }

    async fn write_conversation(
        &self,
        writing: Writing,
        row: &Conversation,
        preview_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        let id = row.id.as_bytes();
        let owner = Note::Owner(writing.tenant, row.id);
        if !self.memory.knows(&owner) {
            self.belongs(writing, row.contact_id, Belonging::Conversation, id)
                .await?;
            self.memory.note(owner);
        }
        let preview = json(&row.preview)?;
        let kept = json(&Conversation {
            preview: None,
            ..row.clone()
        })?;
        let values = (
            keys::tenant(writing.tenant),
            keys::shard(id),
            id,
            row.number.as_str(),
            super::list::status_code(row.status),
            row.last_activity.as_millis(),
            preview_until.map_or(i64::MAX, Timestamp::as_millis),
            kept,
            writing.stamp,
        );
        let whole = self.link.write(&rows.put_conversation, values);
        let ttl = preview_until.map_or(0, |until| keys::ttl(until, writing.now).unwrap_or(PREVIEW_OVER));
        let values = (
            ttl,
            writing.stamp,
            preview,
            keys::tenant(writing.tenant),
            keys::shard(id),
            id,
        );
        let beginning = self.link.write(&rows.put_preview, values);
        futures_util::try_join!(whole, beginning).map(|_both| ())
    }

    async fn write_message(
        &self,
        writing: Writing,
        row: &Message,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let class = Class::of(row, expires);
        let (id, bucket) = (row.conversation_id, keys::bucket(row.id));
        let note = Note::Bucket(writing.tenant, id, bucket, class);
        let of = keys::tenant(writing.tenant);
        if !self.memory.knows(&note) {
            let values = (of, id.as_bytes(), bucket, class.code(), writing.stamp);
            self.link.write(&self.book.rows.put_bucket, values).await?;
            self.memory.note(note);
        }
        let values = (
            of,
            id.as_bytes(),
            bucket,
            row.id.as_bytes(),
            expires.as_millis(),
            json(row)?,
            writing.ttl(expires),
            writing.stamp,
        );
        self.link.write(&self.messages(class).put, values).await
    }

    async fn write_outbox(&self, writing: Writing, row: &OutboxRow) -> Result<(), StoreError> {
        let slot = keys::slot(row.at.message);
        let of = keys::tenant(writing.tenant);
        let note = Note::Slot(writing.tenant, row.number.clone(), slot);
        if !self.memory.knows(&note) {
            let values = (of, row.number.as_str(), slot, writing.stamp);
            self.link.write(&self.book.rows.put_slot, values).await?;
            self.memory.note(note);
        }
        let values = (
            of,
            row.number.as_str(),
            slot,
            row.at.message.as_bytes(),
            json(row)?,
            writing.stamp,
        );
        self.link.write(&self.book.rows.put_outbox, values).await
    }

    async fn write_event(&self, writing: Writing, event: &EventRow) -> Result<(), StoreError> {
        let conversation: &[u8] = match &event.conversation {
            Some(id) => id.as_bytes(),
            None => &[],
        };
        let values = (
            keys::tenant(writing.tenant),
            keys::segment(event.seq),
            keys::seq(event.seq),
            event.at.as_millis(),
            kind_code(event.kind),
            conversation,
            event.expires.as_millis(),
            event.json.get().as_bytes(),
            writing.ttl(event.expires),
            writing.stamp,
        );
        self.link.write(&self.book.rows.put_event, values).await
    }

    async fn belongs(
        &self,
        writing: Writing,
        contact: ContactId,
        what: Belonging,
        reference: &[u8; 16],
    ) -> Result<(), StoreError> {
        let prepared: &Prepared = &self.book.rows.put_belonging;
        let values = (
            keys::tenant(writing.tenant),
            contact.as_bytes(),
            what.code(),
            reference,
            writing.stamp,
        );
        self.link.write(prepared, values).await
    }
}

fn place_of(seen: &Seen) -> (&[u8], &[u8]) {
    match &seen.at {
        Some(at) => (at.conversation.as_bytes(), at.message.as_bytes()),
        None => (&[], &[]),
    }
}
