//! The list of conversations in order of activity, kept in memory by whoever owns the tenant.
//!
//! An index table would have to move a row with every message, and each move leaves a tombstone where the list is read. So
//! the cluster holds conversations by id alone; the first who asks for the list reads their places, and every commit moves
//! them from then on. About 150 bytes for each conversation.

use std::collections::{BTreeMap, HashMap};

use futures_util::stream::{StreamExt as _, TryStreamExt as _};

use super::ScyllaStore;
use super::change::{Change, id};
use super::keys;
use super::ownership::{Ownership, lock};
use crate::domain::{Conversation, ConversationId, ConversationStatus, PhoneNumberId, TenantId, Timestamp};
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::{ConversationCursor, ConversationFilter, ConversationPage};

/// Partitions read at once.
const TOGETHER: usize = 16;

/// In place of a status, where a conversation stands in no list. No status has this code.
pub(super) const UNLISTED: u8 = 0;

/// What the list shows of a conversation without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    status: ConversationStatus,
    number: PhoneNumberId,
    preview_until: Option<Timestamp>,
}

/// Conversations in order.
#[derive(Debug, Default)]
pub(super) struct List {
    at: HashMap<ConversationId, Timestamp>,
    order: BTreeMap<ConversationCursor, Place>,
}

/// The list, or what is known of it.
#[derive(Debug, Default)]
pub(super) enum ConversationList {
    /// Nobody asked yet.
    #[default]
    Empty,
    /// It is being read; what moves meanwhile waits.
    Filling(Vec<Move>),
    /// It is whole.
    Full(List),
}

/// A conversation's new place, or its end.
#[derive(Debug)]
pub(super) enum Move {
    Put(ConversationCursor, PlaceOf),
    Gone(ConversationId),
}

/// A place as it is told.
#[derive(Debug)]
pub(super) struct PlaceOf(Place);

impl List {
    fn apply(&mut self, step: Move) {
        match step {
            Move::Put(at, PlaceOf(place)) => {
                self.remove(at.conversation);
                self.at.insert(at.conversation, at.last_activity);
                self.order.insert(at, place);
            }
            Move::Gone(id) => self.remove(id),
        }
    }

    fn remove(&mut self, conversation: ConversationId) {
        if let Some(last_activity) = self.at.remove(&conversation) {
            self.order.remove(&ConversationCursor {
                last_activity,
                conversation,
            });
        }
    }

    /// Conversations after a place, newest first.
    fn after<'a>(
        &'a self,
        filter: &'a ConversationFilter,
        after: Option<ConversationCursor>,
    ) -> impl Iterator<Item = ConversationCursor> + 'a {
        let range = match after {
            Some(after) => self.order.range(..after),
            None => self.order.range(..),
        };
        range
            .rev()
            .filter(|(_, place)| filter.status.is_none_or(|status| status == place.status))
            .filter(|(_, place)| {
                filter
                    .number
                    .as_ref()
                    .is_none_or(|number| *number == place.number)
            })
            .map(|(at, _)| *at)
    }

    /// Conversations whose preview is over.
    fn stale(&self, now: Timestamp, limit: usize) -> Vec<ConversationId> {
        self.order
            .iter()
            .filter(|(_, place)| place.preview_until.is_some_and(|until| until <= now))
            .map(|(at, _)| at.conversation)
            .take(limit)
            .collect()
    }
}

impl ConversationList {
    /// Forgets the list.
    pub(super) fn empty(&mut self) {
        *self = Self::Empty;
    }

    fn apply(&mut self, step: Move) {
        match self {
            Self::Empty => {}
            Self::Filling(waiting) => waiting.push(step),
            Self::Full(list) => list.apply(step),
        }
    }
}

fn put(row: &Conversation, preview_until: Option<Timestamp>) -> Move {
    if row.is_unlisted {
        return Move::Gone(row.id);
    }
    Move::Put(
        ConversationCursor::of(row),
        PlaceOf(Place {
            status: row.status,
            number: row.number.clone(),
            preview_until,
        }),
    )
}

/// Moves conversations as a commit did.
pub(super) fn take_note(ownership: &Ownership, changes: &[Change]) {
    let mut conversations = lock(&ownership.conversations);
    for change in changes {
        match change {
            Change::Conversation { row, preview_until } => conversations.apply(put(row, *preview_until)),
            Change::DropConversation(id) => conversations.apply(Move::Gone(*id)),
            _ => {}
        }
    }
}

type PlaceColumns = (Vec<u8>, Option<String>, Option<i8>, Option<i64>, Option<i64>);

