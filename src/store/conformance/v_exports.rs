//! V: what is exported is what every other call reads, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::Backend;
use super::contents::exported;
use super::j_erasure::fill;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::{Contact, Conversation, Event, Message, Seq};
use crate::store::row::outbound_key;
use crate::store::{ConversationFilter, MessageRef, OutboxRow, Record, RecordKind};

/// The names of whoever [`fill`] is about.
const NAMES: [&str; 4] = ["628111111", "ID.CANARY", "ID.ENT.CANARY", "628222222"];

pub(super) async fn what_is_exported_is_what_is_read(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    let before = scene.contents().await;
    reads_what_is_exported(&scene).await;
    drop(scene);
    let backend = backend.reopen();
    let scene = Scene::of(&backend).await;
    assert_eq!(scene.contents().await, before);
    reads_what_is_exported(&scene).await;
}

async fn reads_what_is_exported(scene: &Scene) {
    let list = scene
        .store
        .page_conversations(TENANT, ConversationFilter::default(), None, 99);
    let list = list.await.unwrap().items;
    conversations(scene, &list).await;
    messages(scene, &list).await;
    events(scene).await;
    outbox(scene).await;
    contacts(scene, &list).await;
    let head = records(scene, RecordKind::Head, |record| match record {
        Record::Head { epoch, head } => Some((epoch, head)),
        _ => None,
    });
    assert_eq!(head.await, [(scene.epoch, scene.head)]);
}

/// All rows of one kind.
async fn records<T>(scene: &Scene, kind: RecordKind, row: impl Fn(Record) -> Option<T>) -> Vec<T> {
    let all = exported(scene.store.as_ref(), TENANT, kind, scene.now).await;
    assert!(!all.is_empty(), "nothing of {kind:?}");
    all.into_iter().map(|record| row(record).unwrap()).collect()
}

async fn conversations(scene: &Scene, list: &[Conversation]) {
    let mut exported = records(scene, RecordKind::Conversation, |record| match record {
        Record::Conversation(row) => Some(*row),
        _ => None,
    })
    .await;
    for row in &exported {
        let read = scene.store.conversation(TENANT, row.id).await.unwrap();
        assert_eq!(read.as_ref(), Some(row));
    }
    let mut list = list.to_vec();
    list.sort_by_key(|row| row.id);
    exported.sort_by_key(|row| row.id);
    assert_eq!(exported, list);
}

async fn messages(scene: &Scene, list: &[Conversation]) {
    let mut exported = records(scene, RecordKind::Message, |record| match record {
        Record::Message { row, .. } => Some(*row),
        _ => None,
    })
    .await;
    let seen = records(scene, RecordKind::Seen, |record| match record {
        Record::Seen { key, at, .. } => Some((key, at)),
        _ => None,
    });
    let seen: BTreeMap<_, _> = seen.await.into_iter().collect();
    for row in &exported {
        let at = MessageRef {
            conversation: row.conversation_id,
            message: row.id,
        };
        assert_eq!(scene.message(at).await.as_ref(), Some(row));
        let lead = scene
            .store
            .find_outbound(TENANT, row.id, scene.now)
            .await
            .unwrap();
        assert_eq!(seen.get(&outbound_key(row.id)).copied().flatten(), lead);
        assert_eq!(lead, row.delivery.is_some().then_some(at));
    }
    let mut read = Vec::new();
    for row in list {
        let page = scene.store.page_messages(TENANT, row.id, None, 99, scene.now);
        read.extend(page.await.unwrap().items);
    }
    let by_place = |row: &Message| (row.conversation_id, row.id);
    read.sort_by_key(by_place);
    exported.sort_by_key(by_place);
    assert_eq!(exported, read);
}

async fn events(scene: &Scene) {
    let mut exported = records(scene, RecordKind::Event, |record| match record {
        Record::Event {
            seq,
            at,
            kind,
            conversation,
            json,
            ..
        } => Some(Event {
            seq,
            at,
            kind,
            conversation,
            json: String::from(Box::<str>::from(json)).into(),
        }),
        _ => None,
    })
    .await;
    exported.sort_by_key(|event| event.seq);
    let read = scene.store.events_after(TENANT, Seq::default(), 99, scene.now);
    assert_eq!(exported, read.await.unwrap().events);
}

async fn outbox(scene: &Scene) {
    let mut exported = records(scene, RecordKind::Outbox, |record| match record {
        Record::Outbox(row) => Some(*row),
        _ => None,
    })
    .await;
    let mut read = Vec::new();
    for number in ["1", "2"] {
        let rows = scene.store.outbox(TENANT, ops::number(number), None, 99);
        read.extend(rows.await.unwrap());
    }
    for row in &exported {
        let (number, message) = (row.number.clone(), row.at.message);
        let one = scene.store.outbox_row(TENANT, number, message).await.unwrap();
        assert_eq!(format!("{:?}", one.unwrap()), format!("{row:?}"));
        let elsewhere = scene.store.outbox_row(TENANT, ops::number("2"), message).await;
        assert!(elsewhere.unwrap().is_none());
    }
    let by_place = |row: &OutboxRow| (row.number.clone(), row.at.message);
    exported.sort_by_key(by_place);
    read.sort_by_key(by_place);
    assert_eq!(format!("{exported:?}"), format!("{read:?}"));
}

async fn contacts(scene: &Scene, list: &[Conversation]) {
    let exported: Vec<Contact> = records(scene, RecordKind::Contact, |record| match record {
        Record::Contact(row) => Some(*row),
        _ => None,
    })
    .await;
    for row in &exported {
        let read = scene.store.contact(TENANT, row.id).await.unwrap();
        assert_eq!(read.as_ref(), Some(row));
    }
    let aliases = records(scene, RecordKind::Alias, |record| match record {
        Record::Alias { key, contact } => Some((key, contact)),
        _ => None,
    });
    let aliases: BTreeMap<_, _> = aliases.await.into_iter().collect();
    for name in NAMES {
        let key = ops::names(&[name]).strongest_first().next().unwrap().key(TENANT);
        let mut at = aliases[&key];
        let end = scene.contact(name).await.unwrap();
        while at != end {
            let row = exported.iter().find(|row| row.id == at).unwrap();
            at = row.linked_to.unwrap();
        }
    }
    let known: BTreeSet<_> = exported.iter().map(|row| row.id).collect();
    let led_to: BTreeSet<_> = aliases
        .into_values()
        .chain(list.iter().map(|row| row.contact_id))
        .collect();
    assert_eq!(known, led_to);
}
