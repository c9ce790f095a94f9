//! What happens in a conversation.

use std::time::Duration;

use super::scene;
use crate::domain::{Content, ContentKind, ConversationStatus, EventKind};
use crate::store::conformance::ops;
use crate::store::conformance::scene::Scene;
use crate::store::op::{Once, Op, OpOutcome, OpRefusal, OrganiseChange};
use crate::store::row::MessageRef;

async fn row(scene: &Scene, at: MessageRef) -> crate::domain::Conversation {
    scene
        .store
        .conversation(scene.tenant, at.conversation)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_message_that_meta_repeats_is_taken_once() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w", "x").await;
    let again = ops::receive(&["628111111"], "w", scene.now, "x");
    assert_eq!(scene.one(again).await, OpOutcome::Duplicate { at: Some(at) });
    assert_eq!(row(&scene, at).await.unread, 1);
}

#[tokio::test]
async fn a_late_message_sorts_to_its_place_and_gets_the_next_position() {
    let mut scene = scene().await;
    scene.later(Duration::from_secs(100));
    scene.hears(&["628111111"], "w1", "second").await;
    let position = scene.head;
    let late = scene.now.before(Duration::from_secs(50));
    let receive = ops::receive(&["628111111"], "w2", late, "first");
    let appended = scene.offer(vec![receive.into()]).await.unwrap();
    assert_eq!(appended.events[0].seq, position.next());
    let OpOutcome::Committed { at: Some(at), .. } = appended.outcomes[0] else {
        panic!("{:?}", appended.outcomes);
    };
    assert_eq!(scene.texts(at).await, ["second", "first"]);
    // The window counts from the customer's newest message, not from the one that came last.
    assert_eq!(row(&scene, at).await.last_inbound, Some(scene.now));
}

#[tokio::test]
async fn a_time_that_nobody_can_believe_is_bent() {
    let mut scene = scene().await;
    let future = scene.now.after(Duration::from_secs(86_400));
    let at = scene.place(ops::receive(&["628111111"], "w1", future, "x")).await;
    assert_eq!(
        scene.message(at).await.unwrap().created,
        scene.now.after(Duration::from_secs(300))
    );
    let past = scene.now.before(Duration::from_secs(30 * 86_400));
    let at = scene.place(ops::receive(&["628111111"], "w2", past, "x")).await;
    assert_eq!(
        scene.message(at).await.unwrap().created,
        scene.now.before(Duration::from_secs(7 * 86_400))
    );
}

#[tokio::test]
async fn neither_a_reaction_nor_a_system_message_opens_the_window() {
    for (kind, unread) in [(ContentKind::Reaction, 1), (ContentKind::System, 0)] {
        let mut scene = scene().await;
        let mut receive = ops::receive(&["628111111"], "w", scene.now, "x");
        let name = kind.as_str().to_owned();
        let content = serde_json::json!({ "type": &name, (name.as_str()): { "emoji": "👍" } });
        receive.content = Content::from_value(kind, &content);
        let at = scene.place(receive).await;
        let row = row(&scene, at).await;
        assert!(!row.window().is_open(scene.now));
        assert_eq!(row.unread, unread);
        let at = scene.hears(&["628111111"], "w2", "text").await;
        assert!(self::row(&scene, at).await.window().is_open(scene.now));
    }
}

#[tokio::test]
async fn a_customer_who_writes_opens_a_resolved_conversation_again() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w1", "x").await;
    for (status, expected) in [
        (ConversationStatus::Resolved, ConversationStatus::Open),
        (ConversationStatus::Pending, ConversationStatus::Pending),
    ] {
        scene
            .one(ops::organise(at.conversation, OrganiseChange::Status(status)))
            .await;
        scene.hears(&["628111111"], status_name(status), "y").await;
        assert_eq!(row(&scene, at).await.status, expected);
    }
}

fn status_name(status: ConversationStatus) -> &'static str {
    match status {
        ConversationStatus::Open => "open",
        ConversationStatus::Pending => "pending",
        ConversationStatus::Resolved => "resolved",
    }
}

#[tokio::test]
async fn a_request_that_was_accepted_is_answered_the_same_after_the_window_has_closed() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w1", "question").await;
    let open = scene.now;
    let tenant = scene.tenant;
    let request = |n, goes| {
        let mut submit = ops::submit(tenant, &["628111111"], ops::id(open, n), "answer");
        submit.once = Some(Once {
            key: [7; 16],
            request: [1; 16],
        });
        submit.window_at = Some(goes);
        submit
    };
    let OpOutcome::Committed { at: Some(first), .. } = scene.one(request(1, open)).await else {
        panic!("the window is open");
    };
    let closed = open.after(std::time::Duration::from_secs(25 * 3_600));
    assert_eq!(
        scene.one(request(2, closed)).await,
        OpOutcome::Duplicate { at: Some(first) }
    );
    let mut another = request(3, closed);
    another.once = None;
    assert_eq!(
        scene.one(another).await,
        OpOutcome::Refused(OpRefusal::WindowClosed)
    );
    assert_eq!(scene.texts(at).await.len(), 2);
}

