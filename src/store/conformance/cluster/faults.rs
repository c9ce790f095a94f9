//! When answers are lost: what is written is written once, and nobody is told otherwise.

use std::sync::Arc;
use std::time::Duration;

use super::proxy::{Fault, Proxy};
use super::{Keyspace, options, server};
use crate::domain::{Retention, Seq, SystemClock};
use crate::store::conformance::contents::Family;
use crate::store::conformance::scene::{Scene, TENANT};
use crate::store::conformance::{Backend as _, Memory, ops};
use crate::store::row::ClaimOutcome;
use crate::store::scylla::ScyllaStore;
use crate::store::{RetentionJob, Store, StoreErrorKind, Tenant};

/// Every commit record begins so, and no other request holds it.
const COMMIT: &str = "{\"stamp\":";
/// More often than the store tries.
const ALWAYS: usize = 1_000;

/// A store behind a proxy, and one that goes round it.
struct Stage {
    proxy: Proxy,
    spoiled: Arc<dyn Store>,
    sound: Arc<dyn Store>,
    _keyspace: Keyspace,
}

impl Stage {
    fn set() -> Self {
        let keyspace = Keyspace::take();
        let proxy = Proxy::start();
        let sound = options(keyspace.name());
        let mut spoiled = sound.clone();
        spoiled.contact_points = vec![proxy.address().to_owned()];
        spoiled.deadlines.interactive = Duration::from_secs(1);
        spoiled.deadlines.write = Duration::from_millis(400);
        spoiled.deadlines.conditional = Duration::from_millis(600);
        let open = |options| {
            let clock = Arc::new(SystemClock::new());
            server::run(async move { ScyllaStore::open(&options, clock).await }).unwrap()
        };
        Self {
            proxy,
            spoiled: Arc::new(open(spoiled)),
            sound: Arc::new(open(sound)),
            _keyspace: keyspace,
        }
    }

    async fn scene(&self) -> Scene {
        Scene::take_over(Arc::clone(&self.spoiled), TENANT).await
    }

    /// What stands there, by whoever takes the ledger next without the proxy.
    async fn after(&self) -> Scene {
        Scene::take_over(Arc::clone(&self.sound), TENANT).await
    }
}

/// Rows of one kind in a contents.
fn rows(contents: &[(bytes::Bytes, bytes::Bytes)], family: Family) -> usize {
    contents.iter().filter(|(key, _)| family.names(key)).count()
}

