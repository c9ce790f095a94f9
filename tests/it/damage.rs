//! A damaged, an empty and a forgotten folder, as an operator meets them: by the binary, its log and its metrics.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::gateway::{PATIENCE, until};
use crate::process::{ended, get, mesej, started};

/// Bytes of noise written over a log.
const NOISE: usize = 4_096;

/// What a start says that does not come to anything.
async fn refused(folder: &Path, environment: (&str, &str)) -> String {
    let start = mesej(&["serve"])
        .env("MESEJ_SERVER__LISTEN", "127.0.0.1:0")
        .env("MESEJ_STORE__PATH", folder)
        .env(environment.0, environment.1)
        .output();
    let Output { status, stderr, .. } = tokio::time::timeout(PATIENCE, start).await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!status.success(), "{told}");
    told
}

/// All files below, but for the lock.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("lock") {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A folder in which a demo's customers wrote until somebody pulled the plug.
async fn left(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let (mut demo, address) = started(&["demo"], folder).await;
    let key = fs::read_to_string(folder.join("demo.key")).unwrap();
    until("customers wrote", || async {
        let events = get(&address, "/v1/events?after=0&limit=100", &key).await;
        (events.matches("\"kind\":\"message\"").count() >= 5).then_some(())
    })
    .await;
    demo.kill().await.unwrap();
}

/// Writes noise over the middle of what was written to a file, and gives the file as it is then.
fn spoil(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let noise: Vec<u8> = (0..NOISE.min(written / 3))
        .map(|n| u8::try_from(n % 251).unwrap() | 1)
        .collect();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&noise, u64::try_from(written / 2).unwrap())
        .unwrap();
    fs::read(path).unwrap()
}

fn largest(folder: &Path, extension: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_kind = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    let written = |path: &PathBuf| fs::read(path).unwrap().iter().filter(|byte| **byte != 0).count();
    of_kind.max_by_key(written).unwrap()
}

async fn is_refused_and_then_accepted(folder: &Path, spoilt: &Path, missing: &str) {
    let damaged = spoil(spoilt);
    let before = files(folder);
    let told = refused(folder, ("MESEJ_STORE__MUST_EXIST", "true")).await;
    for said in ["Missing: ", missing, "Nothing was changed", "--accept-loss"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(files(folder) == before, "a refused start changed something");
    let (served, address) = started(&["serve", "--accept-loss"], folder).await;
    assert!(get(&address, "/metrics", "").await.contains("mesej_store_made 0"));
    ended(served).await;
    let log = fs::read_to_string(folder.with_file_name("log")).unwrap();
    assert!(log.contains("accepted as lost"), "{log}");
    let copies = files(&folder.join("damaged"));
    assert!(copies.values().any(|copy| *copy == damaged), "no copy was kept");
    let (served, _) = started(&["serve"], folder).await;
    ended(served).await;
}

#[actix::test]
async fn a_damaged_log_is_refused_says_what_is_missing_and_is_accepted_when_told_to() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    left(&folder).await;
    let log = largest(&folder, "jnl");
    is_refused_and_then_accepted(&folder, &log, " commits with ").await;
}

#[actix::test]
async fn damaged_webhooks_are_refused_say_what_is_missing_and_are_accepted_when_told_to() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    left(&folder).await;
    let segment = largest(&folder.join("webhooks"), "webhooks");
    is_refused_and_then_accepted(&folder, &segment, " bytes of webhooks").await;
}

#[actix::test]
async fn a_new_store_is_told_loudly_and_not_made_where_one_must_be() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    let told = refused(&folder, ("MESEJ_STORE__MUST_EXIST", "true")).await;
    assert!(told.contains("store.must_exist"), "{told}");
    assert!(!folder.exists(), "a refused start makes nothing");
    let (served, address) = started(&["serve"], &folder).await;
    assert!(get(&address, "/metrics", "").await.contains("mesej_store_made 1"));
    ended(served).await;
    let log = fs::read_to_string(place.path().join("log")).unwrap();
    assert!(
        log.contains("WARN") && log.contains("no store was there"),
        "{log}"
    );
}
