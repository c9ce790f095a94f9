//! Files of contacts, in and out, over real sockets.

mod erased;
mod keeping;
mod meaning;
mod wrong;

use serde_json::{Value, json};

use super::*;
use crate::bulk::import::{Import, ImportState};
use crate::bulk::imports::Imports;
use crate::domain::{Clock as _, ContactId, ImportId};
use crate::store::plain::PlainTable;

/// Longer than any import here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

async fn upload(api: &Api, name: &str, file: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/v1/imports?name={name}");
    api.call("POST", &path)
        .header("Content-Type", "text/csv")
        .body(file)
        .send()
        .await
}

fn id(import: &Value) -> String {
    import["import_id"].as_str().unwrap().to_owned()
}

/// Carries imports out until this one is at its end.
async fn ended(api: &Api, import: &str) -> Value {
    ended_by(api, Arc::clone(&api.state.imports), import).await
}

async fn ended_by(api: &Api, imports: Arc<Imports>, import: &str) -> Value {
    let shutdown = Shutdown::default();
    let stop = shutdown.clone();
    let running = actix_web::rt::spawn(async move { imports.run(&shutdown).await });
    let end = async {
        let id = import.parse().unwrap();
        // Not by calls: so many are more than a key may make.
        loop {
            let row = api.state.imports.get(ONE, id).await.unwrap();
            if !matches!(row.state, ImportState::Uploaded | ImportState::Running) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, end).await.unwrap();
    stop.begin();
    running.await.unwrap();
    api.get(&format!("/v1/imports/{import}")).await.json()
}

async fn import(api: &Api, file: impl Into<Vec<u8>>, order: Value) -> Value {
    let uploaded = upload(api, "people.csv", file).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.json());
    let import = id(&uploaded.json());
    let mut start = json!({ "mapping": uploaded.json()["mapping"] });
    let fields = order.as_object().unwrap().clone();
    start.as_object_mut().unwrap().extend(fields);
    let started = api.post(&format!("/v1/imports/{import}/start"), &start).await;
    assert_eq!(started.status, 202, "{}", started.json());
    ended(api, &import).await
}

fn counts(import: &Value) -> [u64; 5] {
    ["rows", "created", "updated", "unchanged", "rejected"].map(|count| import[count].as_u64().unwrap())
}

async fn exported(api: &Api, query: &str) -> String {
    let answer = api.get(&format!("/v1/contacts/export{query}")).await;
    assert_eq!(answer.status, 200, "{query}");
    String::from_utf8(answer.body).unwrap()
}

async fn contact(api: &Api, phone: &str) -> Option<ContactId> {
    let alias = Alias::phone(phone).unwrap();
    let found = api.store.contacts_by_alias(ONE, vec![alias]).await.unwrap();
    found.into_iter().next().unwrap()
}

