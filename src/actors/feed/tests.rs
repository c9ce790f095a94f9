use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::rig::LedgerPort;
use super::*;
use crate::actors::TenantPresence;
use crate::actors::request::Refusal;
use crate::domain::{Epoch, Event, EventKind, SystemClock, TenantId, Timestamp};
use crate::store::TenantHead;
use crate::store::memory::MemoryStore;

const TENANT: TenantId = TenantId::new(7);

/// Frames that are read back as the positions in them.
pub(super) const WIRE: FeedWire = FeedWire {
    events: |events, _| {
        let all: Vec<_> = events
            .map(|json| std::str::from_utf8(json).unwrap().to_owned())
            .collect();
        format!("[{}]", all.join(",")).into()
    },
    signal: |signal| format!("{signal:?};").into(),
};

/// A message that is told at a position.
pub(super) fn event(seq: u64, json: Bytes) -> Event {
    Event {
        seq: Seq::new(seq),
        at: Timestamp::from_secs(1),
        kind: EventKind::Message,
        conversation: None,
        json,
    }
}

fn positions(frame: &Bytes) -> Vec<u64> {
    let events: serde_json::Value = serde_json::from_slice(frame).unwrap();
    let events = events.as_array().unwrap().iter();
    events.map(|event| event["seq"].as_u64().unwrap()).collect()
}

fn feeds(port: &Arc<LedgerPort>, limits: FeedLimits) -> Feeds {
    let asked: Arc<dyn TenantPresence> = port.clone();
    Feeds::new(FeedParts {
        tenants: asked,
        store: Arc::clone(&port.store),
        clock: Arc::new(SystemClock::new()),
        wire: WIRE,
        limits,
        page_permits: Arc::new(Semaphore::new(2)),
    })
}

fn port() -> Arc<LedgerPort> {
    LedgerPort::new(Arc::new(MemoryStore::new()))
}

/// Pulls, and waits where a socket would, until it stands at a position; returns what it was given.
async fn pull_to(subscription: &Subscription, after: u64, to: u64) -> Vec<u64> {
    let mut at = Seq::new(after);
    let mut seen = Vec::new();
    let work = std::future::poll_fn(|cx| {
        while at < Seq::new(to) {
            match subscription.pull(at) {
                Pulled::Chunk(chunk) => {
                    seen.extend(positions(&chunk.bytes));
                    at = chunk.through;
                }
                Pulled::Nothing | Pulled::Soon => {
                    subscription.wait(cx.waker());
                    return Poll::Pending;
                }
                other => panic!("{other:?} at {at:?}"),
            }
        }
        Poll::Ready(())
    });
    tokio::time::timeout(Duration::from_secs(10), work)
        .await
        .unwrap_or_else(|_| panic!("waits at {at:?} for {to}"));
    seen
}

async fn until(what: impl Fn() -> bool) {
    let checks = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), checks)
        .await
        .unwrap();
}

#[actix::test]
async fn what_is_committed_reaches_every_seat_in_order() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let (one, two) = (
        feeds.join(TENANT).await.unwrap(),
        feeds.join(TENANT).await.unwrap(),
    );
    assert_eq!(feeds.len(), 1, "both sit at one feed");
    let publish = async {
        for number in 0..300 {
            port.say(TENANT, &format!("message {number}")).await;
        }
    };
    let ((), first, second) = tokio::join!(publish, pull_to(&one, 0, 300), pull_to(&two, 0, 300));
    assert_eq!(first, (1..=300).collect::<Vec<_>>());
    assert_eq!(second, first);
}

#[actix::test]
async fn a_crowd_is_sent_every_event_in_order() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let mut crowd = Vec::new();
    for _ in 0..400 {
        crowd.push(feeds.join(TENANT).await.unwrap());
    }
    let publish = async {
        for number in 0..100 {
            port.say(TENANT, &format!("message {number}")).await;
        }
    };
    let pulls = crowd.iter().map(|subscription| pull_to(subscription, 0, 100));
    let ((), seen) = tokio::join!(publish, futures_util::future::join_all(pulls));
    for seen in seen {
        assert_eq!(seen, (1..=100).collect::<Vec<_>>());
    }
}

