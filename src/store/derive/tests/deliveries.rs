//! The way of a message to the phone.

use std::time::Duration;

use super::scene;
use crate::domain::{DeliveryState, MetaError};
use crate::store::conformance::ops;
use crate::store::conformance::scene::Scene;
use crate::store::op::{AttemptResult, Op, OpOutcome, OpRefusal, ReportTarget, Settlement};
use crate::store::row::{MessageRef, OutboxState, Queued};

fn error(code: i64) -> MetaError {
    MetaError {
        code,
        title: "no".into(),
        details: None,
    }
}

/// A message with one call under way.
async fn called(scene: &mut Scene, tail: u64) -> MessageRef {
    let at = scene.says(&["628111111"], tail, "x").await;
    assert!(scene.claims(at.message, 0).await);
    at
}

async fn ended(scene: &mut Scene, at: MessageRef, attempt: u8, result: AttemptResult) -> OpOutcome {
    let token = ops::token(scene.tenant, at, attempt);
    scene.one(ops::attempted(token, scene.now, result)).await
}

async fn told(scene: &mut Scene, at: MessageRef, attempt: u8, state: DeliveryState) -> OpOutcome {
    let token = ops::token(scene.tenant, at, attempt);
    let mut report = ops::report(
        ReportTarget::Token(token),
        &format!("m{attempt}"),
        state,
        scene.now,
    );
    if state == DeliveryState::Failed {
        report.error = Some(error(131_026));
    }
    scene.one(Op::Report(Box::new(report))).await
}

#[tokio::test]
async fn a_message_taken_by_meta_leaves_the_outbox() {
    let mut scene = scene().await;
    for (tail, result, state) in [
        (1, ops::accepted("m"), DeliveryState::Sent),
        (
            3,
            AttemptResult::Refused {
                error: error(131_008),
            },
            DeliveryState::Failed,
        ),
    ] {
        let at = called(&mut scene, tail).await;
        ended(&mut scene, at, 1, result).await;
        assert_eq!(scene.state(at).await, state);
        assert!(scene.outbox().await.is_empty());
    }
}

#[tokio::test]
async fn a_message_provably_not_taken_waits_for_its_next_call() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    let retry_at = scene.now.after(Duration::from_secs(4));
    let result = AttemptResult::NotAccepted {
        retry_at,
        error: Some(error(130_429)),
    };
    ended(&mut scene, at, 1, result).await;
    let row = scene.outbox().await.pop().unwrap();
    assert_eq!(
        (row.state, row.attempt, row.due),
        (OutboxState::Queued, 1, retry_at)
    );
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Claimed, 1));
    assert_eq!(delivery.error, Some(error(130_429)));
    scene.now = retry_at;
    assert!(scene.claims(at.message, 1).await);
    ended(&mut scene, at, 2, ops::accepted("m2")).await;
    told(&mut scene, at, 2, DeliveryState::Delivered).await;
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!(
        (delivery.state, delivery.attempts, delivery.error),
        (DeliveryState::Delivered, 2, None)
    );
}

#[tokio::test]
async fn a_failure_of_an_earlier_attempt_does_not_end_the_later_one() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    let again = AttemptResult::NotAccepted {
        retry_at: scene.now,
        error: None,
    };
    ended(&mut scene, at, 1, again).await;
    assert!(scene.claims(at.message, 1).await);
    assert_eq!(
        told(&mut scene, at, 1, DeliveryState::Failed).await,
        OpOutcome::Unchanged
    );
    assert_eq!(scene.outbox().await[0].state, OutboxState::Claimed);
    told(&mut scene, at, 2, DeliveryState::Failed).await;
    assert_eq!(scene.state(at).await, DeliveryState::Failed);
    assert!(scene.outbox().await.is_empty());
}

#[tokio::test]
async fn a_delivery_by_an_earlier_attempt_ends_the_later_one() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
    scene.one(ops::settle(at, Settlement::SendAgain)).await;
    told(&mut scene, at, 1, DeliveryState::Delivered).await;
    assert_eq!(scene.state(at).await, DeliveryState::Delivered);
    assert!(!scene.claims(at.message, 1).await, "it would come twice");
}

#[tokio::test]
async fn a_message_that_meta_took_twice_is_told_once() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
    scene.one(ops::settle(at, Settlement::SendAgain)).await;
    assert!(scene.claims(at.message, 1).await);
    ended(&mut scene, at, 2, ops::accepted("m2")).await;
    let before = scene.head;
    // The first call was taken after all.
    for state in [DeliveryState::Sent, DeliveryState::Sent, DeliveryState::Delivered] {
        told(&mut scene, at, 1, state).await;
        told(&mut scene, at, 2, state).await;
    }
    let page = scene
        .store
        .events_after(scene.tenant, before, 99, scene.now)
        .await;
    let events = page.unwrap().events;
    let twice = events.iter().filter(|event| event.tells_of_a_duplicate());
    assert_eq!(twice.count(), 1);
}

