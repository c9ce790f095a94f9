use proptest::prelude::*;

use super::*;
use crate::actors::feed::event_buffer::{EventBufferLimits, Offered};
use crate::actors::feed::tail::{FeedWire, Tail};
use crate::actors::feed::tests::event;

const PATIENCE: u64 = 40;

/// One letter of the frame for each event: its number in decimal, so that a frame can be read back.
const WIRE: FeedWire = FeedWire {
    events: |events, _| {
        let mut frame = Vec::new();
        for event in events {
            frame.extend_from_slice(event);
            frame.push(b' ');
        }
        frame.into()
    },
    signal: |_| Bytes::new(),
};

fn json(seq: u64) -> Bytes {
    Bytes::from(seq.to_string())
}

fn read_back(frame: &Bytes) -> Vec<u64> {
    let text = std::str::from_utf8(frame).unwrap();
    text.split_whitespace().map(|seq| seq.parse().unwrap()).collect()
}

fn head(epoch: u64, seq: u64) -> TenantHead {
    TenantHead {
        epoch: Epoch::new(epoch),
        head: Seq::new(seq),
    }
}

#[test]
fn a_client_begins_where_it_stands_or_is_told_why_not() {
    let ledger = head(1, 100);
    for (claimed, seq, reason) in [
        (None, 100, None),
        (Some(head(1, 100)), 100, None),
        (Some(head(1, 60)), 60, None),
        (Some(head(1, 59)), 100, Some(ResyncReason::TooFar)),
        (Some(head(1, 101)), 100, Some(ResyncReason::Ahead)),
        (Some(head(2, 100)), 100, Some(ResyncReason::EpochChanged)),
    ] {
        let (cursor, told) = Cursor::begin(claimed, ledger, PATIENCE);
        assert_eq!((cursor.seq().get(), told), (seq, reason), "{claimed:?}");
        assert_eq!(cursor.epoch(), Epoch::new(1));
    }
}

/// A ledger of which only the newest events can be read.
struct Log {
    epoch: u64,
    oldest: u64,
    head: u64,
}

impl Log {
    fn page(&self, after: u64, limit: u64) -> Paged {
        if after >= self.head {
            return Paged::Nothing;
        }
        if after + 1 < self.oldest {
            return Paged::Gone;
        }
        let through = self.head.min(after + limit);
        let events: Vec<_> = (after + 1..=through).map(json).collect();
        Paged::Chunk(Chunk {
            bytes: (WIRE.events)(&mut events.iter(), 0),
            through: Seq::new(through),
        })
    }
}

/// A socket that notes what it was sent.
struct Client {
    cursor: Cursor,
    sent: Vec<u64>,
    /// Where what is sent next must begin.
    expected: u64,
    resyncs: u32,
}

impl Client {
    fn new(at: TenantHead) -> Self {
        let (cursor, _) = Cursor::begin(None, at, PATIENCE);
        Self {
            cursor,
            sent: Vec::new(),
            expected: at.head.get() + 1,
            resyncs: 0,
        }
    }

    /// One poll of the socket; returns whether it would have gone on at once.
    fn poll(&mut self, tail: &mut Tail, log: &Log, told: u64) -> Result<bool, TestCaseError> {
        let feed = TenantHead {
            epoch: tail.epoch(),
            head: Seq::new(told),
        };
        let pulled = tail.pull(self.cursor.seq());
        let mut step = self.cursor.take(pulled, feed);
        if matches!(step, Step::Read) {
            step = self.cursor.take_page(log.page(self.cursor.seq().get(), 5), feed);
        }
        match step {
            Step::Send(frame) => {
                for seq in read_back(&frame) {
                    prop_assert_eq!(seq, self.expected, "a hole or a repetition");
                    self.expected = seq + 1;
                    self.sent.push(seq);
                }
                prop_assert_eq!(self.cursor.seq().get() + 1, self.expected);
                Ok(true)
            }
            Step::Resync(_) => {
                self.resyncs += 1;
                self.expected = self.cursor.seq().get() + 1;
                Ok(true)
            }
            Step::Wait => Ok(false),
            Step::Read => unreachable!(),
        }
    }
}

