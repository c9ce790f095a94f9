//! Tenants that cannot be started, beside others.

use std::sync::Arc;

use super::*;
use crate::domain::{SendRate, SystemClock, TestClock, Timestamp, WabaId};
use crate::store::directory::AccessToken;
use crate::store::faulty::{FaultyStore, Processes};
use crate::store::{ProcessId, ProcessState};

const BAD: TenantId = TenantId::new(1);
pub(super) const GOOD: TenantId = TenantId::new(2);

async fn directory(store: &Arc<FaultyStore>) -> Arc<Directory> {
    directory_at(store, Arc::new(SystemClock::new())).await
}

/// A directory of two tenants, each with one number that is called as the tenant.
pub(super) async fn directory_at(store: &Arc<FaultyStore>, clock: Arc<dyn Clock>) -> Arc<Directory> {
    for id in [BAD, GOOD] {
        let row = TenantRow::new(id, "a shop", Retention::DEFAULT, clock.now());
        store.put_tenant(row).await.unwrap();
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
    let parts = DirectoryParts::for_tests(store.clone(), clock, vec![actix::Arbiter::current()]);
    Arc::new(Directory::open(parts).await.unwrap())
}

#[actix::test]
async fn a_tenant_that_cannot_be_started_stops_no_other_and_is_tried_again() {
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    *store.unopenable.lock().unwrap() = Some(BAD);
    directory.start_each(vec![BAD, GOOD]).await;
    assert_eq!(directory.missing(), [BAD]);
    let running = directory.running();
    assert_eq!(running.len(), 1, "the other runs");
    assert_eq!(running[0].row.id, GOOD);
    let refused = directory.tenant(BAD).await.unwrap_err();
    assert!(
        matches!(refused, Refusal::Unavailable { retry_after: Some(_) }),
        "the store is not asked again at once: {refused:?}"
    );
    *store.unopenable.lock().unwrap() = None;
    while !directory.missing().is_empty() {
        directory.revive().await;
        tokio::task::yield_now().await;
    }
    assert_eq!(directory.running().len(), 2);
}

#[actix::test]
async fn a_start_that_hangs_keeps_nobody_waiting_who_wants_another_tenant() {
    tokio::time::pause();
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    *store.hangs.lock().unwrap() = Some(BAD);
    let hanging = actix::spawn({
        let directory = Arc::clone(&directory);
        async move { directory.tenant(BAD).await.map(drop) }
    });
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    directory.tenant(GOOD).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1));
    let refused = hanging.await.unwrap();
    assert!(matches!(refused, Err(Refusal::Unavailable { .. })), "{refused:?}");
    assert_eq!(directory.missing(), [BAD]);
}

#[actix::test]
async fn a_tenant_that_nobody_needs_is_not_started() {
    let store = Arc::new(FaultyStore::default());
    let directory = directory(&store).await;
    directory.start_due().await.unwrap();
    assert!(
        directory.running().is_empty(),
        "nothing of theirs waits to be sent"
    );
}

/// A number that a tenant has beside the one that is called as the tenant.
fn second_number(tenant: TenantId, token: &str) -> Number {
    Number {
        id: PhoneNumberId::parse("77").unwrap(),
        tenant,
        waba: WabaId::parse("2001").unwrap(),
        display: "+1".to_owned(),
        rate: SendRate::STANDARD,
        access_token: AccessToken::new(token),
        app: None,
    }
}

#[actix::test]
async fn a_number_that_another_process_adds_or_changes_is_taken_over() {
    let store = Arc::new(FaultyStore::default());
    let here = directory(&store).await;
    here.tenant(GOOD).await.unwrap();
    let other = PhoneNumberId::parse("77").unwrap();
    here.read_numbers_again().await.unwrap();
    assert_eq!(here.owner(&other), None);
    // Another process on the same store.
    for token in ["secret-1", "secret-2"] {
        store.put_number(second_number(GOOD, token)).await.unwrap();
        here.read_numbers_again().await.unwrap();
        assert_eq!(here.owner(&other), Some(GOOD));
        let lanes = here.tenant(GOOD).await.unwrap().lanes;
        assert!(lanes[&other].knows(&second_number(GOOD, token)));
    }
    assert_eq!(here.numbers(GOOD).await.unwrap().len(), 2);
}

