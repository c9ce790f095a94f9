//! P: no claim for marketing to whom stopped it before, and no other message is held up.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::consent::MARKETING_STOPPED;
use crate::domain::{
    Contact, ContactId, DeliveryState, EventKind, Keyword, MarketingWish, MetaError, Purpose, Seq, Timestamp,
    WishSource,
};
use crate::store::Record;
use crate::store::op::{AttemptResult, Op, OpOutcome, OpRefusal, Prefer, Receive, ReportTarget};
use crate::store::row::{ClaimOutcome, MessageRef};

const ADA: &str = "628111111";
const STOP: MarketingWish = MarketingWish::Stop(WishSource::Preference);

fn wish(name: &str, wish: MarketingWish, at: Timestamp) -> Op {
    Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&[name]),
        wish,
        at: Some(at),
    })
}

async fn submit(scene: &mut Scene, tail: u64, purpose: Purpose) -> OpOutcome {
    let mut submit = ops::submit(TENANT, &[ADA], ops::id(scene.now, tail), "buy this");
    submit.purpose = purpose;
    scene.one(submit).await
}

async fn accepted(scene: &mut Scene, tail: u64, purpose: Purpose) -> MessageRef {
    match submit(scene, tail, purpose).await {
        OpOutcome::Committed { at: Some(at), .. } => at,
        other => panic!("not committed: {other:?}"),
    }
}

async fn claim(scene: &Scene, at: MessageRef) -> ClaimOutcome {
    let wants = vec![ops::want(at.message, 0)];
    let claimed = scene.store.claim(TENANT, scene.fence, wants, scene.now).await;
    claimed.unwrap().pop().unwrap()
}

async fn opted_out(scene: &Scene, contact: ContactId) -> Option<(Timestamp, WishSource)> {
    let row = scene.store.contact(TENANT, contact).await.unwrap().unwrap();
    row.opted_out_at.zip(row.opted_out_by)
}

pub(super) async fn what_was_accepted_before_the_customer_stopped_is_not_claimed(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let marketing = accepted(&mut scene, 1, Purpose::Marketing).await;
    let reply = accepted(&mut scene, 2, Purpose::Other).await;
    scene.one(wish(ADA, STOP, scene.now)).await;
    assert!(matches!(claim(&scene, marketing).await, ClaimOutcome::OptedOut));
    assert!(matches!(claim(&scene, reply).await, ClaimOutcome::Granted(_)));
    let error = MetaError {
        code: MARKETING_STOPPED,
        title: "stopped".into(),
        details: None,
    };
    let mut withdraw = ops::withdraw(marketing, DeliveryState::Failed);
    if let Op::Withdraw(op) = &mut withdraw {
        op.error = Some(error.clone());
    }
    scene.one(withdraw).await;
    let row = scene.message(marketing).await.unwrap().delivery.unwrap();
    assert_eq!((row.state, row.attempts), (DeliveryState::Failed, 0));
    assert_eq!(row.error, Some(error));
    assert_eq!(scene.outbox().await.len(), 1);
}

pub(super) async fn marketing_is_refused_until_the_customer_wants_it_again(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.one(wish(ADA, STOP, scene.now)).await;
    let refused = OpOutcome::Refused(OpRefusal::OptedOut);
    assert_eq!(submit(&mut scene, 1, Purpose::Marketing).await, refused);
    accepted(&mut scene, 2, Purpose::Other).await;
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    assert_eq!(submit(&mut scene, 3, Purpose::Marketing).await, refused);
    let before = scene.now;
    scene.later(Duration::from_secs(60));
    scene
        .one(wish(
            ADA,
            MarketingWish::Resume(WishSource::Preference),
            scene.now,
        ))
        .await;
    let at = accepted(&mut scene, 4, Purpose::Marketing).await;
    assert!(matches!(claim(&scene, at).await, ClaimOutcome::Granted(_)));
    // An older word that comes late is no news.
    assert_eq!(scene.one(wish(ADA, STOP, before)).await, OpOutcome::Unchanged);
    accepted(&mut scene, 5, Purpose::Marketing).await;
    // Also where Meta's clock is ahead of ours.
    let ahead = |seconds| scene.now.after(Duration::from_secs(seconds));
    let (resumed, stopped) = (ahead(50), ahead(100));
    scene.one(wish(ADA, STOP, stopped)).await;
    let late = scene
        .one(wish(ADA, MarketingWish::Resume(WishSource::Preference), resumed))
        .await;
    assert_eq!(late, OpOutcome::Unchanged);
    assert_eq!(submit(&mut scene, 6, Purpose::Marketing).await, refused);
}

