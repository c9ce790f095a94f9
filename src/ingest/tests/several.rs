//! Several gateways on one store: a webhook moves no tenant from one that lives to another, whichever takes it in.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::*;
use crate::actors::directory::Look;
use crate::actors::port::WebhookTenants as _;
use crate::domain::TestClock;
use crate::store::faulty::Processes;
use crate::store::memory::MemoryStore;
use crate::store::{ConversationFilter, FORWARDED_FOR, ProcessId, ProcessState};

const ONE: ProcessId = ProcessId::new(1);
const TWO: ProcessId = ProcessId::new(2);
/// How soon a webhook is applied that another gateway took in.
const SOON: Duration = Duration::from_secs(2);

/// A store, and those who use it.
struct Cluster {
    inner: Arc<MemoryStore>,
    processes: Arc<Processes>,
    clock: TestClock,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            inner: Arc::default(),
            processes: Arc::default(),
            clock: TestClock::at(SystemClock::new().now()),
        }
    }
}

impl Cluster {
    /// Starts a gateway.
    async fn gateway(&self, process: ProcessId) -> Road {
        let store = FaultyStore::of_process(process, &self.processes, &self.inner);
        let store = Arc::new(store);
        let directory = directory_at(&store, &["demo"], Arc::new(self.clock.clone())).await;
        Road::over(store, directory, process.get().unsigned_abs()).await
    }

    /// Meta gives a webhook to a gateway, later than any before.
    async fn give(&self, to: &Road, body: Bytes) {
        self.clock.advance(Duration::from_millis(1));
        to.intake.accept(demo(), body).await.unwrap();
    }

    async fn texts(&self, tenant: TenantId) -> Vec<usize> {
        let view = FaultyStore::of_process(ONE, &Arc::default(), &self.inner);
        texts(&view, tenant).await
    }

    async fn come(&self, tenant: TenantId, expected: &[usize]) {
        until("they come", SOON, async || {
            let mut texts = self.texts(tenant).await;
            texts.sort_unstable();
            texts == expected
        })
        .await;
    }
}

/// Stops applying, as a crash does: nothing is said to anybody.
async fn crash(road: Road, processes: &Processes, process: ProcessId) {
    processes.kill(process);
    for tenant in road.directory.running() {
        tenant.ledger.retire().await;
    }
    road.close().await;
}

#[actix::test]
async fn webhooks_that_alternate_between_two_gateways_leave_the_tenant_where_it_is_and_come_soon() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let roads = [cluster.gateway(ONE).await, cluster.gateway(TWO).await];
    let mut slowest = Duration::ZERO;
    for n in 0..40 {
        let began = Instant::now();
        cluster.give(&roads[n % 2], webhook(OTHER, n, 1)).await;
        let all: Vec<usize> = (0..=n).collect();
        cluster.come(OTHER, &all).await;
        slowest = slowest.max(began.elapsed());
    }
    // Now all at once, both kinds.
    for n in 40..100 {
        cluster.give(&roads[n % 2], webhook(OTHER, n, 1)).await;
    }
    let all: Vec<usize> = (0..100).collect();
    cluster.come(OTHER, &all).await;
    assert_eq!(cluster.processes.owners_in_turn(OTHER).len(), 1);
    assert!(slowest <= SOON && slowest > Duration::ZERO, "{slowest:?}");
    // What one gateway took in keeps its order.
    let texts = cluster.texts(OTHER).await;
    for road in 0..2 {
        let of_one: Vec<_> = texts.iter().copied().filter(|n| n % 2 == road).collect();
        assert!(of_one.is_sorted(), "{of_one:?}");
    }
    for road in roads {
        road.applied().await;
        road.close().await;
    }
}

#[actix::test]
async fn what_a_dead_gateway_took_in_and_was_told_of_comes_before_what_is_taken_in_later() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    one.directory.look_at_others(ProcessState::Serving).await;
    two.directory.look_at_others(ProcessState::Serving).await;
    // Both have read the journal by then.
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    // It still takes webhooks, and applies nothing more.
    one.shutdown.begin();
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(OTHER, 1, 1)).await;
    cluster.give(&two, webhook(OTHER, 2, 1)).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(cluster.processes.unread(ONE), 1);
    assert_eq!(cluster.texts(OTHER).await, [0]);
    crash(one, &cluster.processes, ONE).await;
    // Nobody knows yet that it is gone.
    cluster.give(&two, webhook(OTHER, 3, 1)).await;
    tokio::time::sleep(SOON * 2).await;
    assert_eq!(cluster.texts(OTHER).await, [0]);
    // What waits here is tried more than once before the journal is read.
    *two.store.scan_delay.lock().unwrap() = SOON * 2;
    assert_eq!(
        two.directory.look_at_others(ProcessState::Serving).await,
        Look::SomebodyGone
    );
    cluster.give(&two, webhook(OTHER, 4, 1)).await;
    tokio::time::sleep(SOON * 2).await;
    cluster.come(OTHER, &[0, 1, 2, 3, 4]).await;
    assert_eq!(cluster.texts(OTHER).await, [0, 1, 2, 3, 4]);
    *two.store.scan_delay.lock().unwrap() = Duration::ZERO;
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE, TWO]);
    two.applied().await;
    two.close().await;
}

