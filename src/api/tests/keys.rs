use serde_json::json;

use super::*;
use crate::api::ErrorCode;
use crate::api::auth::{CanRead, FRESH, Need as _};

#[actix_web::test]
async fn a_key_that_is_missing_mistyped_or_unknown_is_refused() {
    let api = Api::start().await;
    let unknown = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
    let unknown = unknown.text.expose_secret();
    let (rest, last) = api.key.split_at(api.key.len() - 1);
    let slip = format!("{rest}{}", if last == "x" { "y" } else { "x" });
    let request = || api.plain("GET", "/v1/numbers");
    let cases = [
        ("none", request()),
        ("basic", request().header("Authorization", "Basic eDp5")),
        ("bare", request().header("Authorization", &api.key)),
        ("empty", request().bearer("")),
        ("mistyped", request().bearer(&slip)),
        ("unknown", request().bearer(unknown)),
        ("the operator's", request().bearer(ADMIN)),
        ("two", request().bearer(&api.key).bearer(&api.key)),
        (
            "in the address",
            api.plain("GET", &format!("/v1/numbers?access_token={}", api.key)),
        ),
    ];
    for (case, request) in cases {
        assert_eq!(
            request.send().await.outcome(),
            (401, "unauthorized".to_owned()),
            "{case}"
        );
    }
    assert_eq!(
        request()
            .header("authorization", &format!("bearer {}", api.key))
            .send()
            .await
            .status,
        200
    );
}

#[actix_web::test]
async fn a_key_without_the_scope_is_told_which_one_it_lacks() {
    let api = Api::start().await;
    for (scope, method, path, expected) in [
        (Scope::Send, "GET", "/v1/conversations", 403),
        (Scope::Agents, "GET", "/v1/conversations", 403),
        (Scope::Read, "GET", "/v1/conversations", 200),
        (Scope::Read, "POST", "/v1/messages", 403),
        (Scope::Agents, "POST", "/v1/messages", 403),
        (Scope::Send, "POST", "/v1/messages", 400),
    ] {
        let key = api.add_key(ONE, &[scope]).await;
        let answer = api.plain(method, path).bearer(&key).json(&json!({})).send().await;
        assert_eq!(answer.status, expected, "{scope:?} {method} {path}");
    }
    let key = api.add_key(ONE, &[Scope::Send]).await;
    let answer = api.plain("GET", "/v1/events").bearer(&key).send().await;
    assert_eq!(answer.code(), ErrorCode::Forbidden.as_str());
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains(CanRead::SCOPES[0].as_str())
    );
}

#[actix_web::test]
async fn a_revoked_key_is_refused_at_once_here_and_within_half_a_minute_elsewhere() {
    let api = Api::start().await;
    assert_eq!(api.get("/v1/numbers").await.status, 200);
    // Revoked by another process: this one still trusts what it looked up, for a while.
    let mut key = api.store.keys(ONE).await.unwrap().remove(0);
    key.revoked = Some(NOW);
    api.store.put_key(key.clone()).await.unwrap();
    api.clock.advance(FRESH.saturating_sub(Duration::from_millis(1)));
    assert_eq!(api.get("/v1/numbers").await.status, 200);
    api.clock.advance(Duration::from_millis(1));
    assert_eq!(api.get("/v1/numbers").await.code(), "unauthorized");
    // Revoked here.
    let other = api.store.keys(OTHER).await.unwrap().remove(0);
    let call = || api.plain("GET", "/v1/numbers").bearer(&api.other_key);
    assert_eq!(call().send().await.status, 200);
    let path = format!("/v1/admin/tenants/{OTHER}/keys/{}", other.id);
    assert_eq!(api.as_admin("DELETE", &path).send().await.status, 200);
    assert_eq!(call().send().await.code(), "unauthorized");
}

#[actix_web::test]
async fn a_key_is_refused_from_the_moment_it_expires() {
    let api = Api::start().await;
    let path = format!("/v1/admin/tenants/{ONE}/keys");
    let make = |days: serde_json::Value| {
        let body = json!({ "name": "till", "scopes": ["read"], "expires_days": days });
        api.as_admin("POST", &path).json(&body)
    };
    for days in [json!(0), json!(3_651), json!("soon")] {
        assert_eq!(make(days).send().await.status, 400);
    }
    let made = make(json!(2)).send().await.json();
    let end = NOW.after(Duration::from_secs(2 * 86_400));
    assert_eq!(made["expires"], json!(end));
    let key = made["key"].as_str().unwrap();
    let call = || api.plain("GET", "/v1/numbers").bearer(key);
    api.clock.advance(Duration::from_millis(2 * 86_400_000 - 1));
    assert_eq!(call().send().await.status, 200);
    api.clock.advance(Duration::from_millis(1));
    assert_eq!(call().send().await.code(), "unauthorized", "though it is known");
    let lasting = make(serde_json::Value::Null).send().await.json();
    assert_eq!(lasting["expires"], serde_json::Value::Null);
}

#[actix_web::test]
async fn a_key_that_calls_too_often_waits_and_others_do_not() {
    let sections = "[limits]\nkey_requests_per_s = 2\nkey_burst = 3\n";
    let api = Api::start_with(Setup {
        sections,
        ..Setup::default()
    })
    .await;
    for _ in 0..3 {
        assert_eq!(api.get("/v1/numbers").await.status, 200);
    }
    let answer = api.get("/v1/numbers").await;
    assert_eq!(answer.outcome(), (429, "rate_limited".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["error"]["retry_after_ms"], 500);
    let other = api.plain("GET", "/v1/numbers").bearer(&api.other_key);
    assert_eq!(other.send().await.status, 200);
    api.clock.advance(Duration::from_millis(500));
    assert_eq!(api.get("/v1/numbers").await.status, 200);
    assert_eq!(api.get("/v1/numbers").await.status, 429);
}

#[actix_web::test]
async fn looking_a_key_up_again_does_not_give_its_pace_back() {
    let sections = "[limits]\nkey_requests_per_s = 1\nkey_burst = 100\n";
    let api = Api::start_with(Setup {
        sections,
        ..Setup::default()
    })
    .await;
    for _ in 0..100 {
        assert_eq!(api.get("/v1/numbers").await.status, 200);
    }
    api.clock.advance(FRESH);
    let passed = {
        let mut passed = 0;
        while api.get("/v1/numbers").await.status == 200 {
            passed += 1;
        }
        passed
    };
    assert_eq!(passed, FRESH.as_secs());
}
