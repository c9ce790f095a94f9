//! I: tenants never meet, whatever ids they share.

use std::time::Duration;

use super::Backend;
use super::contents::contents;
use super::ops;
use super::scene::{Scene, mentions};
use crate::domain::{DeliveryState, TenantId};
use crate::store::op::{Op, ReportTarget};
use crate::store::{ConversationFilter, Number, NumberOwner, StoreErrorKind, Tenant};

const ONE: TenantId = TenantId::new(1);
/// Its key continues where the other's ends.
const OTHER: TenantId = TenantId::new(0x0100);

/// The same rows, whoever owns them; only the text differs.
async fn fill(scene: &mut Scene, text: &str) {
    let receive = ops::receive(&["628111111", "ID.1"], "w1", scene.now, text);
    let mut submit = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 1), text);
    submit.once = Some(ops::once(1, 1));
    scene.commit(vec![Op::from(receive), Op::from(submit)]).await;
    assert!(scene.claims(ops::id(scene.now, 1), 0).await);
    let told = ops::reported(ReportTarget::Wamid, "w1", DeliveryState::Read, scene.now);
    scene.one(told).await;
}

pub(super) async fn identical_ids_lead_to_each_ones_own_rows(backend: impl Backend) {
    let mut one = Scene::take_over(backend.store(), ONE).await;
    let mut other = Scene::take_over(backend.store(), OTHER).await;
    fill(&mut one, "of the one").await;
    fill(&mut other, "of the other").await;
    for (scene, own, foreign) in [
        (&one, "of the one", "of the other"),
        (&other, "of the other", "of the one"),
    ] {
        let contents = scene.contents().await;
        assert!(mentions(&contents, own) && !mentions(&contents, foreign));
        let filter = ConversationFilter::default();
        let list = scene
            .store
            .page_conversations(scene.tenant, filter, None, 10)
            .await
            .unwrap();
        assert_eq!(list.items.len(), 1);
        assert_eq!(list.items[0].preview.as_deref(), Some(own));
        assert_eq!(scene.outbox().await.len(), 1);
        assert_eq!(scene.head.get(), 3);
    }
}

pub(super) async fn what_one_does_changes_nothing_for_the_other(backend: impl Backend) {
    let mut one = Scene::take_over(backend.store(), ONE).await;
    let mut other = Scene::take_over(backend.store(), OTHER).await;
    fill(&mut one, "of the one").await;
    let before = one.contents().await;
    fill(&mut other, "of the other").await;
    let contact = other.contact("628111111").await.unwrap();
    other.store.erase_contact(OTHER, contact).await.unwrap();
    // The other tenant's id for the customer names nobody here.
    one.store.erase_contact(ONE, contact).await.unwrap();
    assert_eq!(one.contents().await, before);
}

pub(super) async fn rows_are_not_found_under_another_tenant(backend: impl Backend) {
    let mut one = Scene::take_over(backend.store(), ONE).await;
    let at = one.hears(&["628111111"], "w", "x").await;
    let out = one.says(&["628111111"], 1, "y").await;
    let contact = one.contact("628111111").await.unwrap();
    let store = backend.store();
    let now = one.now;
    assert_eq!(store.message(OTHER, at, now).await.unwrap(), None);
    assert_eq!(store.conversation(OTHER, at.conversation).await.unwrap(), None);
    assert_eq!(store.contact(OTHER, contact).await.unwrap(), None);
    assert_eq!(store.find_outbound(OTHER, out.message, now).await.unwrap(), None);
    let page = store
        .page_messages(OTHER, at.conversation, None, 9, now)
        .await
        .unwrap();
    assert!(page.items.is_empty());
    assert!(
        store
            .outbox(OTHER, ops::number("1"), None, 9)
            .await
            .unwrap()
            .is_empty()
    );
    let page = store
        .events_after(OTHER, crate::domain::Seq::default(), 9, now)
        .await
        .unwrap();
    assert_eq!((page.events.len(), page.head.get(), page.oldest.get()), (0, 0, 1));
    assert!(contents(store.as_ref(), OTHER, now).await.is_empty());
}

pub(super) async fn a_token_of_another_tenant_finds_no_message(backend: impl Backend) {
    let mut one = Scene::take_over(backend.store(), ONE).await;
    let mut other = Scene::take_over(backend.store(), OTHER).await;
    let at = one.says(&["628111111"], 1, "x").await;
    assert!(one.claims(at.message, 0).await);
    other.later(Duration::from_secs(1));
    let token = ops::token(ONE, at, 1);
    let told = ops::reported(ReportTarget::Token(token), "m", DeliveryState::Read, other.now);
    other.one(told).await;
    assert_eq!(one.state(at).await, DeliveryState::Queued);
    assert_eq!(other.message(at).await, None);
}

pub(super) async fn a_number_belongs_to_one_tenant(backend: impl Backend) {
    let store = backend.store();
    let number = |tenant, display: &str| Number {
        id: ops::number("1"),
        tenant,
        waba: crate::domain::WabaId::parse("w").unwrap(),
        app: None,
        display: display.to_owned(),
        rate: crate::domain::SendRate::STANDARD,
        access_token: crate::store::directory::AccessToken::new("t"),
    };
    store.put_number(number(ONE, "a")).await.unwrap();
    let refused = store.put_number(number(OTHER, "b")).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Invalid);
    store.put_number(number(ONE, "c")).await.unwrap();
    assert_eq!(store.numbers().await.unwrap(), vec![number(ONE, "c")]);
    assert_eq!(
        store.number(ops::number("1")).await.unwrap(),
        Some(number(ONE, "c"))
    );
    assert_eq!(store.number(ops::number("2")).await.unwrap(), None);
    let other = Number {
        id: ops::number("2"),
        app: Some("main".to_owned()),
        ..number(OTHER, "d")
    };
    store.put_number(other.clone()).await.unwrap();
    let mut owners = store.number_owners().await.unwrap();
    owners.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(owners, [number(ONE, "c").into(), NumberOwner::from(other)]);
}

pub(super) async fn a_tenant_is_found_by_its_id_as_it_was_written_last(backend: impl Backend) {
    let store = backend.store();
    assert_eq!(store.tenant(ONE).await.unwrap(), None);
    let row = |id, name: &str| {
        let created = crate::domain::Timestamp::from_secs(1);
        Tenant::new(id, name, crate::domain::Retention::DEFAULT, created)
    };
    let last = Tenant {
        region: Some("Indonesia".to_owned()),
        privacy_contact: Some("privacy@example.com".to_owned()),
        ..row(ONE, "the same shop")
    };
    for row in [row(ONE, "a shop"), row(OTHER, "another"), last.clone()] {
        store.put_tenant(row).await.unwrap();
    }
    assert_eq!(store.tenant(ONE).await.unwrap(), Some(last));
}
