//! Damage on a disk: a start has everything that was acknowledged, or refuses and says what is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::{Epoch, Event, Seq, TenantId};
use crate::store::conformance::contents::contents;
use crate::store::conformance::scene::Scene;
use crate::store::fjall::tally::Noted;
use crate::store::fjall::watermark::Watermark;
use crate::store::fjall::{Loss, settle};
use crate::store::row::OutboxState;

const OTHER: TenantId = TenantId::new(0x0f);
/// Places in each file that are damaged in each way.
const PLACES: usize = 10;

/// What can be read of a store.
#[derive(Debug, PartialEq)]
pub(super) struct Content {
    pub(super) tenants: Vec<Vec<(Bytes, Bytes)>>,
    pub(super) events: Vec<Vec<Event>>,
    pub(super) webhooks: Vec<JournalEntry>,
}

pub(super) async fn content(store: &FjallStore) -> Content {
    let mut tenants = Vec::new();
    let mut events = Vec::new();
    for tenant in [TENANT, OTHER] {
        tenants.push(contents(store, tenant, DAY_ONE).await);
        let page = store.events_after(tenant, Seq::default(), 10_000, DAY_ONE).await;
        events.push(page.unwrap().events);
    }
    let webhooks = store.journal_open(None, 10_000).await.unwrap();
    Content {
        tenants,
        events,
        webhooks,
    }
}

/// Some of everything: messages, claims, webhooks that wait and that were applied.
pub(super) async fn write(store: &Arc<FjallStore>, from: u64) {
    for tenant in [TENANT, OTHER] {
        let mut scene = Scene::take_over(store.clone(), tenant).await;
        for n in from..from + 12 {
            let contact = format!("62811{n}");
            scene
                .hears(&[&contact], &format!("w{n}"), &"said ".repeat(60))
                .await;
            scene.says(&[&contact], n, &"answered ".repeat(40)).await;
        }
    }
    for n in from..from + 12 {
        store.journal_append(entry(n.into(), 400)).await.unwrap();
    }
    let done = (from..from + 6).map(|n| entry(n.into(), 1).id).collect();
    store.journal_done(done).await.unwrap();
}

/// A folder of a process that was stopped, with tables and several logs, and what it holds.
async fn stopped() -> (tempfile::TempDir, Content) {
    let folder = tempfile::tempdir().unwrap();
    let mut held = None;
    for session in 0..3 {
        let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
        write(&store, session * 100).await;
        if session == 0 {
            store.write_out().unwrap();
            write(&store, 50).await;
        }
        held = Some(content(&store).await);
    }
    // Logs are made with room in them, which the next start gives back.
    drop(FjallStore::open(folder.path(), OPTIONS).unwrap());
    split_log(folder.path());
    (folder, held.unwrap())
}

