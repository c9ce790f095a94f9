use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::actors::request::Receipt;
use crate::domain::Seq;

async fn many(api: &Api, count: u64) {
    for n in 0..count {
        api.customer_writes(ONE, &format!("62812000{n:03}"), &format!("halo {n}"))
            .await;
        api.clock.advance(Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn pages_show_every_conversation_once_newest_first() {
    let api = Api::start().await;
    many(&api, 7).await;
    let mut seen = Vec::new();
    let mut path = "/v1/conversations?limit=3".to_owned();
    loop {
        let page = api.get(&path).await.json();
        assert_eq!(page["as_of_seq"], api.core.head_seq(ONE));
        assert_eq!(page["epoch"], "000000000000abc1");
        let rows = page["conversations"].as_array().unwrap();
        assert!(rows.len() <= 3);
        seen.extend(rows.iter().map(|row| row["preview"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/conversations?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..7).rev().map(|n| format!("halo {n}")).collect();
    assert_eq!(seen, expected);
}

#[actix_web::test]
async fn a_conversation_carries_its_contact() {
    let api = Api::start().await;
    let id = api.conversation_of(ONE, "628123456789").await;
    let shown = api.get(&format!("/v1/conversations/{id}")).await.json();
    assert_eq!(shown["id"], id.to_string());
    assert_eq!(shown["contact"]["phone"], "628123456789");
    assert_eq!(shown["contact"]["name"], "Siti");
    let listed = api.get("/v1/conversations").await.json()["conversations"][0].clone();
    assert_eq!(listed, shown);
}

#[actix_web::test]
async fn a_list_shows_only_what_its_filter_asks_for() {
    let api = Api::start().await;
    many(&api, 3).await;
    let all = api.get("/v1/conversations").await.json();
    let id = all["conversations"][1]["id"].as_str().unwrap().to_owned();
    let done = api
        .post(
            &format!("/v1/conversations/{id}/status"),
            &json!({ "status": "resolved" }),
        )
        .await;
    assert_eq!(done.status, 200);
    let ids = |list: Value| -> BTreeSet<String> {
        let rows = list["conversations"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids(api.get("/v1/conversations?status=resolved").await.json()),
        BTreeSet::from([id.clone()])
    );
    assert_eq!(
        ids(api.get("/v1/conversations?status=open").await.json()).len(),
        2
    );
    assert_eq!(ids(api.get("/v1/conversations?number=999").await.json()).len(), 0);
    assert_eq!(
        ids(api
            .get(&format!("/v1/conversations?number={}", number(ONE)))
            .await
            .json())
        .len(),
        3
    );
    for bad in [
        "status=done",
        "number=a%20b",
        "limit=0",
        "limit=101",
        "cursor=x",
        "page=2",
        "status=open&status=open",
    ] {
        assert_eq!(
            api.get(&format!("/v1/conversations?{bad}")).await.outcome().0,
            400,
            "{bad}"
        );
    }
    let page = api.get("/v1/conversations?status=open&limit=1").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let elsewhere = api
        .get(&format!("/v1/conversations?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(elsewhere.status, 400, "a cursor belongs to its filter");
}

#[actix_web::test]
async fn messages_are_paged_backwards_from_the_newest() {
    let api = Api::start().await;
    let id = api.conversation_of(ONE, "628123456789").await;
    for n in 1..=4 {
        api.clock.advance(Duration::from_secs(1));
        api.customer_writes(ONE, "628123456789", &format!("halo {n}"))
            .await;
    }
    let path = format!("/v1/conversations/{id}/messages?limit=2");
    let first = api.get(&path).await.json();
    let texts = |page: &Value| -> Vec<String> {
        let rows = page["messages"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["content"]["text"]["body"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(texts(&first), ["halo 4", "halo 3"]);
    let second = api
        .get(&format!(
            "{path}&before={}",
            first["next_cursor"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(texts(&second), ["halo 2", "halo 1"]);
    let last = api
        .get(&format!(
            "{path}&before={}",
            second["next_cursor"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(
        (texts(&last), &last["next_cursor"]),
        (vec!["halo".to_owned()], &Value::Null)
    );
}

#[actix_web::test]
async fn the_position_is_read_before_the_rows() {
    let api = Api::start().await;
    many(&api, 1).await;
    let before = api.core.head_seq(ONE);
    // The ask for the position is refused: no rows may be shown without it.
    *api.core.refusal.lock().unwrap() = Some(crate::actors::request::Refusal::Busy);
    assert_eq!(api.get("/v1/conversations").await.code(), "busy");
    assert_eq!(api.get("/v1/conversations").await.json()["as_of_seq"], before);
}

#[actix_web::test]
async fn agents_work_on_a_conversation_is_kept_and_shown() {
    let api = Api::start().await;
    let id = api.conversation_of(ONE, "628123456789").await;
    let post = |what: &str, body: Value| {
        let path = format!("/v1/conversations/{id}/{what}");
        let call = api.call("POST", &path).json(&body);
        async move { call.send().await }
    };
    assert_eq!(
        post("assign", json!({ "agent": "ana" })).await.json()["assignee"],
        "ana"
    );
    assert!(
        post("assign", json!({ "agent": null }))
            .await
            .json()
            .get("assignee")
            .is_none()
    );
    assert_eq!(
        post("labels", json!({ "add": ["vip", "new"] })).await.json()["labels"],
        json!(["new", "vip"])
    );
    assert_eq!(
        post("labels", json!({ "remove": ["new"] })).await.json()["labels"],
        json!(["vip"])
    );
    assert_eq!(
        post("status", json!({ "status": "pending" })).await.json()["status"],
        "pending"
    );
    assert_eq!(post("read", json!({})).await.json()["unread"], 0);
    for (what, body) in [
        ("assign", json!({})),
        ("assign", json!({ "agent": "Not An Agent" })),
        ("labels", json!({ "add": [" "] })),
        ("labels", json!({ "plus": ["vip"] })),
        ("status", json!({ "status": "closed" })),
        ("read", json!({ "receipt": "yes" })),
        ("notes", json!({ "text": "  " })),
        ("notes", json!({})),
    ] {
        assert_eq!(
            post(what, body.clone()).await.code(),
            "invalid_request",
            "{what} {body}"
        );
    }
}

#[actix_web::test]
async fn the_customer_is_told_only_what_was_asked_for() {
    let api = Api::start().await;
    let id = api.conversation_of(ONE, "628123456789").await;
    let path = format!("/v1/conversations/{id}/read");
    for body in [
        json!({}),
        json!({ "receipt": true }),
        json!({ "receipt": true, "typing": true, "last_seen_seq": 3 }),
    ] {
        assert_eq!(api.post(&path, &body).await.status, 200);
    }
    assert_eq!(
        api.call("POST", &path).send().await.status,
        200,
        "an empty body is an empty object"
    );
    let told = api.core.receipts.lock().unwrap().clone();
    assert_eq!(
        told,
        [
            (ONE, id, None, Receipt::Read),
            (ONE, id, Some(Seq::new(3)), Receipt::ReadAndTyping)
        ]
    );
}

#[actix_web::test]
async fn a_note_is_added_once_per_key_and_conversation() {
    let api = Api::start().await;
    let one = api.conversation_of(ONE, "628123456789").await;
    let two = api.conversation_of(ONE, "628111111111").await;
    api.clock.advance(Duration::from_secs(1));
    let note = |id| {
        let path = format!("/v1/conversations/{id}/notes");
        api.call("POST", &path)
            .header("Idempotency-Key", "n1")
            .json(&json!({ "text": "asks for a discount" }))
    };
    let first = note(one).send().await;
    assert_eq!(
        (first.status, first.json()["conversation_id"].clone()),
        (201, json!(one))
    );
    let again = note(one).send().await;
    assert_eq!(
        (again.json(), again.header("idempotent-replayed")),
        (first.json(), Some("true"))
    );
    assert_eq!(
        note(two).send().await.outcome(),
        (422, "idempotency_mismatch".to_owned())
    );
    let messages = api.get(&format!("/v1/conversations/{one}/messages")).await.json();
    assert_eq!(
        messages["messages"][0]["content"],
        json!({ "type": "note", "note": { "body": "asks for a discount" } })
    );
    assert_eq!(messages["messages"][0]["direction"], "note");
}