#[actix_web::test]
async fn a_file_is_looked_at_started_and_read() {
    let api = Api::start().await;
    let file =
        "Phone;Full name;Tags;Opt-out;Colour\n0812 3456 780;Ana;vip, new;;red\n0812 3456 781;Bob;;yes;\n";
    let uploaded = upload(&api, "people.csv", file).await;
    assert_eq!(uploaded.status, 201, "{}", uploaded.json());
    let shown = uploaded.json();
    assert_eq!(shown["state"], "uploaded");
    assert_eq!(
        (shown["separator"].as_str(), shown["encoding"].as_str()),
        (Some(";"), Some("utf-8"))
    );
    assert_eq!(
        shown["sample"][0],
        json!(["0812 3456 780", "Ana", "vip, new", "", "red"])
    );
    let mapping = json!({ "Phone": "phone", "Full name": "name", "Tags": "label", "Opt-out": "opted_out", "Colour": "skip" });
    assert_eq!(shown["mapping"], mapping);
    let path = format!("/v1/imports/{}", id(&shown));
    let start = json!({ "mapping": mapping, "default_country": "ID", "labels": ["spring"] });
    let dry = json!({ "mapping": mapping, "default_country": "ID", "dry_run": true });
    for wrong in [
        json!({ "mapping": { "Full name": "name" } }),
        json!({ "mapping": { "Phone": "phone", "Colour": "phone" } }),
        json!({ "mapping": { "No such": "phone" } }),
        json!({ "mapping": { "Phone": "number" } }),
        json!({ "mapping": mapping, "default_country": "Indonesia" }),
        json!({ "mapping": mapping, "labels": [""] }),
    ] {
        let refused = api.post(&format!("{path}/start"), &wrong).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{wrong}");
    }
    assert_eq!(api.post(&format!("{path}/start"), &dry).await.status, 202);
    let again = api.post(&format!("{path}/start"), &start).await;
    assert_eq!(again.outcome(), (409, "import_started".to_owned()));
    let done = ended(&api, &id(&shown)).await;
    assert_eq!(
        (done["state"].as_str(), counts(&done)),
        (Some("done"), [2, 2, 0, 0, 0])
    );
    assert_eq!(
        contact(&api, "628123456780").await,
        None,
        "a dry run changes nothing"
    );
    assert_eq!(
        api.post(&format!("{path}/start"), &start).await.status,
        202,
        "the file is there still"
    );
    let done = ended(&api, &id(&shown)).await;
    assert_eq!(
        (done["state"].as_str(), counts(&done)),
        (Some("done"), [2, 2, 0, 0, 0])
    );
    assert_eq!(done["bytes_read"], done["bytes"]);
    let ana = contact(&api, "628123456780").await.unwrap();
    let ana = api.store.contact(ONE, ana).await.unwrap().unwrap();
    assert_eq!(ana.shown_name(), Some("Ana"));
    let labels: Vec<&str> = ana.labels.iter().map(|label| label.as_str()).collect();
    assert_eq!(labels, ["new", "spring", "vip"]);
    let bob = contact(&api, "628123456781").await.unwrap();
    assert!(
        api.store
            .contact(ONE, bob)
            .await
            .unwrap()
            .unwrap()
            .opted_out_at
            .is_some()
    );
    let head = api.store.tenant_head(ONE).await.unwrap();
    let events = api.get("/v1/events?after=0").await.json();
    assert_eq!(events["events"], json!([]), "nobody is told of each: {head:?}");
    let again = import(
        &api,
        file,
        json!({ "default_country": "ID", "labels": ["spring"] }),
    )
    .await;
    assert_eq!(counts(&again), [2, 0, 0, 2, 0], "what is there already stays");
    let list = api.get("/v1/imports").await.json();
    assert_eq!(list["imports"].as_array().unwrap().len(), 2);
    assert!(api.state.imports.list(OTHER).await.unwrap().is_empty());
}

#[actix_web::test]
async fn wrong_rows_are_told_one_by_one_and_the_others_count() {
    let api = Api::start().await;
    let mut file = String::from("phone,name,label,owner,opted_out\n");
    for row in 0..600 {
        file.push_str(&match row {
            10 => ",No phone,,,\n".to_owned(),
            20 => "12,Short,,,\n".to_owned(),
            30 => "6.28E+11,Shortened,,,\n".to_owned(),
            40 => format!("+6281234{row:05},{},,,\n", "x".repeat(200)),
            50 => format!("+6281234{row:05},Zoe,\u{200b},,\n"),
            60 => format!("+6281234{row:05},Zoe,,nobody@example.com,\n"),
            70 => format!("+6281234{row:05},Zoe,,,perhaps\n"),
            80 => format!("+6281234{row:05},Zoe,,,,,more\n"),
            90 => format!("+6281234{row:05},{},,,\n", "y".repeat(70_000)),
            100 => "+628123400000,Twice,,,\n".to_owned(),
            _ => format!("+6281234{row:05},Zoe,,,\n"),
        });
    }
    let done = import(&api, file, json!({})).await;
    assert_eq!(counts(&done), [600, 590, 0, 0, 10], "{done}");
    let errors = api.get(&format!("/v1/imports/{}/errors", id(&done))).await;
    assert_eq!(errors.status, 200);
    assert!(
        errors
            .header("content-disposition")
            .unwrap()
            .starts_with("attachment")
    );
    let text = String::from_utf8(errors.body).unwrap();
    let codes: Vec<(&str, &str)> = text
        .lines()
        .skip(1)
        .map(|line| {
            assert!(line.ends_with(",row_refused"), "{line}");
            let mut cells = line.split(',');
            (cells.next().unwrap(), cells.nth(1).unwrap())
        })
        .collect();
    let expected = [
        ("12", "phone_missing"),
        ("22", "phone_without_country"),
        ("32", "phone_shortened"),
        ("42", "name_invalid"),
        ("52", "label_invalid"),
        ("62", "owner_unknown"),
        ("72", "not_a_boolean"),
        ("82", "unreadable"),
        ("92", "unreadable"),
        ("102", "duplicate"),
    ];
    assert_eq!(codes, expected);
    assert_eq!(
        (&done["reasons"]["unreadable"], &done["reasons"]["duplicate"]),
        (&json!(2), &json!(1))
    );
}

