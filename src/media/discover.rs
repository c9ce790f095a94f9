//! Finding new files: the events of a tenant's log are read from where they were read to, as usage is counted.
//!
//! A file gets its row and its task before the place in the log moves on, and both are written only where nothing stands. So whoever is
//! killed, wherever, reads some events again and loses nothing.

use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Media, MediaError};
use crate::domain::{
    Epoch, Event, EventKind, MediaId, MediaState, Message, MessageMedia, NamedMedia, Seq, TenantId, Timestamp,
};
use crate::store::plain::PlainTable;
use crate::store::tables::{Carrier, FetchLease, MediaCursor, MediaFile, MediaTask};
use crate::store::{Sharing, StoreError, StoreErrorKind};
use crate::telemetry::metrics;

/// Events read at once.
const PAGE: usize = 500;
/// Tasks read at once.
pub const TASKS: usize = 500;
/// For how long it is known that a file is to be fetched: longer than Meta has it, so that its message is told that it did not come, even
/// where the gateway was away for weeks.
const PENDING: Duration = Duration::from_hours(60 * 24);
/// Bytes that the event of a message with a file has, as serde writes it; in a customer's own text the quotes would be escaped. An event
/// without them is not parsed.
const HAS_A_FILE: &[u8] = br#"{"media_id":""#;

/// What reading events led to.
#[derive(Debug, Default)]
pub struct Discovered {
    /// The last event that was read.
    pub seq: Seq,
    /// What is to be fetched.
    pub tasks: Vec<MediaTask>,
    /// Whether nothing more was there.
    pub is_all: bool,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Told {
    message: Message,
}

/// Whether an event is about a file.
pub fn tells_of_a_file(event: &Event) -> bool {
    match event.kind {
        EventKind::Message | EventKind::MessageChanged => memmem::find(&event.json, HAS_A_FILE).is_some(),
        // What was taken back may have had one.
        EventKind::MessageRevoked => true,
        _ => false,
    }
}

fn message(event: &Event) -> Option<Message> {
    let wire: Wire<'_> = serde_json::from_slice(&event.json).ok()?;
    serde_json::from_str::<Told>(wire.data.get())
        .ok()
        .map(|told| told.message)
}

/// An event whose file will never be noted keeps none from being found that follows it.
fn step_over(tenant: TenantId, event: &Event, error: MediaError) -> Result<(), MediaError> {
    if !matches!(&error, MediaError::Store(error) if error.kind.is_lasting()) {
        return Err(error);
    }
    metrics::media_events_skipped_total().increment(1);
    tracing::warn!(tenant.id = %tenant, seq = event.seq.get(), %error, "a file that an event tells of is not fetched");
    Ok(())
}

impl Media {
    /// How far a tenant's events were read in this ledger.
    pub async fn read_to(&self, tenant: TenantId, epoch: Epoch) -> Result<Seq, MediaError> {
        let cursors = PlainTable::<MediaCursor>::of(self.store.as_ref(), self.now());
        let found = cursors.get(&MediaCursor::at(tenant)).await?;
        let stands = found.filter(|found| found.row.epoch == epoch);
        Ok(stands.map_or_else(Seq::default, |found| found.row.seq))
    }

    /// Remembers how far a tenant's events were read.
    pub async fn note_read(&self, tenant: TenantId, epoch: Epoch, seq: Seq) -> Result<(), MediaError> {
        let cursors = PlainTable::<MediaCursor>::of(self.store.as_ref(), self.now());
        // Never backwards: another that read less says so later.
        let decide = |stands: Option<&MediaCursor>| -> Result<_, MediaError> {
            let further = stands.filter(|stands| stands.epoch == epoch && stands.seq > seq);
            let fetcher = stands.and_then(|stands| stands.fetcher);
            let here = MediaCursor { epoch, seq, fetcher };
            Ok(Some(*further.unwrap_or(&here)))
        };
        cursors.change(MediaCursor::at(tenant), decide).await?;
        Ok(())
    }

    /// Takes on what is left of a tenant that runs nowhere, until the next time but one that it is looked for such tenants; whether no
    /// other gateway has. Two that fetch the same file do no harm but that it comes twice.
    pub async fn take_on(&self, tenant: TenantId) -> Result<bool, MediaError> {
        if self.store.sharing() == Sharing::Alone {
            return Ok(true);
        }
        let (cursors, now) = (
            PlainTable::<MediaCursor>::of(self.store.as_ref(), self.now()),
            self.now(),
        );
        let own = FetchLease::of(self.fetcher, now);
        let is_taken = |cursor: &MediaCursor| {
            let lease = cursor.fetcher;
            lease.is_some_and(|lease| lease.excludes(self.fetcher, now))
        };
        let stands = cursors.get(&MediaCursor::at(tenant)).await?;
        if stands.is_some_and(|found| is_taken(&found.row)) {
            return Ok(false);
        }
        let decide = |stands: Option<&MediaCursor>| -> Result<_, MediaError> {
            let cursor = stands.copied().unwrap_or(MediaCursor {
                epoch: Epoch::default(),
                seq: Seq::default(),
                fetcher: None,
            });
            let fetcher = if is_taken(&cursor) {
                cursor.fetcher
            } else {
                Some(own)
            };
            Ok(Some(MediaCursor { fetcher, ..cursor }))
        };
        let (_, after) = cursors.change(MediaCursor::at(tenant), decide).await?;
        Ok(after.and_then(|cursor| cursor.fetcher) == Some(own))
    }

