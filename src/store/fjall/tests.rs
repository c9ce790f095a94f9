//! What only the embedded store does: gathering writes, refusing them in time, and giving space back.

mod damage;
mod ending;
mod format;
mod gaps;
mod guarding;
mod space;
mod torn;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use super::keys::{self, Kind, Space};
use super::scan::Moment;
use super::writer::Need;
use super::{FjallOptions, FjallStore};
use crate::domain::{JournalId, Timestamp};
use crate::store::conformance::ops;
use crate::store::conformance::scene::{DAY_ONE, TENANT};
use crate::store::{JournalEntry, Store, StoreError, StoreErrorKind};

const OPTIONS: FjallOptions = FjallOptions {
    cache_bytes: 8 << 20,
    journal_bytes: 64 << 20,
    absent: crate::store::fjall::Absent::IsMade,
    loss: crate::store::fjall::Loss::IsRefused,
};

fn entry(n: u128, size: usize) -> JournalEntry {
    JournalEntry {
        id: JournalId::from_bytes(n.to_be_bytes()),
        received: DAY_ONE,
        body: Bytes::from(vec![1; size]),
    }
}

/// Rows of a keyspace, expired or not.
fn stored(store: &FjallStore, space: Space) -> usize {
    let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let pairs = Moment::of(&store.engine).range(space, all);
    let own = [super::tally::Tally::key(), super::terms::made_key()];
    let counted = |key: &[u8]| space == Space::Rows && own.iter().any(|own| own.as_ref() == key);
    pairs.filter(|pair| !counted(&pair.as_ref().unwrap().key)).count()
}

/// Holds the writer's thread until told to go on.
struct Hold {
    go: Arc<AtomicBool>,
    began: Arc<AtomicBool>,
}

impl Hold {
    fn of(store: &Arc<FjallStore>) -> (Self, tokio::task::JoinHandle<Result<(), StoreError>>) {
        let go = Arc::new(AtomicBool::new(false));
        let began = Arc::new(AtomicBool::new(false));
        let (seen, begins) = (Arc::clone(&go), Arc::clone(&began));
        let store = Arc::clone(store);
        let held = tokio::spawn(async move {
            let wait = move |_: &mut super::txn::Txn| {
                begins.store(true, Ordering::Release);
                while !seen.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
                Ok(())
            };
            store.writer.write(Need::Durable, 1, wait).await
        });
        (Self { go, began }, held)
    }

    /// Waits until the writer is held.
    async fn holds(&self) {
        while !self.began.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
    }

    fn release(self) {
        drop(self);
    }
}

impl Drop for Hold {
    /// However the test ends, the writer goes on.
    fn drop(&mut self) {
        self.go.store(true, Ordering::Release);
    }
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_refuses_writes_and_lets_room_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    store.journal_append(entry(1, 10)).await.unwrap();
    drop(store);
    let store = FjallStore::open_with_reserve(folder.path(), OPTIONS, u64::MAX).unwrap();
    let refused = store.journal_append(entry(2, 10)).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Full);
    assert!(refused.retry_after.is_some());
    assert_eq!(store.health().await.unwrap_err().kind, StoreErrorKind::Full);
    assert_eq!(store.journal_open(None, 9).await.unwrap(), vec![entry(1, 10)]);
    // What a start notes.
    store.note_time(DAY_ONE).await.unwrap();
    let contact = ops::contact_of(TENANT, &["628111111"]);
    store.erase_contact(TENANT, contact).await.unwrap();
    store.sweep(DAY_ONE, 10).await.unwrap();
    drop(store);
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    assert_eq!(store.journal_open(None, 9).await.unwrap(), vec![entry(1, 10)]);
    store.health().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_waiting_is_refused_after_a_second_and_nothing_that_waits_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let (hold, held) = Hold::of(&store);
    hold.holds().await;
    // Seven of a little over a mebibyte fit into what may wait; the rest do not.
    let writes = (0..12).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.writer.write(Need::Durable, 1_100_000, |_| Ok(())).await })
    });
    let writes: Vec<_> = writes.collect();
    while store.writer.queue.room_left() >= 1_100_000 {
        tokio::task::yield_now().await;
    }
    let refused = store
        .writer
        .write(Need::Durable, 8 << 20, |_| Ok(()))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Overloaded);
    assert!(refused.retry_after.is_some());
    hold.release();
    held.await.unwrap().unwrap();
    let mut taken = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(()) => taken += 1,
            Err(error) => assert_eq!(error.kind, StoreErrorKind::Overloaded),
        }
    }
    // Those that had no room yet either waited in vain or got that of the first.
    assert!(taken >= 7, "{taken} were taken");
    store.writer.write(Need::Durable, 1, |_| Ok(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_together_is_written_in_order_and_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let (hold, held) = Hold::of(&store);
    let writes = (0..100).map(|n| store.lease(crate::domain::TenantId::new(n / 50)));
    let (leases, ()) = futures_util::future::join(join_all(writes), async {
        tokio::task::yield_now().await;
        hold.release();
    })
    .await;
    held.await.unwrap().unwrap();
    let fences: Vec<u64> = leases.into_iter().map(|fence| fence.unwrap().get()).collect();
    let expected: Vec<u64> = (1..=50).chain(1..=50).collect();
    assert_eq!(fences, expected);
}

#[tokio::test]
async fn a_write_that_panics_takes_nothing_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    let broken = store.writer.write::<()>(Need::Durable, 1, |txn| {
        txn.put(
            Space::Rows,
            keys::global(Kind::Tenant, b"x"),
            fjall::Slice::from(&b"half"[..]),
        );
        panic!("for the test")
    });
    assert_eq!(broken.await.unwrap_err().kind, StoreErrorKind::Corrupt);
    assert!(store.tenants().await.unwrap().is_empty());
    store.journal_append(entry(1, 10)).await.unwrap();
    store.health().await.unwrap();
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_written_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    let put = |name: &'static [u8]| {
        let key = keys::global(Kind::Tenant, name);
        store.writer.write(Need::Durable, 1, move |txn| {
            txn.put(Space::Rows, key, fjall::Slice::from(name));
            Ok(())
        })
    };
    put(b"kept").await.unwrap();
    let before = stored(&store, Space::Rows);
    let disk_fails = &store.writer.queue.condition.disk_fails;
    disk_fails.store(true, Ordering::Release);
    assert_eq!(put(b"failed").await.unwrap_err().kind, StoreErrorKind::Unknown);
    disk_fails.store(false, Ordering::Release);
    assert_eq!(put(b"later").await.unwrap_err().kind, StoreErrorKind::Unavailable);
    assert_eq!(
        store.health().await.unwrap_err().kind,
        StoreErrorKind::Unavailable
    );
    drop(store);
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    store.health().await.unwrap();
    assert_eq!(stored(&store, Space::Rows), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    store.writer.queue.farewell = Duration::from_millis(50);
    let go = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&go);
    let hangs = store.writer.write(Need::Durable, 1, move |_| {
        while !seen.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        Ok(())
    });
    assert!(futures_util::poll!(std::pin::pin!(hangs)).is_pending());
    let ended = tokio::task::spawn_blocking(move || drop(store));
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    go.store(true, Ordering::Release);
    ended.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_does_not_wait_for_other_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let (hold, held) = Hold::of(&store);
    hold.holds().await;
    store.journal_append(entry(1, 10)).await.unwrap();
    store.journal_done(vec![entry(1, 10).id]).await.unwrap();
    hold.release();
    held.await.unwrap().unwrap();
}

