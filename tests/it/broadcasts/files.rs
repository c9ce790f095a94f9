//! Broadcasts to the rows of a file.

use mesej_simulator::control::SendQuery;
use reqwest::Method;
use serde_json::{Value, json};

use super::{definition, launched, made, phone, planned, recipients, sends, shown, started};
use crate::gateway::until;
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_file_is_planned_row_by_row_and_sent_with_its_own_words,
}

async fn a_file_is_planned_row_by_row_and_sent_with_its_own_words(kept: Kept) {
    let gateway = started(kept, 200).await;
    let column = json!({ "from": "column", "key": "Off" });
    let whole = definition(&json!({ "type": "upload" }), &column);
    let mut begun = whole.clone();
    begun.as_object_mut().unwrap().remove("template");
    let path = made(&gateway, &begun).await;
    let (status, answer) = gateway.post(&format!("{path}/plan"), None, &json!({})).await;
    assert_eq!(status, 400, "it has no template yet: {answer}");
    let draft = shown(&gateway, &path).await;
    assert_eq!((&draft["template"], &draft["version"]), (&Value::Null, &json!(1)));
    let mut changed = whole;
    changed["version"] = json!(1);
    let (status, answer) = gateway.ask(Method::PUT, &path, &changed).await;
    assert_eq!(status, 200, "{answer}");
    let file = format!(
        "No HP;Off\n+{};5%\n+{};\nnot a phone;5%\n+{};10%\n+{};20%\n",
        phone(1),
        phone(2),
        phone(1),
        phone(4)
    );
    let upload = async |file: String| {
        let request = gateway
            .client
            .put(format!("{}{path}/audience", gateway.base))
            .bearer_auth(&gateway.key)
            .body(file);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = upload("nothing;here\n1;2\n".to_owned()).await;
    assert_eq!(status, 400, "{answer}");
    let (status, answer) = upload(file).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["broadcast"]["upload"]["rows"], 5);
    assert_eq!(answer["broadcast"]["upload"]["phone"], "No HP");
    let ready = planned(&gateway, &path).await;
    assert_eq!(ready["plan"]["recipients"], 2, "{ready}");
    let why = json!({ "variable_missing": 1, "phone_invalid": 1, "duplicate": 1 });
    assert_eq!(ready["plan"]["suppressed"], why);
    launched(&gateway, &path).await;
    until("both read it", || async {
        let shown = shown(&gateway, &path).await;
        (shown["state"] == "done" && shown["counts"]["outcomes"]["read"] == 2).then_some(())
    })
    .await;
    let says = |text: &str| {
        let query = SendQuery {
            to: Some(phone(4)),
            contains: Some(text.to_owned()),
            ..SendQuery::default()
        };
        gateway.meta.sends(&query).len()
    };
    assert_eq!(
        (
            sends(&gateway, &phone(4)),
            says("friend"),
            says("20%"),
            says("5%")
        ),
        (1, 1, 1, 0)
    );
    let reached = recipients(&gateway, &path, "&outcome=read").await;
    let new: Vec<&Value> = reached.iter().filter(|one| one["phone"] == phone(4)).collect();
    assert!(
        new[0]["contact_id"].is_string(),
        "whoever was no contact is one now: {reached:?}"
    );
    let told = recipients(&gateway, &path, "&outcome=suppressed").await;
    let lines: Vec<(u64, &str)> = told
        .iter()
        .map(|one| (one["line"].as_u64().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [(3, "variable_missing"), (4, "phone_invalid"), (5, "duplicate")]
    );
    gateway.stop().await;
}
