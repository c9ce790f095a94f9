//! E: one claim, one call.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::{DeliveryState, MessageId, TenantId};
use crate::store::row::{ClaimOutcome, ClaimWant, OutboxState};

fn granted(outcomes: &[ClaimOutcome]) -> impl Iterator<Item = MessageId> {
    outcomes.iter().filter_map(|outcome| match outcome {
        ClaimOutcome::Granted(claimed) => Some(claimed.row.at.message),
        ClaimOutcome::OptedOut
        | ClaimOutcome::ContactIsMinor
        | ClaimOutcome::Blocked
        | ClaimOutcome::Halted(_)
        | ClaimOutcome::BroadcastCancelled
        | ClaimOutcome::Refused => None,
    })
}

pub(super) async fn a_tenant_with_something_to_send_is_found(backend: impl Backend) {
    let row = |id| {
        crate::store::Tenant::new(
            id,
            "a shop",
            crate::domain::Retention::DEFAULT,
            crate::domain::Timestamp::from_secs(1),
        )
    };
    for id in [TENANT, TenantId::new(0x0100)] {
        backend.store().put_tenant(row(id)).await.unwrap();
    }
    let mut scene = Scene::of(&backend).await;
    let mut said = Vec::new();
    for tail in 0..3 {
        said.push(scene.says(&["628111111"], tail, "x").await);
    }
    let found = scene.store.tenants_with_outbox().await.unwrap();
    assert_eq!(found, [TENANT], "once, however much it is, and nobody else");
    for at in said {
        scene.one(ops::withdraw(at, DeliveryState::Cancelled)).await;
    }
    let found = scene.store.tenants_with_outbox().await.unwrap();
    assert!(found.is_empty(), "nothing is left to send");
}

pub(super) async fn of_sixteen_who_want_the_same_one_gets_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut messages = Vec::new();
    for tail in 0..40 {
        messages.push(scene.says(&["628111111"], tail, "x").await.message);
    }
    let mut chance = fastrand::Rng::with_seed(6);
    let claimers = (0..16).map(|_| {
        let mut wants: Vec<ClaimWant> = messages.iter().map(|id| ops::want(*id, 0)).collect();
        chance.shuffle(&mut wants);
        let scene = &scene;
        async move {
            let mut mine = Vec::new();
            for some in wants.chunks(3) {
                let outcomes = scene
                    .store
                    .claim(TENANT, scene.fence, some.to_vec(), scene.now)
                    .await;
                mine.extend(granted(&outcomes.unwrap()));
            }
            mine
        }
    });
    let mut grants: HashMap<MessageId, usize> = HashMap::new();
    for id in join_all(claimers).await.into_iter().flatten() {
        *grants.entry(id).or_default() += 1;
    }
    assert_eq!(grants.len(), 40);
    assert!(grants.values().all(|count| *count == 1));
}

pub(super) async fn a_claim_names_the_call_and_marks_the_row(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.says(&["628111111"], 1, "x").await;
    let wants = vec![ops::want(at.message, 0), ops::want(at.message, 0)];
    let outcomes = scene
        .store
        .claim(TENANT, scene.fence, wants, scene.now)
        .await
        .unwrap();
    let [ClaimOutcome::Granted(claimed), ClaimOutcome::Refused] = outcomes.as_slice() else {
        panic!("{outcomes:?}");
    };
    assert_eq!(claimed.token, ops::token(TENANT, at, 1));
    assert_eq!(
        (claimed.row.state, claimed.row.attempt),
        (OutboxState::Claimed, 1)
    );
    let row = scene.outbox().await.pop().unwrap();
    assert_eq!(
        (row.state, row.attempt, row.since),
        (OutboxState::Claimed, 1, scene.now)
    );
}

pub(super) async fn what_was_taken_back_is_not_claimed(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.says(&["628111111"], 1, "x").await;
    scene.one(ops::withdraw(at, DeliveryState::Cancelled)).await;
    assert!(!scene.claims(at.message, 0).await);
    assert_eq!(scene.state(at).await, DeliveryState::Cancelled);
}