fn moved((conversation, number, status, activity, until): PlaceColumns) -> Result<Option<Move>, StoreError> {
    let (Some(number), Some(status), Some(activity), Some(until)) = (number, status, activity, until) else {
        // A preview that outlived its row.
        return Ok(None);
    };
    if status.cast_unsigned() == UNLISTED {
        return Ok(None);
    }
    let at = ConversationCursor {
        last_activity: Timestamp::from_millis(activity),
        conversation: ConversationId::from_bytes(id(&conversation)?),
    };
    let status = ConversationStatus::of_code(status.cast_unsigned());
    let unknown = || StoreError::corrupt("conversation", "of an unknown status");
    Ok(Some(Move::Put(
        at,
        PlaceOf(Place {
            status: status.ok_or_else(unknown)?,
            number: super::change::number(&number)?,
            preview_until: (until != i64::MAX).then(|| Timestamp::from_millis(until)),
        }),
    )))
}

impl ScyllaStore {
    /// Reads the places of all conversations of a tenant.
    async fn places(&self, tenant: TenantId) -> Result<List, StoreError> {
        let read = |shard: i16| async move {
            let values = (keys::tenant(tenant), shard);
            let rows: Vec<PlaceColumns> = self
                .link
                .rows(&self.book.rows.places_of_shard, values, usize::MAX)
                .await?;
            Ok::<_, StoreError>(rows)
        };
        let shards: Vec<Vec<PlaceColumns>> = futures_util::stream::iter(0..keys::SHARDS)
            .map(read)
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        let mut list = List::default();
        for columns in shards.into_iter().flatten() {
            if let Some(step) = moved(columns)? {
                list.apply(step);
            }
        }
        Ok(list)
    }

    /// Makes sure that an owned tenant's list is whole. `false` when the tenant is not owned here.
    pub(super) async fn fill(&self, tenant: TenantId, ownership: &Ownership) -> Result<bool, StoreError> {
        let _alone = ownership.filling.lock().await;
        {
            let mut conversations = lock(&ownership.conversations);
            if matches!(*conversations, ConversationList::Full(_)) {
                return Ok(true);
            }
            if ownership.shown_head().is_none() {
                return Ok(false);
            }
            *conversations = ConversationList::Filling(Vec::new());
        }
        let read = self.places(tenant).await;
        let mut conversations = lock(&ownership.conversations);
        match (read, std::mem::take(&mut *conversations)) {
            (Ok(mut list), ConversationList::Filling(waiting)) => {
                for step in waiting {
                    list.apply(step);
                }
                *conversations = ConversationList::Full(list);
                Ok(true)
            }
            // The tenant was given up while its list was read.
            (Ok(_), _) => Ok(false),
            (Err(error), _) => Err(error),
        }
    }

    async fn places_after(
        &self,
        tenant: TenantId,
        filter: &ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<Vec<ConversationCursor>, StoreError> {
        let take = |list: &List| list.after(filter, after).take(limit).collect();
        if let Some(ownership) = self.ownerships.find(tenant)
            && self.fill(tenant, &ownership).await?
            && let ConversationList::Full(list) = &*lock(&ownership.conversations)
        {
            return Ok(take(list));
        }
        Ok(take(&self.places(tenant).await?))
    }

    pub(super) async fn list(
        &self,
        tenant: TenantId,
        filter: &ConversationFilter,
        after: Option<ConversationCursor>,
        limit: usize,
    ) -> Result<ConversationPage, StoreError> {
        let mut places = self
            .places_after(tenant, filter, after, limit.saturating_add(1))
            .await?;
        let more = places.len() > limit;
        places.truncate(limit);
        let next = places.last().copied().filter(|_| more);
        let rows: Vec<Option<Conversation>> = futures_util::stream::iter(places)
            .map(|at| async move {
                let listed = self.load_conversation(tenant, at.conversation).await?;
                Ok::<_, StoreError>(listed.map(|listed| listed.row))
            })
            .buffered(TOGETHER)
            .try_collect()
            .await?;
        Ok(ConversationPage {
            items: rows.into_iter().flatten().collect(),
            next,
        })
    }

    /// Conversations of an owned tenant whose preview is over.
    pub(super) async fn stale_previews(
        &self,
        tenant: TenantId,
        ownership: &Ownership,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        if !self.fill(tenant, ownership).await? {
            return Ok(Vec::new());
        }
        match &*lock(&ownership.conversations) {
            ConversationList::Full(list) => Ok(list.stale(now, limit)),
            _ => Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "the list is being read",
            )),
        }
    }
}