#[tokio::test]
async fn a_late_status_settles_an_unknown_outcome() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
    assert_eq!(scene.state(at).await, DeliveryState::Unknown);
    assert_eq!(scene.outbox().await[0].state, OutboxState::Unknown);
    assert!(
        !scene.claims(at.message, 1).await,
        "an unknown outcome is never repeated blindly"
    );
    told(&mut scene, at, 1, DeliveryState::Sent).await;
    assert_eq!(scene.state(at).await, DeliveryState::Sent);
    assert!(scene.outbox().await.is_empty());
    // The wait's end comes too late to matter.
    assert_eq!(
        scene.one(ops::settle(at, Settlement::SendAgain)).await,
        OpOutcome::Unchanged
    );
}

#[tokio::test]
async fn giving_up_is_final_but_for_a_late_status() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    assert_eq!(
        scene.one(ops::settle(at, Settlement::GiveUp)).await,
        OpOutcome::Unchanged
    );
    ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
    scene.one(ops::settle(at, Settlement::GiveUp)).await;
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!(
        (delivery.state, delivery.gave_up),
        (DeliveryState::Unknown, Some(scene.now))
    );
    assert!(delivery.is_settled() && scene.outbox().await.is_empty());
    told(&mut scene, at, 1, DeliveryState::Read).await;
    assert_eq!(scene.state(at).await, DeliveryState::Read);
}

#[tokio::test]
async fn an_agent_may_have_an_unknown_message_sent_again() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
    scene.one(ops::settle(at, Settlement::SendAgain)).await;
    assert!(scene.claims(at.message, 1).await);
    assert_eq!(scene.outbox().await[0].attempt, 2);
}

#[tokio::test]
async fn what_an_agent_decided_or_took_back_is_done_when_it_is_offered_again() {
    let mut scene = scene().await;
    for (tail, how, other) in [
        (1, Settlement::SendAgain, Settlement::GiveUp),
        (2, Settlement::GiveUp, Settlement::SendAgain),
    ] {
        let at = called(&mut scene, tail).await;
        ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
        scene.one(ops::settle(at, how)).await;
        let head = scene.head;
        let again = scene.one(ops::settle(at, how)).await;
        assert_eq!(again, OpOutcome::Duplicate { at: Some(at) });
        let too_late = scene.one(ops::settle(at, other)).await;
        assert_eq!(too_late, OpOutcome::Unchanged);
        assert_eq!(scene.head, head);
    }
    let at = scene.says(&["628111111"], 3, "x").await;
    scene.one(ops::withdraw(at, DeliveryState::Cancelled)).await;
    let again = scene.one(ops::withdraw(at, DeliveryState::Cancelled)).await;
    assert_eq!(again, OpOutcome::Duplicate { at: Some(at) });
    let expired = scene.one(ops::withdraw(at, DeliveryState::Expired)).await;
    assert_eq!(expired, OpOutcome::Refused(OpRefusal::NotFound));
}

#[tokio::test]
async fn a_message_known_to_wait_is_not_made_unknown_nor_told_again() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    let result = AttemptResult::NotAccepted {
        retry_at: scene.now,
        error: None,
    };
    ended(&mut scene, at, 1, result.clone()).await;
    let head = scene.head;
    for late in [AttemptResult::Unknown { error: None }, result] {
        assert_eq!(ended(&mut scene, at, 1, late).await, OpOutcome::Unchanged);
    }
    assert_eq!(scene.head, head);
    assert_eq!(scene.outbox().await[0].state, OutboxState::Queued);
}

#[tokio::test]
async fn what_was_claimed_cannot_be_taken_back() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    for to in [DeliveryState::Cancelled, DeliveryState::Expired] {
        let refused = scene.one(ops::withdraw(at, to)).await;
        assert_eq!(refused, OpOutcome::Refused(OpRefusal::AlreadyClaimed));
    }
    let waiting = scene.says(&["628111111"], 2, "y").await;
    scene.one(ops::withdraw(waiting, DeliveryState::Expired)).await;
    assert_eq!(scene.state(waiting).await, DeliveryState::Expired);
    assert_eq!(scene.outbox().await.len(), 1);
}

#[tokio::test]
async fn an_answer_after_the_status_adds_nothing() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    told(&mut scene, at, 1, DeliveryState::Read).await;
    let head = scene.head;
    let late = [
        AttemptResult::Unknown { error: None },
        AttemptResult::Refused { error: error(1) },
        AttemptResult::NotAccepted {
            retry_at: scene.now,
            error: None,
        },
    ];
    for result in late {
        assert_eq!(ended(&mut scene, at, 1, result).await, OpOutcome::Unchanged);
    }
    assert_eq!(scene.head, head);
    assert_eq!(scene.state(at).await, DeliveryState::Read);
}

