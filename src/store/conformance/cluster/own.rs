//! What a cluster alone does: it forgets by itself, and its schema is brought up to date by several at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Cluster, Keyspace, options, server};
use crate::domain::{
    Clock as _, ConversationStatus, DeliveryState, JournalId, Message, Retention, SendRate, SystemClock,
    TestClock, Timestamp, WabaId,
};
use crate::store::conformance::Backend as _;
use crate::store::conformance::contents::Family;
use crate::store::conformance::ops;
use crate::store::conformance::scene::{Scene, TENANT};
use crate::store::directory::AccessToken;
use crate::store::op::{OrganiseChange, ReportTarget};
use crate::store::row::outbound_key;
use crate::store::scylla::{ScyllaStore, schema};
use crate::store::{
    ApiKey, JournalEntry, KeyHash, Number, Op, ProcessState, Quarantined, RetentionJob, Store,
    StoreErrorKind, Tenant,
};

/// Before all that happens here: whoever asks for this time sees expired rows, as long as they stand there.
const LONG_AGO: Timestamp = Timestamp::from_millis(0);

/// Whether a row stands there, whatever its expiry.
async fn stands(
    scene: &Scene,
    at: crate::store::MessageRef,
) -> (Option<Message>, Option<crate::store::MessageRef>) {
    let store = &scene.store;
    (
        store.message(TENANT, at, LONG_AGO).await.unwrap(),
        store.find_outbound(TENANT, at.message, LONG_AGO).await.unwrap(),
    )
}

#[tokio::test]
async fn a_message_is_gone_from_the_cluster_with_its_statuses_when_its_time_is_over() {
    let backend = Cluster::open();
    let mut scene = Scene::of(&backend).await;
    scene.retention = Retention::days(1).unwrap();
    let submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 1), "canary");
    let at = scene.place(submit).await;
    assert!(scene.claims(at.message, 0).await);
    // Five seconds before its end it is read: the status must not outlive it, nor make it live longer.
    let end = scene.now.after(Duration::from_secs(86_400));
    scene.now = end.before(Duration::from_secs(5));
    let written = Instant::now();
    let told = ops::report(
        ReportTarget::Token(ops::token(TENANT, at, 1)),
        "m",
        DeliveryState::Read,
        scene.now,
    );
    scene.one(Op::Report(Box::new(told))).await;
    let change = OrganiseChange::Status(ConversationStatus::Pending);
    scene.one(ops::organise(at.conversation, change)).await;
    let (message, _) = stands(&scene, at).await;
    assert_eq!(message.unwrap().delivery.unwrap().state, DeliveryState::Read);
    assert_eq!(scene.texts(at).await, ["canary"]);
    // The cluster's own clock ends it.
    let gone = loop {
        let (message, _) = stands(&scene, at).await;
        if message.is_none() {
            break written.elapsed();
        }
        assert!(written.elapsed() < Duration::from_secs(20), "it never goes");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(gone >= Duration::from_secs(4), "gone after {gone:?} already");
    scene.now = LONG_AGO;
    assert!(scene.texts(at).await.is_empty());
    let row = scene
        .store
        .conversation(TENANT, at.conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.preview, None, "its beginning is gone with it");
    // What tells a repeated webhook apart lives for nine days, and leads nowhere.
    let contents = scene.contents().await;
    assert!(contents.iter().all(|(key, _)| !Family::Message.names(key)));
    let names: Vec<_> = contents
        .iter()
        .filter(|(key, _)| Family::Seen.names(key))
        .collect();
    let outbound = outbound_key(at.message);
    assert!(names.iter().any(|(key, _)| key[1..] == outbound.as_bytes()[..]));
}

