//! By what contacts are found: their places under terms, beside their rows.

use std::collections::HashMap;
use std::fmt::Write as _;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ScyllaStore;
use super::cell::{Cell, Key, Row};
use super::change::{id, parse};
use super::keys;
use super::partitions::{BoundStatement, ByPartition, Partition};
use super::write::{Writing, all};
use crate::domain::{Contact, ContactId, TenantId, Term, TermKey, TermPlace};
use crate::store::error::StoreError;
use crate::store::room::Room;
use crate::store::{ListOrder, Page};

/// A term, and the order of one contact under it, as a commit record holds them: in hex, which is shorter than JSON's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct TermRow {
    term: Term,
    order: Vec<u8>,
}

impl From<(Term, TermPlace)> for TermRow {
    fn from((term, place): (Term, TermPlace)) -> Self {
        Self {
            term,
            order: place.order,
        }
    }
}

impl From<TermRow> for String {
    fn from(row: TermRow) -> Self {
        let bytes = row.term.as_bytes().iter().chain(&row.order);
        bytes.fold(Self::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        })
    }
}

impl TryFrom<String> for TermRow {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let pairs = (0..text.len()).step_by(2);
        let byte = |at: usize| u8::from_str_radix(text.get(at..at.checked_add(2)?)?, 16).ok();
        let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
        let bytes = bytes.ok_or("not hex")?;
        let (term, order) = bytes.split_first_chunk().ok_or("too short")?;
        Ok(Self {
            term: Term::from_bytes(*term),
            order: order.to_vec(),
        })
    }
}

/// When the places of contacts of an earlier version are said to have been written: before any commit, so that whatever a
/// commit wrote or removed stands.
const LONG_AGO: i64 = 1;
/// Which terms there are: a cluster that an earlier version wrote gets those that it lacks.
const FORM: i64 = 2;
/// Contacts whose places are made together.
const TOGETHER: usize = 500;

