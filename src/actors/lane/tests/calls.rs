//! The way of a message through a lane.

use std::time::Duration;

use super::*;
use crate::actors::lane::LaneLimits;
use crate::actors::request::{DelayReason, Receipt};
use crate::domain::{Alias, ContactAliases, DeliveryState, Priority, Wamid};
use crate::store::{Store as _, StoreErrorKind};
use crate::whatsapp::{RefusalScope, RetryScope};

#[actix::test]
async fn a_message_is_claimed_called_for_once_and_its_result_is_committed() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1), letter(2)]).await;
    world.settled().await;
    for waiting in &sent {
        let message = world.message(waiting).await;
        assert_eq!(message.delivery.unwrap().state, DeliveryState::Sent);
        assert!(message.wamid.is_some());
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
    world
        .lane_is(&lane, "it is idle", |lane| lane.in_flight + lane.claimed == 0)
        .await;
    assert_eq!(lane.backlog(), 0);
}

#[actix::test]
async fn messages_to_one_customer_go_one_after_the_other_and_in_order_even_when_one_is_tried_again() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut refusals = 2;
    world.script(move |token| {
        if refusals > 0 {
            refusals -= 1;
            return not_taken(RetryScope::Message, Duration::from_secs(3));
        }
        accepted(token)
    });
    let sent = world.send(&lane, &[letter(1), letter(1), letter(1)]).await;
    world.settled().await;
    let order: Vec<_> = world
        .seen()
        .iter()
        .map(|call| (call.token.message, call.token.attempt))
        .collect();
    let ids: Vec<_> = sent.iter().map(|waiting| waiting.message).collect();
    assert_eq!(
        order,
        [(ids[0], 1), (ids[0], 2), (ids[0], 3), (ids[1], 1), (ids[2], 1)]
    );
    let seen = world.seen();
    assert!(between(seen[0].at, seen[1].at) >= Duration::from_secs(3));
    world.check();
}

#[actix::test]
async fn a_refused_message_fails_and_the_others_go_on() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let mut first = true;
    world.script(move |token| {
        if std::mem::take(&mut first) {
            refused(RefusalScope::Message, 131_047)
        } else {
            accepted(token)
        }
    });
    let sent = world.send(&lane, &[letter(1), letter(1)]).await;
    world.settled().await;
    let failed = world.delivery(&sent[0]).await;
    assert_eq!(
        (failed.state, failed.error.unwrap().code),
        (DeliveryState::Failed, 131_047)
    );
    assert_eq!(world.state(&sent[1]).await, DeliveryState::Sent);
    assert_eq!(world.lane_events().await, []);
    world.check();
}

#[actix::test]
async fn a_reply_overtakes_a_broadcast_that_waits() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let broadcast: Vec<_> = (0..500).map(bulk).collect();
    world.send(&lane, &broadcast).await;
    world.pass(Duration::from_secs(1)).await;
    let asked = world.clock_now();
    let reply = world.send(&lane, &[letter(9_999)]).await;
    world
        .until("the reply went", || async {
            truth(!world.calls_for(&reply[0]).is_empty())
        })
        .await;
    let went = world.seen().last().unwrap().at;
    assert!(
        between(asked, went) < Duration::from_millis(50),
        "waited {:?}",
        between(asked, went)
    );
    assert!(lane.backlog() > 300, "the broadcast goes on");
    world.settled().await;
    world.check();
}

#[actix::test]
async fn a_broadcast_gets_its_share_beside_a_flood_of_replies() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let letters: Vec<_> = (0..800).map(letter).chain((1_000..1_100).map(bulk)).collect();
    world.send(&lane, &letters).await;
    world
        .until("400 went", || async { truth(world.seen().len() >= 400) })
        .await;
    let bulk_went = world
        .seen()
        .iter()
        .take(400)
        .filter(|call| world.priority_of(call.token.message) == Priority::Bulk)
        .count();
    assert!((19..=25).contains(&bulk_went), "{bulk_went} of 400");
    world.settled().await;
    world.check();
}

#[actix::test]
async fn a_message_that_was_taken_back_is_never_called_for_even_if_the_lane_does_not_hear_of_it() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    let waiting = world.submit(&letter(1)).await;
    world.withdraw(&waiting).await;
    lane.enqueue(waiting.clone());
    let next = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert_eq!(world.calls_for(&waiting), [0_u8; 0]);
    assert_eq!(world.calls_for(&next[0]), [1], "its customer is not held up");
    assert_eq!(world.state(&waiting).await, DeliveryState::Cancelled);
    world.check();
}

#[actix::test]
async fn a_message_whose_validity_ends_while_it_waits_expires_and_is_not_sent() {
    let world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_secs(30),
        ..accepted(token)
    });
    let lane = world.lane(LaneLimits::default());
    let mortal = Letter {
        valid_until: Some(world.wall_in(Duration::from_secs(10))),
        ..letter(1)
    };
    let sent = world.send(&lane, &[letter(1), mortal]).await;
    world
        .until("it expired", || async {
            truth(world.state(&sent[1]).await == DeliveryState::Expired)
        })
        .await;
    assert!(world.clock_now() < Duration::from_secs(11));
    world.settled().await;
    assert_eq!(world.calls_for(&sent[1]), [0_u8; 0]);
    world.check();
}

#[actix::test]
async fn a_message_whose_validity_ends_while_its_claim_waits_for_the_limit_is_not_sent() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    lane.note_inbound(80);
    let mortal = Letter {
        valid_until: Some(world.wall_in(Duration::from_secs(2))),
        ..letter(1)
    };
    let sent = world.send(&lane, &[mortal]).await;
    for _ in 0..40 {
        lane.note_inbound(10);
        world.pass(Duration::from_millis(100)).await;
    }
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [0_u8; 0]);
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Expired);
    world.check();
}