#[actix::test]
async fn seats_at_one_cursor_share_one_frame() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let (one, two) = (
        feeds.join(TENANT).await.unwrap(),
        feeds.join(TENANT).await.unwrap(),
    );
    port.say(TENANT, "hello").await;
    pull_to(&one, 0, 1).await;
    let (Pulled::Chunk(first), Pulled::Chunk(second)) = (one.pull(Seq::default()), two.pull(Seq::default()))
    else {
        panic!()
    };
    assert_eq!(first.bytes.as_ptr(), second.bytes.as_ptr());
}

#[actix::test]
async fn a_feed_that_starts_late_reads_what_its_seats_want() {
    let port = port();
    for number in 0..200 {
        port.say(TENANT, &format!("message {number}")).await;
    }
    let feeds = feeds(&port, FeedLimits::default());
    let (one, two) = (
        feeds.join(TENANT).await.unwrap(),
        feeds.join(TENANT).await.unwrap(),
    );
    assert_eq!(one.head(), Seq::new(200));
    let (first, second) = tokio::join!(pull_to(&one, 150, 200), pull_to(&two, 170, 200));
    assert_eq!(first, (151..=200).collect::<Vec<_>>());
    assert_eq!(second, (171..=200).collect::<Vec<_>>());
}

#[actix::test]
async fn a_cursor_that_the_buffer_cannot_reach_reads_pages_of_the_log() {
    let port = port();
    let limits = FeedLimits {
        buffer_events: 16,
        ..FeedLimits::default()
    };
    for number in 0..100 {
        port.say(TENANT, &format!("message {number}")).await;
    }
    let feeds = feeds(&port, limits);
    let subscription = feeds.join(TENANT).await.unwrap();
    assert!(matches!(subscription.pull(Seq::new(10)), Pulled::Behind));
    let Ok(Paged::Chunk(page)) = subscription.read(Seq::new(10)).await else {
        panic!()
    };
    assert_eq!(positions(&page.bytes), (11..=74).collect::<Vec<_>>());
    assert_eq!(page.through, Seq::new(74));
    assert!(matches!(
        subscription.read(Seq::new(100)).await,
        Ok(Paged::Nothing)
    ));
}

#[actix::test]
async fn more_than_the_mailbox_holds_is_read_from_the_log() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let subscription = feeds.join(TENANT).await.unwrap();
    // The feed's thread is held here, so its mailbox fills up while the ledger goes on.
    let ledger = port.ledger(TENANT).await.unwrap();
    let (sender, done) = std::sync::mpsc::channel();
    let rival = Arc::clone(&port);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for number in 0..1_000 {
                rival.say(TENANT, &format!("message {number}")).await;
            }
        });
        sender.send(()).unwrap();
    });
    done.recv().unwrap();
    assert_eq!(ledger.head().head, Seq::new(1_000));
    assert_eq!(
        pull_to(&subscription, 0, 1_000).await,
        (1..=1_000).collect::<Vec<_>>()
    );
}

#[actix::test]
async fn a_feed_survives_the_restart_of_its_ledger() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let subscription = feeds.join(TENANT).await.unwrap();
    port.say(TENANT, "before").await;
    pull_to(&subscription, 0, 1).await;
    let ledger = port.ledger(TENANT).await.unwrap();
    ledger.finish().await;
    until(|| !ledger.is_connected()).await;
    port.say(TENANT, "after").await;
    assert_eq!(pull_to(&subscription, 1, 2).await, [2]);
    assert!(subscription.is_open());
}

#[actix::test]
async fn a_feed_without_seats_ends_and_another_takes_its_place() {
    let port = port();
    let limits = FeedLimits {
        idle_after: Duration::ZERO,
        ..FeedLimits::default()
    };
    let feeds = feeds(&port, limits);
    let subscription = feeds.join(TENANT).await.unwrap();
    port.say(TENANT, "one").await;
    pull_to(&subscription, 0, 1).await;
    drop(subscription);
    until(|| feeds.is_empty()).await;
    let subscription = feeds.join(TENANT).await.unwrap();
    port.say(TENANT, "two").await;
    assert_eq!(pull_to(&subscription, 0, 2).await, [1, 2]);
}

#[actix::test]
async fn a_tenant_that_is_not_there_has_no_feed() {
    let feeds = feeds(&port(), FeedLimits::default());
    let refused = feeds.join(TenantId::new(0)).await.unwrap_err();
    assert_eq!(refused, Refusal::UnknownTenant);
    assert!(feeds.is_empty());
}

