//! Q: who is who: which names lead to whom, by which a contact goes, and what follows a person.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT, mentions};
use crate::domain::{
    Alias, Contact, Conversation, DeliveryState, Event, EventKind, MarketingWish, Purpose, Seq, Timestamp,
    WishSource,
};
use crate::store::op::{AttemptResult, Naming, Op, OpOutcome, OpRefusal, Prefer, ReportTarget};
use crate::store::row::{ClaimOutcome, MessageRef};

const ONE: &str = "573100000001";
const TWO: &str = "573100000002";

/// A text at a time of Meta's, from whoever goes by these names.
async fn hears_at(scene: &mut Scene, from: &[&str], id: &str, at: Timestamp) -> MessageRef {
    let receive = ops::receive(from, id, at, id);
    scene.place(receive).await
}

pub(super) async fn person(scene: &Scene, name: &str) -> Contact {
    let id = scene.contact(name).await.unwrap();
    scene.store.contact(TENANT, id).await.unwrap().unwrap()
}

async fn thread(scene: &Scene, at: MessageRef) -> Conversation {
    let row = scene.store.conversation(TENANT, at.conversation).await;
    row.unwrap().unwrap()
}

pub(super) fn shown(contact: &Contact) -> (Option<&str>, Option<&str>) {
    (contact.phone.as_deref(), contact.bsuid.as_deref())
}

/// The events about contacts after a position: what changed, and the phone.
pub(super) async fn told(scene: &Scene, after: Seq) -> Vec<(serde_json::Value, serde_json::Value)> {
    let page = scene.store.events_after(TENANT, after, 99, scene.now);
    let events = page.await.unwrap().events;
    let about = |event: Event| {
        let json: serde_json::Value = serde_json::from_slice(&event.json).unwrap();
        let data = &json["data"];
        (data["changed"].clone(), data["contact"]["phone"].clone())
    };
    events
        .into_iter()
        .filter(|event| event.kind == EventKind::Contact)
        .map(about)
        .collect()
}

/// Somebody who wrote, and then moved to another number; the notice is a message, too.
pub(super) async fn moves(scene: &mut Scene) -> MessageRef {
    let began = scene.now;
    let first = hears_at(scene, &[ONE, "CO.31"], "first", began).await;
    let at = scene.later(Duration::from_secs(30));
    let from: &[&str] = &[ONE, "CO.31"];
    scene.one(ops::moved(from, &[TWO, "CO.32"], at, "moved")).await;
    let mut notice = ops::receive(from, "notice", at, "changed");
    notice.naming = Naming::Former(ops::names(&[TWO, "CO.32"]));
    notice.name = None;
    assert_eq!(scene.place(notice).await.conversation, first.conversation);
    first
}

pub(super) async fn a_notice_of_a_change_is_not_undone_by_its_own_message(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = moves(&mut scene).await;
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(60));
    for name in [ONE, TWO, "CO.31", "CO.32"] {
        assert_eq!(
            shown(&person(&scene, name).await),
            (Some(TWO), Some("CO.32")),
            "{name}"
        );
    }
    assert_eq!(
        told(&scene, Seq::default()).await,
        [(serde_json::json!(["names"]), TWO.into())]
    );
    let known = person(&scene, TWO).await;
    assert_eq!(known.former.len(), 2);
    assert_eq!(known.went_by_until(&Alias::phone(ONE).unwrap()), known.named_at);
    let then = scene.now;
    assert_eq!(
        hears_at(&mut scene, &[TWO, "CO.32"], "since", then)
            .await
            .conversation,
        first.conversation
    );
}

pub(super) async fn nothing_late_and_no_caller_brings_an_old_name_back(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    let first = moves(&mut scene).await;
    scene.later(Duration::from_secs(30));
    // A late message.
    let late = began.after(Duration::from_secs(10));
    let mut receive = ops::receive(&[ONE, "CO.31"], "late", late, "late");
    receive.name = Some("as she was called".into());
    assert_eq!(scene.place(receive).await.conversation, first.conversation);
    // A caller, and a status.
    let sent = scene.says(&[ONE], 1, "by the old number").await;
    assert_eq!(sent.conversation, first.conversation);
    assert!(scene.claims(sent.message, 0).await);
    let token = ops::token(TENANT, sent, 1);
    let mut report = ops::report(ReportTarget::Token(token), "m", DeliveryState::Sent, scene.now);
    report.aliases = ops::names(&[ONE, "CO.31"]);
    scene.one(Op::Report(Box::new(report))).await;
    let known = person(&scene, ONE).await;
    assert_eq!(shown(&known), (Some(TWO), Some("CO.32")));
    assert_eq!(known.name.as_deref(), Some("Ada"));
}