/// Makes two logs of one, as if it had been long enough for that.
fn split_log(folder: &Path) {
    let log = folder.join("0.jnl");
    let bytes = fs::read(&log).unwrap();
    let half = bytes.len() / 2;
    let end = memchr::memmem::find(&bytes[half..], b"FJL\x03\x01").unwrap();
    let (first, second) = bytes.split_at(half + end + 4);
    fs::write(&log, first).unwrap();
    fs::write(folder.join("1.jnl"), second).unwrap();
    let noted = Noted {
        logs: Some(vec![0, 1]),
        ..Noted::read(folder).unwrap().unwrap()
    };
    Watermark::open(&Noted::path(folder))
        .unwrap()
        .note_durably(&noted)
        .unwrap();
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub(super) fn all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let names = files(folder).into_iter();
    names
        .map(|path| {
            (
                path.strip_prefix(folder).unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect()
}

pub(super) fn lay_out(files: &BTreeMap<PathBuf, Vec<u8>>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    for keyspace in fs::read_dir(folder.path().join("keyspaces"))
        .into_iter()
        .flatten()
    {
        fs::create_dir_all(keyspace.unwrap().path().join("tables")).unwrap();
    }
    folder
}

/// All ways in which one file is damaged; `None` removes it.
fn damaged(bytes: &[u8], random: &mut fastrand::Rng) -> Vec<Option<Vec<u8>>> {
    let mut cases = vec![None];
    let places = if bytes.len() < 200 { 5 } else { PLACES };
    for _ in 0..places.min(bytes.len()) {
        let at = random.usize(..bytes.len());
        let end = bytes.len().min(at + random.usize(1..=4_096));
        let mut noise = bytes.to_vec();
        random.fill(&mut noise[at..end]);
        let mut zeros = bytes.to_vec();
        zeros[at..end].fill(0);
        cases.extend([Some(noise), Some(zeros), Some(bytes[..at].to_vec())]);
    }
    cases
}

/// A folder of a process that ended in order, and what it holds.
async fn ended() -> (tempfile::TempDir, Content) {
    let (folder, _) = stopped().await;
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    write(&store, 300).await;
    let held = content(&store).await;
    store.close().await.unwrap();
    drop(store);
    (folder, held)
}

/// Marks of webhooks that were applied are not acknowledged as durable: without them, webhooks are applied again, which changes
/// nothing.
fn costs_nothing(found: &Content, held: &Content) -> bool {
    let is_there = |entry: &JournalEntry| found.webhooks.contains(entry);
    found.tenants == held.tenants && found.events == held.events && held.webhooks.iter().all(is_there)
}

fn kinds(whole: &BTreeMap<PathBuf, Vec<u8>>) -> [usize; 3] {
    ["jnl", "current", "watermark"].map(|end| {
        let names = whole.keys().map(|name| name.to_str().unwrap());
        names.filter(|name| name.ends_with(end)).count()
    })
}

#[tokio::test]
async fn a_damaged_file_stops_the_start_or_costs_nothing() {
    let (folder, held) = stopped().await;
    let whole = all(folder.path());
    assert_eq!(kinds(&whole), [2, 6, 2], "{:?}", whole.keys());
    let refused = damage_each(&whole, &held).await;
    assert!(refused > 150, "{refused} starts were refused");
}

#[tokio::test]
async fn after_an_end_in_order_a_damaged_file_stops_the_start_or_costs_nothing() {
    let (folder, held) = ended().await;
    let whole = all(folder.path());
    assert_eq!(kinds(&whole), [1, 6, 2], "{:?}", whole.keys());
    let refused = damage_each(&whole, &held).await;
    assert!(refused > 150, "{refused} starts were refused");
}

#[tokio::test]
async fn webhooks_whose_mark_at_the_end_is_damaged_wait_again() {
    let (folder, held) = ended().await;
    let segment = files(&folder.path().join("webhooks")).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let found = content(&FjallStore::open(folder.path(), OPTIONS).unwrap()).await;
    assert_eq!(found.webhooks.len(), held.webhooks.len() + 6);
    assert!(costs_nothing(&found, &held));
}

/// Damages each file in each way; how many starts were refused.
async fn damage_each(whole: &BTreeMap<PathBuf, Vec<u8>>, held: &Content) -> usize {
    let mut random = fastrand::Rng::with_seed(27);
    let mut refused = 0;
    let mut laid_out = lay_out(whole);
    for (name, bytes) in whole {
        for (case, damage) in damaged(bytes, &mut random).into_iter().enumerate() {
            let path = laid_out.path().join(name);
            match &damage {
                Some(damage) => fs::write(&path, damage).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let place = format!("case {case} of {}", name.display());
            match FjallStore::open(laid_out.path(), OPTIONS) {
                Ok(store) => {
                    let found = content(&store).await;
                    assert!(
                        costs_nothing(&found, held),
                        "{place}: something is gone in silence"
                    );
                    drop(store);
                    laid_out = lay_out(whole);
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.detail.contains("panicked"), "{place}: {error}");
                    let mut expected = whole.clone();
                    match damage {
                        Some(damage) => expected.insert(name.clone(), damage),
                        None => expected.remove(name),
                    };
                    let left = all(laid_out.path());
                    let changed = expected
                        .iter()
                        .find(|(name, bytes)| left.get(*name) != Some(bytes));
                    let changed = changed.map(|(name, _)| name);
                    assert!(changed.is_none(), "{place} changed {changed:?}: {error}");
                    fs::write(laid_out.path().join(name), bytes).unwrap();
                }
            }
        }
    }
    let folder = lay_out(whole);
    let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
    assert!(content(&store).await == *held);
    refused
}

#[tokio::test]
async fn folders_that_are_gone_stop_the_start() {
    for (folder, _) in [stopped().await, ended().await] {
        let whole = all(folder.path());
        for gone in ["keyspaces", "keyspaces/0", "keyspaces/4", "webhooks"] {
            let folder = lay_out(&whole);
            fs::remove_dir_all(folder.path().join(gone)).unwrap();
            let error = FjallStore::open(folder.path(), OPTIONS).err().unwrap();
            assert_eq!(error.kind, StoreErrorKind::Corrupt, "{gone}: {error}");
            assert!(
                error.detail.contains(gone) && error.detail.contains("is missing"),
                "{error}"
            );
        }
    }
    // A folder of which nothing but a file of others is left is a new one.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    let must = FjallOptions {
        absent: crate::store::fjall::Absent::IsRefused,
        ..OPTIONS
    };
    for path in [folder.path().to_owned(), folder.path().join("not/there")] {
        let error = FjallStore::open(&path, must).err().unwrap();
        assert!(error.detail.contains("store.must_exist"), "{error}");
    }
    assert!(!folder.path().join("not").exists() && !folder.path().join("lock").exists());
    drop(FjallStore::open(folder.path(), OPTIONS).unwrap());
    FjallStore::open(folder.path(), must).unwrap();
}

/// The log that holds the newest commits.
pub(super) fn newest_log(folder: &Path) -> PathBuf {
    let logs = super::super::check::logs(folder).unwrap();
    logs.last().unwrap().1.clone()
}

#[tokio::test]
async fn an_accepted_loss_is_counted_and_kept_and_agents_begin_afresh() {
    let (folder, held) = stopped().await;
    let log = newest_log(folder.path());
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 500].fill(0xa5);
    fs::write(&log, &bytes).unwrap();
    let error = FjallStore::open(folder.path(), OPTIONS).err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Corrupt);
    for told in [
        "cannot be read between bytes",
        "Missing: ",
        " commits with ",
        "--accept-loss",
    ] {
        assert!(error.detail.contains(told), "{told}: {error}");
    }
    assert_eq!(fs::read(&log).unwrap(), bytes, "a refused start changes nothing");
    let accepting = FjallOptions {
        loss: Loss::IsAcceptedAt(DAY_ONE),
        ..OPTIONS
    };
    let store = Arc::new(FjallStore::open(folder.path(), accepting).unwrap());
    let left = content(&store).await;
    assert!(
        left.events.iter().all(Vec::is_empty),
        "the events before may have holes"
    );
    assert!(left.tenants[1].len() < held.tenants[1].len());
    assert!(left.webhooks == held.webhooks);
    let scene = Scene::take_over(store.clone(), TENANT).await;
    assert_eq!(scene.epoch, Epoch::new(8), "another ledger");
    let waits = scene.outbox().await;
    assert!(
        !waits.is_empty()
            && waits
                .iter()
                .all(|row| row.state == OutboxState::Claimed && row.attempt == 1)
    );
    drop((scene, store));
    let copy = folder
        .path()
        .join("damaged")
        .join(format!("{}.1", log.file_name().unwrap().display()));
    assert_eq!(fs::read(copy).unwrap(), bytes);
    let store = Arc::new(FjallStore::open(folder.path(), OPTIONS).unwrap());
    let mut scene = Scene::take_over(store.clone(), TENANT).await;
    let before = scene.head;
    scene.hears(&["62811999"], "new", "x").await;
    let page = store.events_after(TENANT, before, 10, DAY_ONE).await.unwrap();
    assert_eq!(page.events.first().unwrap().seq, before.next());
    drop((scene, store));
    FjallStore::open(folder.path(), OPTIONS).unwrap();
}

