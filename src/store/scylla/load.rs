//! Reading single rows by their keys.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::cell::{Cell, Kept, Key, Listed, Row};
use super::change::{class, event, id, optional_place, parse};
use super::events::EventColumns;
use super::keys;
use super::multi_get::Query;
use crate::domain::{
    BroadcastId, BroadcastTally, Contact, ContactId, Conversation, ConversationId, Message, Seq, TenantId,
    Timestamp, WamidHash,
};
use crate::store::error::StoreError;
use crate::store::row::{Idempotency, MessageRef, Seen};

/// Queries asked at once for one batch.
const TOGETHER: usize = 64;

/// A conversation as its columns tell it: until when the preview may be read, the preview, the rest.
pub(super) type ConversationColumns = (Option<i64>, Option<Bytes>, Option<Bytes>);

/// Puts a conversation together. A preview that outlived its row stands alone: then there is no conversation.
pub(super) fn listed((until, preview, body): ConversationColumns) -> Result<Option<Listed>, StoreError> {
    let (Some(until), Some(body)) = (until, body) else {
        return Ok(None);
    };
    let mut row: Conversation = parse(&body)?;
    row.preview = match preview {
        Some(preview) => parse(&preview)?,
        None => None,
    };
    let preview_until = (until != i64::MAX).then(|| Timestamp::from_millis(until));
    Ok(Some(Listed { row, preview_until }))
}

