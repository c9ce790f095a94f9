//! Messages that Meta took and holds back.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::domain::DeliveryState;
use crate::store::OutboxState;

#[actix::test]
async fn a_held_message_of_which_nothing_is_heard_is_given_up_after_a_day() {
    let world = World::new().await;
    world.script(held);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world.lane_is(&lane, "it is watched", |lane| lane.held == 1).await;
    assert_eq!(lane.snapshot().await.unwrap().unknown, 0);
    world.pass(Duration::from_hours(23)).await;
    assert_eq!(world.delivery(&sent[0]).await.gave_up, None);
    world.settled().await;
    let delivery = world.delivery(&sent[0]).await;
    assert_eq!(delivery.state, DeliveryState::Held);
    assert!(delivery.gave_up.is_some() && delivery.is_settled());
    assert_eq!(world.calls_for(&sent[0]), [1], "it is never called for again");
    world.check();
}

#[actix::test]
async fn the_next_lane_goes_on_watching_and_a_status_ends_it() {
    let world = World::new().await;
    world.script(held);
    let earlier = world.lane(LaneLimits::default());
    let sent = world.send(&earlier, &[letter(1), letter(2)]).await;
    world
        .lane_is(&earlier, "both are watched", |lane| lane.held == 2)
        .await;
    earlier.die().await;
    let lane = world.lane(LaneLimits::default());
    world
        .lane_is(&lane, "both are watched", |lane| lane.held == 2)
        .await;
    assert!(world.rows().iter().all(|row| row.state == OutboxState::Held));
    world
        .report(&lane, world.token_of(&sent[0]), DeliveryState::Sent)
        .await;
    world.lane_is(&lane, "one is told", |lane| lane.held == 1).await;
    world.settled().await;
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    assert_eq!(world.state(&sent[1]).await, DeliveryState::Held);
    world.check();
}
