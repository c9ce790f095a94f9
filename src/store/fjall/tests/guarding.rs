//! A folder that somebody lays hands on while it is open.

use super::super::{FjallStore, webhooks};
use crate::store::conformance::Embedded;
use crate::store::{Store, StoreErrorKind};

#[tokio::test]
async fn a_second_process_is_refused_although_somebody_removed_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let first = FjallStore::open(folder.path(), Embedded::OPTIONS).unwrap();
    std::fs::remove_file(folder.path().join("lock")).unwrap();
    let refused = FjallStore::open(folder.path(), Embedded::OPTIONS).err().unwrap();
    assert!(refused.detail.contains("another process"), "{}", refused.detail);
    drop(first);
    FjallStore::open(folder.path(), Embedded::OPTIONS).unwrap();
}

#[tokio::test]
async fn a_folder_or_a_file_that_is_removed_under_a_store_is_a_failed_store() {
    for removed in ["version", "webhooks", ""] {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data");
        let store = FjallStore::open(&folder, Embedded::OPTIONS).unwrap();
        store.health().await.unwrap();
        let path = if removed == "webhooks" {
            webhooks(&folder)
        } else {
            folder.join(removed)
        };
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
        let failed = store.health().await.unwrap_err();
        assert_eq!(failed.kind, StoreErrorKind::Unavailable);
        assert!(failed.detail.contains("removed"), "{}", failed.detail);
    }
}

#[tokio::test]
async fn a_folder_that_was_replaced_is_a_failed_store() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("data");
    let store = FjallStore::open(&folder, Embedded::OPTIONS).unwrap();
    std::fs::rename(&folder, home.path().join("before")).unwrap();
    drop(FjallStore::open(&folder, Embedded::OPTIONS).unwrap());
    assert!(store.health().await.is_err());
}
