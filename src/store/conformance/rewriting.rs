//! What the embedded store's files hold after something went before its time, whichever process ends up doing it.

use std::path::Path;
use std::time::Duration;

use super::j_erasure::{CANARIES, erase, fill};
use super::ops;
use super::r_amendments::revoke;
use super::scene::{Scene, TENANT};
use super::{Backend, Embedded};
use crate::domain::Retention;
use crate::store::{RetentionJob, Tenant};

const DAY: Duration = Duration::from_secs(86_400);

/// Whether a word stands in a file; the engine's log of recent writes does not count. Blocks are compressed: a word that
/// shares four letters with another may stand there as a reference to that one.
fn in_files(folder: &Path, word: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            in_files(&path, word)
        } else if path.extension().is_some_and(|kind| kind == "jnl") {
            false
        } else {
            let bytes = std::fs::read(&path).unwrap();
            bytes.windows(word.len()).any(|window| window == word.as_bytes())
        }
    })
}

/// Another process takes over where the clock stands.
async fn restarted(backend: Embedded, scene: Scene) -> (Embedded, Scene) {
    let now = scene.now;
    drop(scene);
    let backend = backend.reopen();
    let mut scene = Scene::of(&backend).await;
    scene.now = now;
    (backend, scene)
}

#[tokio::test]
async fn the_sweep_after_an_erasure_rewrites_the_embedded_files() {
    let backend = Embedded::open();
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    // Only now are the rows in files.
    backend.write_out();
    assert!(in_files(backend.path(), "canarytext"));
    erase(&scene, "628111111").await;
    scene.sweep().await;
    for canary in CANARIES {
        assert!(!in_files(backend.path(), canary), "{canary} is still in a file");
    }
    assert!(in_files(backend.path(), "of another"));
}

#[tokio::test]
async fn files_are_rewritten_although_the_process_that_erased_is_gone() {
    let backend = Embedded::open();
    let mut scene = Scene::of(&backend).await;
    fill(&mut scene).await;
    backend.write_out();
    erase(&scene, "628111111").await;
    let (backend, scene) = restarted(backend, scene).await;
    assert!(in_files(backend.path(), "canarytext"));
    scene.sweep().await;
    for canary in CANARIES {
        assert!(!in_files(backend.path(), canary), "{canary} is still in a file");
    }
}

#[tokio::test]
async fn a_second_rewrite_waits_for_a_day_across_restarts_and_comes() {
    let backend = Embedded::open();
    let mut scene = Scene::of(&backend).await;
    scene.hears(&["628333333"], "first", "bgpyfst").await;
    backend.write_out();
    erase(&scene, "628333333").await;
    scene.sweep().await;
    assert!(!in_files(backend.path(), "bgpyfst"));
    fill(&mut scene).await;
    backend.write_out();
    erase(&scene, "628111111").await;
    let (backend, mut scene) = restarted(backend, scene).await;
    scene.later(DAY - Duration::from_millis(1));
    scene.sweep().await;
    assert!(in_files(backend.path(), "canarytext"), "twice in a day");
    let (backend, mut scene) = restarted(backend, scene).await;
    scene.later(Duration::from_millis(1));
    scene.sweep().await;
    assert!(!in_files(backend.path(), "canarytext"));
}

#[tokio::test]
async fn what_was_taken_back_leaves_the_files_however_old_it_is() {
    for later in [Duration::ZERO, DAY * 8] {
        let backend = Embedded::open();
        let mut scene = Scene::of(&backend).await;
        scene.hears(&["628333333"], "first", "bgpyfst").await;
        scene.later(later);
        scene.sweep().await;
        backend.write_out();
        assert!(in_files(backend.path(), "bgpyfst"));
        scene.one(revoke(&["628333333"], "r", "first", scene.now)).await;
        scene.sweep().await;
        assert!(!in_files(backend.path(), "bgpyfst"), "{later:?}");
    }
}

fn days(days: u32) -> Retention {
    Retention::days(days).unwrap()
}

async fn begin(scene: &Scene, to: u32) {
    let job = RetentionJob::new(TENANT, ops::RETENTION, days(to), scene.now);
    let tenant = Tenant::new(TENANT, "Toko Maju", days(to), scene.now);
    scene.store.begin_retention(tenant, job).await.unwrap();
}

async fn step(scene: &Scene, limit: usize) -> RetentionJob {
    let step = scene.store.step_retention(TENANT, scene.now, limit).await;
    step.unwrap().unwrap()
}

/// Two old messages and a new one in files. Events tell of none any more.
async fn old_and_new(backend: &Embedded) -> Scene {
    let mut scene = Scene::of(backend).await;
    scene.hears(&["628111111"], "first", "bgpyfst").await;
    scene.later(DAY);
    scene.hears(&["628111111"], "old", "qmwzold").await;
    scene.later(DAY * 20);
    scene.hears(&["628111111"], "new", "xkvjnew").await;
    scene.later(DAY * 8);
    scene.sweep().await;
    backend.write_out();
    assert!(in_files(backend.path(), "qmwzold"));
    scene
}

#[tokio::test]
async fn files_are_rewritten_although_the_process_that_shortened_a_retention_is_gone() {
    let backend = Embedded::open();
    let scene = old_and_new(&backend).await;
    begin(&scene, 10).await;
    let job = step(&scene, 9).await;
    assert!(job.finished.is_some() && job.removed == 2, "{job:?}");
    let (backend, scene) = restarted(backend, scene).await;
    assert!(in_files(backend.path(), "qmwzold"));
    scene.sweep().await;
    assert!(!in_files(backend.path(), "qmwzold"));
    assert!(in_files(backend.path(), "xkvjnew"));
}

#[tokio::test]
async fn what_a_change_removed_leaves_the_files_although_another_change_took_its_place() {
    let backend = Embedded::open();
    let scene = old_and_new(&backend).await;
    begin(&scene, 10).await;
    // The new one and the old one, since a walk begins with the newest.
    let job = step(&scene, 2).await;
    assert!(job.finished.is_none() && job.removed == 1, "{job:?}");
    begin(&scene, 365).await;
    let (backend, scene) = restarted(backend, scene).await;
    let job = step(&scene, 9).await;
    assert!(job.finished.is_some() && job.removed == 0, "{job:?}");
    scene.sweep().await;
    assert!(!in_files(backend.path(), "qmwzold"));
    assert!(in_files(backend.path(), "xkvjnew"));
}
