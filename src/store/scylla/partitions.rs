//! Rows of a commit that stand in one partition, written by one request: a request costs more than its rows.
//!
//! Batches stay within a partition, where they are one write of one row set to the servers, however many rows it has.

use std::collections::HashMap;

use scylla::serialize::row::SerializeRow;

use super::ScyllaStore;
use super::change::{Change, EventRow, json};
use super::keys::{self, Class};
use super::link::Prepared;
use super::list::UNLISTED;
use super::write::{Writing, place_of};
use crate::domain::{ContactId, Conversation, ConversationId, Message, PhoneNumberId, Term, Timestamp};
use crate::store::error::StoreError;
use crate::store::row::OutboxRow;

/// Rows in one request.
const TOGETHER: usize = 64;
/// Bytes in one request: far below what servers take at once, also with the parts that are not counted.
const BYTES: usize = 512 * 1_024;
/// A preview whose message is over stays for this long, so that it goes by the sweep rather than by a surprise.
const PREVIEW_OVER: i32 = 60;

/// What a statement is given.
pub(super) type Values<'a> = Box<dyn SerializeRow + Send + Sync + 'a>;

/// A row to be written.
pub(super) struct BoundStatement<'a> {
    pub(super) statement: &'a Prepared,
    pub(super) values: Values<'a>,
    /// About how much it takes.
    pub(super) bytes: usize,
}

/// A partition that commits write several rows of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Partition {
    Events(i64),
    Outbox(PhoneNumberId, i64),
    Tallies,
    Conversations(i16),
    Seen(i16),
    Idempotency(i16),
    Messages(ConversationId, i32, Class),
    Buckets(ConversationId),
    Slots(PhoneNumberId),
    Belongings(ContactId),
    Contacts(i16),
    Terms(Term),
    Aliases(i16),
}

/// Rows by partition, in the order in which they came.
#[derive(Default)]
pub(super) struct ByPartition<'a> {
    pub(super) parts: Vec<Vec<BoundStatement<'a>>>,
    open: HashMap<Partition, (usize, usize)>,
}

impl<'a> ByPartition<'a> {
    pub(super) fn add(&mut self, place: Partition, line: BoundStatement<'a>) {
        let open = self.open.get_mut(&place).and_then(|(index, bytes)| {
            let part = self.parts.get_mut(*index)?;
            let fits = part.len() < TOGETHER && *bytes + line.bytes <= BYTES;
            fits.then_some((part, bytes))
        });
        if let Some((part, bytes)) = open {
            *bytes += line.bytes;
            part.push(line);
        } else {
            self.open.insert(place, (self.parts.len(), line.bytes));
            self.parts.push(vec![line]);
        }
    }
}

/// What a commit writes: by partition, and what stands alone.
pub(super) struct Sorted<'a> {
    pub(super) parts: Vec<Vec<BoundStatement<'a>>>,
    pub(super) others: Vec<&'a Change>,
}

