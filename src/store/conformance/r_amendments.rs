//! R: authors change their messages, and what they take back is gone.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT, mentions};
use crate::domain::message::{Amendment, Side, Via};
use crate::domain::{Content, ContentKind, Conversation, EventKind, Seq, Timestamp};
use crate::store::op::{Amend, Op, OpOutcome, OrganiseChange};
use crate::store::row::MessageRef;

const ADA: &[&str] = &["628111111"];
const BOB: &[&str] = &["628222222"];

pub(super) fn amend(from: &[&str], id: &str, original: &str, at: Timestamp, change: Amendment) -> Amend {
    let mut notice = ops::receive(from, id, at, "");
    notice.content = Content::from_value(
        ContentKind::of("edit"),
        &serde_json::json!({ "type": "edit", "edit": { "original_message_id": original } }),
    );
    Amend {
        notice,
        original: ops::wamid(original),
        change,
    }
}

pub(super) fn edit(from: &[&str], id: &str, original: &str, at: Timestamp, text: &str) -> Op {
    let change = Amendment::Edited(Content::text(text));
    Op::Amend(Box::new(amend(from, id, original, at, change)))
}

pub(super) fn revoke(from: &[&str], id: &str, original: &str, at: Timestamp) -> Op {
    Op::Amend(Box::new(amend(from, id, original, at, Amendment::Revoked)))
}

pub(super) async fn row(scene: &Scene, at: MessageRef) -> Conversation {
    let row = scene.store.conversation(TENANT, at.conversation).await;
    row.unwrap().unwrap()
}

pub(super) async fn kinds(scene: &Scene) -> Vec<EventKind> {
    let page = scene.store.events_after(TENANT, Seq::default(), 1_000, scene.now);
    page.await
        .unwrap()
        .events
        .iter()
        .map(|event| event.kind)
        .collect()
}

async fn said(scene: &Scene, at: MessageRef) -> Vec<String> {
    let message = scene.message(at).await.unwrap();
    let earlier = message.versions.iter().map(|version| &version.content);
    earlier
        .chain([&message.content])
        .map(|content| content.preview().unwrap_or_default())
        .collect()
}

pub(super) async fn an_edit_changes_its_message_and_keeps_what_it_said(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut first = ops::receive(ADA, "w", scene.now, "");
    first.content =
        serde_json::from_str(r#"{"type":"text","text":{"body":"one"},"context":{"id":"wamid.q"}}"#).unwrap();
    let at = scene.place(first).await;
    let second = scene.later(Duration::from_secs(60));
    let third = scene.later(Duration::from_secs(60));
    let news = edit(ADA, "e2", "w", third, "three");
    assert_eq!(scene.place(news.clone()).await, at);
    assert!(matches!(scene.one(news).await, OpOutcome::Duplicate { .. }));
    // Meta promises no order: what was said in between comes last.
    scene.place(edit(ADA, "e1", "w", second, "two")).await;
    assert_eq!(said(&scene, at).await, ["one", "two", "three"]);
    let message = scene.message(at).await.unwrap();
    assert_eq!(message.edited_at, Some(third));
    assert_eq!(message.content.to_value()["context"]["id"], "wamid.q");
    let conversation = row(&scene, at).await;
    assert_eq!(
        (conversation.preview.as_deref(), conversation.unread),
        (Some("three"), 1)
    );
    assert_eq!(conversation.last_message_id, Some(at.message));
    let changed = EventKind::MessageChanged;
    assert_eq!(kinds(&scene).await, [EventKind::Message, changed, changed]);
    assert_eq!(scene.texts(at).await, ["three"], "it stands there once");
}

pub(super) async fn what_is_taken_back_is_gone_from_every_row(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let other = scene.hears(BOB, "b", "stays").await;
    let at = scene.hears(ADA, "w", "a secret").await;
    scene.one(edit(ADA, "e", "w", scene.now, "another secret")).await;
    scene
        .one(ops::organise(
            at.conversation,
            OrganiseChange::Read { seen: None },
        ))
        .await;
    scene.later(Duration::from_secs(60));
    scene.hears(ADA, "late", "after it").await;
    let taken = revoke(ADA, "r", "w", scene.now);
    assert_eq!(scene.place(taken.clone()).await, at);
    assert!(matches!(scene.one(taken).await, OpOutcome::Duplicate { .. }));
    let message = scene.message(at).await.unwrap();
    assert_eq!(message.revoked_at, Some(scene.now));
    assert_eq!(
        (message.content.kind(), message.versions.len()),
        (&ContentKind::Revoked, 0)
    );
    assert_eq!(
        kinds(&scene).await,
        [
            EventKind::Message,
            EventKind::Erased,
            EventKind::Erased,
            EventKind::Conversation,
            EventKind::Message,
            EventKind::MessageRevoked,
        ]
    );
    // Neither a repetition nor a late edit brings it back.
    for again in [
        ops::receive(ADA, "w", scene.now, "a secret").into(),
        edit(ADA, "e3", "w", scene.now, "a third secret"),
    ] {
        scene.one(again).await;
    }
    assert!(!mentions(&scene.contents().await, "secret"), "it is still there");
    assert_eq!(row(&scene, at).await.preview.as_deref(), Some("after it"));
    assert_eq!(scene.texts(other).await, ["stays"]);
}

pub(super) async fn the_last_message_taken_back_leaves_no_beginning_and_no_trace_in_its_batch(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    scene
        .commit(vec![
            ops::receive(ADA, "w", scene.now, "a secret").into(),
            edit(ADA, "e", "w", scene.now, "a newer secret"),
            revoke(ADA, "r", "w", scene.now),
        ])
        .await;
    assert!(!mentions(&scene.contents().await, "secret"), "it is still there");
    let at = scene.contact("628111111").await.unwrap();
    let conversation = ops::conversation_of(TENANT, "1", ADA);
    let found = scene
        .store
        .conversation(TENANT, conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.preview, found.contact_id), (None, at));
}

