use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::super::event_buffer::EventBufferLimits;
use super::super::subscriptions::{Place, Turn};
use super::super::tail::{FeedWire, Tail};
use super::super::tests::event;
use super::*;
use crate::domain::Epoch;
use crate::store::TenantHead;

/// An outlet with room for so many bytes.
#[derive(Default)]
struct Pipe {
    room: Cell<usize>,
    took: RefCell<Vec<u8>>,
}

impl Outlet for Pipe {
    fn write(&self, chunk: &Chunk) -> usize {
        let count = chunk.bytes.len().min(self.room.get());
        self.room.set(self.room.get() - count);
        self.took.borrow_mut().extend(&chunk.bytes[..count]);
        count
    }
}

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A feed with one socket that stands by.
struct Desk {
    tail: Tail,
    place: Place,
    pipe: Rc<Pipe>,
    bell: Arc<Bell>,
}

const WIRE: FeedWire = FeedWire {
    events: |events, _| events.flat_map(|json| json.iter().copied()).collect(),
    signal: |_| Bytes::new(),
};

fn ledger(epoch: u64, head: u64) -> TenantHead {
    TenantHead {
        epoch: Epoch::new(epoch),
        head: Seq::new(head),
    }
}

impl Desk {
    fn with_room(room: usize) -> Self {
        let limits = EventBufferLimits {
            events: 4,
            bytes: 1 << 20,
        };
        let mut tail = Tail::new(limits, WIRE);
        tail.follow(ledger(1, 0));
        let place = tail.subscriptions.subscribe();
        let pipe = Rc::new(Pipe::default());
        pipe.room.set(room);
        let mut desk = Self {
            tail,
            place,
            pipe,
            bell: Arc::default(),
        };
        desk.stand_by(0);
        desk
    }

    fn stand_by(&mut self, after: u64) {
        let waker = Waker::from(Arc::clone(&self.bell));
        self.tail.subscriptions.wait(self.place, &waker);
        let pipe = Rc::clone(&self.pipe);
        let idle = IdleSocket::new(pipe, Seq::new(after), self.tail.ledgers());
        self.tail.subscriptions.stand_by(self.place, idle);
    }

    fn publish(&mut self, seq: u64, text: &'static str) {
        self.tail.push(&event(seq, Bytes::from_static(text.as_bytes())));
        self.round();
    }

    fn round(&mut self) {
        let mut turn = Turn::default();
        assert_eq!(self.tail.serve(0, 64, &mut turn), None, "all had their turn");
        turn.wakers.into_iter().for_each(Waker::wake);
    }

    fn took(&self) -> String {
        String::from_utf8(self.pipe.took.borrow().clone()).unwrap()
    }

    fn woken(&self) -> usize {
        self.bell.0.load(Ordering::Relaxed)
    }

    fn take_back(&mut self) -> (u64, Bytes) {
        let left = self.tail.subscriptions.take_back(self.place).unwrap();
        (left.after.get(), left.rest)
    }
}

#[test]
fn whoever_stands_by_is_handed_each_event_and_not_woken() {
    let mut desk = Desk::with_room(100);
    desk.publish(1, "one");
    desk.publish(2, "two");
    desk.round();
    assert_eq!((desk.took().as_str(), desk.woken()), ("onetwo", 0));
    assert_eq!(desk.take_back(), (2, Bytes::new()));
    desk.publish(3, "three");
    assert_eq!(desk.woken(), 1, "whoever does not stand by has to look");
}

#[test]
fn what_had_no_room_is_left_to_the_task_and_nothing_is_written_after_it() {
    let mut desk = Desk::with_room(5);
    desk.publish(1, "one");
    desk.publish(2, "two");
    assert_eq!(desk.woken(), 1);
    desk.pipe.room.set(100);
    desk.publish(3, "three");
    assert_eq!(
        desk.took(),
        "onetw",
        "the third must not overtake the rest of the second"
    );
    assert_eq!(desk.take_back(), (2, Bytes::from_static(b"o")));
    desk.stand_by(2);
    desk.round();
    assert_eq!(desk.took(), "onetwthree");
}

#[test]
fn a_broken_outlet_wakes_its_task_with_everything_in_hand() {
    let mut desk = Desk::with_room(0);
    desk.publish(1, "one");
    assert_eq!(desk.woken(), 1);
    assert_eq!(desk.take_back(), (1, Bytes::from_static(b"one")));
}

#[test]
fn another_ledger_or_its_end_is_for_the_task_to_see() {
    let mut desk = Desk::with_room(100);
    desk.tail.follow(ledger(2, 0));
    desk.publish(1, "of another epoch");
    assert_eq!((desk.took().as_str(), desk.woken()), ("", 1));
    desk.take_back();
    desk.stand_by(1);
    desk.tail.close();
    desk.publish(2, "after the end");
    assert_eq!((desk.took().as_str(), desk.woken()), ("", 2));
}

#[test]
fn whoever_is_behind_the_buffer_or_has_more_before_it_looks_for_itself() {
    let mut desk = Desk::with_room(1 << 20);
    for seq in 1..=6 {
        desk.tail.push(&event(seq, Bytes::from_static(b"event")));
    }
    desk.round();
    assert_eq!((desk.took().as_str(), desk.woken()), ("", 1), "behind the buffer");
    desk.take_back();
    desk.stand_by(6);
    let long = Bytes::from(vec![b'x'; super::super::tail::JOIN]);
    desk.tail.push(&event(7, long.clone()));
    desk.tail.push(&event(8, long));
    desk.round();
    assert_eq!(desk.woken(), 2, "one frame was written, and there is more");
    assert_eq!(desk.take_back(), (7, Bytes::new()));
}

#[test]
fn a_crowd_is_served_in_turns() {
    let mut desk = Desk::with_room(100);
    desk.tail.subscriptions.subscribe();
    desk.tail.push(&event(1, Bytes::from_static(b"one")));
    let mut turn = Turn::default();
    assert_eq!(desk.tail.serve(0, 1, &mut turn), Some(1));
    assert_eq!((turn.served, turn.bytes), (1, 3));
    assert_eq!(desk.tail.serve(1, 1, &mut turn), None);
    assert_eq!(
        (turn.served, turn.wakers.len()),
        (1, 0),
        "the second does not wait"
    );
}
