//! Reading the log for a cursor that is older than what a feed holds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::tail::{Chunk, FeedWire, JOIN};
use crate::domain::{Backoff, Clock, Seq, TenantId};
use crate::store::{EventPage, Store, StoreError, StoreErrorKind};

/// Events read at once for one socket: about as many as are joined into one frame.
const PAGE: usize = 64;
/// A read that takes longer has failed.
pub(super) const READ_DEADLINE: Duration = Duration::from_secs(5);
/// A failed read is tried again this often, after longer and longer waits: about a minute in all.
const TRIES: u32 = 8;
const BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(250), Duration::from_secs(16));

/// What the log had after a cursor.
#[derive(Debug, Clone)]
pub enum Paged {
    /// The next events.
    Chunk(Chunk),
    /// Nothing is missing any more.
    Nothing,
    /// What comes next is no longer kept.
    Gone,
}

/// The same, one by one.
#[derive(Debug, Clone)]
pub enum PagedEach {
    /// The next events, dense.
    Events(Vec<Bytes>),
    /// Nothing is missing any more.
    Nothing,
    /// What comes next is no longer kept.
    Gone,
}

/// A bounded way to the log, for one tenant.
#[derive(Clone)]
pub(super) struct LogReader {
    pub(super) tenant: TenantId,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) wire: FeedWire,
    /// Reads under way in the whole process: a herd of sockets must not drown the store.
    pub(super) permits: Arc<Semaphore>,
}

impl LogReader {
    /// The next events after a cursor, as far as they fit into one frame. Fails only after about a minute.
    pub(super) async fn read(self, after: Seq) -> Result<Paged, StoreError> {
        let page = self.page(after).await?;
        Ok(self.join(after, page))
    }

    /// The same one by one.
    pub(super) async fn read_each(self, after: Seq) -> Result<PagedEach, StoreError> {
        Ok(taken(after, self.page(after).await?))
    }

    async fn page(&self, after: Seq) -> Result<EventPage, StoreError> {
        let mut tries = 0;
        loop {
            match self.read_once(after).await {
                Ok(page) => return Ok(page),
                Err(error) if tries >= TRIES => return Err(error),
                Err(_) => tokio::time::sleep(BACKOFF.after(tries + 1)).await,
            }
            tries = tries.saturating_add(1);
        }
    }

    async fn read_once(&self, after: Seq) -> Result<EventPage, StoreError> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        within_deadline(
            self.store
                .events_after(self.tenant, after, PAGE, self.clock.now()),
        )
        .await
    }

    fn join(&self, after: Seq, page: EventPage) -> Paged {
        match taken(after, page) {
            PagedEach::Nothing => Paged::Nothing,
            PagedEach::Gone => Paged::Gone,
            PagedEach::Events(events) => {
                let bytes = events.iter().map(|event| event.len().saturating_add(1)).sum();
                let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
                Paged::Chunk(Chunk {
                    bytes: (self.wire.events)(&mut events.iter(), bytes),
                    through: Seq::new(after.get().saturating_add(count)),
                })
            }
        }
    }
}

/// The events of a page that follow a cursor without a hole, as many as fit into one frame.
fn taken(after: Seq, page: EventPage) -> PagedEach {
    let Some(first) = page.events.first() else {
        return if page.oldest > after.next() && page.head > after {
            PagedEach::Gone
        } else {
            PagedEach::Nothing
        };
    };
    if first.seq != after.next() {
        return PagedEach::Gone;
    }
    let mut bytes = 0_usize;
    let mut through = after;
    let mut taken: Vec<Bytes> = Vec::with_capacity(page.events.len());
    for event in page.events {
        // A socket that is handed what stands behind a hole never learns of it.
        if event.seq != through.next() {
            break;
        }
        bytes = bytes.saturating_add(event.json.len()).saturating_add(1);
        if !taken.is_empty() && bytes > JOIN {
            break;
        }
        through = event.seq;
        taken.push(event.json);
    }
    PagedEach::Events(taken)
}

/// Makes a read that hangs a read that failed.
pub(super) async fn within_deadline<T>(
    read: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(READ_DEADLINE, read)
        .await
        .unwrap_or_else(|_| {
            Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "the read took too long",
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, EventKind, SystemClock, Timestamp};
    use crate::store::memory::MemoryStore;

    #[test]
    fn events_behind_a_hole_are_not_handed_out_as_the_next_ones() {
        let pages = LogReader {
            tenant: TenantId::new(1),
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SystemClock::new()),
            wire: FeedWire {
                events: |bodies, _| bodies.flat_map(|body| body.to_vec()).collect(),
                ..super::super::tests::WIRE
            },
            permits: Arc::new(Semaphore::new(1)),
        };
        let event = |seq: u64| Event {
            seq: Seq::new(seq),
            at: Timestamp::default(),
            kind: EventKind::Message,
            conversation: None,
            json: Bytes::from(seq.to_string()),
        };
        let page = |oldest: u64, seqs: &[u64]| EventPage {
            events: seqs.iter().copied().map(event).collect(),
            oldest: Seq::new(oldest),
            head: Seq::new(9),
        };
        let Paged::Chunk(chunk) = pages.join(Seq::new(3), page(1, &[4, 5, 8, 9])) else {
            panic!("the first two follow")
        };
        assert_eq!((&chunk.bytes[..], chunk.through), (&b"45"[..], Seq::new(5)));
        assert!(matches!(pages.join(Seq::new(5), page(1, &[8, 9])), Paged::Gone));
    }
}
