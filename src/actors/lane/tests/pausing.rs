//! Lanes that stand still, and lanes that meet no answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::request::DelayReason;
use crate::domain::{AttemptToken, DeliveryState};
use crate::store::Number;
use crate::store::directory::AccessToken;
use crate::whatsapp::{BearerToken, PauseReason, RefusalScope};

/// Meta refuses everything for a reason until told otherwise.
fn refusing(scope: RefusalScope, code: i64) -> (Arc<AtomicBool>, impl FnMut(&AttemptToken) -> Reply + Send) {
    let refuses = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&refuses);
    let script = move |token: &AttemptToken| {
        if asked.load(Ordering::SeqCst) {
            refused(scope, code)
        } else {
            accepted(token)
        }
    };
    (refuses, script)
}

fn event(state: &str, scope: &str, reason: Option<&str>) -> (String, String, Option<String>) {
    (state.to_owned(), scope.to_owned(), reason.map(str::to_owned))
}

#[actix::test]
async fn a_refused_token_pauses_the_lane_keeps_its_messages_and_tells_agents_once() {
    let world = World::new().await;
    let (refuses, script) = refusing(RefusalScope::Lane(PauseReason::AccessToken), 190);
    world.script(script);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &(0..100).map(letter).collect::<Vec<_>>()).await;
    world
        .lane_is(&lane, "it is paused", |lane| lane.paused.is_some())
        .await;
    world.pass(Duration::from_secs(200)).await;
    let called = world.seen().len();
    assert!(called < 20, "only what was under way met the refusal: {called}");
    for waiting in &sent {
        let state = world.state(waiting).await;
        assert!(
            matches!(state, DeliveryState::Queued | DeliveryState::Claimed),
            "{state:?}"
        );
    }
    let delay_estimate = lane.delay_estimate(sent[50].message).await.unwrap();
    assert_eq!(
        (delay_estimate.reason, delay_estimate.expected),
        (DelayReason::LanePaused, None)
    );
    let until = delay_estimate.until.unwrap().since(world.wall_in(Duration::ZERO));
    assert!(
        (Duration::from_secs(95)..=Duration::from_secs(100)).contains(&until),
        "{until:?}"
    );
    assert_eq!(delay_estimate.error, Some(error(190)));
    assert_eq!(
        world.lane_events().await,
        [event("paused", "all", Some("access_token"))]
    );

    refuses.store(false, Ordering::SeqCst);
    lane.update(Number {
        access_token: AccessToken::new("secret-2"),
        ..world.number.clone()
    });
    world.settled().await;
    let fresh = BearerToken::parse("secret-2").unwrap();
    assert!(world.seen().iter().skip(called).all(|call| call.bearer == fresh));
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
    }
    assert_eq!(
        world.lane_events().await,
        [
            event("paused", "all", Some("access_token")),
            event("running", "all", None)
        ]
    );
    world.check();
}

#[actix::test]
async fn a_paused_lane_tries_one_message_after_ever_longer_waits_and_runs_when_that_succeeds() {
    let world = World::new().await;
    let (refuses, script) = refusing(RefusalScope::Lane(PauseReason::Payment), 131_042);
    world.script(script);
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &[letter(1)]).await;
    world
        .lane_is(&lane, "it is paused", |lane| lane.paused.is_some())
        .await;
    world.send(&lane, &(2..50).map(letter).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(299)).await;
    assert_eq!(world.seen().len(), 1);
    world.pass(Duration::from_secs(3)).await;
    assert_eq!(world.seen().len(), 2, "one trial");
    world.pass(Duration::from_secs(590)).await;
    assert_eq!(world.seen().len(), 2);
    refuses.store(false, Ordering::SeqCst);
    world.settled().await;
    let seen = world.seen();
    let third = between(seen[1].at, seen[2].at);
    assert!(
        (Duration::from_secs(600)..Duration::from_secs(602)).contains(&third),
        "{third:?}"
    );
    assert!(
        between(seen[2].at, seen.last().unwrap().at) < Duration::from_secs(1),
        "then all go"
    );
    world.check();
}

#[actix::test]
async fn too_much_spam_stops_bulk_alone() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut first = true;
    world.script(move |token| {
        if std::mem::take(&mut first) {
            refused(RefusalScope::Bulk(PauseReason::SpamLimit), 131_048)
        } else {
            accepted(token)
        }
    });
    let broadcast = world.send(&lane, &[bulk(1)]).await;
    world
        .lane_is(&lane, "bulk is paused", |lane| lane.bulk_paused.is_some())
        .await;
    world.send(&lane, &(2..30).map(bulk).collect::<Vec<_>>()).await;
    let reply = world.send(&lane, &[letter(99)]).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.state(&reply[0]).await, DeliveryState::Sent);
    assert_eq!(world.state(&broadcast[0]).await, DeliveryState::Claimed);
    assert_eq!(world.seen().len(), 2);
    assert_eq!(
        world.lane_events().await,
        [event("paused", "bulk", Some("spam_limit"))]
    );
    lane.resume();
    world.settled().await;
    world.check();
}

