//! O: a group is a conversation of its own, in which several people write.

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT, mentions};
use crate::domain::{Alias, Author, DeliveryState, Event, EventKind, Seq};
use crate::store::op::ReportTarget;
use crate::store::row::MessageRef;

const GROUP: &str = "Y2FwaV9ncm91cDo-";
const ADA: &str = "628111111";
const BEN: &str = "628222222";

/// Somebody writes in the group.
async fn hears(scene: &mut Scene, from: &str, name: &str, id: &str, text: &str) -> MessageRef {
    let mut receive = ops::receive(&[from], id, scene.now, text);
    receive.group = Alias::group(GROUP);
    receive.name = Some(name.into());
    scene.place(receive).await
}

async fn events(scene: &Scene) -> Vec<Event> {
    let page = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    page.await.unwrap().events
}

pub(super) async fn a_group_has_one_conversation_whoever_writes_in_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let ada = hears(&mut scene, ADA, "Ada", "w1", "who comes?").await;
    let ben = hears(&mut scene, BEN, "Ben", "w2", "I do").await;
    let ours = scene.says(&[GROUP], 1, "so do we").await;
    let alone = scene.hears(&[ADA], "w3", "between us").await;
    assert_eq!(ada.conversation, ben.conversation);
    assert_eq!(ada.conversation, ours.conversation);
    assert_ne!(ada.conversation, alone.conversation);
    assert_eq!(scene.texts(ada).await.len(), 3);
    let row = scene.store.conversation(TENANT, ada.conversation).await.unwrap();
    let row = row.unwrap();
    assert_eq!((row.unread, row.last_inbound), (2, None));
    let group = scene
        .store
        .contact(TENANT, row.contact_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(group.group_id.as_deref(), Some(GROUP));
    assert_eq!((group.name, group.phone), (None, None));
    let ben = scene.message(ben).await.unwrap();
    assert_eq!(ben.contact_id, group.id);
    let wrote = Author::Member {
        id: scene.contact(BEN).await.unwrap(),
        name: Some("Ben".into()),
    };
    assert_eq!(ben.author, wrote);
}

pub(super) async fn statuses_of_members_never_go_back_and_name_nobody(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.says(&[GROUP], 1, "hello all").await;
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(TENANT, at, 1);
    for (member, state, shown) in [
        (ADA, DeliveryState::Sent, DeliveryState::Sent),
        (ADA, DeliveryState::Read, DeliveryState::Read),
        (BEN, DeliveryState::Delivered, DeliveryState::Read),
        (BEN, DeliveryState::Failed, DeliveryState::Read),
        (BEN, DeliveryState::Read, DeliveryState::Read),
    ] {
        let mut told = ops::reported(ReportTarget::Token(token), "sent", state, scene.now);
        if let crate::store::op::Op::Report(report) = &mut told {
            report.aliases = ops::names(&[member]);
        }
        scene.one(told).await;
        assert_eq!(scene.state(at).await, shown, "{member} {state:?}");
    }
    assert!(scene.outbox().await.is_empty());
    let group = scene.contact(GROUP).await.unwrap();
    let row = scene.store.contact(TENANT, group).await.unwrap().unwrap();
    assert_eq!(row.phone, None);
    assert_eq!(
        scene.contact(ADA).await,
        None,
        "a member is nobody's other name for the group"
    );
}

pub(super) async fn an_erased_members_messages_go_and_the_others_stay(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = hears(&mut scene, BEN, "Ben", "kept1", "bens first").await;
    for canary in ["canaryone", "canarytwo"] {
        hears(&mut scene, ADA, "canaryname", &format!("wamid.{canary}"), canary).await;
    }
    let before = scene.contents().await;
    assert!(mentions(&before, "canary"));
    let ada = scene.contact(ADA).await.unwrap();
    assert!(scene.store.erase_contact(TENANT, ada).await.unwrap().rows > 4);
    let after = scene.contents().await;
    assert!(!mentions(&after, "canary") && !mentions(&after, ADA));
    assert!(!mentions(&after, &ada.to_string()));
    assert_eq!(scene.texts(first).await, ["bens first"]);
    let row = scene
        .store
        .conversation(TENANT, first.conversation)
        .await
        .unwrap();
    let row = row.unwrap();
    assert_eq!((row.preview, row.last_message_by), (None, None));
    let kinds: Vec<EventKind> = events(&scene).await.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Message, EventKind::Erased, EventKind::Erased]);
    let again = scene.store.erase_contact(TENANT, ada).await.unwrap();
    assert_eq!(again.rows, 0);
    hears(&mut scene, ADA, "Ada", "fresh", "back again").await;
    assert_eq!(scene.texts(first).await, ["back again", "bens first"]);
}

pub(super) async fn erasing_a_group_leaves_its_members(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    hears(&mut scene, ADA, "Ada", "canary1", "canarytext").await;
    let alone = scene.hears(&[ADA], "w1", "between us").await;
    let group = scene.contact(GROUP).await.unwrap();
    scene.store.erase_contact(TENANT, group).await.unwrap();
    let after = scene.contents().await;
    assert!(!mentions(&after, "canary") && !mentions(&after, GROUP));
    assert_eq!(scene.texts(alone).await, ["between us"]);
}
