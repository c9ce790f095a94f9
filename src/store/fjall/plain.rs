//! Plain rows: `R`, the table's name, a zero byte, how long the partition's part is, that part, and the row's own key.

use bytes::Bytes;

use super::codec::{self, NEVER};
use super::engine::Engine;
use super::keys::{self, Expiring, Key, Space};
use super::scan::Moment;
use super::txn::Txn;
use crate::domain::Timestamp;
use crate::store::error::StoreError;
use crate::store::plain::{self, Partition, PlainExport, PlainKey, PlainRecord, PlainValue, Replacing};
use crate::store::room::Room;
use crate::store::{Mark, PAGE_BYTES, Page};

/// Reads a value, unless its time is over.
pub(super) fn read(stored: &[u8], now: Timestamp) -> Result<Option<PlainValue>, StoreError> {
    let expires = codec::expires(stored)?;
    let body = codec::live(stored, now)?;
    Ok(body.map(|body| PlainValue {
        body: Bytes::copy_from_slice(body),
        expires: (expires != NEVER).then_some(expires),
    }))
}

/// Rows of a partition in order.
pub(super) fn page(
    engine: &Engine,
    of: &Partition,
    after: Option<Bytes>,
    limit: usize,
    now: Timestamp,
) -> Result<Page<(Bytes, PlainValue)>, StoreError> {
    let prefix = keys::plain(of, &[]);
    let after = after.map(|sort| keys::plain(of, &sort));
    let rows = Moment::of(engine).under(Space::Rows, &prefix, after);
    let begins = prefix.as_ref().len();
    let rows = rows.filter_map(|pair| {
        let row = pair.and_then(|pair| {
            let sort = pair.key.get(begins..).unwrap_or_default();
            Ok(read(&pair.value, now)?.map(|value| (Bytes::copy_from_slice(sort), value)))
        });
        row.transpose()
    });
    Room::of(limit).page(rows, |(_, value)| value.body.len())
}

/// Writes or removes a row if it is what the caller read; whether it is now what the caller wants.
pub(super) fn replace(
    txn: &mut Txn,
    key: &PlainKey,
    before: Option<&Bytes>,
    after: Option<&PlainValue>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    plain::check(key, after)?;
    let row = keys::plain(&key.partition, &key.sort);
    let stored = txn.get(Space::Rows, &row)?;
    let live = stored
        .as_deref()
        .map(|value| codec::live(value, now))
        .transpose()?;
    let found = plain::replacing(live.flatten(), before, after);
    if found == Replacing::Due {
        match after {
            Some(value) => put(txn, row, value),
            None => txn.delete(Space::Rows, row),
        }
    }
    Ok(found != Replacing::Refused)
}

fn put(txn: &mut Txn, row: Key, value: &PlainValue) {
    if let Some(expires) = value.expires {
        let entry = keys::expiring(expires, Expiring::Plain, &row);
        txn.put(Space::Expiry, entry, codec::begins(expires));
    }
    let stored = codec::bytes(value.expires.unwrap_or(NEVER), &value.body);
    txn.put(Space::Rows, row, stored);
}

/// Rows of all tables after a mark, which is the last one's key.
pub(super) fn export(
    engine: &Engine,
    after: Option<&Mark>,
    limit: usize,
    now: Timestamp,
) -> Result<PlainExport, StoreError> {
    let prefix = keys::all_plain();
    let after = after.map(|mark| Key::stored(&mark.0));
    let mut page = PlainExport::default();
    let mut bytes = 0_usize;
    for pair in Moment::of(engine).under(Space::Rows, &prefix, after) {
        let pair = pair?;
        bytes = bytes.saturating_add(pair.value.len());
        if let Some(value) = read(&pair.value, now)? {
            let key = keys::plain_of(&pair.key)?;
            page.records.push(PlainRecord { key, value });
        }
        if page.records.len() >= limit || bytes >= PAGE_BYTES {
            page.next = Some(Mark(pair.key.to_vec()));
            break;
        }
    }
    Ok(page)
}

/// Removes a row whose time is over, and its entry among what expires; whether it was there.
pub(super) fn remove_expired(
    txn: &mut Txn,
    entry: Key,
    row: Key,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let stored = txn.get(Space::Rows, &row)?;
    // One that was written again with a later time has another entry for that.
    let until = stored.as_deref().map(codec::expires).transpose()?;
    let over = until.is_some_and(|until| until <= now);
    if over {
        txn.delete(Space::Rows, row);
    }
    txn.delete(Space::Expiry, entry);
    Ok(over)
}
