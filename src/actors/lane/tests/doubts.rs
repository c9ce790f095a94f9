//! Unknown outcomes, from the call to the end of the wait.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::request::Refusal;
use crate::domain::{AttemptToken, DeliveryState, UnknownPolicy};
use crate::store::op::Settlement;

fn with_policy(policy: UnknownPolicy) -> Letter {
    Letter { policy, ..letter(1) }
}

/// A script under which every call for customer 1's conversation is ambiguous.
fn first_is_ambiguous() -> impl FnMut(&AttemptToken) -> Reply + Send {
    let mut first = None;
    move |token| {
        if *first.get_or_insert(token.conversation) == token.conversation {
            ambiguous()
        } else {
            accepted(token)
        }
    }
}

async fn prove_webhooks(world: &World, lane: &crate::actors::LaneHandle, customers: std::ops::Range<u32>) {
    let others: Vec<_> = customers.map(letter).collect();
    for waiting in world.send(lane, &others).await {
        world
            .until("it went", || async {
                truth(!world.calls_for(&waiting).is_empty())
            })
            .await;
        let token = world.token_of(&waiting);
        world.report(lane, token, DeliveryState::Delivered).await;
    }
}

#[actix::test]
async fn an_ambiguous_call_is_never_repeated_when_it_must_not_be_and_is_given_up_on_proof() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.script(first_is_ambiguous());
    let sent = world
        .send(&lane, &[with_policy(UnknownPolicy::NeverDuplicate)])
        .await;
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Unknown);
    world.pass(Duration::from_secs(700)).await;
    assert_eq!(
        world.delivery(&sent[0]).await.gave_up,
        None,
        "nothing proves that webhooks arrive"
    );
    prove_webhooks(&world, &lane, 10..13).await;
    world.settled().await;
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!(delivery.state, DeliveryState::Unknown);
    assert!(delivery.gave_up.is_some());
    assert_eq!(world.calls_for(&sent[0]), [1]);
    world.check();
}

#[actix::test]
async fn an_ambiguous_call_is_repeated_once_under_the_policy_that_allows_it() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.script(first_is_ambiguous());
    let sent = world
        .send(&lane, &[with_policy(UnknownPolicy::RetryAfterDeadline)])
        .await;
    world.settled().await;
    let seen = world.seen();
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    let waited = between(seen[0].at, seen[1].at);
    assert!(
        (Duration::from_secs(20)..Duration::from_secs(22)).contains(&waited),
        "{waited:?}"
    );
    assert!(world.delivery(&sent[0]).await.gave_up.is_some());
    world.check();
}

#[actix::test]
async fn a_status_that_tells_the_outcome_ends_the_wait_and_nothing_is_repeated() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.script(first_is_ambiguous());
    let sent = world
        .send(&lane, &[with_policy(UnknownPolicy::RetryAfterDeadline)])
        .await;
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    world
        .report(&lane, world.token_of(&sent[0]), DeliveryState::Delivered)
        .await;
    world
        .lane_is(&lane, "it is watched no more", |lane| lane.unknown == 0)
        .await;
    world.pass(Duration::from_secs(90_000)).await;
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!(
        (delivery.state, delivery.gave_up),
        (DeliveryState::Delivered, None)
    );
    assert_eq!(world.calls_for(&sent[0]), [1]);
    world.check();
}

#[actix::test]
async fn a_status_that_overtakes_the_end_of_its_call_settles_the_message() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.script(|_| Reply {
        after: Duration::from_secs(5),
        ..ambiguous()
    });
    let sent = world.send(&lane, &[letter(1)]).await;
    world
        .until("it went", || async {
            truth(!world.calls_for(&sent[0]).is_empty())
        })
        .await;
    world
        .report(&lane, world.token_of(&sent[0]), DeliveryState::Read)
        .await;
    world
        .lane_is(&lane, "the call ended", |lane| lane.in_flight == 0)
        .await;
    assert_eq!(lane.snapshot().await.unwrap().unknown, 0);
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Read);
    assert!(world.rows().is_empty());
    world.check();
}