/// Where the ledger stands, as soon as the driver is connected again.
async fn reopened(scene: &Scene) -> Seq {
    let mut tries = 0;
    loop {
        match scene.store.open_tenant(TENANT, scene.fence, scene.epoch).await {
            Ok(at) => return at.head,
            Err(error) if error.is_retryable() && tries < 50 => tries += 1,
            Err(error) => panic!("{error} after {tries} tries"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_out_and_counts_once() {
    for fault in [Fault::LoseAnswer, Fault::CutAfter, Fault::CutBefore] {
        let stage = Stage::set();
        let mut scene = stage.scene().await;
        scene.hears(&["628111111"], "w1", "before").await;
        stage.proxy.spoil(COMMIT, fault, 1);
        let at = scene.hears(&["628111111"], "w2", "spoiled").await;
        assert_eq!(stage.proxy.hits(), 1, "{fault:?}: the proxy is not in the way");
        scene.hears(&["628111111"], "w3", "after").await;
        assert_eq!(scene.head.get(), 3, "{fault:?}");
        let before = scene.contents().await;
        let after = stage.after().await;
        assert_eq!(after.contents().await, before, "{fault:?}");
        assert_eq!(after.texts(at).await.len(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_granted_to_one() {
    let stage = Stage::set();
    let mut scene = stage.scene().await;
    let at = scene.says(&["628111111"], 1, "x").await;
    stage.proxy.spoil(COMMIT, Fault::LoseAnswer, 1);
    let wants = vec![ops::want(at.message, 0)];
    let first = scene
        .store
        .claim(TENANT, scene.fence, wants.clone(), scene.now)
        .await
        .unwrap();
    assert!(
        matches!(first.as_slice(), [ClaimOutcome::Granted(_)]),
        "{first:?}"
    );
    assert_eq!(stage.proxy.hits(), 1);
    let second = scene
        .store
        .claim(TENANT, scene.fence, wants, scene.now)
        .await
        .unwrap();
    assert!(matches!(second.as_slice(), [ClaimOutcome::Refused]), "{second:?}");
    assert_eq!(stage.after().await.outbox().await[0].attempt, 1);
}

#[tokio::test]
async fn a_commit_that_nobody_can_tell_of_is_said_to_be_unknown_and_is_whole_or_absent() {
    for fault in [Fault::LoseAnswer, Fault::CutBefore] {
        let stage = Stage::set();
        let mut scene = stage.scene().await;
        stage.proxy.spoil(COMMIT, fault, ALWAYS);
        let receive = ops::receive(&["628111111"], "w", scene.now, "x");
        let answer = scene.offer(vec![receive.clone().into()]).await;
        stage.proxy.heal();
        // Carried out, its stamp is seen by the serial read that follows. Never passed on, it stays unknown.
        match (fault, answer) {
            (Fault::LoseAnswer, Ok(_)) => {}
            (Fault::CutBefore, Err(error)) => assert_eq!(error.kind, StoreErrorKind::Unknown, "{error}"),
            (_, other) => panic!("{fault:?}: {other:?}"),
        }
        let at = scene
            .store
            .open_tenant(TENANT, scene.fence, scene.epoch)
            .await
            .unwrap();
        scene.head = at.head;
        scene.one(receive).await;
        assert_eq!(scene.head.get(), 1, "{fault:?}: it counts once");
        let contents = stage.after().await.contents().await;
        assert_eq!(
            (
                rows(&contents, Family::Event),
                rows(&contents, Family::Message),
                rows(&contents, Family::Seen)
            ),
            (1, 1, 1),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn rows_that_were_not_written_after_their_commit_are_written_by_the_next_owner() {
    let stage = Stage::set();
    let mut scene = stage.scene().await;
    let first = scene.hears(&["628111111"], "w1", "one").await;
    stage.proxy.fall_silent_after(COMMIT);
    let receive = ops::receive(&["628111111"], "w2", scene.now, "two");
    let unknown = scene.offer(vec![receive.into()]).await.unwrap_err();
    assert_eq!(unknown.kind, StoreErrorKind::Unknown, "{unknown}");
    // Nobody wrote its rows; the commit record has them.
    let seen = stage
        .sound
        .page_messages(TENANT, first.conversation, None, 9, scene.now)
        .await
        .unwrap();
    assert_eq!(
        seen.items.len(),
        1,
        "the rows were written after all: the test shows nothing"
    );
    let after = stage.after().await;
    assert_eq!(after.head.get(), 2);
    assert_eq!(after.texts(first).await, ["two", "one"]);
    let contents = after.contents().await;
    assert_eq!(
        (
            rows(&contents, Family::Event),
            rows(&contents, Family::Message),
            rows(&contents, Family::Seen)
        ),
        (2, 2, 2)
    );
}

/// Six messages, thirty days apart, of which a shorter retention leaves one.
async fn shortened(scene: &mut Scene) {
    for n in 0..6 {
        scene.hears(&["628111111"], &format!("w{n}"), "x").await;
        scene.later(Duration::from_secs(30 * 86_400));
    }
    let to = Retention::days(31).unwrap();
    let job = RetentionJob::new(TENANT, ops::RETENTION, to, scene.now);
    let tenant = Tenant::new(TENANT, "Toko Maju", to, scene.now);
    scene.store.begin_retention(tenant, job).await.unwrap();
}

/// Steps until all is done.
async fn finished(scene: &Scene) -> RetentionJob {
    loop {
        let job = scene.store.step_retention(TENANT, scene.now, 2).await;
        let job = job.unwrap().unwrap();
        if job.finished.is_some() {
            return job;
        }
    }
}

#[tokio::test]
async fn a_step_of_a_change_whose_owner_dies_after_its_commit_is_ended_by_the_next_and_counts_once() {
    let stage = Stage::set();
    let mut scene = stage.scene().await;
    shortened(&mut scene).await;
    stage.proxy.fall_silent_after(COMMIT);
    let unknown = scene.store.step_retention(TENANT, scene.now, 2).await;
    assert_eq!(unknown.unwrap_err().kind, StoreErrorKind::Unknown);
    let jobs = stage.sound.retention_jobs().await.unwrap();
    assert_eq!(
        jobs[0].messages, 0,
        "the rows were written after all: the test shows nothing"
    );
    let mut after = stage.after().await;
    after.now = scene.now;
    let job = finished(&after).await;
    assert_eq!((job.messages, job.removed, job.moved), (6, 5, 1));
    let model = Memory::open();
    let mut other = Scene::of(&model).await;
    shortened(&mut other).await;
    finished(&other).await;
    assert_eq!(after.contents().await, other.contents().await);
}

#[tokio::test]
async fn a_commit_that_arrives_after_its_owner_gave_up_changes_nothing() {
    let stage = Stage::set();
    let mut scene = stage.scene().await;
    scene.hears(&["628111111"], "w1", "one").await;
    // On its way for longer than anybody waits.
    stage.proxy.spoil(COMMIT, Fault::Hold, ALWAYS);
    let receive = ops::receive(&["628111111"], "w2", scene.now, "late");
    let unknown = scene.offer(vec![receive.into()]).await.unwrap_err();
    assert_eq!(unknown.kind, StoreErrorKind::Unknown, "{unknown}");
    assert!(stage.proxy.hits() > 1, "it was offered again");
    stage.proxy.heal();
    let mut next = stage.after().await;
    assert_eq!(next.head.get(), 1);
    let before = next.contents().await;
    stage.proxy.release();
    // Whatever was on its way is there before this, on connections that answer in order of their work.
    for n in 0..20 {
        assert!(next.commit(Vec::new()).await.is_empty(), "{n}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(next.contents().await, before);
    next.hears(&["628111111"], "w3", "on it goes").await;
    assert_eq!(next.head.get(), 2);
    let kind = scene.offer(Vec::new()).await.unwrap_err().kind;
    assert_eq!(kind, StoreErrorKind::Fenced);
}

#[tokio::test]
async fn a_commit_that_arrives_after_its_owner_looked_again_changes_nothing() {
    let stage = Stage::set();
    let mut scene = stage.scene().await;
    scene.hears(&["628111111"], "w1", "one").await;
    stage.proxy.spoil(COMMIT, Fault::Hold, ALWAYS);
    let receive = ops::receive(&["628111111"], "w2", scene.now, "late");
    let unknown = scene.offer(vec![receive.clone().into()]).await.unwrap_err();
    assert_eq!(unknown.kind, StoreErrorKind::Unknown, "{unknown}");
    stage.proxy.heal();
    // The same owner, with the same fence: looking bars what is still on its way.
    scene.head = reopened(&scene).await;
    assert_eq!(scene.head.get(), 1);
    stage.proxy.release();
    for _ in 0..20 {
        scene.commit(Vec::new()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.one(receive).await;
    assert_eq!(scene.head.get(), 2);
    let contents = stage.after().await.contents().await;
    assert_eq!(
        (rows(&contents, Family::Event), rows(&contents, Family::Message)),
        (2, 2)
    );
}

#[tokio::test]
async fn calls_beyond_the_bound_are_refused_at_once() {
    let keyspace = Keyspace::take();
    let mut few = options(keyspace.name());
    few.in_flight = 2;
    let clock = Arc::new(SystemClock::new());
    let store = server::run(async move { ScyllaStore::open(&few, clock).await }).unwrap();
    let calls = (0..20).map(|_| store.tenants());
    let answers = futures_util::future::join_all(calls).await;
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused.len(), 18);
    for error in refused {
        assert_eq!(error.kind, StoreErrorKind::Overloaded);
        assert!(error.retry_after.is_some());
    }
    store.tenants().await.unwrap();
}
