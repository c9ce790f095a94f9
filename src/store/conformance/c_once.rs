//! C: doing it again changes nothing.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::Scene;
use crate::domain::WamidHash;
use crate::domain::{DeliveryState, EventKind, Retention};
use crate::store::op::{Announce, Op, OpOutcome, OpRefusal, ReportTarget};

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
    let before = scene.dump().await;
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
    assert_eq!(scene.dump().await, before);
}

pub(super) async fn a_webhook_repeated_after_eight_days_is_known(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut receive = ops::receive(&["628111111"], "w", scene.now, "x");
    receive.retention = Retention::days(1).unwrap();
    let at = scene.place(receive.clone()).await;
    scene.later(Duration::from_secs(8 * 86_400));
    assert_eq!(scene.message(at).await, None);
    scene.sweep().await;
    assert_eq!(scene.one(receive).await, OpOutcome::Duplicate { at: Some(at) });
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