pub(super) async fn a_change_told_after_messages_under_the_new_names_joins_them(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    let first = hears_at(&mut scene, &[ONE, "CO.31"], "first", began).await;
    let moved = scene.later(Duration::from_secs(30));
    let since = scene.later(Duration::from_secs(30));
    let new = hears_at(&mut scene, &[TWO, "CO.32"], "since", since).await;
    assert_ne!(new.conversation, first.conversation);
    let told = ops::moved(&[ONE, "CO.31"], &[TWO, "CO.32"], moved, "moved");
    assert!(matches!(scene.one(told).await, OpOutcome::Committed { .. }));
    let known = person(&scene, TWO).await;
    assert_eq!(known.id, person(&scene, ONE).await.id);
    assert_eq!(shown(&known), (Some(TWO), Some("CO.32")));
    // The older history goes on, and the window is the newer one.
    let row = thread(&scene, first).await;
    assert_eq!(row.last_inbound, Some(since));
    let answer = scene.says(&["CO.32"], 1, "answer").await;
    assert_eq!(answer.conversation, first.conversation);
}

pub(super) async fn changes_told_in_the_wrong_order_end_with_the_newest_names(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    hears_at(&mut scene, &[ONE, "CO.31"], "first", began).await;
    let first = scene.later(Duration::from_secs(30));
    let second = scene.later(Duration::from_secs(30));
    scene
        .one(ops::moved(
            &[TWO, "CO.32"],
            &["573100000003", "CO.33"],
            second,
            "b",
        ))
        .await;
    scene
        .one(ops::moved(&[ONE, "CO.31"], &[TWO, "CO.32"], first, "a"))
        .await;
    for name in [ONE, TWO, "573100000003", "CO.31", "CO.32", "CO.33"] {
        assert_eq!(
            shown(&person(&scene, name).await),
            (Some("573100000003"), Some("CO.33")),
            "{name}"
        );
    }
}

pub(super) async fn a_number_that_somebody_else_has_now_is_somebody_else(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let first = moves(&mut scene).await;
    let now = scene.later(Duration::from_secs(60));
    let other = hears_at(&mut scene, &[ONE, "CO.99"], "other", now).await;
    assert_ne!(other.conversation, first.conversation);
    assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), Some("CO.99")));
    assert_eq!(shown(&person(&scene, TWO).await), (Some(TWO), Some("CO.32")));
    // Nor is one of whom Meta tells no id.
    let third = scene.later(Duration::from_secs(60));
    scene
        .one(ops::moved(
            &[ONE, "CO.99"],
            &["573100000004", "CO.98"],
            third,
            "on",
        ))
        .await;
    let now = scene.later(Duration::from_secs(60));
    let last = hears_at(&mut scene, &[ONE], "last", now).await;
    assert!(![first.conversation, other.conversation].contains(&last.conversation));
    assert_eq!(shown(&person(&scene, ONE).await), (Some(ONE), None));
}

pub(super) async fn two_known_people_who_show_one_phone_stay_two(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut places = Vec::new();
    for (n, names) in [&[ONE, "CO.1"][..], &["CO.2"], &[ONE, "CO.2"], &["CO.1"]]
        .into_iter()
        .enumerate()
    {
        let at = scene.later(Duration::from_secs(10));
        places.push(
            hears_at(&mut scene, names, &format!("w{n}"), at)
                .await
                .conversation,
        );
    }
    assert_eq!((places[0], places[1]), (places[3], places[2]));
    assert_ne!(places[0], places[1]);
    assert_eq!(shown(&person(&scene, "CO.1").await), (None, Some("CO.1")));
    assert_eq!(shown(&person(&scene, "CO.2").await), (Some(ONE), Some("CO.2")));
    assert_eq!(person(&scene, ONE).await.bsuid.as_deref(), Some("CO.2"));
    // One that comes late takes nothing.
    let late = scene.now.before(Duration::from_secs(25));
    hears_at(&mut scene, &[ONE, "CO.1"], "late", late).await;
    assert_eq!(person(&scene, ONE).await.bsuid.as_deref(), Some("CO.2"));
}

pub(super) async fn a_caller_who_gives_two_peoples_names_makes_them_one_no_more(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let by_phone = scene.hears(&[ONE], "w1", "x").await;
    let by_id = scene.hears(&["CO.1"], "w2", "y").await;
    let sent = scene.says(&[ONE, "CO.1"], 1, "to both").await;
    assert_eq!(sent.conversation, by_id.conversation);
    assert_ne!(person(&scene, ONE).await.id, person(&scene, "CO.1").await.id);
    assert_eq!(
        scene.says(&[ONE], 2, "z").await.conversation,
        by_phone.conversation
    );
}

