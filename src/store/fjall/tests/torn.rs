//! What is no damage: writes that were cut off, and folders of versions that count nothing.

use std::fs;
use std::path::Path;

use super::damage::{all, content, lay_out, newest_log, write};
use super::*;
use crate::store::conformance::scene::Scene;

/// The folder as a process that is killed now leaves it.
fn killed(folder: &Path) -> tempfile::TempDir {
    let mut files = all(folder);
    // Logs are made with room in them.
    for (name, bytes) in &mut files {
        if name.extension().is_some_and(|kind| kind == "jnl") {
            let written = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            bytes.truncate(written);
        }
    }
    lay_out(&files)
}

#[tokio::test]
async fn an_end_that_was_not_acknowledged_is_cut_without_a_word_whatever_stands_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    write(&store, 1).await;
    let held = content(&store).await;
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    let before = killed(folder.path());
    let written = fs::read(newest_log(before.path())).unwrap().len();
    scene.hears(&["62811999"], "cut off", &"x".repeat(3_000)).await;
    let after = fs::read(newest_log(killed(folder.path()).path())).unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    for case in 0..24 {
        let folder = killed(before.path());
        let log = newest_log(folder.path());
        // Each page of a write may have reached the disk, or not; or something else stands there.
        let mut torn = after.clone();
        match case % 3 {
            0 => torn.truncate(random.usize(written + 1..after.len())),
            1 => {
                let at = random.usize(written..after.len() - 1);
                let end = random.usize(at + 1..after.len());
                torn[at..end].fill(0);
            }
            _ => random.fill(&mut torn[written..]),
        }
        fs::write(&log, &torn).unwrap();
        let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
        let left = content(&store).await;
        assert_eq!(
            (left.events, left.webhooks),
            (held.events.clone(), held.webhooks.clone()),
            "case {case}"
        );
        drop(store);
        assert!(!folder.path().join("damaged").exists());
        FjallStore::open(folder.path(), OPTIONS).unwrap();
    }
}

#[tokio::test]
async fn a_folder_of_a_version_that_counts_nothing_opens_and_its_damage_shows() {
    let folder = tempfile::tempdir().unwrap();
    {
        let db = fjall::Database::builder(folder.path()).open().unwrap();
        let open = |space: Space| {
            db.keyspace(space.name(), fjall::KeyspaceCreateOptions::default)
                .unwrap()
        };
        let spaces = Space::ALL.map(open);
        for n in 1..=40_u64 {
            let mut head = vec![1];
            head.extend_from_slice(&i64::MAX.to_be_bytes());
            for number in [7, 1, n, u64::try_from(i64::MAX).unwrap()] {
                head.extend_from_slice(&number.to_be_bytes());
            }
            let mut batch = fjall::OwnedWriteBatch::with_capacity(db.clone(), 2)
                .durability(Some(fjall::PersistMode::SyncData));
            batch.insert(&spaces[3], keys::row(Kind::Head, TENANT, &[]), head);
            batch.insert(&spaces[1], n.to_be_bytes(), vec![b'x'; 300]);
            batch.commit().unwrap();
        }
    }
    let former = killed(folder.path());
    let store = FjallStore::open(former.path(), OPTIONS).unwrap();
    assert_eq!(stored(&store, Space::Messages), 40);
    drop(store);
    FjallStore::open(former.path(), OPTIONS).unwrap();
    let damaged = killed(folder.path());
    let log = newest_log(damaged.path());
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 700].fill(0xa5);
    fs::write(&log, bytes).unwrap();
    let error = FjallStore::open(damaged.path(), OPTIONS).err().unwrap();
    assert!(error.detail.contains("Missing: at least 1"), "{error}");
    let log = newest_log(damaged.path());
    fs::remove_file(log).unwrap();
    let error = FjallStore::open(damaged.path(), OPTIONS).err().unwrap();
    assert!(error.detail.contains("all other logs are missing"), "{error}");
}
