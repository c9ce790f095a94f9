//! Every row of a tenant in a stable order.

use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use scylla::deserialize::row::DeserializeRow;
use serde_json::value::RawValue;

use super::ScyllaStore;
use super::change::{id, optional_place, parse};
use super::events::EventColumns;
use super::keys;
use super::link::Prepared;
use super::load::{ConversationColumns, idempotency, listed};
use super::pages::Part;
use crate::domain::{Contact, ContactId, ConversationId, PhoneNumberId, Seq, TenantId, Timestamp};
use crate::store::dump::{Family, HeadRow, entry};
use crate::store::error::StoreError;
use crate::store::row::Seen;

/// Partitions read at once.
const TOGETHER: usize = 32;

/// A dumped row.
type Dumped = (Bytes, Bytes);

impl ScyllaStore {
    pub(super) async fn dump_tenant(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Vec<Dumped>, StoreError> {
        let mut out = Vec::new();
        if let Some(row) = self.one_tenant(tenant).await? {
            out.push(entry(Family::Tenant, &[], None, &row)?);
        }
        for row in self
            .all_numbers()
            .await?
            .iter()
            .filter(|row| row.tenant == tenant)
        {
            out.push(entry(Family::Number, &[row.id.as_str().as_bytes()], None, row)?);
        }
        for row in self.keys_of(tenant).await? {
            out.push(entry(Family::Key, &[&row.hash.0], None, &row)?);
        }
        for row in self.agents_of(tenant).await? {
            out.push(entry(Family::Agent, &[row.id.as_str().as_bytes()], None, &row)?);
        }
        if let Some(job) = self.read_job(tenant).await? {
            out.push(entry(Family::Retention, &[], None, &job)?);
        }
        self.dump_events(tenant, now, &mut out).await?;
        self.dump_conversations(tenant, now, &mut out).await?;
        self.dump_digests(tenant, now, &mut out).await?;
        self.dump_contacts(tenant, &mut out).await?;
        self.dump_outbox(tenant, &mut out).await?;
        out.sort();
        Ok(out)
    }

    /// All rows of a tenant that are spread over shards.
    async fn of_shards<R>(
        &self,
        statement: &Prepared,
        tenant: TenantId,
        shards: i16,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f> + Send,
    {
        let shards: Vec<Vec<R>> = futures_util::stream::iter(0..shards)
            .map(|shard| {
                self.link
                    .rows(statement, (keys::tenant(tenant), shard), usize::MAX)
            })
            .buffered(TOGETHER)
            .try_collect()
            .await?;
        Ok(shards.into_iter().flatten().collect())
    }

    async fn dump_events(
        &self,
        tenant: TenantId,
        now: Timestamp,
        out: &mut Vec<Dumped>,
    ) -> Result<(), StoreError> {
        let Some(head) = self.read_head(tenant).await? else {
            return Ok(());
        };
        let row = HeadRow {
            epoch: head.epoch,
            head: head.head,
        };
        out.push(entry(Family::Head, &[], None, &row)?);
        let first = self.first_event(tenant, head.head, now).await?;
        for segment in keys::segment(first)..=keys::segment(head.head) {
            let values = (keys::tenant(tenant), segment, -1_i64);
            let rows: Vec<EventColumns> = self.link.rows(&self.book.rows.events, values, usize::MAX).await?;
            for (seq, _, _, _, expires, body) in rows {
                let expires = Timestamp::from_millis(expires);
                if now < expires {
                    let json: &RawValue = parse(&body)?;
                    let key: Seq = keys::seq_of(seq);
                    let key = key.get().to_be_bytes();
                    out.push(entry(Family::Event, &[&key], Some(expires), &json)?);
                }
            }
        }
        Ok(())
    }

    async fn dump_conversations(
        &self,
        tenant: TenantId,
        now: Timestamp,
        out: &mut Vec<Dumped>,
    ) -> Result<(), StoreError> {
        let rows: Vec<(Option<i64>, Option<Bytes>, Option<Bytes>)> = self
            .of_shards(&self.book.rows.conversations_of_shard, tenant, keys::SHARDS)
            .await?;
        let mut ids: Vec<ConversationId> = Vec::new();
        for row in rows {
            let (Some(until), preview, Some(body)) = row else {
                continue;
            };
            let columns: ConversationColumns = (until, preview, body);
            let row = listed(columns)?.row;
            ids.push(row.id);
            out.push(entry(Family::Conversation, &[row.id.as_bytes()], None, &row)?);
        }
        for conversation in ids {
            for (bucket, classes) in self.buckets(tenant, conversation).await? {
                for class in classes {
                    let part = Part {
                        tenant,
                        conversation,
                        bucket,
                        class,
                    };
                    for kept in self.kept(part, None, usize::MAX).await? {
                        if now < kept.expires {
                            let key: [&[u8]; 2] = [conversation.as_bytes(), kept.row.id.as_bytes()];
                            out.push(entry(Family::Message, &key, Some(kept.expires), &kept.row)?);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn dump_digests(
        &self,
        tenant: TenantId,
        now: Timestamp,
        out: &mut Vec<Dumped>,
    ) -> Result<(), StoreError> {
        let rows: Vec<(Bytes, Bytes, Bytes, i64)> = self
            .of_shards(&self.book.rows.seen_of_shard, tenant, keys::SEEN_SHARDS)
            .await?;
        for (key, conversation, message, expires) in rows {
            let expires = Timestamp::from_millis(expires);
            if now < expires {
                let at = optional_place(&conversation, &message)?;
                out.push(entry(Family::Seen, &[&key], Some(expires), &Seen { at })?);
            }
        }
        let rows: Vec<(Bytes, Bytes, Bytes, Bytes, i64)> = self
            .of_shards(&self.book.rows.idempotency_of_shard, tenant, keys::SHARDS)
            .await?;
        for (key, request, conversation, message, expires) in rows {
            let expires = Timestamp::from_millis(expires);
            if now < expires {
                let row = idempotency(&request, &conversation, &message)?;
                out.push(entry(Family::Idempotency, &[&key], Some(expires), &row)?);
            }
        }
        Ok(())
    }

    async fn dump_contacts(&self, tenant: TenantId, out: &mut Vec<Dumped>) -> Result<(), StoreError> {
        let rows: Vec<(Bytes,)> = self
            .of_shards(&self.book.rows.contacts_of_shard, tenant, keys::SHARDS)
            .await?;
        for (body,) in rows {
            let row: Contact = parse(&body)?;
            out.push(entry(Family::Contact, &[row.id.as_bytes()], None, &row)?);
        }
        let rows: Vec<(Bytes, Bytes)> = self
            .of_shards(&self.book.rows.aliases_of_shard, tenant, keys::SHARDS)
            .await?;
        for (key, contact) in rows {
            let contact = ContactId::from_bytes(id(&contact)?);
            out.push(entry(Family::Alias, &[&key], None, &contact)?);
        }
        Ok(())
    }

    async fn dump_outbox(&self, tenant: TenantId, out: &mut Vec<Dumped>) -> Result<(), StoreError> {
        let slots: Vec<(String, i64)> = self
            .link
            .rows(&self.book.rows.all_slots, (keys::tenant(tenant),), usize::MAX)
            .await?;
        for (number, slot) in slots {
            let number =
                PhoneNumberId::parse(&number).map_err(|error| StoreError::corrupt("number", error))?;
            for row in self.slot(tenant, &number, slot, None, usize::MAX).await? {
                let key: [&[u8]; 3] = [number.as_str().as_bytes(), &[0], row.at.message.as_bytes()];
                out.push(entry(Family::Outbox, &key, None, &row)?);
            }
        }
        Ok(())
    }
}
