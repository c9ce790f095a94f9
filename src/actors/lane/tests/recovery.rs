//! What a lane does with what another process, or another lane, left behind.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::actors::Incarnation;
use crate::actors::lane::{Earlier, LaneLimits};
use crate::domain::{AttemptToken, DeliveryState, UnknownPolicy};
use crate::store::op::{AttemptResult, Attempted};
use crate::store::{ClaimOutcome, ClaimWant, ClaimsAhead, Op, Store as _};
use crate::whatsapp::{PauseReason, RefusalScope};

/// Claims a message as a lane would that dies right after.
async fn claim(world: &World, waiting: &crate::actors::lane::Waiting) -> AttemptToken {
    let want = ClaimWant {
        number: world.number.id.clone(),
        message: waiting.message,
        attempt: waiting.attempt,
    };
    let (fence, now) = (world.ledger.fence(), world.wall_in(Duration::ZERO));
    let granted = world.store.claim(TENANT, fence, vec![want], now).await.unwrap();
    let Some(ClaimOutcome::Granted(claimed)) = granted.into_iter().next() else {
        panic!("not granted")
    };
    claimed.token
}

#[actix::test]
async fn after_a_restart_what_was_claimed_is_unknown_and_what_was_queued_is_sent() {
    let mut world = World::new().await;
    let claimed = world.submit(&letter(1)).await;
    let same_customer = world.submit(&letter(1)).await;
    let queued = world.submit(&bulk(2)).await;
    claim(&world, &claimed).await;
    world.take_over().await;
    let lane = world.lane(LaneLimits::default());
    world
        .lane_is(&lane, "it sent the rest", |lane| {
            lane.unknown == 1 && lane.interactive + lane.bulk == 0
        })
        .await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.calls_for(&claimed), [0_u8; 0]);
    assert_eq!(world.state(&claimed).await, DeliveryState::Unknown);
    for waiting in [&same_customer, &queued] {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
    }
    world.check();
}

#[actix::test]
async fn after_a_kill_a_claim_whose_call_had_not_begun_goes_first_and_one_whose_call_had_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new().await;
    world.ahead = Arc::new(ClaimsAhead::open(folder.path()).unwrap());
    let [uncalled, called, noted] = [
        world.submit(&letter(1)).await,
        world.submit(&letter(2)).await,
        world.submit(&letter(3)).await,
    ];
    let later = world.submit(&letter(1)).await;
    let note = |waiting: &crate::actors::lane::Waiting| {
        let claim = AttemptToken {
            tenant: TENANT,
            conversation: waiting.conversation,
            message: waiting.message,
            attempt: 1,
        };
        world.ahead.note(claim, world.ledger.fence())
    };
    let _kept = [note(&uncalled), note(&noted)];
    note(&called).begin().unwrap();
    world.ahead.die();
    claim(&world, &uncalled).await;
    claim(&world, &called).await;
    world.take_over().await;
    world.ahead = Arc::new(ClaimsAhead::open(folder.path()).unwrap());
    let lane = world.lane(LaneLimits::default());
    world
        .lane_is(&lane, "it sent the rest", |lane| {
            lane.unknown == 1 && lane.interactive == 0 && lane.in_flight == 0
        })
        .await;
    assert_eq!(
        world.calls_for(&uncalled),
        [2],
        "the second claim, the first call"
    );
    assert_eq!(world.calls_for(&later), [1]);
    let order: Vec<_> = world.seen().iter().map(|call| call.token.message).collect();
    let place = |waiting: &crate::actors::lane::Waiting| order.iter().position(|id| *id == waiting.message);
    assert!(place(&uncalled) < place(&later));
    assert_eq!(world.calls_for(&noted), [1], "it was noted and never claimed");
    assert_eq!(world.calls_for(&called), [0_u8; 0]);
    assert_eq!(world.state(&called).await, DeliveryState::Unknown);
    world.check();
}

