//! Plain rows: rows of tables that every backend keeps in the same shape, so that a new table needs nothing in any of them.
//!
//! A row is a key and a JSON value. Rows of one [`Partition`] stand together and are read in the order of their keys. A row is
//! replaced only by who names what stands there, so that two who change one never overwrite each other, and no clock orders
//! them. A table that is read for each message, or written with one, has a layout of its own instead: a change costs a
//! conditional write on a cluster.

use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{StoreError, StoreErrorKind};
use super::tables::Table;
use super::transfer::Mark;
use super::{Page, Store};
use crate::domain::{ContactId, TenantId, Timestamp};

/// The longest value, in bytes.
pub const LONGEST_VALUE: usize = 64 << 10;
/// The longest part of a key, in bytes.
const LONGEST_KEY: usize = 255;
/// How often a row that others change, too, is read again.
const TRIES: usize = 8;

/// Rows that stand together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// The table's name.
    pub table: &'static str,
    /// What its rows have in common: ids and digests, at most 255 bytes. A tenant's begin with its id.
    pub part: Bytes,
}

/// A row's whole key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainKey {
    /// With which rows it stands.
    pub partition: Partition,
    /// Its place among them, at most 255 bytes.
    pub sort: Bytes,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainValue {
    /// JSON.
    pub body: Bytes,
    /// Until when it may be read; `None` when it stays until it is removed.
    pub expires: Option<Timestamp>,
}

impl PlainValue {
    /// Whether it may be read.
    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// A row as a copy takes it along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRecord {
    /// Its key.
    pub key: PlainKey,
    /// What it says.
    pub value: PlainValue,
}

/// A page of all plain rows. It may be empty although more follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlainExport {
    /// The rows.
    pub records: Vec<PlainRecord>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Mark>,
}

impl Partition {
    /// Rows of a table that have an id or a digest in common; nothing where all of the table's stand together.
    pub fn of(table: &'static Table, part: &[u8]) -> Self {
        Self {
            table: table.name,
            part: Bytes::copy_from_slice(part),
        }
    }

    /// A tenant's rows of a table.
    pub fn of_tenant(table: &'static Table, tenant: TenantId) -> Self {
        Self::of(table, &tenant.get().to_be_bytes())
    }

    /// A table's rows about a contact. An erasure of the contact removes them: see [`super::erasure`].
    pub fn of_contact(table: &'static Table, tenant: TenantId, contact: ContactId) -> Self {
        let tenant = tenant.get().to_be_bytes();
        Self::of(table, &[&tenant[..], contact.as_bytes()].concat())
    }

    /// One of its rows.
    pub fn row(self, sort: &[u8]) -> PlainKey {
        PlainKey {
            partition: self,
            sort: Bytes::copy_from_slice(sort),
        }
    }

    /// Of a table that was written down by its name.
    pub(super) fn stored(table: &str, part: &[u8]) -> Result<Self, StoreError> {
        let known = super::tables::ALL.iter().find(|known| known.name == table);
        let known = known
            .ok_or_else(|| StoreError::corrupt("plain row", "of a table that this version does not know"))?;
        Ok(Self {
            table: known.name,
            part: Bytes::copy_from_slice(part),
        })
    }
}

/// Refuses what no backend takes.
pub(super) fn check(key: &PlainKey, after: Option<&PlainValue>) -> Result<(), StoreError> {
    let keys = [&key.partition.part, &key.sort];
    let long = after.is_some_and(|value| value.body.len() > LONGEST_VALUE);
    if long || keys.iter().any(|part| part.len() > LONGEST_KEY) {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            format!("a row of {} is too long", key.partition.table),
        ));
    }
    Ok(())
}

/// What a change of a row finds and leaves, the same for all backends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacing {
    /// It stands as the caller read it: it is to be written.
    Due,
    /// It is already what the caller wants, by this call when its answer was lost, or by another.
    Done,
    /// Somebody changed it.
    Refused,
}

/// Compares a row as it stands now with what the caller read and wants.
pub(super) fn replacing(
    stored: Option<&[u8]>,
    before: Option<&Bytes>,
    after: Option<&PlainValue>,
) -> Replacing {
    if stored == before.map(|body| body.as_ref()) {
        Replacing::Due
    } else if stored == after.map(|value| value.body.as_ref()) {
        Replacing::Done
    } else {
        Replacing::Refused
    }
}

/// A row's type: its table, and how it is kept.
pub trait PlainRow: Serialize + DeserializeOwned + Send + Sync {
    /// Where it is declared.
    const TABLE: &'static Table;

    /// Until when it may be read.
    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

/// A row, and what stands there of it, by which it is replaced.
#[derive(Debug, Clone)]
pub struct Found<R> {
    /// The row.
    pub row: R,
    /// Its place among the rows that it stands with.
    pub sort: Bytes,
    stored: Bytes,
}

impl<R: PlainRow> Found<R> {
    fn parse(sort: Bytes, stored: Bytes) -> Result<Self, StoreError> {
        // The error's own text may quote the row.
        let row = serde_json::from_slice(&stored)
            .map_err(|error| StoreError::corrupt(R::TABLE.name, format!("{:?} error", error.classify())))?;
        Ok(Self { row, sort, stored })
    }
}

/// A row as it is written.
fn written<R: PlainRow>(row: &R) -> Result<PlainValue, StoreError> {
    let body = serde_json::to_vec(row).map_err(|error| StoreError::corrupt(R::TABLE.name, error))?;
    Ok(PlainValue {
        body: body.into(),
        expires: row.expires(),
    })
}

/// The rows of one type in a store, at one time.
pub struct PlainTable<'a, R> {
    store: &'a dyn Store,
    now: Timestamp,
    rows: PhantomData<fn() -> R>,
}

