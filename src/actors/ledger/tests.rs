//! The ledger against the memory store, directly and through a store whose answers get lost.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::*;
use crate::actors::feed::{Signal, Subscriber};
use crate::domain::{Alias, ContactAliases, Content, PhoneNumberId, TestClock, Timestamp, Wamid};
use crate::store::OpOutcome;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::memory::MemoryStore;
use crate::store::op::Receive;

fn clock() -> TestClock {
    TestClock::at(Timestamp::from_secs(1_700_000_000))
}

fn received(wamid: &str) -> Op {
    Op::Receive(Box::new(Receive {
        number: PhoneNumberId::parse("1065").unwrap(),
        by: crate::domain::message::Side::Customer,
        via: None,
        aliases: ContactAliases::of([Alias::phone("628123456789").unwrap()]),
        naming: crate::store::op::Naming::Current,
        keyword: None,
        group: None,
        name: None,
        username: None,
        wamid: Wamid::parse(wamid).unwrap(),
        at: Timestamp::from_secs(1_700_000_000),
        content: Content::text("hello"),
    }))
}

fn nameless(wamid: &str) -> Op {
    let Op::Receive(mut receive) = received(wamid) else {
        unreachable!()
    };
    receive.aliases = ContactAliases::default();
    Op::Receive(receive)
}

async fn ledger(store: Arc<dyn Store>) -> LedgerHandle {
    let arbiter = actix::Arbiter::current();
    Ledger::open(
        TenantId::new(1),
        Retention::DEFAULT,
        Epoch::new(7),
        store,
        Arc::new(clock()),
        &arbiter,
    )
    .await
    .unwrap()
}

#[actix::test]
async fn a_change_of_retention_counts_for_what_is_committed_after_it() {
    let store = Arc::new(MemoryStore::new());
    let ledger = ledger(store.clone()).await;
    let days = |days| Retention::days(days).unwrap();
    for (wamid, keep, kept) in [
        ("wamid.1", None, Retention::DEFAULT),
        ("wamid.2", Some(days(3)), days(3)),
        ("wamid.3", None, days(3)),
        ("wamid.4", Some(days(900)), days(900)),
    ] {
        if let Some(keep) = keep {
            ledger.keep_for(keep);
            ledger.pass().await.unwrap();
        }
        let Ok(OpOutcome::Committed { at: Some(at), .. }) = ledger.commit(received(wamid)).await else {
            panic!("not committed")
        };
        let ends = kept.expiry(Timestamp::from_secs(1_700_000_000));
        let before = ends.before(Duration::from_millis(1));
        for (now, there) in [(before, true), (ends, false)] {
            let message = store.message(TenantId::new(1), at, now).await.unwrap();
            assert_eq!(message.is_some(), there, "{wamid}");
        }
    }
    assert_eq!(ledger.head().head, Seq::new(4), "passing is no event");
}

struct Listener(mpsc::Sender<Published>);

impl Subscriber for Listener {
    fn publish(&self, published: &Published) -> bool {
        self.0.try_send(published.clone()).is_ok()
    }
    fn signal(&self, _: &Arc<Signal>) -> bool {
        true
    }
    fn is_there(&self) -> bool {
        !self.0.is_closed()
    }
}

/// What a subscriber hears next.
async fn next(heard: &mut mpsc::Receiver<Published>) -> Published {
    let published = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
    published.expect("nothing is published").unwrap()
}

#[actix::test]
async fn what_is_committed_is_published_densely_and_in_order() {
    let ledger = ledger(Arc::new(MemoryStore::new())).await;
    let (sender, mut heard) = mpsc::channel(64);
    let head = ledger
        .subscribe(FeedSubscriber::new(Arc::new(Listener(sender))))
        .await
        .unwrap();
    assert_eq!((head.epoch, head.head), (Epoch::new(7), Seq::new(0)));
    let commits = (0..20).map(|n| {
        let ledger = ledger.clone();
        async move { ledger.commit(received(&format!("wamid.{n}"))).await }
    });
    for outcome in futures_util::future::join_all(commits).await {
        assert!(matches!(outcome, Ok(OpOutcome::Committed { .. })));
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let published = next(&mut heard).await;
        seen.extend(published.events.iter().map(|event| event.seq.get()));
    }
    assert_eq!(seen, (1..=20).collect::<Vec<u64>>());
    assert_eq!(ledger.head().head, Seq::new(20));
}

