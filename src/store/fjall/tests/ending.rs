//! Ends in order: what they leave for the next start.

use std::fs;
use std::path::Path;

use super::damage::{all, content, lay_out, write};
use super::*;
use crate::domain::TenantId;
use crate::store::conformance::scene::Scene;

/// The logs, and their bytes.
fn logs(folder: &Path) -> Vec<(u64, u64)> {
    let logs = crate::store::fjall::check::logs(folder).unwrap().into_iter();
    logs.map(|(id, path)| (id, fs::metadata(path).unwrap().len()))
        .collect()
}

#[tokio::test]
async fn after_an_end_in_order_there_is_no_log_to_read_and_everything_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = None;
    for round in 0..3_u64 {
        let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
        if let Some(held) = held {
            assert!(content(&store).await == held, "round {round}");
        }
        let mut scene = Scene::take_over(store.clone(), TENANT).await;
        let before = scene.head;
        scene.hears(&["62811999"], &format!("hello {round}"), "x").await;
        assert_eq!(scene.head, before.next(), "numbers go on");
        drop(scene);
        write(&store, round * 100).await;
        held = Some(content(&store).await);
        store.close().await.unwrap();
        drop(store);
        assert_eq!(logs(folder.path()), [(round + 1, 0)]);
    }
}

#[tokio::test]
async fn what_is_written_after_the_store_was_closed_stays_in_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    write(&store, 1).await;
    store.close().await.unwrap();
    store.note_time(DAY_ONE).await.unwrap();
    let held = content(&store).await;
    drop(store);
    assert_eq!(logs(folder.path()).len(), 1);
    assert_ne!(logs(folder.path())[0].1, 0);
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    assert!(content(&store).await == held);
    assert_eq!(store.last_time().await.unwrap(), Some(DAY_ONE));
}

#[tokio::test]
async fn an_end_that_is_cut_off_among_its_logs_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    write(&store, 1).await;
    let held = content(&store).await;
    store.close().await.unwrap();
    let unended =
        ["0.jnl", "engine.watermark"].map(|name| (name, fs::read(folder.path().join(name)).unwrap()));
    drop(store);
    let mut files = all(folder.path());
    files.extend(unended.map(|(name, bytes)| (name.into(), bytes)));
    for is_removed in [false, true] {
        if is_removed {
            files.remove(Path::new("0.jnl")).unwrap();
        }
        let folder = lay_out(&files);
        let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
        assert!(content(&store).await == held, "removed: {is_removed}");
        write(&store, 100).await;
        let more = content(&store).await;
        drop(store);
        let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
        assert!(content(&store).await == more, "removed: {is_removed}");
    }
}

#[tokio::test]
async fn a_start_after_an_end_in_order_misses_what_a_backup_does_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    write(&store, 1).await;
    store.close().await.unwrap();
    drop(store);
    let backup = all(folder.path());
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    Scene::take_over(store.clone(), TenantId::new(9)).await;
    store.close().await.unwrap();
    drop(store);
    let watermark = fs::read(folder.path().join("engine.watermark")).unwrap();
    let folder = lay_out(&backup);
    fs::write(folder.path().join("engine.watermark"), watermark).unwrap();
    let error = FjallStore::open(folder.path(), OPTIONS).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Corrupt, "{error}");
}