pub(super) async fn metas_refusal_is_an_opt_out_however_it_comes(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let error = MetaError {
        code: MARKETING_STOPPED,
        title: "the user stopped marketing".into(),
        details: None,
    };
    let contact = ops::contact_of(TENANT, &[ADA]);
    for at_once in [true, false] {
        scene.later(Duration::from_secs(60));
        let tail = u64::from(at_once);
        let at = accepted(&mut scene, tail, Purpose::Marketing).await;
        assert!(matches!(claim(&scene, at).await, ClaimOutcome::Granted(_)));
        let token = ops::token(TENANT, at, 1);
        let failed = if at_once {
            let error = error.clone();
            ops::attempted(token, scene.now, AttemptResult::Refused { error })
        } else {
            let target = ReportTarget::Token(token);
            let mut told = ops::reported(target, "late", DeliveryState::Failed, scene.now);
            if let Op::Report(report) = &mut told {
                report.error = Some(error.clone());
            }
            told
        };
        scene.one(failed).await;
        let known = opted_out(&scene, contact).await;
        assert_eq!(known, Some((scene.now, WishSource::Refusal)));
        assert_eq!(scene.state(at).await, DeliveryState::Failed);
        scene.later(Duration::from_secs(60));
        scene
            .one(wish(
                ADA,
                MarketingWish::Resume(WishSource::Preference),
                scene.now,
            ))
            .await;
        assert_eq!(opted_out(&scene, contact).await, None);
    }
    let page = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    let events = page.await.unwrap().events;
    let told = events.iter().filter(|event| event.kind == EventKind::Contact);
    assert_eq!(told.count(), 4);
}

