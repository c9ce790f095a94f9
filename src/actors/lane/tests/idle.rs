//! When a lane may end without anything being forgotten.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::whatsapp::{PauseReason, RefusalScope};

#[actix::test]
async fn a_lane_is_idle_once_all_is_sent_and_neither_its_number_nor_a_customer_has_to_wait() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world
        .lane_is(&lane, "it has read the outbox", |lane| lane.loaded)
        .await;
    assert!(lane.is_idle().await);
    world.send(&lane, &[letter(1), letter(1)]).await;
    assert!(!lane.is_idle().await, "they are not sent yet");
    world.settled().await;
    assert!(!lane.is_idle().await, "they count to this second");
    world.pass(Duration::from_secs(3)).await;
    assert!(
        !lane.is_idle().await,
        "two messages fill twelve seconds of a customer"
    );
    world.pass(Duration::from_secs(12)).await;
    assert!(lane.is_idle().await);
}

#[actix::test]
async fn a_lane_that_stands_still_is_not_idle_though_nothing_waits() {
    let world = World::new().await;
    world.script(|_| refused(RefusalScope::Lane(PauseReason::AccessToken), 190));
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world
        .lane_is(&lane, "it is paused", |lane| lane.paused.is_some())
        .await;
    world.withdraw(&sent[0]).await;
    lane.forget(sent[0].message);
    world.pass(Duration::from_secs(60)).await;
    assert!(!lane.is_idle().await, "its successor would call at once");
    lane.resume();
    world
        .lane_is(&lane, "it runs", |lane| lane.paused.is_none())
        .await;
    world.pass(Duration::from_secs(10)).await;
    assert!(lane.is_idle().await);
}

#[actix::test]
async fn a_lane_that_watches_an_unknown_outcome_is_not_idle() {
    let world = World::new().await;
    world.script(|_| ambiguous());
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &[letter(1)]).await;
    world
        .lane_is(&lane, "the outcome is unknown", |lane| lane.unknown == 1)
        .await;
    world.pass(Duration::from_secs(60)).await;
    assert!(!lane.is_idle().await);
}
