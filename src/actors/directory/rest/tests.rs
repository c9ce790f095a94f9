//! Who rests, who does not, and who comes meanwhile.

use std::sync::Mutex;

use super::super::tests::{GOOD, directory_at};
use super::*;
use crate::actors::feed::{FeedSubscriber, Published, Signal, Subscriber};
use crate::actors::port::{TenantCommands as _, TenantDirectory as _, TenantPresence as _};
use crate::actors::request::{ContentClass, Destination, Refusal, SubmitRequest};
use crate::actors::{Gateway, TenantLimits};
use crate::domain::{
    Alias, Author, ContactAliases, Content, EventKind, Priority, Purpose, TestClock, Timestamp,
};
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::op::{Announce, OpOutcome};
use crate::store::{Op, StoreErrorKind};

struct Scene {
    store: Arc<FaultyStore>,
    clock: TestClock,
    directory: Arc<Directory>,
    gateway: Gateway,
}

impl Scene {
    async fn open() -> Self {
        let clock = TestClock::at(Timestamp::from_secs(1_790_000_000));
        let store = Arc::new(FaultyStore::default());
        let directory = directory_at(&store, Arc::new(clock.clone())).await;
        // Its number's second is full at the start of the process.
        clock.advance(Duration::from_secs(10));
        Self {
            store,
            clock,
            gateway: Gateway::new(Arc::clone(&directory)),
            directory,
        }
    }

