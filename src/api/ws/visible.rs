//! What a socket of a limited member is sent: the events and signals of its numbers, and a `skipped` frame for what stands between
//! them, so that its cursor moves on without a hole.
//!
//! The log knows an event's conversation and not its number. A conversation never changes its number, so what was looked up once is
//! kept. Sockets that are not limited come by none of this: they share the frames of the feed.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use lru::LruCache;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::frame;
use crate::actors::feed::{Chunk, Paged, PagedEach};
use crate::actors::request::{Destination, Missing, Named, Refusal, Roster, Viewed};
use crate::api::error::ApiError;
use crate::api::limit::demand_sender;
use crate::domain::{ContactId, ConversationId, Epoch, EventKind, NumberLimit, PhoneNumberId, Seq, TenantId};
use crate::store::{Store, StoreError};

/// Conversations whose numbers are kept; some 150 bytes each.
const KEPT: NonZeroUsize = NonZeroUsize::new(50_000).unwrap();

/// The numbers of conversations.
pub(in crate::api) struct ConversationNumbers {
    store: Arc<dyn Store>,
    known: Mutex<LruCache<(TenantId, ConversationId), PhoneNumberId>>,
}

impl ConversationNumbers {
    /// None is known yet.
    pub(in crate::api) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Mutex::new(LruCache::new(KEPT)),
        }
    }

    /// The number of a conversation; `None` where there is no such conversation.
    pub(in crate::api) async fn of(
        &self,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<PhoneNumberId>, StoreError> {
        let known = self.known().get(&(tenant, id)).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(row) = self.store.conversation(tenant, id).await? else {
            return Ok(None);
        };
        self.known().put((tenant, id), row.number.clone());
        Ok(Some(row.number))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, LruCache<(TenantId, ConversationId), PhoneNumberId>> {
        // Entries are put whole, so a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a limit lets through.
    pub(in crate::api) fn visible<'a>(&'a self, tenant: TenantId, limit: &'a NumberLimit) -> Visible<'a> {
        Visible {
            numbers: self,
            tenant,
            limit,
        }
    }
}

/// See [`ConversationNumbers::visible`].
#[derive(Clone, Copy)]
pub(in crate::api) struct Visible<'a> {
    numbers: &'a ConversationNumbers,
    tenant: TenantId,
    limit: &'a NumberLimit,
}

/// An event's beginning, and its body where that has to be looked into.
#[derive(Deserialize)]
struct Head<'a> {
    kind: EventKind,
    #[serde(default)]
    conversation_id: Option<ConversationId>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OfNumbers {
    numbers: Vec<PhoneNumberId>,
}

#[derive(Deserialize)]
struct OfNumber {
    number: PhoneNumberId,
}

#[derive(Deserialize)]
struct OfContact {
    contact: Identified,
    #[serde(default)]
    conversation: Option<OfNumber>,
}

#[derive(Deserialize)]
struct Identified {
    id: ContactId,
    /// Contacts of the same person.
    #[serde(default)]
    linked: Vec<ContactId>,
}

fn body<'a, T: Deserialize<'a>>(head: &Head<'a>) -> Option<T> {
    head.data.and_then(|data| serde_json::from_str(data.get()).ok())
}

impl Visible<'_> {
    async fn conversation(self, id: ConversationId) -> Result<bool, StoreError> {
        let number = self.numbers.of(self.tenant, id).await?;
        Ok(number.is_some_and(|number| self.limit.admits(&number)))
    }

    /// Whether an event is about something within the limit. What it is about and cannot be told is not.
    pub(in crate::api) async fn event(self, json: &[u8]) -> Result<bool, StoreError> {
        let Some(numbers) = self.limit.listed() else {
            return Ok(true);
        };
        let Ok(head) = serde_json::from_slice::<Head<'_>>(json) else {
            return Ok(false);
        };
        if let Some(id) = head.conversation_id {
            return self.conversation(id).await;
        }
        match head.kind {
            EventKind::Lane | EventKind::Meta => {
                let of = body::<OfNumber>(&head);
                Ok(of.is_some_and(|of| numbers.contains(&of.number)))
            }
            EventKind::Broadcast => {
                let of = body::<OfNumbers>(&head);
                Ok(of.is_some_and(|of| of.numbers.iter().any(|number| numbers.contains(number))))
            }
            EventKind::Contact => {
                let Some(of) = body::<OfContact>(&head) else {
                    return Ok(false);
                };
                if let Some(conversation) = of.conversation {
                    return Ok(numbers.contains(&conversation.number));
                }
                // It is of all conversations of the contact: there is one for each number, with an id that follows from both.
                let ids = std::iter::once(of.contact.id).chain(of.contact.linked);
                for contact in ids {
                    for number in numbers.iter() {
                        let id = ConversationId::derive(self.tenant, number, contact);
                        if self.conversation(id).await? {
                            return Ok(true);
                        }
                    }
                }
                Ok(false)
            }
            EventKind::Message
            | EventKind::MessageChanged
            | EventKind::MessageRevoked
            | EventKind::Status
            | EventKind::Conversation
            | EventKind::Media => Ok(false),
            // Nothing but that what it told is gone, or that something is: rows are to be read again.
            EventKind::Erased => Ok(true),
        }
    }

    /// Frames for the events after a cursor: those within the limit, and how many others stand between.
    async fn frames(self, epoch: Epoch, after: Seq, events: &[Bytes]) -> Result<Chunk, StoreError> {
        let mut frames = BytesMut::new();
        let mut run = Run::Nothing;
        let mut seq = after;
        for event in events {
            seq = seq.next();
            let is_seen = self.event(event).await?;
            run = match (run, is_seen) {
                (Run::Skipped(from), false) => Run::Skipped(from),
                (Run::Seen(mut seen), true) => {
                    seen.push(event);
                    Run::Seen(seen)
                }
                (before, is_seen) => {
                    before.end(epoch, seq, &mut frames);
                    if is_seen {
                        Run::Seen(vec![event])
                    } else {
                        Run::Skipped(seq)
                    }
                }
            };
        }
        run.end(epoch, seq.next(), &mut frames);
        Ok(Chunk {
            bytes: frames.freeze(),
            through: seq,
        })
    }

    /// What a socket is sent of what the feed or the log had after its cursor.
    pub(super) async fn page(self, epoch: Epoch, after: Seq, page: PagedEach) -> Result<Paged, StoreError> {
        Ok(match page {
            PagedEach::Events(events) => Paged::Chunk(self.frames(epoch, after, &events).await?),
            PagedEach::Nothing => Paged::Nothing,
            PagedEach::Gone => Paged::Gone,
        })
    }

    /// The signals about what is within the limit.
    pub(super) async fn signals(
        self,
        signals: Vec<(Option<ConversationId>, Bytes)>,
    ) -> Result<Bytes, StoreError> {
        let mut frames = BytesMut::new();
        for (conversation, frame) in signals {
            let is_seen = match conversation {
                Some(id) => self.conversation(id).await?,
                // Who is there.
                None => true,
            };
            if is_seen {
                frames.extend_from_slice(&frame);
            }
        }
        Ok(frames.freeze())
    }

    /// Who is there, and who looks at what is within the limit.
    pub(super) async fn roster(self, roster: Roster) -> Result<Roster, StoreError> {
        if *self.limit == NumberLimit::All {
            return Ok(roster);
        }
        let mut viewing: Vec<Viewed> = Vec::new();
        for viewed in &roster.named.viewing {
            if self.conversation(viewed.0).await? {
                viewing.push(viewed.clone());
            }
        }
        Ok(Roster {
            named: Arc::new(Named::new(roster.named.present.clone(), viewing)),
            count: roster.count,
        })
    }

    /// Refuses a conversation outside of the limit, as if it were not there.
    pub(super) async fn demand(self, id: ConversationId) -> Result<(), ApiError> {
        if *self.limit == NumberLimit::All || self.conversation(id).await? {
            return Ok(());
        }
        Err(Refusal::NotFound(Missing::Conversation).into())
    }

    /// The same for where a message goes.
    pub(super) async fn demand_destination(self, to: &mut Destination) -> Result<(), ApiError> {
        demand_sender(self.limit, to)?;
        match to {
            Destination::Conversation(id) => self.demand(*id).await,
            Destination::Contact { .. } => Ok(()),
        }
    }
}

/// Events next to each other that are sent, or are not.
enum Run<'a> {
    Nothing,
    Seen(Vec<&'a Bytes>),
    /// From this one on.
    Skipped(Seq),
}

impl Run<'_> {
    /// Writes the run that ends before an event.
    fn end(self, epoch: Epoch, before: Seq, frames: &mut BytesMut) {
        match self {
            Run::Nothing => {}
            Run::Seen(events) => {
                let bytes = events.iter().map(|event| event.len().saturating_add(1)).sum();
                frames.extend_from_slice(&(frame::WIRE.events)(&mut events.into_iter(), bytes));
            }
            Run::Skipped(from) => {
                let to = Seq::new(before.get().saturating_sub(1));
                frames.extend_from_slice(&frame::skipped(epoch, from, to));
            }
        }
    }
}
