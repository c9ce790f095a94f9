//! Messages of broadcasts, which may be halted and cancelled.

use super::*;
use crate::actors::lane::{LaneHandle, LaneLimits, Waiting};
use crate::domain::{
    BroadcastId, BroadcastRecipient, BroadcastRun, Clock as _, DeliveryState, RecipientHours,
};
use crate::store::op::SteerBroadcast;
use crate::store::plain::PlainTable;
use crate::store::tables::Broadcast;
use crate::store::{Op, OpOutcome};

const BROADCAST: BroadcastId = BroadcastId::from_bytes([7; 16]);

async fn steer(world: &World, to: BroadcastRun) {
    let steer = SteerBroadcast {
        broadcast: BROADCAST,
        numbers: vec![world.number.id.clone()],
        to,
        problem: None,
        version: 0,
    };
    let outcome = world.ledger.commit(Op::SteerBroadcast(steer)).await.unwrap();
    assert!(matches!(outcome, OpOutcome::Committed { .. }), "{outcome:?}");
}

/// Messages to the first so many recipients, as the runner hands them over.
async fn to_recipients(world: &World, count: u32) -> Vec<Waiting> {
    let mut sent = Vec::new();
    for no in 0..count {
        let mut submit = world.submission(&bulk(no));
        submit.broadcast = Some(BroadcastRecipient {
            broadcast: BROADCAST,
            no,
        });
        match world.ledger.commit(Op::Submit(Box::new(submit))).await.unwrap() {
            OpOutcome::Committed {
                queued: Some(queued), ..
            } => sent.push((*queued).into()),
            other => panic!("{other:?}"),
        }
    }
    sent
}

fn hand_over(lane: &LaneHandle, messages: &[Waiting]) {
    for waiting in messages {
        lane.enqueue(waiting.clone());
    }
}

/// Waits until the lane keeps so many messages back.
async fn keeps_back(world: &World, lane: &LaneHandle, count: usize) {
    world
        .lane_is(lane, "all are kept back", |snapshot| snapshot.parked == count)
        .await;
}

#[actix::test]
async fn a_halt_keeps_messages_back_and_replies_go_until_it_goes_on() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = to_recipients(&world, 200).await;
    steer(&world, BroadcastRun::Halted).await;
    let lane = world.lane(LaneLimits::default());
    hand_over(&lane, &all);
    let reply = world.send(&lane, &[letter(1)]).await;
    keeps_back(&world, &lane, 200).await;
    world
        .until("the reply is sent", || async {
            truth(world.state(&reply[0]).await == DeliveryState::Sent)
        })
        .await;
    assert_eq!(world.seen().len(), 1);
    let asked = *world.store.claims.lock().unwrap();
    world.pass(std::time::Duration::from_hours(1)).await;
    assert_eq!(
        *world.store.claims.lock().unwrap(),
        asked,
        "it asks although nothing changed"
    );
    steer(&world, BroadcastRun::Running).await;
    lane.broadcast_steered(BROADCAST);
    world.settled().await;
    for waiting in &all {
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}

#[actix::test]
async fn a_lane_that_starts_learns_of_the_halt_and_goes_on_after_it() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = to_recipients(&world, 20).await;
    steer(&world, BroadcastRun::Halted).await;
    let lane = world.lane(LaneLimits::default());
    keeps_back(&world, &lane, 20).await;
    drop(lane);
    let lane = world.lane_after_another_process(LaneLimits::default());
    keeps_back(&world, &lane, 20).await;
    assert!(world.seen().is_empty());
    steer(&world, BroadcastRun::Running).await;
    lane.broadcast_steered(BROADCAST);
    world.settled().await;
    for waiting in &all {
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}

#[actix::test]
async fn what_waits_of_a_cancelled_broadcast_is_taken_back() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = to_recipients(&world, 100).await;
    steer(&world, BroadcastRun::Halted).await;
    let lane = world.lane(LaneLimits::default());
    keeps_back(&world, &lane, 100).await;
    steer(&world, BroadcastRun::Cancelled).await;
    lane.broadcast_steered(BROADCAST);
    world.settled().await;
    assert!(world.seen().is_empty());
    for waiting in &all {
        assert_eq!(world.state(waiting).await, DeliveryState::Cancelled);
    }
    // Their customers' queues are free.
    let reply = world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert_eq!(world.state(&reply[0]).await, DeliveryState::Sent);
    world.check();
}

