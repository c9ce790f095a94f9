//! Removing what expired, by the index of expiries.
//!
//! Messages and events are removed here, exactly when their time is over. What is seen only once is a digest without any
//! customer's data: compaction drops it in passing.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::codec::{self, NEVER};
use super::directory::parse_quarantined;
use super::engine::{self, Engine};
use super::erase::blank_events;
use super::keys::{self, Expiring, Key, Kind, Space};
use super::plain;
use super::scan::Moment;
use super::txn::Txn;
use super::{FjallStore, disk};
use crate::domain::{Conversation, Message, Seq, TenantId, Timestamp};
use crate::store::Swept;
use crate::store::error::StoreError;
use crate::telemetry::metrics;

/// Rows removed together; as long as they take, others wait.
pub(super) const TOGETHER: usize = 256;

impl FjallStore {
    /// Removes what expired, at most so many rows, and measures what the folder takes.
    pub(super) async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<Swept, StoreError> {
        self.engine.believe(now);
        let found = self.reader.away(move |engine| find(engine, now, limit)).await?;
        let more = found.len() >= limit;
        let rows = self.remove_expired(found, now).await?;
        metrics::store_expired_total().increment(u64::try_from(rows).unwrap_or(u64::MAX));
        if !more {
            self.rewrite_if_due(now).await?;
        }
        self.journal.turn_over().await?;
        let bytes = self.reader.away(engine::disk_bytes).await?;
        let bytes = bytes.saturating_add(self.journal.disk_bytes());
        metrics::store_disk_bytes().set(metrics::number(bytes));
        let folder = self.folder.clone();
        if let Some(free) = self.reader.away(move |_| Ok(disk::free_bytes(&folder))).await? {
            metrics::store_disk_free_bytes().set(metrics::number(free));
        }
        Ok(Swept { rows, more })
    }
}

/// Something that can go.
#[derive(Debug, Clone)]
pub(super) enum Gone {
    /// A message, and its entry in the index.
    Message {
        /// The entry.
        entry: Key,
        /// The message.
        row: Key,
    },
    /// An event.
    Event {
        /// Whose.
        tenant: TenantId,
        /// Which.
        seq: Seq,
    },
    /// A plain row, and its entry in the index.
    Plain {
        /// The entry.
        entry: Key,
        /// The row.
        row: Key,
    },
    /// An element that was put aside.
    Aside(Key),
    /// An entry whose events are all gone.
    Entry(Key),
}

/// Finds what can go, at most about `limit`.
pub(super) fn find(engine: &Engine, now: Timestamp, limit: usize) -> Result<Vec<Gone>, StoreError> {
    let moment = Moment::of(engine);
    let this_hour = keys::hour(now);
    let end = Bound::Excluded(keys::expiring_hour(this_hour.saturating_add(1)));
    let mut found = Vec::new();
    let mut walked = BTreeSet::new();
    for pair in moment.range(Space::Expiry, (Bound::Unbounded, end)) {
        if found.len() >= limit {
            break;
        }
        let pair = pair?;
        let broken = || StoreError::corrupt("expiry", "key of an unknown kind");
        let (hour, what, row) = keys::expired(&pair.key).ok_or_else(broken)?;
        let begins = pair.value.first_chunk::<8>().ok_or_else(broken)?;
        if now < Timestamp::from_millis(i64::from_be_bytes(*begins)) {
            continue;
        }
        let entry = Key::stored(&pair.key);
        match what {
            Expiring::Message => found.push(Gone::Message { entry, row }),
            Expiring::Plain => found.push(Gone::Plain { entry, row }),
            Expiring::Events => {
                let tenant = keys::tenant_of(row.as_ref()).ok_or_else(broken)?;
                let all = !walked.insert(tenant) || find_events(&moment, tenant, now, limit, &mut found)?;
                if all && hour < this_hour {
                    found.push(Gone::Entry(entry));
                }
            }
        }
    }
    find_aside(&moment, now, limit, &mut found)?;
    Ok(found)
}

