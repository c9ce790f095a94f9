//! Reading a ledger: what follows a position, and what is the oldest that can still be read.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use super::codec::{self, Head};
use super::engine::Engine;
use super::keys::{self, Kind, Space};
use super::scan::Moment;
use crate::domain::{Event, Seq, TenantId, Timestamp};
use crate::store::EventPage;
use crate::store::error::StoreError;
use crate::store::room::Room;

/// Below which position a ledger's events were removed, so that nobody walks over what is gone.
#[derive(Debug, Default)]
pub(super) struct Floors(Mutex<HashMap<TenantId, Seq>>);

impl Floors {
    pub(super) fn of(&self, tenant: TenantId) -> Seq {
        let floors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        floors.get(&tenant).copied().unwrap_or(Seq::new(1))
    }

    /// Notes that everything before a position was removed.
    pub(super) fn raise(&self, tenant: TenantId, floor: Seq) {
        let mut floors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = floors.entry(tenant).or_insert(floor);
        *at = floor.max(*at);
    }
}

/// Events after a position.
pub(super) fn after(
    engine: &Engine,
    floors: &Floors,
    tenant: TenantId,
    after: Seq,
    limit: usize,
    now: Timestamp,
) -> Result<EventPage, StoreError> {
    let moment = Moment::of(engine);
    let Some(value) = moment.get(Space::Rows, &keys::row(Kind::Head, tenant, &[]))? else {
        return Ok(EventPage::of_no_ledger());
    };
    let head = codec::parse_head(codec::body(&value)?)?;
    let mut oldest = first_readable(&moment, floors.of(tenant).max(head.floor), tenant, &head, now)?;
    let from = after.next().max(oldest);
    let mut events = Vec::new();
    if from <= head.head {
        let range = (
            Bound::Included(keys::event(tenant, from)),
            Bound::Included(keys::event(tenant, head.head)),
        );
        let mut room = Room::of(limit);
        for pair in moment.range(Space::Events, range) {
            let pair = pair?;
            let event = parse(&pair.key, &pair.value)?;
            if !room.take(event.json.len()) {
                break;
            }
            // Whoever reads must not be led over a hole: what stands before it is a page of its own, and what stands behind
            // it begins the log anew for whoever comes to it.
            match events.last().map_or(from, |last: &Event| last.seq.next()) {
                next if next == event.seq => {}
                _ if events.is_empty() => oldest = event.seq,
                _ => break,
            }
            events.push(event);
        }
    }
    Ok(EventPage {
        events,
        oldest,
        head: head.head,
    })
}

/// Reads a stored event, whatever the time.
pub(super) fn parse(key: &[u8], value: &[u8]) -> Result<Event, StoreError> {
    let seq = keys::seq_of(key).ok_or_else(|| StoreError::corrupt("event", "key too short"))?;
    codec::parse_event(seq, codec::body(value)?)
}

/// The first position that can be read. Expiry grows with the position, so halving finds it.
fn first_readable(
    moment: &Moment<'_>,
    floor: Seq,
    tenant: TenantId,
    head: &Head,
    now: Timestamp,
) -> Result<Seq, StoreError> {
    if head.events_until <= now || floor > head.head {
        return Ok(head.head.next());
    }
    let range = (
        Bound::Included(keys::event(tenant, floor)),
        Bound::Included(keys::event(tenant, head.head)),
    );
    let Some(first) = moment.range(Space::Events, range).next().transpose()? else {
        return Ok(head.head.next());
    };
    let short = || StoreError::corrupt("event", "key too short");
    let mut low = keys::seq_of(&first.key).ok_or_else(short)?.get();
    if now < codec::expires(&first.value)? {
        return Ok(Seq::new(low));
    }
    // `low` is expired and `high` is not. One that is not there any more was expired: compaction drops such rows in any order.
    let mut high = head.head.get();
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let value = moment.get(Space::Events, &keys::event(tenant, Seq::new(middle)))?;
        let expires = value.map_or(Ok(now), |value| codec::expires(&value))?;
        if now < expires {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(Seq::new(high))
}