pub(super) async fn a_link_keeps_the_history_and_the_newest_window(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let wrote = scene.now;
    let history = hears_at(&mut scene, &["ID.901"], "wrote", wrote).await;
    scene.later(Duration::from_secs(60));
    let sent = scene.says(&["628900000901"], 1, "a template").await;
    assert_ne!(sent.conversation, history.conversation);
    assert!(scene.claims(sent.message, 0).await);
    let before = scene.head;
    let target = ReportTarget::Token(ops::token(TENANT, sent, 1));
    let mut report = ops::report(target, "m", DeliveryState::Sent, scene.now);
    report.aliases = ops::names(&["628900000901", "ID.901"]);
    scene.one(Op::Report(Box::new(report))).await;
    assert_eq!(
        told(&scene, before).await,
        [(serde_json::json!(["link"]), "628900000901".into())]
    );
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    scene.later(Duration::from_secs(120));
    for (tail, name) in [(2, "628900000901"), (3, "ID.901")] {
        let mut reply = ops::submit(TENANT, &[name], ops::id(scene.now, tail), "reply");
        reply.window_at = Some(scene.now);
        assert_eq!(
            scene.place(reply).await.conversation,
            history.conversation,
            "{name}"
        );
    }
    // Whoever answers where the template stands answers the person, too.
    let mut reply = ops::submit(TENANT, &["ID.901"], ops::id(scene.now, 4), "reply");
    reply.aliases = crate::domain::ContactAliases::default();
    reply.contact = ops::contact_of(TENANT, &["628900000901"]);
    reply.window_at = Some(scene.now);
    assert_eq!(scene.place(reply).await.conversation, history.conversation);
}

pub(super) async fn what_graph_calls_a_number_leads_to_whom_it_was_sent(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let sent = scene.says(&["4915112345678"], 1, "x").await;
    assert!(scene.claims(sent.message, 0).await);
    let token = ops::token(TENANT, sent, 1);
    let mut taken = ops::attempted(token, scene.now, ops::accepted("m"));
    if let Op::Attempted(attempted) = &mut taken {
        attempted.recipient = ops::names(&["4915100005678"]);
    }
    scene.one(taken).await;
    let answer = scene.hears(&["4915100005678"], "w", "answer").await;
    assert_eq!(answer.conversation, sent.conversation);
    let unknown = AttemptResult::Unknown { error: None };
    assert!(!matches!(
        scene.one(ops::attempted(token, scene.now, unknown)).await,
        OpOutcome::Committed { .. }
    ));
}

pub(super) async fn a_number_leads_to_one_contact_in_both_of_its_forms(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for (tail, (first, then)) in (0..).zip([
        ("5551987654321", "555187654321"),
        ("525512345678", "5215512345678"),
        ("541123456789", "5491123456789"),
        ("555187000001", "5551987000001"),
        ("5215512300001", "525512300001"),
        ("5491123400001", "541123400001"),
    ]) {
        let sent = scene.says(&[first], tail, "x").await;
        let answer = scene.hears(&[then], &format!("w{tail}"), "y").await;
        assert_eq!(answer.conversation, sent.conversation, "{first} {then}");
        let contact = person(&scene, then).await;
        assert_eq!(contact.phone.as_deref(), Some(then), "as Meta knows it");
        assert!(contact.former.is_empty());
    }
}

pub(super) async fn a_call_opens_the_window_and_is_told_once(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let reply = |scene: &Scene, tail| {
        let mut reply = ops::submit(TENANT, &[ONE], ops::id(scene.now, tail), "reply");
        reply.window_at = Some(scene.now);
        reply
    };
    let closed = reply(&scene, 1);
    assert_eq!(
        scene.one(closed).await,
        OpOutcome::Refused(OpRefusal::WindowClosed)
    );
    let call = ops::called(&[ONE], scene.now);
    assert!(matches!(
        scene.one(call.clone()).await,
        OpOutcome::Committed { .. }
    ));
    assert_eq!(scene.one(call).await, OpOutcome::Unchanged);
    let open = reply(&scene, 2);
    let at = scene.place(open).await;
    assert_eq!(thread(&scene, at).await.last_inbound, Some(scene.now));
}

