//! S: messages of a number that others use, too.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::r_amendments::{kinds, row};
use super::scene::{Scene, TENANT, mentions};
use crate::domain::message::{Amendment, Side, Via};
use crate::domain::{Author, Content, ConversationStatus, Direction, EventKind, Timestamp};
use crate::store::op::{Amend, Op, OpOutcome, OpRefusal, OrganiseChange, Receive};

const DAY: Duration = Duration::from_secs(86_400);
const ADA: &[&str] = &["628111111"];

fn echo(to: &[&str], id: &str, at: Timestamp, text: &str) -> Receive {
    Receive {
        by: Side::Business,
        name: None,
        ..ops::receive(to, id, at, text)
    }
}

fn import(by: Side, id: &str, at: Timestamp, text: &str) -> Receive {
    Receive {
        by,
        via: Some(Via::History),
        ..echo(ADA, id, at, text)
    }
}

async fn resolve(scene: &mut Scene, at: crate::store::MessageRef) {
    for change in [
        OrganiseChange::Read { seen: None },
        OrganiseChange::Status(ConversationStatus::Resolved),
    ] {
        scene.one(ops::organise(at.conversation, change)).await;
    }
}

pub(super) async fn what_the_business_writes_on_its_phone_stands_in_the_conversation(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let asked = scene.hears(ADA, "w", "question").await;
    resolve(&mut scene, asked).await;
    let before = row(&scene, asked).await;
    scene.later(Duration::from_secs(30));
    let at = scene.place(echo(ADA, "m", scene.now, "from the phone")).await;
    assert_eq!(at.conversation, asked.conversation);
    let message = scene.message(at).await.unwrap();
    assert_eq!(
        (message.direction, &message.author, &message.delivery),
        (Direction::Outbound, &Author::BusinessApp, &None)
    );
    let after = row(&scene, at).await;
    assert_eq!((after.unread, after.status), (0, ConversationStatus::Resolved));
    assert_eq!(after.last_inbound, before.last_inbound);
    assert_eq!(after.preview.as_deref(), Some("from the phone"));
    assert!(scene.outbox().await.is_empty(), "it is not ours to send");
    let found = scene.store.find_outbound(TENANT, at.message, scene.now).await;
    assert_eq!(found.unwrap(), Some(at));
    // An agent who has not seen it is told.
    let mut blind = ops::submit(TENANT, ADA, ops::id(scene.now, 1), "blind");
    blind.unless_after = Some(before.last_message_seq);
    let refused = OpOutcome::Refused(OpRefusal::ConversationChanged(after.last_message_seq));
    assert_eq!(scene.one(blind).await, refused);
    let again = scene.one(echo(ADA, "m", scene.now, "from the phone")).await;
    assert_eq!(again, OpOutcome::Duplicate { at: Some(at) });
    for (id, change) in [
        ("e", Amendment::Edited(Content::text("better"))),
        ("r", Amendment::Revoked),
    ] {
        let op = Amend {
            notice: echo(ADA, id, scene.now, ""),
            original: ops::wamid("m"),
            change,
        };
        assert_eq!(scene.place(Op::Amend(Box::new(op))).await, at);
    }
    assert!(scene.message(at).await.unwrap().revoked_at.is_some());
    let contents = scene.contents().await;
    assert!(!mentions(&contents, "from the phone") && !mentions(&contents, "better"));
}

