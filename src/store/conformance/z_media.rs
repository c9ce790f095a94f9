//! Z: what a message shows of its file.

use super::Backend;
use super::ops;
use super::r_amendments::{kinds, revoke};
use super::scene::{Scene, TENANT};
use crate::domain::{Content, ContentKind, EventKind, MediaId, MediaState, MessageMedia, Seq};
use crate::store::op::{MediaChange, Op, OpOutcome, Receive};
use crate::store::row::MessageRef;

const ADA: &[&str] = &["628111111"];

fn picture(scene: &Scene, id: &str) -> Receive {
    let image = serde_json::json!({ "type": "image", "image": { "id": "900", "mime_type": "image/png" } });
    Receive {
        content: Content::from_value(ContentKind::Image, &image),
        ..ops::receive(ADA, id, scene.now, "")
    }
}

async fn shown(scene: &Scene, at: MessageRef) -> Option<MessageMedia> {
    scene.message(at).await.unwrap().media
}

fn stored(pending: &MessageMedia) -> MessageMedia {
    MessageMedia {
        state: MediaState::Stored,
        bytes: Some(1_234),
        ..pending.clone()
    }
}

fn change(at: MessageRef, media: MessageMedia) -> Op {
    Op::Media(Box::new(MediaChange { at, media }))
}

pub(super) async fn a_message_shows_its_file_from_the_beginning_and_what_becomes_of_it(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let receive = Op::Receive(Box::new(picture(&scene, "a")));
    let at = scene.place(receive).await;
    let pending = shown(&scene, at).await.unwrap();
    let owner = scene.message(at).await.unwrap().contact_id;
    assert_eq!(pending.media_id, MediaId::of_message(owner, at.message));
    assert_eq!(
        (pending.state, pending.mime.as_deref()),
        (MediaState::Pending, Some("image/png"))
    );
    let stored = stored(&pending);
    for expected in [true, false] {
        let outcome = scene.one(change(at, stored.clone())).await;
        assert_eq!(
            matches!(outcome, OpOutcome::Committed { .. }),
            expected,
            "{outcome:?}"
        );
    }
    assert_eq!(shown(&scene, at).await, Some(stored));
    assert_eq!(kinds(&scene).await, [EventKind::Message, EventKind::Media]);
    let page = scene
        .store
        .events_after(TENANT, Seq::new(1), 9, scene.now)
        .await
        .unwrap();
    let event: serde_json::Value = serde_json::from_slice(&page.events[0].json).unwrap();
    assert_eq!(event["conversation_id"], at.conversation.to_string());
    assert_eq!(event["data"]["message_id"], at.message.to_string());
    assert_eq!(event["data"]["media"]["state"], "stored");
}

pub(super) async fn a_file_is_not_shown_with_what_was_taken_back_nor_with_another_message(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let receive = Op::Receive(Box::new(picture(&scene, "a")));
    let at = scene.place(receive).await;
    let pending = shown(&scene, at).await.unwrap();
    let text = scene.hears(ADA, "b", "hi").await;
    assert_eq!(shown(&scene, text).await, None);
    let elsewhere = scene.one(change(text, stored(&pending))).await;
    assert_eq!(elsewhere, OpOutcome::Unchanged);
    scene.one(change(at, stored(&pending))).await;
    scene.one(revoke(ADA, "c", "a", scene.now)).await;
    assert_eq!(shown(&scene, at).await, None);
    assert_eq!(
        scene.one(change(at, stored(&pending))).await,
        OpOutcome::Unchanged
    );
    // What told of it is gone with what it told of.
    let left = kinds(&scene).await;
    assert_eq!(
        left.iter().filter(|kind| **kind == EventKind::Media).count(),
        0,
        "{left:?}"
    );
    let nobody = MessageRef {
        message: ops::id(scene.now, 99),
        ..at
    };
    assert_eq!(
        scene.one(change(nobody, stored(&pending))).await,
        OpOutcome::Unchanged
    );
}
