//! How recipients, and a store, end for a broadcast.

use super::super::contents::exported;
use super::super::ops::{self, recipient, to_recipient};
use super::super::scene::{Scene, TENANT};
use super::super::{Backend, Memory};
use super::{ADA, BOB, claim, counts, listed, outcomes, running, sends, taken};
use crate::domain::{BroadcastRun, DeliveryState, RecipientOutcome, WamidHash};
use crate::store::RecordKind;
use crate::store::op::{OpOutcome, ReportTarget};
use crate::store::row::{ClaimOutcome, Seen};

pub(in crate::store::conformance) async fn an_erased_recipient_waits_no_longer(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let waits = sends(&mut scene, ADA, 1).await;
    let sent = sends(&mut scene, BOB, 2).await;
    taken(&mut scene, sent, "m2").await;
    for name in [ADA, BOB] {
        let contact = scene.contact(name).await.unwrap();
        for _ in 0..2 {
            scene.store.erase_contact(TENANT, contact).await.unwrap();
        }
    }
    assert_eq!(
        outcomes(&scene).await,
        [(RecipientOutcome::Sent, 1), (RecipientOutcome::Erased, 1)]
    );
    assert!(matches!(claim(&scene, waits, 0).await, ClaimOutcome::Refused));
    let keys = vec![recipient(1).key(), WamidHash::of(&ops::wamid("m2"))];
    let seen = scene.store.seen(TENANT, keys, scene.now).await.unwrap();
    assert_eq!(seen, [Some(Seen { at: None }); 2], "nothing leads anywhere");
    // Its turn is over, and a late status counts for nobody.
    let again = to_recipient(TENANT, &[ADA], ops::id(scene.now, 8), 1);
    assert_eq!(scene.one(again).await, OpOutcome::Duplicate { at: None });
    scene
        .one(ops::reported(
            ReportTarget::Wamid,
            "m2",
            DeliveryState::Read,
            scene.now,
        ))
        .await;
    assert_eq!(counts(&scene).await.submitted, 2);
    assert_eq!(counts(&scene).await.of(RecipientOutcome::Sent), 1);
}

pub(in crate::store::conformance) async fn a_broadcast_goes_on_in_a_copy(backend: impl Backend) {
    let mut scene = running(&backend).await;
    let first = sends(&mut scene, ADA, 1).await;
    scene.one(ops::steer(BroadcastRun::Halted)).await;
    let other = Memory::open();
    let (now, to) = (scene.now, Scene::of(&other).await);
    for kind in RecordKind::ALL {
        let records = exported(&*scene.store, TENANT, kind, now).await;
        to.store.import(TENANT, to.fence, records, now).await.unwrap();
    }
    drop(to);
    let mut scene = Scene::of(&other).await;
    scene.now = now;
    assert!(matches!(claim(&scene, first, 0).await, ClaimOutcome::Halted(_)));
    scene.one(ops::steer(BroadcastRun::Running)).await;
    let again = to_recipient(TENANT, &[ADA], ops::id(scene.now, 9), 1);
    assert_eq!(scene.one(again).await, OpOutcome::Duplicate { at: Some(first) });
    assert!(listed(&scene).await.is_empty());
    taken(&mut scene, first, "m1").await;
    assert_eq!(outcomes(&scene).await, [(RecipientOutcome::Sent, 1)]);
}
