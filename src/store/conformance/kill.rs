//! A, with force: the process dies while it writes, or the end of its log is lost.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::a_durability::entry;
use super::contents::Family;
use super::ops;
use super::scene::{Scene, TENANT};
use super::{Backend as _, Embedded};
use crate::domain::{JournalId, Seq};
use crate::store::fjall::FjallStore;
use crate::store::op::Op;
use crate::store::{JournalEntry, Store, StoreErrorKind};

const FOLDER: &str = "MESEJ_TEST_KILL_FOLDER";
const ROUNDS: usize = 6;
/// Acknowledgements after which the process is killed, in the first round; later rounds get further.
const FIRST_KILL: usize = 40;

/// Writes until somebody kills it, telling what was acknowledged; in an ordinary run there is nothing to do.
#[test]
fn a_process_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Arc::new(FjallStore::open(PathBuf::from(folder), Embedded::OPTIONS).unwrap());
        let mut scene = Scene::take_over(store.clone(), TENANT).await;
        for n in scene.head.get() / 2.. {
            let batch: Vec<Op> = (0..2)
                .map(|twin| ops::receive(&["628111111"], &format!("w{n}.{twin}"), scene.now, "x").into())
                .collect();
            let webhook = JournalEntry {
                id: JournalId::from_bytes(u128::from(n).to_be_bytes()),
                ..entry(1)
            };
            let (written, committed) =
                futures_util::future::join(store.journal_append(webhook), scene.offer(batch)).await;
            written.unwrap();
            println!("acknowledged {n} {}", committed.unwrap().head.get());
        }
    });
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "store::conformance::kill::a_process_that_writes_until_it_is_killed",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the process after so many acknowledgements; the webhooks that it acknowledged, and its last head.
fn kill_after(mut child: Child, acknowledgements: usize) -> (Vec<u64>, u64) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut webhooks, mut head) = (Vec::new(), 0);
    for line in lines {
        let line = line.unwrap();
        let Some(told) = line.strip_prefix("acknowledged ") else {
            continue;
        };
        let (webhook, at) = told.split_once(' ').unwrap();
        webhooks.push(webhook.parse().unwrap());
        head = at.parse().unwrap();
        if webhooks.len() == acknowledgements {
            // The pipe is read to its end: what it acknowledged while it died counts, too.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(webhooks.len() >= acknowledgements, "it ended by itself");
    (webhooks, head)
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let mut folder = tempfile::tempdir().unwrap();
    // Not every number: one whose batch was written when the process died, and whose webhook was not, is passed over.
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let child = start(folder.path());
        let (told, head) = kill_after(child, FIRST_KILL + 37 * round);
        acknowledged.extend(told);
        let backend = Embedded::over(folder);
        let scene = Scene::of(&backend).await;
        assert!(scene.head.get() >= head);
        assert_eq!(scene.head.get() % 2, 0, "half a batch");
        let webhooks = scene.store.journal_open(None, usize::MAX).await.unwrap();
        let found: std::collections::BTreeSet<JournalId> = webhooks.iter().map(|entry| entry.id).collect();
        for webhook in &acknowledged {
            let id = JournalId::from_bytes(u128::from(*webhook).to_be_bytes());
            assert!(found.contains(&id), "webhook {webhook} is lost");
        }
        let mut events = 0;
        while events < scene.head.get() {
            let after = Seq::new(events);
            let page = scene.store.events_after(TENANT, after, usize::MAX, scene.now);
            let seqs: Vec<u64> = page
                .await
                .unwrap()
                .events
                .iter()
                .map(|event| event.seq.get())
                .collect();
            assert_eq!(seqs.first(), Some(&(events + 1)));
            events += u64::try_from(seqs.len()).unwrap();
        }
        let events = usize::try_from(events).unwrap();
        // Every event has its rows.
        let contents = scene.contents().await;
        for family in [Family::Message, Family::Seen] {
            let of = contents.iter().filter(|(key, _)| family.names(key));
            assert_eq!(of.count(), events);
        }
        drop(scene);
        folder = backend.close();
    }
}

/// The newest file of the write-ahead log, and how much of it is written.
fn log(folder: &Path) -> (PathBuf, usize) {
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let newest = files
        .filter(|path| path.extension().is_some_and(|kind| kind == "jnl"))
        .max_by_key(|path| {
            path.file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        });
    let path = newest.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    (path, written)
}

#[tokio::test]
async fn a_log_whose_end_is_missing_opens_with_all_that_came_before() {
    for cut in [1, 9, 200, 900] {
        let backend = Embedded::open();
        let mut scene = Scene::of(&backend).await;
        for n in 1..=19 {
            scene.hears(&["628111111"], &format!("w{n}"), "x").await;
        }
        // The loss of power takes the last write, and what was noted of it.
        let watermark = backend.path().join("engine.watermark");
        let noted = std::fs::read(&watermark).unwrap();
        scene.hears(&["628111111"], "w20", "x").await;
        drop(scene);
        let folder = backend.close();
        std::fs::write(folder.path().join("engine.watermark"), noted).unwrap();
        let (path, written) = log(folder.path());
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(u64::try_from(written - cut).unwrap()).unwrap();
        drop(file);
        let backend = Embedded::over(folder);
        let mut scene = Scene::of(&backend).await;
        assert_eq!(scene.head.get(), 19, "{cut} bytes cut off");
        scene.hears(&["628111111"], "new", "x").await;
        drop(scene);
        let backend = backend.reopen();
        assert_eq!(Scene::of(&backend).await.head.get(), 20);
    }
}

#[tokio::test]
async fn a_folder_that_is_open_is_refused_in_words_that_say_so() {
    let backend = Embedded::open();
    let refused = FjallStore::open(backend.path(), Embedded::OPTIONS).err().unwrap();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable);
    assert!(refused.detail.contains("another process has the store open"));
}
