//! No second, pair or place above its limit.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::request::DelayReason;
use crate::domain::SendRate;
use crate::store::StoreErrorKind;
use crate::whatsapp::RetryScope;

fn times(world: &World) -> Vec<Duration> {
    world.seen().iter().map(|call| call.at).collect()
}

#[actix::test]
async fn no_sliding_second_has_more_than_the_limit_and_the_limit_is_used() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..800).map(bulk).collect::<Vec<_>>()).await;
    world.settled().await;
    let times = times(&world);
    assert!(busiest_second(&times) <= 80);
    let took = between(times[0], *times.last().unwrap());
    assert!(took < Duration::from_millis(10_300), "800 messages took {took:?}");
    world.check();
}

#[actix::test]
async fn customers_messages_count_to_the_same_second() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut inbound = Vec::new();
    let mut sent = Vec::new();
    // What comes in cannot be held back: a call must find room beside it.
    for tick in 0..600 {
        world.pass(Duration::from_millis(33)).await;
        inbound.push(world.clock_now());
        lane.note_inbound(1);
        if tick == 40 {
            sent = world.send(&lane, &(0..600).map(bulk).collect::<Vec<_>>()).await;
        }
    }
    assert_eq!(world.seen().len(), sent.len(), "it goes on beside them");
    for call in times(&world) {
        let of_the_last_second = |at: &&Duration| **at <= call && **at + Duration::from_secs(1) > call;
        let both = times(&world).iter().filter(of_the_last_second).count()
            + inbound.iter().filter(of_the_last_second).count();
        assert!(both <= 80, "a call made it {both}");
    }
    world.check();
}

#[actix::test]
async fn a_store_that_stalls_does_not_make_calls_bunch_together() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..400).map(bulk).collect::<Vec<_>>()).await;
    for _ in 0..8 {
        *world.store.delay.lock().unwrap() = Duration::from_millis(400);
        world.pass(Duration::from_millis(450)).await;
        *world.store.delay.lock().unwrap() = Duration::from_millis(2);
        world.pass(Duration::from_millis(250)).await;
    }
    world.settled().await;
    assert!(busiest_second(&times(&world)) <= 80);
    world.check();
}

#[actix::test]
async fn a_disk_that_is_slow_costs_latency_and_not_rate() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    *world.store.delay.lock().unwrap() = Duration::from_millis(60);
    let letters: Vec<_> = (0..400).map(bulk).collect();
    let submits = letters.iter().map(|letter| world.submit(letter));
    for waiting in futures_util::future::join_all(submits).await {
        lane.enqueue(waiting);
    }
    world.settled().await;
    let times = times(&world);
    let took = between(times[0], *times.last().unwrap());
    assert!(took < Duration::from_millis(5_700), "400 messages took {took:?}");
    world.check();
}

#[actix::test]
async fn a_fast_number_has_more_places_in_flight() {
    let mut world = World::new().await;
    world.number.rate = SendRate::new(1_000).unwrap();
    world.script(|token| Reply {
        after: Duration::from_millis(200),
        ..accepted(token)
    });
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..3_000).map(bulk).collect::<Vec<_>>()).await;
    world.settled().await;
    let times = times(&world);
    assert!(busiest_second(&times) <= 1_000);
    let took = between(times[0], *times.last().unwrap());
    assert!(took < Duration::from_millis(3_300), "3000 messages took {took:?}");
    world.check();
}

#[actix::test]
async fn slow_answers_fill_the_places_in_flight_but_not_those_kept_for_replies() {
    let world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_secs(20),
        ..accepted(token)
    });
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..200).map(bulk).collect::<Vec<_>>()).await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.seen().len(), 37);
    let asked = world.clock_now();
    let reply = world.send(&lane, &[letter(999)]).await;
    world
        .until("the reply went", || async {
            truth(!world.calls_for(&reply[0]).is_empty())
        })
        .await;
    assert!(between(asked, world.clock_now()) < Duration::from_millis(100));
    world.check();
}

