//! Several gateways on one store: a webhook moves no tenant from one that lives to another, whichever takes it in.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::*;
use crate::actors::directory::Look;
use crate::store::ProcessId;
use crate::store::faulty::Processes;
use crate::store::memory::MemoryStore;

const ONE: ProcessId = ProcessId::new(1);
const TWO: ProcessId = ProcessId::new(2);
/// How soon a webhook is applied that another gateway took in.
const SOON: Duration = Duration::from_secs(2);

/// A store, and those who use it.
#[derive(Default)]
struct Cluster {
    inner: Arc<MemoryStore>,
    processes: Arc<Processes>,
}

impl Cluster {
    /// Starts a gateway.
    async fn gateway(&self, process: ProcessId) -> Road {
        let store = FaultyStore::of_process(process, &self.processes, &self.inner);
        Road::over(Arc::new(store), &["demo"], process).await
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
        roads[n % 2]
            .intake
            .accept(demo(), webhook(OTHER, n, 1))
            .await
            .unwrap();
        let all: Vec<usize> = (0..=n).collect();
        cluster.come(OTHER, &all).await;
        slowest = slowest.max(began.elapsed());
    }
    // Now all at once, both kinds.
    for n in 40..100 {
        roads[n % 2]
            .intake
            .accept(demo(), webhook(OTHER, n, 1))
            .await
            .unwrap();
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
    one.directory.look_at_others().await;
    two.directory.look_at_others().await;
    // Both have read the journal by then.
    tokio::time::sleep(SOON).await;
    one.intake.accept(demo(), webhook(OTHER, 0, 1)).await.unwrap();
    cluster.come(OTHER, &[0]).await;
    // It still takes webhooks, and applies nothing more.
    one.shutdown.begin();
    tokio::time::sleep(SOON).await;
    one.intake.accept(demo(), webhook(OTHER, 1, 1)).await.unwrap();
    two.intake.accept(demo(), webhook(OTHER, 2, 1)).await.unwrap();
    tokio::time::sleep(SOON).await;
    assert_eq!(cluster.processes.unread(ONE), 1);
    assert_eq!(cluster.texts(OTHER).await, [0]);
    crash(one, &cluster.processes, ONE).await;
    // Nobody knows yet that it is gone.
    two.intake.accept(demo(), webhook(OTHER, 3, 1)).await.unwrap();
    tokio::time::sleep(SOON * 2).await;
    assert_eq!(cluster.texts(OTHER).await, [0]);
    assert_eq!(two.directory.look_at_others().await, Look::SomebodyGone);
    two.intake.accept(demo(), webhook(OTHER, 4, 1)).await.unwrap();
    cluster.come(OTHER, &[0, 1, 2, 3, 4]).await;
    assert_eq!(cluster.texts(OTHER).await, [0, 1, 2, 3, 4], "in order");
    assert_eq!(cluster.processes.owners_in_turn(OTHER), [ONE, TWO]);
    two.applied().await;
    two.close().await;
}

#[actix::test]
async fn what_a_dead_gateway_took_in_is_applied_although_no_webhook_comes_any_more() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    two.directory.look_at_others().await;
    one.shutdown.begin();
    tokio::time::sleep(SOON).await;
    one.intake.accept(demo(), webhook(STUCK, 7, 1)).await.unwrap();
    crash(one, &cluster.processes, ONE).await;
    two.directory.look_at_others().await;
    cluster.come(STUCK, &[7]).await;
    two.applied().await;
    two.close().await;
}

#[actix::test]
async fn a_webhook_that_cannot_be_left_to_its_owner_yet_is_left_later_and_holds_up_nobody_else() {
    tokio::time::pause();
    let cluster = Cluster::default();
    let (one, two) = (cluster.gateway(ONE).await, cluster.gateway(TWO).await);
    one.intake.accept(demo(), webhook(OTHER, 0, 1)).await.unwrap();
    cluster.come(OTHER, &[0]).await;
    two.store.untold.store(3, Ordering::Release);
    two.intake.accept(demo(), webhook(OTHER, 1, 1)).await.unwrap();
    two.intake.accept(demo(), webhook(OTHER, 2, 1)).await.unwrap();
    two.intake.accept(demo(), webhook(STUCK, 0, 1)).await.unwrap();
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
    one.intake.accept(demo(), webhook(STUCK, 0, 1)).await.unwrap();
    two.intake.accept(demo(), webhook(OTHER, 0, 1)).await.unwrap();
    cluster.come(STUCK, &[0]).await;
    cluster.come(OTHER, &[0]).await;
    for (n, road) in [&one, &two, &one, &two].into_iter().enumerate() {
        road.intake.accept(demo(), webhook_of_two(n + 1)).await.unwrap();
        // Right behind it: what is split off goes first.
        road.intake
            .accept(demo(), webhook(STUCK, 10 + n, 1))
            .await
            .unwrap();
    }
    // Both have a number in the account.
    for road in [&one, &two] {
        road.intake.accept(demo(), account()).await.unwrap();
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
