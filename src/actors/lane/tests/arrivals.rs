//! Messages of which the lane is not told by whoever submitted them: their commit was in doubt, or nobody waited for it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::actors::CommitError;
use crate::actors::lane::{LaneHandle, LaneLimits};
use crate::domain::MessageId;
use crate::store::{Op, StoreErrorKind};

const UNKNOWN: Fault = Fault::Refuse(StoreErrorKind::Unknown);

/// Submits a message whose commit stays unknown to the ledger, by these faults.
async fn submit_in_doubt(world: &World, faults: &[Fault]) -> MessageId {
    world.store.append_faults.lock().unwrap().extend(faults);
    let submit = world.submission(&letter(1));
    let id = submit.id;
    let told = world.ledger.commit(Op::Submit(Box::new(submit))).await;
    assert!(matches!(told, Err(CommitError::Store(error)) if error.kind == StoreErrorKind::Unknown));
    id
}

/// The lane read its outbox and waits.
async fn resting_lane(world: &World) -> LaneHandle {
    let lane = world.lane(LaneLimits::default());
    world
        .until("it rests", || async { truth(lane.is_idle().await) })
        .await;
    lane
}

async fn called_once(world: &World, id: MessageId) {
    world.settled().await;
    let calls: Vec<_> = world.seen().iter().map(|call| call.token.message).collect();
    assert_eq!(calls, [id]);
    world.check();
}

async fn sent_after(fault: Fault) {
    let world = World::new().await;
    let _lane = resting_lane(&world).await;
    let began = world.clock_now();
    let id = submit_in_doubt(&world, &[UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, fault]).await;
    called_once(&world, id).await;
    let took = between(began, world.clock_now());
    assert!(took < Duration::from_secs(10), "after {took:?}");
}

#[actix::test]
async fn a_message_whose_commit_turns_out_to_be_made_is_sent_although_nothing_else_comes() {
    sent_after(Fault::LoseAnswer).await;
}

#[actix::test]
async fn a_message_whose_row_shows_up_late_is_sent_although_nothing_else_comes() {
    sent_after(Fault::LoseRows).await;
}

#[actix::test]
async fn a_message_in_doubt_is_sent_however_long_the_store_is_away() {
    let world = World::new().await;
    let _lane = resting_lane(&world).await;
    world.store.no_heads.store(true, Ordering::Release);
    let id = submit_in_doubt(&world, &[Fault::LoseRows]).await;
    world.pass(Duration::from_hours(2)).await;
    assert_eq!(world.seen().len(), 0);
    world.store.no_heads.store(false, Ordering::Release);
    let began = world.clock_now();
    called_once(&world, id).await;
    let took = between(began, world.clock_now());
    assert!(took < Duration::from_secs(10), "after {took:?}");
}

#[actix::test]
async fn a_message_whose_commit_was_not_made_is_not_sent() {
    let world = World::new().await;
    let lane = resting_lane(&world).await;
    submit_in_doubt(&world, &[UNKNOWN; 5]).await;
    world.pass(Duration::from_secs(60)).await;
    assert!(world.ledger.is_idle().await && lane.is_idle().await);
    assert_eq!(world.seen().len(), 0);
}

#[actix::test]
async fn the_lane_that_follows_a_ledger_in_doubt_sends_what_arrived() {
    let mut world = World::new().await;
    let first = resting_lane(&world).await;
    world.store.no_heads.store(true, Ordering::Release);
    let id = submit_in_doubt(&world, &[Fault::LoseRows]).await;
    world.store.no_heads.store(false, Ordering::Release);
    first.die().await;
    world.take_over().await;
    let _next = world.lane(LaneLimits::default());
    called_once(&world, id).await;
}

#[actix::test]
async fn a_message_whose_asker_is_gone_when_it_is_committed_is_sent() {
    let world = World::new().await;
    let _lane = resting_lane(&world).await;
    *world.store.delay.lock().unwrap() = Duration::from_millis(50);
    let submit = world.submission(&letter(1));
    let id = submit.id;
    let commit = world.ledger.commit(Op::Submit(Box::new(submit)));
    tokio::time::timeout(Duration::from_millis(10), commit)
        .await
        .unwrap_err();
    world
        .until("it is committed", || async { truth(world.row(id).is_some()) })
        .await;
    called_once(&world, id).await;
}
