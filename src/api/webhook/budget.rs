//! How much may be in hand at once: bytes of bodies that are being read, and webhooks that are being made durable.
//!
//! Anybody can begin a body. So a body takes room for the bytes that came and for nothing else; and when there is no more, those
//! that have been coming for longest make way for the next: whoever sends for long is not Meta. Short bodies have room of
//! their own, which long ones do not take: nearly all webhooks are short. Of the room for long ones a part is for those that are
//! still coming, whose sender nobody knows; what there is no room for waits unread in the kernel.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use metrics::Gauge;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use crate::telemetry::metrics as measured;

/// How long a body may come before it has to make way.
const UNDISTURBED: Duration = Duration::from_secs(1);
/// How long a body waits for one that makes way.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of a short body.
const SHORT: usize = 16 << 10;
/// The part of the room that is kept for short bodies.
const SHORT_PART: usize = 4;
/// Bytes of long bodies that are still coming, unless the longest is longer.
const COMING: usize = 16 << 20;

/// Bodies that are being read, the one that began first in front.
#[derive(Default)]
struct Coming {
    next: u64,
    bodies: BTreeMap<u64, Comer>,
}

/// A body that is being read.
struct Comer {
    since: Instant,
    size: usize,
    makes_way: oneshot::Sender<()>,
}

/// Room for webhooks.
pub(super) struct Budget {
    places: Arc<Semaphore>,
    rooms: Rooms,
    coming: Arc<Mutex<Coming>>,
    in_flight: Gauge,
}

/// Bytes that are free.
#[derive(Clone)]
struct Rooms {
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
    /// Of `long`, for bodies that are still coming.
    coming: Arc<Semaphore>,
}

/// Room that one body takes.
pub(super) struct Body {
    number: u64,
    rooms: Rooms,
    coming: Arc<Mutex<Coming>>,
    size: usize,
    held: Vec<OwnedSemaphorePermit>,
    held_to_come: Vec<OwnedSemaphorePermit>,
}

/// Room that one webhook takes while it is made durable.
pub(super) struct Place {
    in_flight: Gauge,
    _place: OwnedSemaphorePermit,
}

impl Budget {
    /// Room for so many webhooks, and so many bytes of bodies, of which the longest fits by itself.
    pub(super) fn new(webhooks: usize, bytes: usize, longest: usize) -> Self {
        let short = (bytes / SHORT_PART).min(bytes.saturating_sub(longest));
        let room = |size: usize| Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS)));
        Self {
            places: room(webhooks),
            rooms: Rooms {
                short: room(short),
                long: room(bytes.saturating_sub(short)),
                coming: room(COMING.max(longest)),
            },
            coming: Arc::default(),
            in_flight: measured::webhooks_in_flight(),
        }
    }

    /// A body begins. The other end is told, or dropped, when it has to make way.
    pub(super) fn begin(&self) -> (Body, oneshot::Receiver<()>) {
        let (sender, make_way) = oneshot::channel();
        let mut coming = lock(&self.coming);
        let number = coming.next;
        coming.next = number.wrapping_add(1);
        let comer = Comer {
            since: Instant::now(),
            size: 0,
            makes_way: sender,
        };
        coming.bodies.insert(number, comer);
        let body = Body {
            number,
            rooms: self.rooms.clone(),
            coming: Arc::clone(&self.coming),
            size: 0,
            held: Vec::new(),
            held_to_come: Vec::new(),
        };
        (body, make_way)
    }

    /// Takes a place for a webhook whose body is there, if there is one. Nobody waits for it: Meta comes back.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        self.in_flight.increment(1.0);
        Some(Place {
            in_flight: self.in_flight.clone(),
            _place: place,
        })
    }
}

impl Body {
    /// Takes room for more bytes; false if there is none, and nobody makes way within a while.
    pub(super) async fn hold(&mut self, more: usize) -> bool {
        self.size = self.size.saturating_add(more);
        if let Some(comer) = lock(&self.coming).bodies.get_mut(&self.number) {
            comer.size = self.size;
        }
        let permits = u32::try_from(more).unwrap_or(u32::MAX);
        if self.size <= SHORT
            && let Ok(short) = Arc::clone(&self.rooms.short).try_acquire_many_owned(permits)
        {
            self.held.push(short);
            return true;
        }
        let Rooms { long, coming, .. } = self.rooms.clone();
        let both = async {
            let to_come = coming.acquire_many_owned(permits).await;
            (to_come, long.acquire_many_owned(permits).await)
        };
        let mut both = std::pin::pin!(both);
        loop {
            // Whatever is free is taken at once.
            let cleared = match both.as_mut().now_or_never() {
                Some(taken) => return self.take(taken),
                None => self.clear_the_way(more),
            };
            match timeout(PATIENCE, both.as_mut()).await {
                Ok(taken) => return self.take(taken),
                Err(_elapsed) if cleared => {}
                Err(_elapsed) => return false,
            }
        }
    }