impl<R> Clone for PlainTable<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for PlainTable<'_, R> {}

impl<'a, R: PlainRow> PlainTable<'a, R> {
    /// Reads and writes there, at this time.
    pub fn of(store: &'a dyn Store, now: Timestamp) -> Self {
        Self {
            store,
            now,
            rows: PhantomData,
        }
    }

    /// One row.
    pub async fn get(self, key: &PlainKey) -> Result<Option<Found<R>>, StoreError> {
        let value = self.store.plain_row(key.clone(), self.now).await?;
        value
            .map(|value| Found::parse(key.sort.clone(), value.body))
            .transpose()
    }

    /// Rows of a partition in order, after one; at most `limit`, and no more than a page's bytes of them.
    pub async fn page(
        self,
        of: Partition,
        after: Option<Bytes>,
        limit: usize,
    ) -> Result<Page<Found<R>>, StoreError> {
        let page = self.store.plain_rows(of, after, limit, self.now).await?;
        let items = page.items.into_iter();
        let items = items.map(|(sort, value)| Found::parse(sort, value.body));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            more: page.more,
        })
    }

    /// Replaces a row that was read, adds one that was not there, or removes one; whether it still stood as it was read.
    pub async fn replace(
        self,
        key: &PlainKey,
        before: Option<&Found<R>>,
        after: Option<&R>,
    ) -> Result<bool, StoreError> {
        let after = after.map(written).transpose()?;
        let before = before.map(|found| found.stored.clone());
        self.store
            .replace_plain_row(key.clone(), before, after, self.now)
            .await
    }

    /// Removes a row; what was there. Two who remove it at the same moment are both told that it was.
    pub async fn remove(self, key: PlainKey) -> Result<Option<R>, StoreError> {
        let (before, _) = self.change::<StoreError>(key, |_| Ok(None)).await?;
        Ok(before)
    }

    /// Reads a row, decides what it becomes, and writes that where it is another; again when somebody else changed it meanwhile. What
    /// was there, and what is there now.
    pub async fn change<E: From<StoreError>>(
        self,
        key: PlainKey,
        decide: impl Fn(Option<&R>) -> Result<Option<R>, E>,
    ) -> Result<(Option<R>, Option<R>), E> {
        for _ in 0..TRIES {
            let before = self.get(&key).await?;
            let after = decide(before.as_ref().map(|found| &found.row))?;
            let stands = match (&before, &after) {
                (Some(before), Some(after)) => before.stored == written(after)?.body,
                (None, None) => true,
                _ => false,
            };
            if stands || self.replace(&key, before.as_ref(), after.as_ref()).await? {
                return Ok((before.map(|found| found.row), after));
            }
        }
        let busy = StoreError::new(StoreErrorKind::Overloaded, "others change the same row");
        Err(busy.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_replaced_by_who_knows_it_and_done_when_it_is_what_is_wanted() {
        let value = |text: &'static str| PlainValue {
            body: Bytes::from_static(text.as_bytes()),
            expires: None,
        };
        let (one, two) = (Bytes::from_static(b"1"), value("2"));
        let cases = [
            (Some("1"), Some(&one), Some(&two), Replacing::Due),
            (Some("2"), Some(&one), Some(&two), Replacing::Done),
            (Some("3"), Some(&one), Some(&two), Replacing::Refused),
            (None, Some(&one), Some(&two), Replacing::Refused),
            (None, None, Some(&two), Replacing::Due),
            (Some("2"), None, Some(&two), Replacing::Done),
            (Some("1"), None, Some(&two), Replacing::Refused),
            (Some("1"), Some(&one), None, Replacing::Due),
            (None, Some(&one), None, Replacing::Done),
        ];
        for (stored, before, after, expected) in cases {
            let stored = stored.map(str::as_bytes);
            assert_eq!(
                replacing(stored, before, after),
                expected,
                "{stored:?} {before:?} {after:?}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_changed_into_itself_is_not_written() {
        use crate::store::faulty::{Fault, FaultyStore};
        use crate::store::tables::{Broadcast, BroadcastJob};
        let store = FaultyStore::default();
        let job = BroadcastJob {
            tenant: TenantId::new(1),
            broadcast: crate::domain::BroadcastId::from_bytes([1; 16]),
            since: Timestamp::from_secs(1),
        };
        let key = BroadcastJob::at(job.tenant, job.broadcast);
        let table = PlainTable::<BroadcastJob>::of(&store, Timestamp::from_secs(1));
        assert!(table.replace(&key, None, Some(&job)).await.unwrap());
        store
            .plain_faults
            .lock()
            .unwrap()
            .push_back(Fault::Refuse(StoreErrorKind::Unavailable));
        let same = table.change::<StoreError>(key.clone(), |before| Ok(before.cloned()));
        assert_eq!(same.await.unwrap(), (Some(job.clone()), Some(job.clone())));
        let none = PlainTable::<Broadcast>::of(&store, Timestamp::from_secs(1));
        let removed = none.remove(Broadcast::at(job.tenant, job.broadcast));
        assert_eq!(removed.await.unwrap(), None);
        let later = |before: Option<&BroadcastJob>| {
            Ok::<_, StoreError>(before.map(|job| BroadcastJob {
                since: Timestamp::from_secs(2),
                ..job.clone()
            }))
        };
        table.change(key, later).await.unwrap_err();
    }
}
