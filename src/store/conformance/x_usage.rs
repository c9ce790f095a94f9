//! X: what happens is counted once, wherever counting stops.

use std::time::Duration;

use super::Backend;
use super::ops;
use super::scene::Scene;
use crate::domain::usage::UsageCounts;
use crate::domain::{DeliveryState, Timestamp};
use crate::store::op::ReportTarget;
use crate::store::tables::{UsageCursor, UsageHour};
use crate::store::usage::{Counted, count, hours};

const KEEP: Duration = Duration::from_hours(400 * 24);
const HOUR: Duration = UsageHour::LENGTH;

async fn counted(scene: &Scene) -> Option<Counted> {
    let store = scene.store.as_ref();
    count(store, scene.tenant, None, KEEP, scene.now, 20)
        .await
        .unwrap()
}

async fn told(scene: &Scene, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, UsageCounts)> {
    let mut all = Vec::new();
    let each = |hour: UsageHour| all.push((hour.from, hour.counts));
    hours(scene.store.as_ref(), scene.tenant, from, to, scene.now, each)
        .await
        .unwrap();
    all
}

pub(super) async fn what_is_counted_is_counted_once_wherever_counting_stops(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    assert_eq!(
        told(&scene, Timestamp::default(), scene.now.after(HOUR)).await,
        []
    );
    let first = UsageHour::at_time(scene.now, KEEP).from;
    scene.hears(&["628111111"], "w1", "one").await;
    assert!(counted(&scene).await.unwrap().is_all);
    scene.hears(&["628222222"], "w2", "two").await;
    let at_time = scene.now;
    let cursor = UsageCursor::at(scene.tenant);
    let store = std::sync::Arc::clone(&scene.store);
    let row = |now| store.plain_row(cursor.clone(), now);
    let before = row(at_time).await.unwrap().unwrap();
    scene.later(HOUR);
    let at = scene.says(&["628111111"], 1, "three").await;
    assert!(scene.claims(at.message, 0).await);
    for state in [DeliveryState::Sent, DeliveryState::Delivered] {
        let target = ReportTarget::Token(ops::token(scene.tenant, at, 1));
        let mut report = ops::report(target, "m1", state, scene.now);
        report.pricing = Some(ops::raw(r#"{"category":"utility","pricing_model":"PMP"}"#));
        scene.one(crate::store::Op::Report(Box::new(report))).await;
    }
    assert_eq!(counted(&scene).await.unwrap().missed, 0);
    // Killed after the hour that is over was written, and before that was noted: it is counted again.
    let now = row(scene.now).await.unwrap().unwrap();
    let again = store.replace_plain_row(cursor.clone(), Some(now.body), Some(before), scene.now);
    assert!(again.await.unwrap());
    counted(&scene).await.unwrap();
    let nothing = counted(&scene).await.unwrap();
    assert!(nothing.is_all);
    let all = told(&scene, first, first.after(HOUR * 2)).await;
    let figures: Vec<_> = all
        .iter()
        .map(|(from, counts)| {
            let categories: Vec<_> = counts
                .categories
                .iter()
                .map(|(name, of)| (name.as_str(), *of))
                .collect();
            let people = (counts.contacts.count(), counts.agents.count());
            (*from, counts.inbound, counts.outbound, people, categories)
        })
        .collect();
    let second = first.after(HOUR);
    assert_eq!(
        figures,
        [
            (first, 2, 0, (2, 0), vec![]),
            (second, 0, 1, (1, 1), vec![("utility", 1)])
        ]
    );
    assert!(all.iter().all(|(_, counts)| counts.bytes > 0));
    // Only what was asked for, and nothing once its time is over.
    assert_eq!(told(&scene, second, second.after(HOUR)).await, all[1..]);
    assert_eq!(told(&scene, first, second).await, all[..1]);
    scene.now = second.after(KEEP);
    assert_eq!(told(&scene, first, second.after(HOUR)).await, all[1..]);
    scene.now = second.after(HOUR).after(KEEP);
    assert_eq!(told(&scene, first, second.after(HOUR)).await, []);
}

pub(super) async fn events_that_are_gone_are_told_and_passed_over(backend: impl Backend) {
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628111111"], "w1", "one").await;
    scene.hears(&["628111111"], "w2", "two").await;
    scene.later(Duration::from_hours(8 * 24));
    // What was gone before anybody counted is no loss.
    let first = counted(&scene).await.unwrap();
    assert_eq!((first.missed, first.is_all), (0, true));
    assert!(first.seq.get() > 0);
    scene.hears(&["628111111"], "w2b", "in between").await;
    scene.later(Duration::from_hours(8 * 24));
    let missed = counted(&scene).await.unwrap();
    assert!(missed.is_all && missed.missed > 0);
    assert_eq!(missed.missed, missed.seq.get() - first.seq.get());
    scene.hears(&["628111111"], "w3", "three").await;
    let next = counted(&scene).await.unwrap();
    assert_eq!((next.missed, next.is_all), (0, true));
    let all = told(&scene, Timestamp::default(), scene.now.after(HOUR)).await;
    assert_eq!(all.iter().map(|(_, counts)| counts.inbound).sum::<u64>(), 1);
}