#[tokio::test]
async fn a_retention_that_changed_moves_the_end_and_leaves_nothing_behind() {
    // The classes of retention have tables of their own: the row moves from one to the other.
    for (before, after) in [(30, 60), (60, 30), (300, 1_000), (1_000, 20)] {
        let backend = Cluster::open();
        let mut scene = Scene::of(&backend).await;
        let submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 1), "x");
        let at = scene.place_kept(before, submit).await;
        assert!(scene.claims(at.message, 0).await);
        let token = ops::token(TENANT, at, 1);
        let told = ops::report(ReportTarget::Token(token), "m", DeliveryState::Read, scene.now);
        scene.one_kept(after, Op::Report(Box::new(told))).await;
        let end = scene.now.after(Duration::from_secs(86_400 * u64::from(after)));
        for (now, there) in [(end.before(Duration::from_millis(1)), 1), (end, 0)] {
            scene.now = now;
            assert_eq!(usize::from(scene.message(at).await.is_some()), there);
            assert_eq!(scene.texts(at).await.len(), there, "{before} days became {after}");
        }
        // Before all ends: one row, and not two.
        scene.now = LONG_AGO;
        assert_eq!(scene.texts(at).await.len(), 1);
    }
}

#[tokio::test]
async fn the_record_of_a_commit_forgets_its_rows_when_a_tenant_is_idle() {
    let clock = TestClock::at(SystemClock::new().now());
    let backend = Cluster::by_clock(Keyspace::take(), Arc::new(clock.clone()));
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w", "canary").await;
    let holds = async || {
        let record = backend.store.last_commit(TENANT).await.unwrap();
        record.windows(6).any(|word| word == b"canary")
    };
    assert!(holds().await);
    scene.sweep().await;
    assert!(holds().await, "a tenant at work keeps it");
    clock.advance(Duration::from_secs(60));
    scene.sweep().await;
    assert!(!holds().await);
    scene.hears(&["628111111"], "w2", "goes on").await;
    let before = scene.contents().await;
    let again = Scene::of(&backend).await;
    assert_eq!(again.contents().await, before);
}

pub(super) fn another(keyspace: &str, seed: u64) -> Arc<dyn Store> {
    let mut options = options(keyspace);
    options.seed = seed;
    let clock = Arc::new(SystemClock::new());
    Arc::new(server::run(async move { ScyllaStore::open(&options, clock).await }).unwrap())
}

#[tokio::test]
async fn a_change_of_retention_goes_on_only_where_the_tenant_was_opened_last() {
    let backend = Cluster::open();
    let mut first = Scene::of(&backend).await;
    first.hears(&["628111111"], "w1", "x").await;
    let tenant = Tenant::new(TENANT, "Toko Maju", Retention::days(60).unwrap(), first.now);
    let job = RetentionJob::new(TENANT, ops::RETENTION, tenant.retention, first.now);
    first.store.begin_retention(tenant, job).await.unwrap();
    let rival = another(backend.keyspace.name(), 1);
    let mut second = Scene::take_over(Arc::clone(&rival), TENANT).await;
    let never_opened = another(backend.keyspace.name(), 2);
    for (n, store) in [&first.store, &first.store, &never_opened]
        .into_iter()
        .enumerate()
    {
        let refused = store.step_retention(TENANT, first.now, 9).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Fenced);
        second.hears(&["628111111"], &format!("on{n}"), "goes on").await;
    }
    let done = rival.step_retention(TENANT, first.now, 9).await;
    assert_eq!(done.unwrap().unwrap().messages, 4);
    let mut third = Scene::take_over(never_opened, TENANT).await;
    third.store.step_retention(TENANT, first.now, 9).await.unwrap();
    third.hears(&["628111111"], "w3", "takes it on").await;
}

#[tokio::test]
async fn who_regains_a_tenant_finds_out_again_which_partitions_there_are() {
    let backend = Cluster::open();
    let mut first = Scene::of(&backend).await;
    let at = first.hears(&["628111111"], "w1", "one").await;
    let mut second = Scene::take_over(another(backend.keyspace.name(), 1), TENANT).await;
    let tenant = Tenant::new(TENANT, "Toko Maju", Retention::days(30).unwrap(), second.now);
    let job = RetentionJob::new(TENANT, ops::RETENTION, tenant.retention, second.now);
    second.store.begin_retention(tenant, job).await.unwrap();
    while second
        .store
        .step_retention(TENANT, second.now, 9)
        .await
        .unwrap()
        .unwrap()
        .finished
        .is_none()
    {}
    // The first message moved, and its partition is gone with its place in the index.
    second.hears(&["628222222"], "w2", "elsewhere").await;
    let mut third = Scene::of(&backend).await;
    third.hears(&["628111111"], "w3", "two").await;
    assert_eq!(third.texts(at).await, ["two", "one"]);
}