#[actix::test]
async fn what_goes_on_while_a_claim_is_refused_for_the_halt_is_asked_for_again() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = to_recipients(&world, 1).await;
    steer(&world, BroadcastRun::Halted).await;
    let answers = world.store.claim_gate.lock().await;
    let lane = world.lane(LaneLimits::default());
    world
        .until("a claim is asked for", || async {
            truth(*world.store.claims.lock().unwrap() == 1)
        })
        .await;
    steer(&world, BroadcastRun::Running).await;
    lane.broadcast_steered(BROADCAST);
    // The lane has heard of it before the answer comes.
    lane.snapshot().await.unwrap();
    drop(answers);
    world.settled().await;
    assert_eq!(world.calls_for(&all[0]), [1]);
    world.check();
}

#[actix::test]
async fn a_message_whose_commit_was_not_answered_is_found_by_its_lane() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let lane = world.lane(LaneLimits::default());
    world
        .lane_is(&lane, "the outbox is read", |snapshot| snapshot.loaded)
        .await;
    world
        .store
        .append_faults
        .lock()
        .unwrap()
        .push_back(Fault::LoseAnswer);
    let mut submit = world.submission(&bulk(1));
    submit.broadcast = Some(BroadcastRecipient {
        broadcast: BROADCAST,
        no: 1,
    });
    // No event moved the ledger's head: the second look finds the recipient's turn over.
    let outcome = world.ledger.commit(Op::Submit(Box::new(submit))).await.unwrap();
    assert!(
        matches!(outcome, OpOutcome::Duplicate { at: Some(_) }),
        "{outcome:?}"
    );
    world.settled().await;
    assert_eq!(world.seen().len(), 1);
    world.check();
}

#[actix::test]
async fn what_is_claimed_when_it_is_halted_is_not_called_for_until_it_goes_on() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = to_recipients(&world, 200).await;
    let lane = world.lane(LaneLimits::default());
    hand_over(&lane, &all);
    world
        .lane_is(&lane, "claims are kept ready", |snapshot| snapshot.claimed > 0)
        .await;
    steer(&world, BroadcastRun::Halted).await;
    lane.broadcast_halted().await;
    let called = world.seen().len();
    keeps_back(&world, &lane, all.len() - called).await;
    world.pass(std::time::Duration::from_hours(1)).await;
    assert_eq!(world.seen().len(), called);
    steer(&world, BroadcastRun::Running).await;
    lane.broadcast_steered(BROADCAST);
    world.settled().await;
    assert_eq!(world.seen().len(), all.len());
    world.check();
}

#[actix::test]
async fn a_claim_that_a_halt_overtakes_is_given_back() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = to_recipients(&world, 1).await;
    let lane = world.lane(LaneLimits::default());
    let answers = world.store.claim_gate.lock().await;
    hand_over(&lane, &all);
    world
        .until("a claim is asked for", || async {
            truth(*world.store.claims.lock().unwrap() == 1)
        })
        .await;
    steer(&world, BroadcastRun::Halted).await;
    lane.broadcast_halted().await;
    drop(answers);
    keeps_back(&world, &lane, 1).await;
    assert!(world.seen().is_empty());
    world.check();
}