#[actix::test]
async fn nothing_is_claimed_before_what_was_claimed_is_declared_unknown() {
    let mut world = World::new().await;
    let claimed = world.submit(&letter(1)).await;
    let queued = world.submit(&letter(2)).await;
    claim(&world, &claimed).await;
    world.take_over().await;
    let full = Fault::Refuse(crate::store::StoreErrorKind::Full);
    world.store.append_faults.lock().unwrap().extend([full; 8]);
    let before = *world.store.claims.lock().unwrap();
    let lane = world.lane(LaneLimits::default());
    world.pass(Duration::from_secs(3)).await;
    assert!(!lane.snapshot().await.unwrap().loaded);
    assert_eq!(*world.store.claims.lock().unwrap(), before);
    world
        .until("the other went", || async {
            truth(!world.calls_for(&queued).is_empty())
        })
        .await;
    assert_eq!(world.state(&claimed).await, DeliveryState::Unknown);
    world.check();
}

#[actix::test]
async fn a_doubt_keeps_its_age_over_a_restart() {
    let mut world = World::new().await;
    let policy = UnknownPolicy::RetryAfterDeadline;
    let claimed = world.submit(&Letter { policy, ..letter(1) }).await;
    claim(&world, &claimed).await;
    world.pass(Duration::from_secs(15)).await;
    world.take_over().await;
    let began = world.clock_now();
    let _lane = world.lane(LaneLimits::default());
    world.settled().await;
    assert_eq!(world.calls_for(&claimed), [2]);
    assert!(between(began, world.seen()[0].at) < Duration::from_secs(6));
    world.check();
}

#[actix::test]
async fn a_lane_whose_tenant_was_taken_over_sends_nothing_more() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    let waiting = world.submit(&letter(1)).await;
    let newer = open_ledger(&world.store, &world.clock).await;
    lane.enqueue(waiting.clone());
    world
        .until("it stopped", || async { truth(!lane.is_connected()) })
        .await;
    assert!(world.seen().is_empty());
    assert_eq!(world.state(&waiting).await, DeliveryState::Queued);
    drop(newer);
}

#[actix::test]
async fn a_call_that_outlives_its_lane_still_commits_its_result() {
    let world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_secs(5),
        ..accepted(token)
    });
    let first = world.lane(LaneLimits::default());
    let sent = world.send(&first, &[letter(1), letter(2)]).await;
    world
        .until("both are under way", || async { truth(world.seen().len() == 2) })
        .await;
    drop(first);
    let second = world.lane(LaneLimits::default());
    world
        .lane_is(&second, "it found them", |lane| lane.unknown == 2)
        .await;
    world.settled().await;
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}

#[actix::test]
async fn a_late_result_that_queues_a_message_again_is_found_when_the_wait_ends() {
    let world = World::new().await;
    let claimed = world.submit(&letter(1)).await;
    let token = claim(&world, &claimed).await;
    let lane = world.lane(LaneLimits::default());
    world
        .lane_is(&lane, "it is watched", |lane| lane.unknown == 1)
        .await;
    let late = Attempted {
        token,
        number: world.number.id.clone(),
        at: world.wall_in(Duration::ZERO),
        result: AttemptResult::NotAccepted {
            retry_at: world.wall_in(Duration::ZERO),
            error: None,
        },
        recipient: crate::domain::ContactAliases::default(),
    };
    world.ledger.commit(Op::Attempted(late)).await.unwrap();
    world.pass(Duration::from_secs(86_500)).await;
    assert_eq!(world.state(&claimed).await, DeliveryState::Sent);
    assert_eq!(world.calls_for(&claimed), [2]);
    world.check();
}

#[actix::test]
async fn the_result_of_a_call_that_outlives_its_ledger_is_committed_by_the_next_one() {
    let mut world = World::new().await;
    world.script(|token| Reply {
        after: Duration::from_secs(5),
        ..accepted(token)
    });
    let first = world.lane(LaneLimits::default());
    let sent = world.send(&first, &[letter(1), letter(2)]).await;
    world
        .until("both are under way", || async { truth(world.seen().len() == 2) })
        .await;
    let before = world.ledger.clone();
    before.retire().await;
    world.pass(Duration::from_secs(1)).await;
    world.take_over().await;
    drop(first);
    let second = world.lane(LaneLimits::default());
    world
        .lane_is(&second, "it found them", |lane| lane.unknown == 2)
        .await;
    world
        .lane_is(&second, "it heard how they ended", |lane| lane.unknown == 0)
        .await;
    assert!(world.clock_now() < Duration::from_secs(20), "no wait had to end");
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
        assert_eq!(world.calls_for(waiting), [1]);
    }
    world.check();
}

