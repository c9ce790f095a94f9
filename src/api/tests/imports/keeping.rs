//! Imports while the store does not answer, while they wait, and after their end.

use serde_json::{Value, json};

use super::super::*;
use super::{counts, ended, ended_by, id, import, upload};
use crate::bulk::import::{Import, ImportState};
use crate::bulk::imports::Imports;
use crate::domain::{Clock as _, ImportId};
use crate::store::StoreErrorKind;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::plain::PlainTable;

/// Imports of the same gateway, over a store with faults.
fn faulty_imports(api: &Api) -> (Arc<FaultyStore>, Arc<Imports>) {
    let process = crate::store::ProcessId::new(1);
    let store = Arc::new(FaultyStore::of_process(process, &Arc::default(), &api.store));
    let config = &api.state.config;
    let (rows, core) = (Arc::clone(&store), Arc::clone(&api.core));
    let imports = Imports::new(
        rows,
        Arc::new(api.clock.clone()),
        core,
        (&config.imports, &config.store),
    );
    (store, Arc::new(imports))
}

#[actix_web::test]
async fn a_store_that_does_not_answer_for_a_while_ends_no_import() {
    let api = Api::start().await;
    let uploaded = upload(&api, "x.csv", "phone\n+628123456780\n").await.json();
    let path = format!("/v1/imports/{}/start", id(&uploaded));
    let start = json!({ "mapping": { "phone": "phone" } });
    assert_eq!(api.post(&path, &start).await.status, 202);
    let (store, imports) = faulty_imports(&api);
    store.plain_faults.lock().unwrap().extend([
        Fault::Refuse(StoreErrorKind::Unavailable),
        Fault::Refuse(StoreErrorKind::Overloaded),
        Fault::LoseAnswer,
    ]);
    *api.core.refusal.lock().unwrap() = Some(crate::actors::request::Refusal::Uncertain);
    let done = ended_by(&api, imports, &id(&uploaded)).await;
    assert_eq!(
        (done["state"].as_str(), counts(&done)),
        (Some("done"), [1, 1, 0, 0, 0]),
        "{done}"
    );
    assert!(store.plain_faults.lock().unwrap().is_empty());
}

#[actix_web::test]
async fn an_import_that_failed_says_why_in_its_own_words_and_is_started_again() {
    let api = Api::start().await;
    let uploaded = upload(&api, "x.csv", "phone\n+628123456780\n").await.json();
    let path = format!("/v1/imports/{}/start", id(&uploaded));
    let start = json!({ "mapping": { "phone": "phone" } });
    assert_eq!(api.post(&path, &start).await.status, 202);
    let (store, imports) = faulty_imports(&api);
    store
        .plain_faults
        .lock()
        .unwrap()
        .push_back(Fault::Refuse(StoreErrorKind::Corrupt));
    let failed = ended_by(&api, imports, &id(&uploaded)).await;
    assert_eq!(failed["state"], "failed");
    let why = failed["error"].as_str().unwrap();
    assert!(
        !why.contains("as the test wants") && why.contains("gateway"),
        "{why}"
    );
    assert_eq!(api.post(&path, &start).await.status, 202);
    let done = ended(&api, &id(&uploaded)).await;
    assert_eq!((counts(&done), &done["error"]), ([1, 0, 0, 1, 0], &Value::Null));
}

#[actix_web::test]
async fn an_import_that_waits_is_not_told_as_lost_while_its_file_is_here() {
    let api = Api::start().await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        let uploaded = upload(&api, "x.csv", "phone\n+628123456780\n").await.json();
        let path = format!("/v1/imports/{}", id(&uploaded));
        let start = json!({ "mapping": { "phone": "phone" } });
        assert_eq!(api.post(&format!("{path}/start"), &start).await.status, 202);
        paths.push(path);
    }
    // None was begun yet, or the store took nothing.
    api.clock.advance(Duration::from_mins(10));
    for path in &paths {
        assert_eq!(api.get(path).await.json()["state"], "running");
    }
    let folder = &api.state.config.imports.path;
    for file in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let lost = api.get(&paths[0]).await.json();
    assert_eq!(lost["state"], "failed");
    assert!(lost["error"].as_str().unwrap().contains("not been heard of"));
}

#[actix_web::test]
async fn what_is_told_of_wrong_rows_takes_no_place_of_files_and_goes_after_a_week() {
    let api = Api::start_with(Setup {
        sections: "[imports]\nmax_files = 1\n",
        ..Setup::default()
    })
    .await;
    let first = import(&api, "phone\n12\n", json!({})).await;
    let errors = format!("/v1/imports/{}/errors", id(&first));
    assert!(!api.get(&errors).await.body.is_empty());
    let second = upload(&api, "x.csv", "phone\n+628123456780\n").await;
    assert_eq!(second.status, 201, "{}", second.json());
    let third = upload(&api, "y.csv", "phone\n+628123456780\n").await;
    assert_eq!(
        third.outcome(),
        (503, "busy".to_owned()),
        "that waits for its start"
    );
    api.call("DELETE", &format!("/v1/imports/{}", id(&second.json())))
        .send()
        .await;
    api.clock.advance(Duration::from_hours(8 * 24));
    import(&api, "phone\n+628123456780\n", json!({})).await;
    assert_eq!(
        api.get(&errors).await.outcome(),
        (409, "import_elsewhere".to_owned())
    );
}

#[actix_web::test]
async fn the_oldest_import_is_forgotten_for_a_new_one() {
    let api = Api::start().await;
    for _ in 0..50 {
        let uploaded = upload(&api, "x.csv", "phone\n+628123456780\n").await;
        assert_eq!(uploaded.status, 201);
        let import: ImportId = id(&uploaded.json()).parse().unwrap();
        let table = PlainTable::<Import>::of(api.store.as_ref(), api.clock.now());
        let ended = table.change::<crate::store::StoreError>(Import::at(ONE, import), |before| {
            let state = ImportState::Cancelled;
            Ok(before.map(|before| Import {
                state,
                ..before.clone()
            }))
        });
        ended.await.unwrap();
        api.clock.advance(Duration::from_secs(1));
    }
    let before = api.get("/v1/imports").await.json();
    assert_eq!(before["imports"].as_array().unwrap().len(), 50);
    let newest = upload(&api, "new.csv", "phone\n+628123456780\n").await.json();
    let after = api.get("/v1/imports").await.json();
    let after: Vec<&Value> = after["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["import_id"])
        .collect();
    assert_eq!((after.len(), after[0]), (50, &newest["import_id"]));
    assert!(!after.contains(&&before["imports"][49]["import_id"]));
}