#[tokio::test]
async fn a_reply_is_refused_when_somebody_else_spoke_since() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w1", "question").await;
    let read = scene.head;
    scene.hears(&["628111111"], "w2", "another").await;
    let mut reply = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 1), "answer");
    reply.unless_after = Some(read);
    let refused = scene.one(reply.clone()).await;
    assert_eq!(
        refused,
        OpOutcome::Refused(OpRefusal::ConversationChanged(scene.head))
    );
    let seen = scene.head;
    reply.unless_after = Some(seen);
    assert!(matches!(scene.one(reply).await, OpOutcome::Committed { .. }));
    // The author's own message is no surprise to the author, but it is to others.
    let mut second = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 2), "and also");
    second.unless_after = Some(seen);
    let mut of_other = second.clone();
    of_other.author = ops::agent("bob");
    of_other.id = ops::id(scene.now, 3);
    let refused = scene.one(of_other).await;
    assert!(matches!(
        refused,
        OpOutcome::Refused(OpRefusal::ConversationChanged(_))
    ));
    // Nor does it hide what somebody else wrote before it.
    let mut blind = second.clone();
    blind.unless_after = Some(read);
    blind.id = ops::id(scene.now, 4);
    let refused = scene.one(blind).await;
    assert_eq!(refused, OpOutcome::Refused(OpRefusal::ConversationChanged(seen)));
    assert!(matches!(scene.one(second).await, OpOutcome::Committed { .. }));
    assert_eq!(scene.outbox().await.len(), 2);
    assert_eq!(scene.texts(at).await.len(), 4);
}

#[tokio::test]
async fn a_note_counts_as_speaking_and_is_never_sent() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w1", "question").await;
    let read = scene.head;
    scene.later(Duration::from_secs(1));
    let note = ops::note(
        at.conversation,
        ops::id(scene.now, 9),
        ops::agent("bob"),
        "I do it",
    );
    assert!(matches!(
        scene.one(note.clone()).await,
        OpOutcome::Committed { .. }
    ));
    assert!(matches!(scene.one(note).await, OpOutcome::Duplicate { .. }));
    let mut reply = ops::submit(scene.tenant, &["628111111"], ops::id(scene.now, 1), "answer");
    reply.unless_after = Some(read);
    let refused = scene.one(reply).await;
    assert!(matches!(
        refused,
        OpOutcome::Refused(OpRefusal::ConversationChanged(_))
    ));
    assert!(scene.outbox().await.is_empty());
    assert_eq!(scene.texts(at).await, ["I do it", "question"]);
    let nowhere = ops::conversation_of(scene.tenant, "1", &["628999999"]);
    let lost = ops::note(nowhere, ops::id(scene.now, 2), ops::agent("bob"), "x");
    assert_eq!(scene.one(lost).await, OpOutcome::Refused(OpRefusal::NotFound));
}

#[tokio::test]
async fn a_change_that_changes_nothing_makes_no_event() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w1", "x").await;
    let change = |change| ops::organise(at.conversation, change);
    let ann = crate::domain::AgentId::parse("ann").unwrap();
    let label = |add: &[&str], remove: &[&str]| OrganiseChange::Label {
        add: add.iter().map(|label| (*label).to_owned()).collect(),
        remove: remove.iter().map(|label| (*label).to_owned()).collect(),
    };
    for op in [
        change(OrganiseChange::Read { seen: None }),
        change(OrganiseChange::Assign(Some(ann))),
        change(label(&["vip", "new"], &[])),
        change(OrganiseChange::Status(ConversationStatus::Pending)),
    ] {
        let first = scene.offer(vec![op.clone()]).await.unwrap();
        assert_eq!(first.events[0].kind, EventKind::Conversation);
        assert_eq!(scene.commit(vec![op]).await, [OpOutcome::Unchanged]);
    }
    scene.one(change(label(&["old"], &["new"]))).await;
    let row = row(&scene, at).await;
    assert_eq!(
        (row.unread, row.labels),
        (0, vec!["old".to_owned(), "vip".to_owned()])
    );
    let nowhere = ops::conversation_of(scene.tenant, "1", &["628999999"]);
    let lost: Op = ops::organise(nowhere, OrganiseChange::Read { seen: None });
    assert_eq!(scene.one(lost).await, OpOutcome::Refused(OpRefusal::NotFound));
}

#[tokio::test]
async fn labels_beyond_the_most_are_refused_and_none_is_lost() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w1", "x").await;
    let label = |add: Vec<String>| {
        ops::organise(
            at.conversation,
            OrganiseChange::Label {
                add,
                remove: Vec::new(),
            },
        )
    };
    let fifty: Vec<_> = (0..50).map(|n| format!("label {n:02}")).collect();
    let set = scene.one(label(fifty.clone())).await;
    assert!(matches!(set, OpOutcome::Committed { .. }));
    let more = scene.one(label(vec!["a first one".to_owned()])).await;
    assert_eq!(more, OpOutcome::Refused(OpRefusal::TooManyLabels(50)));
    assert_eq!(row(&scene, at).await.labels, fifty);
}

#[tokio::test]
async fn a_conversation_goes_to_somebody_else_only_while_it_is_whose_it_was() {
    let mut scene = scene().await;
    let at = scene.hears(&["628111111"], "w", "x").await;
    let agent = |name: &str| crate::domain::AgentId::parse(name).unwrap();
    let moves = || OrganiseChange::Reassign {
        from: agent("ana"),
        to: Some(agent("cem")),
    };
    let change = |change| ops::organise(at.conversation, change);
    scene
        .one(change(OrganiseChange::Assign(Some(agent("ben")))))
        .await;
    assert_eq!(scene.one(change(moves())).await, OpOutcome::Unchanged);
    assert_eq!(row(&scene, at).await.assignee, Some(agent("ben")));
    scene
        .one(change(OrganiseChange::Assign(Some(agent("ana")))))
        .await;
    let moved = scene.one(change(moves())).await;
    assert!(matches!(moved, OpOutcome::Committed { .. }), "{moved:?}");
    assert_eq!(row(&scene, at).await.assignee, Some(agent("cem")));
}
