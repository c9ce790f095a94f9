//! Two contacts that a person of the business takes for one customer, and that is undone.

use mesej_simulator::CustomerSpec;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{CUSTOMER, TestGateway};
use crate::kept::{Kept, on_every_store};

on_every_store! {
    two_contacts_are_one_customer_until_that_is_undone,
}

const OTHER: &str = "6281234567802";

/// The contact of a phone, as lists show it.
async fn found(gateway: &TestGateway, phone: &str) -> Vec<Value> {
    let (status, list) = gateway.get(&format!("/v1/contacts?search={phone}")).await;
    assert_eq!(status, 200, "{list}");
    list["contacts"].as_array().unwrap().clone()
}

async fn two_contacts_are_one_customer_until_that_is_undone(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    gateway.customer_says("hello").await;
    let spec = CustomerSpec {
        phone: Some(OTHER.to_owned()),
        ..CustomerSpec::default()
    };
    gateway.meta.customer(&spec).unwrap();
    gateway.meta.say_text(OTHER, "hello from my other phone").unwrap();
    gateway.in_history("hello from my other phone").await;
    let one = found(&gateway, CUSTOMER).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = found(&gateway, OTHER).await[0]["id"].as_str().unwrap().to_owned();
    for (id, label) in [(&one, "vip"), (&other, "wholesale")] {
        let body = json!({ "labels": { "add": [label] } });
        let (status, _) = gateway
            .ask(Method::PUT, &format!("/v1/contacts/{id}"), &body)
            .await;
        assert_eq!(status, 200);
    }
    let path = format!("/v1/contacts/{one}/merge");
    let (status, merged) = gateway.post(&path, None, &json!({ "other": other })).await;
    assert_eq!(status, 200, "{merged}");
    assert_eq!(merged["contact"]["labels"], json!(["vip", "wholesale"]));
    // One customer, by whichever phone they are looked for, with both conversations.
    for phone in [CUSTOMER, OTHER] {
        let rows = found(&gateway, phone).await;
        assert_eq!((rows.len(), &rows[0]["id"]), (1, &json!(one)));
    }
    let (_, shown) = gateway.get(&format!("/v1/contacts/{other}")).await;
    assert_eq!(shown["contact"]["id"], json!(one));
    assert_eq!(shown["conversations"].as_array().unwrap().len(), 2);
    // Who stops marketing by one phone stopped it by both, and what comes by the other shows the card.
    gateway.meta.say_text(OTHER, "stop").unwrap();
    gateway.in_history("stop").await;
    let (_, shown) = gateway.get(&format!("/v1/contacts/{one}")).await;
    assert_eq!(shown["contact"]["opted_out_by"], "keyword", "{shown}");
    let events = gateway.events().await;
    let told = events.iter().rfind(|event| event["kind"] == "message").unwrap();
    assert_eq!(told["data"]["message"]["content"]["text"]["body"], "stop");
    let (_, inbox) = gateway.get("/v1/conversations").await;
    for conversation in inbox["conversations"].as_array().unwrap() {
        assert_eq!(conversation["contact"]["labels"], json!(["vip", "wholesale"]));
    }
    let undo = format!("/v1/merges/{}/undo", merged["merge_id"].as_str().unwrap());
    let (status, parted) = gateway.post(&undo, None, &json!({})).await;
    assert_eq!(status, 200, "{parted}");
    for (id, phone, label) in [(&one, CUSTOMER, "vip"), (&other, OTHER, "wholesale")] {
        let rows = found(&gateway, phone).await;
        assert_eq!((rows.len(), &rows[0]["id"]), (1, &json!(id)));
        assert_eq!(rows[0]["labels"], json!([label]));
        // It was said while both were one.
        assert_eq!(rows[0]["opted_out_by"], "keyword");
    }
    let (status, _) = gateway.post(&undo, None, &json!({})).await;
    assert_eq!(status, 404);
    gateway.stop().await;
}
