//! Canned replies of one's own.

use super::*;

const ALL: &str = "/v1/canned-replies";

async fn replies(api: &Api, who: &Browser) -> Vec<(String, bool)> {
    let list = who.get(api, ALL).await.json();
    let all = list["canned_replies"].as_array().unwrap();
    all.iter()
        .map(|reply| {
            (
                reply["text"].as_str().unwrap().to_owned(),
                reply["private"] == true,
            )
        })
        .collect()
}

#[actix_web::test]
async fn a_reply_of_ones_own_is_seen_by_nobody_else_and_goes_before_the_shared_one() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let budi = member(&api, ONE, "budi@example.com", Role::Owner).await;
    let path = format!("{ALL}/hours");
    let put = async |who: &Browser, text: &str, private: bool| {
        let body = json!({ "text": text, "private": private });
        who.send(&api, "PUT", &path, body).await.status
    };
    assert_eq!(put(&budi, "shared", false).await, 201);
    assert_eq!(put(&ana, "mine", true).await, 201);
    assert_eq!(put(&ana, "mine still", true).await, 200);
    let both = [("mine still".to_owned(), true), ("shared".to_owned(), false)];
    assert_eq!(replies(&api, &ana).await, both);
    assert_eq!(replies(&api, &budi).await, [("shared".to_owned(), false)]);
    assert_eq!(ana.send(&api, "DELETE", &path, json!({})).await.status, 200);
    assert_eq!(replies(&api, &ana).await, [("shared".to_owned(), false)]);
    // What is shared is one's own no more.
    assert_eq!(put(&ana, "mine", true).await, 201);
    assert_eq!(put(&ana, "for all", false).await, 200);
    assert_eq!(replies(&api, &budi).await, [("for all".to_owned(), false)]);
    assert_eq!(replies(&api, &ana).await, [("for all".to_owned(), false)]);
    let program = json!({ "text": "x", "private": true });
    let refused = api.call("PUT", &path).json(&program).send().await;
    assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
}

#[actix_web::test]
async fn all_of_ones_own_replies_are_listed_however_long_they_are() {
    let api = start().await;
    let agent = member(&api, ONE, "agent@example.com", Role::Agent).await;
    // Together more than a page of rows holds.
    let text = "🙂".repeat(4_096);
    for n in 0..80 {
        let body = json!({ "text": text, "private": true });
        let path = format!("/v1/canned-replies/r{n:02}");
        let put = agent.send(&api, "PUT", &path, body).await;
        assert_eq!(put.status, 201, "{n}");
    }
    let list = agent.get(&api, "/v1/canned-replies").await.json();
    assert_eq!(list["canned_replies"].as_array().unwrap().len(), 80);
}