fn webhook(minute: u64, n: u64) -> JournalEntry {
    let received = LONG_AGO.after(Duration::from_secs(60 * (1_000_000 + minute)));
    JournalEntry {
        id: JournalId::from_bytes(*ops::id(received, n).as_bytes()),
        received,
        body: bytes::Bytes::from_static(b"{}"),
    }
}

#[tokio::test]
async fn a_webhook_that_comes_late_to_a_minute_that_was_found_empty_is_not_cut_off() {
    let backend = Cluster::open();
    let store = backend.store();
    for entry in [webhook(0, 1), webhook(10, 2)] {
        store.journal_append(entry).await.unwrap();
    }
    store.journal_done(vec![webhook(0, 1).id]).await.unwrap();
    for (late, waiting) in [(webhook(0, 3), 1), (webhook(30, 4), 1)] {
        assert_eq!(store.journal_backlog().await.unwrap().entries, waiting);
        store.journal_append(late).await.unwrap();
    }
    let backlog = store.journal_backlog().await.unwrap();
    assert_eq!(
        (backlog.entries, backlog.oldest),
        (3, Some(webhook(0, 3).received))
    );
    assert_eq!(store.journal_open(None, 9).await.unwrap().len(), 3);
    let all = [webhook(0, 3), webhook(10, 2), webhook(30, 4)];
    let ids = all.iter().map(|entry| entry.id).collect();
    store.journal_done(ids).await.unwrap();
    assert_eq!(store.journal_backlog().await.unwrap().entries, 0);
}

#[tokio::test]
async fn a_webhook_is_found_although_another_gateway_found_its_minute_empty_and_cut_it_off() {
    let backend = Cluster::open();
    let options = options(backend.keyspace.name());
    let other = server::run(async move { ScyllaStore::open(&options, Arc::new(SystemClock::new())).await });
    let (store, other) = (backend.store(), other.unwrap());
    store.note_time(SystemClock::new().now()).await.unwrap();
    other.journal_append(webhook(0, 1)).await.unwrap();
    other.journal_done(vec![webhook(0, 1).id]).await.unwrap();
    // This one's clock is half an hour ahead of the other's.
    store.journal_append(webhook(30, 2)).await.unwrap();
    assert_eq!(store.journal_open(None, 9).await.unwrap().len(), 1);
    assert_eq!(store.journal_backlog().await.unwrap().entries, 1);
    other.journal_append(webhook(0, 3)).await.unwrap();
    let found = store.journal_open(None, 9).await.unwrap();
    let ids: Vec<JournalId> = found.into_iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [webhook(0, 3).id, webhook(30, 2).id]);
    assert_eq!(store.journal_backlog().await.unwrap().entries, 2);
}

#[tokio::test]
async fn a_key_is_revoked_although_its_row_was_stamped_by_a_clock_a_day_ahead() {
    let backend = Cluster::open();
    let store = backend.store();
    let mut key = ApiKey {
        hash: KeyHash([7; 32]),
        id: "k".to_owned(),
        tenant: TENANT,
        name: "shop".to_owned(),
        scopes: Vec::new(),
        created: LONG_AGO,
        expires: None,
        created_by: None,
        revoked: None,
    };
    store.put_key(key.clone()).await.unwrap();
    let body = crate::domain::ids::hex(&serde_json::to_vec(&key).unwrap());
    let ahead = (SystemClock::new().now().as_millis() + 86_400_000) * 1_000;
    let hash = crate::domain::ids::hex(&key.hash.0);
    let keyspace = backend.keyspace.name();
    let of = i64::from_ne_bytes(TENANT.get().to_ne_bytes());
    for place in [
        format!("api_key USING TIMESTAMP {ahead} SET tenant = {of}, body = 0x{body} WHERE hash = 0x{hash}"),
        format!(
            "api_key_of_tenant USING TIMESTAMP {ahead} SET body = 0x{body} WHERE tenant = {of} AND hash = 0x{hash}"
        ),
    ] {
        let cql = format!("UPDATE {keyspace}.{place}");
        backend.store.write_raw(cql).await.unwrap();
    }
    key.revoked = Some(LONG_AGO);
    store.put_key(key.clone()).await.unwrap();
    assert_eq!(store.key(key.hash).await.unwrap(), Some(key.clone()));
    assert_eq!(store.keys(TENANT).await.unwrap(), [key]);
}

