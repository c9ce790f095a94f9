//! Whatever somebody does to the rows of a chain, the first place of it is named.

use bytes::Bytes;

use super::*;
use crate::store::PlainKey;
use crate::store::fjall::{Absent, FjallOptions, FjallStore, Loss};

/// A log of two months: five entries and one that closes November, then three.
async fn written(store: &Arc<impl Store + 'static>) -> (AuditLog, TestClock) {
    let clock = TestClock::at(EVENING);
    let log = log(store, &clock, 1);
    for _ in 0..5 {
        log.record(TENANT, by(1, AuditAction::RoleChanged)).await.unwrap();
    }
    clock.advance(DAY);
    for _ in 0..3 {
        log.record(TENANT, by(1, AuditAction::RoleChanged)).await.unwrap();
    }
    for (month, entries) in [("2026-11", 6), ("2026-12", 3)] {
        let found = verdict(&log, super::month(month)).await;
        assert_eq!((found.entries, found.broken), (entries, None), "{month}");
    }
    (log, clock)
}

fn key(month: &str, seq: u64) -> PlainKey {
    let month = super::month(month);
    AuditEntry::at(TENANT, EntryPlace { month, seq })
}

async fn stored(store: &dyn Store, key: &PlainKey) -> PlainValue {
    store.plain_row(key.clone(), EVENING).await.unwrap().unwrap()
}

/// What somebody with the store in hand does.
async fn write(store: &dyn Store, key: PlainKey, after: Option<PlainValue>) {
    let before = store.plain_row(key.clone(), EVENING).await.unwrap();
    let before = before.map(|value| value.body);
    assert!(
        store
            .replace_plain_row(key, before, after, EVENING)
            .await
            .unwrap()
    );
}

