//! Customers who are erased while a file that names them is imported.

use serde_json::json;

use super::super::*;
use super::{contact, counts, ended, id, upload};
use crate::store::plain::PlainTable;
use crate::store::tables::ContactErasure;

#[actix_web::test]
async fn no_row_of_a_file_brings_back_who_was_erased_since_its_import_began() {
    let api = Api::start().await;
    let file = "phone,name\n628120001001,Ana\n628120001002,Bob\n";
    let uploaded = upload(&api, "people.csv", file).await;
    let import = id(&uploaded.json());
    let start = json!({ "mapping": { "phone": "phone", "name": "name" } });
    let started = api.post(&format!("/v1/imports/{import}/start"), &start).await;
    assert_eq!(started.status, 202, "{}", started.json());
    let aliases = ContactAliases::of([Alias::phone("628120001001").unwrap()]);
    let ana = aliases.new_contact_id(ONE).unwrap();
    let row = crate::domain::Contact::new(ana, &aliases, NOW);
    let (place, erased) = ContactErasure::new(ONE, ana, &[row], NOW).ended(NOW);
    let table = PlainTable::<ContactErasure>::of(api.store.as_ref(), NOW);
    assert!(table.replace(&place, None, Some(&erased)).await.unwrap());
    let done = ended(&api, &import).await;
    assert_eq!(counts(&done), [2, 1, 0, 0, 1], "{done}");
    assert_eq!(done["reasons"], json!({ "erased": 1 }));
    assert_eq!(contact(&api, "628120001001").await, None);
    assert!(contact(&api, "628120001002").await.is_some());
}