#[derive(Debug, Clone)]
enum Happens {
    /// Events are committed, and the feed is told of them.
    Publish(u64),
    /// Events are committed, and the feed misses them.
    Miss(u64),
    /// The feed reads what it missed.
    CatchUp,
    /// The feed reads what sockets wanted.
    Fill,
    /// The feed is started afresh.
    Restart,
    /// The oldest events expire.
    Expire(u64),
    /// The ledger is lost.
    Lose,
    /// A socket has room.
    Poll(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (1_u64..8).prop_map(Happens::Publish),
        2 => (1_u64..30).prop_map(Happens::Miss),
        3 => Just(Happens::CatchUp),
        2 => Just(Happens::Fill),
        1 => Just(Happens::Restart),
        1 => (1_u64..40).prop_map(Happens::Expire),
        1 => Just(Happens::Lose),
        8 => (0_usize..3).prop_map(Happens::Poll),
    ]
}

struct World {
    tail: Tail,
    log: Log,
    told: u64,
}

impl World {
    fn catch_up(&mut self) {
        let from = self.log.oldest.max(self.tail.head().get() + 1);
        let newer: Vec<_> = (from..=self.log.head).map(|seq| event(seq, json(seq))).collect();
        self.tail.catch_up(Seq::new(self.log.oldest), &newer);
        self.told = self.log.head;
    }

    fn fill(&mut self) {
        if let Some(wanted) = self.tail.take_wanted() {
            let from = self.log.oldest.max(wanted.get() + 1);
            let older = (from..=self.tail.base().get()).map(|seq| (Seq::new(seq), json(seq)));
            self.tail.fill(wanted, Seq::new(self.log.oldest), older.collect());
        }
    }

    fn happen(&mut self, what: &Happens) {
        match *what {
            Happens::Publish(count) => {
                for _ in 0..count {
                    self.log.head += 1;
                    self.told = self.log.head;
                    if self.tail.push(&event(self.log.head, json(self.log.head))) == Offered::Gap {
                        self.catch_up();
                    }
                }
            }
            Happens::Miss(count) => self.log.head += count,
            Happens::CatchUp => self.catch_up(),
            Happens::Fill => self.fill(),
            Happens::Restart => self.tail.restart(Seq::new(self.log.head)),
            Happens::Expire(count) => self.log.oldest = (self.log.oldest + count).min(self.log.head + 1),
            Happens::Lose => {
                self.log = Log {
                    epoch: self.log.epoch + 1,
                    oldest: 1,
                    head: self.log.head / 2,
                };
                self.told = self.log.head;
                self.tail.follow(head(self.log.epoch, self.log.head));
            }
            Happens::Poll(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_client_sees_a_hole_and_each_arrives(
        script in prop::collection::vec(happens(), 1..120),
    ) {
        let limits = EventBufferLimits { events: 16, bytes: 1_000 };
        let mut world = World {
            tail: Tail::new(limits, WIRE),
            log: Log { epoch: 1, oldest: 1, head: 0 },
            told: 0,
        };
        world.tail.follow(head(1, 0));
        let mut clients: Vec<_> = (0..3).map(|_| Client::new(head(1, 0))).collect();
        for what in &script {
            world.happen(what);
            if let Happens::Poll(who) = what {
                clients[*who].poll(&mut world.tail, &world.log, world.told)?;
            }
        }
        world.catch_up();
        for client in &mut clients {
            let mut polls = 0;
            loop {
                let went_on = client.poll(&mut world.tail, &world.log, world.told)?;
                world.fill();
                polls += 1;
                prop_assert!(polls < 400, "a client does not come to rest");
                if !went_on && client.cursor.seq().get() == world.log.head {
                    break;
                }
            }
            prop_assert_eq!(client.cursor.epoch(), Epoch::new(world.log.epoch));
        }
    }
}