pub(super) async fn what_changes_a_message_that_has_not_come_is_kept_for_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let written = scene.now;
    let edited = scene.later(Duration::from_secs(60));
    let at = scene.place(edit(ADA, "e1", "w", edited, "two")).await;
    let again = scene.later(Duration::from_secs(60));
    scene.place(edit(ADA, "e2", "w", again, "three")).await;
    assert_eq!(scene.texts(at).await, ["three"], "agents see it meanwhile");
    let first = ops::receive(ADA, "w", written, "one");
    let at = scene.place(first.clone()).await;
    assert!(matches!(scene.one(first).await, OpOutcome::Duplicate { .. }));
    assert_eq!(said(&scene, at).await, ["one", "two", "three"]);
    let message = scene.message(at).await.unwrap();
    assert_eq!((message.created, message.edited_at), (written, Some(again)));
    assert_eq!(row(&scene, at).await.unread, 1);
    assert_eq!(row(&scene, at).await.last_inbound, Some(written));
    // What is taken back before it comes never stands anywhere.
    let gone = scene.place(revoke(BOB, "r", "v", again)).await;
    scene.one(ops::receive(BOB, "v", written, "a secret")).await;
    scene.one(edit(BOB, "e9", "v", written, "a secret")).await;
    assert!(!mentions(&scene.contents().await, "secret"), "it was kept");
    assert_eq!(scene.message(gone).await, None);
    let left = scene.messages(gone).await;
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].created, left[0].revoked_at), (written, Some(again)));
    let conversation = row(&scene, gone).await;
    assert_eq!(
        (conversation.unread, conversation.last_inbound),
        (0, Some(written))
    );
}

pub(super) async fn a_message_stands_in_its_own_place_although_its_edit_came_first(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    let at = |secs: u64| began.after(Duration::from_secs(secs));
    scene.now = at(120);
    let changes = [
        edit(ADA, "e1", "w", at(90), "two"),
        edit(ADA, "e2", "w", at(100), "three"),
    ];
    let stood = scene.place(changes[0].clone()).await;
    scene.place(ops::receive(ADA, "q", at(50), "question")).await;
    scene.place(changes[1].clone()).await;
    let mut first = ops::receive(ADA, "w", at(10), "");
    first.content =
        serde_json::from_str(r#"{"type":"text","text":{"body":"one"},"context":{"id":"wamid.q"}}"#).unwrap();
    let stands = scene.place(first.clone()).await;
    assert_eq!(scene.message(stood).await, None, "it stands there once");
    assert_eq!(scene.texts(stands).await, ["question", "three"]);
    assert_eq!(stands.message.timestamp(), at(10));
    assert_eq!(said(&scene, stands).await, ["one", "two", "three"]);
    let message = scene.message(stands).await.unwrap();
    assert_eq!((message.created, message.edited_at), (at(10), Some(at(100))));
    assert_eq!(message.content.to_value()["context"]["id"], "wamid.q");
    let conversation = row(&scene, stands).await;
    assert_eq!(
        (conversation.preview.as_deref(), conversation.unread),
        (Some("question"), 2)
    );
    let page = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    let last = page.await.unwrap().events.pop().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&last.json).unwrap();
    assert_eq!(told["data"]["instead_of"], stood.message.to_string());
    // Whatever comes again changes nothing, and what it said goes with it.
    for again in changes {
        scene.one(again).await;
    }
    scene.one(first).await;
    scene.sweep().await;
    assert_eq!(scene.message(stands).await, Some(message));
    assert_eq!(row(&scene, stands).await, conversation);
    scene.one(revoke(ADA, "r", "w", at(110))).await;
    for text in ["two", "three", "one"] {
        assert!(
            !mentions(&scene.contents().await, &format!("\"body\":\"{text}\"")),
            "{text}"
        );
    }
}

