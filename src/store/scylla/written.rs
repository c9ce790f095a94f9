//! What a commit writes: rows by key, as the owner remembers them, and what they mean for the tables.

use super::cell::{Cell, Kept, Key, Listed, Row};
use super::change::Change;
use super::keys::Class;
use crate::domain::contact_terms::TermChanges;
use crate::domain::{ContactId, TenantId, TermKey, Timestamp};
use crate::store::row::MessageRef;

/// Rows in the order in which they are written.
#[derive(Default)]
pub(super) struct Writes {
    /// The rows by key.
    pub(super) rows: Vec<(Key, Cell)>,
    /// The rows that the commit writes.
    pub(super) changes: Vec<Change>,
}

/// What a batch wrote.
pub(super) struct Written {
    pub(super) writes: Writes,
    /// Expiry of the newest event.
    pub(super) events_until: Timestamp,
}

impl From<Vec<Change>> for Writes {
    /// Changes of rows that no owner remembers.
    fn from(changes: Vec<Change>) -> Self {
        let rows = Vec::new();
        Self { rows, changes }
    }
}

impl Writes {
    /// Writes a row, or removes it.
    pub(super) fn put(&mut self, key: Key, cell: Cell) {
        self.put_over(None, key, cell);
    }

    /// Writes a conversation.
    pub(super) fn put_conversation(&mut self, listed: Listed) {
        let key = Key::Conversation(listed.row.id);
        self.put(key, Some(Row::Conversation(Box::new(listed))));
    }

    /// Writes a message.
    pub(super) fn put_message(&mut self, kept: Kept) {
        let at = MessageRef::of(&kept.row);
        self.put(Key::Message(at), Some(Row::Message(Box::new(kept))));
    }

    /// Removes a message from the table of a class.
    pub(super) fn drop_message(&mut self, at: MessageRef, class: Class) {
        self.put(Key::Message(at), None);
        let class = class.code();
        self.changes.push(Change::DropMessage { at, class });
    }

    /// Moves a contact from where it stood to where it stands.
    pub(super) fn change_terms(
        &mut self,
        tenant: TenantId,
        contact: ContactId,
        before: Option<&Row>,
        after: Option<&Row>,
    ) {
        let row = |row: Option<&Row>| match row {
            Some(Row::Contact(row)) => Some(row.as_ref().clone()),
            _ => None,
        };
        let (before, after) = (row(before), row(after));
        let changes = TermChanges::between(TermKey::of(tenant), before.as_ref(), after.as_ref());
        if !changes.is_empty() {
            self.changes.push(Change::Terms {
                contact,
                removed: changes.removed.into_iter().map(Into::into).collect(),
                added: changes.added.into_iter().map(Into::into).collect(),
            });
        }
    }