/// The row of a broadcast that may be sent in these hours of a zone on the equator, each day.
async fn with_hours(world: &World, from: &str, to: &str) {
    let day = |day| (day, serde_json::json!([[from, to]]));
    let days: serde_json::Value = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .map(day)
        .into_iter()
        .collect();
    let (by, at) = (
        serde_json::json!({ "kind": "api", "key": "k" }),
        world.clock.now(),
    );
    let row: Broadcast = serde_json::from_value(serde_json::json!({
        "broadcast_id": BROADCAST, "name": "x", "template": { "name": "promo", "language": "en" },
        "numbers": [world.number.id], "audience": { "type": "upload" }, "state": "running", "version": 1,
        "created_by": by, "created_at": at, "changed_by": by, "changed_at": at,
        "hours": { "zone": "Etc/UTC", "days": days },
        "plan": {
            "number": 1, "chunks": 1, "total": 9, "recipients": 9, "purpose": "marketing", "at": at,
            "zones": [{ "zones": ["Etc/UTC"], "recipients": 9, "first": 1, "last": 9 }],
        },
    }))
    .unwrap();
    let table = PlainTable::<Broadcast>::of(world.store.as_ref(), at);
    let key = Broadcast::at(TENANT, BROADCAST);
    assert!(table.replace(&key, None, Some(&row)).await.unwrap());
}

/// Messages whose hours were open until the world began, at eight in the morning.
async fn left_over(world: &World, count: u32) -> Vec<Waiting> {
    let closes = world.clock.now();
    let mut sent = Vec::new();
    for no in 0..count {
        let mut submit = world.submission(&bulk(no));
        submit.broadcast = Some(BroadcastRecipient {
            broadcast: BROADCAST,
            no,
        });
        submit.hours = Some(RecipientHours { zone: 0, closes });
        let id = submit.id;
        world.ledger.commit(Op::Submit(Box::new(submit))).await.unwrap();
        sent.push(world.row(id).unwrap().into());
    }
    sent
}

#[actix::test]
async fn what_waits_when_the_hours_end_goes_when_they_begin_again() {
    let world = World::new().await;
    with_hours(&world, "10:00", "08:00").await;
    steer(&world, BroadcastRun::Running).await;
    let all = left_over(&world, 100).await;
    let lane = world.lane(LaneLimits::default());
    // What else is for the same customers is not held up.
    let others = world.send(&lane, &[bulk(1), letter(2)]).await;
    for other in &others {
        world
            .until("the others are sent", || async {
                truth(world.state(other).await == DeliveryState::Sent)
            })
            .await;
    }
    drop(lane);
    let lane = world.lane_after_another_process(LaneLimits::default());
    let asked = *world.store.claims.lock().unwrap();
    world.pass(std::time::Duration::from_mins(110)).await;
    assert_eq!(world.seen().len(), 2);
    assert_eq!(*world.store.claims.lock().unwrap(), asked, "it asks in vain");
    world.settled().await;
    let ten = std::time::Duration::from_hours(2);
    for waiting in &all {
        assert_eq!(world.calls_for(waiting), [1]);
    }
    let early = world.seen().iter().filter(|call| call.at < ten).count();
    assert_eq!(early, 2);
    drop(lane);
    world.check();
}

#[actix::test]
async fn what_waits_for_hours_that_nobody_can_tell_is_not_sent_until_they_are_told() {
    let world = World::new().await;
    steer(&world, BroadcastRun::Running).await;
    let all = left_over(&world, 3).await;
    let lane = world.lane(LaneLimits::default());
    world.pass(std::time::Duration::from_hours(3)).await;
    assert!(world.seen().is_empty());
    with_hours(&world, "10:00", "08:00").await;
    world.pass(std::time::Duration::from_hours(3)).await;
    for waiting in &all {
        assert_eq!(world.calls_for(waiting), [1]);
    }
    drop(lane);
    world.check();
}

#[actix::test]
async fn what_is_tried_again_waits_for_the_hours_too() {
    let world = World::new().await;
    with_hours(&world, "10:00", "08:05").await;
    steer(&world, BroadcastRun::Running).await;
    let lane = world.lane(LaneLimits::default());
    let (clock, mut first) = (world.clock.clone(), true);
    // Called for within the hours, refused, and due again behind them.
    world.script(move |token| {
        if std::mem::take(&mut first) {
            clock.set_ahead(5 * 60);
            too_fast()
        } else {
            accepted(token)
        }
    });
    let all = left_over(&world, 1).await;
    hand_over(&lane, &all);
    world.settled().await;
    assert_eq!(world.calls_for(&all[0]), [1, 2]);
    let second = world.seen().last().unwrap().at;
    assert!(second >= std::time::Duration::from_mins(115), "{second:?}");
    drop(lane);
    world.check();
}
