//! What events show of their conversation.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::scene;
use crate::domain::message::Via;
use crate::domain::{Alias, ConversationStatus, MarketingWish, Seq, Timestamp, WishSource};
use crate::store::conformance::ops;
use crate::store::conformance::scene::Scene;
use crate::store::op::{Op, OpOutcome, OpRefusal, OrganiseChange, Prefer};

const ADA: &[&str] = &["628111111"];

/// The data of the events since a position.
async fn data_after(scene: &Scene, after: Seq) -> Vec<Value> {
    let page = scene.store.events_after(scene.tenant, after, 1_000, scene.now);
    let events = page.await.unwrap().events;
    let data = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap()["data"].take();
    events.iter().map(|event| data(&event.json)).collect()
}

/// Commits an op and gives the data of its one event.
async fn told(scene: &mut Scene, op: impl Into<Op>) -> Value {
    let before = scene.head;
    scene.one(op).await;
    let mut all = data_after(scene, before).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.pop().unwrap()
}

fn heard(scene: &Scene, id: &str, text: &str) -> Op {
    ops::receive(ADA, id, scene.now, text).into()
}

/// Says that whoever goes by a phone goes by an id, too, without naming a number of ours.
fn one_person(scene: &Scene) -> Op {
    Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&["628111111", "ID.1"]),
        wish: MarketingWish::Resume(WishSource::Preference),
        at: Some(scene.now),
    })
}

fn is_whole(data: &Value) -> bool {
    assert_ne!(
        data["conversation"].is_object(),
        data["conversation_changes"].is_object()
    );
    data["conversation"].is_object()
}

