//! The record of a commit, as a ledger's row keeps it: whoever takes the ledger over reads it, an older program or a newer one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::domain::{ContactAliases, Retention, TenantId, TermKey, TermPlace};
use crate::store::conformance::contents::exported;
use crate::store::conformance::one_of_each::one_of_each;
use crate::store::memory::MemoryStore;
use crate::store::scylla::terms::TermRow;
use crate::store::{Record, RecordKind};

/// A record with every kind of change, a line each.
const FORMAT: &str = include_str!("format.txt");

/// The change that writes a row.
fn written(record: Record) -> Option<Change> {
    Some(match record {
        Record::Contact(row) => Change::Contact(row),
        Record::Alias { key, contact } => Change::Alias { key, contact },
        Record::Message { row, expires } => Change::Message { row, expires },
        Record::Conversation(row) => Change::Conversation {
            preview_until: row.last_message_id.map(|id| id.timestamp()),
            row,
        },
        Record::Seen { key, at, expires } => Change::Seen {
            key,
            row: Seen { at },
            expires,
        },
        Record::Idempotency { key, row, expires } => Change::Idempotency { key, row, expires },
        Record::Outbox(row) => Change::Outbox(row),
        Record::Tally { row, expires } => Change::Tally { row, expires },
        Record::Event {
            seq,
            at,
            kind,
            conversation,
            json,
            expires,
        } => Change::Event(Box::new(EventRow {
            seq,
            at,
            kind,
            conversation,
            expires,
            json,
        })),
        Record::Head { .. } => return None,
    })
}

/// A contact that has another label since.
fn terms(contact: ContactId) -> Change {
    let key = TermKey::of(TenantId::new(5));
    let at = |label: &str| {
        let row = Contact::new(contact, &ContactAliases::default(), Timestamp::from_secs(9));
        TermRow::from((key.label(&label.parse().unwrap()), TermPlace::by_age(&row)))
    };
    Change::Terms {
        contact,
        removed: vec![at("before")],
        added: vec![at("since")],
    }
}

async fn every_change() -> Vec<Change> {
    let scene = one_of_each(Arc::new(MemoryStore::new())).await;
    let mut changes = Vec::new();
    for kind in RecordKind::ALL {
        let records = exported(scene.store.as_ref(), scene.tenant, kind, scene.now).await;
        changes.extend(records.into_iter().filter_map(written));
    }
    let conversation = ConversationId::from_bytes([1; 16]);
    let message = MessageId::from_bytes([2; 16]);
    let contact = ContactId::from_bytes([3; 16]);
    let drop_messages = |down_to| Change::DropMessages {
        conversation,
        bucket: 700,
        class: 1,
        down_to,
    };
    changes.extend([
        Change::DropConversation(conversation),
        Change::DropMessage {
            at: MessageRef {
                conversation,
                message,
            },
            class: 2,
        },
        drop_messages(Some(message)),
        drop_messages(None),
        Change::DropBuckets(conversation),
        Change::DropContact(contact),
        terms(contact),
        Change::DropBelongings(contact),
        Change::DropAlias([4; 16]),
        Change::DropOutbox {
            number: PhoneNumberId::parse("1").unwrap(),
            message,
        },
        Change::Retention(Box::new(RetentionJob::new(
            TenantId::new(5),
            Retention::DEFAULT,
            Retention::days(30).unwrap(),
            Timestamp::from_secs(1_800_000_000),
        ))),
    ]);
    changes
}

const fn name(change: &Change) -> &'static str {
    match change {
        Change::Conversation { .. } => "conversation",
        Change::DropConversation(_) => "drop_conversation",
        Change::Message { .. } => "message",
        Change::DropMessage { .. } => "drop_message",
        Change::DropMessages { .. } => "drop_messages",
        Change::DropBuckets(_) => "drop_buckets",
        Change::Seen { .. } => "seen",
        Change::Contact(_) => "contact",
        Change::Terms { .. } => "terms",
        Change::DropContact(_) => "drop_contact",
        Change::DropBelongings(_) => "drop_belongings",
        Change::Alias { .. } => "alias",
        Change::DropAlias(_) => "drop_alias",
        Change::Idempotency { .. } => "idempotency",
        Change::Outbox(_) => "outbox",
        Change::DropOutbox { .. } => "drop_outbox",
        Change::Tally { .. } => "tally",
        Change::Event(_) => "event",
        Change::Retention(_) => "retention",
    }
}

/// A line for each change.
fn lines(redo: &Redo) -> String {
    let changes: Vec<String> = redo
        .changes
        .iter()
        .map(|change| serde_json::to_string(change).unwrap())
        .collect();
    let empty = serde_json::to_string(&Redo {
        changes: Vec::new(),
        ..*redo
    });
    let empty = empty.unwrap();
    let (head, tail) = empty.split_at(empty.len() - 2);
    format!("{head}\n{}\n{tail}\n", changes.join(",\n"))
}

#[tokio::test]
async fn records_are_written_as_ever() {
    let redo = Redo {
        stamp: 1_800_000_000_000_123,
        now: Timestamp::from_secs(1_800_000_000),
        changes: every_change().await,
    };
    let written = lines(&redo);
    for (written, expected) in written.lines().zip(FORMAT.lines()) {
        assert_eq!(written, expected);
    }
    assert_eq!(written.lines().count(), FORMAT.lines().count(), "{written}");
}

#[test]
fn records_that_were_written_long_ago_are_read() {
    let redo = Redo::decode(FORMAT.as_bytes()).unwrap().unwrap();
    assert_eq!(lines(&redo), FORMAT);
    let names: BTreeSet<&str> = redo.changes.iter().map(name).collect();
    assert_eq!(names.len(), 19, "{names:?}");
}