#[actix::test]
async fn what_the_last_lane_claimed_and_never_called_for_goes_at_once_by_the_next_one() {
    let mut world = World::new().await;
    // Nothing is called for: the limit lets one go, and the claims ahead wait for it.
    world.number.rate = crate::domain::SendRate::new(1).unwrap();
    let first = world.lane(LaneLimits::default());
    let letters: Vec<Letter> = (0..6)
        .map(|customer| Letter {
            policy: UnknownPolicy::Ask,
            ..letter(customer)
        })
        .collect();
    let sent = world.send(&first, &letters).await;
    world
        .until("one is claimed and not called for", || async {
            let claimed = |row: &crate::store::OutboxRow| row.state == crate::store::OutboxState::Claimed;
            truth(!world.seen().is_empty() && world.rows().iter().any(claimed))
        })
        .await;
    let before = world.ledger.clone();
    before.retire().await;
    let retired = first.clone();
    let drained = actix::spawn(async move { retired.drain().await });
    world.take_over().await;
    drop(first);
    let _second = world.lane(LaneLimits::default());
    world.settled().await;
    drained.await.unwrap();
    assert!(
        world.clock_now() < Duration::from_secs(30),
        "nobody had to be asked"
    );
    for waiting in &sent {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
    }
    world.check();
}

#[actix::test]
async fn the_next_lane_of_a_number_keeps_to_its_limit_and_to_its_customers_limits() {
    let world = World::new().await;
    let first = world.lane(LaneLimits::default());
    // A burst to one customer uses up a minute of theirs; the others fill the number's second.
    let mut letters: Vec<_> = (0..10).map(|_| letter(1)).collect();
    letters.extend((100..160).map(letter));
    world.send(&first, &letters).await;
    world.settled().await;
    first.die().await;
    drop(first);
    let began = world.clock_now();
    let second = world.lane(LaneLimits::default());
    let again = world.send(&second, &[letter(1)]).await;
    world
        .send(&second, &(200..280).map(letter).collect::<Vec<_>>())
        .await;
    world.settled().await;
    let times: Vec<_> = world.seen().iter().map(|call| call.at).collect();
    assert!(busiest_second(&times) <= 80, "{}", busiest_second(&times));
    let burst = world
        .seen()
        .iter()
        .find(|call| call.token.message == again[0].message)
        .unwrap()
        .at;
    assert!(
        between(began, burst) > Duration::from_secs(50),
        "the burst is paid for"
    );
    world.check();
}

#[actix::test]
async fn a_pause_outlives_the_lane_that_began_it() {
    let world = World::new().await;
    let locked = RefusalScope::Lane(PauseReason::AccountBlocked);
    world.script(move |_| refused(locked, 131_031));
    let first = world.lane(LaneLimits::default());
    world.send(&first, &[letter(1)]).await;
    world
        .lane_is(&first, "it is paused", |lane| lane.paused.is_some())
        .await;
    first.die().await;
    drop(first);
    let second = world.lane(LaneLimits::default());
    world
        .lane_is(&second, "it is paused, too", |lane| lane.paused.is_some())
        .await;
    let before = world.seen().len();
    world.send(&second, &[letter(2)]).await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.seen().len(), before);
}

#[actix::test]
async fn a_pause_ends_with_a_new_token_although_its_lane_is_gone() {
    let mut world = World::new().await;
    let locked = RefusalScope::Lane(PauseReason::AccessToken);
    world.script(move |_| refused(locked, 190));
    let first = world.lane(LaneLimits::default());
    world.send(&first, &[letter(1)]).await;
    world
        .lane_is(&first, "it is paused", |lane| lane.paused.is_some())
        .await;
    first.die().await;
    drop(first);
    world.script(accepted);
    world.number.access_token = crate::store::directory::AccessToken::new("secret-2");
    let began = world.clock_now();
    let _second = world.lane(LaneLimits::default());
    world.settled().await;
    assert!(between(began, world.clock_now()) < Duration::from_secs(60));
    world.check();
}

#[actix::test]
async fn a_process_that_follows_another_at_once_takes_the_last_second_for_full() {
    let world = World::new().await;
    let began = world.clock_now();
    let lane = world.lane_after_another_process(LaneLimits::default());
    world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert!(between(began, world.seen()[0].at) >= Duration::from_secs(1));
}

