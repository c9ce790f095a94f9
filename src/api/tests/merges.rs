//! Contacts that are merged, what they agreed to, and who is blocked.

use serde_json::{Value, json};

use super::contacts::add_number;
use super::*;

const ADA: &str = "628111111111";
const BOB: &str = "628222222222";

async fn made(api: &Api, phone: &str, more: Value) -> String {
    let mut body = json!({ "phone": phone });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let made = api.post("/v1/contacts", &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn put(api: &Api, path: &str, body: Value) -> Answer {
    api.call("PUT", path).json(&body).send().await
}

#[actix_web::test]
async fn two_contacts_are_merged_shown_as_one_and_parted_again() {
    let api = Api::start().await;
    add_number(&api).await;
    let ada = made(&api, ADA, json!({ "labels": ["vip"] })).await;
    let bob = made(
        &api,
        BOB,
        json!({ "given_name": "Pak Bob", "labels": ["wholesale"] }),
    )
    .await;
    let talk = api.conversation_of(ONE, BOB).await.to_string();
    let at = format!("/v1/contacts/{ada}/merge");
    let merged = api.post(&at, &json!({ "other": bob })).await;
    assert_eq!(merged.status, 200, "{}", merged.json());
    let merged = merged.json();
    assert_eq!(merged["contact"]["labels"], json!(["vip", "wholesale"]));
    assert_eq!(merged["contact"]["given_name"], "Pak Bob");
    // Either id leads to the one card and to all conversations.
    for id in [&ada, &bob] {
        let shown = api.get(&format!("/v1/contacts/{id}")).await.json();
        assert_eq!(shown["contact"]["id"], json!(ada));
        assert_eq!(shown["conversations"][0]["id"], json!(talk));
    }
    let list = api.get("/v1/contacts").await.json();
    assert_eq!(list["contacts"].as_array().unwrap().len(), 1);
    let inbox = api.get("/v1/conversations").await.json();
    assert_eq!(inbox["conversations"][0]["contact"]["given_name"], "Pak Bob");
    assert_eq!(inbox["conversations"][0]["contact"]["merged_into"], json!(ada));

    let again = api.post(&at, &json!({ "other": bob })).await;
    assert_eq!(again.outcome(), (400, "invalid_request".to_owned()));
    let none = api.post(&at, &json!({ "other": "0".repeat(32) })).await;
    assert_eq!(none.outcome(), (404, "not_found".to_owned()));

    let merges = api.get(&format!("/v1/merges?contact={bob}")).await.json();
    let merge = &merges["merges"][0];
    assert_eq!((&merge["contact"], &merge["other"]), (&json!(ada), &json!(bob)));
    assert_eq!(merge["merge_id"], merged["merge_id"]);
    let undo = format!("/v1/merges/{}/undo", merge["merge_id"].as_str().unwrap());
    let parted = api.post(&undo, &json!({})).await;
    assert_eq!(parted.status, 200, "{}", parted.json());
    let contacts = parted.json()["contacts"].clone();
    assert_eq!(contacts[0]["labels"], json!(["vip"]));
    assert_eq!(contacts[1]["labels"], json!(["wholesale"]));
    assert_eq!(api.post(&undo, &json!({})).await.status, 404);
    let merges = api.get(&format!("/v1/merges?contact={ada}")).await.json();
    assert_eq!(merges["merges"], json!([]));
}

#[actix_web::test]
async fn a_merge_can_be_undone_for_a_month() {
    let api = Api::start().await;
    let ada = made(&api, ADA, json!({})).await;
    let bob = made(&api, BOB, json!({})).await;
    let merged = api
        .post(&format!("/v1/contacts/{ada}/merge"), &json!({ "other": bob }))
        .await;
    let undo = format!("/v1/merges/{}/undo", merged.json()["merge_id"].as_str().unwrap());
    api.clock.advance(std::time::Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(api.post(&undo, &json!({})).await.status, 404);
}

#[actix_web::test]
async fn contacts_that_may_be_one_are_proposed_once() {
    let api = Api::start().await;
    let ada = made(&api, "6281234567890", json!({})).await;
    // The same line with another country's way of writing it, and one that only ends a little alike.
    let twin = made(&api, "6081234567890", json!({ "given_name": "Ada" })).await;
    made(&api, "628990567890", json!({})).await;
    let found = api.get("/v1/contacts/duplicates").await;
    assert_eq!(found.status, 200, "{}", found.json());
    let found = found.json();
    let proposals = found["proposals"].as_array().unwrap();
    assert_eq!(proposals.len(), 1, "{found}");
    assert_eq!(proposals[0]["why"], "phone");
    let ids: Vec<_> = proposals[0]["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].clone())
        .collect();
    assert!(ids.contains(&json!(ada)) && ids.contains(&json!(twin)));
    assert_eq!(found["next_cursor"], Value::Null);
}

#[actix_web::test]
async fn a_consent_is_recorded_with_its_proof_and_holds() {
    let api = Api::start().await;
    let ada = made(&api, ADA, json!({})).await;
    let at = format!("/v1/contacts/{ada}/consents");
    let body = json!({ "state": "withdrawn", "source": "letter", "proof": "scan 17" });
    let put_it = put(&api, &format!("{at}/marketing"), body).await;
    assert_eq!(put_it.status, 200, "{}", put_it.json());
    let contact = put_it.json();
    assert_eq!(contact["consents"]["marketing"]["state"], "withdrawn");
    assert_eq!(contact["opted_out_by"], "business");
    let offer = json!({ "to": ADA, "type": "text", "text": { "body": "x" }, "category": "marketing" });
    assert_eq!(api.post("/v1/messages", &offer).await.outcome().0, 422);
    api.clock.advance(std::time::Duration::from_secs(1));
    put(
        &api,
        &format!("{at}/marketing"),
        json!({ "state": "given", "source": "form" }),
    )
    .await;
    put(
        &api,
        &format!("{at}/surveys"),
        json!({ "state": "given", "source": "form" }),
    )
    .await;
    let history = api.get(&at).await.json();
    let history = history["consents"].as_array().unwrap();
    assert_eq!(history.len(), 3);
    let first = history.last().unwrap();
    assert_eq!(
        (&first["proof"], &first["state"]),
        (&json!("scan 17"), &json!("withdrawn"))
    );
    assert_eq!(first["by"]["kind"], "api");
    for (purpose, body) in [
        ("Marketing", json!({ "state": "given", "source": "x" })),
        ("marketing", json!({ "state": "maybe", "source": "x" })),
        ("marketing", json!({ "state": "given" })),
        (
            "marketing",
            json!({ "state": "given", "source": "x", "proof": " " }),
        ),
    ] {
        let refused = put(&api, &format!("{at}/{purpose}"), body.clone()).await;
        assert_eq!(refused.outcome().0, 400, "{purpose} {body}");
    }
}

#[actix_web::test]
async fn a_contact_is_blocked_once_meta_says_so() {
    let api = Api::start().await;
    add_number(&api).await;
    let ada = made(&api, ADA, json!({})).await;
    let at = format!("/v1/contacts/{ada}/block");
    let number = json!({ "phone_number_id": number(ONE) });
    let blocked = put(&api, &at, number.clone()).await;
    assert_eq!(blocked.status, 200, "{}", blocked.json());
    assert_eq!(blocked.json()["blocked_on"], json!([number["phone_number_id"]]));
    let lifted = api.call("DELETE", &at).json(&number).send().await;
    assert_eq!(lifted.status, 200, "{}", lifted.json());
    assert_eq!(lifted.json().get("blocked_on"), None);
    let unknown = put(&api, &at, json!({ "phone_number_id": "999" })).await;
    assert_eq!(unknown.outcome(), (422, "unknown_number".to_owned()));
    // Who wrote long ago cannot be blocked, and is not shown to be.
    let silent = made(&api, "628100000047", json!({})).await;
    let refused = put(&api, &format!("/v1/contacts/{silent}/block"), number).await;
    assert_eq!(refused.outcome(), (422, "meta_refused".to_owned()));
    let shown = api.get(&format!("/v1/contacts/{silent}")).await.json();
    assert_eq!(shown["contact"].get("blocked_on"), None);
}