#[actix::test]
async fn a_gateway_that_ends_in_order_keeps_its_tenants_and_is_left_nothing_until_it_has_left() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    two.directory.look_at_others(ProcessState::Serving).await;
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    one.shutdown.begin();
    one.directory.look_at_others(ProcessState::Ending).await;
    cluster.give(&two, webhook(OTHER, 1, 1)).await;
    for _ in 0..5 {
        // Its calls to Meta are in flight still.
        one.directory.look_at_others(ProcessState::Ending).await;
        assert_eq!(
            two.directory.look_at_others(ProcessState::Serving).await,
            Look::NobodyGone
        );
        tokio::time::sleep(SOON).await;
    }
    assert_eq!(cluster.processes.unread(ONE), 0, "it would apply nothing");
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE]);
    crash(one, &cluster.processes, ONE).await;
    assert_eq!(
        two.directory.look_at_others(ProcessState::Serving).await,
        Look::SomebodyGone
    );
    cluster.come(OTHER, &[0, 1]).await;
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE, TWO]);
    two.applied().await;
    two.close().await;
}

#[actix::test]
async fn what_was_left_to_a_gateway_is_left_once_however_often_the_journal_is_read() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    // It says that it lives, and applies nothing.
    one.shutdown.begin();
    tokio::time::sleep(SOON).await;
    for n in 1..=3 {
        cluster.give(&two, webhook(OTHER, n, 1)).await;
    }
    for _ in 0..3 {
        tokio::time::sleep(SOON).await;
        assert_eq!(cluster.processes.unread(ONE), 3);
        two.intake.shared.board().scan_all().await;
    }
    two.directory.tenant(OTHER).await.unwrap();
    cluster.come(OTHER, &[0, 1, 2, 3]).await;
    two.applied().await;
    one.close().await;
    two.close().await;
}

#[actix::test]
async fn what_was_left_to_a_gateway_and_cannot_be_read_is_found_in_the_journal() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    one.store.unreadable.store(1, Ordering::Release);
    cluster.give(&two, webhook(OTHER, 1, 1)).await;
    cluster.come(OTHER, &[0, 1]).await;
    cluster.give(&two, webhook(OTHER, 2, 1)).await;
    cluster.come(OTHER, &[0, 1, 2]).await;
    assert_eq!(one.store.unreadable.load(Ordering::Acquire), 0);
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE]);
    two.applied().await;
    one.close().await;
    two.close().await;
}

#[actix::test]
async fn a_backlog_that_was_left_to_a_gateway_is_read_at_once_and_not_a_page_at_a_time() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    cluster.processes.pages_of(8);
    for n in 1..100 {
        cluster.give(&two, webhook(OTHER, n, 1)).await;
    }
    let all: Vec<usize> = (0..100).collect();
    cluster.come(OTHER, &all).await;
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE]);
    two.applied().await;
    one.close().await;
    two.close().await;
}

#[actix::test]
async fn a_gateway_that_cannot_read_what_was_left_to_it_reads_the_journal_before_that_is_forgotten() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    one.store.deaf.store(true, Ordering::Release);
    cluster.give(&two, webhook(OTHER, 1, 1)).await;
    tokio::time::sleep(FORWARDED_FOR / 2 - SOON).await;
    assert_eq!(cluster.texts(OTHER).await, [0]);
    tokio::time::sleep(SOON * 2).await;
    cluster.come(OTHER, &[0, 1]).await;
    two.applied().await;
    one.close().await;
    two.close().await;
}

#[actix::test]
async fn what_a_dead_gateway_took_in_is_applied_although_no_webhook_comes_any_more() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    two.directory.look_at_others(ProcessState::Serving).await;
    one.shutdown.begin();
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(STUCK, 7, 1)).await;
    crash(one, &cluster.processes, ONE).await;
    two.directory.look_at_others(ProcessState::Serving).await;
    cluster.come(STUCK, &[7]).await;
    two.applied().await;
    two.close().await;
}

#[actix::test]
async fn a_webhook_that_cannot_be_left_to_its_owner_yet_is_left_later_and_holds_up_nobody_else() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    two.store.untold.store(3, Ordering::Release);
    cluster.give(&two, webhook(OTHER, 1, 1)).await;
    cluster.give(&two, webhook(OTHER, 2, 1)).await;
    cluster.give(&two, webhook(STUCK, 0, 1)).await;
    until(
        "the other tenant's is there",
        Duration::from_millis(500),
        async || cluster.texts(STUCK).await == [0],
    )
    .await;
    tokio::time::sleep(SOON).await;
    assert_eq!(two.store.untold.load(Ordering::Acquire), 0);
    cluster.come(OTHER, &[0, 1, 2]).await;
    assert_eq!(cluster.texts(OTHER).await, [0, 1, 2]);
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE]);
    assert_eq!(cluster.processes.owners_in_turn(STUCK), [TWO]);
    one.close().await;
    two.close().await;
}

