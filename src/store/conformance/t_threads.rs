//! T: where a message stands in its thread, and which one the list shows.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::{
    AgentId, Author, ContentKind, Conversation, ConversationStatus, DeliveryState, EventKind, Timestamp,
};
use crate::store::ConversationFilter;
use crate::store::op::{OpOutcome, OpRefusal, OrganiseChange, ReportTarget};
use crate::store::row::MessageRef;

const DAY: Duration = Duration::from_secs(86_400);
const ADA: &[&str] = &["628111111"];

async fn row(scene: &Scene, at: MessageRef) -> Conversation {
    let row = scene.store.conversation(TENANT, at.conversation).await;
    row.unwrap().unwrap()
}

/// A customer writes, by Meta's clock, which tells whole seconds.
async fn hears(scene: &mut Scene, id: &str, at: Timestamp) -> MessageRef {
    let receive = ops::receive(ADA, id, Timestamp::from_secs(at.as_secs()), id);
    scene.place(receive).await
}

pub(super) async fn messages_of_one_second_stand_in_the_order_in_which_they_came(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let second = scene.now;
    let at = hears(&mut scene, "1", second).await;
    scene.later(Duration::from_millis(300));
    scene.says(ADA, 2, "2").await;
    for id in ["3", "4", "5", "6"] {
        hears(&mut scene, id, second).await;
    }
    scene.later(Duration::from_millis(100));
    scene.says(ADA, 7, "7").await;
    hears(&mut scene, "8", second).await;
    assert_eq!(scene.texts(at).await, ["8", "7", "6", "5", "4", "3", "2", "1"]);
    // Those of an earlier second that are late stand before them, in their own order.
    for id in ["a", "b", "c", "d", "e"] {
        hears(&mut scene, id, second.before(Duration::from_secs(1))).await;
    }
    let expected = ["8", "7", "6", "5", "4", "3", "2", "1", "e", "d", "c", "b", "a"];
    assert_eq!(scene.texts(at).await, expected);
}

pub(super) async fn a_late_message_stands_in_its_place_and_is_not_the_last(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.later(DAY);
    let now = scene.now;
    let last = hears(&mut scene, "now", now).await;
    scene.later(Duration::from_secs(5));
    let reply = scene.says(ADA, 1, "reply").await;
    scene.later(Duration::from_secs(5));
    let before = row(&scene, last).await;
    let yesterday = scene.now.before(DAY);
    hears(&mut scene, "yesterday", yesterday).await;
    assert_eq!(scene.texts(last).await, ["reply", "now", "yesterday"]);
    let after = row(&scene, last).await;
    assert_eq!(after.preview.as_deref(), Some("reply"));
    assert_eq!(after.last_message_id, Some(reply.message));
    assert_eq!(after.last_message_by, Some(ops::agent("ann")));
    assert_eq!(after.unread, 2, "nobody has read it");
    assert!(after.last_message_seq > before.last_message_seq && after.last_activity == scene.now);
    // Ann has not seen it, although hers stands last.
    let mut another = ops::submit(TENANT, ADA, ops::id(scene.now, 2), "blind");
    another.unless_after = Some(before.last_message_seq);
    let refused = scene.one(another).await;
    assert!(
        matches!(refused, crate::store::OpOutcome::Refused(_)),
        "{refused:?}"
    );
}

pub(super) async fn after_a_sweep_the_newest_that_is_left_is_the_last(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = scene.hears(ADA, "1", "long kept").await;
    scene.later(Duration::from_secs(60));
    let short = ops::submit(TENANT, ADA, ops::id(scene.now, 1), "short kept");
    let place = scene.place_kept(1, short).await;
    scene.claims(place.message, 0).await;
    let seq = row(&scene, first).await.last_message_seq;
    scene.later(DAY);
    scene.sweep().await;
    let left = row(&scene, first).await;
    assert_eq!(left.preview.as_deref(), Some("long kept"));
    assert_eq!(left.last_message_id, Some(first.message));
    assert_eq!(left.last_message_by, Some(Author::Contact));
    assert_eq!(left.last_message_seq, seq, "what came last came last");
    assert_eq!(left.last_writer(), Some(&ops::agent("ann")));
    scene.later(DAY * 400);
    scene.sweep().await;
    let left = row(&scene, first).await;
    assert_eq!((left.preview, left.last_message_id), (None, None));
}