    /// Writes a row, or removes it, in place of the one that stood there. Of a message that is removed only the caller knows
    /// where it stands.
    pub(super) fn put_over(&mut self, before: Option<&Row>, key: Key, cell: Cell) {
        match (&key, &cell) {
            (_, Some(Row::Conversation(listed))) => self.changes.push(Change::Conversation {
                row: Box::new(listed.row.clone()),
                preview_until: listed.preview_until,
            }),
            (Key::Conversation(id), None) => self.changes.push(Change::DropConversation(*id)),
            (_, Some(Row::Message(kept))) => {
                let class = Class::of(&kept.row, kept.expires);
                if let Some(Row::Message(before)) = before {
                    let was = Class::of(&before.row, before.expires);
                    if was != class {
                        self.changes.push(Change::DropMessage {
                            at: MessageRef::of(&before.row),
                            class: was.code(),
                        });
                    }
                }
                self.changes.push(Change::Message {
                    row: Box::new(kept.row.clone()),
                    expires: kept.expires,
                });
            }
            (Key::Seen(key), Some(Row::Seen(row, expires))) => self.changes.push(Change::Seen {
                key: *key,
                row: *row,
                expires: *expires,
            }),
            (_, Some(Row::Contact(row))) => self.changes.push(Change::Contact(row.clone())),
            (Key::Contact(id), None) => self.changes.push(Change::DropContact(*id)),
            (Key::Alias(key), Some(Row::Alias(contact))) => self.changes.push(Change::Alias {
                key: *key,
                contact: *contact,
            }),
            (Key::Alias(key), None) => self.changes.push(Change::DropAlias(*key)),
            (Key::Idempotency(key), Some(Row::Idempotency(row, expires))) => {
                self.changes.push(Change::Idempotency {
                    key: *key,
                    row: *row,
                    expires: *expires,
                });
            }
            (_, Some(Row::Outbox(row))) => self.changes.push(Change::Outbox(row.clone())),
            (_, Some(Row::Tally(row, expires))) => self.changes.push(Change::Tally {
                row: row.clone(),
                expires: *expires,
            }),
            (Key::Outbox(number, message), None) => self.changes.push(Change::DropOutbox {
                number: number.clone(),
                message: *message,
            }),
            // Events are written by themselves, nothing else is removed, and each kind of row has its own kind of key.
            _ => {}
        }
        self.rows.push((key, cell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Author, ContactId, Content, Conversation, ConversationId, Direction, Message, MessageId,
        PhoneNumberId, Retention, Seq,
    };

    /// By which names the record of the commit calls its changes.
    fn names(writes: &Writes) -> Vec<String> {
        let json = writes
            .changes
            .iter()
            .map(|change| serde_json::to_string(change).unwrap());
        json.map(|json| json.split('"').nth(1).unwrap_or_default().to_owned())
            .collect()
    }

    fn number() -> PhoneNumberId {
        PhoneNumberId::parse("1").unwrap()
    }

    #[test]
    fn a_row_that_is_removed_is_dropped_where_its_key_tells_its_place() {
        let conversation = ConversationId::from_bytes([1; 16]);
        let message = MessageId::from_bytes([2; 16]);
        let at = MessageRef {
            conversation,
            message,
        };
        let mut writes = Writes::default();
        for key in [
            Key::Conversation(conversation),
            Key::Contact(ContactId::from_bytes([3; 16])),
            Key::Alias([4; 16]),
            Key::Outbox(number(), message),
            Key::Message(at),
            Key::Event(Seq::new(5)),
        ] {
            writes.put(key, None);
        }
        writes.drop_message(at, Class::Middle);
        let dropped = [
            "drop_conversation",
            "drop_contact",
            "drop_alias",
            "drop_outbox",
            "drop_message",
        ];
        assert_eq!(names(&writes), dropped);
        assert_eq!(writes.rows.len(), 7);
    }

    #[test]
    fn a_message_leaves_the_table_of_its_class_once_its_end_belongs_to_another_class() {
        let (began, contact) = (Timestamp::default(), ContactId::from_bytes([3; 16]));
        let thread = Conversation::new(ConversationId::from_bytes([1; 16]), number(), contact, began);
        let id = MessageId::from_bytes([2; 16]);
        let (author, content) = (Author::Contact, Content::revoked());
        let row = Message::new_in(&thread, id, Direction::Inbound, author, content, began);
        let kept = |days| Kept {
            row: row.clone(),
            expires: Retention::days(days).unwrap().expiry(began),
        };
        for (before, after, changes) in [
            (30, 35, vec!["message"]),
            (30, 300, vec!["drop_message", "message"]),
            (300, 30, vec!["drop_message", "message"]),
        ] {
            let mut writes = Writes::default();
            let stood = Row::Message(Box::new(kept(before)));
            let key = Key::Message(MessageRef::of(&row));
            writes.put_over(Some(&stood), key, Some(Row::Message(Box::new(kept(after)))));
            assert_eq!(names(&writes), changes, "{before} {after}");
        }
    }
}