#[actix::test]
async fn signals_reach_every_seat_and_the_newest_wins() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let subscription = feeds.join(TENANT).await.unwrap();
    let ledger = port.ledger(TENANT).await.unwrap();
    let conversation = ConversationId::from_bytes([1; 16]);
    for agent in ["ana", "ben"] {
        let agent = AgentId::parse(agent).unwrap();
        ledger.relay(Signal::Viewing {
            conversation,
            agents: vec![agent],
        });
    }
    let seen = subscription.last_signal();
    let woken = std::future::poll_fn(|cx| match subscription.signals(seen) {
        Some(frames) if frames.windows(3).any(|word| word == b"ben") => Poll::Ready(frames),
        _ => {
            subscription.wait(cx.waker());
            Poll::Pending
        }
    });
    let frames = tokio::time::timeout(Duration::from_secs(5), woken).await.unwrap();
    assert_eq!(frames.split(|byte| *byte == b';').count(), 2, "one frame");
    assert!(subscription.signals(subscription.last_signal()).is_none());
}

#[actix::test]
async fn a_signal_that_comes_while_a_crowd_is_woken_reaches_all_of_it() {
    let port = port();
    let feeds = feeds(&port, FeedLimits::default());
    let mut subscriptions = Vec::new();
    for _ in 0..300 {
        subscriptions.push(feeds.join(TENANT).await.unwrap());
    }
    let ledger = port.ledger(TENANT).await.unwrap();
    let look_at = |agent| {
        ledger.relay(Signal::Viewing {
            conversation: ConversationId::from_bytes([1; 16]),
            agents: vec![AgentId::parse(agent).unwrap()],
        });
    };
    let began = subscriptions[0].last_signal();
    look_at("ana");
    let hears = |subscription: &Subscription, word: &str, cx: &std::task::Context<'_>| {
        let frames = subscription.signals(began).unwrap_or_default();
        let heard = frames.windows(3).any(|part| part == word.as_bytes());
        if heard {
            return Poll::Ready(());
        }
        subscription.wait(cx.waker());
        Poll::Pending
    };
    // The first of the crowd hears of Ana; then comes the next signal.
    let first = std::future::poll_fn(|cx| hears(&subscriptions[0], "ana", cx));
    tokio::time::timeout(Duration::from_secs(5), first).await.unwrap();
    look_at("ben");
    let all = subscriptions
        .iter()
        .map(|subscription| std::future::poll_fn(move |cx| hears(subscription, "ben", cx)));
    let all = futures_util::future::join_all(all);
    tokio::time::timeout(Duration::from_secs(5), all).await.unwrap();
}

#[test]
fn a_ledger_of_another_identity_empties_the_buffer() {
    let limits = event_buffer::EventBufferLimits {
        events: 8,
        bytes: 1_000,
    };
    let mut tail = tail::Tail::new(limits, WIRE);
    let at = |epoch, head| TenantHead {
        epoch: Epoch::new(epoch),
        head: Seq::new(head),
    };
    tail.follow(at(1, 5));
    tail.push(&event(6, Bytes::from_static(b"{}")));
    tail.follow(at(1, 6));
    assert!(
        matches!(tail.pull(Seq::new(5)), Pulled::Chunk(_)),
        "the same ledger goes on"
    );
    tail.follow(at(2, 3));
    assert_eq!((tail.epoch(), tail.head()), (Epoch::new(2), Seq::new(3)));
}

#[test]
fn what_was_taken_back_leaves_the_buffer_however_the_feed_hears_of_it() {
    let limits = event_buffer::EventBufferLimits {
        events: 8,
        bytes: 1_000,
    };
    let revoke = Event {
        kind: EventKind::MessageRevoked,
        ..event(2, Bytes::from_static(b"{}"))
    };
    let hear: [fn(&mut tail::Tail, &Event); 2] = [
        |tail, revoke| assert_eq!(tail.push(revoke), event_buffer::Offered::Taken),
        |tail, revoke| tail.catch_up(Seq::new(1), std::slice::from_ref(revoke)),
    ];
    for hear in hear {
        let mut tail = tail::Tail::new(limits, WIRE);
        tail.follow(TenantHead {
            epoch: Epoch::new(1),
            head: Seq::default(),
        });
        tail.push(&event(1, Bytes::from_static(b"said in haste")));
        hear(&mut tail, &revoke);
        let since = tail.pull(Seq::default());
        assert!(matches!(since, Pulled::Behind), "{since:?}");
        assert!(matches!(tail.pull(Seq::new(1)), Pulled::Chunk(_)));
    }
}
