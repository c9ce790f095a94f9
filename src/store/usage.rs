//! Counting what tenants use: the events of a ledger are read from where they were counted to, and counted once.
//!
//! How far that is and the open hour's counts stand in one row, which is replaced by who read it. An hour that is over gets a row of
//! its own before that, which says the same however often it is written. So whoever is killed, wherever, loses and doubles
//! nothing, and two who count the same tenant do not disturb each other.

use std::time::Duration;

use bytes::Bytes;

use super::plain::PlainTable;
use super::tables::{UsageCursor, UsageHour};
use super::{Store, StoreError};
use crate::domain::{Epoch, Event, Seq, TenantId, Timestamp};

/// Events read at once.
const PAGE: usize = 500;
/// Hours read at once.
const HOURS: usize = 100;

/// How far counting came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The last event that is counted.
    pub seq: Seq,
    /// Whether nothing more was there.
    pub is_all: bool,
    /// Events that were gone before they were counted, of those since the first count: what was before counting began is no loss.
    pub missed: u64,
}

/// Counts a tenant's events, at most so many pages of them. `epoch` is that of its ledger, where it is known. `None` when another
/// counted them at this moment.
pub async fn count(
    store: &dyn Store,
    tenant: TenantId,
    epoch: Option<Epoch>,
    keep: Duration,
    now: Timestamp,
    pages: usize,
) -> Result<Option<Counted>, StoreError> {
    let cursors = PlainTable::<UsageCursor>::of(store, now);
    let key = UsageCursor::at(tenant);
    let before = cursors.get(&key).await?;
    let mut cursor = before.as_ref().map(|found| found.row.clone()).unwrap_or_default();
    if let Some(epoch) = epoch
        && cursor.epoch != Some(epoch)
    {
        // Another ledger begins at its beginning.
        if cursor.epoch.is_some() {
            cursor.seq = Seq::default();
        }
        cursor.epoch = Some(epoch);
    }
    let (mut missed, mut is_all) = (0, false);
    for _ in 0..pages {
        let page = store.events_after(tenant, cursor.seq, PAGE, now).await?;
        for event in &page.events {
            missed += gap(cursor.seq, event.seq);
            cursor.seq = event.seq;
            if let Some(over) = note(&mut cursor.open, event, keep) {
                close(store, tenant, &over, now).await?;
            }
        }
        if page.events.is_empty() {
            is_all = true;
            if page.head > cursor.seq {
                missed += gap(cursor.seq, page.head.next());
                cursor.seq = page.head;
            }
            break;
        }
    }
    let is_same = before.as_ref().is_some_and(|found| found.row == cursor);
    if !is_same && !cursors.replace(&key, before.as_ref(), Some(&cursor)).await? {
        return Ok(None);
    }
    Ok(Some(Counted {
        seq: cursor.seq,
        is_all,
        missed: if before.is_some() { missed } else { 0 },
    }))
}

/// Events between two.
fn gap(last: Seq, next: Seq) -> u64 {
    next.get().saturating_sub(last.get()).saturating_sub(1)
}

/// Counts an event in the open hour; the hour that was open before, when a later one begins. One whose time is before the open hour
/// counts in it: what is over stays as it is.
fn note(open: &mut Option<UsageHour>, event: &Event, keep: Duration) -> Option<UsageHour> {
    let begun = UsageHour::at_time(event.at, keep);
    let over = match open {
        Some(hour) if begun.from <= hour.from => None,
        _ => open.replace(begun),
    };
    if let Some(hour) = open {
        hour.counts.note(event);
    }
    over
}

/// Writes an hour that is over. Where it stands already, it was written by who was stopped before it could say so.
async fn close(
    store: &dyn Store,
    tenant: TenantId,
    hour: &UsageHour,
    now: Timestamp,
) -> Result<(), StoreError> {
    if now < hour.until {
        PlainTable::of(store, now)
            .replace(&hour.key(tenant), None, Some(hour))
            .await?;
    }
    Ok(())
}

/// Reads a tenant's hours from a time up to another, in order, and hands each to whoever asked.
pub async fn hours(
    store: &dyn Store,
    tenant: TenantId,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
    mut each: impl FnMut(UsageHour) + Send,
) -> Result<(), StoreError> {
    // The open one first: should it be over by the time the others are read, it is among them.
    let cursor = PlainTable::<UsageCursor>::of(store, now)
        .get(&UsageCursor::at(tenant))
        .await?;
    let open = cursor.and_then(|found| found.row.open);
    let mut open = open.filter(|hour| hour.from >= from && hour.from < to && now < hour.until);
    let table = PlainTable::<UsageHour>::of(store, now);
    let mut after = Some(Bytes::copy_from_slice(&UsageHour::sort(
        from.before(Duration::from_millis(1)),
    )));
    let mut is_over = false;
    while !is_over {
        let page = table.page(UsageHour::of(tenant), after.clone(), HOURS).await?;
        is_over = !page.more || page.items.last().is_some_and(|found| found.row.from >= to);
        after = page.items.last().map(|found| found.sort.clone()).or(after);
        let hours = page.items.into_iter().map(|found| found.row);
        for hour in hours.take_while(|hour| hour.from < to) {
            open = open.filter(|open| open.from != hour.from);
            each(hour);
        }
    }
    open.into_iter().for_each(each);
    Ok(())
}
