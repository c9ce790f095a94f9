//! Reading the ledger's events.

use bytes::Bytes;
use serde::Deserialize;

use super::ScyllaStore;
use super::change::event;
use super::keys;
use super::ownership::{Oldest, lock};
use crate::domain::{Event, EventKind, Retention, Seq, TenantId, Timestamp};
use crate::store::EventPage;
use crate::store::error::StoreError;
use crate::store::room::Room;

/// When the message was written that an event tells, of one that does.
fn told_of(event: &Event) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Told {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        message: Written,
    }
    #[derive(Deserialize)]
    struct Written {
        created: Timestamp,
    }
    if !matches!(event.kind, EventKind::Message | EventKind::MessageChanged) {
        return None;
    }
    let told: Told = serde_json::from_slice(&event.json).ok()?;
    Some(told.data.message.created)
}

pub(super) type EventColumns = (i64, i64, i8, Bytes, i64, Bytes);

impl ScyllaStore {
    /// Events after a position. What told of a message is read no longer than that: other stores sweep it away.
    pub(super) async fn read_events(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        let mut page = self.read_log(tenant, after, limit, now).await?;
        let told: Vec<Option<Timestamp>> = page.events.iter().map(told_of).collect();
        let is_over = |kept: Retention, told: &Option<Timestamp>| {
            told.is_some_and(|written| kept.expiry(written) <= now)
        };
        if !told.iter().any(|told| is_over(Retention::SHORTEST, told)) {
            return Ok(page);
        }
        let Some(tenant) = self.one_tenant(tenant).await? else {
            return Ok(page);
        };
        for (event, told) in page.events.iter_mut().zip(&told) {
            if is_over(tenant.retention, told) {
                *event = Event::erased(event.seq, event.at);
            }
        }
        Ok(page)
    }

    async fn read_log(
        &self,
        tenant: TenantId,
        after: Seq,
        limit: usize,
        now: Timestamp,
    ) -> Result<EventPage, StoreError> {
        let Some(head) = self.visible_head(tenant).await? else {
            return Ok(EventPage::of_no_ledger());
        };
        let oldest = self.first_event(tenant, head, now).await?;
        let mut page = EventPage {
            events: Vec::new(),
            oldest,
            head,
        };
        let mut next = after.next().max(oldest);
        let mut room = Room::of(limit);
        while next <= head && room.worth_reading() > 0 {
            let before = Seq::new(next.get().saturating_sub(1));
            let values = (keys::tenant(tenant), keys::segment(next), keys::seq(before));
            let rows: Vec<EventColumns> = self
                .link
                .rows(&self.book.rows.events, values, room.worth_reading())
                .await?;
            let began = next;
            for columns in rows {
                let event = event(columns)?;
                // Another owner may be writing just now: what is read has no hole, and ends where its head was.
                if event.seq != next || event.seq > head || !room.take(event.json.len()) {
                    return Ok(page);
                }
                next = next.next();
                page.events.push(event);
            }
            if next == began {
                break;
            }
        }
        Ok(page)
    }

    /// The head as far as it may be read; `None` where there is no ledger.
    async fn visible_head(&self, tenant: TenantId) -> Result<Option<Seq>, StoreError> {
        if let Some(head) = self
            .ownerships
            .find(tenant)
            .and_then(|ownership| ownership.shown_head())
        {
            return Ok(Some(head));
        }
        Ok(self.read_head(tenant).await?.map(|head| head.head))
    }

    async fn event_expiry(&self, tenant: TenantId, seq: Seq) -> Result<Option<Timestamp>, StoreError> {
        let values = (keys::tenant(tenant), keys::segment(seq), keys::seq(seq));
        let row: Option<(i64,)> = self.link.row(&self.book.rows.event_expiry, values).await?;
        Ok(row.map(|(expires,)| Timestamp::from_millis(expires)))
    }

    /// The oldest event that may be read; the one after the head when none may.
    ///
    /// A later event never expires before an earlier one, so halving finds it.
    pub(super) async fn first_event(
        &self,
        tenant: TenantId,
        head: Seq,
        now: Timestamp,
    ) -> Result<Seq, StoreError> {
        let ownership = self.ownerships.find(tenant);
        let known = ownership.as_ref().and_then(|ownership| *lock(&ownership.oldest));
        let mut low = 1;
        if let Some(known) = known.filter(|known| known.as_of <= now) {
            if now < known.expires {
                return Ok(known.seq);
            }
            low = known.seq.get();
        }
        let mut high = head.get().saturating_add(1);
        let mut expires = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.event_expiry(tenant, Seq::new(middle)).await? {
                Some(until) if now < until => {
                    high = middle;
                    expires = Some(until);
                }
                _ => low = middle + 1,
            }
        }
        let seq = Seq::new(low);
        if let (Some(ownership), Some(expires)) = (ownership, expires)
            && ownership.shown_head().is_some()
        {
            *lock(&ownership.oldest) = Some(Oldest {
                seq,
                expires,
                as_of: now,
            });
        }
        Ok(seq)
    }
}
