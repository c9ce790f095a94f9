//! W: plain rows are replaced by who knows them, stand in order, end in time, and are copied.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;

use super::Backend;
use super::scene::DAY_ONE;
use crate::domain::{Author, TenantId, Timestamp};
use crate::store::plain::{LONGEST_VALUE, Partition, PlainKey, PlainTable, PlainValue};
use crate::store::tables::{CannedReply, Shortcut};
use crate::store::{Store, StoreError, StoreErrorKind};

const ONE: TenantId = TenantId::new(1);
/// Its key continues where the other's ends.
const OTHER: TenantId = TenantId::new(0x0100);

fn named(shortcut: &str) -> Shortcut {
    shortcut.parse().unwrap()
}

fn value(text: &str) -> PlainValue {
    PlainValue {
        body: Bytes::copy_from_slice(text.as_bytes()),
        expires: None,
    }
}

fn until(text: &str, expires: Timestamp) -> PlainValue {
    PlainValue {
        expires: Some(expires),
        ..value(text)
    }
}

async fn replace(
    store: &dyn Store,
    key: &PlainKey,
    before: Option<&str>,
    after: Option<PlainValue>,
    now: Timestamp,
) -> bool {
    let before = before.map(|text| Bytes::copy_from_slice(text.as_bytes()));
    store
        .replace_plain_row(key.clone(), before, after, now)
        .await
        .unwrap()
}

async fn texts(store: &dyn Store, of: Partition, now: Timestamp) -> Vec<(Vec<u8>, String)> {
    let page = store.plain_rows(of, None, 1_000, now).await.unwrap();
    let rows = page.items.into_iter();
    rows.map(|(sort, value)| (sort.to_vec(), String::from_utf8(value.body.to_vec()).unwrap()))
        .collect()
}

pub(super) async fn a_row_is_replaced_by_who_knows_it(backend: impl Backend) {
    let key = CannedReply::at(ONE, &named("hello"));
    {
        let store = backend.store();
        let store = store.as_ref();
        assert_eq!(store.plain_row(key.clone(), DAY_ONE).await.unwrap(), None);
        assert!(!replace(store, &key, Some("1"), Some(value("2")), DAY_ONE).await);
        assert!(replace(store, &key, None, Some(value("1")), DAY_ONE).await);
        assert!(!replace(store, &key, None, Some(value("2")), DAY_ONE).await);
        assert!(!replace(store, &key, Some("0"), None, DAY_ONE).await);
        assert!(replace(store, &key, Some("1"), Some(value("2")), DAY_ONE).await);
        // Again, as by a caller who did not hear of it.
        assert!(replace(store, &key, Some("1"), Some(value("2")), DAY_ONE).await);
    }
    let backend = backend.reopen();
    let store = backend.store();
    let store = store.as_ref();
    assert_eq!(
        store.plain_row(key.clone(), DAY_ONE).await.unwrap(),
        Some(value("2"))
    );
    assert!(replace(store, &key, Some("2"), None, DAY_ONE).await);
    assert!(replace(store, &key, Some("2"), None, DAY_ONE).await);
    assert_eq!(store.plain_row(key.clone(), DAY_ONE).await.unwrap(), None);
    assert!(replace(store, &key, None, Some(value("3")), DAY_ONE).await);
}

pub(super) async fn of_many_who_change_one_row_none_overwrites_another(backend: impl Backend) {
    let store = backend.store();
    let key = CannedReply::at(ONE, &named("counted"));
    let add = |n: usize| {
        let (store, key) = (store.clone(), key.clone());
        async move {
            loop {
                let table = PlainTable::<CannedReply>::of(store.as_ref(), DAY_ONE);
                let changed = table.change::<StoreError>(key.clone(), |before| {
                    let mut names = before.map_or_else(String::new, |reply| reply.text.clone());
                    names.push_str(&format!("{n} "));
                    Ok(Some(CannedReply {
                        shortcut: named("counted"),
                        text: names,
                        changed_at: DAY_ONE,
                        changed_by: Author::BusinessApp,
                    }))
                });
                match changed.await {
                    Ok(_) => return,
                    Err(error) => assert_eq!(error.kind, StoreErrorKind::Overloaded, "{error}"),
                }
            }
        }
    };
    futures_util::future::join_all((0..12).map(add)).await;
    let table = PlainTable::<CannedReply>::of(store.as_ref(), DAY_ONE);
    let names = table.get(&key).await.unwrap().unwrap().row.text;
    let all: BTreeSet<usize> = names.split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert_eq!((all.len(), names.split_whitespace().count()), (12, 12), "{names}");
}

