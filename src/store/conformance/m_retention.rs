//! M: a change of retention does to what is there what writing it anew would have done, in steps that can be cut anywhere.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::contents::{Family, contents};
use super::ops;
use super::scene::{Scene, TENANT, mentions};
use super::{Backend, Memory};
use crate::domain::{ContentKind, DeliveryState, MessageId, Retention, TenantId, Timestamp};
use crate::store::op::{Op, ReportTarget};
use crate::store::retention::{JobState, RetentionJob};
use crate::store::row::MessageRef;
use crate::store::{Survey, Tenant};

const DAY: Duration = Duration::from_secs(86_400);
/// Small, so that everything is cut somewhere.
const STEP: usize = 3;

fn days(days: u32) -> Retention {
    Retention::days(days).unwrap()
}

fn tenant(id: TenantId, retention: Retention) -> Tenant {
    Tenant::new(id, "Toko Maju", retention, Timestamp::default())
}

/// Three customers over a year: messages of all ages, some answered, one conversation of many messages on one day.
async fn a_year(scene: &mut Scene, keep: Retention) -> Vec<MessageRef> {
    let keep = keep.get();
    let mut all = Vec::new();
    let began = scene.now;
    for n in 0..26_u64 {
        scene.now = began.after(DAY * u32::try_from(n * 15).unwrap());
        let receive = ops::receive(
            &[["628111111", "628222222", "628333333"][usize::try_from(n % 3).unwrap()]],
            &format!("w{n}"),
            scene.now,
            &format!("text {n}."),
        );
        all.push(scene.place_kept(keep, receive).await);
    }
    for n in 0..7 {
        scene.later(Duration::from_secs(60));
        let submit = ops::submit(
            TENANT,
            &["628444444"],
            ops::id(scene.now, n),
            &format!("said {n}."),
        );
        let at = scene.place_kept(keep, submit).await;
        assert!(scene.claims(at.message, 0).await);
        let told = ops::attempted(
            ops::token(TENANT, at, 1),
            scene.now,
            ops::accepted(&format!("m{n}")),
        );
        scene.one_kept(keep, told).await;
        all.push(at);
    }
    scene.later(DAY);
    all
}

async fn begin(scene: &Scene, before: u32, to: u32) {
    let job = RetentionJob::new(scene.tenant, days(before), days(to), scene.now);
    let tenant = tenant(scene.tenant, days(to));
    scene.store.begin_retention(tenant, job).await.unwrap();
}

async fn step(scene: &Scene) -> RetentionJob {
    let step = scene.store.step_retention(scene.tenant, scene.now, STEP);
    step.await.unwrap().unwrap()
}

/// Steps until all is done.
async fn finish(scene: &Scene) -> RetentionJob {
    for _ in 0..1_000 {
        let job = step(scene).await;
        if job.state() == JobState::Done {
            return job;
        }
    }
    panic!("it does not end");
}

pub(super) async fn change(scene: &Scene, before: u32, to: u32) -> RetentionJob {
    begin(scene, before, to).await;
    finish(scene).await
}

async fn preview(scene: &Scene, to: u32) -> Survey {
    let mut whole = Survey::default();
    loop {
        let part = scene
            .store
            .survey_retention(scene.tenant, days(to), whole.next, STEP, scene.now);
        whole = whole.and(part.await.unwrap());
        if whole.next.is_none() {
            return whole;
        }
    }
}

fn of(contents: &[(Bytes, Bytes)], family: Family) -> Vec<(Bytes, Value)> {
    let rows = contents.iter().filter(|(key, _)| family.names(key));
    rows.map(|(key, value)| (key.clone(), serde_json::from_slice(value).unwrap()))
        .collect()
}

/// A year, kept for so long, and changed; as the model has it.
async fn model(before: u32, to: u32) -> Vec<(Bytes, Bytes)> {
    let backend = Memory::open();
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(before)).await;
    change(&scene, before, to).await;
    scene.contents().await
}

pub(super) async fn a_shorter_retention_ends_messages_as_if_it_had_always_been_so(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(500)).await;
    let job = change(&scene, 500, 90).await;
    let contents = scene.contents().await;
    assert_eq!(contents, model(500, 90).await, "backends differ");
    let other = Memory::open();
    let mut always = Scene::of(&other).await;
    a_year(&mut always, days(90)).await;
    let expected = of(&always.contents().await, Family::Message);
    assert_eq!(of(&contents, Family::Message), expected);
    assert!(!expected.is_empty());
    assert_eq!((job.conversations, job.of), (4, Some(4)));
    assert_eq!((job.messages, job.removed + job.moved), (33, 33));
    assert_eq!(job.moved, u64::try_from(expected.len()).unwrap());
    // It is gone for good, and not only hidden.
    scene.now = Timestamp::default();
    assert_eq!(of(&scene.contents().await, Family::Message).len(), expected.len());
}

