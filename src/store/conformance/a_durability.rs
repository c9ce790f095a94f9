//! A: what was acknowledged is there after a restart.

use std::time::Duration;

use bytes::Bytes;

use super::Backend;
use super::ops;
use super::scene::{DAY_ONE, Scene, TENANT};
use crate::domain::{Epoch, JournalId, Retention, SendRate, WabaId};
use crate::store::directory::{AccessToken, Scope};
use crate::store::{ApiKey, JournalEntry, KeyHash, Number, Quarantined, Store, Tenant};

pub(super) fn entry(n: u8) -> JournalEntry {
    JournalEntry {
        id: JournalId::from_bytes([n; 16]),
        received: DAY_ONE,
        body: Bytes::from(vec![n; 1_000]),
    }
}

async fn open_ids(store: &dyn Store) -> Vec<u8> {
    let open = store.journal_open(None, 100).await.unwrap();
    open.iter().map(|entry| entry.id.as_bytes()[0]).collect()
}

pub(super) async fn a_webhook_that_was_taken_is_still_there(backend: impl Backend) {
    backend.store().journal_append(entry(1)).await.unwrap();
    let backend = backend.reopen();
    assert_eq!(
        backend.store().journal_open(None, 10).await.unwrap(),
        vec![entry(1)]
    );
}

pub(super) async fn webhooks_wait_in_the_order_of_their_ids(backend: impl Backend) {
    for n in [3, 1, 2] {
        backend.store().journal_append(entry(n)).await.unwrap();
    }
    let backend = backend.reopen();
    let store = backend.store();
    assert_eq!(open_ids(&*store).await, [1, 2, 3]);
    let after = store.journal_open(Some(entry(1).id), 1).await.unwrap();
    assert_eq!(after, vec![entry(2)]);
}

pub(super) async fn a_webhook_that_is_done_waits_no_longer(backend: impl Backend) {
    for n in [1, 3, 4, 5] {
        backend.store().journal_append(entry(n)).await.unwrap();
    }
    backend
        .store()
        .journal_done(vec![entry(1).id, entry(4).id])
        .await
        .unwrap();
    assert_eq!(open_ids(&*backend.store()).await, [3, 5]);
    // One that comes late, with a smaller id than others that are done, waits all the same.
    backend.store().journal_append(entry(2)).await.unwrap();
    assert_eq!(open_ids(&*backend.store()).await, [2, 3, 5]);
    let backend = backend.reopen();
    assert_eq!(open_ids(&*backend.store()).await, [2, 3, 5]);
    let some = [5, 4, 3, 2, 9].map(|n| entry(n).id).to_vec();
    let read = backend.store().journal_read(some).await.unwrap();
    assert_eq!(
        read,
        [entry(2), entry(3), entry(5)],
        "those that are asked for and wait"
    );
    assert_eq!(backend.store().journal_read(Vec::new()).await.unwrap(), []);
}

pub(super) async fn a_committed_batch_is_there_with_all_its_rows(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.hears(&["628111111"], "w1", "hello").await;
    scene.later(std::time::Duration::from_secs(1));
    scene.says(&["628111111"], 1, "hi there").await;
    let before = scene.contents().await;
    let (head, epoch) = (scene.head, scene.epoch);
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    scene.later(std::time::Duration::from_secs(1));
    assert_eq!((scene.head, scene.epoch), (head, epoch));
    assert_eq!(scene.contents().await, before);
    assert_eq!(scene.texts(at).await, ["hi there", "hello"]);
    assert_eq!(scene.outbox().await.len(), 1);
}

pub(super) async fn a_granted_claim_is_not_granted_again(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = scene.says(&["628111111"], 1, "hi").await;
    assert!(scene.claims(at.message, 0).await);
    drop(scene);
    let backend = backend.reopen();
    let scene = Scene::of(&backend).await;
    assert!(!scene.claims(at.message, 0).await);
    assert!(!scene.claims(at.message, 1).await);
    assert_eq!(scene.outbox().await[0].attempt, 1);
}

pub(super) async fn fences_grow_across_restarts(backend: impl Backend) {
    let first = backend.store().lease(TENANT).await.unwrap();
    let second = backend.store().lease(TENANT).await.unwrap();
    let backend = backend.reopen();
    let third = backend.store().lease(TENANT).await.unwrap();
    assert!(first < second && second < third);
    // The ledger remembers who owned it last, too.
    backend
        .store()
        .open_tenant(TENANT, third, Epoch::new(1))
        .await
        .unwrap();
    let backend = backend.reopen();
    let stale = backend.store().open_tenant(TENANT, second, Epoch::new(1)).await;
    assert_eq!(stale.unwrap_err().kind, crate::store::StoreErrorKind::Fenced);
}

