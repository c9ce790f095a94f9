//! M, with force: the process dies in the middle of a change of retention, and the next one ends it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::ops;
use super::scene::{Scene, TENANT};
use super::{Backend, Embedded, Memory};
use crate::domain::Retention;
use crate::store::fjall::FjallStore;
use crate::store::retention::{JobState, RetentionJob};
use crate::store::{Store, Tenant};

const FOLDER: &str = "MESEJ_TEST_KILL_CHANGE_FOLDER";
const MESSAGES: u64 = 120;
const DAY: Duration = Duration::from_secs(86_400);

fn days(days: u32) -> Retention {
    Retention::days(days).unwrap()
}

/// Messages of 120 days in three conversations, and a change that half of them do not survive.
async fn asked(scene: &mut Scene) {
    for n in 0..MESSAGES {
        let from = ["628111111", "628222222", "628333333"][usize::try_from(n % 3).unwrap()];
        scene.hears(&[from], &format!("w{n}"), "x").await;
        scene.later(DAY);
    }
    let job = RetentionJob::new(TENANT, ops::RETENTION, days(60), scene.now);
    let tenant = Tenant::new(TENANT, "Toko Maju", days(60), scene.now);
    scene.store.begin_retention(tenant, job).await.unwrap();
}

/// One step.
async fn step(scene: &Scene) -> RetentionJob {
    let step = scene.store.step_retention(TENANT, scene.now, 4).await;
    step.unwrap().unwrap()
}

fn end_of(scene: &mut Scene) {
    scene.later(DAY * u32::try_from(MESSAGES).unwrap());
}

/// Steps until somebody kills it; in an ordinary run there is nothing to do.
#[test]
fn a_process_that_changes_retention_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn Store> =
            Arc::new(FjallStore::open(PathBuf::from(folder), Embedded::OPTIONS).unwrap());
        let mut scene = Scene::take_over(store, TENANT).await;
        end_of(&mut scene);
        loop {
            println!("stepped {}", step(&scene).await.messages);
        }
    });
}

/// Runs the process and kills it after so many steps; the messages that it came to at least.
fn killed_after(folder: &Path, steps: usize) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "store::conformance::kill_change::a_process_that_changes_retention_until_it_is_killed",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let stepped: Vec<u64> = lines
        .map(Result::unwrap)
        .filter_map(|line| line.strip_prefix("stepped ")?.parse().ok())
        .take(steps)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stepped.len(), steps, "it ended by itself");
    *stepped.last().unwrap()
}

#[tokio::test]
async fn a_change_whose_process_is_killed_again_and_again_ends_as_if_nothing_had_been() {
    let backend = Embedded::open();
    let mut scene = Scene::of(&backend).await;
    asked(&mut scene).await;
    drop(scene);
    let mut folder = backend.close();
    for steps in [1, 3, 2, 5] {
        let came_to = killed_after(folder.path(), steps);
        let backend = Embedded::over(folder);
        let jobs = backend.store().retention_jobs().await.unwrap();
        assert!(jobs[0].messages >= came_to, "an acknowledged step is lost");
        folder = backend.close();
    }
    let backend = Embedded::over(folder);
    let mut scene = Scene::of(&backend).await;
    end_of(&mut scene);
    let job = loop {
        let job = step(&scene).await;
        if job.state() == JobState::Done {
            break job;
        }
    };
    assert_eq!((job.messages, job.removed, job.moved), (MESSAGES, 61, 59));

    let model = Memory::open();
    let mut other = Scene::of(&model).await;
    asked(&mut other).await;
    while step(&other).await.state() != JobState::Done {}
    assert_eq!(scene.contents().await, other.contents().await);
}