pub(super) async fn what_somebody_else_says_of_a_message_before_it_comes_does_not_stand_for_it(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let theirs = scene.place(edit(BOB, "e", "w", scene.now, "theirs")).await;
    scene.place(revoke(BOB, "r", "v", scene.now)).await;
    for (id, text) in [("w", "mine"), ("v", "mine, too")] {
        let at = scene.place(ops::receive(ADA, id, scene.now, text)).await;
        assert_ne!(at.conversation, theirs.conversation);
        assert_eq!(said(&scene, at).await, [text]);
        let again = scene.one(ops::receive(ADA, id, scene.now, text)).await;
        assert_eq!(again, OpOutcome::Duplicate { at: Some(at) });
    }
    assert_eq!(scene.texts(theirs).await, ["theirs"]);
}

pub(super) async fn nobody_changes_what_somebody_else_wrote(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.hears(ADA, "w", "mine").await;
    let ours = scene.says(ADA, 1, "ours").await;
    assert!(scene.claims(ours.message, 0).await);
    let token = ops::token(TENANT, ours, 1);
    scene
        .one(ops::attempted(token, scene.now, ops::accepted("m")))
        .await;
    scene.hears(BOB, "b", "hello").await;
    for (id, op) in [
        ("r1", revoke(BOB, "r1", "w", scene.now)),
        ("r2", revoke(ADA, "r2", "m", scene.now)),
        ("r3", edit(BOB, "r3", "w", scene.now, "theirs")),
    ] {
        let stands = scene.place(op).await;
        let message = scene.message(stands).await.unwrap();
        assert_eq!(message.wamid, Some(ops::wamid(id)), "it stands by itself");
    }
    let mut by_us = amend(ADA, "r4", "w", scene.now, Amendment::Revoked);
    by_us.notice.by = Side::Business;
    scene.one(Op::Amend(Box::new(by_us))).await;
    assert_eq!(said(&scene, at).await, ["mine"]);
    assert_eq!(said(&scene, ours).await, ["ours"]);
}

pub(super) async fn what_is_taken_back_is_not_unread_in_whatever_order_it_comes(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = |scene: &Scene| Op::from(ops::receive(ADA, "w", scene.now, "x"));
    let gone = |scene: &Scene| revoke(ADA, "r", "w", scene.now);
    let at = scene.hears(ADA, "stays", "x").await;
    let in_order = [first(&scene), gone(&scene)];
    scene.commit(in_order.to_vec()).await;
    assert_eq!(row(&scene, at).await.unread, 1);
    let other = scene.hears(BOB, "b", "x").await;
    let late = [
        revoke(BOB, "rb", "wb", scene.now),
        ops::receive(BOB, "wb", scene.now, "x").into(),
    ];
    scene.commit(late.to_vec()).await;
    assert_eq!(row(&scene, other).await.unread, 1);
    // What was read is no longer counted.
    scene.hears(ADA, "w2", "x").await;
    let seen = Some(scene.head);
    scene
        .one(ops::organise(at.conversation, OrganiseChange::Read { seen }))
        .await;
    scene.hears(ADA, "w3", "x").await;
    scene.one(revoke(ADA, "r2", "w2", scene.now)).await;
    assert_eq!(row(&scene, at).await.unread, 1);
}

