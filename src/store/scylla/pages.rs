//! Reading a conversation's messages, unsettled messages and contacts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::cell::{Cell, Kept, Key, Row};
use super::change::{class, number, parse};
use super::keys::{self, Class};
use super::load::kept;
use crate::domain::{
    Alias, ContactId, Conversation, ConversationId, Links, Message, MessageId, PhoneNumberId, TenantId,
    Timestamp,
};
use crate::store::Page;
use crate::store::error::StoreError;
use crate::store::room::Room;
use crate::store::row::OutboxRow;

/// Tenants looked at together.
const TOGETHER: usize = 16;
/// A page is read this often while messages move.
const READS: usize = 3;
/// Messages looked at together for one that is left.
const LOOKED_AT: usize = 99;

impl ScyllaStore {
    pub(super) async fn history(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<Message>, StoreError> {
        let version = self
            .ownerships
            .find(tenant)
            .and_then(|ownership| ownership.version());
        let read = self.newest(tenant, conversation, before, limit, now);
        let found = match (version, before) {
            // A whole team opens the same conversation: it is read once, as it is after the last commit.
            (Some(version), None) => {
                let key = PageKey {
                    tenant,
                    conversation,
                    limit,
                    version,
                };
                let found = self.pages.ask(key, async { read.await.map(Arc::new) }).await?;
                if found.iter().any(|kept| kept.expires <= now) {
                    // One of them ended between the other's question and this one.
                    let read = self.newest(tenant, conversation, before, limit, now);
                    read.await?
                } else {
                    Arc::unwrap_or_clone(found)
                }
            }
            _ => read.await?,
        };
        let rows = found.into_iter().map(|kept| Ok(kept.row));
        Room::of(limit).page(rows, |row| row.content.bytes())
    }

    /// Reads once more when messages were removed meanwhile: one that moved to a table that was read before it came, from one
    /// that was read after it left, would be missed.
    pub(super) async fn at_rest<T, F>(
        &self,
        tenant: TenantId,
        read: impl Fn() -> F + Send,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let removals = || self.ownerships.find(tenant).map(|ownership| ownership.removals());
        for _ in 1..READS {
            let before = removals();
            let found = read().await?;
            if removals() == before {
                return Ok(found);
            }
        }
        read().await
    }

    /// The newest message of a conversation for which something holds.
    pub(super) async fn newest_that(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        now: Timestamp,
        holds: impl Fn(&Kept) -> bool + Send,
    ) -> Result<Option<Kept>, StoreError> {
        let mut before = None;
        loop {
            let page = self.newest(tenant, conversation, before, LOOKED_AT, now).await?;
            let Some(last) = page.last() else { return Ok(None) };
            before = Some(last.row.id);
            if let Some(found) = page.into_iter().find(&holds) {
                return Ok(Some(found));
            }
        }
    }

    /// The newest messages, one more than the limit if there are so many.
    async fn newest(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Kept>, StoreError> {
        // It is held several times over, and large: on a thread's stack it would take a good part of it.
        self.at_rest(tenant, || {
            Box::pin(self.newest_once(tenant, conversation, before, limit, now))
        })
        .await
    }

    async fn newest_once(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Kept>, StoreError> {
        let wanted = limit.saturating_add(1);
        let mut found: Vec<Kept> = Vec::new();
        for (bucket, classes) in self.buckets(tenant, conversation).await?.into_iter().rev() {
            if before.is_some_and(|before| keys::bucket(before) < bucket) {
                continue;
            }
            let mut here: Vec<Kept> = Vec::new();
            for class in classes {
                let part = Part {
                    tenant,
                    conversation,
                    bucket,
                    class,
                };
                let room = wanted - found.len();
                here.extend(self.part(part, before, room, now).await?);
            }
            found.extend(in_order(here));
            if found.len() >= wanted {
                break;
            }
        }
        found.truncate(wanted);
        Ok(found)
    }

    /// The partitions of a conversation, oldest first.
    pub(super) async fn buckets(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<BTreeMap<i32, Vec<Class>>, StoreError> {
        let values = (keys::tenant(tenant), conversation.as_bytes());
        let rows: Vec<(i32, i8)> = self
            .link
            .rows(&self.book.rows.buckets, values, usize::MAX)
            .await?;
        let mut buckets: BTreeMap<i32, Vec<Class>> = BTreeMap::new();
        for (bucket, code) in rows {
            buckets.entry(bucket).or_default().push(class(code)?);
        }
        Ok(buckets)
    }

    /// The same, each as a partition of messages.
    pub(super) async fn parts(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        for (bucket, classes) in self.buckets(tenant, conversation).await? {
            parts.extend(classes.into_iter().map(|class| Part {
                tenant,
                conversation,
                bucket,
                class,
            }));
        }
        Ok(parts)
    }

    /// The newest messages of one partition that may be read.
    async fn part(
        &self,
        part: Part,
        mut before: Option<MessageId>,
        room: usize,
        now: Timestamp,
    ) -> Result<Vec<Kept>, StoreError> {
        let mut found = Vec::new();
        while found.len() < room {
            let asked = room - found.len();
            let rows = self.kept(part, before, asked).await?;
            let whole = rows.len() < asked;
            before = rows.last().map(|kept| kept.row.id).or(before);
            found.extend(rows.into_iter().filter(|kept| now < kept.expires));
            if whole {
                break;
            }
        }
        Ok(found)
    }

    /// The newest messages of one partition, whatever the time.
    pub(super) async fn kept(
        &self,
        part: Part,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let Part {
            tenant,
            conversation,
            bucket,
            class,
        } = part;
        let table = self.messages(class);
        let of = keys::tenant(tenant);
        let conversation = conversation.as_bytes();
        let rows: Vec<(i64, Bytes)> = match before {
            Some(before) => {
                let values = (of, conversation, bucket, before.as_bytes());
                self.link.rows(&table.page_before, values, limit).await?
            }
            None => {
                self.link
                    .rows(&table.page, (of, conversation, bucket), limit)
                    .await?
            }
        };
        rows.into_iter().map(kept).collect()
    }

    pub(super) async fn unsettled(
        &self,
        tenant: TenantId,
        number: &PhoneNumberId,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let of = keys::tenant(tenant);
        let first = after.map_or(i64::MIN, keys::slot);
        let slots: Vec<(i64,)> = self
            .link
            .rows(&self.book.rows.slots, (of, number.as_str(), first), usize::MAX)
            .await?;
        let mut found = Vec::new();
        for (slot,) in slots {
            if found.len() >= limit {
                break;
            }
            let room = limit - found.len();
            found.extend(self.slot(tenant, number, slot, after, room).await?);
        }
        Ok(found)
    }

    /// Unsettled messages of ten minutes.
    pub(super) async fn slot(
        &self,
        tenant: TenantId,
        number: &PhoneNumberId,
        slot: i64,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let rows = &self.book.rows;
        let (statement, from) = match after {
            Some(after) => (&rows.outbox_after, *after.as_bytes()),
            None => (&rows.outbox_from, [0; 16]),
        };
        let values = (keys::tenant(tenant), number.as_str(), slot, from);
        let found: Vec<(Bytes,)> = self.link.rows(statement, values, limit).await?;
        found.into_iter().map(|(body,)| parse(&body)).collect()
    }

    /// The tenants of unsettled messages. Not of one whose commit was made and whose rows nobody wrote yet: nobody was told
    /// that it was accepted, and whoever asks again opens the ledger.
    pub(super) async fn tenants_with_unsettled(&self) -> Result<Vec<TenantId>, StoreError> {
        let found: Vec<(i64,)> = self
            .link
            .rows(&self.book.rows.tenants_with_slots, (), usize::MAX)
            .await?;
        let looks = found.into_iter().map(|(of,)| async move {
            let tenant = TenantId::new(of.cast_unsigned());
            let has_some = self.has_unsettled(tenant).await?;
            Ok(has_some.then_some(tenant))
        });
        let looks = stream::iter(looks).buffer_unordered(TOGETHER);
        let mut tenants: Vec<_> = looks
            .try_filter_map(|tenant| std::future::ready(Ok::<_, StoreError>(tenant)))
            .try_collect()
            .await?;
        tenants.sort_unstable();
        Ok(tenants)
    }

    /// Each ten minutes of each number of a tenant that have unsettled messages, or had some not long ago.
    pub(super) async fn slots(&self, tenant: TenantId) -> Result<Vec<(PhoneNumberId, i64)>, StoreError> {
        let of = (keys::tenant(tenant),);
        let slots: Vec<(String, i64)> = self.link.rows(&self.book.rows.all_slots, of, usize::MAX).await?;
        let slots = slots.into_iter();
        slots.map(|(of, slot)| Ok((number(&of)?, slot))).collect()
    }

    /// Whether anything is left in the slots of a tenant, which are forgotten some time after they are empty.
    async fn has_unsettled(&self, tenant: TenantId) -> Result<bool, StoreError> {
        for (number, slot) in self.slots(tenant).await? {
            if !self.slot(tenant, &number, slot, None, 1).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What this process remembers of a row, as the only one who writes it.
    fn recall(&self, tenant: TenantId, key: &Key) -> Option<Cell> {
        let term = self.ownerships.find(tenant)?.term()?;
        self.row_cache.recall(term, key)
    }

    /// A conversation as this process remembers it, unless a clock may have ended a part of it: commits' own, or this one.
    pub(super) fn recall_conversation(&self, tenant: TenantId, id: ConversationId) -> Option<Conversation> {
        let Some(Row::Conversation(listed)) = self.recall(tenant, &Key::Conversation(id))? else {
            return None;
        };
        let now = self.ownerships.find(tenant)?.committed().max(self.clock.now());
        listed.lasts(now).then_some(listed.row)
    }

    /// The contact that an alias leads to, links followed.
    pub(super) async fn resolve(
        &self,
        tenant: TenantId,
        alias: &Alias,
    ) -> Result<Option<ContactId>, StoreError> {
        let key = alias.key(tenant);
        let found = match self.recall(tenant, &Key::Alias(key)) {
            Some(cell) => cell.and_then(Row::alias),
            None => self.load_alias(tenant, &key).await?,
        };
        let Some(mut at) = found else {
            return Ok(None);
        };
        let mut links = Links::default();
        loop {
            let contact = match self.recall(tenant, &Key::Contact(at)) {
                Some(cell) => cell.and_then(Row::contact),
                None => self.load_contact(tenant, at).await?,
            };
            let Some(contact) = contact else {
                return Ok(None);
            };
            match links.after(&contact) {
                Some(next) => at = next,
                None => return Ok(Some(at)),
            }
        }
    }
}

/// A month's messages of all tables, newest first. One that is moving stands in two.
fn in_order(mut month: Vec<Kept>) -> Vec<Kept> {
    month.sort_by_key(|kept| std::cmp::Reverse(kept.row.id));
    month.dedup_by_key(|kept| kept.row.id);
    month
}

/// Which first page, and as of when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    tenant: TenantId,
    conversation: ConversationId,
    limit: usize,
    version: u64,
}

/// What a first page is read as.
pub(super) type FirstPage = Result<Arc<Vec<Kept>>, StoreError>;

/// One partition of messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) tenant: TenantId,
    pub(super) conversation: ConversationId,
    pub(super) bucket: i32,
    pub(super) class: Class,
}