    /// So much time goes by that whoever has nothing to do goes to rest.
    async fn pass(&self) {
        for _ in 0..20 {
            self.clock.advance(TenantLimits::default().idle);
            self.directory.rest_idle().await;
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn live(&self) -> usize {
        self.directory.tenant_counts().live
    }

    async fn says(&self, send_at: Option<Timestamp>) -> Result<crate::domain::MessageId, Refusal> {
        let aliases = ContactAliases::of([Alias::phone("628123456789").unwrap()]);
        let request = SubmitRequest {
            to: Destination::Contact {
                number: None,
                aliases,
            },
            author: Author::Api { key: "k".into() },
            content: Content::text("hello"),
            class: ContentClass::Template,
            purpose: Purpose::Other,
            priority: Priority::Interactive,
            send_at,
            valid_for: None,
            on_unknown: None,
            once: None,
            unless_after: None,
            client_msg_id: None,
            callback_data: None,
            most_waiting: None,
        };
        let accepted = self.gateway.submit(GOOD, request).await?;
        Ok(accepted.at.message)
    }
}

fn news() -> Op {
    Op::Announce(Announce {
        kind: EventKind::Meta,
        conversation: None,
        data: Arc::from(serde_json::value::to_raw_value("news").unwrap()),
        once: None,
    })
}

#[actix::test]
async fn a_tenant_of_whom_nobody_wants_anything_rests_and_starts_again_for_whoever_comes() {
    let scene = Scene::open().await;
    let before = scene.gateway.head(GOOD).await.unwrap();
    scene.directory.rest_idle().await;
    assert_eq!(scene.live(), 1, "somebody asked for it just now");
    scene.pass().await;
    assert_eq!(scene.directory.tenant_counts(), TenantCounts { live: 0, rest: 2 });
    assert!(scene.directory.starts.missing().is_empty());
    assert_eq!(scene.gateway.head(GOOD).await.unwrap(), before);
    assert_eq!(scene.live(), 0, "whoever only reads wakes nobody");
    drop(scene.directory.tenant(GOOD).await.unwrap());
    assert_eq!(scene.live(), 1);
    assert_eq!(scene.gateway.head(GOOD).await.unwrap(), before);
}

#[actix::test]
async fn a_tenant_whose_message_waits_does_not_rest_before_it_is_settled() {
    let scene = Scene::open().await;
    let tomorrow = Timestamp::from_secs(1_790_086_400);
    let message = scene.says(Some(tomorrow)).await.unwrap();
    scene.pass().await;
    assert_eq!(scene.live(), 1);
    scene.gateway.withdraw(GOOD, message).await.unwrap();
    scene.pass().await;
    assert_eq!(scene.live(), 0);
}

#[actix::test]
async fn a_tenant_whose_outbox_cannot_be_read_does_not_rest() {
    let scene = Scene::open().await;
    scene.gateway.head(GOOD).await.unwrap();
    scene.store.no_outbox.store(true, Ordering::Release);
    scene.pass().await;
    assert_eq!(scene.live(), 1);
}

#[actix::test]
async fn a_tenant_does_not_rest_while_nobody_knows_what_was_committed() {
    tokio::time::pause();
    let scene = Scene::open().await;
    scene.gateway.head(GOOD).await.unwrap();
    let faults = [Fault::Refuse(StoreErrorKind::Unknown); 5];
    scene.store.append_faults.lock().unwrap().extend(faults);
    assert_eq!(scene.says(None).await, Err(Refusal::Uncertain));
    scene.store.no_heads.store(true, Ordering::Release);
    scene.pass().await;
    assert_eq!(scene.live(), 1);
    scene.store.no_heads.store(false, Ordering::Release);
    tokio::time::sleep(Duration::from_secs(10)).await;
    scene.pass().await;
    assert_eq!(scene.live(), 0);
}

#[derive(Default)]
struct Listener {
    heard: Mutex<Vec<u64>>,
    left: std::sync::atomic::AtomicBool,
}

impl Subscriber for Listener {
    fn publish(&self, published: &Published) -> bool {
        self.heard.lock().unwrap().push(published.head.get());
        self.is_there()
    }
    fn signal(&self, _: &Arc<Signal>) -> bool {
        self.is_there()
    }
    fn is_there(&self) -> bool {
        !self.left.load(Ordering::Acquire)
    }
}

#[actix::test]
async fn a_tenant_does_not_rest_while_a_socket_listens() {
    let scene = Scene::open().await;
    let listener = Arc::new(Listener::default());
    let subscriber = FeedSubscriber::new(listener.clone());
    scene.gateway.subscribe(GOOD, subscriber).await.unwrap();
    scene.pass().await;
    let tenant = scene.directory.tenant(GOOD).await.unwrap();
    tenant.ledger.commit(news()).await.unwrap();
    assert_eq!(*listener.heard.lock().unwrap(), [1]);
    drop(tenant);
    listener.left.store(true, Ordering::Release);
    scene.pass().await;
    assert_eq!(scene.live(), 0);
}

#[actix::test]
async fn a_look_at_the_lanes_wakes_nobody_and_keeps_nobody_awake() {
    let scene = Scene::open().await;
    let look = async || scene.gateway.lanes(GOOD).await.unwrap();
    assert!(look().await.is_empty());
    assert_eq!(scene.live(), 0);
    scene.gateway.head(GOOD).await.unwrap();
    assert_eq!(look().await.len(), 1);
    for _ in 0..4 {
        scene.clock.advance(TenantLimits::default().idle / 4);
        look().await;
    }
    while scene.live() > 0 {
        scene.directory.rest_idle().await;
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn a_tenant_does_not_rest_while_somebody_holds_it() {
    let scene = Scene::open().await;
    let held = scene.directory.tenant(GOOD).await.unwrap();
    scene.pass().await;
    assert!(held.is_alive());
    drop(held);
    scene.pass().await;
    assert_eq!(scene.live(), 0);
}

#[actix::test]
async fn whoever_comes_while_a_tenant_goes_to_rest_is_served() {
    let scene = Scene::open().await;
    let mut rested = 0;
    for round in 0..200 {
        drop(scene.directory.tenant(GOOD).await.unwrap());
        for _ in 0..30 {
            tokio::task::yield_now().await;
        }
        scene.clock.advance(TenantLimits::default().idle);
        let comes = async {
            for _ in 0..round % 40 {
                tokio::task::yield_now().await;
            }
            let before = scene.live();
            let tenant = scene.directory.tenant(GOOD).await.unwrap();
            let outcome = tenant.ledger.commit(news()).await.unwrap();
            assert!(matches!(outcome, OpOutcome::Committed { .. }), "{outcome:?}");
            1 - before
        };
        let ((), was_at_rest) = tokio::join!(scene.directory.rest_idle(), comes);
        rested += was_at_rest;
    }
    assert!((1..200).contains(&rested), "{rested} of 200 came while it rested");
    assert_eq!(scene.gateway.head(GOOD).await.unwrap().head.get(), 200);
}
