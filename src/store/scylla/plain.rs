//! Plain rows: one table for all of them, each written on the condition that it is what its writer read.

use bytes::Bytes;
use scylla::response::PagingState;

use super::ScyllaStore;
use super::directory::{TRIES, too_many};
use super::keys;
use super::link::Prepared;
use crate::domain::Timestamp;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::plain::{self, Partition, PlainExport, PlainKey, PlainRecord, PlainValue, Replacing};
use crate::store::room::Room;
use crate::store::{Mark, Page};

/// What a row says, and until when; nothing in a column whose time is over on the server.
type Columns = (Option<Bytes>, Option<i64>);
/// The same with the row's own key.
type Sorted = (Bytes, Option<Bytes>, Option<i64>);

fn value((body, expires): Columns) -> Option<PlainValue> {
    Some(PlainValue {
        body: body?,
        expires: expires.map(Timestamp::from_millis),
    })
}

impl ScyllaStore {
    async fn stored_plain(
        &self,
        statement: &Prepared,
        key: &PlainKey,
    ) -> Result<Option<PlainValue>, StoreError> {
        let Partition { table, part } = &key.partition;
        let values = (*table, part.as_ref(), key.sort.as_ref());
        let row: Option<Columns> = self.link.row(statement, values).await?;
        Ok(row.and_then(value))
    }

    pub(super) async fn read_plain(
        &self,
        key: &PlainKey,
        now: Timestamp,
    ) -> Result<Option<PlainValue>, StoreError> {
        let stored = self.stored_plain(&self.book.rows.plain_row, key).await?;
        Ok(stored.filter(|value| value.lasts(now)))
    }

    pub(super) async fn page_plain(
        &self,
        Partition { table, part }: &Partition,
        after: Option<Bytes>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<(Bytes, PlainValue)>, StoreError> {
        let rows = &self.book.rows;
        // One more tells whether there is one; those whose time is over are few, since the server lets go of them.
        let (room, mut wanted) = (Room::of(limit), limit.saturating_add(1));
        loop {
            let found: Vec<Sorted> = if let Some(after) = &after {
                let values = (*table, part.as_ref(), after.as_ref());
                self.link.rows(&rows.plain_rows, values, wanted).await?
            } else {
                let values = (*table, part.as_ref());
                self.link.rows(&rows.plain_rows_from, values, wanted).await?
            };
            let all = found.len() < wanted;
            let live: Vec<(Bytes, PlainValue)> = found
                .into_iter()
                .filter_map(|(sort, body, expires)| Some((sort, value((body, expires))?)))
                .filter(|(_, value)| value.lasts(now))
                .collect();
            if all || live.len() > limit {
                return room.page(live.into_iter().map(Ok), |(_, value)| value.body.len());
            }
            wanted = wanted.saturating_mul(2);
        }
    }

    pub(super) async fn replace_plain(
        &self,
        key: &PlainKey,
        before: Option<&Bytes>,
        after: Option<&PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        plain::check(key, after)?;
        let mut expected = before.cloned();
        let mut unknown = None;
        for tries in 0..TRIES {
            if tries > 0 {
                self.pause(tries).await;
                // Finishes writes under way: one of this call's whose answer was lost is there now, or never will be.
                let stored = self.stored_plain(&self.book.rows.plain_row_now, key).await;
                let stored = stored.map_err(|error| unknown.clone().unwrap_or(error))?;
                let live = stored.as_ref().filter(|value| value.lasts(now));
                match plain::replacing(live.map(|value| value.body.as_ref()), before, after) {
                    Replacing::Done => return Ok(true),
                    Replacing::Refused => return Ok(false),
                    Replacing::Due => expected = stored.map(|value| value.body),
                }
                unknown = None;
            }
            match self.write_plain(key, expected.as_ref(), after, now).await {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) if error.kind == StoreErrorKind::Unknown => unknown = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(unknown.unwrap_or_else(too_many))
    }

    async fn write_plain(
        &self,
        PlainKey { partition, sort }: &PlainKey,
        expected: Option<&Bytes>,
        after: Option<&PlainValue>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let rows = &self.book.rows;
        let Partition { table, part } = partition;
        let (part, sort) = (part.as_ref(), sort.as_ref());
        let expected = expected.map(|body| body.as_ref());
        let seconds = |value: &PlainValue| match value.expires {
            Some(expires) => keys::ttl(expires, now),
            None => Some(0),
        };
        let Some((value, ttl)) = after.and_then(|value| Some((value, seconds(value)?))) else {
            let values = (*table, part, sort, expected);
            return self.link.write_if(&rows.drop_plain_row, values).await;
        };
        let (body, expires) = (value.body.as_ref(), value.expires.map(Timestamp::as_millis));
        let values = (ttl, body, expires, *table, part, sort, expected);
        self.link.write_if(&rows.replace_plain_row, values).await
    }

    pub(super) async fn export_plain_rows(
        &self,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<PlainExport, StoreError> {
        let mut at = after.map_or_else(PagingState::start, |mark| PagingState::new_from_raw_bytes(mark.0));
        let mut records = Vec::new();
        loop {
            let statement = &self.book.rows.all_plain_rows;
            let (rows, next) = self.link.page(statement, (), at).await?;
            for (table, part, sort, body, expires) in rows {
                let (table, part, sort): (String, Bytes, Bytes) = (table, part, sort);
                let key = Partition::stored(&table, &part)?.row(&sort);
                let value = value((body, expires)).filter(|value| value.lasts(now));
                records.extend(value.map(|value| PlainRecord { key, value }));
            }
            match next {
                Some(next) if records.len() < limit => at = next,
                next => {
                    let mark = next.and_then(|next| Some(Mark(next.as_bytes_slice()?.to_vec())));
                    return Ok(PlainExport { records, next: mark });
                }
            }
        }
    }
}