pub(super) async fn imported_messages_stand_where_they_belong_and_ask_for_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    let day = |n: u32| began.before(DAY * n);
    let (old, older, oldest) = (day(10), day(100), day(1_000));
    let mut ops = Vec::new();
    for n in 0..20 {
        let by = [Side::Customer, Side::Business][n % 2];
        ops.push(import(by, &format!("h{n:02}"), old, &format!("h{n:02}")).into());
    }
    for n in 0..20 {
        let by = [Side::Customer, Side::Business][n % 2];
        ops.push(import(by, &format!("g{n:02}"), older, &format!("g{n:02}")).into());
    }
    ops.push(import(Side::Customer, "f", oldest, "too old").into());
    let outcomes = scene.commit(ops).await;
    assert_eq!(outcomes.last(), Some(&OpOutcome::Unchanged));
    let Some(OpOutcome::Committed { at: Some(at), .. }) = outcomes.first() else {
        panic!("not committed: {outcomes:?}");
    };
    let expected: Vec<String> = ["h", "g"]
        .iter()
        .flat_map(|name| (0..20).rev().map(move |n| format!("{name}{n:02}")))
        .collect();
    assert_eq!(scene.texts(*at).await, expected);
    let conversation = row(&scene, *at).await;
    assert_eq!((conversation.unread, conversation.last_inbound), (0, None));
    assert_eq!(conversation.status, ConversationStatus::Resolved);
    assert_eq!(conversation.last_activity, old);
    assert_eq!(conversation.preview.as_deref(), Some("h19"));
    assert_eq!(conversation.last_message_by, Some(Author::BusinessApp));
    assert!(!mentions(&scene.contents().await, "too old"));
    // A conversation that goes on is not touched by what was before.
    scene.hears(ADA, "now", "now").await;
    let before = row(&scene, *at).await;
    scene.later(Duration::from_secs(60));
    scene.one(import(Side::Business, "i", day(5), "between")).await;
    let after = row(&scene, *at).await;
    assert_eq!(
        crate::domain::Conversation {
            late_message_id: before.late_message_id,
            ..after.clone()
        },
        before
    );
    assert_eq!(after.last_writer(), Some(&Author::Contact));
    assert_eq!(scene.texts(*at).await[..3], ["now", "between", "h19"]);
    // One that is told live, too, is the customer's: somebody has to answer.
    scene.one(import(Side::Customer, "j", scene.now, "live")).await;
    resolve(&mut scene, *at).await;
    let live = ops::receive(ADA, "j", scene.now, "live");
    let place = scene.place(live.clone()).await;
    assert_eq!(scene.one(live).await, OpOutcome::Duplicate { at: Some(place) });
    let conversation = row(&scene, *at).await;
    assert_eq!(
        (conversation.unread, conversation.status),
        (1, ConversationStatus::Open)
    );
    assert_eq!(
        conversation.last_inbound.map(Timestamp::as_secs),
        Some(scene.now.as_secs())
    );
}

