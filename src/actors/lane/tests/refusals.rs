//! What concerns the account and comes by status, and answers that are not Meta's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::request::DelayReason;
use crate::domain::{DeliveryState, Timestamp};
use crate::store::Number;

const PROBE: Duration = Duration::from_secs(300);

fn event(state: &str, reason: Option<&str>) -> (String, String, Option<String>) {
    (state.to_owned(), "all".to_owned(), reason.map(str::to_owned))
}

#[actix::test]
async fn a_failed_status_about_the_account_pauses_until_a_trial_is_sent_and_not_only_accepted() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let first = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    let token = world.token_of(&first[0]);
    lane.note_failure(Some(token), &error(131_042), world.wall_in(Duration::ZERO));
    world
        .lane_is(&lane, "it is paused", |lane| lane.paused.is_some())
        .await;
    // Others that failed at the same time tell nothing new.
    lane.note_failure(None, &error(131_042), world.wall_in(Duration::ZERO));
    let waiting = world.send(&lane, &(2..40).map(letter).collect::<Vec<_>>()).await;
    let state = lane.state().await.unwrap();
    assert_eq!((state.state, state.reason), ("paused", Some("payment")));
    assert_eq!(
        (state.code, state.title.as_deref()),
        (Some(131_042), Some("refused"))
    );
    assert!(state.until.is_some());
    let delay_estimate = lane.delay_estimate(waiting[0].message).await.unwrap();
    assert_eq!(delay_estimate.reason, DelayReason::LanePaused);
    assert_eq!(delay_estimate.error, Some(error(131_042)));
    assert!(delay_estimate.until.is_some());

    world.pass(PROBE - Duration::from_secs(5)).await;
    assert_eq!(world.seen().len(), 1);
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.seen().len(), 2, "one trial, which Meta accepts");
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.seen().len(), 2, "accepted is not sent");
    let trial = world.seen()[1].token;
    lane.note_failure(Some(trial), &error(131_042), world.wall_in(Duration::ZERO));
    world.pass(PROBE * 2 - Duration::from_secs(5)).await;
    assert_eq!(world.seen().len(), 2, "the next trial is later");
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.seen().len(), 3);
    let trial = world.seen()[2].token;
    world.report(&lane, trial, DeliveryState::Sent).await;
    world.settled().await;
    assert_eq!(world.seen().len(), 39);
    world
        .until("agents know", || async {
            truth(world.lane_events().await == [event("paused", Some("payment")), event("running", None)])
        })
        .await;
    world.check();
}

#[actix::test]
async fn what_was_mended_since_and_what_concerns_one_message_pause_nothing() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let now = world.wall_in(Duration::ZERO);
    let hour_ago = Timestamp::from_millis(now.as_millis() - 3_600_000);
    lane.note_failure(None, &error(131_042), hour_ago);
    for code in [131_026, 131_049, 132_015, 132_069, 131_000, 987_654] {
        lane.note_failure(None, &error(code), now);
    }
    let sent = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);

    lane.note_failure(None, &error(368), world.wall_in(Duration::ZERO));
    world
        .lane_is(&lane, "it is paused", |lane| lane.paused.is_some())
        .await;
    let failed_at = world.wall_in(Duration::ZERO);
    world.pass(Duration::from_secs(60)).await;
    lane.update(Number {
        display: "mended".to_owned(),
        ..world.number.clone()
    });
    world
        .lane_is(&lane, "it runs", |lane| lane.paused.is_none())
        .await;
    lane.note_failure(None, &error(368), failed_at);
    world.send(&lane, &[letter(2)]).await;
    world.settled().await;
    assert!(lane.snapshot().await.unwrap().paused.is_none());
    world.check();
}

