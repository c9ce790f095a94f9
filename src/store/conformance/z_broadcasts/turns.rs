//! Whose turn comes to nothing, and what is not claimed, because of what happened since the plan.

use std::time::Duration;

use super::super::Backend;
use super::super::ops::{self, to_recipient};
use super::super::scene::TENANT;
use super::{ADA, BOB, CYN, claim, contact, counts, noted, outcomes, running, sends, taken, tally};
use crate::domain::{BroadcastRun, ContactChange, MergeDone, RecipientOutcome, Suppression};
use crate::store::op::{Merge, Op, OpOutcome, SteerBroadcast};
use crate::store::row::ClaimOutcome;

pub(in crate::store::conformance) async fn two_recipients_who_turn_out_to_be_one_get_it_once(
    backend: impl Backend,
) {
    let mut scene = running(&backend).await;
    // Two contacts when it was planned; before the second turn a message shows that they are one person.
    scene.hears(&["ID.1"], "w1", "hello").await;
    let at = sends(&mut scene, ADA, 1).await;
    taken(&mut scene, at, "m1").await;
    scene.later(Duration::from_secs(1));
    scene.hears(&[ADA, "ID.1"], "w2", "it is me").await;
    let second = to_recipient(TENANT, &["ID.1"], ops::id(scene.now, 2), 2);
    let twice = OpOutcome::Suppressed(Suppression::Duplicate);
    assert_eq!(scene.one(second).await, twice);
    // Somebody merges two others between their turns.
    let at = sends(&mut scene, BOB, 3).await;
    taken(&mut scene, at, "m3").await;
    scene
        .one(noted(CYN, ContactChange::GivenName(Some("Cyn".parse().unwrap()))))
        .await;
    let (bob, cyn) = (contact(&scene, BOB).await, contact(&scene, CYN).await);
    let done = MergeDone::of(&cyn, &bob).unwrap();
    let by = ops::agent("ana");
    scene.one(Op::Merge(Box::new(Merge { done, by }))).await;
    let fourth = to_recipient(TENANT, &[CYN], ops::id(scene.now, 4), 4);
    assert_eq!(scene.one(fourth).await, twice);
    let counts = counts(&scene).await;
    assert_eq!((counts.submitted, counts.messages()), (4, 2));
    assert_eq!(counts.suppressed.get(&Suppression::Duplicate), Some(&2));
}

pub(in crate::store::conformance) async fn who_is_blocked_while_the_message_waits_is_not_called_for(
    backend: impl Backend,
) {
    let mut scene = running(&backend).await;
    let at = sends(&mut scene, ADA, 1).await;
    let other = sends(&mut scene, BOB, 2).await;
    scene
        .one(noted(ADA, ContactChange::Block(ops::number("1"))))
        .await;
    scene
        .one(noted(BOB, ContactChange::Block(ops::number("2"))))
        .await;
    assert!(matches!(claim(&scene, at, 0).await, ClaimOutcome::Blocked));
    assert!(matches!(claim(&scene, other, 0).await, ClaimOutcome::Granted(_)));
}

pub(in crate::store::conformance) async fn what_waited_for_longer_than_messages_are_kept_is_not_sent(
    backend: impl Backend,
) {
    let mut scene = running(&backend).await;
    let submit = to_recipient(TENANT, &[ADA], ops::id(scene.now, 1), 1);
    let at = scene.place_kept(1, submit).await;
    scene.later(Duration::from_hours(24) - Duration::from_secs(60));
    let young = sends(&mut scene, BOB, 2).await;
    scene.later(Duration::from_secs(120));
    assert!(matches!(
        claim(&scene, at, 0).await,
        ClaimOutcome::BroadcastCancelled
    ));
    assert!(matches!(claim(&scene, young, 0).await, ClaimOutcome::Granted(_)));
    assert_eq!(outcomes(&scene).await, [(RecipientOutcome::Queued, 2)]);
}

pub(in crate::store::conformance) async fn the_newest_word_on_a_broadcast_holds_also_where_it_said_nothing_new(
    backend: impl Backend,
) {
    let mut scene = running(&backend).await;
    let steer = |to, version| {
        let Op::SteerBroadcast(steer) = ops::steer(to) else {
            panic!("another op");
        };
        Op::SteerBroadcast(SteerBroadcast { version, ..steer })
    };
    scene.one(steer(BroadcastRun::Running, 3)).await;
    // Paused and resumed: the pause comes late.
    scene.later(Duration::from_secs(5));
    scene.one(steer(BroadcastRun::Running, 5)).await;
    scene.one(steer(BroadcastRun::Halted, 4)).await;
    assert_eq!(tally(&scene).await.run, BroadcastRun::Running);
}
