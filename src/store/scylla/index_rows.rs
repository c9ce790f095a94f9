//! The small rows by which others are found: written before those, unless they surely stand there.

use std::collections::HashSet;

use super::ScyllaStore;
use super::change::Change;
use super::keys::{self, Class};
use super::partitions::{BoundStatement, ByPartition, Partition};
use super::row_cache::Note;
use super::write::Writing;
use crate::domain::ContactId;
use crate::store::erasure::{Belonging, member_of};

impl Belonging {
    const fn code(self) -> i8 {
        match self {
            Self::Alias => 1,
            Self::Link => 2,
            Self::Conversation => 3,
            Self::Membership => 4,
        }
    }

    pub(super) fn of_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.code() == code)
    }
}

/// A commit's small rows by partition, and what may be noted once they are written.
#[derive(Default)]
pub(super) struct IndexRows<'a> {
    pub(super) parts: Vec<Vec<BoundStatement<'a>>>,
    pub(super) notes: HashSet<Note>,
}

impl ScyllaStore {
    /// The small rows that a commit needs.
    pub(super) fn index_rows<'a>(&'a self, writing: Writing, changes: &'a [Change]) -> IndexRows<'a> {
        let (term, of) = (writing.term, keys::tenant(writing.tenant));
        let rows = &self.book.rows;
        let mut gathered = ByPartition::default();
        let mut notes = HashSet::new();
        let mut is_new = |note: Note| !self.row_cache.knows(&note) && notes.insert(note);
        for change in changes {
            match change {
                Change::Conversation { row, .. } if is_new(Note::Owner(term, row.id)) => {
                    let what = Belonging::Conversation;
                    self.belongs(&mut gathered, writing, row.contact_id, what, row.id.as_bytes());
                }
                Change::Message { row, expires } => {
                    let (id, bucket) = (row.conversation_id, keys::bucket(row.id));
                    let class = Class::of(row, *expires);
                    if is_new(Note::Bucket(term, id, bucket, class)) {
                        let conversation = row.conversation_id.as_bytes();
                        let line = BoundStatement {
                            statement: &rows.put_bucket,
                            values: Box::new((of, conversation, bucket, class.code(), writing.stamp)),
                            bytes: 0,
                        };
                        gathered.add(Partition::Buckets(id), line);
                    }
                    if let Some(member) = member_of(row)
                        && is_new(Note::Member(term, member, id))
                    {
                        let (what, id) = (Belonging::Membership, row.conversation_id.as_bytes());
                        self.belongs(&mut gathered, writing, member, what, id);
                    }
                }
                Change::Outbox(row) => {
                    let slot = keys::slot(row.at.message);
                    if is_new(Note::Slot(term, row.number.clone(), slot)) {
                        let line = BoundStatement {
                            statement: &rows.put_slot,
                            values: Box::new((of, row.number.as_str(), slot, writing.stamp)),
                            bytes: 0,
                        };
                        gathered.add(Partition::Slots(row.number.clone()), line);
                    }
                }
                Change::Contact(row) => {
                    if let Some(target) = row.linked_to {
                        let what = Belonging::Link;
                        self.belongs(&mut gathered, writing, target, what, row.id.as_bytes());
                    }
                }
                Change::Alias { key, contact } => {
                    self.belongs(&mut gathered, writing, *contact, Belonging::Alias, key);
                }
                _ => {}
            }
        }
        IndexRows {
            parts: gathered.parts,
            notes,
        }
    }

    fn belongs<'a>(
        &'a self,
        gathered: &mut ByPartition<'a>,
        writing: Writing,
        contact: ContactId,
        what: Belonging,
        reference: &'a [u8; 16],
    ) {
        let values = (
            keys::tenant(writing.tenant),
            *contact.as_bytes(),
            what.code(),
            reference,
            writing.stamp,
        );
        let line = BoundStatement {
            statement: &self.book.rows.put_belonging,
            values: Box::new(values),
            bytes: 0,
        };
        gathered.add(Partition::Belongings(contact), line);
    }
}

#[cfg(test)]
mod tests {
    use super::Belonging;

    #[test]
    fn what_belongs_to_a_contact_is_read_back_as_it_was_written() {
        let read: Vec<_> = (i8::MIN..=i8::MAX).filter_map(Belonging::of_code).collect();
        assert_eq!(read, Belonging::ALL);
        assert_eq!(Belonging::ALL.map(Belonging::code), [1, 2, 3, 4]);
    }
}
