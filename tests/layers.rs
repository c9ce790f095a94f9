//! Guards the shape of the source: which layer may import which, what each outside crate may be used for, how long a
//! file may be and what it may not be called. The checker itself is tested on made-up files.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the whole binary is a test: a panic is how it fails"
)]

#[path = "layers/source.rs"]
mod source;

use std::path::{Path, PathBuf};

use source::{crate_paths, names_crate, without_comments_and_texts};

/// Each layer and what it may import, lowest first. A file that belongs to none of them is refused.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("crash", &[]),
    ("shutdown", &[]),
    ("tenant_places", &["domain"]),
    ("config", &["domain"]),
    ("telemetry", &["domain", "config"]),
    ("store", &["domain", "crash", "config", "telemetry"]),
    ("whatsapp", &["domain", "crash", "config", "telemetry"]),
    ("limiter", &["domain", "config", "telemetry"]),
    ("mail", &["domain", "config", "telemetry"]),
    (
        "media",
        &["domain", "crash", "config", "telemetry", "store", "whatsapp"],
    ),
    (
        "accounts",
        &[
            "domain",
            "crash",
            "config",
            "telemetry",
            "store",
            "limiter",
            "mail",
        ],
    ),
    (
        "templates",
        &["domain", "shutdown", "config", "telemetry", "store", "whatsapp"],
    ),
    (
        "actors",
        &[
            "domain",
            "crash",
            "shutdown",
            "config",
            "telemetry",
            "store",
            "whatsapp",
            "limiter",
            "media",
        ],
    ),
    (
        "ingest",
        &[
            "domain",
            "crash",
            "shutdown",
            "config",
            "telemetry",
            "store",
            "whatsapp",
            "limiter",
            "actors",
            "templates",
        ],
    ),
    (
        "bulk",
        &[
            "domain",
            "crash",
            "shutdown",
            "tenant_places",
            "config",
            "telemetry",
            "store",
            "actors",
        ],
    ),
    (
        "privacy",
        &[
            "domain",
            "crash",
            "shutdown",
            "telemetry",
            "store",
            "media",
            "actors",
        ],
    ),
    (
        "broadcast",
        &[
            "domain",
            "crash",
            "shutdown",
            "tenant_places",
            "config",
            "telemetry",
            "store",
            "whatsapp",
            "accounts",
            "actors",
            "bulk",
            "templates",
        ],
    ),
    (
        "api",
        &[
            "domain",
            "crash",
            "shutdown",
            "tenant_places",
            "config",
            "telemetry",
            "store",
            "whatsapp",
            "limiter",
            "mail",
            "media",
            "accounts",
            "actors",
            "ingest",
            "bulk",
            "privacy",
            "templates",
            "broadcast",
        ],
    ),
    (
        "app",
        &[
            "domain",
            "crash",
            "shutdown",
            "config",
            "telemetry",
            "store",
            "whatsapp",
            "limiter",
            "mail",
            "media",
            "accounts",
            "actors",
            "ingest",
            "bulk",
            "api",
            "templates",
            "broadcast",
        ],
    ),
    (
        "cli",
        &["domain", "crash", "shutdown", "config", "telemetry", "app"],
    ),
    ("main", &["crash", "shutdown", "config", "telemetry", "cli"]),
    ("lib", &[]),
];

/// Outside crates that only some places may name.
const CRATES: &[(&str, &[&str])] = &[
    ("actix_web", &["src/api.rs", "src/api/", "src/whatsapp/simulated"]),
    ("actix_http", &["src/api.rs", "src/api/"]),
    ("actix_web_actors", &["src/api/ws.rs", "src/api/ws/"]),
    ("fjall", &["src/store/fjall.rs", "src/store/fjall/"]),
    ("sfa", &["src/store/fjall/"]),
    ("argon2", &["src/accounts/passwords/"]),
    ("totp_rs", &["src/accounts/codes"]),
    ("qrcodegen", &["src/api/qr.rs"]),
    ("csv_core", &["src/bulk/records.rs"]),
    ("encoding_rs", &["src/bulk/encoding.rs"]),
    ("phonenumber", &["src/bulk/phones.rs"]),
    ("lettre", &["src/mail/"]),
    ("object_store", &["src/media/storage.rs"]),
    ("infer", &["src/media/content_type.rs"]),
    ("xxhash_rust", &["src/store/fjall/"]),
    ("scylla", &["src/store/scylla.rs", "src/store/scylla/"]),
    (
        "reqwest",
        &[
            "src/accounts/single_sign_on/",
            "src/whatsapp/",
            "src/cli.rs",
            "src/cli/",
            "src/app/tests/",
        ],
    ),
    ("openidconnect", &["src/accounts/single_sign_on/"]),
    // The demo is the gateway beside a Meta in a box.
    (
        "mesej_simulator",
        &[
            "src/app.rs",
            "src/app/demo.rs",
            "src/app/tests/",
            "src/app/upkeep/tests/",
            "src/cli.rs",
            "src/cli/simulate.rs",
            "src/whatsapp/simulated",
        ],
    ),
    (
        "tokio_tungstenite",
        &["src/cli/", "src/api/ws/tests/", "src/app/tests/"],
    ),
];

