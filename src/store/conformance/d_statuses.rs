//! D: statuses in any order, any number of times, end in the same state.

use super::Backend;
use super::ops;
use super::scene::Scene;
use crate::domain::{Delivery, DeliveryState};
use crate::store::op::{Op, ReportTarget};
use crate::store::row::MessageRef;

/// All that may be told about one message that was claimed.
fn tellings(scene: &Scene, at: MessageRef, id: &str) -> Vec<Op> {
    let token = ops::token(scene.tenant, at, 1);
    let by_token = ReportTarget::Token(token);
    let time = |seconds: u64| scene.now.after(std::time::Duration::from_secs(seconds));
    vec![
        ops::attempted(token, time(1), ops::accepted(id)),
        ops::reported(by_token.clone(), id, DeliveryState::Sent, time(2)),
        ops::reported(by_token.clone(), id, DeliveryState::Delivered, time(3)),
        ops::reported(by_token.clone(), id, DeliveryState::Read, time(4)),
        ops::reported(by_token, id, DeliveryState::Delivered, time(9)),
    ]
}

async fn claimed(scene: &mut Scene, tail: u64) -> MessageRef {
    let at = scene.says(&["628111111"], tail, "x").await;
    assert!(scene.claims(at.message, 0).await);
    at
}

fn same(one: &Delivery, other: &Delivery) -> bool {
    (one.state, one.times, one.attempts) == (other.state, other.times, other.attempts)
}

pub(super) async fn any_order_and_repetition_gives_one_result(backend: impl Backend) {
    let mut chance = fastrand::Rng::with_seed(4);
    let mut scene = Scene::of(&backend).await;
    let first = claimed(&mut scene, 0).await;
    let all = tellings(&scene, first, "m0");
    scene.commit(all).await;
    let expected = scene.message(first).await.unwrap().delivery.unwrap();
    assert_eq!(expected.state, DeliveryState::Read);
    for round in 1..120 {
        let at = claimed(&mut scene, round).await;
        let mut told = tellings(&scene, at, &format!("m{round}"));
        let repeated: Vec<Op> = (0..chance.usize(0..4))
            .map(|_| told[chance.usize(0..told.len())].clone())
            .collect();
        told.extend(repeated);
        chance.shuffle(&mut told);
        // Now together, now one by one.
        if round % 2 == 0 {
            scene.commit(told.clone()).await;
        } else {
            for op in told.clone() {
                scene.one(op).await;
            }
        }
        let found = scene.message(at).await.unwrap().delivery.unwrap();
        assert!(same(&found, &expected), "{found:?} after {told:?}");
        let waits = scene.outbox().await.iter().any(|row| row.at == at);
        assert!(!waits, "settled, and yet in the outbox after {told:?}");
    }
}

pub(super) async fn a_state_shown_never_goes_back(backend: impl Backend) {
    let mut chance = fastrand::Rng::with_seed(5);
    let mut scene = Scene::of(&backend).await;
    for round in 0..60 {
        let at = claimed(&mut scene, round).await;
        let mut told = tellings(&scene, at, &format!("m{round}"));
        chance.shuffle(&mut told);
        let mut shown = scene.state(at).await;
        for op in told {
            scene.one(op).await;
            let now = scene.state(at).await;
            assert!(now >= shown, "{shown:?} became {now:?}");
            shown = now;
        }
    }
}

pub(super) async fn a_status_that_overtakes_the_answer_settles_the_message(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = claimed(&mut scene, 1).await;
    let token = ops::token(scene.tenant, at, 1);
    let told = ops::reported(
        ReportTarget::Token(token),
        "m",
        DeliveryState::Delivered,
        scene.now,
    );
    scene.one(told).await;
    assert_eq!(scene.state(at).await, DeliveryState::Delivered);
    assert!(scene.outbox().await.is_empty());
    scene
        .one(ops::attempted(token, scene.now, ops::accepted("m")))
        .await;
    let message = scene.message(at).await.unwrap();
    assert_eq!(message.wamid, Some(ops::wamid("m")));
    assert_eq!(message.delivery.unwrap().state, DeliveryState::Delivered);
}

pub(super) async fn a_status_finds_its_message_by_wamid_alone(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = claimed(&mut scene, 1).await;
    let token = ops::token(scene.tenant, at, 1);
    scene
        .one(ops::attempted(token, scene.now, ops::accepted("m")))
        .await;
    scene
        .one(ops::reported(
            ReportTarget::Wamid,
            "m",
            DeliveryState::Read,
            scene.now,
        ))
        .await;
    assert_eq!(scene.state(at).await, DeliveryState::Read);
}
