//! J: after an erasure nothing of a customer can be read, and everything of the others.

mod meanwhile;

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT, mentions};
use crate::domain::{
    AttributeValue, BroadcastId, Contact, ContactChange, ContactId, DeliveryState, EventKind, JournalId,
    Keyword, MarketingWish, Purpose, SendRate, Seq, TenantId, WabaId, WishSource,
};
use crate::store::directory::AccessToken;
use crate::store::op::{
    Audience, ChangeContact, Erase, Op, OpOutcome, OpRefusal, Prefer, ReportTarget, Whom,
};
use crate::store::plain::PlainTable;
use crate::store::tables::{
    Broadcast, BroadcastChunk, BroadcastUpload, PlannedRecipient, Unsendable, UploadedRow,
};
use crate::store::{Number, Quarantined};

pub(super) use meanwhile::{
    what_is_submitted_while_a_customer_is_erased_goes_too,
    what_waits_for_a_customer_who_is_gone_is_not_claimed,
    whoever_led_to_an_erased_customer_is_sold_nothing_either,
};

/// Words that stand in the customer's rows and nowhere else.
pub(in crate::store) const CANARIES: [&str; 12] = [
    "628111111",
    "ID.CANARY",
    "ID.ENT.CANARY",
    "canaryname",
    "canaryuser",
    "canarygiven",
    "canarylabel",
    "canaryattribute",
    "canarytext",
    "canarysent",
    "canarypayload",
    "wamid.canary",
];

