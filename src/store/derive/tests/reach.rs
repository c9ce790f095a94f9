//! Whether messages reach a contact.

use std::time::Duration;

use super::scene;
use crate::domain::reach::Unreachable;
use crate::domain::{DeliveryState, Timestamp};
use crate::store::conformance::ops;
use crate::store::conformance::scene::Scene;
use crate::store::op::{AttemptResult, Op, ReportTarget};
use crate::store::row::MessageRef;

const PHONE: &str = "628111111";
const MISSED: i64 = 131_026;

fn error(code: i64) -> crate::domain::MetaError {
    crate::domain::MetaError {
        code,
        title: "T".into(),
        details: None,
    }
}

/// A message with a call under way.
async fn called(scene: &mut Scene, tail: u64) -> MessageRef {
    let at = scene.says(&[PHONE], tail, "x").await;
    assert!(scene.claims(at.message, 0).await);
    at
}

/// A status of its first call.
async fn told(scene: &mut Scene, at: MessageRef, state: DeliveryState, code: Option<i64>, when: Timestamp) {
    let target = ReportTarget::Token(ops::token(scene.tenant, at, 1));
    let id = format!("m{}", at.message);
    let mut report = ops::report(target, &id, state, when);
    report.error = code.map(error);
    scene.one(Op::Report(Box::new(report))).await;
}

async fn missed(scene: &Scene) -> Option<Unreachable> {
    let id = scene.contact(PHONE).await.unwrap();
    let row = scene.store.contact(scene.tenant, id).await.unwrap();
    row.unwrap().unreachable
}

#[tokio::test]
async fn a_message_that_does_not_arrive_marks_its_customer_and_one_that_does_lifts_it() {
    let mut scene = scene().await;
    for (tail, state) in [
        (1, DeliveryState::Delivered),
        (3, DeliveryState::Read),
        (5, DeliveryState::Played),
    ] {
        let at = called(&mut scene, tail).await;
        let then = scene.later(Duration::from_secs(60));
        let seq = scene.head;
        told(&mut scene, at, DeliveryState::Failed, Some(MISSED), then).await;
        let mark = Unreachable {
            at: then,
            code: MISSED,
        };
        assert_eq!(missed(&scene).await, Some(mark));
        assert_eq!(scene.head.get(), seq.get() + 2, "agents are told of both");
        let later = called(&mut scene, tail + 1).await;
        let now = scene.later(Duration::from_secs(60));
        told(&mut scene, later, DeliveryState::Sent, None, now).await;
        assert_eq!(missed(&scene).await, Some(mark), "that it was sent shows nothing");
        told(&mut scene, later, state, None, now).await;
        assert_eq!(missed(&scene).await, None, "{state:?}");
        told(&mut scene, at, DeliveryState::Failed, Some(MISSED), then).await;
        assert_eq!(missed(&scene).await, None, "what is repeated is no news");
    }
}

#[tokio::test]
async fn a_call_that_meta_refuses_for_it_marks_and_other_codes_do_not() {
    let mut scene = scene().await;
    for (tail, code) in [(1, 131_049), (2, 130_472), (3, 131_030), (4, MISSED)] {
        let at = called(&mut scene, tail).await;
        assert_eq!(missed(&scene).await, None);
        let refused = AttemptResult::Refused { error: error(code) };
        let token = ops::token(scene.tenant, at, 1);
        scene.one(ops::attempted(token, scene.now, refused)).await;
        let marked = missed(&scene).await.map(|missed| missed.code);
        assert_eq!(marked, (code == MISSED).then_some(code));
    }
}

#[tokio::test]
async fn who_writes_or_calls_can_be_reached_and_an_older_failure_says_nothing_against_it() {
    let mut scene = scene().await;
    let first = called(&mut scene, 1).await;
    let second = called(&mut scene, 2).await;
    let then = scene.later(Duration::from_secs(60));
    told(&mut scene, first, DeliveryState::Failed, Some(MISSED), then).await;
    assert!(missed(&scene).await.is_some());
    let late = ops::receive(&[PHONE], "late", then.before(Duration::from_secs(30)), "before");
    scene.one(late).await;
    assert!(missed(&scene).await.is_some(), "it was written before");
    scene.later(Duration::from_secs(60));
    scene.hears(&[PHONE], "a", "here").await;
    assert_eq!(missed(&scene).await, None);
    told(&mut scene, second, DeliveryState::Failed, Some(MISSED), then).await;
    assert_eq!(missed(&scene).await, None, "it wrote since");
    let third = called(&mut scene, 3).await;
    let now = scene.later(Duration::from_secs(60));
    told(&mut scene, third, DeliveryState::Failed, Some(MISSED), now).await;
    assert!(missed(&scene).await.is_some());
    let now = scene.later(Duration::from_secs(60));
    scene.one(ops::called(&[PHONE], now)).await;
    assert_eq!(missed(&scene).await, None);
}
