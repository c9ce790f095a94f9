//! G: what expired is not there, to the millisecond, and is removed when it is swept.

use std::time::Duration;

use super::Backend;
use super::m_retention::change;
use super::ops;
use super::r_amendments::{edit, kinds};
use super::scene::{Scene, TENANT, mentions};
use crate::domain::{DeliveryState, EventKind, Retention, Seq, Timestamp};
use crate::store::op::ReportTarget;
use crate::store::row::MessageRef;

const DAY: Duration = Duration::from_secs(86_400);

/// A customer writes something that is kept for so many days.
async fn kept(scene: &mut Scene, id: &str, text: &str, days: u32) -> MessageRef {
    let receive = ops::receive(&["628111111"], id, scene.now, text);
    scene.place_kept(days, receive).await
}

pub(super) async fn a_message_is_there_until_its_last_millisecond(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = kept(&mut scene, "w", "x", 2).await;
    let end = scene.now.after(DAY * 2);
    for (now, there) in [(end.before(Duration::from_millis(1)), true), (end, false)] {
        scene.now = now;
        assert_eq!(scene.message(at).await.is_some(), there);
        assert_eq!(scene.texts(at).await.len(), usize::from(there));
        let is_held = mentions(&scene.contents().await, &format!("\"id\":\"{}\"", at.message));
        let in_events = scene
            .store
            .events_after(TENANT, Seq::default(), 9, now)
            .await
            .unwrap();
        assert_eq!(in_events.events.is_empty(), !there);
        assert!(is_held || !there);
    }
}

pub(super) async fn a_status_does_not_make_its_message_live_longer(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.retention = Retention::days(30).unwrap();
    let submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 1), "x");
    let at = scene.place(submit).await;
    let end = scene.now.after(DAY * 30);
    assert!(scene.claims(at.message, 0).await);
    let token = ops::token(TENANT, at, 1);
    let told = ops::report(
        ReportTarget::Token(token),
        "m",
        DeliveryState::Read,
        end.before(Duration::from_secs(5)),
    );
    scene.now = end.before(Duration::from_secs(5));
    scene.one(crate::store::Op::Report(Box::new(told))).await;
    assert_eq!(scene.state(at).await, DeliveryState::Read);
    scene.now = end;
    assert_eq!(scene.message(at).await, None);
    assert_eq!(
        scene.sweep_messages(at).await,
        1,
        "one row, however often it was written"
    );
}

pub(super) async fn a_retention_that_changed_moves_the_end_of_what_is_written_again(backend: impl Backend) {
    for (before, after) in [(30, 60), (60, 30)] {
        let mut scene = Scene::of(&backend).await;
        let id = format!("m{before}");
        let submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, before), "x");
        let at = scene.place_kept(u32::try_from(before).unwrap(), submit).await;
        assert!(scene.claims(at.message, 0).await);
        let token = ops::token(TENANT, at, 1);
        let told = ops::report(ReportTarget::Token(token), &id, DeliveryState::Read, scene.now);
        scene
            .one_kept(after, crate::store::Op::Report(Box::new(told)))
            .await;
        let end = scene.now.after(DAY * after);
        for (now, swept) in [(end.before(Duration::from_millis(1)), 0), (end, 1)] {
            scene.now = now;
            assert_eq!(scene.message(at).await.is_none(), swept == 1);
            assert_eq!(
                scene.sweep_messages(at).await,
                swept,
                "{before} days became {after}"
            );
        }
    }
}

pub(super) async fn sweeping_removes_what_expired_and_nothing_else(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for n in 0..30 {
        scene.later(Duration::from_secs(60));
        kept(&mut scene, &format!("short{n}"), "short", 1).await;
    }
    let long = kept(&mut scene, "long", "long", 400).await;
    scene.later(DAY * 10);
    let before = scene.contents().await;
    let rows = scene.sweep().await;
    assert!(rows >= 30 + 31, "30 messages and 31 events, but {rows} rows");
    assert_eq!(scene.sweep().await, 0);
    assert_eq!(scene.contents().await, before, "sweeping shows");
    assert_eq!(scene.texts(long).await, ["long"]);
}

pub(super) async fn a_small_sweep_says_that_there_is_more(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    for n in 0..20 {
        kept(&mut scene, &format!("w{n}"), "x", 1).await;
    }
    scene.later(DAY * 2);
    let swept = scene.store.sweep(scene.now, 5).await.unwrap();
    assert!(swept.more && swept.rows <= 5);
    let rest = scene.sweep().await;
    assert!(swept.rows + rest >= 20);
}