#[actix::test]
async fn too_fast_told_by_status_slows_the_number_once() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..20).map(letter).collect::<Vec<_>>()).await;
    world.settled().await;
    let failed_at = world.wall_in(Duration::ZERO);
    for call in world.seen() {
        lane.note_failure(Some(call.token), &error(130_429), failed_at);
    }
    world
        .lane_is(&lane, "it is slower", |lane| lane.share < 1.0)
        .await;
    assert!(lane.snapshot().await.unwrap().share > 0.85, "once");
    world.pass(Duration::from_secs(60)).await;
    lane.note_failure(None, &error(130_429), failed_at);
    world.pass(Duration::from_secs(1)).await;
    let snapshot = lane.snapshot().await.unwrap();
    assert!(snapshot.share > 0.99, "what was a minute ago says nothing");
    lane.note_failure(None, &error(80_007), world.wall_in(Duration::ZERO));
    world.lane_is(&lane, "it is silent", |lane| lane.is_tripped).await;
    let waiting = world.send(&lane, &[letter(1)]).await;
    world.pass(Duration::from_secs(290)).await;
    assert_eq!(world.calls_for(&waiting[0]), [0_u8; 0]);
    world.settled().await;
    world.check();
}

#[actix::test]
async fn too_fast_for_a_customer_told_by_status_silences_that_customer_alone() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    for silence in [1_000, 4_000, 16_000] {
        let first = world.send(&lane, &[letter(1), letter(1)]).await;
        world.settled().await;
        let failed_at = world.wall_in(Duration::ZERO);
        for waiting in &first {
            let token = world.token_of(waiting);
            lane.note_failure(Some(token), &error(131_056), failed_at);
        }
        world.pass(Duration::from_millis(20)).await;
        let again = world.send(&lane, &[letter(1)]).await;
        let other = world.send(&lane, &[letter(2)]).await;
        world.pass(Duration::from_millis(silence - 100)).await;
        assert_eq!(world.calls_for(&again[0]), [0_u8; 0], "within {silence} ms");
        assert_eq!(world.calls_for(&other[0]), [1]);
        world.settled().await;
        // Whatever the pair owes for a burst is paid.
        world.pass(Duration::from_secs(60)).await;
    }
    world.check();
}

#[actix::test]
async fn spam_told_by_status_stops_bulk_alone() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    lane.note_failure(None, &error(131_048), world.wall_in(Duration::ZERO));
    world
        .lane_is(&lane, "bulk is paused", |lane| lane.bulk_paused.is_some())
        .await;
    let broadcast = world.send(&lane, &[bulk(1)]).await;
    let reply = world.send(&lane, &[letter(2)]).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.state(&reply[0]).await, DeliveryState::Sent);
    assert_eq!(world.state(&broadcast[0]).await, DeliveryState::Queued);
    world.check();
}

#[actix::test]
async fn pages_of_a_proxy_slow_the_lane_say_so_and_fail_nothing() {
    let world = World::new().await;
    let proxied = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&proxied);
    world.script(move |token| {
        if asked.load(Ordering::SeqCst) {
            not_graph()
        } else {
            accepted(token)
        }
    });
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &(0..200).map(letter).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(600)).await;
    assert!(world.seen().len() < 60, "{} calls", world.seen().len());
    world
        .until("agents know", || async {
            truth(world.lane_events().await == [event("slowed", Some("not_graph"))])
        })
        .await;
    let delay_estimate = lane.delay_estimate(sent[150].message).await.unwrap();
    assert_eq!(delay_estimate.reason, DelayReason::Throttled);
    assert!(
        delay_estimate.until.is_some(),
        "a lane at a full stop says until when"
    );
    proxied.store(false, Ordering::SeqCst);
    world.settled().await;
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
    }
    world.check();
}

#[actix::test]
async fn the_expected_time_counts_the_burst_that_one_customer_may_have() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &vec![letter(1); 25]).await;
    world.pass(Duration::from_millis(300)).await;
    let mut expected = Vec::new();
    for waiting in &sent {
        if let Some(delay_estimate) = lane.delay_estimate(waiting.message).await {
            expected.push((waiting.clone(), delay_estimate.expected.unwrap()));
        }
    }
    assert!(expected.len() > 15, "{}", expected.len());
    world.settled().await;
    let seen = world.seen();
    for (waiting, expected) in expected {
        let call = seen.iter().find(|call| call.token.message == waiting.message);
        let went = world.wall_at(call.unwrap().at);
        let off = went.since(expected).max(expected.since(went));
        assert!(off < Duration::from_secs(2), "{off:?}");
    }
    world.check();
}