pub(super) async fn an_element_put_aside_is_kept_until_it_is_removed_or_a_month_is_over(
    backend: impl Backend,
) {
    let item = |n: u8| Quarantined {
        id: JournalId::from_bytes([n; 16]),
        at: DAY_ONE,
        reason: "unknown_number".to_owned(),
        body: Bytes::from_static(b"{}"),
    };
    for n in [2, 1, 3] {
        backend.store().quarantine(item(n)).await.unwrap();
    }
    // One whose time is over takes no place of a page.
    let over = Quarantined {
        at: DAY_ONE.before(Retention::ASIDE),
        ..item(0)
    };
    backend.store().quarantine(over).await.unwrap();
    let backend = backend.reopen();
    let store = backend.store();
    assert_eq!(
        store.quarantined(None, 2, DAY_ONE).await.unwrap(),
        vec![item(1), item(2)]
    );
    assert_eq!(
        store.quarantined(Some(item(1).id), 9, DAY_ONE).await.unwrap(),
        vec![item(2), item(3)]
    );
    store.quarantine_remove(item(2).id).await.unwrap();
    drop(store);
    let backend = backend.reopen();
    let store = backend.store();
    assert_eq!(
        store.quarantined(None, 9, DAY_ONE).await.unwrap(),
        vec![item(1), item(3)]
    );
    // A month later nobody can read it any more, swept or not.
    let end = DAY_ONE.after(Retention::ASIDE);
    let last = end.before(Duration::from_millis(1));
    store.sweep(last, 100).await.unwrap();
    assert_eq!(store.quarantined(None, 9, last).await.unwrap().len(), 2);
    assert!(store.quarantined(None, 9, end).await.unwrap().is_empty());
    store.sweep(end, 100).await.unwrap();
    assert!(store.quarantined(None, 9, end).await.unwrap().is_empty());
}

pub(super) async fn the_backlog_counts_what_is_not_done_and_knows_the_oldest(backend: impl Backend) {
    let store = backend.store();
    let none = crate::store::JournalBacklog::default();
    assert_eq!(store.journal_backlog().await.unwrap(), none);
    for n in 1..=3 {
        let received = DAY_ONE.after(Duration::from_secs(u64::from(n)));
        let entry = JournalEntry { received, ..entry(n) };
        store.journal_append(entry).await.unwrap();
    }
    store.journal_done(vec![entry(1).id]).await.unwrap();
    let backlog = store.journal_backlog().await.unwrap();
    let oldest = Some(DAY_ONE.after(Duration::from_secs(2)));
    assert_eq!((backlog.entries, backlog.oldest), (2, oldest));
}

pub(super) async fn the_directory_is_kept(backend: impl Backend) {
    let store = backend.store();
    let tenant = Tenant::new(TENANT, "Bakery", Retention::DEFAULT, DAY_ONE);
    let number = Number {
        id: ops::number("1"),
        tenant: TENANT,
        waba: WabaId::parse("w").unwrap(),
        display: "+1".to_owned(),
        rate: SendRate::STANDARD,
        app: None,
        access_token: AccessToken::new("secret"),
    };
    let mut key = ApiKey {
        hash: KeyHash::of("k"),
        id: "k1".to_owned(),
        tenant: TENANT,
        name: "shop".to_owned(),
        scopes: vec![Scope::Send],
        created: DAY_ONE,
        created_by: None,
        revoked: None,
        expires: None,
    };
    store.put_tenant(tenant.clone()).await.unwrap();
    store.put_number(number.clone()).await.unwrap();
    store.put_key(key.clone()).await.unwrap();
    key.revoked = Some(DAY_ONE);
    store.put_key(key.clone()).await.unwrap();
    drop(store);
    let backend = backend.reopen();
    let store = backend.store();
    assert_eq!(store.tenants().await.unwrap(), vec![tenant]);
    assert_eq!(store.numbers().await.unwrap(), vec![number]);
    assert_eq!(store.key(key.hash).await.unwrap(), Some(key.clone()));
    assert_eq!(store.keys(TENANT).await.unwrap(), vec![key]);
    assert_eq!(store.key(KeyHash::of("other")).await.unwrap(), None);
}
