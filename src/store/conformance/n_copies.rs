//! N: everything that one store holds is taken in by another as it is, and goes on from there.

use std::time::Duration;

use bytes::Bytes;

use super::a_durability::entry;
use super::contents::contents;
use super::ops;
use super::scene::{DAY_ONE, Scene, TENANT};
use super::{Backend, Memory};
use crate::domain::{
    ConversationStatus, DeliveryState, JournalId, Retention, SendRate, TenantId, TestClock, Timestamp, WabaId,
};
use crate::store::copy::{Copy, CopyError, CopyState, Counted, count};
use crate::store::directory::{AccessToken, Scope};
use crate::store::op::{OrganiseChange, ReportTarget};
use crate::store::tables::CannedReply;
use crate::store::{ApiKey, KeyHash, Number, PlainValue, Quarantined, RetentionJob, Store, Tenant};

const OTHER: TenantId = TenantId::new(3);

fn tenant(id: TenantId) -> Tenant {
    Tenant {
        region: Some("Indonesia".to_owned()),
        privacy_contact: Some("privacy@example.com".to_owned()),
        ..Tenant::new(id, "Toko Maju", Retention::DEFAULT, DAY_ONE)
    }
}

/// A store with something of every kind.
async fn everything(store: &dyn Store, scene: &mut Scene) {
    let seen = scene.hears(&["628111111", "ID.one"], "w1", "one").await;
    scene.hears(&["628222222"], "w2", "two").await;
    scene
        .commit(vec![
            ops::organise(
                seen.conversation,
                OrganiseChange::Status(ConversationStatus::Pending),
            ),
            ops::organise(
                seen.conversation,
                OrganiseChange::Label {
                    add: vec!["vip".to_owned()],
                    remove: Vec::new(),
                },
            ),
            ops::relate(&["628222222"], &["628333333"], "moved"),
        ])
        .await;
    // A message of a year ago and of short retention is over meanwhile.
    let short = ops::receive(&["628111111"], "w3", scene.now, "short");
    scene.place_kept(1, short).await;
    scene.later(Duration::from_secs(2 * 86_400));
    for n in 0..3 {
        let mut submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, n), "said");
        submit.once = Some(ops::once(u8::try_from(n).unwrap(), 7));
        let at = scene.place(submit).await;
        if n > 0 {
            assert!(scene.claims(at.message, 0).await);
        }
        if n > 1 {
            let token = ops::token(TENANT, at, 1);
            let target = ReportTarget::Token(token);
            scene
                .one(ops::reported(target, "m", DeliveryState::Read, scene.now))
                .await;
        }
        scene.later(Duration::from_secs(700));
    }
    let mut other = Scene::take_over(scene.store.clone(), OTHER).await;
    other.now = scene.now;
    for n in 0..20 {
        other
            .hears(&[&format!("62899900{n:02}")], &format!("o{n}"), "theirs")
            .await;
    }
    store.put_tenant(tenant(OTHER)).await.unwrap();
    let job = RetentionJob::new(TENANT, Retention::DEFAULT, Retention::DEFAULT, scene.now);
    store.begin_retention(tenant(TENANT), job).await.unwrap();
    while store
        .step_retention(TENANT, scene.now, 9)
        .await
        .unwrap()
        .unwrap()
        .finished
        .is_none()
    {}
    let number = Number {
        id: ops::number("1"),
        tenant: TENANT,
        waba: WabaId::parse("w").unwrap(),
        display: "+1".to_owned(),
        rate: SendRate::STANDARD,
        app: None,
        access_token: AccessToken::new("secret"),
    };
    store.put_number(number).await.unwrap();
    let key = ApiKey {
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
    store.put_key(key).await.unwrap();
    for (text, hours) in [("ends", 1), ("stays", 0)] {
        let value = PlainValue {
            body: Bytes::from(format!("{{\"text\":\"{text}\"}}")),
            expires: (hours > 0).then(|| scene.now.after(Duration::from_secs(hours * 3_600))),
        };
        let key = CannedReply::of(TENANT).row(text.as_bytes());
        let written = store.replace_plain_row(key, None, Some(value), scene.now);
        assert!(written.await.unwrap());
    }
    store.journal_append(entry(7)).await.unwrap();
    store.quarantine(aside(9, scene.now)).await.unwrap();
}