#[actix::test]
async fn the_process_wide_limit_of_calls_holds() {
    let mut world = World::new().await;
    world.calls = std::sync::Arc::new(tokio::sync::Semaphore::new(3));
    world.script(|token| Reply {
        after: Duration::from_secs(1),
        ..accepted(token)
    });
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..12).map(bulk).collect::<Vec<_>>()).await;
    world.settled().await;
    assert!(busiest_second(&times(&world)) <= 3);
    world.check();
}

#[actix::test]
async fn one_customer_who_is_written_to_too_fast_does_not_hold_up_the_others() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let letters: Vec<_> = std::iter::repeat_n(letter(1), 12)
        .chain((2..30).map(letter))
        .collect();
    let sent = world.send(&lane, &letters).await;
    world.pass(Duration::from_secs(3)).await;
    assert!(
        sent.iter()
            .skip(12)
            .all(|waiting| world.calls_for(waiting) == [1])
    );
    let last = sent.get(11).unwrap();
    let delay_estimate = lane.delay_estimate(last.message).await.unwrap();
    assert_eq!(delay_estimate.reason, DelayReason::PairLimit);
    assert!(delay_estimate.expected.unwrap() > world.wall_in(Duration::from_secs(30)));
    world.settled().await;
    let to_one: Vec<_> = world
        .seen()
        .iter()
        .filter(|call| call.token.conversation == last.conversation)
        .map(|call| call.at)
        .collect();
    assert_eq!(to_one.len(), 12);
    assert!(
        between(to_one[0], to_one[10]) >= Duration::from_secs(60),
        "a burst of ten is paid for"
    );
    world.check();
}

#[actix::test]
async fn after_too_fast_for_a_customer_the_wait_grows_fourfold_for_that_customer_alone() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut refusals = 3;
    let mut limited = None;
    world.script(move |token| {
        let first = *limited.get_or_insert(token.conversation);
        if token.conversation == first && refusals > 0 {
            refusals -= 1;
            return not_taken(RetryScope::Pair, Duration::from_secs(1));
        }
        accepted(token)
    });
    let sent = world.send(&lane, &[letter(1), letter(2)]).await;
    world.settled().await;
    let tries: Vec<_> = world
        .seen()
        .iter()
        .filter(|call| call.token.message == sent[0].message)
        .map(|call| call.at)
        .collect();
    let waits: Vec<_> = tries
        .windows(2)
        .map(|pair| between(pair[0], pair[1]).as_secs())
        .collect();
    assert_eq!(waits, [1, 4, 16]);
    assert_eq!(world.calls_for(&sent[1]), [1]);
    world.check();
}

#[actix::test]
async fn after_too_fast_for_the_number_the_pace_is_halved_once_and_told() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut calls = 0;
    world.script(move |token| {
        calls += 1;
        // All that are under way when the limit strikes are refused.
        if (100..104).contains(&calls) {
            too_fast()
        } else {
            accepted(token)
        }
    });
    let sent = world.send(&lane, &(0..600).map(bulk).collect::<Vec<_>>()).await;
    world
        .lane_is(&lane, "it is slower", |lane| lane.share < 1.0)
        .await;
    world.pass(Duration::from_secs(2)).await;
    let snapshot = lane.snapshot().await.unwrap();
    assert!(snapshot.share > 0.45, "halved once: {}", snapshot.share);
    world.settled().await;
    assert!(sent.iter().all(|waiting| world.calls_for(waiting).len() <= 2));
    world.pass(Duration::from_secs(30)).await;
    let throttled = Some("throttled".to_owned());
    assert_eq!(
        world.lane_events().await,
        [
            ("slowed".to_owned(), "all".to_owned(), throttled),
            ("running".to_owned(), "all".to_owned(), None)
        ]
    );
    world.check();
}