pub(super) async fn a_change_under_names_that_turn_out_to_be_the_authors_is_made_then(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let (one, two): (&[&str], &[&str]) = (&["628100001", "ID.1"], &["628100002", "ID.2"]);
    let at = scene.hears(one, "w", "a secret").await;
    let edited = scene.hears(one, "v", "the draft").await;
    let moved = scene.later(Duration::from_secs(60));
    let now = scene.later(Duration::from_secs(60));
    let taken = revoke(two, "r", "w", now);
    let meanwhile = scene.place(taken.clone()).await;
    scene.place(edit(two, "e", "v", now, "the final")).await;
    assert_ne!(meanwhile.conversation, at.conversation);
    assert_eq!(
        said(&scene, at).await,
        ["a secret"],
        "nobody knows yet that it is theirs"
    );
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    scene.now = now;
    scene.one(ops::moved(one, two, moved, "moved")).await;
    assert_eq!(scene.message(at).await.unwrap().revoked_at, Some(now));
    assert!(!mentions(&scene.contents().await, "secret"), "it is still there");
    assert_eq!(said(&scene, edited).await, ["the draft", "the final"]);
    assert!(matches!(scene.one(taken).await, OpOutcome::Duplicate { .. }));
    // What is taken back later takes its edit along.
    scene.one(revoke(two, "r2", "v", now)).await;
    for text in ["the draft", "the final"] {
        assert!(!mentions(&scene.contents().await, text), "{text}");
    }
    let person = scene.contact("ID.2").await.unwrap();
    let person = scene.store.contact(TENANT, person).await.unwrap().unwrap();
    assert!(person.pending.is_empty());
}

pub(super) async fn whatever_links_an_author_to_who_took_it_back_takes_it_back(backend: impl Backend) {
    const PHONE: &[&str] = &["628100001"];
    const ID: &[&str] = &["ID.1"];
    let mut scene = Scene::of(&backend).await;
    let mut import = ops::receive(PHONE, "h", scene.now, "an old secret");
    import.via = Some(Via::History);
    let now = scene.later(Duration::from_secs(60));
    scene.place(import).await;
    scene.place(revoke(ID, "r1", "h", now)).await;
    scene.hears(&["628100001", "ID.1"], "both", "hello").await;
    assert!(
        !mentions(&scene.contents().await, "secret"),
        "one message names both"
    );
    scene.hears(&["ID.2"], "p", "another secret").await;
    scene.place(revoke(&["ID.3", "ID.ENT.1"], "r2", "p", now)).await;
    scene.hears(&["ID.2", "ID.ENT.1"], "parent", "hello").await;
    assert!(
        !mentions(&scene.contents().await, "secret"),
        "both have one parent id"
    );
}

pub(super) async fn a_strangers_change_hides_no_message_that_comes_later(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for (n, early) in [
        (1, revoke(BOB, "r1", "w1", scene.now)),
        (2, edit(BOB, "r2", "w2", scene.now, "theirs")),
    ] {
        let stranger = scene.place(early).await;
        // Its author's own edit, which is early, too, does not wait in vain.
        let (id, own) = (format!("w{n}"), format!("e{n}"));
        scene.place(edit(ADA, &own, &id, scene.now, "edited")).await;
        let first = ops::receive(ADA, &id, scene.now, "mine");
        let at = scene.place(first.clone()).await;
        assert_ne!(at.conversation, stranger.conversation);
        assert_eq!(said(&scene, at).await, ["mine", "edited"]);
        assert!(matches!(scene.one(first).await, OpOutcome::Duplicate { at: Some(again) } if again == at));
        assert_eq!(scene.message(stranger).await.unwrap().wamid, None);
    }
    // It was Ada after all.
    scene.one(ops::relate(BOB, ADA, "moved")).await;
    let contents = scene.contents().await;
    let conversation = ops::conversation_of(TENANT, "1", ADA);
    let page = scene
        .store
        .page_messages(TENANT, conversation, None, 99, scene.now)
        .await;
    let taken_back = |wamid: &str| {
        let message = page
            .as_ref()
            .unwrap()
            .items
            .iter()
            .find(|message| message.wamid == Some(ops::wamid(wamid)));
        message.unwrap().revoked_at.is_some()
    };
    assert!(taken_back("w1") && !taken_back("w2"));
    assert!(mentions(&contents, "mine"));
}

pub(super) async fn what_its_author_took_back_before_it_came_stays_away_under_other_names(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    scene
        .place(revoke(&["628100001", "ID.1"], "r", "w", scene.now))
        .await;
    let first = ops::receive(&["628100001", "ID.1"], "w", scene.now, "a secret");
    scene.one(first.clone()).await;
    let now = scene.later(Duration::from_secs(60));
    // Whoever has the number next is not who repeats it.
    scene.hears(&["628100001", "ID.2"], "b", "hello").await;
    scene
        .one(ops::moved(&["ID.1"], &["628100002", "ID.3"], now, "moved"))
        .await;
    let mut again = first;
    for aliases in [&["628100001"][..], &["628100001", "ID.2"]] {
        again.aliases = ops::names(aliases);
        scene.one(again.clone()).await;
    }
    assert!(!mentions(&scene.contents().await, "secret"), "it came back");
}