pub(super) async fn a_sweep_forgets_the_beginning_of_a_message_that_is_gone(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let at = kept(&mut scene, "w", "a secret", 1).await;
    scene.later(DAY);
    scene.sweep().await;
    let row = scene
        .store
        .conversation(TENANT, at.conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.preview, None);
    scene.later(DAY * 7);
    scene.sweep().await;
    assert!(!mentions(&scene.contents().await, "a secret"));
}

pub(super) async fn a_sweep_keeps_the_preview_of_a_newer_message(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    kept(&mut scene, "w1", "old", 1).await;
    scene.later(Duration::from_secs(60));
    let at = kept(&mut scene, "w2", "new", 30).await;
    scene.later(DAY);
    scene.sweep().await;
    let row = scene
        .store
        .conversation(TENANT, at.conversation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.preview.as_deref(), Some("new"));
}

pub(super) async fn what_told_of_a_message_goes_with_it_and_leaves_no_hole(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "old", "a secret").await;
    scene
        .one(edit(&["628111111"], "e", "old", scene.now, "another secret"))
        .await;
    scene.later(DAY * 2);
    scene.hears(&["628222222"], "young", "stays").await;
    change(&scene, 365, 1).await;
    assert!(!mentions(&scene.contents().await, "secret"), "it is still told");
    assert_eq!(
        kinds(&scene).await,
        [EventKind::Erased, EventKind::Erased, EventKind::Message]
    );
}

pub(super) async fn a_message_that_ends_sooner_takes_what_told_of_it_along(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w", "a secret").await;
    scene.later(DAY);
    scene.hears(&["628222222"], "young", "stays").await;
    change(&scene, 365, 2).await;
    assert_eq!(kinds(&scene).await, [EventKind::Message; 2]);
    scene.later(DAY);
    scene.sweep().await;
    assert!(!mentions(&scene.contents().await, "secret"), "it is still told");
    assert_eq!(kinds(&scene).await, [EventKind::Erased, EventKind::Message]);
}

pub(super) async fn what_told_of_a_message_that_ended_sooner_is_not_read(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w", "a secret").await;
    scene
        .one(edit(&["628111111"], "e", "w", scene.now, "another secret"))
        .await;
    scene.later(DAY);
    scene.hears(&["628222222"], "young", "stays").await;
    change(&scene, 365, 2).await;
    // An import that ends a moment after it comes.
    let mut import = ops::receive(&["628333333"], "i", scene.now.before(DAY), "an old secret");
    import.via = Some(crate::domain::message::Via::History);
    scene.one_kept(2, import).await;
    let told = async |scene: &Scene| {
        let page = scene.store.events_after(TENANT, Seq::default(), 9, scene.now);
        let events = page.await.unwrap().events;
        let tells = |event: &crate::domain::Event| event.json.windows(6).any(|window| window == b"secret");
        (events.len(), events.iter().filter(|event| tells(event)).count())
    };
    scene.later(DAY - Duration::from_millis(1));
    assert_eq!(told(&scene).await, (4, 3));
    scene.later(Duration::from_millis(1));
    scene.sweep().await;
    assert_eq!(told(&scene).await, (4, 0));
}

pub(super) async fn events_end_after_seven_days_from_the_oldest_on(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    for n in 0..48 {
        scene.hears(&["628111111"], &format!("w{n}"), "x").await;
        scene.later(Duration::from_secs(3_600));
    }
    for (hours, swept) in [
        (0, false),
        (12, false),
        (12, true),
        (30, false),
        (30, true),
        (47, true),
        (48, true),
    ] {
        let now = began.after(Retention::EVENTS + Duration::from_secs(3_600 * hours));
        if swept {
            scene.now = now;
            scene.sweep().await;
        }
        // At the full hour, the event of that hour is over, too.
        let oldest = (hours + 2).min(49);
        let page = scene
            .store
            .events_after(TENANT, Seq::new(3), 100, now)
            .await
            .unwrap();
        assert_eq!(
            (page.oldest, page.head),
            (Seq::new(oldest), Seq::new(48)),
            "{hours} h"
        );
        let first = page.events.first().map(|event| event.seq.get());
        assert_eq!(first, (oldest <= 48).then_some(oldest.max(4)));
        assert_eq!(page.events.len(), usize::try_from(49 - oldest.max(4)).unwrap());
    }
}