#[tokio::test]
async fn a_start_that_accepts_a_loss_believes_no_note_of_claims_and_is_finished_by_the_next() {
    for dies in [true, false] {
        let (folder, held) = stopped().await;
        let notes = folder.path().join("claims-ahead");
        fs::write(&notes, "of the folder that this one was copied from").unwrap();
        let mut options = OPTIONS;
        if dies {
            // As far as a start came that was killed then.
            settle::begin(folder.path(), DAY_ONE).unwrap();
        } else {
            options.loss = Loss::IsAcceptedAt(DAY_ONE);
        }
        let store = Arc::new(FjallStore::open(folder.path(), options).unwrap());
        assert!(!notes.exists(), "{dies}");
        let left = content(&store).await;
        assert!(left.events.iter().all(Vec::is_empty) && left.webhooks == held.webhooks);
        let scene = Scene::take_over(store.clone(), TENANT).await;
        assert_eq!(scene.epoch, Epoch::new(8), "another ledger, once");
        let waits = scene.outbox().await;
        assert!(!waits.is_empty() && waits.iter().all(|row| row.state == OutboxState::Claimed));
        drop((scene, store));
        let store = FjallStore::open(folder.path(), OPTIONS).unwrap();
        let scene = Scene::take_over(Arc::new(store), TENANT).await;
        assert_eq!(scene.epoch, Epoch::new(8), "settled for good");
    }
}