impl ScyllaStore {
    /// Sorts places that a commit adds and removes by where they stand.
    pub(super) fn sort_terms<'a>(
        &'a self,
        gathered: &mut ByPartition<'a>,
        writing: Writing,
        contact: &'a ContactId,
        rows: (&'a [TermRow], &'a [TermRow]),
    ) {
        let of = keys::tenant(writing.tenant);
        let (removed, added) = rows;
        for TermRow { term, order } in removed {
            let values = (
                writing.stamp,
                of,
                &term.as_bytes()[..],
                order.as_slice(),
                contact.as_bytes(),
            );
            let line = BoundStatement {
                statement: &self.book.rows.drop_term,
                values: Box::new(values),
                bytes: 0,
            };
            gathered.add(Partition::Terms(*term), line);
        }
        for TermRow { term, order } in added {
            let line = self.term_line(of, *term, order.clone(), *contact, writing.stamp);
            gathered.add(Partition::Terms(*term), line);
        }
    }

    fn term_line(
        &self,
        of: i64,
        term: Term,
        order: Vec<u8>,
        contact: ContactId,
        stamp: i64,
    ) -> BoundStatement<'_> {
        BoundStatement {
            statement: &self.book.rows.put_term,
            values: Box::new((
                of,
                term.as_bytes().to_vec(),
                order,
                contact.as_bytes().to_vec(),
                stamp,
            )),
            bytes: 0,
        }
    }

    pub(super) async fn places_of_term(
        &self,
        tenant: TenantId,
        term: Term,
        after: Option<TermPlace>,
        order: ListOrder,
        limit: usize,
    ) -> Result<Page<TermPlace>, StoreError> {
        let (rows, wanted) = (&self.book.rows, limit.saturating_add(1));
        let of = (keys::tenant(tenant), &term.as_bytes()[..]);
        let found: Vec<(Bytes, Bytes)> = if let Some(after) = &after {
            let statement = match order {
                ListOrder::Ascending => &rows.term_after,
                ListOrder::Descending => &rows.term_before,
            };
            let values = (of.0, of.1, after.order.as_slice(), after.contact.as_bytes());
            self.link.rows(statement, values, wanted).await?
        } else {
            let statement = match order {
                ListOrder::Ascending => &rows.term_from,
                ListOrder::Descending => &rows.term_down,
            };
            self.link.rows(statement, of, wanted).await?
        };
        let place = |(order, contact): (Bytes, Bytes)| {
            Ok(TermPlace {
                order: order.to_vec(),
                contact: ContactId::from_bytes(id(&contact)?),
            })
        };
        Room::of(limit).page(found.into_iter().map(place), |_| 0)
    }

    /// Contacts by their ids.
    pub(super) async fn load_contacts(
        &self,
        tenant: TenantId,
        ids: &[ContactId],
    ) -> Result<Vec<Option<Contact>>, StoreError> {
        let mut wanted: Vec<ContactId> = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let wanted = wanted.into_iter().map(Key::Contact).collect();
        let found: HashMap<Key, Cell> = self.load(tenant, wanted).await?;
        let row = |id: &ContactId| {
            let cell = found.get(&Key::Contact(*id)).cloned().flatten();
            cell.and_then(Row::contact)
        };
        Ok(ids.iter().map(row).collect())
    }

    /// Makes the places of some of a tenant's contacts that an earlier version wrote: a shard at a time, page by page, until about `limit`
    /// contacts are looked at. How many that were.
    pub(super) async fn make_terms(&self, tenant: TenantId, limit: usize) -> Result<usize, StoreError> {
        let of = keys::tenant(tenant);
        let rows = &self.book.rows;
        let stands: Option<(i64,)> = self.link.row(&rows.terms_made, (of,)).await?;
        let begin = i64::from(keys::SHARDS) * (FORM - 1);
        let stands = stands.map_or(begin, |(stands,)| stands.max(begin));
        let mut shard = i16::try_from(stands - begin).unwrap_or(keys::SHARDS);
        let mut looked = 0_usize;
        while shard < keys::SHARDS && looked < limit {
            let mut after: Vec<u8> = Vec::new();
            loop {
                let values = (of, shard, after.as_slice());
                let found: Vec<(Bytes,)> = (self.link)
                    .rows(&rows.contacts_of_shard_after, values, TOGETHER)
                    .await?;
                looked = looked.saturating_add(found.len().max(1));
                let is_last = found.len() < TOGETHER;
                let contacts: Result<Vec<Contact>, StoreError> =
                    found.iter().map(|(body,)| parse(body)).collect();
                let contacts = contacts?;
                if let Some(last) = contacts.last() {
                    after = last.id.as_bytes().to_vec();
                }
                self.write_terms(tenant, contacts).await?;
                if is_last {
                    break;
                }
            }
            shard += 1;
            let values = (of, begin + i64::from(shard));
            self.link.write(&rows.put_terms_made, values).await?;
        }
        Ok(looked)
    }

    async fn write_terms(&self, tenant: TenantId, contacts: Vec<Contact>) -> Result<(), StoreError> {
        let of = keys::tenant(tenant);
        let mut gathered = ByPartition::default();
        for row in contacts {
            for (term, place) in row.terms(TermKey::of(tenant)) {
                let line = self.term_line(of, term, place.order, row.id, LONG_AGO);
                gathered.add(Partition::Terms(term), line);
            }
        }
        let parts = self.link.request_batches(gathered.parts);
        let writes = parts
            .iter()
            .map(|lines| self.until_taken(move || self.link.write_together(lines)));
        all(writes.collect()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_a_record_as_it_was_written() {
        let row = TermRow {
            term: Term::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 255]),
            order: vec![0, 128, 255],
        };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(text, r#""0102030405060708ff0080ff""#);
        assert_eq!(serde_json::from_str::<TermRow>(&text).unwrap(), row);
        for bad in [r#""01""#, r#""0102030405060708f""#, r#""0102030405060708gg""#] {
            assert!(serde_json::from_str::<TermRow>(bad).is_err(), "{bad}");
        }
    }
}
