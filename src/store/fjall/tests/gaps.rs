//! A ledger of which compaction has dropped something, or damage has taken something.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::Seq;
use crate::store::conformance::scene::Scene;

const HOUR: Duration = Duration::from_hours(1);

/// Twelve events, an hour apart, of which some are gone.
async fn without(gone: &[u64]) -> (tempfile::TempDir, Scene, Timestamp) {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    let began = scene.now;
    while scene.head < Seq::new(12) {
        let said = ops::receive(&["628111111"], &format!("w{}", scene.head.get()), scene.now, "x");
        scene.place(said).await;
        scene.now = scene.now.after(HOUR);
    }
    for seq in gone.iter().copied().map(Seq::new) {
        let drop = move |txn: &mut super::super::txn::Txn| {
            txn.delete(Space::Events, keys::event(TENANT, seq));
            Ok(())
        };
        store.writer.write(Need::Durable, 1, drop).await.unwrap();
    }
    (folder, scene, began)
}

async fn read(scene: &Scene, after: u64, now: Timestamp) -> (Vec<u64>, u64) {
    let page = scene
        .store
        .events_after(TENANT, Seq::new(after), 100, now)
        .await
        .unwrap();
    let seqs = page.events.iter().map(|event| event.seq.get()).collect();
    (seqs, page.oldest.get())
}

#[tokio::test]
async fn what_compaction_dropped_before_the_sweep_is_a_gap_and_no_damage() {
    let all = without(&[]).await;
    let kept: Vec<u64> = (1..=all.1.head.get()).collect();
    assert_eq!(read(&all.1, 0, all.2).await, (kept.clone(), 1));
    // Events end a week after they came; the first half has ended.
    let week = all.2.after(Duration::from_hours(24 * 7));
    let half_over = week.after(HOUR * 2);
    let (left, oldest) = read(&all.1, 0, half_over).await;
    assert!(
        oldest > 3 && left.first() == Some(&oldest),
        "{left:?} from {oldest}"
    );
    for gone in [&[2][..], &[2, 3], &[3], &[1, 3]] {
        let (_folder, scene, _) = without(gone).await;
        assert_eq!(
            read(&scene, 0, half_over).await,
            (left.clone(), oldest),
            "without {gone:?}"
        );
    }
}

#[tokio::test]
async fn nobody_is_led_over_a_hole_between_events_that_should_be_there() {
    let (_folder, scene, now) = without(&[5, 6]).await;
    let head = scene.head.get();
    assert_eq!(read(&scene, 2, now).await, (vec![3, 4], 1));
    let (behind, oldest) = read(&scene, 4, now).await;
    assert_eq!((behind, oldest), ((7..=head).collect(), 7));
}