#[actix::test]
async fn every_waiting_message_says_why_it_waits_and_when_it_should_go() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let scheduled = Letter {
        send_at: Some(world.wall_in(Duration::from_secs(9_000))),
        ..letter(1)
    };
    let scheduled = world.send(&lane, &[scheduled]).await;
    let delay_estimate = lane.delay_estimate(scheduled[0].message).await.unwrap();
    assert_eq!(delay_estimate.reason, DelayReason::Scheduled);
    assert_eq!(
        delay_estimate.expected,
        Some(world.wall_in(Duration::from_secs(9_000)))
    );
    let sent = world.send(&lane, &(0..400).map(bulk).collect::<Vec<_>>()).await;
    let last = sent.last().unwrap();
    let told = lane.delay_estimate(last.message).await.unwrap();
    assert_eq!(told.reason, DelayReason::Queued);
    world
        .until("the last one went", || async {
            truth(!world.calls_for(last).is_empty())
        })
        .await;
    let went = world.wall_in(Duration::ZERO);
    let error = went
        .since(told.expected.unwrap())
        .max(told.expected.unwrap().since(went));
    assert!(error < Duration::from_millis(500), "told {error:?} wrong");
    assert_eq!(
        lane.delay_estimate(last.message).await,
        None,
        "it does not wait any more"
    );
}

#[actix::test]
async fn a_store_that_is_down_is_not_hammered() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    let faults = [Fault::Refuse(StoreErrorKind::Unavailable); 10_000];
    world.store.claim_faults.lock().unwrap().extend(faults);
    world.send(&lane, &[letter(1)]).await;
    world.pass(Duration::from_secs(60)).await;
    assert!(*world.store.claims.lock().unwrap() < 30);
}

#[actix::test]
async fn a_reply_for_which_the_process_has_no_call_left_holds_up_no_broadcast() {
    let mut world = World::new().await;
    world.number.rate = SendRate::new(1).unwrap();
    world.calls = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
    let lane = world.lane(LaneLimits::default());
    // The second one is claimed, has the only place, and waits for the number's rate.
    let sent = world.send(&lane, &[bulk(1), bulk(2)]).await;
    world
        .lane_is(&lane, "the second is claimed", |lane| lane.claimed == 1)
        .await;
    let reply = world.send(&lane, &[letter(3)]).await;
    world.pass(Duration::from_secs(10)).await;
    for waiting in sent.iter().chain(&reply) {
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}

#[actix::test]
async fn a_connection_that_was_refused_at_once_makes_later_answers_no_slower() {
    let mut world = World::new().await;
    world.number.rate = SendRate::new(20).unwrap();
    let mut calls = 0;
    world.script(move |token| {
        calls += 1;
        let (after, reply) = if calls == 1 {
            (0, unreachable())
        } else {
            (200, accepted(token))
        };
        Reply {
            after: Duration::from_millis(after),
            ..reply
        }
    });
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &[letter(0)]).await;
    world.settled().await;
    world.send(&lane, &(1..=60).map(letter).collect::<Vec<_>>()).await;
    world.settled().await;
    let times = times(&world);
    let took = between(times[2], *times.last().unwrap());
    // Answers that count as late make each message count for longer than its second.
    assert!(took < Duration::from_millis(3_100), "60 messages took {took:?}");
    world.check();
}

#[actix::test]
async fn a_running_lane_follows_a_new_rate_in_places_and_pace() {
    let world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_millis(200),
        ..accepted(token)
    });
    let lane = world.lane(LaneLimits::default());
    world.send(&lane, &(0..160).map(bulk).collect::<Vec<_>>()).await;
    world.settled().await;
    assert!(busiest_second(&times(&world)) <= 80);
    let rated = |rate| crate::store::Number {
        rate: SendRate::new(rate).unwrap(),
        ..world.number.clone()
    };
    lane.update(rated(1_000));
    let before = world.seen().len();
    world
        .send(&lane, &(200..3_200).map(bulk).collect::<Vec<_>>())
        .await;
    world.settled().await;
    let faster = times(&world).split_off(before);
    assert!(busiest_second(&faster) <= 1_000);
    let took = between(faster[0], *faster.last().unwrap());
    assert!(took < Duration::from_millis(3_500), "3000 messages took {took:?}");
    // What was sent at the old rate says nothing about a second later.
    world.pass(Duration::from_secs(1)).await;
    lane.update(rated(80));
    let before = world.seen().len();
    world
        .send(&lane, &(4_000..4_160).map(bulk).collect::<Vec<_>>())
        .await;
    world.settled().await;
    assert!(busiest_second(&times(&world).split_off(before)) <= 80);
    world.check();
}
