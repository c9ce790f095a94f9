//! K: the largest, the smallest and the strangest.

use bytes::Bytes;

use super::Backend;
use super::a_durability::entry;
use super::contents::Family;
use super::ops;
use super::scene::{DAY_ONE, Scene, mentions};
use crate::domain::{JournalId, MessageId, PhoneNumberId, TenantId, Timestamp};
use crate::store::op::{Op, OpOutcome, OpRefusal, OrganiseChange};
use crate::store::row::MessageRef;

pub(super) async fn a_message_of_a_mebibyte_comes_back_whole(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let text = "ü".repeat(512 * 1_024);
    let at = scene.hears(&["628111111"], "w", &text).await;
    let message = scene.message(at).await.unwrap();
    assert_eq!(message.content, crate::domain::Content::text(&text));
    let page = scene
        .store
        .events_after(scene.tenant, crate::domain::Seq::default(), 1, DAY_ONE)
        .await;
    assert!(page.unwrap().events[0].json.len() > 1_024 * 1_024);
}

pub(super) async fn a_webhook_of_three_mebibytes_comes_back_whole(backend: impl Backend) {
    let mut large = entry(1);
    large.body = Bytes::from(vec![0xff; 3 * 1_024 * 1_024]);
    backend.store().journal_append(large.clone()).await.unwrap();
    let backend = backend.reopen();
    assert_eq!(backend.store().journal_open(None, 1).await.unwrap(), vec![large]);
}

pub(super) async fn many_large_webhooks_at_once_are_all_taken(backend: impl Backend) {
    let store = backend.store();
    let writes = (1..=12_u8).map(|n| {
        let mut large = entry(n);
        large.body = Bytes::from(vec![n; 2 * 1_024 * 1_024]);
        store.journal_append(large)
    });
    for written in futures_util::future::join_all(writes).await {
        written.unwrap();
    }
    assert_eq!(store.journal_open(None, 20).await.unwrap().len(), 12);
}

pub(super) async fn empty_values_stay_empty(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.hears(&["628111111"], "w", "").await;
    assert_eq!(scene.texts(at).await, [""]);
    let mut empty = entry(1);
    empty.body = Bytes::new();
    scene.store.journal_append(empty.clone()).await.unwrap();
    assert_eq!(scene.store.journal_open(None, 1).await.unwrap(), vec![empty]);
    assert!(scene.commit(Vec::new()).await.is_empty());
    let none = scene
        .store
        .claim(scene.tenant, scene.fence, Vec::new(), DAY_ONE)
        .await
        .unwrap();
    assert!(none.is_empty());
    scene.store.journal_done(Vec::new()).await.unwrap();
}

pub(super) async fn keys_at_the_ends_of_their_ranges_are_found_and_do_not_run_over(backend: impl Backend) {
    let longest = PhoneNumberId::parse(&"z".repeat(64)).unwrap();
    let mut scenes = Vec::new();
    for tenant in [0, 1, u64::MAX - 1, u64::MAX] {
        let mut scene = Scene::take_over(backend.store(), TenantId::new(tenant)).await;
        let mut ops: Vec<Op> = Vec::new();
        for id in [[0_u8; 16], [0xff; 16]] {
            let mut submit = ops::submit(scene.tenant, &["628111111"], MessageId::from_bytes(id), "x");
            submit.number = longest.clone();
            ops.push(submit.into());
        }
        scene.commit(ops).await;
        scenes.push(scene);
    }
    for scene in &scenes {
        let conversation = ops::conversation_of(scene.tenant, longest.as_str(), &["628111111"]);
        let page = scene
            .store
            .page_messages(scene.tenant, conversation, None, 9, DAY_ONE)
            .await
            .unwrap();
        let ids: Vec<[u8; 16]> = page.items.iter().map(|message| *message.id.as_bytes()).collect();
        assert_eq!(ids, [[0xff; 16], [0; 16]]);
        let rows = scene
            .store
            .outbox(scene.tenant, longest.clone(), None, 9)
            .await
            .unwrap();
        assert_eq!(rows.len(), 2);
        let newest = MessageId::from_bytes([0xff; 16]);
        let rest = scene
            .store
            .outbox(scene.tenant, longest.clone(), Some(newest), 9)
            .await
            .unwrap();
        assert!(rest.is_empty());
        assert_eq!(
            scene
                .contents()
                .await
                .iter()
                .filter(|(key, _)| Family::Message.names(key))
                .count(),
            2
        );
    }
    for n in [0, 0xff] {
        backend.store().journal_append(entry(n)).await.unwrap();
    }
    let last = JournalId::from_bytes([0xff; 16]);
    assert!(
        backend
            .store()
            .journal_open(Some(last), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(backend.store().journal_open(None, 9).await.unwrap().len(), 2);
}

pub(super) async fn times_before_1970_are_in_order_too(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut expected = Vec::new();
    for (tail, ms) in (0..).zip([-5_i64, -1, 0, 3]) {
        scene.now = Timestamp::from_millis(ms);
        let name = format!("6281000{tail:02}");
        expected.insert(0, scene.says(&[&name], tail, "x").await.conversation);
    }
    let filter = crate::store::ConversationFilter::default();
    let page = scene
        .store
        .page_conversations(scene.tenant, filter, None, 9)
        .await
        .unwrap();
    assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), expected);
}

pub(super) async fn ten_thousand_labels_are_refused_and_lose_none(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.hears(&["628111111"], "w", "x").await;
    let label = |add| OrganiseChange::Label {
        add,
        remove: Vec::new(),
    };
    scene
        .one(ops::organise(at.conversation, label(vec!["vip".to_owned()])))
        .await;
    let many = label((0..10_000).map(|n| format!("label{n:05}")).collect());
    let refused = scene.one(ops::organise(at.conversation, many)).await;
    assert_eq!(refused, OpOutcome::Refused(OpRefusal::TooManyLabels(50)));
    let row = scene
        .store
        .conversation(scene.tenant, at.conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.labels, ["vip"]);
    assert!(!mentions(&scene.contents().await, "label00001"));
}

pub(super) async fn what_was_never_there_is_none(backend: impl Backend) {
    let scene = Scene::of(&backend).await;
    let at = MessageRef {
        conversation: ops::conversation_of(scene.tenant, "1", &["628111111"]),
        message: ops::id(DAY_ONE, 1),
    };
    assert_eq!(scene.message(at).await, None);
    assert_eq!(scene.contact("628111111").await, None);
    let found = scene
        .store
        .find_outbound(scene.tenant, at.message, DAY_ONE)
        .await
        .unwrap();
    assert_eq!(found, None);
    let swept = scene
        .store
        .erase_contact(scene.tenant, ops::contact_of(scene.tenant, &["628111111"]))
        .await;
    assert_eq!(swept.unwrap().rows, 0);
}
