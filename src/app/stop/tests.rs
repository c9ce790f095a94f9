use super::*;
use crate::actors::DirectoryParts;
use crate::actors::request::Refusal;
use crate::domain::{Clock, PhoneNumberId, Retention, SendRate, SystemClock, TenantId, WabaId};
use crate::store::directory::AccessToken;
use crate::store::memory::MemoryStore;
use crate::store::{Number, Store, Tenant};

const RUNS: TenantId = TenantId::new(7);
const SLEEPS: TenantId = TenantId::new(8);

async fn directory() -> Arc<Directory> {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(SystemClock::new()));
    for id in [RUNS, SLEEPS] {
        let tenant = Tenant::new(id, "a shop", Retention::DEFAULT, clock.now());
        store.put_tenant(tenant).await.unwrap();
        let number = Number {
            id: PhoneNumberId::parse(&id.get().to_string()).unwrap(),
            tenant: id,
            waba: WabaId::parse("2001").unwrap(),
            display: "+1".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("secret-1"),
            app: None,
        };
        store.put_number(number).await.unwrap();
    }
    let parts = DirectoryParts::for_tests(store, clock, vec![actix::Arbiter::current()]);
    Arc::new(Directory::open(parts).await.unwrap())
}

#[actix::test]
async fn nobody_starts_a_lane_again_that_has_ended_for_good() {
    let directory = directory().await;
    directory.tenant(RUNS).await.unwrap();
    assert_eq!(drain_lanes(&directory).await, 0);
    let known = directory.tenant(RUNS).await.unwrap();
    assert!(known.lanes.values().all(|lane| !lane.is_connected()));
    assert!(
        known.ledger.is_connected(),
        "what is under way is still committed"
    );
    let added = Number {
        id: PhoneNumberId::parse("70").unwrap(),
        ..directory.numbers(RUNS).await.unwrap().remove(0)
    };
    directory.number_changed(added).await;
    assert_eq!(directory.tenant(RUNS).await.unwrap().lanes.len(), 1);
    assert!(matches!(
        directory.tenant(SLEEPS).await,
        Err(Refusal::Unavailable { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_than_its_time_is_counted_and_holds_up_nothing_else() {
    let times = [1, 7, 9, 3_600].map(|secs| tokio::time::sleep(Duration::from_secs(secs)));
    let began = tokio::time::timeout(Duration::from_millis(8_001), late(times.into_iter(), CALLS));
    assert_eq!(began.await, Ok(2));
}