#[tokio::test]
async fn whoever_shares_a_cluster_sees_that_a_number_was_added_or_changed() {
    let backend = Cluster::open();
    let store = backend.store();
    let mut versions = vec![store.numbers_version().await.unwrap()];
    for token in ["secret-1", "secret-2"] {
        let number = Number {
            id: ops::number("1"),
            tenant: TENANT,
            waba: WabaId::parse("2001").unwrap(),
            display: "+1".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new(token),
            app: None,
        };
        store.put_number(number.clone()).await.unwrap();
        let version = store.numbers_version().await.unwrap();
        assert!(!versions.contains(&version), "{version} again");
        versions.push(version);
        assert_eq!(store.numbers().await.unwrap(), [number]);
    }
}

#[tokio::test]
async fn small_rows_are_replaced_and_removed_although_a_clock_a_day_ahead_stamped_them() {
    let backend = Cluster::open();
    let store = backend.store();
    let mut tenant = Tenant::new(TENANT, "Toko Maju", Retention::days(60).unwrap(), LONG_AGO);
    let aside = Quarantined {
        id: webhook(0, 1).id,
        at: SystemClock::new().now(),
        reason: "malformed".to_owned(),
        body: bytes::Bytes::from_static(b"canary"),
    };
    let hex = |bytes: &[u8]| crate::domain::ids::hex(bytes);
    let of = i64::from_ne_bytes(TENANT.get().to_ne_bytes());
    let ahead = (SystemClock::new().now().as_millis() + 86_400_000) * 1_000;
    let tenant_body = hex(&serde_json::to_vec(&tenant).unwrap());
    let (id, at) = (hex(aside.id.as_bytes()), aside.at.as_millis());
    for row in [
        format!("tenant (tenant, body) VALUES ({of}, 0x{tenant_body})"),
        format!(
            "quarantine (shard, id, at, reason, body) VALUES (0, 0x{id}, {at}, 'malformed', 0x{})",
            hex(&aside.body)
        ),
    ] {
        let cql = format!(
            "INSERT INTO {}.{row} USING TIMESTAMP {ahead}",
            backend.keyspace.name()
        );
        backend.store.write_raw(cql).await.unwrap();
    }
    assert_eq!(
        store.quarantined(None, 9, aside.at).await.unwrap(),
        std::slice::from_ref(&aside)
    );
    store.quarantine_remove(aside.id).await.unwrap();
    assert_eq!(store.quarantined(None, 9, aside.at).await.unwrap(), []);
    tenant.name = "Toko Baru".into();
    store.put_tenant(tenant.clone()).await.unwrap();
    assert_eq!(store.tenant(TENANT).await.unwrap(), Some(tenant));
}