#[actix_web::test]
async fn files_come_in_three_encodings_and_two_formats() {
    let api = Api::start().await;
    let text = "phone,name\n+628123456780,Zoë\n";
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let western: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let object = b"{\"phone\":\"+628123456780\",\"name\":\"Zo\xC3\xAB\"}".to_vec();
    for (file, encoding, fate) in [
        (text.as_bytes().to_vec(), "utf-8", [1, 1, 0, 0, 0]),
        (utf16, "utf-16le", [1, 0, 0, 1, 0]),
        (western, "windows-1252", [1, 0, 0, 1, 0]),
        (object, "utf-8", [1, 0, 0, 1, 0]),
    ] {
        let done = import(&api, file, json!({})).await;
        assert_eq!((done["encoding"].as_str(), counts(&done)), (Some(encoding), fate));
    }
}

#[actix_web::test]
async fn an_import_that_was_cut_off_goes_on_and_changes_nothing_twice() {
    let api = Api::start().await;
    let mut file = String::from("phone,name\n");
    for row in 0..500 {
        // Each fifth row is there twice, far from each other; one of them is refused the first time.
        let phone = if row >= 400 { row - 400 } else { row };
        let name = if row == 7 {
            "x".repeat(200)
        } else {
            "Zoe".to_owned()
        };
        file.push_str(&format!("+6281234{phone:05},{name}\n"));
    }
    let whole = import(&api, file.clone(), json!({})).await;
    assert_eq!(counts(&whole), [500, 400, 0, 0, 100]);
    api.clock.advance(Duration::from_secs(1));
    // As it stood after 200 rows, when the process was killed.
    let uploaded = upload(&api, "again.csv", file.clone()).await.json();
    let import: ImportId = id(&uploaded).parse().unwrap();
    let at = file
        .lines()
        .take(201)
        .map(|line| u64::try_from(line.len()).unwrap() + 1)
        .sum();
    let key = Import::at(ONE, import);
    let table = PlainTable::<Import>::of(api.store.as_ref(), api.clock.now());
    let changed = table.change::<crate::store::StoreError>(key, |before| {
        let mut row = before.unwrap().clone();
        row.state = ImportState::Running;
        (row.place.byte, row.place.line) = (at, 202);
        (row.counts.rows, row.counts.created, row.counts.rejected) = (200, 199, 1);
        Ok(Some(row))
    });
    changed.await.unwrap();
    let done = ended(&api, &id(&uploaded)).await;
    assert_eq!(counts(&done), [500, 199, 0, 201, 100], "{done}");
}

#[actix_web::test]
async fn an_import_is_called_off_and_removed() {
    let api = Api::start().await;
    let uploaded = upload(&api, "a.csv", "phone\n+628123456780\n").await.json();
    let path = format!("/v1/imports/{}", id(&uploaded));
    let removed = api.call("DELETE", &path).send().await;
    assert_eq!((removed.status, &removed.json()["state"]), (200, &Value::Null));
    assert_eq!(api.get(&path).await.outcome(), (404, "not_found".to_owned()));
    let uploaded = upload(&api, "b.csv", "phone\n+628123456780\n").await.json();
    let path = format!("/v1/imports/{}", id(&uploaded));
    let start = json!({ "mapping": { "phone": "phone" } });
    assert_eq!(api.post(&format!("{path}/start"), &start).await.status, 202);
    let called_off = api.call("DELETE", &path).send().await;
    assert_eq!(called_off.json()["state"], "cancelled");
    assert_eq!(ended(&api, &id(&uploaded)).await["state"], "cancelled");
    assert_eq!(contact(&api, "628123456780").await, None);
    let of_other = api.plain("DELETE", &path).bearer(&api.other_key).send().await;
    assert_eq!(of_other.outcome(), (404, "not_found".to_owned()));
    assert_eq!(api.call("DELETE", &path).send().await.status, 200);
    assert_eq!(api.get(&path).await.status, 404);
}