pub(super) async fn rows_stand_in_order_and_no_partition_runs_into_another(backend: impl Backend) {
    let store = backend.store();
    let store = store.as_ref();
    let long = Partition {
        part: Bytes::from(vec![b'p'; 255]),
        ..CannedReply::of(ONE)
    };
    let prefix = Partition {
        part: Bytes::from_static(b"\0\0\0\0\0\0\0"),
        ..CannedReply::of(ONE)
    };
    let empty = Partition {
        part: Bytes::new(),
        ..CannedReply::of(ONE)
    };
    let partitions = [CannedReply::of(ONE), CannedReply::of(OTHER), long, prefix, empty];
    let sorts: [&[u8]; 6] = [b"", b"\0", b"a", b"a\0", b"b", &[0xff; 255]];
    for (n, of) in partitions.iter().enumerate() {
        for sort in sorts.iter().rev() {
            let key = of.clone().row(sort);
            assert!(replace(store, &key, None, Some(value(&n.to_string())), DAY_ONE).await);
        }
    }
    for (n, of) in partitions.iter().enumerate() {
        let expected: Vec<_> = sorts.iter().map(|sort| (sort.to_vec(), n.to_string())).collect();
        assert_eq!(texts(store, of.clone(), DAY_ONE).await, expected);
        let after = Some(Bytes::from_static(b"a"));
        let page = store.plain_rows(of.clone(), after, 2, DAY_ONE).await.unwrap();
        let keys: Vec<_> = page.items.iter().map(|(sort, _)| sort.to_vec()).collect();
        assert_eq!((keys, page.more), (vec![b"a\0".to_vec(), b"b".to_vec()], true));
        let after = Some(Bytes::from_static(b"b"));
        let page = store.plain_rows(of.clone(), after, 2, DAY_ONE).await.unwrap();
        assert_eq!((page.items.len(), page.more), (1, false));
    }
    let mut exported = BTreeSet::new();
    let mut mark = None;
    loop {
        let page = store.export_plain(mark, 4, DAY_ONE).await.unwrap();
        for record in page.records {
            assert!(exported.insert(record.key), "one came twice");
        }
        match page.next {
            Some(next) => mark = Some(next),
            None => break,
        }
    }
    assert_eq!(exported.len(), partitions.len() * sorts.len());
}

pub(super) async fn a_row_is_there_until_its_last_millisecond_and_may_be_added_again_then(
    backend: impl Backend,
) {
    let store = backend.store();
    let store = store.as_ref();
    // Not sooner than the test is through, by the server's own clock.
    let key = CannedReply::at(ONE, &named("short"));
    let end = DAY_ONE.after(Duration::from_secs(3_600));
    let last = Timestamp::from_millis(end.as_millis() - 1);
    assert!(replace(store, &key, None, Some(until("1", end)), DAY_ONE).await);
    assert_eq!(
        store.plain_row(key.clone(), last).await.unwrap(),
        Some(until("1", end))
    );
    assert_eq!(texts(store, CannedReply::of(ONE), last).await.len(), 1);
    assert_eq!(store.plain_row(key.clone(), end).await.unwrap(), None);
    assert_eq!(texts(store, CannedReply::of(ONE), end).await, []);
    assert!(store.export_plain(None, 9, end).await.unwrap().records.is_empty());
    assert!(replace(store, &key, None, Some(value("3")), end).await);
    let later = end.after(Duration::from_secs(86_400));
    assert_eq!(
        store.plain_row(key.clone(), later).await.unwrap(),
        Some(value("3"))
    );
}

pub(super) async fn what_is_too_long_is_refused_and_the_longest_comes_back_whole(backend: impl Backend) {
    let store = backend.store();
    let long = |length| PlainValue {
        body: Bytes::from(vec![b'x'; length]),
        expires: None,
    };
    let key = CannedReply::of(ONE).row(&[b'k'; 255]);
    let written = store.replace_plain_row(key.clone(), None, Some(long(LONGEST_VALUE)), DAY_ONE);
    assert!(written.await.unwrap());
    let found = store.plain_row(key.clone(), DAY_ONE).await.unwrap();
    assert_eq!(found, Some(long(LONGEST_VALUE)));
    let longer = CannedReply::of(ONE).row(&[b'k'; 256]);
    for (key, value) in [(key, long(LONGEST_VALUE + 1)), (longer, long(1))] {
        let refused = store.replace_plain_row(key, None, Some(value), DAY_ONE).await;
        assert_eq!(refused.unwrap_err().kind, StoreErrorKind::Invalid);
    }
    // A page is bounded in bytes, too.
    for n in 0..20 {
        let key = CannedReply::of(OTHER).row(&[n]);
        let written = store.replace_plain_row(key, None, Some(long(LONGEST_VALUE)), DAY_ONE);
        assert!(written.await.unwrap());
    }
    let page = store
        .plain_rows(CannedReply::of(OTHER), None, 100, DAY_ONE)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.more), (16, true));
}

pub(super) async fn a_sweep_removes_rows_whose_time_is_over_and_no_others(backend: impl Backend) {
    let store = backend.store();
    let store = store.as_ref();
    let end = DAY_ONE.after(Duration::from_secs(60));
    let (gone, prolonged, stays) = (
        CannedReply::at(ONE, &named("gone")),
        CannedReply::at(ONE, &named("prolonged")),
        CannedReply::at(ONE, &named("stays")),
    );
    let late = end.after(Duration::from_secs(86_400));
    assert!(replace(store, &gone, None, Some(until("1", end)), DAY_ONE).await);
    assert!(replace(store, &prolonged, None, Some(until("1", end)), DAY_ONE).await);
    assert!(replace(store, &prolonged, Some("1"), Some(until("2", late)), DAY_ONE).await);
    assert!(replace(store, &stays, None, Some(value("1")), DAY_ONE).await);
    assert_eq!(store.sweep(DAY_ONE, 100).await.unwrap().rows, 0);
    assert_eq!(store.sweep(end, 100).await.unwrap().rows, 1);
    // A read of the past shows what is left.
    assert_eq!(texts(store, CannedReply::of(ONE), DAY_ONE).await.len(), 2);
    assert_eq!(store.sweep(late, 100).await.unwrap().rows, 1);
    assert_eq!(texts(store, CannedReply::of(ONE), DAY_ONE).await.len(), 1);
    assert_eq!(store.sweep(late, 100).await.unwrap().rows, 0);
}