    fn take(&mut self, (to_come, long): (Taken, Taken)) -> bool {
        let taken = to_come.is_ok() && long.is_ok();
        self.held_to_come.extend(to_come);
        self.held.extend(long);
        taken
    }

    /// The body is there: it makes way for nobody.
    pub(super) fn is_whole(&mut self) {
        self.held_to_come.clear();
        lock(&self.coming).bodies.remove(&self.number);
    }

    /// Has bodies that began first make way until there is room for so many bytes, if they are others and began long enough ago.
    fn clear_the_way(&self, more: usize) -> bool {
        let mut coming = lock(&self.coming);
        let mut cleared = 0;
        while cleared < more
            && let Some(first) = coming.bodies.first_entry()
        {
            if *first.key() == self.number || first.get().since.elapsed() < UNDISTURBED {
                break;
            }
            let first = first.remove();
            cleared = cleared.saturating_add(first.size);
            // It may have broken off meanwhile.
            let _ = first.makes_way.send(());
        }
        cleared > 0
    }
}

type Taken = Result<OwnedSemaphorePermit, AcquireError>;

fn lock(coming: &Mutex<Coming>) -> MutexGuard<'_, Coming> {
    // Entries are added and removed whole, so a panic elsewhere leaves nothing half done.
    coming.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Body {
    fn drop(&mut self) {
        self.is_whole();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_webhooks_are_in_hand_than_allowed() {
        let budget = Budget::new(2, 100, 100);
        let one = budget.enter().unwrap();
        let _two = budget.enter().unwrap();
        assert!(budget.enter().is_none());
        drop(one);
        assert!(budget.enter().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_bytes_are_in_hand_than_allowed() {
        let budget = Budget::new(2, 100, 100);
        let ((mut one, _one), (mut two, _two)) = (budget.begin(), budget.begin());
        assert!(one.hold(60).await && one.hold(10).await);
        assert!(!two.hold(31).await);
        assert!(two.hold(30).await);
        drop(one);
        assert!(two.hold(70).await && !two.hold(1).await);
        drop(two);
        assert!(budget.begin().0.hold(100).await);
    }

    #[tokio::test(start_paused = true)]
    async fn long_bodies_leave_room_for_short_ones() {
        let budget = Budget::new(2, 8 * SHORT, 2 * SHORT);
        let (mut long, _long) = budget.begin();
        assert!(long.hold(6 * SHORT).await && !long.hold(1).await);
        let (mut short, _short) = budget.begin();
        assert!(short.hold(SHORT).await);
        assert!(!short.hold(1).await, "it is no longer short");
        assert!(budget.begin().0.hold(SHORT).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_body_that_comes_for_longest_makes_way_and_a_whole_one_does_not() {
        let budget = Budget::new(2, 100, 100);
        let (mut whole, _) = budget.begin();
        assert!(whole.hold(40).await);
        whole.is_whole();
        let (mut slow, make_way) = budget.begin();
        assert!(slow.hold(60).await);
        let (mut next, _next) = budget.begin();
        assert!(!next.hold(1).await, "it has only just begun");
        tokio::time::advance(UNDISTURBED).await;
        let makes_way = async {
            make_way.await.unwrap();
            drop(slow);
        };
        let (held, ()) = tokio::join!(next.hold(60), makes_way);
        assert!(held);
        tokio::time::advance(UNDISTURBED).await;
        assert!(!next.hold(1).await, "nobody is left who could make way");
    }

    const LONGEST: usize = 3 << 20;

    #[tokio::test(start_paused = true)]
    async fn bodies_that_are_still_coming_have_a_part_of_the_room() {
        let budget = Budget::new(9, 4 * COMING, LONGEST);
        let mut bodies: Vec<_> = (0..6).map(|_| budget.begin()).collect();
        let mut held = 0;
        for (body, _) in &mut bodies {
            held += usize::from(body.hold(LONGEST).await);
        }
        assert_eq!(held, COMING / LONGEST);
        let (mut next, _next) = budget.begin();
        for (body, _) in &mut bodies {
            body.is_whole();
        }
        assert!(next.hold(LONGEST).await);
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_make_way_as_it_takes() {
        let budget = Budget::new(9, 4 * COMING, LONGEST);
        let mut bodies: Vec<_> = (0..16).map(|_| budget.begin()).collect();
        for (body, _) in &mut bodies {
            assert!(body.hold(COMING / 16).await);
        }
        tokio::time::advance(UNDISTURBED).await;
        let (mut next, _next) = budget.begin();
        let makes_way = async {
            for (body, make_way) in bodies {
                if make_way.await.is_ok() {
                    drop(body);
                }
            }
        };
        tokio::select! {
            held = next.hold(LONGEST) => assert!(held),
            () = makes_way => panic!("all made way"),
        }
    }
}