#[tokio::test]
async fn webhooks_that_come_together_are_all_kept_though_some_who_brought_them_leave() {
    let backend = Cluster::open();
    let store = backend.store();
    let mut under_way: Vec<_> = (0..200)
        .map(|n| store.journal_append(webhook(n % 2, 10 + n)))
        .collect();
    // Whoever came first writes for those who wait; some of these leave, and so does one who writes.
    for append in &mut under_way {
        assert!(futures_util::poll!(append.as_mut()).is_pending());
    }
    let mut nth = 0_u64..;
    under_way.retain(|_| nth.next().is_some_and(|n| n % 5 != 0));
    for answer in futures_util::future::join_all(under_way).await {
        answer.unwrap();
    }
    let kept = store.journal_open(None, 1_000).await.unwrap();
    let ids: std::collections::BTreeSet<JournalId> = kept.iter().map(|entry| entry.id).collect();
    for n in (0..200).filter(|n| n % 5 != 0) {
        assert!(
            ids.contains(&webhook(n % 2, 10 + n).id),
            "the {n}th was told that it is kept"
        );
    }
    assert!(kept.is_sorted_by_key(|entry| entry.id));
    store.journal_done(ids.into_iter().collect()).await.unwrap();
}

#[test]
fn several_that_bring_the_schema_up_to_date_at_once_do_it_once() {
    let keyspace = Keyspace::take();
    let mut options = options(keyspace.name());
    options.keyspace = format!("mesej_many_{}", std::process::id());
    let applied = server::run(async {
        let all = (0..4).map(|n| {
            let options = options.clone();
            async move { schema::migrate(&options, &format!("migrator {n}")).await }
        });
        futures_util::future::join_all(all).await
    });
    let applied: Vec<_> = applied.into_iter().map(Result::unwrap).collect();
    let known = schema::migrations().len();
    let by_somebody: usize = applied.iter().map(|done| done.migrations.len()).sum();
    assert_eq!(by_somebody, known, "each is applied by one");
    for done in &applied {
        done.status.check().unwrap();
    }
    server::run(async { schema::remove(&options).await }).unwrap();
}

#[test]
fn a_cluster_without_a_schema_is_refused_with_what_to_do() {
    let keyspace = Keyspace::take();
    let mut options = options(keyspace.name());
    options.keyspace = "mesej_nobody_made_this".to_owned();
    let clock = Arc::new(SystemClock::new());
    let refused = server::run(async move { ScyllaStore::open(&options, clock).await }).unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Invalid);
    assert!(refused.detail.contains("mesej migrate"), "{}", refused.detail);
}

#[tokio::test]
async fn tenants_that_have_something_to_send_are_left_to_the_process_that_has_them_while_it_lives() {
    let backend = Cluster::open();
    let another = async |seed: u64| {
        let options = crate::store::scylla::ScyllaOptions {
            seed,
            ..options(backend.keyspace.name())
        };
        let clock = Arc::new(SystemClock::new());
        ScyllaStore::open(&options, clock).await.unwrap()
    };
    let (one, two) = (another(1).await, another(2).await);
    let one: Arc<dyn Store> = Arc::new(one);
    assert!(one.others(ProcessState::Serving).await.unwrap().is_empty());
    let mut scene = Scene::take_over(Arc::clone(&one), TENANT).await;
    scene.says(&["628111111"], 1, "waits").await;
    assert_eq!(one.tenants_with_outbox().await.unwrap(), [TENANT]);
    assert_eq!(two.others(ProcessState::Serving).await.unwrap().len(), 1);
    assert!(two.tenants_with_outbox().await.unwrap().is_empty());
    one.close().await.unwrap();
    assert!(two.others(ProcessState::Serving).await.unwrap().is_empty());
    assert_eq!(two.tenants_with_outbox().await.unwrap(), [TENANT]);
    // One that dies without a word is believed for a while.
    one.others(ProcessState::Serving).await.unwrap();
    assert!(two.tenants_with_outbox().await.unwrap().is_empty());
    let died = Instant::now();
    while two.tenants_with_outbox().await.unwrap().is_empty() {
        assert!(
            died.elapsed() < Duration::from_secs(30),
            "its tenants stay with it"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let scene = Scene::take_over(Arc::new(two), TENANT).await;
    assert_eq!(scene.outbox().await.len(), 1);
    scene.store.others(ProcessState::Serving).await.unwrap();
    let left = one.tenants_with_outbox().await.unwrap();
    assert!(left.is_empty(), "whoever took it last has it");
}
