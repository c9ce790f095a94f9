//! The road in with a tenant that is flooded, and when whoever applies webhooks dies.

use super::*;
use crate::domain::Wamid;
use crate::store::Op;
use crate::store::op::Announce;

/// A webhook with so many statuses of messages of a tenant.
fn statuses(of: TenantId, first: usize, count: usize) -> Bytes {
    let statuses: Vec<_> = (first..first + count)
        .map(|n| {
            serde_json::json!({
                "id": format!("wamid.out.{of}.{n:06}"), "status": "delivered", "timestamp": "1800000000",
                "recipient_id": "628111111"
            })
        })
        .collect();
    let body = serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "2001", "changes": [{ "field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "1", "phone_number_id": of.get().to_string() },
            "statuses": statuses
        }}]}]
    });
    body.to_string().into()
}

#[actix::test]
async fn a_tenants_flood_of_statuses_delays_neither_another_tenant_nor_its_own_customers() {
    const BRIEF: Duration = Duration::from_millis(500);
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    // So that one flood takes half a minute to be applied.
    *store.delay.lock().unwrap() = Duration::from_millis(20);
    let directory = directory(&store).await;
    let shutdown = Shutdown::default();
    let (intake, applier) = open(parts(&directory), shutdown.clone(), 1).await.unwrap();
    let applying = actix::spawn(applier.run());
    for n in 0..2_000 {
        intake.accept(demo(), statuses(STUCK, 50 * n, 50)).await.unwrap();
    }
    for n in 0..5 {
        intake.accept(demo(), webhook(OTHER, n, 1)).await.unwrap();
        intake.accept(demo(), webhook(STUCK, n, 1)).await.unwrap();
        for tenant in [OTHER, STUCK] {
            until("the message is there", BRIEF, async || {
                texts(&store, tenant).await.len() == n + 1
            })
            .await;
        }
    }
    let left = store.journal_open(None, 2_000).await.unwrap().len();
    assert!(left > 1_000, "the flood is not over: {left} wait");
    shutdown.begin();
    applying.await.unwrap();
}

#[actix::test]
async fn an_applier_that_dies_says_so_and_comes_back_with_everything_that_was_taken() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    let shutdown = Shutdown::default();
    store.deadly_scans.store(3, Ordering::Release);
    let (intake, applier) = open(parts(&directory), shutdown.clone(), 1).await.unwrap();
    let applying = actix::spawn(applier.run());
    intake.accept(demo(), webhook(OTHER, 0, 1)).await.unwrap();
    until("it says so", Duration::from_secs(1), async || {
        intake.applying() == Applying::Died
    })
    .await;
    intake.accept(demo(), webhook(OTHER, 1, 1)).await.unwrap();
    until("both are applied", Duration::from_secs(3), async || {
        texts(&store, OTHER).await == [0, 1]
    })
    .await;
    assert_eq!(intake.applying(), Applying::Runs);
    shutdown.begin();
    applying.await.unwrap();
}

/// One webhook of several.
fn together(bodies: &[Bytes]) -> Bytes {
    let read = |body: &Bytes| -> serde_json::Value { serde_json::from_slice(body).unwrap() };
    let entries: Vec<_> = bodies.iter().map(|body| read(body)["entry"][0].clone()).collect();
    let body = serde_json::json!({ "object": "whatsapp_business_account", "entry": entries });
    body.to_string().into()
}

#[actix::test]
async fn an_element_that_kills_whoever_applies_it_is_put_aside_alone() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    let shutdown = Shutdown::default();
    // Putting nobody's aside panics; one message can never be committed.
    store.deadly_asides.store(1, Ordering::Release);
    *store.spoiled.lock().unwrap() = Wamid::parse(&format!("wamid.{OTHER}.{:06}", 2)).ok();
    let (intake, applier) = open(parts(&directory), shutdown.clone(), 1).await.unwrap();
    let applying = actix::spawn(applier.run());
    let nobodys = webhook(TenantId::new(77), 0, 1);
    let all = together(&[nobodys, webhook(OTHER, 1, 3), webhook(STUCK, 1, 1)]);
    intake.accept(demo(), all).await.unwrap();
    intake.accept(demo(), webhook(OTHER, 4, 1)).await.unwrap();
    until("everything is done", Duration::from_secs(5), async || {
        store.journal_open(None, 1).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(texts(&store, OTHER).await, [1, 3, 4]);
    assert_eq!(texts(&store, STUCK).await, [1]);
    let aside = store
        .quarantined(None, 9, SystemClock::new().now())
        .await
        .unwrap();
    let mut of: Vec<_> = aside
        .iter()
        .map(|item| {
            assert_eq!(item.reason, "poison");
            let body = String::from_utf8(signed::open(&item.body).1.to_vec()).unwrap();
            let (_, rest) = body.split_once("wamid.").unwrap();
            assert!(!rest.contains("wamid."), "more than one: {body}");
            rest.split('"').next().unwrap().to_owned()
        })
        .collect();
    of.sort_unstable();
    let mut expected = [format!("{}.000000", TenantId::new(77)), format!("{OTHER}.000002")];
    expected.sort_unstable();
    assert_eq!(of, expected);
    shutdown.begin();
    applying.await.unwrap();
}

#[actix::test]
async fn webhooks_leave_a_slow_ledger_to_those_who_send() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    *store.delay.lock().unwrap() = Duration::from_millis(300);
    let directory = directory(&store).await;
    let shutdown = Shutdown::default();
    let (intake, applier) = open(parts(&directory), shutdown.clone(), 1).await.unwrap();
    let applying = actix::spawn(applier.run());
    let tenant = directory.tenant(OTHER).await.unwrap();
    let announce = |n: usize| {
        Op::Announce(Announce {
            kind: crate::domain::EventKind::Meta,
            conversation: None,
            data: serde_json::value::to_raw_value(&n).unwrap().into(),
            once: None,
        })
    };
    let callers: Vec<_> = (0..3_000)
        .map(|n| {
            let (ledger, op) = (tenant.ledger.clone(), announce(n));
            actix::spawn(async move { ledger.commit(op).await.map(drop) })
        })
        .collect();
    until("they wait", Duration::from_secs(1), async || {
        tenant.ledger.callers() == 3_000
    })
    .await;
    for n in 0..100 {
        intake.accept(demo(), webhook(OTHER, 50 * n, 50)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let of_the_road_in = tenant.ledger.depth() - tenant.ledger.callers();
    assert!(
        (1..=16).contains(&of_the_road_in),
        "{of_the_road_in} webhooks before them"
    );
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    until("the webhooks are applied", Duration::from_secs(120), async || {
        texts(&store, OTHER).await.len() == 5_000
    })
    .await;
    shutdown.begin();
    applying.await.unwrap();
}