#[actix::test]
async fn what_an_ended_process_sent_long_ago_counts_no_more() {
    let world = World::new().await;
    let process_began = world.clock_now();
    world.pass(Duration::from_secs(3_600)).await;
    let lane = world.start(LaneLimits::default(), Earlier::Until(process_began));
    let asked = world.clock_now();
    world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert!(between(asked, world.seen()[0].at) < Duration::from_millis(500));
}

#[actix::test]
async fn what_another_node_may_have_sent_until_the_lane_began_counts() {
    let world = World::new().await;
    let began = world.clock_now();
    let lane = world.start(LaneLimits::default(), Earlier::Others);
    world.send(&lane, &[letter(1)]).await;
    world.settled().await;
    assert!(between(began, world.seen()[0].at) >= Duration::from_secs(1));
}

#[actix::test]
async fn a_burst_that_an_earlier_process_sent_to_a_customer_is_paid_back_and_nobody_else_waits() {
    let mut world = World::new().await;
    let first = world.lane(LaneLimits::default());
    let burst = [(); 10].map(|()| letter(1));
    world.send(&first, &burst).await;
    world.settled().await;
    let last = world.clock_now();
    first.die().await;
    drop(first);
    world.take_over().await;
    world.incarnation = Incarnation::new(world.ledger.clone());
    let second = world.lane_after_another_process(LaneLimits::default());
    let sent = world.send(&second, &[letter(1), letter(2), letter(1)]).await;
    world.settled().await;
    let at = |nth: usize| {
        let seen = world.seen();
        let call = seen.iter().find(|call| call.token.message == sent[nth].message);
        call.unwrap().at
    };
    assert!(
        between(last, at(0)) >= Duration::from_secs(57),
        "{:?}",
        between(last, at(0))
    );
    assert!(
        between(last, at(0)) < Duration::from_secs(65),
        "{:?}",
        between(last, at(0))
    );
    assert!(
        between(last, at(1)) < Duration::from_secs(3),
        "{:?}",
        between(last, at(1))
    );
    assert!(at(2) > at(0));
    world.check();
}

#[actix::test]
async fn what_the_store_would_not_take_is_offered_again() {
    let world = World::new().await;
    let lane = world.lane(LaneLimits::default());
    world.lane_is(&lane, "it is loaded", |lane| lane.loaded).await;
    let soon = world.wall_in(Duration::from_secs(2));
    let late = Letter {
        send_at: Some(world.wall_in(Duration::from_secs(3_600))),
        valid_until: Some(soon),
        ..letter(1)
    };
    let waiting = world.submit(&late).await;
    let broken = Fault::Refuse(crate::store::StoreErrorKind::Corrupt);
    world.store.append_faults.lock().unwrap().extend([broken; 3]);
    lane.enqueue(waiting.clone());
    world.settled().await;
    assert_eq!(world.state(&waiting).await, DeliveryState::Expired);
    assert!(world.store.append_faults.lock().unwrap().is_empty());
}

#[actix::test]
async fn a_lane_that_died_while_meta_was_away_leaves_its_circuit_breaker_to_the_next() {
    let world = World::new().await;
    world.script(|_| unreachable());
    let first = world.lane(LaneLimits::default());
    let waiting = world
        .send(&first, &(1..=20).map(letter).collect::<Vec<_>>())
        .await;
    let last_call = || world.seen().last().map(|call| call.at);
    world
        .until("it rests for long", || async {
            let rests =
                last_call().is_some_and(|at| between(at, world.clock_now()) > Duration::from_secs(20));
            truth(rests)
        })
        .await;
    let calls = world.seen().len();
    first.die().await;
    drop(first);
    let second = world.lane(LaneLimits::default());
    let later = world.send(&second, &[letter(99)]).await;
    world
        .lane_is(&second, "it is loaded", |lane| {
            lane.loaded && lane.interactive > 0
        })
        .await;
    world.pass(Duration::from_secs(5)).await;
    assert!(second.snapshot().await.unwrap().is_tripped);
    assert_eq!(world.seen().len(), calls, "the stop goes on");
    world
        .until("one trial was made", || async {
            truth(world.seen().len() > calls)
        })
        .await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.seen().len(), calls + 1, "a trial is one call");
    world.script(accepted);
    world.settled().await;
    for waiting in waiting.iter().chain(&later) {
        assert_eq!(world.state(waiting).await, DeliveryState::Sent);
    }
    world.check();
}