pub(super) async fn an_imported_placeholder_becomes_what_it_stands_for(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let when = scene.now.before(DAY);
    let mut first = import(Side::Business, "h", when, "");
    first.content = serde_json::from_str(r#"{"type":"media_placeholder"}"#).unwrap();
    let at = scene.place(first).await;
    let mut media = import(Side::Business, "h", when, "");
    media.aliases = crate::domain::ContactAliases::default();
    media.content = serde_json::from_str(r#"{"type":"image","image":{"id":"9","caption":"a cat"}}"#).unwrap();
    assert_eq!(scene.place(media.clone()).await, at);
    assert_eq!(
        scene.one(media.clone()).await,
        OpOutcome::Duplicate { at: Some(at) }
    );
    assert_eq!(scene.texts(at).await, ["a cat"]);
    let message = scene.message(at).await.unwrap();
    assert_eq!((message.edited_at, message.versions.len()), (None, 0));
    assert_eq!(row(&scene, at).await.preview.as_deref(), Some("a cat"));
    // One whose thread nobody knows is told all the same.
    media.wamid = ops::wamid("i");
    scene.one(media.clone()).await;
    assert_eq!(kinds(&scene).await.last(), Some(&EventKind::Meta));
    assert_eq!(scene.one(media.clone()).await, OpOutcome::Duplicate { at: None });
    media.aliases = ops::names(ADA);
    scene.place(media).await;
}

pub(super) async fn media_told_before_their_thread_are_found_by_what_stands_for_them_there(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let when = scene.now.before(DAY);
    let media = |id: &str| {
        let mut media = import(Side::Business, id, when, "");
        media.aliases = crate::domain::ContactAliases::default();
        media.content =
            serde_json::from_str(r#"{"type":"image","image":{"id":"9","caption":"a cat"}}"#).unwrap();
        media
    };
    let place = |id: &str| {
        let mut place = import(Side::Business, id, when, "");
        place.content =
            serde_json::from_str(r#"{"type":"media_placeholder","context":{"id":"wamid.q"}}"#).unwrap();
        place
    };
    let taken_back = |id: &str, original: &str| {
        Op::Amend(Box::new(Amend {
            notice: echo(ADA, id, scene.now, ""),
            original: ops::wamid(original),
            change: Amendment::Revoked,
        }))
    };
    let revocations = [
        taken_back("r1", "h"),
        taken_back("r2", "i"),
        taken_back("r3", "j"),
    ];
    for id in ["h", "i"] {
        scene.one(media(id)).await;
    }
    let at = scene.place(place("h")).await;
    assert_eq!(scene.one(place("h")).await, OpOutcome::Duplicate { at: Some(at) });
    assert_eq!(scene.texts(at).await, ["a cat"]);
    let message = scene.message(at).await.unwrap();
    assert_eq!(message.content.to_value()["context"]["id"], "wamid.q");
    // Told and in its thread, told alone, and neither: what is taken back is gone from the log, too.
    let told = [
        EventKind::MessageRevoked,
        EventKind::MessageRevoked,
        EventKind::Message,
    ];
    for (op, told) in revocations.into_iter().zip(told) {
        scene.one(op).await;
        assert_eq!(kinds(&scene).await.last(), Some(&told));
    }
    for id in ["h", "i", "j"] {
        scene.one(media(id)).await;
        scene.one(place(id)).await;
    }
    assert!(!mentions(&scene.contents().await, "a cat"), "it is still told");
}

pub(super) async fn an_import_ahead_of_the_clock_is_no_activity_and_not_the_last(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let other = scene
        .place(ops::receive(&["628222222"], "o", scene.now, "other"))
        .await;
    scene.later(Duration::from_secs(60));
    let ahead = scene.now.after(Duration::from_secs(5_000));
    let at = scene.place(import(Side::Customer, "h", ahead, "imported")).await;
    assert_eq!(row(&scene, at).await.last_activity, scene.now);
    scene.later(Duration::from_secs(1));
    let now = scene.now;
    scene.place(ops::receive(ADA, "w", now, "live")).await;
    assert_eq!(scene.texts(at).await, ["live", "imported"]);
    assert_eq!(row(&scene, at).await.preview.as_deref(), Some("live"));
    // One that turns out to be live is news, wherever it stands.
    scene.one(import(Side::Customer, "i", now, "asks")).await;
    scene.later(Duration::from_secs(60));
    scene
        .place(ops::receive(&["628222222"], "p", scene.now, "other"))
        .await;
    scene.later(Duration::from_secs(60));
    scene.place(ops::receive(ADA, "i", now, "asks")).await;
    let filter = crate::store::ConversationFilter::default();
    let list = scene
        .store
        .page_conversations(TENANT, filter, None, 9)
        .await
        .unwrap();
    let ids: Vec<_> = list.items.iter().map(|row| row.id).collect();
    assert_eq!(ids, [at.conversation, other.conversation]);
    let conversation = row(&scene, at).await;
    assert_eq!(
        (conversation.last_message_seq, conversation.unread),
        (scene.head, 2)
    );
}

pub(super) async fn what_another_program_answers_is_shown_and_asks_for_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let copy = |by, id: &str, text: &str| Receive {
        by,
        via: Some(Via::Standby),
        ..echo(ADA, id, scene.now, text)
    };
    let (asked, answered) = (
        copy(Side::Customer, "w", "asks"),
        copy(Side::Business, "m", "answers"),
    );
    let at = scene.place(asked).await;
    let answer = scene.place(answered).await;
    let message = scene.message(answer).await.unwrap();
    assert_eq!(
        (message.author, message.via),
        (Author::OtherApp, Some(Via::Standby))
    );
    assert_eq!(scene.message(at).await.unwrap().via, Some(Via::Standby));
    let conversation = row(&scene, at).await;
    assert_eq!(conversation.unread, 0);
    assert!(
        conversation.window().is_open(scene.now),
        "the window is the customer's"
    );
    // The same message told to us is ours to answer.
    let ours = ops::receive(ADA, "w", scene.now, "asks");
    assert_eq!(scene.place(ours.clone()).await, at);
    assert_eq!(scene.one(ours).await, OpOutcome::Duplicate { at: Some(at) });
    assert_eq!(scene.message(at).await.unwrap().via, None);
    assert_eq!(row(&scene, at).await.unread, 1);
    assert_eq!(scene.texts(at).await, ["answers", "asks"]);
}

pub(super) async fn a_reaction_that_is_taken_away_reopens_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.hears(ADA, "w", "thanks").await;
    resolve(&mut scene, at).await;
    let before = row(&scene, at).await;
    for (id, reaction) in [
        ("1", r#"{"message_id":"wamid.w"}"#),
        ("2", r#"{"message_id":"wamid.w","emoji":""}"#),
    ] {
        scene.later(Duration::from_secs(5));
        let mut removed = ops::receive(ADA, id, scene.now, "");
        removed.content =
            serde_json::from_str(&format!(r#"{{"type":"reaction","reaction":{reaction}}}"#)).unwrap();
        scene.place(removed).await;
        assert_eq!(row(&scene, at).await, before);
    }
    let mut given = ops::receive(ADA, "3", scene.now, "");
    given.content =
        serde_json::from_str(r#"{"type":"reaction","reaction":{"message_id":"wamid.w","emoji":"👍"}}"#)
            .unwrap();
    scene.place(given).await;
    let after = row(&scene, at).await;
    assert_eq!((after.unread, after.status), (1, ConversationStatus::Open));
}