#[actix::test]
async fn a_batch_whose_answer_was_lost_is_neither_lost_nor_repeated() {
    let store = Arc::new(FaultyStore::default());
    store
        .append_faults
        .lock()
        .unwrap()
        .extend([Fault::LoseAnswer, Fault::LoseAnswer]);
    let ledger = ledger(store.clone()).await;
    let (sender, mut heard) = mpsc::channel(64);
    ledger
        .subscribe(FeedSubscriber::new(Arc::new(Listener(sender))))
        .await
        .unwrap();
    let outcome = ledger.commit(received("wamid.once")).await.unwrap();
    assert!(
        matches!(outcome, OpOutcome::Duplicate { .. }),
        "it was written before its answer was lost"
    );
    let published = next(&mut heard).await;
    assert_eq!(
        published
            .events
            .iter()
            .map(|event| event.seq.get())
            .collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(ledger.head().head, Seq::new(1));
}

#[actix::test]
async fn an_op_that_can_never_be_written_does_not_take_its_batch_with_it() {
    let ledger = ledger(Arc::new(MemoryStore::new())).await;
    let ops = [received("wamid.a"), nameless("wamid.b"), received("wamid.c")];
    let commits = ops.map(|op| {
        let ledger = ledger.clone();
        async move { ledger.commit(op).await }
    });
    let outcomes = futures_util::future::join_all(commits).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    let Err(CommitError::Store(error)) = &outcomes[1] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(error.kind, StoreErrorKind::Invalid);
    assert_eq!(ledger.head().head, Seq::new(2));
}

#[actix::test]
async fn a_ledger_that_another_owner_took_over_stops_and_says_so() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let first = ledger(Arc::clone(&store)).await;
    first.commit(received("wamid.a")).await.unwrap();
    let second = ledger(Arc::clone(&store)).await;
    assert_eq!(first.hands_off(Duration::ZERO), None);
    let refused = first.commit(received("wamid.b")).await;
    assert!(matches!(refused, Err(CommitError::Store(error)) if error.kind == StoreErrorKind::Fenced));
    assert!(
        first.was_lost() && first.hands_off(Duration::ZERO).is_some(),
        "it is left to the other for a while"
    );
    assert!(!second.was_lost());
    while first.is_connected() {
        tokio::task::yield_now().await;
    }
    assert_eq!(second.epoch(), first.epoch());
    assert!(matches!(
        second.commit(received("wamid.b")).await,
        Ok(OpOutcome::Committed { .. })
    ));
}

#[actix::test]
async fn a_log_that_moved_on_without_its_writer_is_lost_to_another() {
    let store = Arc::new(FaultyStore::default());
    let ledger = ledger(store.clone()).await;
    let moved = Fault::Refuse(StoreErrorKind::HeadMoved);
    store.append_faults.lock().unwrap().push_back(moved);
    ledger.commit(received("wamid.a")).await.unwrap_err();
    assert!(ledger.was_lost() && ledger.hands_off(Duration::ZERO).is_some());
}

/// A ledger that wrote a message by its last try, of which nobody heard.
async fn in_doubt(store: &Arc<FaultyStore>) -> LedgerHandle {
    let ledger = ledger(store.clone()).await;
    let unknown = [Fault::Refuse(StoreErrorKind::Unknown); 4];
    let faults = unknown.into_iter().chain([Fault::LoseAnswer]);
    store.append_faults.lock().unwrap().extend(faults);
    let told = ledger.commit(received("wamid.a")).await;
    assert!(matches!(told, Err(CommitError::Store(error)) if error.kind == StoreErrorKind::Unknown));
    ledger
}

#[actix::test]
async fn what_arrived_in_doubt_is_published_although_nothing_comes_after_it() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let ledger = in_doubt(&store).await;
    let (sender, mut heard) = mpsc::channel(64);
    let subscriber = FeedSubscriber::new(Arc::new(Listener(sender)));
    ledger.subscribe(subscriber).await.unwrap();
    let published = next(&mut heard).await;
    assert_eq!(published.head, Seq::new(1));
    assert_eq!(published.events.len(), 1);
}

#[actix::test]
async fn a_ledger_in_doubt_that_is_owned_by_another_finds_out_and_stops() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let first = in_doubt(&store).await;
    let _second = ledger(store.clone()).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(first.was_lost() && !first.is_connected());
}