#[actix::test]
async fn an_agent_decides_and_only_once() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _counted = ::metrics::set_default_local_recorder(&recorder);
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut calls = 0;
    world.script(move |token| {
        calls += 1;
        if calls <= 2 { ambiguous() } else { accepted(token) }
    });
    let ask = [
        with_policy(UnknownPolicy::Ask),
        Letter {
            customer: 2,
            ..with_policy(UnknownPolicy::Ask)
        },
    ];
    let sent = world.send(&lane, &ask).await;
    world
        .lane_is(&lane, "both are watched", |lane| lane.unknown == 2)
        .await;
    world.pass(Duration::from_secs(3_600)).await;
    assert_eq!(world.seen().len(), 2, "nothing happens until somebody decides");
    assert_eq!(lane.settle(sent[0].at(), Settlement::SendAgain).await, Ok(()));
    assert_eq!(lane.settle(sent[1].at(), Settlement::GiveUp).await, Ok(()));
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    assert!(world.delivery(&sent[1]).await.gave_up.is_some());
    assert_eq!(
        lane.settle(sent[1].at(), Settlement::SendAgain).await,
        Err(Refusal::OutcomeKnown)
    );
    world.check();
    let shown = shown.render();
    let counted: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("mesej_unknown_resolved_total"))
        .collect();
    assert_eq!(counted, [r#"mesej_unknown_resolved_total{how="decided"} 2"#]);
}

#[actix::test]
async fn a_call_without_an_answer_ends_at_its_deadline_as_unknown() {
    let world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_hours(10),
        ..accepted(token)
    });
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    assert!(world.clock_now() < Duration::from_secs(46));
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Unknown);
}

#[actix::test]
async fn a_call_that_dies_is_unknown_and_its_customer_is_not_held_up() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut first = true;
    world.script(move |token| {
        assert!(!std::mem::take(&mut first), "this call dies");
        accepted(token)
    });
    let sent = world.send(&lane, &[letter(1)]).await;
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Unknown);
}

/// The store refuses what is committed after a call so often; each op is tried three times.
async fn refused_results_end_as_unknown(refusals: usize) {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    let waiting = world.submit(&with_policy(UnknownPolicy::Ask)).await;
    let invalid = Fault::Refuse(crate::store::StoreErrorKind::Invalid);
    let faults = [invalid].repeat(refusals);
    world.store.append_faults.lock().unwrap().extend(faults);
    lane.enqueue(waiting.clone());
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    assert!(world.clock_now() < Duration::from_secs(70));
    assert_eq!(world.state(&waiting).await, DeliveryState::Unknown);
    let next = world.send(&lane, &[with_policy(UnknownPolicy::Ask)]).await;
    world
        .until("the customer's next message went", || async {
            truth(world.state(&next[0]).await == DeliveryState::Sent)
        })
        .await;
    assert_eq!(world.calls_for(&waiting), [1]);
    world.check();
}

#[actix::test]
async fn a_result_that_the_store_will_not_take_leaves_an_unknown_outcome_and_not_a_claim() {
    refused_results_end_as_unknown(3).await;
}

#[actix::test]
async fn a_claim_that_cannot_even_be_called_unknown_is_tried_again_later() {
    refused_results_end_as_unknown(6).await;
}

#[actix::test]
async fn a_decision_whose_commit_was_not_answered_is_done_and_not_too_late() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut calls = 0;
    world.script(move |token| {
        calls += 1;
        if calls <= 1 { ambiguous() } else { accepted(token) }
    });
    let sent = world.send(&lane, &[with_policy(UnknownPolicy::Ask)]).await;
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    world
        .store
        .append_faults
        .lock()
        .unwrap()
        .push_back(Fault::LoseAnswer);
    assert_eq!(lane.settle(sent[0].at(), Settlement::SendAgain).await, Ok(()));
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    world.check();
}