#[tokio::test]
async fn webhooks_that_an_earlier_version_took_are_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    drop(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let former = |waits: bool| {
        let db = fjall::Database::builder(folder.path()).open().unwrap();
        let journal = db
            .keyspace("journal", fjall::KeyspaceCreateOptions::default)
            .unwrap();
        if waits {
            journal.insert("id", "body").unwrap();
        } else {
            journal.remove("id").unwrap();
        }
        db.persist(fjall::PersistMode::SyncAll).unwrap();
    };
    former(true);
    let refused = FjallStore::open(folder.path(), OPTIONS).err().unwrap();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable);
    assert!(refused.detail.contains("earlier version"), "{}", refused.detail);
    former(false);
    FjallStore::open(folder.path(), OPTIONS).unwrap();
}

#[tokio::test]
async fn a_row_in_an_unknown_format_is_reported_and_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    let contact = ops::contact_of(TENANT, &["628111111"]);
    for value in [
        &b"\x02\0\0\0\0\0\0\0\0{}"[..],
        b"\x01\x7f",
        b"",
        b"\x01\x7f\xff\xff\xff\xff\xff\xff\xff\"628111111\"",
    ] {
        let key = keys::row(Kind::Contact, TENANT, contact.as_bytes());
        let value = fjall::Slice::from(value);
        let put = move |txn: &mut super::txn::Txn| {
            txn.put(Space::Rows, key, value);
            Ok(())
        };
        store.writer.write(Need::Durable, 1, put).await.unwrap();
        let refused = store.contact(TENANT, contact).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Corrupt);
        assert!(!refused.detail.contains("628111111"), "rows are personal data");
    }
}

#[test]
fn keys_sort_as_what_they_stand_for() {
    let at = |ms, id| crate::store::ConversationCursor {
        last_activity: Timestamp::from_millis(ms),
        conversation: crate::domain::ConversationId::from_bytes([id; 16]),
    };
    let open = crate::domain::ConversationStatus::Open;
    let newest_first = [
        at(i64::MAX, 1),
        at(5, 9),
        at(5, 3),
        at(0, 0),
        at(-1, 0),
        at(i64::MIN, 0),
    ];
    let places: Vec<_> = newest_first
        .iter()
        .map(|at| keys::listed(TENANT, open, *at))
        .collect();
    assert!(places.is_sorted());
    let prefix = keys::list(TENANT, open);
    let end = prefix.after_prefix().unwrap();
    assert!(places.iter().all(|place| prefix <= *place && *place < end));
}

#[tokio::test]
async fn a_new_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/data");
    let _store = FjallStore::open(&path, FjallOptions::default()).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
