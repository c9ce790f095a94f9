//! C: doing it again changes nothing.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::r_amendments::{edit, revoke};
use super::scene::{Scene, TENANT, mentions};
use crate::domain::WamidHash;
use crate::domain::{DeliveryState, EventKind, Retention};
use crate::store::op::{Announce, Op, OpOutcome, OpRefusal, ReportTarget};
use crate::store::{RetentionJob, Tenant};

const ADA: &[&str] = &["628111111"];
const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

pub(super) async fn the_same_ops_again_leave_every_byte_as_it_was(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.says(&["628111111"], 1, "hi").await;
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(scene.tenant, at, 1);
    let mut named = ops::submit(scene.tenant, &["628222222"], ops::id(scene.now, 2), "named");
    named.once = Some(ops::once(1, 1));
    let mut announce = Announce {
        kind: EventKind::Meta,
        conversation: None,
        data: ops::raw(r#"{"field":"account_update"}"#),
        once: None,
    };
    announce.once = Some(WamidHash::of_other("announce", &[b"1"]));
    let all: Vec<Op> = vec![
        ops::receive(&["628111111", "ID.1"], "w1", scene.now, "one").into(),
        ops::receive(&["ID.1"], "w2", scene.now, "two").into(),
        named.into(),
        ops::attempted(token, scene.now, ops::accepted("out1")),
        ops::reported(
            ReportTarget::Token(token),
            "out1",
            DeliveryState::Delivered,
            scene.now,
        ),
        ops::reported(ReportTarget::Wamid, "out1", DeliveryState::Read, scene.now),
        ops::reported(ReportTarget::Wamid, "nobody", DeliveryState::Read, scene.now),
        ops::relate(&["628111111"], &["628333333"], "moved"),
        Op::Announce(announce),
    ];
    let first = scene.commit(all.clone()).await;
    assert!(
        first
            .iter()
            .all(|outcome| matches!(outcome, OpOutcome::Committed { .. })),
        "{first:?}"
    );
    let before = scene.contents().await;
    let head = scene.head;
    scene.later(Duration::from_secs(60));
    for op in all.iter().chain(all.iter().rev()) {
        let again = scene.one(op.clone()).await;
        assert!(
            matches!(again, OpOutcome::Duplicate { .. } | OpOutcome::Unchanged),
            "{again:?} for {op:?}"
        );
    }
    assert_eq!(scene.head, head);
    assert_eq!(scene.contents().await, before);
}

pub(super) async fn a_webhook_repeated_after_eight_days_is_known(backend: impl Backend) {
    let mut scene = for_a_day(&backend).await;
    let receive = ops::receive(ADA, "w", scene.now, "x");
    let at = scene.place(receive.clone()).await;
    scene.later(DAY * 8);
    assert_eq!(scene.message(at).await, None);
    scene.sweep().await;
    assert_eq!(scene.one(receive).await, OpOutcome::Duplicate { at: Some(at) });
}

/// A tenant that keeps messages for a day.
async fn for_a_day(backend: &impl Backend) -> Scene {
    let mut scene = Scene::of(backend).await;
    scene.retention = Retention::days(1).unwrap();
    scene
}

/// Removes what is over in two days: somebody believed a clock that was ahead.
async fn sweep_too_early(scene: &mut Scene) {
    let right = scene.now;
    scene.later(DAY * 2);
    scene.sweep().await;
    scene.now = right.after(MINUTE);
}

pub(super) async fn a_message_that_was_removed_before_its_time_is_taken_when_it_is_repeated(
    backend: impl Backend,
) {
    let mut scene = for_a_day(&backend).await;
    let receive = ops::receive(ADA, "w", scene.now, "one");
    let at = scene.place(receive.clone()).await;
    sweep_too_early(&mut scene).await;
    scene.one(receive.clone()).await;
    assert_eq!(scene.texts(at).await, ["one"]);
    let again = scene.one(receive.clone()).await;
    assert!(matches!(again, OpOutcome::Duplicate { .. }), "{again:?}");
    // What changes it is repeated, too, in whatever order.
    let changed = edit(ADA, "e", "w", scene.now, "two");
    scene.one(changed.clone()).await;
    sweep_too_early(&mut scene).await;
    scene.one(changed).await;
    scene.one(receive).await;
    assert_eq!(scene.texts(at).await, ["two"]);
}

pub(super) async fn what_was_taken_back_or_erased_stays_away_whatever_was_removed_before_its_time(
    backend: impl Backend,
) {
    let mut scene = for_a_day(&backend).await;
    let receive = ops::receive(ADA, "w", scene.now, "a secret");
    let taken_back = revoke(ADA, "r", "w", scene.now);
    let erased = ops::receive(ADA, "e", scene.now, "a secret");
    scene.one(receive.clone()).await;
    scene.one(taken_back.clone()).await;
    sweep_too_early(&mut scene).await;
    for op in [receive.into(), taken_back] {
        scene.one(op).await;
        assert!(!mentions(&scene.contents().await, "secret"), "it came back");
    }
    scene.one(erased.clone()).await;
    sweep_too_early(&mut scene).await;
    let ada = scene.contact(ADA[0]).await.unwrap();
    scene.store.erase_contact(TENANT, ada).await.unwrap();
    scene.one(erased).await;
    assert!(!mentions(&scene.contents().await, "secret"), "it came back");
    assert_eq!(scene.contact(ADA[0]).await, None);
}

pub(super) async fn what_a_shorter_retention_took_is_not_brought_back_by_a_repetition(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let receive = ops::receive(ADA, "w", scene.now, "one");
    let at = scene.place(receive.clone()).await;
    scene.later(DAY * 2);
    for (before, to) in [(365, 1), (1, 365)] {
        let [before, to] = [before, to].map(|days| Retention::days(days).unwrap());
        let row = Tenant::new(TENANT, "Toko Maju", to, scene.now);
        let job = RetentionJob::new(TENANT, before, to, scene.now);
        scene.store.begin_retention(row, job).await.unwrap();
        while let Some(job) = scene.store.step_retention(TENANT, scene.now, 9).await.unwrap()
            && job.finished.is_none()
        {}
        scene.later(MINUTE);
    }
    scene.one(receive).await;
    assert!(scene.texts(at).await.is_empty());
}

pub(super) async fn a_key_used_again_gives_the_first_answer(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut submit = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 1), "x");
    submit.once = Some(ops::once(1, 1));
    let at = scene.place(submit.clone()).await;
    submit.id = ops::id(scene.now, 2);
    assert_eq!(
        scene.one(submit.clone()).await,
        OpOutcome::Duplicate { at: Some(at) }
    );
    submit.once = Some(ops::once(1, 2));
    assert_eq!(
        scene.one(submit.clone()).await,
        OpOutcome::Refused(OpRefusal::OtherRequest)
    );
    assert_eq!(scene.outbox().await.len(), 1);
    // A day later the key is free again.
    scene.later(Retention::IDEMPOTENCY);
    assert!(matches!(scene.one(submit).await, OpOutcome::Committed { .. }));
}

pub(super) async fn ops_of_one_batch_see_each_other(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let receive = ops::receive(&["628111111"], "w", scene.now, "x");
    let mut submit = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 1), "y");
    submit.once = Some(ops::once(1, 1));
    let at = crate::store::MessageRef {
        conversation: ops::conversation_of(scene.tenant, "1", &["628111111"]),
        message: submit.id,
    };
    let outcomes = scene
        .commit(vec![
            receive.clone().into(),
            receive.into(),
            submit.clone().into(),
            submit.into(),
            ops::withdraw(at, DeliveryState::Cancelled),
            ops::withdraw(at, DeliveryState::Cancelled),
        ])
        .await;
    assert!(matches!(outcomes[1], OpOutcome::Duplicate { .. }));
    assert_eq!(outcomes[3], OpOutcome::Duplicate { at: Some(at) });
    assert!(matches!(outcomes[4], OpOutcome::Committed { .. }));
    assert_eq!(outcomes[5], OpOutcome::Duplicate { at: Some(at) });
    assert_eq!(scene.texts(at).await.len(), 2);
}