#[tokio::test]
async fn a_scheduled_message_is_due_when_it_says() {
    let mut scene = scene().await;
    let mut submit = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 1), "x");
    submit.delivery.send_at = Some(scene.now.after(Duration::from_secs(3_600)));
    scene.place(submit.clone()).await;
    let row = scene.outbox().await.pop().unwrap();
    assert_eq!(Some(row.due), submit.delivery.send_at);
    assert_eq!(row.since, scene.now);
}

#[tokio::test]
async fn a_late_acceptance_of_an_earlier_attempt_keeps_the_later_one_from_coming_back() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    ended(&mut scene, at, 1, AttemptResult::Unknown { error: None }).await;
    scene.one(ops::settle(at, Settlement::SendAgain)).await;
    assert!(scene.claims(at.message, 1).await);
    ended(&mut scene, at, 1, ops::accepted("m1")).await;
    assert!(scene.outbox().await.is_empty());
    let again = AttemptResult::NotAccepted {
        retry_at: scene.now,
        error: None,
    };
    assert_eq!(ended(&mut scene, at, 2, again).await, OpOutcome::Unchanged);
    assert!(scene.outbox().await.is_empty(), "it would be sent twice");
    assert_eq!(scene.state(at).await, DeliveryState::Sent);
}

#[tokio::test]
async fn a_lane_is_handed_the_row_as_it_is_in_the_outbox() {
    let mut scene = scene().await;
    scene
        .place(ops::receive(&["ID.1", "628111111"], "w", scene.now, "hi"))
        .await;
    let known = scene.contact("628111111").await.unwrap();
    // Whoever resolved the phone may have guessed another contact.
    let submit = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 7), "hello");
    assert_ne!(submit.contact, known);
    let OpOutcome::Committed { queued, .. } = scene.one(Op::Submit(Box::new(submit))).await else {
        panic!("not committed")
    };
    assert_eq!(queued.as_ref().map(|row| row.contact), Some(known));
    assert_eq!(Queued::from(&scene.outbox().await[0]), *queued.unwrap());
}

#[tokio::test]
async fn a_message_that_meta_holds_is_kept_for_its_deadline_without_its_body_and_never_called_for_again() {
    let mut scene = scene().await;
    let held = || AttemptResult::Held {
        wamid: ops::wamid("h"),
    };
    let at = called(&mut scene, 1).await;
    ended(&mut scene, at, 1, held()).await;
    assert_eq!(scene.state(at).await, DeliveryState::Held);
    let row = scene.outbox().await.pop().unwrap();
    assert_eq!((row.state, row.since), (OutboxState::Held, scene.now));
    assert_eq!(row.payload.get(), "null");
    assert!(!scene.claims(at.message, 1).await);
    assert_eq!(
        scene.one(ops::settle(at, Settlement::SendAgain)).await,
        OpOutcome::Unchanged
    );
    assert_eq!(ended(&mut scene, at, 1, held()).await, OpOutcome::Unchanged);
    let unknown = AttemptResult::Unknown { error: None };
    assert_eq!(ended(&mut scene, at, 1, unknown).await, OpOutcome::Unchanged);
    scene.one(ops::settle(at, Settlement::GiveUp)).await;
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!(
        (delivery.state, delivery.gave_up),
        (DeliveryState::Held, Some(scene.now))
    );
    assert!(delivery.is_settled() && scene.outbox().await.is_empty());
    // Meta may still tell what became of it.
    told(&mut scene, at, 1, DeliveryState::Delivered).await;
    assert_eq!(scene.state(at).await, DeliveryState::Delivered);

    let at = called(&mut scene, 2).await;
    told(&mut scene, at, 1, DeliveryState::Sent).await;
    let late = AttemptResult::Held {
        wamid: ops::wamid("m1"),
    };
    ended(&mut scene, at, 1, late).await;
    assert!(scene.outbox().await.is_empty(), "the status came first");
}

#[tokio::test]
async fn what_meta_said_last_stays_until_the_message_is_taken() {
    let mut scene = scene().await;
    let at = called(&mut scene, 1).await;
    let scene_now = scene.now;
    let again = |error| AttemptResult::NotAccepted {
        retry_at: scene_now,
        error,
    };
    ended(&mut scene, at, 1, again(Some(error(131_042)))).await;
    assert!(scene.claims(at.message, 1).await);
    // The claim is given back without a call.
    ended(&mut scene, at, 2, again(None)).await;
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!(
        (delivery.state, delivery.error),
        (DeliveryState::Claimed, Some(error(131_042)))
    );
    assert!(scene.claims(at.message, 2).await);
    let unknown = AttemptResult::Unknown {
        error: Some(error(131_000)),
    };
    ended(&mut scene, at, 3, unknown).await;
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!(delivery.error, Some(error(131_000)));
    ended(&mut scene, at, 3, ops::accepted("m3")).await;
    let delivery = scene.message(at).await.unwrap().delivery.unwrap();
    assert_eq!((delivery.state, delivery.error), (DeliveryState::Sent, None));
}