/// Finds what was put aside and waited long enough. In order of arrival, so that the first one to stay ends it.
fn find_aside(
    moment: &Moment<'_>,
    now: Timestamp,
    limit: usize,
    found: &mut Vec<Gone>,
) -> Result<(), StoreError> {
    for pair in moment.under(Space::Rows, &keys::global(Kind::Quarantine, &[]), None) {
        let pair = pair?;
        if found.len() >= limit || now < parse_quarantined(&pair.key, &pair.value)?.until() {
            break;
        }
        found.push(Gone::Aside(Key::stored(&pair.key)));
    }
    Ok(())
}

/// Finds a ledger's expired events; whether these are all.
fn find_events(
    moment: &Moment<'_>,
    tenant: TenantId,
    now: Timestamp,
    limit: usize,
    found: &mut Vec<Gone>,
) -> Result<bool, StoreError> {
    for pair in moment.under(Space::Events, &keys::tenant(tenant), None) {
        let pair = pair?;
        if now < codec::expires(&pair.value)? {
            break;
        }
        if found.len() >= limit {
            return Ok(false);
        }
        let seq = keys::seq_of(&pair.key);
        let seq = seq.ok_or_else(|| StoreError::corrupt("event", "key too short"))?;
        found.push(Gone::Event { tenant, seq });
    }
    Ok(true)
}

/// Removes what was found, unless it changed meanwhile. Returns how many rows that were.
pub(super) fn remove(txn: &mut Txn, found: Vec<Gone>, now: Timestamp) -> Result<usize, StoreError> {
    let mut rows = 0;
    for gone in found {
        match gone {
            Gone::Event { tenant, seq } => {
                txn.delete(Space::Events, keys::event(tenant, seq));
                rows += 1;
            }
            Gone::Entry(entry) => txn.delete(Space::Expiry, entry),
            Gone::Plain { entry, row } => rows += usize::from(plain::remove_expired(txn, entry, row, now)?),
            Gone::Aside(row) => {
                rows += usize::from(txn.get(Space::Rows, &row)?.is_some());
                txn.delete(Space::Rows, row);
            }
            Gone::Message { entry, row } => {
                let value = txn.get(Space::Messages, &row)?;
                let until = value.as_deref().map(codec::expires).transpose()?;
                if until.is_none_or(|until| until <= now) {
                    fall_back(txn, &row, now, |_| true)?;
                }
                if let Some(value) = value.filter(|_| until <= Some(now)) {
                    end_events(txn, &row, &value)?;
                    txn.delete(Space::Messages, row);
                    rows += 1;
                }
                txn.delete(Space::Expiry, entry);
            }
        }
    }
    Ok(rows)
}

/// A message goes: the events that told what it said keep nothing but their places.
pub(super) fn end_events(txn: &mut Txn, message: &Key, value: &[u8]) -> Result<(), StoreError> {
    if let Some((tenant, _, _)) = keys::message_of(message.as_ref()) {
        let row: Message = codec::row(value)?;
        blank_events(txn, tenant, &row.told)?;
    }
    Ok(())
}

/// A message is gone: if it was its conversation's last one, the newest that stays takes its place.
pub(super) fn fall_back(
    txn: &mut Txn,
    message: &Key,
    now: Timestamp,
    stays: impl Fn(&Message) -> bool,
) -> Result<(), StoreError> {
    let Some((tenant, conversation, id)) = keys::message_of(message.as_ref()) else {
        return Ok(());
    };
    let key = keys::row(Kind::Conversation, tenant, conversation.as_bytes());
    let Some(mut row) = txn.row::<Conversation>(&key)? else {
        return Ok(());
    };
    if row.last_message_id != Some(id) {
        return Ok(());
    }
    let newest = |key: &Key, value: &[u8]| -> Result<Option<Message>, StoreError> {
        if key == message {
            return Ok(None);
        }
        let left: Option<Message> = codec::live_row(value, now)?;
        Ok(left.filter(&stays))
    };
    let newest = txn.first_under(Space::Messages, &keys::messages(tenant, conversation), newest)?;
    row.fall_back_to(newest.as_ref());
    txn.put(Space::Rows, key, codec::json(NEVER, &row)?);
    Ok(())
}
