//! What a wall clock that somebody sets does to what waits: nothing.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::lane::queue::Queue;
use crate::actors::lane::waiting::{Hold, Item, Moment};
use crate::actors::request::DelayReason;
use crate::domain::Priority;
use crate::whatsapp::RetryScope;

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

/// The first call is refused for five minutes.
fn refused_once(world: &World) {
    let mut first = true;
    world.script(move |token| {
        if std::mem::take(&mut first) {
            not_taken(RetryScope::Message, Duration::from_secs(300))
        } else {
            accepted(token)
        }
    });
}

#[actix::test]
async fn a_message_that_is_tried_again_goes_at_its_time_when_the_clock_was_set_back_meanwhile() {
    let world = World::new().await;
    refused_once(&world);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world.pass(Duration::from_secs(10)).await;
    world.clock.set_ahead(-86_400);
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    let took = between(world.seen()[0].at, world.seen()[1].at);
    assert!(took < Duration::from_secs(380), "it rested for {took:?}");
    world.check();
}

#[actix::test]
async fn what_rested_at_a_restart_rests_no_longer_than_it_was_to_when_the_clock_was_set_back() {
    let mut world = World::new().await;
    refused_once(&world);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world.pass(Duration::from_secs(10)).await;
    lane.drain().await;
    world.clock.set_ahead(-86_400);
    world.take_over().await;
    let began = world.clock_now();
    let lane = world.lane(LaneLimits::default());
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1, 2]);
    let took = between(began, world.seen()[1].at);
    assert!(took < Duration::from_secs(380), "it rested for {took:?}");
    drop(lane);
    world.check();
}

#[actix::test]
async fn what_has_no_room_while_it_rests_is_found_at_its_time_when_the_clock_was_set_back() {
    let world = World::new().await;
    let limits = LaneLimits {
        scheduled: 1,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    let next_week = Letter {
        send_at: Some(world.wall_in(Duration::from_secs(7 * 86_400))),
        ..letter(9)
    };
    world.send(&lane, &[next_week]).await;
    world.script(|token| {
        if token.attempt == 1 {
            not_taken(RetryScope::Message, Duration::from_secs(300))
        } else {
            accepted(token)
        }
    });
    let sent = world.send(&lane, &(1..=5).map(letter).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(10)).await;
    world.clock.set_ahead(-86_400);
    world.pass(Duration::from_secs(800)).await;
    for waiting in &sent {
        assert_eq!(world.calls_for(waiting), [1, 2]);
    }
    drop(lane);
    world.check();
}