#[actix::test]
async fn a_scheduled_message_goes_at_its_time() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let later = Letter {
        send_at: Some(world.wall_in(Duration::from_secs(3_600))),
        ..letter(1)
    };
    world.send(&lane, &[later, letter(1)]).await;
    world.settled().await;
    let seen = world.seen();
    assert_eq!(seen.len(), 2);
    let late = seen[1].at.checked_sub(Duration::from_secs(3_600)).unwrap();
    assert!(late < Duration::from_millis(50), "{late:?} late");
    world.check();
}

#[actix::test]
async fn a_result_is_kept_until_the_ledger_takes_it_and_its_place_stays_taken() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    let waiting = world.submit(&letter(1)).await;
    let faults = [Fault::Refuse(StoreErrorKind::Full); 12];
    world.store.append_faults.lock().unwrap().extend(faults);
    lane.enqueue(waiting.clone());
    world.pass(Duration::from_secs(2)).await;
    let snapshot = lane.snapshot().await.unwrap();
    assert_eq!(snapshot.in_flight, 1);
    world.settled().await;
    assert_eq!(world.state(&waiting).await, DeliveryState::Sent);
    assert_eq!(world.calls_for(&waiting), [1]);
    world.check();
}

#[actix::test]
async fn a_claim_that_the_store_does_not_take_now_is_tried_again() {
    let world = World::new().await;
    let faults = [Fault::Refuse(StoreErrorKind::Unavailable); 5];
    world.store.claim_faults.lock().unwrap().extend(faults);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1), letter(1), letter(2)]).await;
    world.settled().await;
    assert!(sent.iter().all(|waiting| world.calls_for(waiting) == [1]));
    world.check();
}

#[actix::test]
async fn a_lane_goes_on_soon_after_a_full_store_has_room_and_says_what_it_waits_for() {
    let world = World::new().await;
    let full = Fault::Refuse(StoreErrorKind::Full);
    world.store.claim_faults.lock().unwrap().extend([full; 2]);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world.pass(Duration::from_millis(500)).await;
    let delay_estimate = lane.delay_estimate(sent[0].message).await.unwrap();
    assert_eq!(delay_estimate.reason, DelayReason::StoreUnavailable);
    let refused = world.clock_now();
    world.settled().await;
    assert_eq!(world.calls_for(&sent[0]), [1]);
    assert!(between(refused, world.seen()[0].at) < Duration::from_secs(3));
    world.check();
}

async fn claimed_again_after(lost: Fault) {
    let world = World::new().await;
    let faults = [lost, Fault::Refuse(StoreErrorKind::Unknown)];
    world.store.claim_faults.lock().unwrap().extend(faults);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert_eq!(
        world.calls_for(&sent[0]),
        [2],
        "the first claim was given back without a call"
    );
    assert_eq!(world.state(&sent[0]).await, DeliveryState::Sent);
    world.check();
}

#[actix::test]
async fn a_claim_whose_answer_was_lost_is_given_back_and_made_again() {
    claimed_again_after(Fault::LoseAnswer).await;
}

#[actix::test]
async fn a_claim_whose_rows_are_not_written_yet_is_given_back_and_made_again() {
    claimed_again_after(Fault::LoseRows).await;
}

#[actix::test]
async fn draining_waits_for_calls_and_gives_back_what_was_not_begun() {
    let world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_secs(4),
        ..accepted(token)
    });
    *world.store.delay.lock().unwrap() = Duration::from_millis(40);
    let lane = world.lane(LaneLimits::default());
    let sent = world.send(&lane, &(0..60).map(bulk).collect::<Vec<_>>()).await;
    world
        .until("some calls are under way", || async {
            truth(world.seen().len() >= 10)
        })
        .await;
    let began = world.clock_now();
    lane.drain().await;
    let took = between(began, world.clock_now());
    assert!(
        (Duration::from_secs(3)..Duration::from_secs(5)).contains(&took),
        "{took:?}"
    );
    let called = world.seen().len();
    for waiting in &sent {
        let expected = if world.calls_for(waiting).is_empty() {
            DeliveryState::Queued
        } else {
            DeliveryState::Sent
        };
        assert_eq!(world.state(waiting).await, expected);
    }
    assert_eq!(world.rows().len(), sent.len() - called, "no claim is left behind");
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.seen().len(), called);
    assert!(!lane.is_connected());
    world.check();
}

#[actix::test]
async fn a_read_receipt_goes_at_once_and_a_flood_of_them_is_cut() {
    let world = World::new().await;
    let limits = LaneLimits {
        receipts: 4,
        ..LaneLimits::default()
    };
    let lane = world.lane(limits);
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    for _ in 0..20 {
        lane.receipt(Wamid::parse("wamid.in").unwrap(), Receipt::ReadAndTyping);
    }
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.graph.read.lock().unwrap().len(), 4);
}

#[actix::test]
async fn the_name_by_which_meta_knows_a_recipient_leads_to_the_contact_afterwards() {
    let world = World::new().await;
    let known_as = Alias::phone("5215512345678").unwrap();
    let names = ContactAliases::of([known_as.clone()]);
    world.script(move |token| accepted_as(token, names.clone()));
    let lane = world.lane(LaneLimits::default());
    let found = || world.store.contacts_by_alias(TENANT, vec![known_as.clone()]);
    assert_eq!(found().await.unwrap(), [None]);
    let sent = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert_eq!(found().await.unwrap(), [Some(sent[0].contact)]);
    world.check();
}