pub(super) async fn a_message_that_ends_is_gone_from_every_read(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.retention = Retention::days(1).unwrap();
    let submit = ops::submit(TENANT, &["628111111"], ops::id(scene.now, 1), "a secret");
    let at = scene.place(submit).await;
    assert!(scene.claims(at.message, 0).await);
    let target = ReportTarget::Token(ops::token(TENANT, at, 1));
    let told = ops::report(target, "m", DeliveryState::Read, scene.now);
    scene.one(crate::store::Op::Report(Box::new(told))).await;
    let end = scene.now.after(DAY);
    for (now, there) in [(end.before(Duration::from_millis(1)), true), (end, false)] {
        let store = &scene.store;
        let found = store.message(TENANT, at, now).await.unwrap();
        let page = store.page_messages(TENANT, at.conversation, None, 9, now);
        let page = page.await.unwrap().items;
        let events = store.events_after(TENANT, Seq::default(), 9, now).await.unwrap();
        assert_eq!(
            (found.is_some(), page.len(), events.events.is_empty()),
            (there, usize::from(there), !there)
        );
        assert_eq!(events.oldest == events.head.next(), !there);
    }
    scene.now = end;
    scene.sweep().await;
    assert!(!mentions(&scene.contents().await, "a secret"));
}

pub(super) async fn what_is_over_when_it_comes_is_never_told(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.retention = Retention::days(2).unwrap();
    let late = |scene: &Scene, id: &str, days: u32| {
        ops::receive(&["628111111"], id, scene.now.before(DAY * days), "a secret")
    };
    let old = late(&scene, "old", 3);
    for _ in 0..2 {
        scene.one(old.clone()).await;
    }
    assert!(!mentions(&scene.contents().await, "a secret"));
    assert_eq!(scene.head, Seq::default());
    // What has a day left is told for that day.
    scene.place(late(&scene, "young", 1)).await;
    for (age, told) in [(DAY - Duration::from_millis(1), 1), (DAY, 0)] {
        let now = scene.now.after(age);
        let page = scene
            .store
            .events_after(TENANT, Seq::default(), 9, now)
            .await
            .unwrap();
        assert_eq!(page.events.len(), told);
    }
}

pub(super) async fn events_end_with_the_messages_of_a_shorter_retention(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    // Each is written an hour after the one before it. What comes after a longer time must not leave a hole before it.
    for (n, days) in [1, 30, 1, 2].into_iter().enumerate() {
        scene.now = began.after(Duration::from_secs(3_600) * u32::try_from(n).unwrap());
        scene.retention = Retention::days(days).unwrap();
        scene.hears(&["628111111"], &format!("w{n}"), "x").await;
    }
    let week = Retention::EVENTS + Duration::from_secs(3_600);
    for (age, oldest) in [
        (DAY - Duration::from_millis(1), 1),
        (DAY, 2),
        (week - Duration::from_millis(1), 2),
        (week, 5),
    ] {
        scene.now = began.after(age);
        let page = scene
            .store
            .events_after(TENANT, Seq::default(), 9, scene.now)
            .await
            .unwrap();
        let found: Vec<u64> = page.events.iter().map(|event| event.seq.get()).collect();
        assert_eq!(page.oldest, Seq::new(oldest), "{age:?}");
        assert_eq!(found, (oldest..=4).collect::<Vec<u64>>(), "{age:?}");
    }
}

pub(super) async fn a_clock_that_steps_back_makes_no_hole(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    let began = scene.now;
    for (n, hours) in [5_u64, 1, 9, 3].into_iter().enumerate() {
        scene.now = began.after(Duration::from_secs(3_600 * hours));
        scene.hears(&["628111111"], &format!("w{n}"), "x").await;
    }
    for hours in 0..12 {
        let now: Timestamp = began.after(Retention::EVENTS + Duration::from_secs(3_600 * hours));
        scene.now = now;
        scene.sweep().await;
        let page = scene
            .store
            .events_after(TENANT, Seq::default(), 9, now)
            .await
            .unwrap();
        let found: Vec<u64> = page.events.iter().map(|event| event.seq.get()).collect();
        // None ends before those that came earlier: the second with the first, the fourth with the third.
        let oldest = match hours {
            0..5 => 1,
            5..9 => 3,
            _ => 5,
        };
        assert_eq!(page.oldest, Seq::new(oldest), "{hours} h");
        assert_eq!(found, (oldest..=4).collect::<Vec<u64>>(), "{hours} h");
    }
    let page = scene
        .store
        .events_after(TENANT, Seq::default(), 9, scene.now)
        .await
        .unwrap();
    assert_eq!(page.oldest, Seq::new(5));
}