/// Backends of the store are met where the process is put together; everything else knows the trait alone.
const BACKENDS: &[&str] = &["store::memory", "store::fjall", "store::scylla"];
const MAY_NAME_BACKENDS: &[&str] = &["store", "app", "cli"];

const LONGEST_FILE: usize = 500;
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "managers", "type", "types", "misc", "mod",
];

/// What is wrong with one source file. `path` is relative to the project, with forward slashes.
fn problems(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!(
            "has {lines} lines, over {LONGEST_FILE}: split it by meaning"
        ));
    }
    for part in path.trim_end_matches(".rs").split('/') {
        if EMPTY_NAMES.contains(&part) {
            found.push(format!("the name {part:?} says nothing"));
        }
    }
    let Some(inside) = path.strip_prefix("src/") else {
        return found;
    };
    let layer = inside
        .trim_end_matches(".rs")
        .split('/')
        .next()
        .unwrap_or_default();
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        found.push(format!("{layer:?} is not in the table of layers"));
        return found;
    };
    let code = without_comments_and_texts(text);
    let depth = inside.trim_end_matches(".rs").split('/').count();
    for import in crate_paths(&code, depth) {
        let target = import.split("::").next().unwrap_or_default();
        let known = LAYERS.iter().any(|(name, _)| *name == target);
        if known && target != layer && !allowed.contains(&target) {
            found.push(format!("{layer} must not import {target}"));
        }
        let backend = BACKENDS
            .iter()
            .any(|backend| import == *backend || import.starts_with(&format!("{backend}::")));
        if backend && !MAY_NAME_BACKENDS.contains(&layer) && !is_test(path) && !is_test_only(&code, &import) {
            found.push(format!("{layer} must know the store's trait, not {import}"));
        }
    }
    for (name, places) in CRATES {
        if names_crate(&code, name) && !places.iter().any(|place| path.starts_with(place)) {
            found.push(format!("{name} may be named in {} alone", places.join(", ")));
        }
    }
    found.dedup();
    found
}

/// Whether a file holds tests alone.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether a path is named only below the first `#[cfg(test)]`.
fn is_test_only(code: &str, import: &str) -> bool {
    let shipped = code.split("#[cfg(test)]").next().unwrap_or_default();
    !crate_paths(shipped, usize::MAX)
        .iter()
        .any(|named| named == import)
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn the_source_keeps_its_layers_and_sizes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in [
        "src",
        "tests",
        "benches",
        "load-tests/src",
        "simulator/src",
        "fuzz/src",
        "fuzz/fuzz_targets",
    ] {
        if root.join(folder).exists() {
            rust_files(&root.join(folder), &mut files);
        }
    }
    assert!(files.len() > 20, "only {} files were found", files.len());
    let mut found = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let text = std::fs::read_to_string(&file).unwrap();
        found.extend(
            problems(&path, &text)
                .into_iter()
                .map(|problem| format!("{path}: {problem}")),
        );
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Files that pages give as examples of names.
const EXAMPLES: &[&str] = &["foo.rs", "foo/tests.rs", "mod.rs"];

#[test]
fn every_source_file_that_a_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in [
        "src",
        "tests",
        "simulator",
        "load-tests",
        "benches",
        "fuzz/src",
        "fuzz/fuzz_targets",
    ] {
        rust_files(&root.join(folder), &mut sources);
    }
    let mut pages = vec![
        root.join("README.md"),
        root.join("CONTRIBUTING.md"),
        root.join("src/lib.rs"),
    ];
    for folder in ["docs", "docs/adr"] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        pages.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let mut named = 0;
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|of| of == "md" || of == "rs"))
    {
        let text = std::fs::read_to_string(page).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let is_file =
                Path::new(word).extension().is_some_and(|of| of == "rs") && !word.contains([' ', '*']);
            if !is_file || EXAMPLES.contains(&word) {
                continue;
            }
            named += 1;
            let found = sources.iter().any(|source| source.ends_with(word));
            assert!(found, "{} names {word}, which is not there", page.display());
        }
    }
    assert!(named > 50, "{named} files were named");
}

