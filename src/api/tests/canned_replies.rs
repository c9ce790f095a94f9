use serde_json::{Value, json};

use super::*;

const ALL: &str = "/v1/canned-replies";

async fn put(api: &Api, shortcut: &str, text: &str) -> Answer {
    let body = json!({ "text": text });
    api.call("PUT", &format!("{ALL}/{shortcut}"))
        .json(&body)
        .send()
        .await
}

fn shortcuts(list: &Value) -> Vec<&str> {
    let all = list["canned_replies"].as_array().unwrap();
    all.iter()
        .map(|reply| reply["shortcut"].as_str().unwrap())
        .collect()
}

#[actix_web::test]
async fn a_canned_reply_is_added_replaced_listed_and_deleted() {
    let api = Api::start().await;
    let added = put(&api, "hours", "We are open from 9 to 5.").await;
    assert_eq!(added.status, 201, "{}", added.json());
    let first = added.json();
    assert_eq!(first["text"], "We are open from 9 to 5.");
    assert_eq!(first["changed_by"]["kind"], "api");
    api.clock.advance(std::time::Duration::from_secs(5));
    let again = put(&api, "hours", "We are open from 9 to 5.").await;
    assert_eq!((again.status, again.json()), (200, first.clone()));
    let other = put(&api, "hours", "We are closed.").await;
    assert_eq!(other.status, 200);
    assert_ne!(other.json()["changed_at"], first["changed_at"]);
    assert_eq!(put(&api, "a", "Hi!\n\nHow can we help?").await.status, 201);
    let list = api.get(ALL).await.json();
    assert_eq!(shortcuts(&list), ["a", "hours"]);
    assert_eq!(list["next_cursor"], Value::Null);
    assert_eq!(list["canned_replies"][1]["text"], "We are closed.");
    let gone = api.call("DELETE", &format!("{ALL}/hours")).send().await;
    assert_eq!((gone.status, gone.json()), (200, json!({ "shortcut": "hours" })));
    let again = api.call("DELETE", &format!("{ALL}/hours")).send().await;
    assert_eq!(again.outcome(), (404, "not_found".to_owned()));
    assert_eq!(shortcuts(&api.get(ALL).await.json()), ["a"]);
}

#[actix_web::test]
async fn the_list_is_paged_by_shortcut() {
    let api = Api::start().await;
    for n in 0..5 {
        put(&api, &format!("r{n}"), "x").await;
    }
    let first = api.get(&format!("{ALL}?limit=3")).await.json();
    assert_eq!(shortcuts(&first), ["r0", "r1", "r2"]);
    let next = first["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("{ALL}?limit=3&cursor={next}")).await.json();
    assert_eq!(
        (shortcuts(&second), &second["next_cursor"]),
        (vec!["r3", "r4"], &Value::Null)
    );
    let odd = api.get(&format!("{ALL}?cursor=A%20b")).await;
    assert_eq!(odd.outcome(), (400, "invalid_request".to_owned()));
}

#[actix_web::test]
async fn what_cannot_be_a_canned_reply_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    for (shortcut, body) in [
        ("Hours", json!({ "text": "x" })),
        ("h.s", json!({ "text": "x" })),
        ("hours", json!({ "text": "" })),
        ("hours", json!({ "text": " \n" })),
        ("hours", json!({ "text": "a\u{0}b" })),
        ("hours", json!({ "text": "x".repeat(4_097) })),
        ("hours", json!({})),
        ("hours", json!({ "text": "x", "name": "y" })),
    ] {
        let answer = api
            .call("PUT", &format!("{ALL}/{shortcut}"))
            .json(&body)
            .send()
            .await;
        assert_eq!(
            answer.outcome(),
            (400, "invalid_request".to_owned()),
            "{shortcut} {body}"
        );
    }
    assert_eq!(shortcuts(&api.get(ALL).await.json()), [""; 0]);
}

#[actix_web::test]
async fn a_tenant_may_have_five_hundred_and_change_them_still() {
    let api = Api::start().await;
    for n in 0..500 {
        assert_eq!(put(&api, &format!("r{n}"), "x").await.status, 201);
    }
    let one_more = put(&api, "more", "x").await;
    assert_eq!(one_more.outcome(), (422, "limit_reached".to_owned()));
    assert_eq!(put(&api, "r7", "y").await.status, 200);
    assert_eq!(api.call("DELETE", &format!("{ALL}/r7")).send().await.status, 200);
    assert_eq!(put(&api, "more", "x").await.status, 201);
}