#[actix_web::test]
async fn what_is_no_file_of_contacts_is_refused_and_leaves_nothing() {
    let api = Api::start_with(Setup {
        sections: "[imports]\nmax_bytes = \"4 KiB\"\n",
        ..Setup::default()
    })
    .await;
    for empty in ["", "\n\n", "{}"] {
        let refused = upload(&api, "x.csv", empty).await;
        assert_eq!(
            refused.outcome(),
            (400, "invalid_request".to_owned()),
            "{empty:?}"
        );
    }
    let large = "x".repeat(5_000);
    let refused = upload(&api, "x.csv", large.clone()).await;
    assert_eq!(refused.outcome(), (413, "too_large".to_owned()));
    let chunked = api
        .call("POST", "/v1/imports")
        .body(large)
        .chunked(1_000)
        .send()
        .await;
    assert_eq!(chunked.outcome(), (413, "too_large".to_owned()));
    let reads = api.add_key(ONE, &[Scope::Read]).await;
    let refused = api
        .plain("POST", "/v1/imports")
        .bearer(&reads)
        .body("phone\n1\n")
        .send()
        .await;
    assert_eq!(refused.outcome(), (403, "forbidden".to_owned()));
    let workbook = upload(&api, "x.csv", b"PK\x03\x04\0\0".to_vec()).await;
    assert_eq!(workbook.outcome(), (422, "file_type_refused".to_owned()));
    let picture = upload(&api, "x.csv", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n").await;
    assert_eq!(picture.outcome(), (422, "file_type_refused".to_owned()));
    let cards = upload(&api, "x.csv", "BEGIN:VCARD\r\nTEL:+628123456789\r\nEND:VCARD\r\n").await;
    assert_eq!(cards.outcome(), (422, "file_type_refused".to_owned()));
    for n in 0..6 {
        let answer = upload(&api, "x.csv", "phone\n+628123456780\n").await;
        assert_eq!(answer.status, if n < 5 { 201 } else { 422 }, "{n}");
    }
}

#[actix_web::test]
async fn what_is_exported_is_imported_again_and_nothing_changes() {
    let api = Api::start().await;
    let file = "phone,name,label\n+628123456780,\"=Ana, \"\"A\"\"\",\"a\\;b;c\"\n+628123456781,'quoted,\n+628123456782,,vip\n";
    assert_eq!(counts(&import(&api, file, json!({})).await), [3, 3, 0, 0, 0]);
    for query in ["", "?format=csv", "?format=ndjson"] {
        let all = exported(&api, query).await;
        let done = import(&api, all.clone(), json!({})).await;
        assert_eq!(counts(&done), [3, 0, 0, 3, 0], "{query}: {all}");
    }
    assert!(exported(&api, "").await.contains("\"'=Ana, \"\"A\"\"\""));
    let vip = exported(&api, "?filter=label%20%3D%20%22VIP%22").await;
    assert_eq!(vip.lines().count(), 2, "{vip}");
    assert!(vip.contains(",+62 8123456782,"));
    let sends = api.add_key(ONE, &[Scope::Send]).await;
    let refused = api
        .plain("GET", "/v1/contacts/export")
        .bearer(&sends)
        .send()
        .await;
    assert_eq!(refused.outcome(), (403, "forbidden".to_owned()));
    let other = api
        .plain("GET", "/v1/contacts/export?format=ndjson")
        .bearer(&api.other_key)
        .send()
        .await;
    assert_eq!((other.status, other.body.len()), (200, 0));
}

#[actix_web::test]
async fn a_row_about_a_merged_contact_changes_the_card_that_stays() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for (phone, name) in [("+628111111111", "Ana"), ("+628222222222", "Bob")] {
        let body = json!({ "phone": phone, "given_name": name });
        let made = api.post("/v1/contacts", &body).await;
        ids.push(made.json()["id"].as_str().unwrap().to_owned());
    }
    let path = format!("/v1/contacts/{}/merge", ids[0]);
    let merged = api.post(&path, &json!({ "other": ids[1] })).await;
    assert_eq!(merged.status, 200, "{}", merged.json());
    // As it is noted of the contact that was merged, but not of the customer.
    let file = "phone,name,label,opted_out\n+628222222222,Bob,new,yes\n";
    let done = import(&api, file, json!({})).await;
    assert_eq!(counts(&done), [1, 0, 1, 0, 0], "{done}");
    let shown = api.get(&format!("/v1/contacts/{}", ids[0])).await.json();
    let contact = &shown["contact"];
    assert_eq!(
        (&contact["given_name"], &contact["labels"]),
        (&json!("Bob"), &json!(["new"]))
    );
    assert_eq!(contact["opted_out_by"], "business");
    let history = api.get(&format!("/v1/contacts/{}/consents", ids[0])).await.json();
    let history = history["consents"].as_array().unwrap();
    assert_eq!(history.len(), 1, "{history:?}");
    // Two rows about one customer are one too many.
    let file = "phone,name\n+628111111111,Bob\n+628222222222,Ana\n";
    let done = import(&api, file, json!({})).await;
    assert_eq!(counts(&done), [2, 0, 0, 1, 1], "{done}");
    // And who is merged is found by either phone.
    for search in ["search=628222222222", "filter=phone%20%3D%20%22628222222222%22"] {
        let list = api.get(&format!("/v1/contacts?{search}")).await.json();
        assert_eq!(list["contacts"][0]["id"], json!(ids[0]), "{search}");
    }
}