pub(super) async fn consent_and_erasure_follow_the_person(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let sent = scene.says(&["628900000901"], 1, "canarytext").await;
    scene.hears(&["ID.901"], "canary", "canarytext").await;
    let offer = |scene: &Scene| {
        let mut offer = ops::submit(TENANT, &["628900000901"], ops::id(scene.now, 2), "offer");
        offer.purpose = Purpose::Marketing;
        offer
    };
    assert!(scene.claims(sent.message, 0).await);
    let target = ReportTarget::Token(ops::token(TENANT, sent, 1));
    let mut report = ops::report(target, "canarym", DeliveryState::Sent, scene.now);
    report.aliases = ops::names(&["628900000901", "ID.901"]);
    scene.one(Op::Report(Box::new(report))).await;
    let stop = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&["ID.901"]),
        wish: MarketingWish::Stop(WishSource::Preference),
        at: Some(scene.now),
    });
    scene.one(stop).await;
    let refused = offer(&scene);
    assert_eq!(scene.one(refused).await, OpOutcome::Refused(OpRefusal::OptedOut));
    // Erased by the contact that leads to the person, of whom there is more.
    let moved = scene.later(Duration::from_secs(30));
    scene
        .one(ops::moved(
            &["ID.901"],
            &["628900000902", "ID.902"],
            moved,
            "moved",
        ))
        .await;
    scene
        .one(ops::announce(EventKind::Meta, r#"{"wa_id":"628900000901"}"#))
        .await;
    let linked = ops::contact_of(TENANT, &["628900000901"]);
    scene.store.erase_contact(TENANT, linked).await.unwrap();
    let after = scene.contents().await;
    for word in ["canary", "628900000901", "628900000902", "ID.901", "ID.902"] {
        assert!(!mentions(&after, word), "{word} is still there");
    }
}

/// What is sent for a message that is claimed now: its body.
async fn sent(scene: &Scene, at: MessageRef) -> serde_json::Value {
    let wants = vec![ops::want(at.message, 0)];
    let claimed = scene.store.claim(TENANT, scene.fence, wants, scene.now).await;
    let Some(ClaimOutcome::Granted(claimed)) = claimed.unwrap().pop() else {
        panic!("not granted")
    };
    serde_json::from_str(claimed.row.payload.get()).unwrap()
}

pub(super) async fn what_waits_when_its_customer_moves_goes_to_the_new_names(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&[ONE, "CO.31"], "first", "hola").await;
    let mut submit = ops::submit(TENANT, &["CO.31"], ops::id(scene.now, 1), "later");
    submit.payload = ops::raw(r#"{"to":"+573100000001","recipient":"CO.31","text":{"body":"later"}}"#);
    let waits = scene.place(submit).await;
    // However short it waited.
    let at = scene.later(Duration::from_secs(1));
    let moved = ops::moved(&[ONE, "CO.31"], &[TWO, "CO.32"], at, "moved");
    scene.one(moved).await;
    let expected = serde_json::json!({
        "to": format!("+{TWO}"), "recipient": "CO.32", "text": { "body": "later" },
    });
    assert_eq!(sent(&scene, waits).await, expected);
}

pub(super) async fn what_was_written_before_a_number_went_to_another_goes_where_it_stands(
    backend: impl Backend,
) {
    let mut scene = Scene::of(&backend).await;
    let ada = scene.hears(&[ONE, "CO.1"], "w1", "x").await;
    let known = person(&scene, "CO.1").await;
    // To the number, in whatever way its owner is reached.
    let mut to_number = ops::submit(TENANT, &[ONE], ops::id(scene.now, 1), "to the number");
    to_number.contact = known.id;
    to_number.payload = ops::raw(r#"{"recipient":"CO.1","type":"text"}"#);
    // To Ada, of whom a caller knew another number.
    let mut to_ada = ops::submit(TENANT, &["CO.1"], ops::id(scene.now, 2), "to Ada");
    to_ada.payload = ops::raw(r#"{"to":"+573100000002","recipient":"CO.1","type":"text"}"#);
    let to_ada = scene.place(to_ada).await;
    assert_eq!(to_ada.conversation, ada.conversation);
    let at = scene.later(Duration::from_secs(1));
    let bob = hears_at(&mut scene, &[ONE, "CO.2"], "w2", at).await;
    let to_number = scene.place(to_number).await;
    assert_eq!(to_number.conversation, bob.conversation);
    let expected = serde_json::json!({ "to": format!("+{ONE}"), "recipient": "CO.2", "type": "text" });
    assert_eq!(sent(&scene, to_number).await, expected);
    hears_at(&mut scene, &[TWO, "CO.3"], "w3", at).await;
    let expected = serde_json::json!({ "recipient": "CO.1", "type": "text" });
    assert_eq!(sent(&scene, to_ada).await, expected);
}