/// A customer with everything that a customer can have, and another one.
pub(in crate::store) async fn fill(scene: &mut Scene) {
    let mut receive = ops::receive(&["628111111"], "canary1", scene.now, "canarytext");
    receive.name = Some("canaryname".into());
    receive.username = Some("canaryuser".into());
    scene.place(receive).await;
    scene.hears(&["ID.CANARY"], "canary2", "canarytext").await;
    scene
        .one(ops::relate(
            &["628111111"],
            &["ID.CANARY", "ID.ENT.CANARY"],
            "linked",
        ))
        .await;
    let said: AttributeValue = serde_json::from_str(r#""canaryattribute""#).unwrap();
    let noted = ChangeContact {
        who: Whom::Known(scene.contact("ID.CANARY").await.unwrap()),
        changes: vec![
            ContactChange::GivenName(Some("canarygiven".parse().unwrap())),
            ContactChange::AddLabel("canarylabel".parse().unwrap()),
            ContactChange::Attribute("note".parse().unwrap(), Some(said)),
        ],
        by: ops::agent("ana"),
        audience: Audience::Agents,
    };
    scene.one(Op::ChangeContact(Box::new(noted))).await;
    let mut other_number = ops::receive(&["ID.CANARY"], "canary3", scene.now, "canarytext");
    other_number.number = ops::number("2");
    scene.place(other_number).await;
    let mut submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 1), "canarysent");
    submit.payload = ops::raw(r#"{"to":"628111111","text":{"body":"canarypayload"}}"#);
    let at = scene.place(submit.clone()).await;
    submit.id = ops::id(scene.now, 2);
    scene.place(submit).await;
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(TENANT, at, 1);
    let told = ops::reported(
        ReportTarget::Token(token),
        "canary4",
        DeliveryState::Read,
        scene.now,
    );
    scene.one(told).await;
    scene
        .one(ops::announce(
            EventKind::Meta,
            r#"{"value":{"wa_id":"628111111"}}"#,
        ))
        .await;
    scene.hears(&["628222222"], "w", "of another").await;
    scene.says(&["628222222"], 9, "to another").await;
    scene
        .one(ops::announce(EventKind::Lane, r#"{"number":"1"}"#))
        .await;
}

pub(super) async fn erase(scene: &Scene, name: &str) -> usize {
    let contact = scene.contact(name).await.unwrap();
    scene.store.erase_contact(TENANT, contact).await.unwrap().rows
}

pub(super) async fn nothing_of_the_customer_is_left_in_any_row(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let before = scene.contents().await;
    for canary in CANARIES {
        assert!(mentions(&before, canary), "{canary} is nowhere to begin with");
    }
    assert!(erase(&scene, "628111111").await > 10);
    let after = scene.contents().await;
    for canary in CANARIES {
        assert!(!mentions(&after, canary), "{canary} is still there");
    }
    for name in ["628111111", "ID.CANARY", "ID.ENT.CANARY"] {
        assert_eq!(scene.contact(name).await, None);
    }
    let list = scene
        .store
        .page_conversations(TENANT, crate::store::ConversationFilter::default(), None, 9);
    assert_eq!(list.await.unwrap().items.len(), 1);
    assert_eq!(scene.outbox().await.len(), 1);
}

pub(super) async fn others_keep_all_that_they_had(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let at = ops::conversation_of(TENANT, "1", &["628222222"]);
    let contact = scene.contact("628222222").await.unwrap();
    let rows = |conversation, contact: Option<Contact>| (conversation, contact);
    let read = async |scene: &Scene| {
        rows(
            scene
                .store
                .page_messages(TENANT, at, None, 9, scene.now)
                .await
                .unwrap(),
            scene.store.contact(TENANT, contact).await.unwrap(),
        )
    };
    let before = read(&scene).await;
    assert_eq!(before.0.items.len(), 2);
    erase(&scene, "ID.CANARY").await;
    assert_eq!(read(&scene).await, before);
    let page = scene
        .store
        .events_after(TENANT, Seq::default(), 99, scene.now)
        .await
        .unwrap();
    let kinds: Vec<EventKind> = page.events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds[kinds.len() - 3..],
        [EventKind::Message, EventKind::Message, EventKind::Lane]
    );
    assert!(
        kinds[..kinds.len() - 3]
            .iter()
            .all(|kind| *kind == EventKind::Erased),
        "{kinds:?}"
    );
}

pub(super) async fn positions_stay_dense_and_the_ledger_goes_on(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let head = scene.head;
    erase(&scene, "628111111").await;
    let page = scene
        .store
        .events_after(TENANT, Seq::default(), 99, scene.now)
        .await
        .unwrap();
    let found: Vec<u64> = page.events.iter().map(|event| event.seq.get()).collect();
    assert_eq!(found, (1..=head.get()).collect::<Vec<u64>>());
    assert_eq!(page.events[0].json, r#"{"seq":1,"kind":"erased"}"#);
    scene.hears(&["628222222"], "next", "x").await;
    assert_eq!(scene.head, head.next());
}

pub(super) async fn erasing_again_changes_nothing(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let contact = scene.contact("628111111").await.unwrap();
    erase(&scene, "628111111").await;
    let before = scene.contents().await;
    let swept = scene.store.erase_contact(TENANT, contact).await.unwrap();
    assert_eq!(swept.rows, 0);
    assert_eq!(scene.contents().await, before);
    drop(scene);
    let backend = backend.reopen();
    let scene = Scene::of(&backend).await;
    assert_eq!(scene.contents().await, before);
}

pub(super) async fn a_repeated_webhook_does_not_bring_the_customer_back(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    erase(&scene, "628111111").await;
    let before = scene.contents().await;
    let again = ops::receive(&["628111111"], "canary1", scene.now, "canarytext");
    assert_eq!(scene.one(again).await, OpOutcome::Duplicate { at: None });
    assert_eq!(scene.contents().await, before);
}

pub(super) async fn what_was_put_aside_of_the_customer_goes_and_nothing_of_others(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    for (tenant, id) in [(TENANT, "1"), (TenantId::new(9), "9")] {
        let number = Number {
            id: ops::number(id),
            tenant,
            waba: WabaId::parse("2001").unwrap(),
            display: "+1".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("secret-1"),
            app: None,
        };
        scene.store.put_number(number).await.unwrap();
    }
    let mut stays = Vec::new();
    // To a number of the tenant, of nobody, and of another tenant.
    for (n, (number, from, goes)) in [
        ("1", "628111111", true),
        ("7", "ID.CANARY", true),
        ("9", "628111111", false),
        ("1", "628222222", false),
        ("1", "6281111110", false),
    ]
    .into_iter()
    .cycle()
    .take(150)
    .enumerate()
    {
        let body =
            format!(r#"{{"metadata":{{"phone_number_id":"{number}"}},"messages":[{{"from":"{from}"}}]}}"#);
        let id = JournalId::from_bytes(u128::try_from(n).unwrap().to_be_bytes());
        let item = Quarantined {
            id,
            at: scene.now,
            reason: "poison".to_owned(),
            body: body.into(),
        };
        scene.store.quarantine(item).await.unwrap();
        stays.extend((!goes).then_some(id));
    }
    erase(&scene, "628111111").await;
    let left = scene.store.quarantined(None, 999, scene.now).await.unwrap();
    let left: Vec<JournalId> = left.into_iter().map(|item| item.id).collect();
    assert_eq!(left, stays);
}

pub(super) async fn a_status_of_an_erased_message_brings_nothing_back(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let sent = scene
        .outbox()
        .await
        .iter()
        .find(|row| row.contact != ops::contact_of(TENANT, &["628222222"]))
        .unwrap()
        .at;
    erase(&scene, "628111111").await;
    let head = scene.head;
    for target in [
        ReportTarget::Wamid,
        ReportTarget::Token(ops::token(TENANT, sent, 1)),
    ] {
        let told = ops::reported(target, "canary4", DeliveryState::Read, scene.now);
        assert_eq!(scene.one(told).await, OpOutcome::Unchanged);
    }
    assert_eq!(scene.head, head);
    // One that is nobody's here is told.
    let other = ops::reported(ReportTarget::Wamid, "elsewhere", DeliveryState::Read, scene.now);
    assert!(matches!(
        scene.one(other).await,
        OpOutcome::Committed { at: None, .. }
    ));
}

pub(super) async fn the_customer_may_come_back_as_someone_new(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    erase(&scene, "628111111").await;
    scene.later(Duration::from_secs(1));
    let at = scene.hears(&["628111111"], "fresh", "hello again").await;
    assert_eq!(scene.texts(at).await, ["hello again"]);
    let row = scene
        .store
        .conversation(TENANT, at.conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.unread, row.created), (1, scene.now));
}

pub(super) async fn whoever_was_erased_is_sold_nothing_when_an_old_list_names_them(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let contact = scene.contact("628111111").await.unwrap();
    let row = scene.store.contact(TENANT, contact).await.unwrap().unwrap();
    let begins = Erase::Begins(row.all_ids().collect());
    scene.one(Op::Erase(begins)).await;
    erase(&scene, "628111111").await;
    let head = scene.head;
    scene.one(Op::Erase(Erase::IsDone)).await;
    let page = scene
        .store
        .events_after(TENANT, head, 9, scene.now)
        .await
        .unwrap();
    let told: Vec<EventKind> = page.events.iter().map(|event| event.kind).collect();
    assert_eq!(told, [EventKind::Erased]);
    for canary in CANARIES {
        assert!(!mentions(&scene.contents().await, canary), "{canary}");
    }
    // An offer to the phone leaves nothing behind.
    let mut offer = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 77), "buy this");
    offer.purpose = Purpose::Marketing;
    let refused = OpOutcome::Refused(OpRefusal::OptedOut);
    assert_eq!(scene.one(offer.clone()).await, refused);
    assert_eq!(scene.contact("628111111").await, None);
    come_back_with_the_stop(&mut scene).await;
    assert_eq!(scene.one(offer.clone()).await, refused);
    // Unless they say so themselves.
    let wants = Op::Prefer(Prefer {
        number: None,
        aliases: ops::names(&["628111111"]),
        wish: MarketingWish::Resume(WishSource::Preference),
        at: Some(scene.now),
    });
    scene.one(wants).await;
    assert!(matches!(scene.one(offer).await, OpOutcome::Committed { .. }));
}