fn aside(n: u8, at: Timestamp) -> Quarantined {
    Quarantined {
        id: JournalId::from_bytes([n; 16]),
        at,
        reason: "malformed".to_owned(),
        body: Bytes::from_static(b"{}"),
    }
}

/// Copies, cut short again and again; what was kept is older than what was written, so that pages are written twice.
async fn copied(source: &dyn Store, target: &dyn Store, clock: &TestClock) -> Vec<Counted> {
    let work = Copy {
        source,
        target,
        clock,
    };
    let mut state = work.begin().await.unwrap();
    let mut pages = 4;
    loop {
        let mut kept = Vec::new();
        let mut watcher = |now: &CopyState, _: &str| {
            kept.push(now.clone());
            if kept.len() < pages {
                return Ok(());
            }
            Err(CopyError::Progress {
                path: String::new(),
                reason: "cut".to_owned(),
            })
        };
        match work.run(&mut state, &mut watcher).await {
            Ok(counted) => {
                assert!(pages > 16, "it was not cut");
                return counted;
            }
            Err(CopyError::Progress { .. }) => state = kept[pages - 3].clone(),
            Err(error) => panic!("{error}"),
        }
        pages *= 2;
    }
}

async fn same(one: &dyn Store, other: &dyn Store, scene: &Scene) {
    for tenant in [TENANT, OTHER] {
        let dumps = (
            contents(one, tenant, scene.now).await,
            contents(other, tenant, scene.now).await,
        );
        assert_eq!(dumps.0, dumps.1);
    }
    let waiting = (one.journal_open(None, 9).await, other.journal_open(None, 9).await);
    assert_eq!(waiting.0.unwrap(), waiting.1.unwrap());
    let aside = (
        one.quarantined(None, 9, scene.now).await,
        other.quarantined(None, 9, scene.now).await,
    );
    assert_eq!(aside.0.unwrap(), aside.1.unwrap());
    let plain = async |store: &dyn Store| {
        let page = store
            .plain_rows(CannedReply::of(TENANT), None, 9, scene.now)
            .await;
        page.unwrap()
    };
    let plain = (plain(one).await, plain(other).await);
    assert_eq!(plain.0.items.len(), 2);
    assert_eq!(plain.0, plain.1);
}

pub(super) async fn what_one_store_holds_is_taken_in_by_another_and_goes_on_there(backend: impl Backend) {
    let model = Memory::open();
    let mut scene = Scene::of(&model).await;
    everything(model.store().as_ref(), &mut scene).await;
    let clock = TestClock::at(scene.now);
    let counted = copied(model.store().as_ref(), backend.store().as_ref(), &clock).await;
    // Ten kinds of rows and the keys of each tenant, and six that are counted over all.
    assert_eq!(counted.len(), 2 * 11 + 6);
    for one in [
        "tenant",
        "number",
        "journal",
        "quarantine",
        "retention_job",
        "plain_row",
    ] {
        let counted = counted.iter().find(|counted| counted.what == one).unwrap();
        assert!(counted.tally.rows > 0, "{one} was not compared");
    }
    same(model.store().as_ref(), backend.store().as_ref(), &scene).await;
    // And it goes on: no position twice, known things stay known, lists are in order.
    let mut goes_on = Scene::take_over(backend.store(), TENANT).await;
    goes_on.now = scene.now;
    assert_eq!((goes_on.head, goes_on.epoch), (scene.head, scene.epoch));
    for scene in [&mut scene, &mut goes_on] {
        let again = ops::receive(&["628111111"], "w1", scene.now, "again");
        scene.one(again).await;
        scene.hears(&["628333333"], "next", "next").await;
        assert_eq!(scene.outbox().await.len(), 2);
    }
    assert_eq!(goes_on.contents().await, scene.contents().await);
    let filter = crate::store::ConversationFilter::default();
    let lists = (
        goes_on
            .store
            .page_conversations(TENANT, filter.clone(), None, 9)
            .await,
        scene.store.page_conversations(TENANT, filter, None, 9).await,
    );
    assert_eq!(lists.0.unwrap(), lists.1.unwrap());
}

pub(super) async fn a_store_comes_out_as_it_went_in(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    everything(backend.store().as_ref(), &mut scene).await;
    let clock = TestClock::at(scene.now);
    let model = Memory::open();
    copied(backend.store().as_ref(), model.store().as_ref(), &clock).await;
    same(backend.store().as_ref(), model.store().as_ref(), &scene).await;
}