impl ScyllaStore {
    /// Sorts a commit's rows by where they stand.
    pub(super) fn sort<'a>(
        &'a self,
        writing: Writing,
        changes: &'a [Change],
    ) -> Result<Sorted<'a>, StoreError> {
        let mut gathered = ByPartition::default();
        let mut others = Vec::new();
        for change in changes {
            match change {
                Change::Conversation { row, preview_until } => {
                    let place = Partition::Conversations(keys::shard(row.id.as_bytes()));
                    for line in self.conversation_lines(writing, row, *preview_until)? {
                        gathered.add(place.clone(), line);
                    }
                }
                Change::Message { row, expires } => {
                    let place = Partition::Messages(
                        row.conversation_id,
                        keys::bucket(row.id),
                        Class::of(row, *expires),
                    );
                    gathered.add(place, self.message_line(writing, row, *expires)?);
                }
                Change::Seen { key, row, expires } => {
                    let shard = keys::seen_shard(key.as_bytes());
                    let (conversation, message) = place_of(row);
                    let line = BoundStatement {
                        statement: &self.book.rows.put_seen,
                        values: Box::new((
                            keys::tenant(writing.tenant),
                            shard,
                            key.as_bytes(),
                            conversation,
                            message,
                            expires.as_millis(),
                            writing.ttl(*expires),
                            writing.stamp,
                        )),
                        bytes: 0,
                    };
                    gathered.add(Partition::Seen(shard), line);
                }
                Change::Idempotency { key, row, expires } => {
                    let shard = keys::shard(key);
                    let line = BoundStatement {
                        statement: &self.book.rows.put_idempotency,
                        values: Box::new((
                            keys::tenant(writing.tenant),
                            shard,
                            key,
                            row.request,
                            row.at.conversation.as_bytes(),
                            row.at.message.as_bytes(),
                            expires.as_millis(),
                            writing.ttl(*expires),
                            writing.stamp,
                        )),
                        bytes: 0,
                    };
                    gathered.add(Partition::Idempotency(shard), line);
                }
                Change::Tally { row, expires } => {
                    let body = json(row)?;
                    let bytes = body.len();
                    let line = BoundStatement {
                        statement: &self.book.rows.put_tally,
                        values: Box::new((
                            keys::tenant(writing.tenant),
                            row.broadcast.as_bytes(),
                            expires.as_millis(),
                            body,
                            writing.ttl(*expires),
                            writing.stamp,
                        )),
                        bytes,
                    };
                    gathered.add(Partition::Tallies, line);
                }
                Change::Outbox(row) => {
                    let place = Partition::Outbox(row.number.clone(), keys::slot(row.at.message));
                    gathered.add(place, self.outbox_line(writing, row)?);
                }
                Change::DropOutbox { number, message } => {
                    let slot = keys::slot(*message);
                    let line = BoundStatement {
                        statement: &self.book.rows.drop_outbox,
                        values: Box::new((
                            writing.stamp,
                            keys::tenant(writing.tenant),
                            number.as_str(),
                            slot,
                            message.as_bytes(),
                        )),
                        bytes: 0,
                    };
                    gathered.add(Partition::Outbox(number.clone(), slot), line);
                }
                Change::Event(event) => {
                    let place = Partition::Events(keys::segment(event.seq));
                    gathered.add(place, self.event_line(writing, event));
                }
                Change::Contact(row) => {
                    let id = row.id.as_bytes();
                    let shard = keys::shard(id);
                    let line = BoundStatement {
                        statement: &self.book.rows.put_contact,
                        values: Box::new((
                            keys::tenant(writing.tenant),
                            shard,
                            id,
                            json(row)?,
                            writing.stamp,
                        )),
                        bytes: 0,
                    };
                    gathered.add(Partition::Contacts(shard), line);
                }
                Change::Terms {
                    contact,
                    removed,
                    added,
                } => self.sort_terms(&mut gathered, writing, contact, (removed, added)),
                Change::Alias { key, contact } => {
                    let shard = keys::shard(key);
                    let line = BoundStatement {
                        statement: &self.book.rows.put_alias,
                        values: Box::new((
                            keys::tenant(writing.tenant),
                            shard,
                            key,
                            contact.as_bytes(),
                            writing.stamp,
                        )),
                        bytes: 0,
                    };
                    gathered.add(Partition::Aliases(shard), line);
                }
                other => others.push(other),
            }
        }
        Ok(Sorted {
            parts: gathered.parts,
            others,
        })
    }

    /// The conversation, and the beginning of its last message, which may end before it.
    fn conversation_lines<'a>(
        &'a self,
        writing: Writing,
        row: &'a Conversation,
        preview_until: Option<Timestamp>,
    ) -> Result<[BoundStatement<'a>; 2], StoreError> {
        let rows = &self.book.rows;
        let (of, id) = (keys::tenant(writing.tenant), row.id.as_bytes());
        let preview = json(&row.preview)?;
        let kept = json(&Conversation {
            preview: None,
            ..row.clone()
        })?;
        let ttl = preview_until.map_or(0, |until| keys::ttl(until, writing.now).unwrap_or(PREVIEW_OVER));
        let bytes = kept.len();
        let status = if row.is_unlisted {
            UNLISTED
        } else {
            row.status.code()
        };
        let whole = (
            of,
            keys::shard(id),
            id,
            row.number.as_str(),
            status.cast_signed(),
            row.last_activity.as_millis(),
            preview_until.map_or(i64::MAX, Timestamp::as_millis),
            kept,
            writing.stamp,
        );
        let beginning = (ttl, writing.stamp, preview, of, keys::shard(id), id);
        Ok([
            BoundStatement {
                statement: &rows.put_conversation,
                values: Box::new(whole),
                bytes,
            },
            BoundStatement {
                statement: &rows.put_preview,
                values: Box::new(beginning),
                bytes: 0,
            },
        ])
    }

    fn message_line<'a>(
        &'a self,
        writing: Writing,
        row: &'a Message,
        expires: Timestamp,
    ) -> Result<BoundStatement<'a>, StoreError> {
        let body = json(row)?;
        let bytes = body.len();
        let values = (
            keys::tenant(writing.tenant),
            row.conversation_id.as_bytes(),
            keys::bucket(row.id),
            row.id.as_bytes(),
            expires.as_millis(),
            body,
            writing.ttl(expires),
            writing.stamp,
        );
        Ok(BoundStatement {
            statement: &self.messages(Class::of(row, expires)).put,
            values: Box::new(values),
            bytes,
        })
    }

    fn outbox_line<'a>(
        &'a self,
        writing: Writing,
        row: &'a OutboxRow,
    ) -> Result<BoundStatement<'a>, StoreError> {
        let body = json(row)?;
        let bytes = body.len();
        let values = (
            keys::tenant(writing.tenant),
            row.number.as_str(),
            keys::slot(row.at.message),
            row.at.message.as_bytes(),
            body,
            writing.stamp,
        );
        Ok(BoundStatement {
            statement: &self.book.rows.put_outbox,
            values: Box::new(values),
            bytes,
        })
    }

    fn event_line<'a>(&'a self, writing: Writing, event: &'a EventRow) -> BoundStatement<'a> {
        let conversation: &[u8] = match &event.conversation {
            Some(id) => id.as_bytes(),
            None => &[],
        };
        let body = event.json.get().as_bytes();
        let values = (
            keys::tenant(writing.tenant),
            keys::segment(event.seq),
            keys::seq(event.seq),
            event.at.as_millis(),
            event.kind.code().cast_signed(),
            conversation,
            event.expires.as_millis(),
            body,
            writing.ttl(event.expires),
            writing.stamp,
        );
        BoundStatement {
            statement: &self.book.rows.put_event,
            values: Box::new(values),
            bytes: body.len(),
        }
    }
}