pub(super) async fn a_customer_who_comes_again_and_asks_for_offers_gets_them(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let contact = scene.contact("628111111").await.unwrap();
    scene.one(Op::Erase(Erase::Begins(vec![contact]))).await;
    erase(&scene, "628111111").await;
    let mut again = ops::receive(&["628111111"], "again", scene.now, "start");
    again.keyword = Some(Keyword::Start);
    scene.place(again).await;
    let contact = scene.contact("628111111").await.unwrap();
    let row = scene.store.contact(TENANT, contact).await.unwrap().unwrap();
    assert_eq!((row.opted_out_at, row.opted_in_at), (None, Some(scene.now)));
}

/// Makes sure that nothing but an op decides what a batch may say about a customer.
#[tokio::test]
async fn an_event_of_the_customer_alone_is_found_by_any_name() {
    let backend = super::Memory::open();
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let told: Vec<Op> = ["628111111", "ID.CANARY", "ID.ENT.CANARY"]
        .into_iter()
        .map(|name| ops::announce(EventKind::Meta, &format!(r#"{{"who":"{name}"}}"#)))
        .chain([ops::announce(EventKind::Meta, r#"{"who":"6281111110"}"#)])
        .collect();
    scene.commit(told).await;
    erase(&scene, "628111111").await;
    let page = scene
        .store
        .events_after(TENANT, Seq::default(), 99, scene.now)
        .await
        .unwrap();
    let last: Vec<EventKind> = page.events.iter().rev().take(4).map(|event| event.kind).collect();
    assert_eq!(
        last,
        [
            EventKind::Meta,
            EventKind::Erased,
            EventKind::Erased,
            EventKind::Erased
        ]
    );
}

/// A broadcast that is ready, with two recipients: the customer, and somebody who is no contact yet; and its file.
async fn plan_for(scene: &Scene, contact: ContactId) -> BroadcastId {
    let id = BroadcastId::from_bytes([5; 16]);
    let broadcast: Broadcast = serde_json::from_value(serde_json::json!({
        "broadcast_id": id, "name": "x", "template": { "name": "promo", "language": "en" }, "numbers": ["1"],
        "audience": { "type": "upload" }, "state": "ready", "version": 1, "plans": 1,
        "upload": { "upload": 7, "columns": ["phone"], "phone": "phone", "rows": 2, "chunks": 1, "at": scene.now },
        "plan": { "number": 1, "chunks": 1, "total": 2, "recipients": 2, "purpose": "marketing", "at": scene.now },
        "created_by": ops::agent("ana"), "created_at": scene.now,
        "changed_by": ops::agent("ana"), "changed_at": scene.now,
    }))
    .unwrap();
    let table = PlainTable::of(scene.store.as_ref(), scene.now);
    let expires = scene.now.after(Duration::from_hours(1));
    let recipient = |contact, phone: Option<&str>, text: &str| PlannedRecipient {
        contact: Some(contact),
        phone: phone.map(Into::into),
        country: Some("ID".parse().unwrap()),
        values: vec![text.into()],
        suppressed: None,
        line: None,
        zone: 0,
    };
    let chunk = BroadcastChunk {
        first: 1,
        recipients: vec![
            recipient(contact, None, "canaryname"),
            recipient(ContactId::from_bytes([9; 16]), Some("628333333"), "other"),
        ],
        expires,
    };
    let row = |phone: &str, cell: &str| UploadedRow {
        line: 2,
        phone: Some(phone.into()),
        cells: vec![cell.to_owned()],
        suppressed: None,
    };
    let upload = BroadcastUpload {
        rows: vec![row("628111111", "canarytext"), row("628333333", "other")],
        expires,
    };
    let chunks = PlainTable::of(scene.store.as_ref(), scene.now);
    // Rows may be missing before the last.
    for number in [0, 2] {
        let key = BroadcastChunk::at(TENANT, id, 1, number);
        assert!(chunks.replace(&key, None, Some(&chunk)).await.unwrap());
    }
    let key = BroadcastUpload::at(TENANT, id, 7, 0);
    let uploads = PlainTable::of(scene.store.as_ref(), scene.now);
    assert!(uploads.replace(&key, None, Some(&upload)).await.unwrap());
    let key = Broadcast::at(TENANT, id);
    assert!(table.replace(&key, None, Some(&broadcast)).await.unwrap());
    id
}

pub(super) async fn a_broadcast_that_is_to_be_sent_knows_the_customer_no_more(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let contact = scene.contact("628111111").await.unwrap();
    let id = plan_for(&scene, contact).await;
    erase(&scene, "628111111").await;
    let chunks = PlainTable::<BroadcastChunk>::of(scene.store.as_ref(), scene.now);
    let chunk = chunks.get(&BroadcastChunk::at(TENANT, id, 1, 0)).await.unwrap();
    let chunk = chunk.unwrap().row;
    let told: Vec<_> = chunk.recipients.iter().map(|one| one.suppressed).collect();
    assert_eq!(told, [Some(Unsendable::ContactGone), None]);
    assert_eq!(chunk.recipients[1].values.len(), 1, "the other is sent to");
    let uploads = PlainTable::<BroadcastUpload>::of(scene.store.as_ref(), scene.now);
    let rows = uploads.get(&BroadcastUpload::at(TENANT, id, 7, 0)).await.unwrap();
    let rows = rows.unwrap().row.rows;
    assert_eq!(
        (rows[0].phone.clone(), rows[1].phone.as_deref()),
        (None, Some("628333333"))
    );
    let after = scene.contents().await;
    for canary in CANARIES {
        assert!(!mentions(&after, canary), "{canary} is still there");
    }
}

/// Whoever was erased and comes back by a list wants no marketing, under each of the names.
async fn come_back_with_the_stop(scene: &mut Scene) {
    for name in ["628111111", "ID.CANARY"] {
        let imported = ChangeContact {
            who: Whom::Named(ops::names(&[name])),
            changes: Vec::new(),
            by: ops::agent("ana"),
            audience: Audience::Nobody,
        };
        scene.one(Op::ChangeContact(Box::new(imported))).await;
        let contact = scene.contact(name).await.unwrap();
        let row = scene.store.contact(TENANT, contact).await.unwrap().unwrap();
        assert_eq!(row.opted_out_by, Some(WishSource::Business), "{name}");
    }
}
