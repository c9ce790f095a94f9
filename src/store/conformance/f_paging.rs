//! F: page by page, everything is seen once, while others write.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::{Scene, TENANT};
use crate::domain::{ConversationId, MessageId, Seq};
use crate::store::{ConversationCursor, ConversationFilter, PAGE_BYTES};

pub(super) async fn history_is_paged_newest_first_while_messages_come_in(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut place = None;
    for n in 0..23 {
        scene.later(Duration::from_secs(1));
        place = Some(
            scene
                .hears(&["628111111"], &format!("w{n}"), &n.to_string())
                .await,
        );
    }
    let conversation = place.unwrap().conversation;
    let mut seen = Vec::new();
    let mut before: Option<MessageId> = None;
    loop {
        let page = scene
            .store
            .page_messages(TENANT, conversation, before, 5, scene.now)
            .await
            .unwrap();
        assert_eq!(page.more, page.items.len() == 5);
        before = page.items.last().map(|message| message.id);
        seen.extend(page.items.iter().filter_map(|message| message.content.preview()));
        if !page.more {
            break;
        }
        scene.later(Duration::from_secs(1));
        let id = format!("late{}", seen.len());
        scene.hears(&["628111111"], &id, "newer").await;
    }
    let expected: Vec<String> = (0..23).rev().map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
}

pub(super) async fn a_page_that_ends_with_the_last_row_says_so(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut place = None;
    for n in 0..4 {
        scene.later(Duration::from_secs(1));
        place = Some(scene.hears(&["628111111"], &format!("w{n}"), "x").await);
    }
    let conversation = place.unwrap().conversation;
    for (limit, more) in [(3, true), (4, false), (5, false)] {
        let page = scene
            .store
            .page_messages(TENANT, conversation, None, limit, scene.now)
            .await
            .unwrap();
        assert_eq!((page.items.len(), page.more), (limit.min(4), more));
    }
    let nobody = ConversationId::from_bytes([9; 16]);
    let page = scene
        .store
        .page_messages(TENANT, nobody, None, 5, scene.now)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.more), (0, false));
}

pub(super) async fn events_are_read_on_from_a_position(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for n in 0..17 {
        scene.hears(&["628111111"], &format!("w{n}"), "x").await;
    }
    let mut seen = Vec::new();
    let mut after = Seq::default();
    loop {
        let page = scene
            .store
            .events_after(TENANT, after, 5, scene.now)
            .await
            .unwrap();
        assert_eq!(page.head, scene.head);
        let Some(last) = page.events.last() else { break };
        after = last.seq;
        seen.extend(page.events.iter().map(|event| event.seq.get()));
        if seen.len() < 20 {
            let id = format!("late{}", seen.len());
            scene.hears(&["628111111"], &id, "x").await;
        }
    }
    assert_eq!(seen, (1..=scene.head.get()).collect::<Vec<u64>>());
    // Beyond the head there is nothing, and that is no error.
    let page = scene
        .store
        .events_after(TENANT, Seq::new(1_000), 5, scene.now)
        .await
        .unwrap();
    assert!(page.events.is_empty());
    assert_eq!(page.oldest, Seq::new(1));
}

pub(super) async fn an_event_reads_as_it_was_committed(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let receive = ops::receive(&["628111111"], "w", scene.now, "x");
    let committed = scene.offer(vec![receive.into()]).await.unwrap().events;
    let page = scene
        .store
        .events_after(TENANT, Seq::default(), 9, scene.now)
        .await
        .unwrap();
    assert_eq!(page.events, committed);
    let json: serde_json::Value = serde_json::from_slice(&page.events[0].json).unwrap();
    assert_eq!(json["seq"], 1);
    assert_eq!(json["data"]["message"]["content"]["text"]["body"], "x");
}

pub(super) async fn a_page_has_a_bound_in_bytes_and_goes_on_behind_it(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let mut place = None;
    let longs = [10, 400_000, 400_000, 400_000, 1_200_000, 10, 10];
    for (n, long) in longs.into_iter().enumerate() {
        scene.later(Duration::from_secs(1));
        let text = "x".repeat(long);
        place = Some(scene.hears(&["628111111"], &format!("w{n}"), &text).await);
    }
    let mut after = Seq::default();
    let mut sizes = Vec::new();
    while after < scene.head {
        let page = scene
            .store
            .events_after(TENANT, after, 99, scene.now)
            .await
            .unwrap();
        let bytes: usize = page.events.iter().map(|event| event.json.len()).sum();
        assert!(bytes <= PAGE_BYTES || page.events.len() == 1, "{bytes} bytes");
        assert_eq!(page.events.first().unwrap().seq, after.next());
        after = page.events.last().unwrap().seq;
        sizes.push(page.events.len());
    }
    assert!(sizes.len() > 2, "{sizes:?}");
    let mut before = None;
    let mut found = Vec::new();
    loop {
        let page = scene
            .store
            .page_messages(TENANT, place.unwrap().conversation, before, 99, scene.now)
            .await
            .unwrap();
        before = page.items.last().map(|message| message.id);
        let bytes: Vec<_> = page.items.iter().map(|item| item.content.bytes()).collect();
        found.push(bytes.len());
        let all: usize = bytes.into_iter().sum();
        assert!(all <= PAGE_BYTES || page.items.len() == 1, "{all} bytes");
        if !page.more {
            break;
        }
    }
    assert_eq!(found, [2, 1, 2, 2]);
}

pub(super) async fn the_list_is_paged_without_a_hole_while_conversations_move(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for n in 0..30 {
        scene.later(Duration::from_secs(1));
        let name = format!("6281000{n:02}");
        scene.hears(&[&name], &format!("w{n}"), "x").await;
    }
    let mut seen: Vec<ConversationId> = Vec::new();
    let mut after: Option<ConversationCursor> = None;
    loop {
        let filter = ConversationFilter::default();
        let page = scene
            .store
            .page_conversations(TENANT, filter, after, 4)
            .await
            .unwrap();
        after = page.next;
        seen.extend(page.items.iter().map(|row| row.id));
        if after.is_none() {
            break;
        }
        // One that was shown already moves to the front: it is not shown again, and hides nobody.
        scene.later(Duration::from_secs(1));
        let id = format!("again{}", seen.len());
        scene.hears(&["628100029"], &id, "x").await;
    }
    let distinct: BTreeSet<ConversationId> = seen.iter().copied().collect();
    assert_eq!((seen.len(), distinct.len()), (30, 30));
}