#[actix::test]
async fn paused_bulk_is_tried_again_even_while_replies_never_cease() {
    let world = World::new().await;
    let limits = LaneLimits {
        bulk_probe_after: Duration::from_secs(60),
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    let mut first = true;
    world.script(move |token| {
        if std::mem::take(&mut first) {
            return refused(RefusalScope::Bulk(PauseReason::SpamLimit), 131_048);
        }
        Reply {
            after: Duration::from_secs(3),
            ..accepted(token)
        }
    });
    let broadcast = world.send(&lane, &[bulk(1)]).await;
    world
        .lane_is(&lane, "bulk is paused", |lane| lane.bulk_paused.is_some())
        .await;
    for customer in 2..100 {
        world.send(&lane, &[letter(customer)]).await;
        world.pass(Duration::from_secs(1)).await;
    }
    assert_eq!(world.calls_for(&broadcast[0]), [1, 2]);
    assert_eq!(lane.snapshot().await.unwrap().bulk_paused, None);
    world.check();
}

#[actix::test]
async fn a_token_that_cannot_stand_in_a_header_pauses_the_lane_without_a_call() {
    let mut world = World::new().await;
    world.number.access_token = AccessToken::new("with a space");
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &[letter(1)]).await;
    world
        .lane_is(&lane, "it is paused", |lane| {
            lane.paused == Some(PauseReason::AccessToken)
        })
        .await;
    world.pass(Duration::from_secs(86_000)).await;
    lane.resume();
    world.pass(Duration::from_secs(60)).await;
    assert!(world.seen().is_empty());
    world.number.access_token = AccessToken::new("without");
    lane.update(world.number.clone());
    world.settled().await;
    world.check();
}

#[actix::test]
async fn an_outage_uses_up_few_attempts_and_everything_goes_when_it_is_over() {
    let world = World::new().await;
    let down = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&down);
    world.script(move |token| {
        if asked.load(Ordering::SeqCst) {
            unreachable()
        } else {
            accepted(token)
        }
    });
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &(0..300).map(letter).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(3_600)).await;
    assert!(
        world.seen().len() < 60,
        "{} calls into nothing",
        world.seen().len()
    );
    let delay_estimate = lane.delay_estimate(sent[200].message).await.unwrap();
    assert_eq!(delay_estimate.reason, DelayReason::Throttled);
    down.store(false, Ordering::SeqCst);
    world.settled().await;
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
    }
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(
        world.lane_events().await,
        [
            event("slowed", "all", Some("no_answer")),
            event("running", "all", None)
        ]
    );
    world.check();
}

#[actix::test]
async fn ambiguous_answers_stop_a_broadcast_before_it_becomes_one_great_doubt() {
    let world = World::new().await;
    world.script(|_| ambiguous());
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..500).map(bulk).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(120)).await;
    assert!(world.seen().len() < 30, "{} calls", world.seen().len());
    world.check();
}

#[actix::test]
async fn what_is_never_taken_is_refused_in_the_end() {
    let world = World::new().await;
    world.script(|_| not_taken(crate::whatsapp::RetryScope::Message, Duration::from_secs(60)));
    let limits = LaneLimits {
        max_attempts: 5,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    let sent = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, 5));
    world.check();
}

#[actix::test]
async fn agents_are_told_that_a_lane_runs_again_that_an_earlier_process_left_standing() {
    let mut world = World::new().await;
    let (refuses, script) = refusing(RefusalScope::Lane(PauseReason::Payment), 131_042);
    world.script(script);
    let earlier = world.lane(LaneLimits::default());
    world.send(&earlier, &[letter(1)]).await;
    world
        .lane_is(&earlier, "it is paused", |lane| lane.paused.is_some())
        .await;
    let paused = event("paused", "all", Some("payment"));
    world
        .until("agents know", || async {
            truth(world.lane_events().await == [paused.clone()])
        })
        .await;
    earlier.die().await;
    // Another process knows nothing of that lane.
    world.incarnation = crate::actors::Incarnation::new(world.ledger.clone());
    refuses.store(false, Ordering::SeqCst);
    let lane = world.lane(LaneLimits::default());
    world.settled().await;
    world
        .until("agents know", || async {
            truth(world.lane_events().await == [paused.clone(), event("running", "all", None)])
        })
        .await;
    // A start without anything left over tells nothing.
    drop(lane);
    let next = world.lane(LaneLimits::default());
    world.send(&next, &[letter(2)]).await;
    world.settled().await;
    assert_eq!(world.lane_events().await.len(), 2);
    world.check();
}
