//! Giving space back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{OPTIONS, entry, stored};
use crate::domain::Retention;
use crate::store::Store;
use crate::store::conformance::ops;
use crate::store::conformance::scene::{DAY_ONE, Scene, TENANT};
use crate::store::fjall::FjallStore;
use crate::store::fjall::keys::Space;

#[tokio::test]
async fn a_sweep_leaves_no_row_and_no_entry_of_what_expired() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    for n in 0..40 {
        scene.later(Duration::from_secs(600));
        let receive = ops::receive(&["628111111"], &format!("w{n}"), scene.now, "x");
        scene.place_kept(3, receive).await;
    }
    assert_eq!(stored(&store, Space::Messages), 40);
    // In the middle of an hour: what is over goes, to the row.
    scene.now = DAY_ONE.after(Duration::from_secs(3 * 86_400 + 600 * 20));
    scene.sweep().await;
    assert_eq!(stored(&store, Space::Messages), 20);
    scene.now = DAY_ONE.after(Duration::from_secs(30 * 86_400));
    scene.sweep().await;
    for space in [Space::Messages, Space::Events, Space::Expiry] {
        assert_eq!(stored(&store, space), 0, "{space:?}");
    }
}

#[tokio::test]
async fn a_sweep_leaves_nothing_of_what_was_put_aside_a_month_ago() {
    let folder = tempfile::tempdir().unwrap();
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    let rows = stored(&store, Space::Rows);
    for n in 1..=9 {
        let item = crate::store::Quarantined {
            id: entry(n, 1).id,
            at: DAY_ONE,
            reason: "malformed".to_owned(),
            body: Bytes::from_static(b"{}"),
        };
        store.quarantine(item).await.unwrap();
    }
    let end = DAY_ONE.after(Retention::ASIDE);
    store
        .sweep(end.before(Duration::from_millis(1)), 99)
        .await
        .unwrap();
    assert_eq!(stored(&store, Space::Rows), rows + 9);
    assert!(store.sweep(end, 5).await.unwrap().more);
    store.sweep(end, 5).await.unwrap();
    assert_eq!(stored(&store, Space::Rows), rows);
}

fn compact(store: &FjallStore) {
    let space = store.engine.space(Space::Index);
    space.rotate_memtable().unwrap();
    let written = Instant::now() + Duration::from_secs(30);
    while space.sealed_memtable_count() > 0 {
        assert!(Instant::now() < written, "memory does not get to the disk");
        std::thread::yield_now();
    }
    space.major_compact().unwrap();
}

#[tokio::test]
async fn compaction_drops_nothing_because_a_commit_came_by_a_clock_a_year_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    scene.hears(&["628111111"], "w1", "x").await;
    scene.sweep().await;
    scene.later(Duration::from_secs(366 * 86_400));
    scene.hears(&["628222222"], "w2", "y").await;
    compact(&store);
    assert_eq!(stored(&store, Space::Index), 2);
}

#[tokio::test]
async fn compaction_drops_what_is_seen_once_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    for (n, days) in [(1, 1), (2, 1), (3, 400)] {
        let receive = ops::receive(&["628111111"], &format!("w{n}"), scene.now, "x");
        scene.place_kept(days, receive).await;
    }
    compact(&store);
    assert_eq!(stored(&store, Space::Index), 3);
    // Nine days: as long as Meta may repeat a webhook, and then some.
    scene.later(Retention::DEDUPE);
    scene.sweep().await;
    scene.later(Duration::from_secs(1));
    scene.hears(&["628222222"], "w4", "y").await;
    compact(&store);
    assert_eq!(stored(&store, Space::Index), 2);
}

#[tokio::test]
async fn a_ledger_read_from_its_beginning_does_not_walk_over_what_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    for n in 0..20 {
        scene.hears(&["628111111"], &format!("w{n}"), "x").await;
    }
    scene.later(Retention::EVENTS);
    scene.hears(&["628111111"], "new", "x").await;
    scene.sweep().await;
    assert_eq!(store.floors.of(TENANT).get(), 21);
    let page = store
        .events_after(TENANT, crate::domain::Seq::default(), 9, scene.now)
        .await
        .unwrap();
    assert_eq!((page.oldest.get(), page.events.len()), (21, 1));
}
