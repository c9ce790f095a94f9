//! What a wall clock that somebody sets does to what waits: nothing.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::lane::queue::Queue;
use crate::actors::lane::waiting::{Hold, Item, Moment};
use crate::actors::request::DelayReason;
use crate::domain::Priority;

#[actix::test]
async fn messages_that_wait_go_on_in_order_when_the_clock_is_set_back() {
    let world = World::new().await;
    let mut waiting = Vec::new();
    for customer in 1..=5 {
        waiting.push(world.submit(&letter(customer)).await);
    }
    world.clock.set_ahead(-600);
    let lane = world.lane(LaneLimits::default());
    let began = world.clock_now();
    world.settled().await;
    let took = between(began, world.clock_now());
    assert!(took < Duration::from_secs(5), "they stood still for {took:?}");
    let called: Vec<_> = world.seen().iter().map(|call| call.token.message).collect();
    let accepted: Vec<_> = waiting.iter().map(|waiting| waiting.message).collect();
    assert_eq!(called, accepted);
    drop(lane);
    world.check();
}

#[actix::test]
async fn a_retry_waits_by_the_monotonic_clock_alone() {
    let world = World::new().await;
    let waiting = world.submit(&letter(1)).await;
    let seconds = |seconds| Duration::from_secs(seconds);
    let at = |wall: i64, mono| Moment {
        wall: crate::domain::Timestamp::from_secs(1_800_000_000 + wall),
        mono: seconds(mono),
    };
    let mut queue = Queue::new(10, 10, seconds(60));
    let mut tried = Item::new(waiting, at(0, 0));
    tried.waiting.attempt = 1;
    tried.waiting.due = at(300, 0).wall;
    tried.hold = Some(Hold {
        until: seconds(300),
        reason: DelayReason::Throttled,
    });
    assert_eq!(queue.give_back(tried, at(0, 0)), None);
    let set_back = |mono| at(-86_400, mono);
    assert_eq!(queue.next_change(set_back(10)), Some(seconds(300)));
    for (mono, ready) in [(299, false), (300, true)] {
        queue.turn(set_back(mono));
        assert_eq!(queue.has_ready(Priority::Interactive), ready, "after {mono} s");
    }
}