pub(super) async fn a_preview_tells_what_the_change_does(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(500)).await;
    for (before, to) in [(500, 200), (200, 30), (30, 400), (400, 1)] {
        let untouched = scene.contents().await;
        let survey = preview(&scene, to).await;
        assert_eq!(scene.contents().await, untouched, "a preview changes nothing");
        let readable = of(&untouched, Family::Message);
        let job = change(&scene, before, to).await;
        let left = of(&scene.contents().await, Family::Message);
        assert_eq!(survey.gone, job.removed, "{before} to {to}");
        assert_eq!(survey.messages, u64::try_from(readable.len()).unwrap());
        assert_eq!(survey.messages - survey.gone, u64::try_from(left.len()).unwrap());
        let ends: Vec<Timestamp> = left
            .iter()
            .map(|(_, value)| serde_json::from_value(value["expires"].clone()).unwrap())
            .collect();
        assert_eq!(survey.ends_first, ends.iter().copied().min());
        assert_eq!(survey.ends_last, ends.iter().copied().max());
        let written: Vec<Timestamp> = readable
            .iter()
            .filter(|(key, _)| !left.iter().any(|(other, _)| other == key))
            .map(|(_, value)| serde_json::from_value(value["row"]["created"].clone()).unwrap())
            .collect();
        assert_eq!(survey.gone_oldest, written.iter().copied().min());
        assert_eq!(survey.gone_newest, written.iter().copied().max());
    }
}

pub(super) async fn a_longer_retention_brings_nothing_back(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    // In real time, so that what ended is still there to be found.
    let all = a_year(&mut scene, days(20)).await;
    let readable = of(&scene.contents().await, Family::Message);
    assert!(readable.len() < all.len());
    let job = change(&scene, 20, 800).await;
    let after = of(&scene.contents().await, Family::Message);
    assert_eq!(job.removed, 0);
    assert_eq!(job.moved, u64::try_from(readable.len()).unwrap());
    let keys = |rows: &[(Bytes, Value)]| rows.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&after), keys(&readable));
    let newest = *all.last().unwrap();
    let until = scene.message(newest).await.unwrap().created.after(DAY * 800);
    for (now, there) in [(until.before(Duration::from_millis(1)), true), (until, false)] {
        scene.now = now;
        assert_eq!(scene.message(newest).await.is_some(), there);
    }
}

pub(super) async fn a_change_that_was_cut_short_goes_on_and_ends_the_same(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(500)).await;
    begin(&scene, 500, 60).await;
    let now = scene.now;
    let mut backend = backend;
    let mut before = step(&scene).await;
    let scene = loop {
        drop(scene);
        backend = backend.reopen();
        scene = Scene::of(&backend).await;
        scene.now = now;
        let stands = scene.store.retention_jobs().await.unwrap();
        assert_eq!(stands, [before], "it goes on where it was");
        before = step(&scene).await;
        if before.state() == JobState::Done {
            break scene;
        }
    };
    assert_eq!(before.messages, 33, "nothing is done twice");
    assert_eq!(scene.contents().await, model(500, 60).await);
    assert_eq!(step(&scene).await, before, "what is done stays done");
}

pub(super) async fn the_newest_change_wins(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(500)).await;
    begin(&scene, 500, 300).await;
    step(&scene).await;
    step(&scene).await;
    let job = change(&scene, 300, 40).await;
    assert_eq!((job.before, job.to, job.messages), (days(300), days(40), 33));
    let jobs = scene.store.retention_jobs().await.unwrap();
    assert_eq!(jobs, [job]);
    let expected = of(&model(500, 40).await, Family::Message);
    assert_eq!(of(&scene.contents().await, Family::Message), expected);
    let kept: Vec<_> = of(&scene.contents().await, Family::Tenant);
    assert_eq!(kept[0].1["row"]["retention"], 40);
}

pub(super) async fn what_leads_to_a_message_ends_with_it_but_repetitions_stay_known(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let all = a_year(&mut scene, days(500)).await;
    change(&scene, 500, 10).await;
    let changed = scene.now;
    let newest = *all.last().unwrap();
    let lead = async |scene: &Scene| {
        let find = scene.store.find_outbound(TENANT, newest.message, scene.now);
        find.await.unwrap()
    };
    assert_eq!(lead(&scene).await, Some(newest));
    // A webhook that Meta repeats is known, although its message went long ago.
    let again = ops::receive(&["628111111"], "w0", scene.now, "text 0.");
    let before = scene.head;
    scene.one(again).await;
    assert_eq!(scene.head, before);
    scene.now = changed.after(DAY * 10);
    assert_eq!(lead(&scene).await, None);
    assert!(of(&scene.contents().await, Family::Seen).is_empty());
}