    /// Reads events after a place, at most so many pages of them, and writes down what is to be fetched.
    pub async fn discover(
        &self,
        tenant: TenantId,
        after: Seq,
        pages: usize,
    ) -> Result<Discovered, MediaError> {
        let mut found = Discovered {
            seq: after,
            ..Discovered::default()
        };
        for _ in 0..pages {
            let page = self
                .store
                .events_after(tenant, found.seq, PAGE, self.now())
                .await?;
            for event in &page.events {
                if tells_of_a_file(event) {
                    let noted = self.note_event(tenant, event, &mut found.tasks).await;
                    noted.or_else(|error| step_over(tenant, event, error))?;
                }
                found.seq = event.seq;
            }
            if page.events.is_empty() {
                found.seq = found.seq.max(page.head);
                found.is_all = true;
                break;
            }
        }
        Ok(found)
    }

    async fn note_event(
        &self,
        tenant: TenantId,
        event: &Event,
        tasks: &mut Vec<MediaTask>,
    ) -> Result<(), MediaError> {
        let told = message(event);
        let unreadable = || StoreError::new(StoreErrorKind::Corrupt, "the event's message cannot be read");
        let message = told.ok_or_else(unreadable)?;
        self.note(tenant, event.kind, &message, tasks).await
    }

    /// Notes what an event says of a message's files.
    async fn note(
        &self,
        tenant: TenantId,
        kind: EventKind,
        message: &Message,
        tasks: &mut Vec<MediaTask>,
    ) -> Result<(), MediaError> {
        if kind == EventKind::MessageRevoked {
            return self
                .discard(tenant, MediaId::of_message(message.media_owner(), message.id))
                .await;
        }
        for (id, named) in message.named_media() {
            let is_pending = |shown: &MessageMedia| shown.state == MediaState::Pending;
            if message.shown_media(id).is_some_and(is_pending) {
                tasks.extend(self.note_file(tenant, message, id, named).await?);
            }
        }
        Ok(())
    }

    async fn note_file(
        &self,
        tenant: TenantId,
        message: &Message,
        id: MediaId,
        named: NamedMedia,
    ) -> Result<Option<MediaTask>, MediaError> {
        let now = self.now();
        let until = now.after(PENDING);
        let row = MediaFile {
            id,
            kind: named.kind,
            carrier: Carrier::Message {
                conversation: message.conversation_id,
                message: message.id,
                number: message.number.clone(),
                origin: named.origin,
            },
            state: MediaState::Pending,
            mime: named.mime,
            bytes: None,
            sha256: None,
            name: named.name,
            why: None,
            file: None,
            since: now,
            until: Some(until),
        };
        let key = MediaFile::at(tenant, row.id);
        if !self.rows().replace(&key, None, Some(&row)).await? {
            let stands = self.rows().get(&key).await?;
            if stands.is_none_or(|stands| stands.row.state != MediaState::Pending) {
                // An earlier reader was told of it, and it was fetched meanwhile.
                return Ok(None);
            }
        }
        let task = MediaTask {
            id: row.id,
            number: message.number.clone(),
            since: now,
            due: now,
            tries: 0,
            different: 0,
            until,
        };
        let tasks = self.tasks();
        let key = MediaTask::at(tenant, task.id);
        tasks.replace(&key, None, Some(&task)).await?;
        let stands = tasks.get(&key).await?;
        Ok(stands.map(|stands| stands.row))
    }

    pub(super) fn tasks(&self) -> PlainTable<'_, MediaTask> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    /// What is to be fetched of a tenant's files, in pages; whether more follows.
    pub async fn open_tasks(
        &self,
        tenant: TenantId,
        after: Option<Bytes>,
    ) -> Result<(Vec<MediaTask>, Option<Bytes>), MediaError> {
        let page = self.tasks().page(MediaTask::of(tenant), after, TASKS).await?;
        let next = page
            .items
            .last()
            .filter(|_| page.more)
            .map(|found| found.sort.clone());
        Ok((page.items.into_iter().map(|found| found.row).collect(), next))
    }

    /// Removes a file, with its bytes: its message does not show it any more.
    pub(super) async fn discard(&self, tenant: TenantId, id: MediaId) -> Result<(), MediaError> {
        self.tasks().remove(MediaTask::at(tenant, id)).await?;
        // The row first: without it nobody is handed the bytes, and what is left of them is swept.
        let removed = self.rows().remove(MediaFile::at(tenant, id)).await?;
        if let Some((file, key, bytes)) = removed.and_then(|row| Some((row.id, row.file?, row.bytes))) {
            let name = super::storage::ObjectName {
                tenant,
                id: file,
                key,
            };
            self.files.remove(&name).await?;
            self.count_gone(tenant, bytes.unwrap_or_default()).await;
        }
        Ok(())
    }
}

/// Whether the time to fetch a file from Meta is over.
pub(super) fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= MediaFile::AT_META
}