fn with(value: &PlainValue, this: &str, other: &str) -> PlainValue {
    let text = String::from_utf8(value.body.to_vec()).unwrap();
    assert!(text.contains(this), "{text}");
    PlainValue {
        body: Bytes::from(text.replacen(this, other, 1)),
        ..value.clone()
    }
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Change(&'static str, u64),
    Remove(&'static str, u64),
    Garble(&'static str, u64),
    Prolong(&'static str, u64),
    Append(&'static str, u64),
    Swap(&'static str, u64, u64),
    RemoveHead,
    GarbleHead,
    Begin(&'static str),
}

async fn done(store: &dyn Store, deed: Deed) {
    match deed {
        Deed::Change(month, seq) => {
            let key = key(month, seq);
            let changed = with(&stored(store, &key).await, "192.0.2.7", "192.0.2.8");
            write(store, key, Some(changed)).await;
        }
        Deed::Remove(month, seq) => write(store, key(month, seq), None).await,
        Deed::Garble(month, seq) => {
            let key = key(month, seq);
            let value = stored(store, &key).await;
            let body = Bytes::from_static(b"{}");
            write(store, key, Some(PlainValue { body, ..value })).await;
        }
        Deed::Prolong(month, seq) => {
            let key = key(month, seq);
            let value = stored(store, &key).await;
            let expires = value.expires.map(|expires| expires.before(DAY));
            write(store, key.clone(), None).await;
            write(store, key, Some(PlainValue { expires, ..value })).await;
        }
        Deed::Append(month, seq) => {
            let before = stored(store, &key(month, seq - 1)).await;
            let body = serde_json::from_slice::<AuditEntry>(&before.body).unwrap();
            let link = ChainLink {
                prev: EntryHash::of(&before.body),
                next: None,
                ..body.link
            };
            let body = serde_json::to_vec(&AuditEntry { link, ..body }).unwrap().into();
            write(store, key(month, seq), Some(PlainValue { body, ..before })).await;
        }
        Deed::Swap(month, one, other) => {
            let (one, other) = (key(month, one), key(month, other));
            let (first, second) = (stored(store, &one).await, stored(store, &other).await);
            write(store, one, Some(second)).await;
            write(store, other, Some(first)).await;
        }
        Deed::RemoveHead => write(store, AuditHead::at(TENANT), None).await,
        Deed::GarbleHead => {
            let value = stored(store, &AuditHead::at(TENANT)).await;
            let body = Bytes::from_static(b"{}");
            write(store, AuditHead::at(TENANT), Some(PlainValue { body, ..value })).await;
        }
        Deed::Begin(month) => {
            let key = key(month, 1);
            let value = stored(store, &key).await;
            let entry = serde_json::from_slice::<AuditEntry>(&value.body).unwrap();
            let link = ChainLink {
                prev: EntryHash::beginning(TENANT),
                before: None,
                ..entry.link
            };
            let body = serde_json::to_vec(&AuditEntry { link, ..entry }).unwrap().into();
            write(store, key, Some(PlainValue { body, ..value })).await;
        }
    }
}

#[tokio::test]
async fn the_first_place_that_is_not_as_it_was_written_is_named() {
    use Deed::{Append, Begin, Change, Garble, Prolong, Remove, RemoveHead, Swap};
    for (deed, month, place) in [
        (Change("2026-11", 1), "2026-11", 1),
        (Change("2026-11", 3), "2026-11", 3),
        // The last entry of all, by the head; the last of a month, by the first of the next.
        (Change("2026-12", 3), "2026-12", 3),
        (Remove("2026-11", 1), "2026-11", 1),
        (Remove("2026-11", 4), "2026-11", 4),
        (Remove("2026-11", 6), "2026-11", 6),
        (Remove("2026-11", 6), "2026-12", 1),
        (Remove("2026-12", 3), "2026-12", 3),
        (Garble("2026-11", 2), "2026-11", 2),
        (Prolong("2026-11", 2), "2026-11", 2),
        (Append("2026-11", 7), "2026-11", 7),
        (Swap("2026-11", 2, 3), "2026-11", 1),
        (RemoveHead, "2026-12", 4),
        (Begin("2026-12"), "2026-12", 1),
    ] {
        let store = Arc::new(MemoryStore::new());
        let (log, _) = written(&store).await;
        done(store.as_ref(), deed).await;
        let found = verdict(&log, super::month(month)).await;
        let (seq, why) = found
            .broken
            .unwrap_or_else(|| panic!("{deed:?} in {month}: nothing was found"));
        assert_eq!(seq, place, "{deed:?} in {month}: {why}");
    }
}

#[tokio::test]
async fn a_closed_month_alone_is_missed_and_so_is_its_end_by_either_witness() {
    for (removed, with_row, place) in [
        (1..=6, true, 1),
        (1..=6, false, 1),
        (5..=6, true, 5),
        (5..=6, false, 5),
    ] {
        let store = Arc::new(MemoryStore::new());
        let (log, _) = written(&store).await;
        for seq in removed.clone() {
            write(store.as_ref(), key("2026-11", seq), None).await;
        }
        let row = AuditMonth::at(TENANT, super::month("2026-11"));
        if with_row {
            // The next month's first entry is away: the month's own row tells.
            write(store.as_ref(), key("2026-12", 1), None).await;
        } else {
            write(store.as_ref(), row, None).await;
        }
        let found = verdict(&log, super::month("2026-11")).await;
        assert_eq!(
            found.broken.map(|(seq, _)| seq),
            Some(place),
            "{removed:?} {with_row}"
        );
    }
}

#[tokio::test]
async fn a_month_that_was_written_anew_with_its_row_is_told_by_the_next_one() {
    let store = Arc::new(MemoryStore::new());
    let (log, _) = written(&store).await;
    let last = key("2026-11", 6);
    let changed = with(
        &stored(store.as_ref(), &last).await,
        "nobody",
        "operator\",\"id\":\"x",
    );
    let row = AuditMonth::at(TENANT, super::month("2026-11"));
    let before = stored(store.as_ref(), &row).await;
    let end = serde_json::from_slice::<AuditMonth>(&before.body).unwrap();
    let hash = EntryHash::of(&changed.body);
    let body = serde_json::to_vec(&AuditMonth { hash, ..end }).unwrap().into();
    write(store.as_ref(), row, Some(PlainValue { body, ..before })).await;
    write(store.as_ref(), last, Some(changed)).await;
    let found = verdict(&log, super::month("2026-11")).await;
    assert_eq!(found.broken.map(|(seq, _)| seq), Some(6));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_keeps_nobody_from_the_others() {
    let store = Arc::new(MemoryStore::new());
    let (log, _) = written(&store).await;
    let (november, third) = (super::month("2026-11"), key("2026-11", 3));
    // Of a later version: it is chained as the others are, here behind what is to be told of it.
    let later = with(&stored(store.as_ref(), &third).await, "\"user\"", "\"robot\"");
    write(store.as_ref(), third, Some(later)).await;
    done(store.as_ref(), Deed::Garble("2026-11", 5)).await;
    let filter = AuditFilter::default();
    let newest = log.newest(TENANT, november, None, &filter, 10).await.unwrap();
    let ordered = log.in_order(TENANT, november, 0, 10).await.unwrap();
    let unreadable = |page: &AuditPage| -> Vec<u64> {
        let entries = page.entries.iter();
        entries
            .filter(|one| one.entry.is_none())
            .map(|one| one.seq)
            .collect()
    };
    assert_eq!((newest.entries.len(), unreadable(&newest)), (6, vec![5, 3]));
    assert_eq!((ordered.entries.len(), unreadable(&ordered)), (6, vec![3, 5]));
    let filter = AuditFilter {
        action: Some(AuditAction::RoleChanged),
        ..filter
    };
    let some = log.newest(TENANT, november, None, &filter, 10).await.unwrap();
    assert_eq!(some.entries.len(), 3);
    assert!(verdict(&log, november).await.broken.is_some());
    done(store.as_ref(), Deed::GarbleHead).await;
    assert!(verdict(&log, super::month("2026-12")).await.broken.is_some());
}

#[tokio::test]
async fn a_month_that_was_taken_away_is_missed_by_the_next_one() {
    let store = Arc::new(MemoryStore::new());
    let (log, _) = written(&store).await;
    for seq in 1..=6 {
        write(store.as_ref(), key("2026-11", seq), None).await;
    }
    let found = verdict(&log, super::month("2026-12")).await;
    assert_eq!(found.broken.unwrap().0, 1);
    // And the last one by the head.
    for seq in 1..=3 {
        write(store.as_ref(), key("2026-12", seq), None).await;
    }
    let found = verdict(&log, super::month("2026-12")).await;
    assert_eq!(found.broken.unwrap().0, 1);
}

#[tokio::test]
async fn a_row_that_was_changed_in_a_folder_on_disk_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let options = FjallOptions {
            cache_bytes: 8 << 20,
            journal_bytes: 64 << 20,
            absent: Absent::IsMade,
            loss: Loss::IsRefused,
        };
        Arc::new(FjallStore::open(folder.path(), options).unwrap())
    };
    let store = open();
    let clock = {
        let (log, clock) = written(&store).await;
        drop(log);
        clock
    };
    drop(store);
    let store = open();
    {
        let log = log(&store, &clock, 2);
        assert_eq!(verdict(&log, super::month("2026-11")).await.broken, None);
        done(store.as_ref(), Deed::Change("2026-11", 4)).await;
    }
    drop(store);
    let store = open();
    let log = log(&store, &clock, 3);
    let found = verdict(&log, super::month("2026-11")).await;
    assert_eq!((found.entries, found.broken.unwrap().0), (4, 4));
    // The log goes on all the same.
    let place = log.record(TENANT, by(1, AuditAction::KeyCreated)).await.unwrap();
    assert_eq!(place.seq, 4);
    assert_eq!(verdict(&log, super::month("2026-12")).await.broken, None);
}