#[test]
fn the_table_lists_each_layer_below_those_that_import_it() {
    for (place, (name, allowed)) in LAYERS.iter().enumerate() {
        for import in *allowed {
            let below = LAYERS.iter().position(|(layer, _)| layer == import);
            assert!(
                below.is_some_and(|below| below < place),
                "{name} imports {import}, which is not below it"
            );
        }
    }
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    for text in [
        "use crate::api::Thing;",
        "use crate::{\n    domain::Seq,\n    api::{self, error::ApiError},\n};",
        "fn f() -> crate::api::Thing { todo() }",
        "use mesej::api;",
        "use super::super::api::Thing;",
    ] {
        assert_eq!(
            problems("src/store/memory.rs", text),
            ["store must not import api"],
            "{text}"
        );
    }
    assert_eq!(
        problems("src/store.rs", "use super::api;"),
        ["store must not import api"]
    );
    assert_eq!(
        problems("src/store.rs", "use crate::whatsapp::Graph;"),
        ["store must not import whatsapp"]
    );
}

#[test]
fn what_is_allowed_is_left_alone() {
    for (path, text) in [
        (
            "src/actors/lane.rs",
            "use crate::store::Store;\nuse super::messages::Send;",
        ),
        (
            "src/api/ws/session.rs",
            "use actix_web_actors::ws;\nuse crate::actors::feed::Feed;",
        ),
        (
            "src/domain/ids.rs",
            "//! See [`crate::app`].\nconst A: &str = \"crate::api\"; /* crate::api */",
        ),
        (
            "src/store/fjall/codec.rs",
            "use super::super::derive;\nuse super::keys;\nuse fjall::Keyspace;",
        ),
        (
            "src/actors/lane/tests/faulty.rs",
            "use crate::store::memory::MemoryStore;",
        ),
        ("src/app/demo.rs", "use mesej_simulator;"),
        ("src/app.rs", "use crate::store::fjall::FjallStore;"),
        (
            "src/actors/lane.rs",
            "#[cfg(test)]\nmod tests { use crate::store::memory::MemoryStore; }",
        ),
        ("tests/it/main.rs", "use mesej_simulator;\nuse actix_web::App;"),
        ("src/domain/clock.rs", "fn f<'a>(x: &'a str) -> char { 'c' }"),
    ] {
        assert_eq!(problems(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn outside_crates_stay_in_their_places() {
    for (path, text) in [
        ("src/actors/lane.rs", "use actix_web::web;"),
        ("src/api/messages.rs", "use actix_web_actors::ws;"),
        ("src/app.rs", "let server = actix_web::HttpServer::new(f);"),
        ("src/ingest.rs", "use fjall::Database;"),
        ("src/actors/lane.rs", "use reqwest::Client;"),
        ("src/api/error.rs", "use mesej_simulator::Faults;"),
    ] {
        assert_eq!(problems(path, text).len(), 1, "{path}: {text}");
    }
    assert_eq!(
        problems("src/actors/lane.rs", "use crate::store::fjall::FjallStore;"),
        ["actors must know the store's trait, not store::fjall::FjallStore"]
    );
}

#[test]
fn long_files_and_empty_names_are_found() {
    assert!(problems("src/domain/a.rs", &"\n".repeat(500)).is_empty());
    assert_eq!(problems("src/domain/a.rs", &"\n".repeat(501)).len(), 1);
    for path in [
        "src/domain/utils.rs",
        "src/domain/common/x.rs",
        "tests/it/helpers.rs",
        "src/domain/mod.rs",
    ] {
        assert_eq!(problems(path, "").len(), 1, "{path}");
    }
    assert_eq!(
        problems("src/extra.rs", ""),
        ["\"extra\" is not in the table of layers"]
    );
}
