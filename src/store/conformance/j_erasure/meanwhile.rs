//! What comes in while a customer is erased, and who turns out to be the same.

use std::sync::Arc;

use super::super::contents::exported;
use super::super::ops;
use super::super::scene::{Scene, TENANT, mentions};
use super::super::{Backend, Memory};
use super::{CANARIES, come_back_with_the_stop, fill};
use crate::domain::ContactAliases;
use crate::store::RecordKind;
use crate::store::op::{Erase, Op};

pub(in crate::store::conformance) async fn what_is_submitted_while_a_customer_is_erased_goes_too(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let contact = scene.contact("628111111").await.unwrap();
    let store = Arc::clone(&scene.store);
    let erasure = tokio::spawn(async move { store.erase_contact(TENANT, contact).await });
    // While it goes on, to a number that has the customer and to one that has not.
    let mut tail = 100;
    while !erasure.is_finished() {
        let mut submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, tail), "canarysent");
        (submit.contact, submit.aliases) = (contact, ContactAliases::default());
        submit.payload = ops::raw(r#"{"to":"628111111","text":{"body":"canarypayload"}}"#);
        if tail % 2 == 1 {
            submit.number = ops::number("3");
        }
        scene.one(submit).await;
        tail += 1;
        // In memory nothing waits.
        tokio::task::yield_now().await;
    }
    erasure.await.unwrap().unwrap();
    let after = scene.contents().await;
    for canary in CANARIES {
        assert!(!mentions(&after, canary), "{canary} is still there");
    }
    assert_eq!(scene.outbox().await.len(), 1, "the other's");
    let list = scene
        .store
        .page_conversations(TENANT, crate::store::ConversationFilter::default(), None, 9);
    assert_eq!(list.await.unwrap().items.len(), 1, "the other's");
}

pub(in crate::store::conformance) async fn what_waits_for_a_customer_who_is_gone_is_not_claimed(
    backend: impl Backend,
) {
    let mut from = Scene::of(&Memory::open()).await;
    let at = from.says(&["628111111"], 1, "your parcel").await;
    let scene = Scene::of(&backend).await;
    for kind in [RecordKind::Message, RecordKind::Outbox] {
        let records = exported(&*from.store, TENANT, kind, from.now).await;
        let import = scene.store.import(TENANT, scene.fence, records, scene.now);
        import.await.unwrap();
    }
    assert_eq!(scene.outbox().await.len(), 1);
    assert!(!scene.claims(at.message, 0).await);
}

pub(in crate::store::conformance) async fn whoever_led_to_an_erased_customer_is_sold_nothing_either(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w1", "hello").await;
    scene.hears(&["ID.CANARY"], "w2", "hello").await;
    let [ada, other] = [
        scene.contact("628111111").await.unwrap(),
        scene.contact("ID.CANARY").await.unwrap(),
    ];
    // A webhook that came before says so only now that one of them is listed.
    scene
        .one(ops::relate(&["628111111"], &["ID.CANARY"], "linked"))
        .await;
    let listed = if scene.contact("628111111").await == Some(ada) {
        other
    } else {
        ada
    };
    scene.one(Op::Erase(Erase::Begins(vec![listed]))).await;
    scene.store.erase_contact(TENANT, listed).await.unwrap();
    for name in ["628111111", "ID.CANARY"] {
        assert_eq!(scene.contact(name).await, None);
    }
    come_back_with_the_stop(&mut scene).await;
}