/// Waits until so many reads of numbers began, of which the last waits at the gate.
async fn reads_begin(store: &FaultyStore, reads: usize) {
    while store.number_reads.load(Ordering::Acquire) < reads {
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn a_token_that_changes_while_numbers_are_read_again_does_not_go_back() {
    // The change comes when all numbers were read, and when the one was read once more.
    for reads_before in [1, 2] {
        let store = Arc::new(FaultyStore::default());
        let here = directory(&store).await;
        here.tenant(GOOD).await.unwrap();
        store.put_number(second_number(GOOD, "secret-1")).await.unwrap();
        let before = store.number_reads.load(Ordering::Acquire);
        let mut gate = store.number_gate.lock().await;
        let reading = actix::spawn({
            let here = Arc::clone(&here);
            async move { here.read_numbers_again().await }
        });
        reads_begin(&store, before + 1).await;
        for read in 2..=reads_before {
            drop(gate);
            // Whoever waits for it has it first.
            gate = store.number_gate.lock().await;
            reads_begin(&store, before + read).await;
        }
        let changed = second_number(GOOD, "secret-2");
        store.put_number(changed.clone()).await.unwrap();
        let changing = actix::spawn({
            let (here, changed) = (Arc::clone(&here), changed.clone());
            async move { here.number_changed(changed).await }
        });
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        drop(gate);
        reading.await.unwrap().unwrap();
        changing.await.unwrap();
        let lanes = here.tenant(GOOD).await.unwrap().lanes;
        assert!(
            lanes[&changed.id].knows(&changed),
            "after {reads_before} reads an older token came back"
        );
    }
}

const ONE: ProcessId = ProcessId::new(1);
const TWO: ProcessId = ProcessId::new(2);

#[actix::test]
async fn a_tenant_that_another_living_process_took_is_left_to_it_until_somebody_asks_for_it_here() {
    let (processes, inner) = (Arc::<Processes>::default(), Arc::default());
    let clock = TestClock::at(Timestamp::from_secs(1_790_000_000));
    let store = |process| Arc::new(FaultyStore::of_process(process, &processes, &inner));
    let here = directory_at(&store(ONE), Arc::new(clock.clone())).await;
    let there = directory_at(&store(TWO), Arc::new(clock.clone())).await;
    let ours = here.tenant(GOOD).await.unwrap();
    assert_eq!(there.elsewhere(GOOD).await, Ok(Some(ONE)));
    // Somebody asks for it there.
    there.tenant(GOOD).await.unwrap();
    assert!(ours.ledger.pass().await.is_err());
    while !ours.is_dead() {
        tokio::task::yield_now().await;
    }
    drop(ours);
    for _ in 0..3 {
        here.revive().await;
        clock.advance(Duration::from_secs(6));
    }
    assert_eq!(processes.owners_in_turn(GOOD), [ONE, TWO]);
    assert!(here.running().is_empty() && here.missing().is_empty());
    assert_eq!(here.elsewhere(GOOD).await, Ok(Some(TWO)));
    assert_eq!(there.elsewhere(GOOD).await, Ok(None));
    // Somebody asks for it here again.
    here.tenant(GOOD).await.unwrap();
    assert_eq!(processes.owners_in_turn(GOOD), [ONE, TWO, ONE]);
}

#[actix::test]
async fn a_dead_tenant_is_started_again_once_what_its_dead_owner_left_is_listed() {
    let (processes, inner) = (Arc::<Processes>::default(), Arc::default());
    let clock = TestClock::at(Timestamp::from_secs(1_790_000_000));
    let store = |process| Arc::new(FaultyStore::of_process(process, &processes, &inner));
    let here = directory_at(&store(ONE), Arc::new(clock.clone())).await;
    let there = directory_at(&store(TWO), Arc::new(clock.clone())).await;
    let ours = here.tenant(GOOD).await.unwrap();
    here.look_at_others(ProcessState::Serving).await;
    there.tenant(GOOD).await.unwrap();
    assert!(ours.ledger.pass().await.is_err());
    while !ours.is_dead() {
        tokio::task::yield_now().await;
    }
    drop(ours);
    clock.advance(Duration::from_secs(6));
    here.look_at_others(ProcessState::Serving).await;
    processes.kill(TWO);
    for look in [Look::SomebodyGone, Look::NobodyGone] {
        here.revive().await;
        assert_eq!(processes.owners_in_turn(GOOD), [ONE, TWO]);
        assert_eq!(here.look_at_others(ProcessState::Serving).await, look);
    }
    let gone = here.gone_and_unlisted();
    assert!(gone.iter().all(|departure| departure.process == TWO) && gone.len() == 1);
    here.listed(&gone);
    here.revive().await;
    assert_eq!(processes.owners_in_turn(GOOD), [ONE, TWO, ONE]);
    assert_eq!(here.running().len(), 1);
}
