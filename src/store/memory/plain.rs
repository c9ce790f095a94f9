//! Plain rows.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::plain::{self, Partition, PlainExport, PlainKey, PlainRecord, PlainValue, Replacing};
use crate::store::room::Room;
use crate::store::{Mark, Page};

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Plain(BTreeMap<PlainKey, PlainValue>);

impl Plain {
    pub(super) fn get(&self, key: &PlainKey, now: Timestamp) -> Option<&PlainValue> {
        self.0.get(key).filter(|value| value.lasts(now))
    }

    fn after(&self, from: Bound<PlainKey>, now: Timestamp) -> impl Iterator<Item = (&PlainKey, &PlainValue)> {
        let rows = self.0.range((from, Bound::Unbounded));
        rows.filter(move |(_, value)| value.lasts(now))
    }

    pub(super) fn page(
        &self,
        of: &Partition,
        after: Option<Bytes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<(Bytes, PlainValue)>, StoreError> {
        let first = Bound::Included(of.clone().row(&[]));
        let from = after.map_or(first, |after| Bound::Excluded(of.clone().row(&after)));
        let rows = self.after(from, now);
        let rows = rows.take_while(|(key, _)| key.partition == *of);
        let rows = rows.map(|(key, value)| Ok((key.sort.clone(), value.clone())));
        Room::of(limit).page(rows, |(_, value)| value.body.len())
    }

    pub(super) fn replace(
        &mut self,
        key: PlainKey,
        before: Option<&Bytes>,
        after: Option<PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        plain::check(&key, after.as_ref())?;
        let stored = self.get(&key, now).map(|value| value.body.as_ref());
        let found = plain::replacing(stored, before, after.as_ref());
        if found == Replacing::Due {
            match after {
                Some(value) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
        Ok(found != Replacing::Refused)
    }

    /// The mark is how many rows were given.
    pub(super) fn export(
        &self,
        after: Option<&Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PlainExport, StoreError> {
        let given = after.map_or(Ok(0), |mark| {
            let bytes = mark.0.first_chunk::<8>();
            let bytes = bytes.ok_or_else(|| StoreError::corrupt("mark", "too short"))?;
            usize::try_from(u64::from_be_bytes(*bytes)).map_err(|error| StoreError::corrupt("mark", error))
        })?;
        let rows = self.0.iter().skip(given).take(limit);
        let records = rows.filter(|(_, value)| value.lasts(now));
        let records = records.map(|(key, value)| PlainRecord {
            key: key.clone(),
            value: value.clone(),
        });
        let next = given.saturating_add(limit);
        let mark = u64::try_from(next).unwrap_or(u64::MAX);
        Ok(PlainExport {
            records: records.collect(),
            next: (next < self.0.len()).then(|| Mark(mark.to_be_bytes().to_vec())),
        })
    }

    /// Removes rows whose time is over, at most `limit`; how many that were.
    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
        let over = self.0.iter().filter(|(_, value)| !value.lasts(now));
        let over: Vec<PlainKey> = over.map(|(key, _)| key.clone()).take(limit).collect();
        for key in &over {
            self.0.remove(key);
        }
        over.len()
    }
}
