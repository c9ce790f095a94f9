//! Rows out of the cluster and into it, as all backends mean them.
//!
//! A page is a partition, or a part of one: a segment of events, ten minutes of the outbox, some messages of one month of
//! a conversation. Of small rows it is a shard, or as many shards as make a page.

use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::cell::Listed;
use super::change::{event, id, optional_place, parse};
use super::commit::{Step, or_put_back};
use super::events::EventColumns;
use super::keys::{self, Class};
use super::load::{ConversationColumns, idempotency, listed};
use super::view::View;
use crate::domain::{Contact, ContactId, Fence, PhoneNumberId, Seq, TenantId, Timestamp, WamidHash};
use crate::store::error::StoreError;
use crate::store::retention::Place;
use crate::store::transfer::{self, Exported, Mark, Record, RecordKind};

/// Shards read at once, once one was seen to be small. A shard is read whole: so many of a large tenant would be hundreds
/// of megabytes.
const TOGETHER: usize = 16;

fn broken() -> StoreError {
    StoreError::corrupt("mark", "of another store")
}

/// The shard, or segment, that a mark names; the first without one.
fn number(after: Option<&Mark>, first: i64) -> Result<i64, StoreError> {
    let Some(mark) = after else { return Ok(first) };
    let bytes = mark.0.as_slice().try_into().map_err(|_wrong| broken())?;
    Ok(i64::from_be_bytes(bytes))
}

fn mark(number: i64) -> Mark {
    Mark(number.to_be_bytes().to_vec())
}

impl ScyllaStore {
    /// Rows of one kind after a mark.
    pub(super) async fn export_rows(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let after = after.as_ref();
        match kind {
            RecordKind::Message => self.export_messages(tenant, after, limit, now).await,
            RecordKind::Tally => self.export_tallies(tenant, now).await,
            RecordKind::Outbox => self.export_outbox(tenant, after).await,
            RecordKind::Event => self.export_events(tenant, after, now).await,
            RecordKind::Head => {
                let head = self.read_head(tenant).await?;
                let records = head.map(|head| Record::Head {
                    epoch: head.epoch,
                    head: head.head,
                });
                Ok(Exported {
                    records: records.into_iter().collect(),
                    next: None,
                })
            }
            RecordKind::Contact
            | RecordKind::Alias
            | RecordKind::Conversation
            | RecordKind::Seen
            | RecordKind::Idempotency => {
                let shard = number(after, 0)?;
                let shard = i16::try_from(shard).map_err(|_wrong| broken())?;
                self.export_shards(tenant, kind, shard, limit, now).await
            }
        }
    }

    /// Whole shards from one on: a single one, and more as long as they are small and there is room.
    async fn export_shards(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        first: i16,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let end = if kind == RecordKind::Seen {
            keys::SEEN_SHARDS
        } else {
            keys::SHARDS
        };
        let small = limit.div_ceil(TOGETHER);
        let mut records = Vec::new();
        let mut shards = first..end;
        let mut at_once = 1;
        loop {
            let some: Vec<i16> = shards.by_ref().take(at_once).collect();
            let some: Vec<Vec<Record>> = futures_util::stream::iter(some)
                .map(|shard| self.export_shard(tenant, kind, shard, now))
                .buffered(TOGETHER)
                .try_collect()
                .await?;
            let largest = some.iter().map(Vec::len).max().unwrap_or_default();
            records.extend(some.into_iter().flatten());
            if shards.is_empty() || largest >= small || records.len() >= limit {
                break;
            }
            at_once = TOGETHER;
        }
        Ok(Exported {
            records,
            next: (!shards.is_empty()).then(|| mark(i64::from(shards.start))),
        })
    }

    async fn export_shard(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        shard: i16,
        now: Timestamp,
    ) -> Result<Vec<Record>, StoreError> {
        let rows = &self.book.rows;
        let of = (keys::tenant(tenant), shard);
        match kind {
            RecordKind::Contact => {
                let found: Vec<(Bytes,)> = self.link.rows(&rows.contacts_of_shard, of, usize::MAX).await?;
                let contact =
                    |(body,): (Bytes,)| parse::<Contact>(&body).map(|row| Record::Contact(Box::new(row)));
                found.into_iter().map(contact).collect()
            }
            RecordKind::Alias => {
                let found: Vec<(Bytes, Bytes)> =
                    self.link.rows(&rows.aliases_of_shard, of, usize::MAX).await?;
                let alias = |(key, contact): (Bytes, Bytes)| {
                    Ok(Record::Alias {
                        key: id(&key)?,
                        contact: ContactId::from_bytes(id(&contact)?),
                    })
                };
                found.into_iter().map(alias).collect()
            }
            RecordKind::Conversation => {
                let found: Vec<ConversationColumns> = self
                    .link
                    .rows(&rows.conversations_of_shard, of, usize::MAX)
                    .await?;
                let conversation = |mut found: Listed| {
                    if found.preview_until.is_some_and(|until| until <= now) {
                        found.row.preview = None;
                    }
                    Record::Conversation(Box::new(found.row))
                };
                let whole = found
                    .into_iter()
                    .filter_map(|columns| listed(columns).transpose());
                whole.map(|found| found.map(conversation)).collect()
            }
            RecordKind::Seen => {
                let found: Vec<(Bytes, Bytes, Bytes, i64)> =
                    self.link.rows(&rows.seen_of_shard, of, usize::MAX).await?;
                let seen = |(key, conversation, message, expires): (Bytes, Bytes, Bytes, i64)| {
                    Ok(Record::Seen {
                        key: WamidHash::from_bytes(id(&key)?),
                        at: optional_place(&conversation, &message)?,
                        expires: Timestamp::from_millis(expires),
                    })
                };
                let live = found.into_iter().filter(|row| now.as_millis() < row.3);
                live.map(seen).collect()
            }
            _ => {
                let found: Vec<(Bytes, Bytes, Bytes, Bytes, i64)> =
                    self.link.rows(&rows.idempotency_of_shard, of, usize::MAX).await?;
                let answer =
                    |(key, request, conversation, message, expires): (Bytes, Bytes, Bytes, Bytes, i64)| {
                        Ok(Record::Idempotency {
                            key: id(&key)?,
                            row: idempotency(&request, &conversation, &message)?,
                            expires: Timestamp::from_millis(expires),
                        })
                    };
                let live = found.into_iter().filter(|row| now.as_millis() < row.4);
                live.map(answer).collect()
            }
        }
    }