fn names(patch: &Value) -> BTreeSet<&str> {
    patch.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_new_conversation_is_shown_whole_and_then_only_what_changes() {
    let mut scene = scene().await;
    let op = heard(&scene, "w1", "one");
    let first = told(&mut scene, op).await;
    assert!(is_whole(&first));
    assert_eq!(first["conversation"]["preview"], "one");
    assert_eq!(first["contact"]["phone"], ADA[0]);
    scene.later(Duration::from_secs(5));
    let op = heard(&scene, "w2", "two");
    let second = told(&mut scene, op).await;
    assert!(!is_whole(&second));
    assert!(second.get("contact").is_none(), "{second}");
    let patch = &second["conversation_changes"];
    assert_eq!(
        names(patch),
        [
            "last_activity",
            "last_inbound",
            "last_message_id",
            "last_message_seq",
            "preview",
            "unread"
        ]
        .into()
    );
    assert_eq!((&patch["unread"], &patch["preview"]), (&json!(2), &json!("two")));
}

#[tokio::test]
async fn an_author_in_place_of_another_has_no_field_of_that_one() {
    let mut scene = scene().await;
    scene.hears(ADA, "w1", "one").await;
    scene.later(Duration::from_secs(5));
    let submit = ops::submit(scene.tenant, ADA, ops::id(scene.now, 9), "ours");
    let ours = told(&mut scene, submit).await;
    let by = |data: &Value| data["conversation_changes"]["last_message_by"].clone();
    assert_eq!(by(&ours), json!({ "kind": "agent", "id": "ann", "key": null }));
    scene.later(Duration::from_secs(5));
    let op = heard(&scene, "w2", "theirs");
    let theirs = told(&mut scene, op).await;
    assert_eq!(by(&theirs), json!({ "kind": "contact", "id": null, "key": null }));
}

#[tokio::test]
async fn a_conversation_that_was_quiet_or_is_opened_is_shown_whole_with_its_contact() {
    let mut scene = scene().await;
    let at = scene.hears(ADA, "w1", "one").await;
    for (wait, status, whole) in [
        (599, None, false),
        (600, None, true),
        (1, Some(ConversationStatus::Resolved), true),
        (1, Some(ConversationStatus::Pending), false),
    ] {
        if let Some(status) = status {
            let set = ops::organise(at.conversation, OrganiseChange::Status(status));
            assert!(!is_whole(&told(&mut scene, set).await));
        }
        scene.later(Duration::from_secs(wait));
        let op = heard(&scene, &format!("w{wait}{status:?}"), "more");
        let data = told(&mut scene, op).await;
        assert_eq!(is_whole(&data), whole, "{wait} {status:?}");
        assert_eq!(data.get("contact").is_some(), whole, "{wait} {status:?}");
    }
    let open = ops::organise(at.conversation, OrganiseChange::Status(ConversationStatus::Open));
    assert!(is_whole(&told(&mut scene, open).await));
}

#[tokio::test]
async fn a_contact_that_goes_by_another_name_comes_with_the_message_that_says_so() {
    let mut scene = scene().await;
    scene.hears(ADA, "w1", "one").await;
    scene.later(Duration::from_secs(5));
    let mut renamed = ops::receive(ADA, "w2", scene.now, "two");
    renamed.name = Some("Ada L.".into());
    let data = told(&mut scene, renamed).await;
    assert!(!is_whole(&data));
    assert_eq!(data["contact"]["name"], "Ada L.");
}

#[tokio::test]
async fn a_conversation_that_goes_over_to_another_contact_brings_it() {
    let mut scene = scene().await;
    scene.hears(ADA, "w1", "by phone").await;
    scene.later(Duration::from_secs(5));
    scene.hears(&["ID.1"], "w2", "by id").await;
    scene.one(one_person(&scene)).await;
    scene.later(Duration::from_secs(5));
    let op = heard(&scene, "w3", "by phone again");
    let before = scene.head;
    scene.one(op).await;
    let data = data_after(&scene, before).await.pop().unwrap();
    assert!(!is_whole(&data), "{data}");
    let contact = &data["conversation_changes"]["contact_id"];
    assert!(contact.is_string(), "{data}");
    assert_eq!(data["contact"]["id"], *contact);
}

#[tokio::test]
async fn a_member_of_a_group_is_shown_when_it_is_new_or_the_conversation_whole() {
    let mut scene = scene().await;
    for (from, id, wait, member) in [
        (ADA, "w1", 0, true),
        (ADA, "w2", 5, false),
        (&["628222222"][..], "w3", 5, true),
        (ADA, "w4", 600, true),
    ] {
        scene.later(Duration::from_secs(wait));
        let mut receive = ops::receive(from, id, scene.now, "to all");
        receive.group = Alias::group("Y2FwaV9ncm91cDo-");
        let data = told(&mut scene, receive).await;
        let shown = data.get("member").map(|member| member["phone"].clone());
        assert_eq!(shown, member.then(|| json!(from[0])), "{id}");
        assert_eq!(data["message"]["author"]["name"], "Ada", "{id}");
    }
}

#[tokio::test]
async fn imported_messages_bring_their_conversation_whole_once() {
    let mut scene = scene().await;
    for (n, whole) in [(1_u64, true), (2, false), (3, false)] {
        let at = Timestamp::from_secs(1_790_000_000).after(Duration::from_hours(n));
        let mut import = ops::receive(ADA, &format!("h{n}"), at, "from long ago");
        import.via = Some(Via::History);
        assert_eq!(is_whole(&told(&mut scene, import).await), whole, "{n}");
    }
}

#[tokio::test]
async fn an_event_about_no_message_carries_no_beginning_of_one() {
    let mut scene = scene().await;
    let at = scene.hears(ADA, "w1", "one").await;
    let label = ops::organise(
        at.conversation,
        OrganiseChange::Label {
            add: vec!["vip".to_owned()],
            remove: Vec::new(),
        },
    );
    let data = told(&mut scene, label.clone()).await;
    assert_eq!(data["conversation_changes"], json!({ "labels": ["vip"] }));
    scene.later(Duration::from_hours(1));
    let read = ops::organise(at.conversation, OrganiseChange::Read { seen: None });
    let data = told(&mut scene, read).await;
    assert!(
        is_whole(&data) && data["conversation"].get("preview").is_none(),
        "{data}"
    );
}

#[tokio::test]
async fn an_op_that_is_refused_tells_of_the_threads_that_it_brought_together() {
    let mut scene = scene().await;
    // Two contacts, each with a conversation, turn out to be one person away from any number of theirs.
    scene.hears(&["628111111"], "w1", "by phone").await;
    scene.hears(&["ID.1"], "w2", "by id").await;
    scene.one(one_person(&scene)).await;
    let before = scene.head;
    let mut submit = ops::submit(scene.tenant, ADA, ops::id(scene.now, 9), "too late");
    submit.unless_after = Some(Seq::default());
    let outcome = scene.one(submit).await;
    assert!(
        matches!(outcome, OpOutcome::Refused(OpRefusal::ConversationChanged(_))),
        "{outcome:?}"
    );
    let told = data_after(&scene, before).await;
    let unread: Vec<&Value> = told
        .iter()
        .map(|data| &data["conversation_changes"]["unread"])
        .collect();
    assert_eq!(unread, [&json!(0), &json!(2)], "{told:?}");
}