impl ScyllaStore {
    /// Reads rows of a tenant together.
    pub(super) async fn load(
        &self,
        tenant: TenantId,
        wanted: Vec<Key>,
    ) -> Result<HashMap<Key, Cell>, StoreError> {
        let answers: Vec<Vec<(Key, Cell)>> = futures_util::stream::iter(self.queries(tenant, wanted))
            .map(|query| async move {
                match query {
                    Query::One(key) => {
                        let cell = self.load_one(tenant, &key).await?;
                        Ok(vec![(key, cell)])
                    }
                    Query::Several(table, several) => self.multi_get(tenant, table, several).await,
                }
            })
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// One row.
    pub(super) async fn load_one(&self, tenant: TenantId, key: &Key) -> Result<Cell, StoreError> {
        Ok(match key {
            Key::Conversation(id) => self
                .load_conversation(tenant, *id)
                .await?
                .map(|listed| Row::Conversation(Box::new(listed))),
            Key::Message(at) => self
                .load_message(tenant, *at)
                .await?
                .map(|kept| Row::Message(Box::new(kept))),
            Key::Seen(key) => self
                .load_seen(tenant, *key)
                .await?
                .map(|(seen, expires)| Row::Seen(seen, expires)),
            Key::Contact(id) => self
                .load_contact(tenant, *id)
                .await?
                .map(|row| Row::Contact(Box::new(row))),
            Key::Alias(key) => self.load_alias(tenant, key).await?.map(Row::Alias),
            Key::Idempotency(key) => {
                let values = (keys::tenant(tenant), keys::shard(key), key);
                let row: Option<(Bytes, Bytes, Bytes, i64)> =
                    self.link.row(&self.book.rows.idempotency, values).await?;
                row.map(|(request, conversation, message, expires)| {
                    idempotency(&request, &conversation, &message)
                        .map(|row| Row::Idempotency(row, Timestamp::from_millis(expires)))
                })
                .transpose()?
            }
            Key::Event(seq) => {
                let before = Seq::new(seq.get().saturating_sub(1));
                let values = (keys::tenant(tenant), keys::segment(*seq), keys::seq(before));
                let found: Vec<EventColumns> = self.link.rows(&self.book.rows.events, values, 1).await?;
                let row = found.into_iter().find(|columns| columns.0 == keys::seq(*seq));
                row.map(|columns| {
                    let expires = Timestamp::from_millis(columns.4);
                    event(columns).map(|event| Row::Event(Box::new(event), expires))
                })
                .transpose()?
            }
            Key::Tally(broadcast) => {
                let found = self.load_tally(tenant, *broadcast).await?;
                found.map(|(row, expires)| Row::Tally(Box::new(row), expires))
            }
            Key::Outbox(number, message) => {
                let values = (
                    keys::tenant(tenant),
                    number.as_str(),
                    keys::slot(*message),
                    message.as_bytes(),
                );
                let row: Option<(Bytes,)> = self.link.row(&self.book.rows.outbox_row, values).await?;
                row.map(|(body,)| parse(&body).map(|row| Row::Outbox(Box::new(row))))
                    .transpose()?
            }
        })
    }

    /// A conversation.
    pub(super) async fn load_conversation(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Listed>, StoreError> {
        let id = conversation.as_bytes();
        let values = (keys::tenant(tenant), keys::shard(id), id);
        let row: Option<ConversationColumns> = self.link.row(&self.book.rows.conversation, values).await?;
        row.map_or(Ok(None), listed)
    }

    /// Conversations by their ids.
    pub(super) async fn load_conversations(
        &self,
        tenant: TenantId,
        ids: &[ConversationId],
    ) -> Result<Vec<Option<Conversation>>, StoreError> {
        let mut known: HashMap<ConversationId, Conversation> = HashMap::new();
        let mut wanted = Vec::new();
        for id in ids {
            match self.recall_conversation(tenant, *id) {
                Some(row) => drop(known.insert(*id, row)),
                None => wanted.push(*id),
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let wanted = wanted.into_iter().map(Key::Conversation).collect();
        for (key, cell) in self.load(tenant, wanted).await? {
            if let (Key::Conversation(id), Some(Row::Conversation(listed))) = (key, cell) {
                known.insert(id, listed.row);
            }
        }
        Ok(ids.iter().map(|id| known.get(id).cloned()).collect())
    }

    /// A message, whatever the time.
    pub(super) async fn load_message(
        &self,
        tenant: TenantId,
        at: MessageRef,
    ) -> Result<Option<Kept>, StoreError> {
        self.at_rest(tenant, || self.load_message_once(tenant, at)).await
    }

    async fn load_message_once(&self, tenant: TenantId, at: MessageRef) -> Result<Option<Kept>, StoreError> {
        let bucket = keys::bucket(at.message);
        let conversation = at.conversation.as_bytes();
        let of = keys::tenant(tenant);
        let classes: Vec<(i8,)> = self
            .link
            .rows(&self.book.rows.classes, (of, conversation, bucket), usize::MAX)
            .await?;
        for (code,) in classes {
            let values = (of, conversation, bucket, at.message.as_bytes());
            let row: Option<(i64, Bytes)> = self.link.row(&self.messages(class(code)?).one, values).await?;
            if let Some(row) = row {
                return kept(row).map(Some);
            }
        }
        Ok(None)
    }

    /// What happened once, whatever the time.
    pub(super) async fn load_seen(
        &self,
        tenant: TenantId,
        key: WamidHash,
    ) -> Result<Option<(Seen, Timestamp)>, StoreError> {
        let key = key.as_bytes();
        let values = (keys::tenant(tenant), keys::seen_shard(key), key);
        let row: Option<(Bytes, Bytes, i64)> = self.link.row(&self.book.rows.seen, values).await?;
        row.map(|(conversation, message, expires)| seen(&conversation, &message, expires))
            .transpose()
    }

    /// How many recipients of a broadcast came to what, whatever the time.
    pub(super) async fn load_tally(
        &self,
        tenant: TenantId,
        broadcast: BroadcastId,
    ) -> Result<Option<(BroadcastTally, Timestamp)>, StoreError> {
        let values = (keys::tenant(tenant), broadcast.as_bytes());
        let row: Option<(i64, Bytes)> = self.link.row(&self.book.rows.tally, values).await?;
        row.map(|(expires, body)| Ok((parse(&body)?, Timestamp::from_millis(expires))))
            .transpose()
    }

    /// A contact.
    pub(super) async fn load_contact(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let id = contact.as_bytes();
        let values = (keys::tenant(tenant), keys::shard(id), id);
        let row: Option<(Bytes,)> = self.link.row(&self.book.rows.contact, values).await?;
        row.map(|(body,)| parse(&body)).transpose()
    }

    /// The contact that an alias leads to, following no link.
    pub(super) async fn load_alias(
        &self,
        tenant: TenantId,
        key: &[u8; 16],
    ) -> Result<Option<ContactId>, StoreError> {
        let values = (keys::tenant(tenant), keys::shard(key), key);
        let row: Option<(Bytes,)> = self.link.row(&self.book.rows.alias, values).await?;
        row.map(|(contact,)| id(&contact).map(ContactId::from_bytes))
            .transpose()
    }
}

/// A message as its columns tell it.
pub(super) fn kept((expires, body): (i64, Bytes)) -> Result<Kept, StoreError> {
    let row: Message = parse(&body)?;
    Ok(Kept {
        row,
        expires: Timestamp::from_millis(expires),
    })
}

/// What happened once, and until when that is known, as its columns tell it.
pub(super) fn seen(
    conversation: &[u8],
    message: &[u8],
    expires: i64,
) -> Result<(Seen, Timestamp), StoreError> {
    let at = optional_place(conversation, message)?;
    Ok((Seen { at }, Timestamp::from_millis(expires)))
}

/// What an idempotency key was used for, as its columns tell it.
pub(super) fn idempotency(
    request: &[u8],
    conversation: &[u8],
    message: &[u8],
) -> Result<Idempotency, StoreError> {
    let at = optional_place(conversation, message)?
        .ok_or_else(|| StoreError::corrupt("idempotency", "without a place"))?;
    Ok(Idempotency {
        request: id(request)?,
        at,
    })
}
