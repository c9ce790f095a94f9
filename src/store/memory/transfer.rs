//! Rows out of memory and into it, as all backends mean them.

use std::collections::BTreeMap;

use super::ledger::Ledger;
use super::rows::{Overlay, Tables, Timed};
use crate::domain::{ConversationId, Fence, MessageId, PhoneNumberId, Seq, TenantId, Timestamp, WamidHash};
use crate::store::error::StoreError;
use crate::store::transfer::{self, Exported, Mark, Record, RecordKind};

/// A key as a mark holds it.
trait Marked: Ord + Clone {
    fn mark(&self) -> Vec<u8>;
}

macro_rules! marked {
    ($($key:ty = $bytes:expr;)+) => {
        $(impl Marked for $key {
            fn mark(&self) -> Vec<u8> {
                let bytes: fn(&$key) -> Vec<u8> = $bytes;
                bytes(self)
            }
        })+
    };
}

marked! {
    Seq = |key| key.get().to_be_bytes().to_vec();
    ConversationId = |key| key.as_bytes().to_vec();
    crate::domain::ContactId = |key| key.as_bytes().to_vec();
    crate::domain::BroadcastId = |key| key.as_bytes().to_vec();
    WamidHash = |key| key.as_bytes().to_vec();
    [u8; 16] = |key| key.to_vec();
    (ConversationId, MessageId) = |(one, two)| [one.as_bytes().as_slice(), two.as_bytes()].concat();
    (PhoneNumberId, MessageId) = |(one, two)| [one.as_str().as_bytes(), &[0], two.as_bytes()].concat();
}

/// The rows of a table after a mark that are still to be read.
fn page<K: Marked, T>(
    table: &BTreeMap<K, T>,
    after: Option<&Mark>,
    limit: usize,
    record: impl Fn(&K, &T) -> Option<Result<Record, StoreError>>,
) -> Result<Exported, StoreError> {
    // Marks are in the order of their keys.
    let rest = table
        .iter()
        .skip_while(|(key, _)| after.is_some_and(|mark| key.mark() <= mark.0));
    let mut page = Exported::default();
    for (key, row) in rest {
        if let Some(record) = record(key, row) {
            page.records.push(record?);
        }
        if page.records.len() >= limit {
            page.next = Some(Mark(key.mark()));
            break;
        }
    }
    Ok(page)
}

impl Ledger {
    /// Writes records of another store.
    pub(super) fn import(
        &mut self,
        tenant: TenantId,
        fence: Fence,
        records: &[Record],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.admit(fence)?;
        let before = self.tables.events_until;
        let mut rows = Overlay::new(tenant, now, &self.tables).ending_as_told();
        transfer::put(&mut rows, records)?;
        let changes = rows.finish();
        self.tables.take(changes);
        self.tables.events_until = self.tables.events_until.max(before);
        self.at.head = transfer::head_in(records).unwrap_or(self.at.head);
        Ok(())
    }

    /// Rows of one kind after a mark.
    pub(super) fn export(
        &self,
        kind: RecordKind,
        after: Option<&Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let Tables {
            events,
            conversations,
            messages,
            seen,
            contacts,
            aliases,
            idempotency,
            outbox,
            tallies,
            ..
        } = &self.tables;
        match kind {
            RecordKind::Contact => page(contacts, after, limit, |_, row| {
                Some(Ok(Record::Contact(Box::new(row.clone()))))
            }),
            RecordKind::Alias => page(aliases, after, limit, |key, contact| {
                Some(Ok(Record::Alias {
                    key: *key,
                    contact: *contact,
                }))
            }),
            RecordKind::Message => page(messages, after, limit, |_, Timed { row, expires }| {
                (now < *expires).then(|| {
                    Ok(Record::Message {
                        row: Box::new(row.clone()),
                        expires: *expires,
                    })
                })
            }),
            RecordKind::Conversation => page(conversations, after, limit, |id, row| {
                let last = row.last_message_id.and_then(|last| messages.get(&(*id, last)));
                let mut row = row.clone();
                row.preview = row
                    .preview
                    .filter(|_| last.is_some_and(|last| last.live(now).is_some()));
                Some(Ok(Record::Conversation(Box::new(row))))
            }),
            RecordKind::Seen => page(seen, after, limit, |key, timed| {
                timed.live(now).map(|row| {
                    Ok(Record::Seen {
                        key: *key,
                        at: row.at,
                        expires: timed.expires,
                    })
                })
            }),
            RecordKind::Idempotency => page(idempotency, after, limit, |key, timed| {
                timed.live(now).map(|row| {
                    Ok(Record::Idempotency {
                        key: *key,
                        row: *row,
                        expires: timed.expires,
                    })
                })
            }),
            RecordKind::Outbox => page(outbox, after, limit, |_, row| {
                Some(Ok(Record::Outbox(Box::new(row.clone()))))
            }),
            RecordKind::Tally => page(tallies, after, limit, |_, timed| {
                timed.live(now).map(|row| {
                    Ok(Record::Tally {
                        row: Box::new(row.clone()),
                        expires: timed.expires,
                    })
                })
            }),
            RecordKind::Event => page(events, after, limit, |_, timed| {
                timed.live(now).map(|event| Record::event(event, timed.expires))
            }),
            RecordKind::Head => Ok(Exported {
                records: vec![Record::Head {
                    epoch: self.at.epoch,
                    head: self.at.head,
                }],
                next: None,
            }),
        }
    }
}
