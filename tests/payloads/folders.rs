//! Payloads in Meta's shapes: written by hand in this folder, and more where a folder of real ones is at hand
//! (`MESEJ_FIXTURES`).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A payload and where it stands.
pub type Payload = (String, Value);

/// The payloads of a kind, `webhooks` or `send`: those of this folder, and those at hand.
pub fn payloads(kind: &str) -> Vec<Payload> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads")
        .join(format!("{kind}.json"));
    let list: Vec<Value> = serde_json::from_slice(&std::fs::read(&own).unwrap()).unwrap();
    assert!(list.len() >= 10, "{} has {}", own.display(), list.len());
    let mut all: Vec<Payload> = (0..)
        .zip(list)
        .map(|(place, payload): (usize, _)| (format!("{kind}.json, {place}"), payload))
        .collect();
    all.extend(at_hand(kind));
    all
}

/// The payloads of a subfolder of the folder at hand.
pub fn at_hand(kind: &str) -> Vec<Payload> {
    let Some(folder) = std::env::var_os("MESEJ_FIXTURES") else {
        // Not by `eprintln!`: of a test that passes nobody sees that.
        let told =
            format!("\n*** MESEJ_FIXTURES names no folder: real payloads ({kind}) are NOT tried ***\n");
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        return Vec::new();
    };
    let mut files = Vec::new();
    find(&Path::new(&folder).join(kind), &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} holds no {kind}", folder.display());
    files
        .into_iter()
        .map(|path| {
            let payload = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path.display().to_string(), payload)
        })
        .collect()
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}