pub(super) async fn a_copy_into_a_store_in_use_or_out_of_one_is_refused(backend: impl Backend) {
    let model = Memory::open();
    let mut scene = Scene::of(&model).await;
    everything(model.store().as_ref(), &mut scene).await;
    let clock = TestClock::at(scene.now);
    let (source, target) = (model.store(), backend.store());
    let work = Copy {
        source: source.as_ref(),
        target: target.as_ref(),
        clock: &clock,
    };
    let mut state = work.begin().await.unwrap();
    scene.hears(&["628111111"], "late", "late").await;
    let mut watcher = |_: &CopyState, _: &str| Ok(());
    let refused = work.run(&mut state, &mut watcher).await.unwrap_err();
    assert!(matches!(refused, CopyError::Changed), "{refused}");
    let refused = work.begin().await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty), "{refused}");
    // What a preview counts is what is there.
    let previewed = count(source.as_ref(), scene.now).await.unwrap();
    let messages: u64 = previewed
        .iter()
        .filter(|line| line.what == "message")
        .map(|line| line.tally.rows)
        .sum();
    assert_eq!(messages, 20 + 2 + 3 + 1);
}

/// Changes one thing that no ledger tells of.
async fn alter(store: &dyn Store, what: &str, n: u8, now: Timestamp) {
    let renamed = format!("renamed {n}");
    match what {
        "tenant" => {
            let tenant = Tenant {
                name: renamed,
                ..tenant(OTHER)
            };
            store.put_tenant(tenant).await.unwrap();
        }
        "number" => {
            let mut number = store.numbers().await.unwrap().remove(0);
            number.access_token = AccessToken::new(renamed);
            store.put_number(number).await.unwrap();
        }
        "api_key" => {
            let mut key = store.keys(TENANT).await.unwrap().remove(0);
            key.revoked = Some(now.after(Duration::from_secs(n.into())));
            store.put_key(key).await.unwrap();
        }
        "retention_job" => {
            let job = RetentionJob::new(
                TENANT,
                Retention::DEFAULT,
                Retention::days(n.into()).unwrap(),
                now,
            );
            store.begin_retention(tenant(TENANT), job).await.unwrap();
        }
        "journal" => store.journal_append(entry(n)).await.unwrap(),
        "journal done" => store.journal_done(vec![entry(n).id]).await.unwrap(),
        "quarantine" => store.quarantine(aside(n, now)).await.unwrap(),
        "quarantine removed" => store.quarantine_remove(aside(n, now).id).await.unwrap(),
        other => panic!("{other}"),
    }
}

pub(super) async fn whatever_differs_after_a_copy_is_noticed_on_whichever_side_it_is(backend: impl Backend) {
    let model = Memory::open();
    let mut scene = Scene::of(&model).await;
    everything(model.store().as_ref(), &mut scene).await;
    let (source, target, clock) = (model.store(), backend.store(), TestClock::at(scene.now));
    copied(source.as_ref(), target.as_ref(), &clock).await;
    let work = Copy {
        source: source.as_ref(),
        target: target.as_ref(),
        clock: &clock,
    };
    let state = Copy {
        target: Memory::open().store().as_ref(),
        ..work
    }
    .begin()
    .await
    .unwrap();
    let differs = async || {
        let compared = work.compare(&mut |_: &CopyState, _: &str| Ok(()), &state).await;
        match compared {
            Ok(_) => None,
            Err(CopyError::Differs { what, .. }) => Some(what),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(differs().await, None);
    let sides = [(&source, &target), (&target, &source)];
    for (what, seen_as) in [
        ("tenant", "tenant"),
        ("number", "number"),
        ("api_key", "api_key"),
        ("retention_job", "retention_job"),
        ("journal", "journal"),
        ("journal done", "journal"),
        ("quarantine", "quarantine"),
        ("quarantine removed", "quarantine"),
    ] {
        for (n, (one, other)) in (20..).zip(sides) {
            alter(one.as_ref(), what, n, scene.now).await;
            let noticed = differs()
                .await
                .unwrap_or_else(|| panic!("{what} was not noticed"));
            assert!(noticed.ends_with(seen_as), "{what}: {noticed}");
            alter(other.as_ref(), what, n, scene.now).await;
            assert_eq!(differs().await, None, "{what}");
        }
    }
    let mut late = Scene::take_over(target.clone(), TENANT).await;
    late.now = scene.now;
    late.hears(&["628777777"], "late", "late").await;
    assert!(differs().await.unwrap().ends_with("contact"));
}