pub(super) async fn a_claim_and_a_cancellation_cannot_both_win(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for tail in 0..20 {
        let at = scene.says(&["628111111"], tail, "x").await;
        let wants = vec![ops::want(at.message, 0)];
        let (store, fence, now) = (scene.store.clone(), scene.fence, scene.now);
        let claim = store.claim(TENANT, fence, wants, now);
        let cancel = scene.one(ops::withdraw(at, DeliveryState::Cancelled));
        let (claimed, cancelled) = if tail % 2 == 0 {
            futures_util::future::join(claim, cancel).await
        } else {
            let (cancelled, claimed) = futures_util::future::join(cancel, claim).await;
            (claimed, cancelled)
        };
        let claimed = granted(&claimed.unwrap()).count() == 1;
        let cancelled = matches!(cancelled, crate::store::OpOutcome::Committed { .. });
        assert!(claimed != cancelled);
    }
}

pub(super) async fn nothing_is_claimed_before_it_is_due_or_when_it_is_too_late(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let due = scene.now.after(Duration::from_secs(60));
    let until = scene.now.after(Duration::from_secs(90));
    let mut submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 1), "x");
    submit.delivery.send_at = Some(due);
    submit.delivery.valid_until = Some(until);
    let at = scene.place(submit).await;
    scene.later(Duration::from_millis(59_999));
    assert!(!scene.claims(at.message, 0).await);
    scene.later(Duration::from_millis(30_002));
    assert!(!scene.claims(at.message, 0).await);
    scene.now = due;
    assert!(scene.claims(at.message, 0).await);
}

pub(super) async fn a_lane_that_knows_another_attempt_is_refused(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.says(&["628111111"], 1, "x").await;
    assert!(!scene.claims(at.message, 1).await);
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(TENANT, at, 1);
    let result = crate::store::op::AttemptResult::NotAccepted {
        retry_at: scene.now,
        error: None,
    };
    scene.one(ops::attempted(token, scene.now, result)).await;
    assert!(!scene.claims(at.message, 0).await);
    assert!(scene.claims(at.message, 1).await);
}

pub(super) async fn a_new_owner_in_the_middle_ends_the_old_ones_claims(backend: impl Backend) {
    let mut old = Scene::of(&backend).await;
    let mut messages = Vec::new();
    for tail in 0..10 {
        messages.push(old.says(&["628111111"], tail, "x").await.message);
    }
    let mut by_old = Vec::new();
    for id in &messages[..5] {
        by_old.push(old.claims(*id, 0).await);
    }
    let new = Scene::of(&backend).await;
    let wants: Vec<_> = messages.iter().map(|id| ops::want(*id, 0)).collect();
    assert!(
        old.store
            .claim(TENANT, old.fence, wants.clone(), old.now)
            .await
            .is_err()
    );
    let outcomes = new.store.claim(TENANT, new.fence, wants, new.now).await.unwrap();
    assert!(by_old.iter().all(|granted| *granted));
    assert_eq!(granted(&outcomes).collect::<Vec<_>>(), messages[5..]);
}

pub(super) async fn lanes_of_numbers_whose_names_begin_alike_are_apart(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut expected = Vec::new();
    for (tail, number) in [(3, "1"), (1, "1"), (2, "10"), (4, "1-"), (5, "1")] {
        let mut submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, tail), "x");
        submit.number = ops::number(number);
        scene.place(submit).await;
        if number == "1" {
            expected.push(tail);
        }
    }
    expected.sort_unstable();
    let ids: Vec<MessageId> = expected.iter().map(|tail| ops::id(scene.now, *tail)).collect();
    let found: Vec<MessageId> = scene.outbox().await.iter().map(|row| row.at.message).collect();
    assert_eq!(found, ids);
    let number = ops::number("1");
    let rest = scene.store.outbox(TENANT, number, Some(ids[0]), 1).await.unwrap();
    assert_eq!(
        rest.iter().map(|row| row.at.message).collect::<Vec<_>>(),
        ids[1..2]
    );
}