#[actix::test]
async fn a_doubt_outlives_a_look_that_fails() {
    let store = Arc::new(FaultyStore::default());
    let ledger = in_doubt(&store).await;
    store.no_heads.store(true, Ordering::Release);
    let refused = ledger.commit(received("wamid.b")).await;
    assert!(matches!(refused, Err(CommitError::Store(error)) if error.kind == StoreErrorKind::Unavailable));
    store.no_heads.store(false, Ordering::Release);
    let taken = ledger.commit(received("wamid.b")).await;
    assert!(matches!(taken, Ok(OpOutcome::Committed { seq, .. }) if seq == Seq::new(2)));
    assert!(!ledger.was_lost(), "nobody else took it");
}

#[actix::test]
async fn what_is_committed_stands_although_what_came_before_cannot_be_read() {
    let store = Arc::new(FaultyStore::default());
    let ledger = in_doubt(&store).await;
    store.no_events.store(true, Ordering::Release);
    for (wamid, at) in [("wamid.b", 2), ("wamid.c", 3)] {
        let taken = ledger.commit(received(wamid)).await;
        assert!(matches!(taken, Ok(OpOutcome::Committed { seq, .. }) if seq == Seq::new(at)));
    }
    assert!(!ledger.was_lost());
    assert_eq!(ledger.head().head, Seq::new(3));
}

#[actix::test]
async fn a_batch_that_stays_unknown_is_looked_for_before_the_next_one() {
    let store = Arc::new(FaultyStore::default());
    let ledger = in_doubt(&store).await;
    let again = ledger.commit(received("wamid.a")).await;
    assert!(matches!(again, Ok(OpOutcome::Duplicate { .. })), "{again:?}");
    assert!(!ledger.was_lost());
    assert_eq!(ledger.head().head, Seq::new(1));
}

/// A clock on which every batch takes a second.
#[derive(Default)]
struct Crawling(AtomicU64);

impl Clock for Crawling {
    fn now(&self) -> Timestamp {
        clock().now()
    }
    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Ignored;

impl CommitObserver for Ignored {
    fn committed(&self, _: Result<&OpOutcome, &CommitError>) {}
}

#[actix::test]
async fn on_a_slow_store_who_waits_for_a_commit_goes_before_what_came_in() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let arbiter = actix::Arbiter::current();
    let crawling = Arc::new(Crawling::default());
    let tenant = TenantId::new(1);
    let epoch = Epoch::new(7);
    let ledger = Ledger::open(
        tenant,
        Retention::DEFAULT,
        epoch,
        Arc::clone(&store),
        crawling,
        &arbiter,
    );
    let ledger = ledger.await.unwrap();
    ledger.commit(received("wamid.first")).await.unwrap();
    let came_in = (0..3).map(|n| {
        let ledger = &ledger;
        let op = received(&format!("wamid.{n}"));
        async move { ledger.commit_observed(op, Arc::new(Ignored), PATIENCE).await }
    });
    let came_in = futures_util::future::try_join_all(came_in);
    let waited_for = ledger.commit(received("wamid.sender"));
    let (taken, outcome) = futures_util::future::join(came_in, waited_for).await;
    taken.unwrap();
    let Ok(OpOutcome::Committed { seq, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(seq, Seq::new(2), "right after the first");
    ledger.finish().await;
    assert_eq!(ledger.head().head, Seq::new(5));
}

#[test]
fn a_batch_ends_before_its_bodies_are_too_much_and_holds_at_least_one_op() {
    let within = |sizes: &[usize]| count_within(sizes.iter().copied(), 5);
    assert_eq!(within(&[]), 0);
    assert_eq!(within(&[0; 9]), 5);
    assert_eq!(within(&[BATCH_BYTES + 1, 0]), 1);
    assert_eq!(within(&[1, BATCH_BYTES - 1, 0, 1, 0]), 3);
}

#[actix::test]
async fn finishing_commits_what_waits_first() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let ledger = ledger(Arc::clone(&store)).await;
    for n in 0..50 {
        assert!(ledger.offer(received(&format!("wamid.{n}"))));
    }
    ledger.finish().await;
    let page = store
        .events_after(TenantId::new(1), Seq::new(0), 100, clock().now())
        .await
        .unwrap();
    assert_eq!(page.events.len(), 50);
}