/// A webhook with a message to each of two tenants.
fn webhook_of_two(number: usize) -> Bytes {
    let mut all: serde_json::Value = serde_json::from_slice(&webhook(STUCK, number, 1)).unwrap();
    let other: serde_json::Value = serde_json::from_slice(&webhook(OTHER, number, 1)).unwrap();
    let entries = all["entry"].as_array_mut().unwrap();
    entries.push(other["entry"][0].clone());
    all.to_string().into()
}

#[actix::test]
async fn a_webhook_of_two_tenants_is_applied_by_the_gateway_of_each() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    cluster.give(&one, webhook(STUCK, 0, 1)).await;
    cluster.give(&two, webhook(OTHER, 0, 1)).await;
    cluster.come(STUCK, &[0]).await;
    cluster.come(OTHER, &[0]).await;
    for (n, road) in [&one, &two, &one, &two].into_iter().enumerate() {
        cluster.give(road, webhook_of_two(n + 1)).await;
        // Right behind it: what is split off goes first.
        cluster.give(road, webhook(STUCK, 10 + n, 1)).await;
    }
    // Both have a number in the account.
    for road in [&one, &two] {
        cluster.give(road, account()).await;
    }
    cluster.come(STUCK, &[0, 1, 2, 3, 4, 10, 11, 12, 13]).await;
    cluster.come(OTHER, &[0, 1, 2, 3, 4]).await;
    let texts = cluster.texts(STUCK).await;
    let place = |n: usize| texts.iter().position(|text| *text == n);
    for n in 0..4 {
        assert!(place(n + 1) < place(10 + n), "{texts:?}");
    }
    one.applied().await;
    two.applied().await;
    for tenant in [STUCK, OTHER] {
        assert_eq!(cluster.processes.owners_in_turn(tenant).len(), 1);
        let page = one
            .store
            .events_after(tenant, Seq::default(), 99, SystemClock::new().now());
        let events = page.await.unwrap().events;
        let news = events.iter().filter(|event| event.kind == EventKind::Meta);
        assert_eq!(news.count(), 1, "the same news, told once");
    }
    assert!(one.reasons().await.is_empty());
    one.close().await;
    two.close().await;
}

#[actix::test]
async fn a_webhook_that_is_told_to_a_gateway_while_that_one_dies_is_applied_by_who_is_left() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    two.directory.look_at_others(ProcessState::Serving).await;
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    let gate = two.store.telling_gate.lock().await;
    cluster.give(&two, webhook(OTHER, 1, 1)).await;
    until("it is being told", SOON, async || {
        two.store.tellings.load(Ordering::Acquire) == 1
    })
    .await;
    crash(one, &cluster.processes, ONE).await;
    assert_eq!(
        two.directory.look_at_others(ProcessState::Serving).await,
        Look::SomebodyGone
    );
    // The journal is read while the webhook is in hand.
    until("the journal is read", SOON, async || {
        two.directory.gone_and_unlisted().is_empty()
    })
    .await;
    drop(gate);
    cluster.come(OTHER, &[0, 1]).await;
    two.applied().await;
    two.close().await;
}

#[actix::test]
async fn a_message_that_another_gateway_took_in_stands_in_its_conversation_where_its_time_says() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let began = SystemClock::new().now().as_secs() - 100;
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    cluster.give(&one, webhook_of(OTHER, 0, 1, began)).await;
    cluster.come(OTHER, &[0]).await;
    // The earlier of the two has the longer way.
    cluster.give(&two, webhook_of(OTHER, 1, 1, began + 1)).await;
    cluster.give(&one, webhook_of(OTHER, 2, 1, began + 2)).await;
    cluster.come(OTHER, &[0, 1, 2]).await;
    assert_eq!(cluster.texts(OTHER).await, [0, 2, 1], "as they were applied");
    let now = SystemClock::new().now();
    let all = ConversationFilter::default();
    let conversations = one.store.page_conversations(OTHER, all, None, 9).await.unwrap();
    let conversation = conversations.items.first().unwrap();
    assert_eq!(conversation.preview.as_deref(), Some("2"));
    let page = one.store.page_messages(OTHER, conversation.id, None, 9, now);
    let times: Vec<_> = page
        .await
        .unwrap()
        .items
        .iter()
        .map(|message| message.created)
        .collect();
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");
    one.close().await;
    two.close().await;
}

#[actix::test]
async fn who_takes_a_tenant_from_a_gateway_that_hangs_applies_what_was_left_to_that_one() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    tokio::time::sleep(SOON).await;
    cluster.give(&one, webhook(OTHER, 0, 1)).await;
    cluster.come(OTHER, &[0]).await;
    // It says that it lives, and applies nothing.
    one.shutdown.begin();
    tokio::time::sleep(SOON).await;
    cluster.give(&two, webhook(OTHER, 1, 1)).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(cluster.texts(OTHER).await, [0]);
    // Somebody asks for the tenant at the other.
    two.directory.tenant(OTHER).await.unwrap();
    cluster.come(OTHER, &[0, 1]).await;
    two.applied().await;
    one.close().await;
    two.close().await;
}
