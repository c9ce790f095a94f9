//! All that a store holds of a tenant, as it exports it, so that two stores, or one at two times, are compared byte by byte.

use bytes::Bytes;
use futures_util::future::join_all;
use serde::Serialize;

use crate::domain::{Epoch, Seq, TenantId, Timestamp};
use crate::store::row::Seen;
use crate::store::{Record, RecordKind, Store};

/// Rows exported at once.
pub(in crate::store) const PAGE: usize = 500;

/// What kind of row a key names; its first byte, and so the order of the contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Family {
    /// Where the ledger stands.
    Head,
    /// The tenant itself.
    Tenant,
    /// A number, by Meta's id.
    Number,
    /// An API key, by its hash.
    Key,
    /// An event, by position.
    Event,
    /// A conversation, by id.
    Conversation,
    /// A message, by conversation and id.
    Message,
    /// Something that happened once, by digest.
    Seen,
    /// A contact, by id.
    Contact,
    /// What an alias leads to, by digest.
    Alias,
    /// An answer to a named request, by digest.
    Idempotency,
    /// An unsettled outbound message, by number and id.
    Outbox,
    /// How many recipients of a broadcast came to what, by its id.
    Tally,
    /// The last change of retention.
    Retention,
}

impl Family {
    pub(in crate::store) const fn code(self) -> u8 {
        match self {
            Self::Head => b'0',
            Self::Tenant => b'1',
            Self::Number => b'2',
            Self::Key => b'3',
            Self::Event => b'5',
            Self::Conversation => b'6',
            Self::Message => b'7',
            Self::Seen => b'8',
            Self::Contact => b'9',
            Self::Alias => b'a',
            Self::Idempotency => b'b',
            Self::Outbox => b'c',
            Self::Retention => b'd',
            Self::Tally => b'e',
        }
    }

    /// Whether a key names a row of this kind.
    pub(in crate::store) fn names(self, key: &Bytes) -> bool {
        key.first() == Some(&self.code())
    }
}

#[derive(Serialize)]
struct HeadRow {
    epoch: Epoch,
    head: Seq,
}

#[derive(Serialize)]
struct Value<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    row: &'a T,
}

/// One row. The parts of its key are joined as they are.
fn entry(family: Family, key: &[&[u8]], expires: Option<Timestamp>, row: &impl Serialize) -> (Bytes, Bytes) {
    let mut name = vec![family.code()];
    name.extend(key.concat());
    let value = serde_json::to_vec(&Value { expires, row }).unwrap();
    (name.into(), value.into())
}

/// Every live row of a tenant, in order of its key.
///
/// An export hides the beginning of a last message that is over, while a sweep has to take it out of its row: what is hidden
/// is asked for by itself. A cluster's owner may have that in memory; a store that was opened anew reads what is kept.
pub(in crate::store) async fn contents(
    store: &dyn Store,
    tenant: TenantId,
    now: Timestamp,
) -> Vec<(Bytes, Bytes)> {
    let mut rows = directory(store, tenant).await;
    let kinds = RecordKind::ALL.map(|kind| exported(store, tenant, kind, now));
    for mut record in join_all(kinds).await.into_iter().flatten() {
        if let Record::Conversation(row) = &mut record
            && row.preview.is_none()
        {
            let read = store.conversation(tenant, row.id).await.unwrap();
            row.preview = read.and_then(|read| read.preview);
        }
        rows.push(entry_of(&record));
    }
    rows.sort();
    rows
}

/// A tenant's rows that no ledger has.
async fn directory(store: &dyn Store, tenant: TenantId) -> Vec<(Bytes, Bytes)> {
    let mut rows = Vec::new();
    if let Some(row) = store.tenant(tenant).await.unwrap() {
        rows.push(entry(Family::Tenant, &[], None, &row));
    }
    for row in store.numbers().await.unwrap() {
        if row.tenant == tenant {
            rows.push(entry(Family::Number, &[row.id.as_str().as_bytes()], None, &row));
        }
    }
    for row in store.keys(tenant).await.unwrap() {
        rows.push(entry(Family::Key, &[&row.hash.0], None, &row));
    }
    for row in store.retention_jobs().await.unwrap() {
        if row.tenant == tenant {
            rows.push(entry(Family::Retention, &[], None, &row));
        }
    }
    rows
}

/// All records of one kind.
pub(in crate::store) async fn exported(
    store: &dyn Store,
    tenant: TenantId,
    kind: RecordKind,
    now: Timestamp,
) -> Vec<Record> {
    let (mut records, mut mark) = (Vec::new(), None);
    loop {
        let page = store.export(tenant, kind, mark, PAGE, now).await.unwrap();
        records.extend(page.records);
        mark = page.next;
        if mark.is_none() {
            return records;
        }
    }
}

fn entry_of(record: &Record) -> (Bytes, Bytes) {
    match record {
        Record::Contact(row) => entry(Family::Contact, &[row.id.as_bytes()], None, row),
        Record::Alias { key, contact } => entry(Family::Alias, &[key], None, contact),
        Record::Message { row, expires } => {
            let key: [&[u8]; 2] = [row.conversation_id.as_bytes(), row.id.as_bytes()];
            entry(Family::Message, &key, Some(*expires), row)
        }
        Record::Conversation(row) => entry(Family::Conversation, &[row.id.as_bytes()], None, row),
        Record::Seen { key, at, expires } => {
            entry(Family::Seen, &[key.as_bytes()], Some(*expires), &Seen { at: *at })
        }
        Record::Idempotency { key, row, expires } => entry(Family::Idempotency, &[key], Some(*expires), row),
        Record::Outbox(row) => {
            let key: [&[u8]; 3] = [row.number.as_str().as_bytes(), &[0], row.at.message.as_bytes()];
            entry(Family::Outbox, &key, None, row)
        }
        Record::Tally { row, expires } => {
            entry(Family::Tally, &[row.broadcast.as_bytes()], Some(*expires), row)
        }
        Record::Event {
            seq, json, expires, ..
        } => entry(Family::Event, &[&seq.get().to_be_bytes()], Some(*expires), json),
        Record::Head { epoch, head } => {
            let (epoch, head) = (*epoch, *head);
            entry(Family::Head, &[], None, &HeadRow { epoch, head })
        }
    }
}