    async fn export_messages(
        &self,
        tenant: TenantId,
        after: Option<&Mark>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let after = after
            .map(|mark| {
                std::str::from_utf8(&mark.0)
                    .ok()
                    .and_then(|text| text.parse::<Place>().ok())
            })
            .map(|place| place.ok_or_else(broken))
            .transpose()?;
        // Any class may come first: nothing moves.
        let walked = self.walk(tenant, after, Class::Short, limit).await?;
        let found = walked.found.map(|found| found.messages).unwrap_or_default();
        let live = found.into_iter().filter(|kept| now < kept.expires);
        let records = live.map(|kept| Record::Message {
            row: Box::new(kept.row),
            expires: kept.expires,
        });
        Ok(Exported {
            records: records.collect(),
            next: walked.next.map(|place| Mark(place.to_string().into_bytes())),
        })
    }

    async fn export_outbox(&self, tenant: TenantId, after: Option<&Mark>) -> Result<Exported, StoreError> {
        let mut slots = self.slots(tenant).await?;
        slots.sort();
        let name = |(number, slot): &(PhoneNumberId, i64)| Mark(format!("{number} {slot:020}").into_bytes());
        let mut rest = slots
            .iter()
            .skip_while(|slot| after.is_some_and(|after| name(slot).0 <= after.0));
        let Some(here) = rest.next() else {
            return Ok(Exported::default());
        };
        let rows = self.slot(tenant, &here.0, here.1, None, usize::MAX).await?;
        Ok(Exported {
            records: rows
                .into_iter()
                .map(|row| Record::Outbox(Box::new(row)))
                .collect(),
            next: rest.next().map(|_more| name(here)),
        })
    }

    /// All of them: a business has a few for each day.
    async fn export_tallies(&self, tenant: TenantId, now: Timestamp) -> Result<Exported, StoreError> {
        let values = (keys::tenant(tenant),);
        let rows: Vec<(i64, Bytes)> = self
            .link
            .rows(&self.book.rows.tallies, values, usize::MAX)
            .await?;
        let tally = |(expires, body): (i64, Bytes)| {
            Ok(Record::Tally {
                row: parse(&body)?,
                expires: Timestamp::from_millis(expires),
            })
        };
        let live = rows.into_iter().filter(|row| now.as_millis() < row.0);
        Ok(Exported {
            records: live.map(tally).collect::<Result<_, StoreError>>()?,
            next: None,
        })
    }

    async fn export_events(
        &self,
        tenant: TenantId,
        after: Option<&Mark>,
        now: Timestamp,
    ) -> Result<Exported, StoreError> {
        let Some(head) = self.read_head(tenant).await? else {
            return Ok(Exported::default());
        };
        let first = self.first_event(tenant, head.head, now).await?;
        let segment = number(after, keys::segment(first))?;
        let values = (keys::tenant(tenant), segment, -1_i64);
        let found: Vec<EventColumns> = self.link.rows(&self.book.rows.events, values, usize::MAX).await?;
        let mut records = Vec::with_capacity(found.len());
        for columns in found {
            let expires = Timestamp::from_millis(columns.4);
            if now < expires {
                records.push(Record::event(&event(columns)?, expires)?);
            }
        }
        let next = segment.saturating_add(1);
        Ok(Exported {
            records,
            next: (next <= keys::segment(head.head)).then(|| mark(next)),
        })
    }

    /// Writes records of another store, as one commit.
    pub(super) async fn import_rows(
        &self,
        tenant: TenantId,
        fence: Fence,
        records: &[Record],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ownership = self.ownerships.of(tenant);
        let mut held = ownership.owned.lock().await;
        let mut owned = self.admit(&ownership, &mut held, tenant, fence).await?;
        // Events end as they did where they come from, also when they are written again after later ones.
        let until = std::mem::take(&mut owned.events_until);
        let put = |view: &mut View<'_>| transfer::put(view, records);
        let evaluated = self.evaluate(&owned, now, put).await;
        owned.events_until = until;
        let (owned, evaluated) = or_put_back(&mut held, owned, evaluated)?;
        let head: Seq = transfer::head_in(records).unwrap_or(owned.head);
        let ((), mut step) = Step::after(evaluated, head, now);
        step.written.events_until = step.written.events_until.max(until);
        self.commit(&ownership, &mut held, owned, step).await
    }
}