pub(super) async fn a_word_counts_by_when_it_was_written_and_is_told(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let begun = scene.now;
    let says = |id: &str, at: Timestamp, keyword| Receive {
        keyword,
        ..ops::receive(&[ADA], id, at, "a word")
    };
    scene.hears(&[ADA], "hello", "hello").await;
    let contact = ops::contact_of(TENANT, &[ADA]);
    let stopped = scene.later(Duration::from_secs(60));
    scene.one(says("stop", stopped, Some(Keyword::Stop))).await;
    assert_eq!(
        opted_out(&scene, contact).await,
        Some((stopped, WishSource::Keyword))
    );
    // One event tells of it, and then that of the message, whose contact shows it, too.
    let page = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    let events = page.await.unwrap().events;
    let [.., contact_event, message_event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(contact_event.kind, EventKind::Contact);
    assert_eq!(message_event.kind, EventKind::Message);
    let told: serde_json::Value = serde_json::from_slice(&contact_event.json).unwrap();
    assert_eq!(told["data"]["changed"], serde_json::json!(["marketing"]));
    assert_eq!(
        told["data"]["contact"]["consents"]["marketing"]["source"],
        "keyword"
    );
    // Again is nothing, and so is what was written before and comes late.
    scene.later(Duration::from_secs(60));
    scene.one(says("stop", stopped, Some(Keyword::Stop))).await;
    scene.one(says("start", begun, Some(Keyword::Start))).await;
    assert_eq!(opted_out(&scene, contact).await.map(|(at, _)| at), Some(stopped));
    scene
        .one(says("start again", scene.now, Some(Keyword::Start)))
        .await;
    assert_eq!(opted_out(&scene, contact).await, None);
    scene
        .one(says(
            "late",
            stopped.after(Duration::from_secs(1)),
            Some(Keyword::Stop),
        ))
        .await;
    assert_eq!(opted_out(&scene, contact).await, None);
    let row = scene.store.contact(TENANT, contact).await.unwrap().unwrap();
    assert_eq!(row.wishes.len(), 2);
}

pub(super) async fn a_refusal_counts_by_metas_clock_where_ours_is_behind(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = accepted(&mut scene, 1, Purpose::Marketing).await;
    assert!(matches!(claim(&scene, at).await, ClaimOutcome::Granted(_)));
    let resumed = scene.now.after(Duration::from_secs(10));
    scene
        .one(wish(ADA, MarketingWish::Resume(WishSource::Preference), resumed))
        .await;
    let stopped = scene.now.after(Duration::from_secs(12));
    let target = ReportTarget::Token(ops::token(TENANT, at, 1));
    let mut told = ops::reported(target, "late", DeliveryState::Failed, stopped);
    if let Op::Report(report) = &mut told {
        report.error = Some(MetaError {
            code: MARKETING_STOPPED,
            title: "the user stopped marketing".into(),
            details: None,
        });
    }
    scene.one(told).await;
    let contact = ops::contact_of(TENANT, &[ADA]);
    assert_eq!(
        opted_out(&scene, contact).await,
        Some((stopped, WishSource::Refusal))
    );
}

pub(super) async fn who_turns_out_to_be_somebody_who_stopped_is_left_alone(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = accepted(&mut scene, 1, Purpose::Marketing).await;
    scene.one(wish("ID.1", STOP, scene.now)).await;
    assert!(
        scene.contact("ID.1").await.is_some(),
        "who was never heard of is remembered"
    );
    scene.one(ops::relate(&["ID.1"], &[ADA], "same")).await;
    assert!(matches!(claim(&scene, at).await, ClaimOutcome::OptedOut));
    // The other way round: the one who stopped is linked to the other.
    let other = ops::submit(TENANT, &["628222222"], ops::id(scene.now, 2), "x");
    scene.place(other).await;
    scene.one(wish("ID.2", STOP, scene.now)).await;
    scene
        .one(ops::relate(&["628222222"], &["ID.2"], "same too"))
        .await;
    let mut last = ops::submit(TENANT, &["628222222"], ops::id(scene.now, 3), "x");
    last.purpose = Purpose::Marketing;
    assert_eq!(scene.one(last).await, OpOutcome::Refused(OpRefusal::OptedOut));
}

pub(super) async fn a_stop_is_found_however_many_links_lead_to_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = accepted(&mut scene, 1, Purpose::Marketing).await;
    let ids: Vec<ContactId> = std::iter::once(ops::contact_of(TENANT, &[ADA]))
        .chain((1..20).map(|n| ContactId::from_bytes([n; 16])))
        .collect();
    for circle in [None, ids.first().copied()] {
        // As an older version left them, which did not lead all to the last one.
        let chain = ids.iter().zip(1..).map(|(id, next)| {
            let mut contact = Contact::new(*id, &ops::names(&[]), scene.now);
            contact.linked_to = ids.get(next).copied().or(circle);
            contact.opted_out_at = (next == ids.len()).then_some(scene.now);
            Record::Contact(Box::new(contact))
        });
        let imported = scene
            .store
            .import(TENANT, scene.fence, chain.collect(), scene.now);
        imported.await.unwrap();
        assert!(matches!(claim(&scene, at).await, ClaimOutcome::OptedOut));
        let refused = OpOutcome::Refused(OpRefusal::OptedOut);
        assert_eq!(submit(&mut scene, 2, Purpose::Marketing).await, refused);
        assert_eq!(scene.contact(ADA).await, ids.last().copied());
    }
}
