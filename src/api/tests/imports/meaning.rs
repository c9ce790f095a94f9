//! What columns and cells are taken for, and what comes of those that make no sense.

use serde_json::{Value, json};

use super::super::*;
use super::{contact, counts, ended, id, import, upload};

#[actix_web::test]
async fn refused_rows_come_back_with_why_and_are_taken_once_they_are_corrected() {
    let api = Api::start().await;
    let file = "phone;name;remark\n+628123456780;Ana;x\n12;\"Bob; \"\"B\"\"\";'=1\n+628123456780;Again;\n";
    let done = import(&api, file, json!({})).await;
    assert_eq!(counts(&done), [3, 1, 0, 0, 2]);
    let rows = api
        .get(&format!("/v1/imports/{}/errors?of=rows", id(&done)))
        .await;
    let text = String::from_utf8(rows.body).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "\u{feff}phone,name,remark,reason");
    assert!(lines[1].starts_with("12,\"Bob; \"\"B\"\"\",'=1,"), "{text}");
    assert!(
        lines[2].ends_with(",the file has this contact in an earlier row"),
        "{text}"
    );
    let corrected = text.replace("\n12,", "\n+628123456781,");
    let again = import(&api, corrected, json!({})).await;
    assert_eq!(
        (counts(&again), &again["mapping"]["reason"]),
        ([2, 1, 1, 0, 0], &json!("skip"))
    );
    let wrong = api
        .get(&format!("/v1/imports/{}/errors?of=columns", id(&done)))
        .await;
    assert_eq!(wrong.outcome(), (400, "invalid_request".to_owned()));
}

#[actix_web::test]
async fn cells_that_make_no_sense_are_left_out_where_that_is_wanted() {
    let api = Api::start().await;
    let attribute = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    for (key, kind) in [("born", "date"), ("spent", "number")] {
        let made = api
            .call("PUT", &format!("/v1/attributes/{key}"))
            .json(&attribute(key, kind))
            .send()
            .await;
        assert_eq!(made.status, 201);
    }
    let file = "phone;born;spent\n+628123456780;03/02/1990;1.200,50\n+628123456781;31/02/1990;lots\n";
    let strict = import(&api, file, json!({ "dry_run": true })).await;
    assert_eq!(
        (counts(&strict), &strict["bad_cells"]),
        ([2, 0, 0, 0, 2], &json!("reject_row"))
    );
    let order = json!({ "bad_cells": "leave_out", "date_format": "dmy", "decimal": "comma" });
    let done = import(&api, file, order).await;
    assert_eq!((counts(&done), &done["left_out"]), ([2, 2, 0, 0, 0], &json!(2)));
    assert_eq!(done["reasons"], json!({ "not_a_date": 1, "not_a_number": 1 }));
    let errors = api.get(&format!("/v1/imports/{}/errors", id(&done))).await;
    let errors = String::from_utf8(errors.body).unwrap();
    assert_eq!(
        errors
            .lines()
            .filter(|line| line.ends_with(",cell_left_out"))
            .count(),
        2
    );
    let ana = contact(&api, "628123456780").await.unwrap();
    let shown = api.get(&format!("/v1/contacts/{ana}")).await.json();
    let expected = json!({ "born": "1990-02-03", "spent": 1200.5 });
    assert_eq!(shown["contact"]["attributes"], expected);
    for wrong in [
        json!({ "bad_cells": "all" }),
        json!({ "date_format": "ydm" }),
        json!({ "decimal": "," }),
    ] {
        let uploaded = upload(&api, "x.csv", file).await.json();
        let mut start = json!({ "mapping": uploaded["mapping"] });
        start
            .as_object_mut()
            .unwrap()
            .extend(wrong.as_object().unwrap().clone());
        let path = format!("/v1/imports/{}", id(&uploaded));
        let refused = api.post(&format!("{path}/start"), &start).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{wrong}");
        api.call("DELETE", &path).send().await;
    }
}

#[actix_web::test]
async fn a_column_becomes_an_attribute_when_the_import_is_started_and_not_when_it_is_tried() {
    let api = Api::start().await;
    let file = "phone,City,Spent\n+628123456780,Jakarta,5\n";
    let uploaded = upload(&api, "x.csv", file).await.json();
    let path = format!("/v1/imports/{}/start", id(&uploaded));
    let mapping =
        json!({ "phone": "phone", "City": "attribute.new:City", "Spent": "attribute.new.number:Spent" });
    let attributes = async || api.get("/v1/attributes").await.json()["attributes"].clone();
    let tried = api
        .post(&path, &json!({ "mapping": mapping, "dry_run": true }))
        .await;
    assert_eq!(tried.status, 202, "{}", tried.json());
    let tried = ended(&api, &id(&uploaded)).await;
    assert_eq!((counts(&tried), attributes().await), ([1, 1, 0, 0, 0], json!([])));
    let twice = json!({ "phone": "phone", "City": "attribute.new:City", "Spent": "attribute.new:city" });
    let refused = api.post(&path, &json!({ "mapping": twice })).await;
    assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(api.post(&path, &json!({ "mapping": mapping })).await.status, 202);
    let done = ended(&api, &id(&uploaded)).await;
    assert_eq!(counts(&done), [1, 1, 0, 0, 0]);
    assert_eq!(done["mapping"]["Spent"], "attribute.spent");
    let there = attributes().await;
    let kinds: Vec<(&Value, &Value)> = there
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["key"], &one["type"]))
        .collect();
    assert_eq!(
        kinds,
        [
            (&json!("city"), &json!("text")),
            (&json!("spent"), &json!("number"))
        ]
    );
    let ana = contact(&api, "628123456780").await.unwrap();
    let shown = api.get(&format!("/v1/contacts/{ana}")).await.json();
    assert_eq!(
        shown["contact"]["attributes"],
        json!({ "city": "Jakarta", "spent": 5 })
    );
}

#[actix_web::test]
async fn phones_without_a_country_are_of_the_country_of_the_business() {
    let api = Api::start().await;
    let number = json!({
        "phone_number_id": "101", "waba_id": "102290129340398", "display_phone_number": "+62 812-3456-789",
        "access_token": "EAAG-secret",
    });
    let numbers = format!("/v1/admin/tenants/{ONE}/numbers");
    assert_eq!(
        api.as_admin("POST", &numbers).json(&number).send().await.status,
        201
    );
    let uploaded = upload(&api, "x.csv", "phone\n0812 3456 780\n").await.json();
    assert_eq!(uploaded["default_country"], "ID");
    let done = import(&api, "phone\n0812 3456 780\n", json!({})).await;
    assert_eq!(
        (counts(&done), &done["default_country"]),
        ([1, 1, 0, 0, 0], &json!("ID"))
    );
    let none = import(&api, "phone\n0812 3456 780\n", json!({ "default_country": null })).await;
    assert_eq!(
        (counts(&none), &none["default_country"]),
        ([1, 0, 0, 0, 1], &Value::Null)
    );
}
