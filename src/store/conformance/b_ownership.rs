//! B: one writer at a time, and positions without holes.

use super::Backend;
use super::ops;
use super::scene::{DAY_ONE, Scene, TENANT};
use crate::domain::{ContactAliases, Epoch, Fence, Retention, Seq, TenantId};
use crate::store::op::{Op, OpOutcome};
use crate::store::{Append, StoreErrorKind};

pub(super) async fn an_owner_that_was_replaced_cannot_write(backend: impl Backend) {
    let mut old = Scene::of(&backend).await;
    let at = old.says(&["628111111"], 1, "mine").await;
    let mut new = Scene::of(&backend).await;
    let before = new.contents().await;
    let receive = ops::receive(&["628111111"], "w", DAY_ONE, "late");
    let refused = old.offer(vec![receive.into()]).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Fenced);
    let wants = vec![ops::want(at.message, 0)];
    let refused = old
        .store
        .claim(TENANT, old.fence, wants, old.now)
        .await
        .unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Fenced);
    let refused = old
        .store
        .open_tenant(TENANT, old.fence, Epoch::new(1))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Fenced);
    assert_eq!(new.contents().await, before);
    new.hears(&["628111111"], "w", "in time").await;
}

pub(super) async fn owners_that_take_turns_never_both_write(backend: impl Backend) {
    let mut scenes = vec![Scene::of(&backend).await];
    for turn in 0..5 {
        let mut next = Scene::of(&backend).await;
        next.hears(&["628111111"], &format!("w{turn}"), "x").await;
        for old in &mut scenes {
            let kind = old.offer(Vec::new()).await.unwrap_err().kind;
            assert_eq!(kind, StoreErrorKind::Fenced);
        }
        scenes.push(next);
    }
}

pub(super) async fn an_owner_that_looks_again_stays_the_owner(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w", "x").await;
    let at = scene
        .store
        .open_tenant(TENANT, scene.fence, Epoch::new(99))
        .await
        .unwrap();
    assert_eq!((at.head, at.epoch), (scene.head, scene.epoch));
    scene.hears(&["628111111"], "w2", "y").await;
}

pub(super) async fn a_writer_that_never_opened_the_ledger_is_refused(backend: impl Backend) {
    let store = backend.store();
    let batch = |fence| Append {
        tenant: TENANT,
        fence: Fence::new(fence),
        expect_head: Seq::default(),
        now: DAY_ONE,
        retention: Retention::DEFAULT,
        ops: Vec::new(),
    };
    assert_eq!(
        store.append(batch(1)).await.unwrap_err().kind,
        StoreErrorKind::Invalid
    );
    store
        .open_tenant(TENANT, Fence::new(1), Epoch::new(1))
        .await
        .unwrap();
    assert_eq!(
        store.append(batch(2)).await.unwrap_err().kind,
        StoreErrorKind::Invalid
    );
    store.append(batch(1)).await.unwrap();
}

pub(super) async fn a_writer_with_a_wrong_position_changes_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w1", "x").await;
    let before = scene.contents().await;
    for wrong in [0, 2, 99] {
        let batch = Append {
            tenant: TENANT,
            fence: scene.fence,
            expect_head: Seq::new(wrong),
            now: DAY_ONE,
            retention: Retention::DEFAULT,
            ops: vec![ops::receive(&["628111111"], "w2", DAY_ONE, "y").into()],
        };
        let refused = scene.store.append(batch).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::HeadMoved);
    }
    assert_eq!(scene.contents().await, before);
}

pub(super) async fn events_are_numbered_without_holes(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for round in 0..10 {
        let ops: Vec<Op> = (0..round)
            .flat_map(|n| {
                let id = format!("w{round}.{n}");
                let receive = ops::receive(&["628111111"], &id, DAY_ONE, "x");
                // Twice: the second makes no event and takes no number.
                [receive.clone().into(), receive.into()]
            })
            .collect();
        let before = scene.head;
        let appended = scene.offer(ops).await.unwrap();
        let numbers: Vec<u64> = appended.events.iter().map(|event| event.seq.get()).collect();
        let expected: Vec<u64> = (before.get() + 1..=before.get() + round).collect();
        assert_eq!(numbers, expected);
    }
    let page = scene
        .store
        .events_after(TENANT, Seq::default(), 1_000, DAY_ONE)
        .await
        .unwrap();
    let numbers: Vec<u64> = page.events.iter().map(|event| event.seq.get()).collect();
    assert_eq!(numbers, (1..=45).collect::<Vec<u64>>());
    assert_eq!((page.oldest, page.head), (Seq::new(1), Seq::new(45)));
}

pub(super) async fn a_batch_with_one_impossible_op_changes_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w1", "x").await;
    let before = scene.contents().await;
    let mut nameless = ops::receive(&["628111111"], "w3", DAY_ONE, "z");
    nameless.aliases = ContactAliases::default();
    let good = ops::receive(&["628222222"], "w2", DAY_ONE, "y");
    let refused = scene
        .offer(vec![good.clone().into(), nameless.into()])
        .await
        .unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Invalid);
    assert_eq!(scene.contents().await, before);
    let outcome = scene.one(good).await;
    assert!(matches!(outcome, OpOutcome::Committed { seq, .. } if seq == Seq::new(2)));
}

pub(super) async fn writes_that_come_together_fail_alone(backend: impl Backend) {
    let tenants: Vec<TenantId> = (1..=20).map(TenantId::new).collect();
    let mut scenes = Vec::new();
    for tenant in tenants {
        scenes.push(Scene::take_over(backend.store(), tenant).await);
    }
    let writes = scenes.iter_mut().enumerate().map(|(n, scene)| async move {
        let mut receive = ops::receive(&["628111111"], "w", DAY_ONE, "x");
        if n % 2 == 0 {
            receive.aliases = ContactAliases::default();
        }
        scene.offer(vec![receive.into()]).await.is_ok()
    });
    let done = futures_util::future::join_all(writes).await;
    for (n, (scene, done)) in scenes.iter().zip(done).enumerate() {
        assert_eq!(done, n % 2 == 1);
        let rows = scene.contents().await.len();
        assert_eq!(rows > 1, done, "a failed write left rows");
    }
}