#[tokio::test]
async fn damage_that_nothing_can_be_left_out_for_is_not_accepted() {
    let (folder, _) = stopped().await;
    let table = files(&folder.path().join("keyspaces/4/tables")).pop().unwrap();
    fs::remove_file(table).unwrap();
    let accepting = FjallOptions {
        loss: Loss::IsAcceptedAt(DAY_ONE),
        ..OPTIONS
    };
    let error = FjallStore::open(folder.path(), accepting).err().unwrap();
    assert!(error.detail.contains("does not help here"), "{error}");
}

#[tokio::test]
async fn webhooks_behind_accepted_damage_are_kept() {
    let (folder, held) = stopped().await;
    let mut segments = files(&folder.path().join("webhooks"));
    segments.retain(|path| fs::metadata(path).unwrap().len() > 3_000);
    let segment = segments.pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[1_000..1_100].fill(9);
    fs::write(&segment, &bytes).unwrap();
    let error = FjallStore::open(folder.path(), OPTIONS).err().unwrap();
    for told in [
        "cannot be read from byte",
        "Missing: ",
        " bytes of webhooks that were acknowledged; ",
        "--accept-loss",
    ] {
        assert!(error.detail.contains(told), "{told}: {error}");
    }
    assert_eq!(
        fs::read(&segment).unwrap(),
        bytes,
        "a refused start changes nothing"
    );
    let accepting = FjallOptions {
        loss: Loss::IsAcceptedAt(DAY_ONE),
        ..OPTIONS
    };
    let left = content(&FjallStore::open(folder.path(), accepting).unwrap()).await;
    let missing: Vec<_> = held
        .webhooks
        .iter()
        .filter(|entry| !left.webhooks.contains(entry))
        .collect();
    assert!(missing.len() <= 2, "{} are missing", missing.len());
    let copy = folder
        .path()
        .join("damaged")
        .join(format!("{}.1", segment.file_name().unwrap().display()));
    assert_eq!(fs::read(copy).unwrap(), bytes);
    let rows = |content: &Content| content.tenants.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(rows(&left), rows(&held));
    FjallStore::open(folder.path(), OPTIONS).unwrap();
}
