//! Walking over all messages of a tenant, partition by partition, so that the walk can be left and taken up anywhere.
//!
//! Conversations come in the order of their shards, then of their ids. Within one, its partitions come by month; of a month,
//! the table to which messages are moved comes first, so that what was moved is not met again.

use bytes::Bytes;

use crate::domain::{ConversationId, MessageId, TenantId};
use crate::store::error::StoreError;
use crate::store::retention::Place;
use crate::store::scylla::ScyllaStore;
use crate::store::scylla::cell::Kept;
use crate::store::scylla::change::id;
use crate::store::scylla::keys::{self, Class};
use crate::store::scylla::pages::Part;

/// Conversations without a message that one step passes by.
const PASSED: usize = 16;
/// Bytes of messages of one step: they become part of one row, the commit's record.
const BYTES: usize = 1 << 20;

/// Some messages of one partition, newest first.
pub(in crate::store::scylla) struct Found {
    pub(in crate::store::scylla) part: Part,
    pub(in crate::store::scylla) messages: Vec<Kept>,
    /// The last of them.
    pub(in crate::store::scylla) last: Option<MessageId>,
    /// Whether nothing of the partition is left after them.
    pub(in crate::store::scylla) whole: bool,
}

/// One step of a walk.
pub(in crate::store::scylla) struct Walked {
    pub(in crate::store::scylla) found: Option<Found>,
    /// Conversations that it came to.
    pub(in crate::store::scylla) begun: u64,
    /// Where the next step begins; `None` at the end.
    pub(in crate::store::scylla) next: Option<Place>,
}

/// After all that a conversation has.
const fn past(conversation: ConversationId) -> Place {
    Place {
        conversation,
        bucket: i32::MAX,
        class: i8::MAX,
        message: MessageId::from_bytes([0; 16]),
    }
}

/// Where a partition comes within its month.
fn rank(class: i8, target: Class) -> i8 {
    if class == target.code() { 0 } else { class }
}

impl ScyllaStore {
    /// The next messages after a place: about `limit`, of one partition. There may be none although the walk is not over.
    pub(in crate::store::scylla) async fn walk(
        &self,
        tenant: TenantId,
        after: Option<Place>,
        target: Class,
        limit: usize,
    ) -> Result<Walked, StoreError> {
        let mut begun = 0;
        let mut after = after;
        for _ in 0..PASSED {
            let inside = after.filter(|place| place.class != i8::MAX);
            let conversation = match inside {
                Some(place) => place.conversation,
                None => match self
                    .conversation_after(tenant, after.map(|place| place.conversation))
                    .await?
                {
                    Some(conversation) => {
                        begun += 1;
                        conversation
                    }
                    None => {
                        return Ok(Walked {
                            found: None,
                            begun,
                            next: None,
                        });
                    }
                },
            };
            if let Some(found) = self.found(tenant, conversation, inside, target, limit).await? {
                let next = found.last.map(|message| Place {
                    conversation,
                    bucket: found.part.bucket,
                    class: found.part.class.code(),
                    message,
                });
                return Ok(Walked {
                    found: Some(found),
                    begun,
                    next,
                });
            }
            after = Some(past(conversation));
        }
        Ok(Walked {
            found: None,
            begun,
            next: after,
        })
    }

    /// The next messages of a conversation; `None` when there are no more.
    async fn found(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        after: Option<Place>,
        target: Class,
        limit: usize,
    ) -> Result<Option<Found>, StoreError> {
        let at = after.map(|place| (place.bucket, rank(place.class, target)));
        for (bucket, mut classes) in self.buckets(tenant, conversation).await? {
            classes.sort_by_key(|class| rank(class.code(), target));
            for class in classes {
                let here = (bucket, rank(class.code(), target));
                if at.is_some_and(|at| here < at) {
                    continue;
                }
                let before = after.filter(|_| at == Some(here)).map(|place| place.message);
                let part = Part {
                    tenant,
                    conversation,
                    bucket,
                    class,
                };
                // One more than wanted tells whether anything follows.
                let read = self.kept(part, before, limit.saturating_add(1)).await?;
                let count = read.len();
                let mut bytes = 0_usize;
                let messages: Vec<Kept> = read
                    .into_iter()
                    .take(limit)
                    .take_while(|kept| {
                        let first = bytes == 0;
                        bytes = bytes.saturating_add(kept.row.content.json().get().len().max(1));
                        first || bytes <= BYTES
                    })
                    .collect();
                if let Some(last) = messages.last().map(|kept| kept.row.id) {
                    let whole = messages.len() == count;
                    return Ok(Some(Found {
                        part,
                        messages,
                        last: Some(last),
                        whole,
                    }));
                }
            }
        }
        Ok(None)
    }

    /// The conversation after another in the order of the walk.
    async fn conversation_after(
        &self,
        tenant: TenantId,
        after: Option<ConversationId>,
    ) -> Result<Option<ConversationId>, StoreError> {
        let (mut shard, mut from) = match after {
            None => (0, Some([0; 16])),
            Some(after) => {
                let next = u128::from_be_bytes(*after.as_bytes()).checked_add(1);
                (keys::shard(after.as_bytes()), next.map(u128::to_be_bytes))
            }
        };
        while shard < keys::SHARDS {
            if let Some(from) = from {
                let values = (keys::tenant(tenant), shard, from);
                let rows: Vec<(Bytes,)> = self
                    .link
                    .rows(&self.book.rows.conversation_from, values, 1)
                    .await?;
                if let Some((found,)) = rows.first() {
                    return Ok(Some(ConversationId::from_bytes(id(found)?)));
                }
            }
            shard += 1;
            from = Some([0; 16]);
        }
        Ok(None)
    }

    /// How many conversations a tenant has.
    pub(in crate::store::scylla) async fn count_conversations(
        &self,
        tenant: TenantId,
    ) -> Result<u64, StoreError> {
        let mut count = 0_u64;
        for shard in 0..keys::SHARDS {
            let values = (keys::tenant(tenant), shard, [0_u8; 16]);
            let rows: Vec<(Bytes,)> = self
                .link
                .rows(&self.book.rows.conversation_from, values, usize::MAX)
                .await?;
            count = count.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        }
        Ok(count)
    }
}