pub(super) async fn a_last_message_without_words_is_the_last_all_the_same(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = scene.hears(ADA, "1", "one").await;
    scene.later(Duration::from_secs(1));
    let mut image = ops::receive(ADA, "2", scene.now, "");
    image.content = serde_json::from_str(r#"{"type":"image","image":{"id":"1"}}"#).unwrap();
    let image = scene.place_kept(1, image).await;
    let shown = row(&scene, first).await;
    assert_eq!(
        (shown.preview, shown.last_message_id),
        (None, Some(image.message))
    );
    scene.later(DAY);
    scene.sweep().await;
    assert_eq!(row(&scene, first).await.preview.as_deref(), Some("one"));
}

pub(super) async fn the_list_tells_of_the_last_message_what_it_is_and_whether_it_failed(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let told = |row: &Conversation| (row.last_message_kind.clone(), row.last_message_failed);
    let first = scene.hears(ADA, "1", "one").await;
    assert_eq!(told(&row(&scene, first).await), (Some(ContentKind::Text), false));
    scene.later(Duration::from_secs(1));
    let sent = scene.says(ADA, 1, "two").await;
    assert!(scene.claims(sent.message, 0).await);
    let target = || ReportTarget::Token(ops::token(TENANT, sent, 1));
    let now = scene.now;
    scene
        .one(ops::reported(target(), "m1", DeliveryState::Failed, now))
        .await;
    assert_eq!(told(&row(&scene, first).await), (Some(ContentKind::Text), true));
    let page = scene
        .store
        .page_conversations(TENANT, ConversationFilter::default(), None, 10)
        .await;
    assert!(
        page.unwrap().items.iter().all(|row| row.last_message_failed),
        "in the list, too"
    );
    // It came all the same: a failure counts only while nothing proves delivery.
    scene
        .one(ops::reported(target(), "m1", DeliveryState::Delivered, now))
        .await;
    assert_eq!(told(&row(&scene, first).await), (Some(ContentKind::Text), false));
    scene.later(Duration::from_secs(1));
    let lost = scene.says(ADA, 2, "three").await;
    scene.later(Duration::from_secs(1));
    scene
        .one(ops::note(
            first.conversation,
            ops::id(scene.now, 3),
            ops::agent("ann"),
            "call her",
        ))
        .await;
    scene.one(ops::withdraw(lost, DeliveryState::Expired)).await;
    let noted = row(&scene, first).await;
    assert_eq!(
        told(&noted),
        (Some(ContentKind::Note), false),
        "an earlier one failed"
    );
    assert_eq!(noted.preview.as_deref(), Some("call her"));
}

pub(super) async fn what_agents_have_to_do_follows_a_person_to_the_thread_that_goes_on(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let organised = async |scene: &mut Scene, at: MessageRef, change| {
        scene.one(ops::organise(at.conversation, change)).await;
    };
    let label = |label: &str| OrganiseChange::Label {
        add: vec![label.to_owned()],
        remove: Vec::new(),
    };
    let old = scene.hears(ADA, "old", "long ago").await;
    let resolved = OrganiseChange::Status(ConversationStatus::Resolved);
    organised(&mut scene, old, OrganiseChange::Read { seen: None }).await;
    organised(&mut scene, old, resolved).await;
    organised(&mut scene, old, label("new")).await;
    let moved = scene.later(DAY);
    let live = scene.hears(&["ID.1"], "w1", "hello").await;
    let seen = scene.head;
    let ann = AgentId::parse("ann").unwrap();
    organised(&mut scene, live, OrganiseChange::Assign(Some(ann.clone()))).await;
    organised(&mut scene, live, label("vip")).await;
    scene.hears(&["ID.1"], "w2", "and also").await;
    let (before, newest) = (row(&scene, live).await, scene.head);
    scene.one(ops::moved(ADA, &["ID.1"], moved, "link")).await;
    let goes_on = row(&scene, old).await;
    assert_eq!((goes_on.status, goes_on.unread), (ConversationStatus::Open, 2));
    assert_eq!(goes_on.assignee, Some(ann));
    assert_eq!(goes_on.labels, ["new", "vip"]);
    assert_eq!(goes_on.last_activity, before.last_activity);
    let left = row(&scene, live).await;
    assert_eq!((left.status, left.unread), (ConversationStatus::Resolved, 0));
    let events = scene.store.events_after(scene.tenant, newest, 9, scene.now).await;
    let told: Vec<_> = events
        .unwrap()
        .events
        .iter()
        .map(|event| (event.kind, event.conversation))
        .collect();
    let about_left = (EventKind::Conversation, Some(live.conversation));
    assert_eq!(told, [about_left, (EventKind::Contact, None)]);
    // Who has not seen what came into the other one is told.
    let reply = |scene: &Scene, seen| {
        let mut reply = ops::submit(scene.tenant, &["ID.1"], ops::id(scene.now, 1), "blind");
        reply.unless_after = Some(seen);
        reply
    };
    let blind = reply(&scene, seen);
    let refused = OpOutcome::Refused(OpRefusal::ConversationChanged(newest));
    assert_eq!(scene.one(blind).await, refused);
    let reply = reply(&scene, newest);
    assert_eq!(scene.place(reply).await.conversation, old.conversation);
    organised(&mut scene, old, OrganiseChange::Read { seen: None }).await;
    scene.hears(ADA, "w3", "thanks").await;
    assert_eq!(
        (row(&scene, old).await.unread, row(&scene, live).await.unread),
        (1, 0)
    );
}