pub(super) async fn the_beginning_of_a_message_that_went_is_not_shown(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let all = a_year(&mut scene, days(500)).await;
    let newest = *all.last().unwrap();
    scene.later(DAY * 5);
    change(&scene, 500, 3).await;
    for at in [all[0], newest] {
        let read = scene.store.conversation(TENANT, at.conversation);
        assert_eq!(read.await.unwrap().unwrap().preview, None);
        assert!(scene.texts(at).await.is_empty());
    }
    let rows: Vec<_> = scene
        .contents()
        .await
        .into_iter()
        .filter(|(key, _)| !Family::Event.names(key))
        .collect();
    assert!(!mentions(&rows, "text "), "a text is left");
    let fresh = scene.hears(&["628111111"], "fresh", "new").await;
    assert_eq!(scene.texts(fresh).await, ["new"]);
}

pub(super) async fn statuses_and_messages_that_come_meanwhile_stand(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let all = a_year(&mut scene, days(500)).await;
    begin(&scene, 500, 30).await;
    let mut n = 0;
    let mut placed = Vec::new();
    while step(&scene).await.state() != JobState::Done {
        let at = all[26 + n % 7];
        let token = ReportTarget::Token(ops::token(TENANT, at, 1));
        let state = DeliveryState::Read;
        let told = ops::report(token, &format!("m{}", n % 7), state, scene.now);
        scene.one_kept(30, Op::Report(Box::new(told))).await;
        let receive = ops::receive(&["628111111"], &format!("late{n}"), scene.now, "late");
        placed.push(scene.place_kept(30, receive).await);
        n += 1;
    }
    assert!(n > 7, "the walk is long enough to be met");
    for at in &all[26..] {
        assert_eq!(scene.state(*at).await, DeliveryState::Read);
    }
    for at in &placed {
        assert_eq!(
            scene.message(*at).await.unwrap().content.kind(),
            &ContentKind::Text
        );
    }
    for (_, value) in of(&scene.contents().await, Family::Message) {
        let time = |value: &Value| serde_json::from_value::<Timestamp>(value.clone()).unwrap();
        let kept = time(&value["expires"]).since(time(&value["row"]["created"]));
        assert_eq!(kept, DAY * 30);
    }
}

pub(super) async fn other_tenants_keep_all_that_they_had(backend: impl Backend) {
    let neighbours = [TENANT.get() - 1, TENANT.get() + 1].map(TenantId::new);
    let mut before = Vec::new();
    for tenant in neighbours {
        let mut other = Scene::take_over(backend.store(), tenant).await;
        other.hears(&["628111111"], "w0", "theirs").await;
        before.push(other.contents().await);
    }
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(500)).await;
    change(&scene, 500, 1).await;
    for (tenant, before) in neighbours.into_iter().zip(before) {
        let contents = contents(scene.store.as_ref(), tenant, super::scene::DAY_ONE).await;
        assert_eq!(contents, before);
        let step = scene.store.step_retention(tenant, scene.now, STEP).await;
        assert_eq!(step.unwrap(), None, "nobody asked for it");
    }
}

pub(super) async fn a_tenant_without_messages_is_done_at_once(backend: impl Backend) {
    let store = backend.store();
    let nobody = TenantId::new(5);
    let job = RetentionJob::new(nobody, days(365), days(2), super::scene::DAY_ONE);
    store.begin_retention(tenant(nobody, days(2)), job).await.unwrap();
    store
        .step_retention(nobody, super::scene::DAY_ONE, STEP)
        .await
        .unwrap();
    let jobs = store.retention_jobs().await.unwrap();
    assert_eq!((jobs.len(), jobs[0].state()), (1, JobState::Done));
    assert_eq!(store.tenants().await.unwrap(), [tenant(nobody, days(2))]);
    let opened = Scene::of(&backend).await;
    assert_eq!(change(&opened, 365, 2).await.messages, 0);
}

pub(super) async fn there_and_back_again_leaves_what_was_left(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    a_year(&mut scene, days(300)).await;
    change(&scene, 300, 50).await;
    let keys = |contents: Vec<(Bytes, Bytes)>| -> Vec<Bytes> {
        let rows = of(&contents, Family::Message);
        rows.into_iter().map(|(key, _)| key).collect()
    };
    let left = keys(scene.contents().await);
    change(&scene, 50, 300).await;
    assert_eq!(keys(scene.contents().await), left);
    // Found by paging, too, in order and without a hole.
    let at = MessageId::from_bytes([0xff; 16]);
    let conversation = ops::conversation_of(TENANT, "1", &["628444444"]);
    let page = scene
        .store
        .page_messages(TENANT, conversation, Some(at), 100, scene.now)
        .await
        .unwrap();
    let texts: Vec<_> = page.items.iter().filter_map(|m| m.content.preview()).collect();
    let expected: Vec<String> = (0..7).rev().map(|n| format!("said {n}.")).collect();
    assert_eq!(texts, expected);
    scene.later(DAY * 298);
    scene.sweep().await;
    assert_eq!(
        scene
            .texts(MessageRef {
                conversation,
                message: at
            })
            .await
            .len(),
        7
    );
    scene.later(DAY * 2);
    assert!(
        scene
            .texts(MessageRef {
                conversation,
                message: at
            })
            .await
            .is_empty()
    );
}
