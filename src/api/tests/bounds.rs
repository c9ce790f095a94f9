//! What every answer carries, and what no request may exceed.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::actors::Readiness;
use crate::actors::port::Applying;
use crate::domain::TenantId;

#[actix_web::test]
async fn every_answer_has_an_id_and_may_be_neither_sniffed_nor_kept() {
    let api = Api::start().await;
    let mut ids = std::collections::BTreeSet::new();
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/v1/numbers"),
        ("GET", "/nowhere"),
        ("PUT", "/v1/numbers"),
    ] {
        let answer = api.call(method, path).send().await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        let policy = answer.header("content-security-policy");
        assert_eq!(
            policy,
            Some("default-src 'none'; frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(
            answer.header("strict-transport-security"),
            Some("max-age=31536000"),
            "{path}"
        );
        assert!(
            ids.insert(answer.header("x-request-id").unwrap().to_owned()),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn a_wrong_path_and_a_wrong_method_are_told_apart_in_json() {
    let api = Api::start().await;
    assert_eq!(
        api.get("/v1/nowhere").await.outcome(),
        (404, "not_found".to_owned())
    );
    assert_eq!(
        api.get("/v1/admin/nowhere").await.outcome(),
        (404, "not_found".to_owned())
    );
}

/// Every path, with the methods that it knows, in alphabetical order.
const PATHS: [(&str, &[&str]); 74] = [
    ("/", &["GET", "HEAD"]),
    ("/console/app.js", &["GET", "HEAD"]),
    ("/demo/session", &["GET", "HEAD"]),
    ("/healthz", &["GET", "HEAD"]),
    ("/metrics", &["GET", "HEAD"]),
    ("/readyz", &["GET", "HEAD"]),
    ("/v1/admin/password-resets", &["POST"]),
    ("/v1/admin/second-factor-removals", &["POST"]),
    ("/v1/admin/tenants/x/invitations", &["POST"]),
    ("/v1/admin/operators", &["GET", "HEAD", "POST"]),
    ("/v1/admin/operators/x", &["DELETE"]),
    ("/v1/admin/quarantine", &["GET", "HEAD"]),
    ("/v1/admin/quarantine/replay", &["POST"]),
    ("/v1/admin/tenants", &["GET", "HEAD", "POST"]),
    ("/v1/admin/tenants/x", &["GET", "HEAD"]),
    ("/v1/admin/tenants/x/keys", &["GET", "HEAD", "POST"]),
    ("/v1/admin/tenants/x/keys/y", &["DELETE"]),
    ("/v1/admin/tenants/x/numbers", &["GET", "HEAD", "POST"]),
    ("/v1/admin/tenants/x/numbers/y/check", &["GET", "HEAD"]),
    ("/v1/admin/tenants/x/retention", &["GET", "HEAD", "PUT"]),
    ("/v1/admin/tenants/x/retention/preview", &["POST"]),
    ("/v1/broadcasts/x/dry-run", &["GET", "HEAD"]),
    ("/v1/canned-replies", &["GET", "HEAD"]),
    ("/v1/canned-replies/x", &["DELETE", "PUT"]),
    ("/v1/attributes", &["GET", "HEAD"]),
    ("/v1/attributes/x", &["DELETE", "PUT"]),
    ("/v1/business/opt-out-words", &["GET", "HEAD", "PUT"]),
    ("/v1/contacts", &["GET", "HEAD", "POST"]),
    ("/v1/contacts/duplicates", &["GET", "HEAD"]),
    ("/v1/contacts/x/block", &["DELETE", "PUT"]),
    ("/v1/contacts/x/consents", &["GET", "HEAD"]),
    ("/v1/contacts/x/consents/y", &["PUT"]),
    ("/v1/contacts/x/merge", &["POST"]),
    ("/v1/merges", &["GET", "HEAD"]),
    ("/v1/merges/x/undo", &["POST"]),
    ("/v1/contacts/x", &["DELETE", "GET", "HEAD", "PUT"]),
    ("/v1/contacts/x/notes", &["GET", "HEAD", "POST"]),
    ("/v1/contacts/x/notes/y", &["DELETE"]),
    ("/v1/lists", &["GET", "HEAD", "POST"]),
    ("/v1/lists/x", &["DELETE", "PUT"]),
    ("/v1/lists/x/members", &["POST"]),
    ("/v1/conversations", &["GET", "HEAD"]),
    ("/v1/conversations/x", &["GET", "HEAD"]),
    ("/v1/conversations/x/assign", &["POST"]),
    ("/v1/conversations/x/labels", &["POST"]),
    ("/v1/conversations/x/messages", &["GET", "HEAD"]),
    ("/v1/conversations/x/notes", &["POST"]),
    ("/v1/conversations/x/read", &["POST"]),
    ("/v1/conversations/x/status", &["POST"]),
    ("/v1/events", &["GET", "HEAD"]),
    ("/v1/messages", &["POST"]),
    ("/v1/messages/scheduled", &["GET", "HEAD"]),
    ("/v1/messages/x", &["DELETE", "GET", "HEAD"]),
    ("/v1/messages/x/resolve", &["POST"]),
    ("/v1/numbers", &["GET", "HEAD", "POST"]),
    ("/v1/invitations/accept", &["POST"]),
    ("/v1/invitations/look", &["POST"]),
    ("/v1/password", &["PUT"]),
    ("/v1/session", &["DELETE", "GET", "HEAD", "POST"]),
    ("/v1/session/password", &["PUT"]),
    ("/v1/session/recovery-codes", &["POST"]),
    ("/v1/session/second-factor", &["DELETE", "POST", "PUT"]),
    ("/v1/session/tenant", &["PUT"]),
    ("/v1/sessions", &["GET", "HEAD"]),
    ("/v1/sessions/x", &["DELETE"]),
    ("/v1/sign-ins", &["GET", "HEAD"]),
    ("/v1/team", &["GET", "HEAD"]),
    ("/v1/team/invitations", &["GET", "HEAD", "POST"]),
    ("/v1/team/invitations/x", &["DELETE"]),
    ("/v1/team/x", &["DELETE", "PUT"]),
    ("/v1/ws", &["GET"]),
    ("/v1/ws/ticket", &["POST"]),
    ("/webhooks/payments", &["POST"]),
    ("/webhooks/whatsapp", &["GET", "HEAD", "POST"]),
];

#[actix_web::test]
async fn a_method_that_a_path_does_not_know_is_answered_with_those_that_it_does() {
    let api = Api::start().await;
    for (path, known) in PATHS {
        let answer = api.call("PATCH", path).send().await;
        assert_eq!(answer.outcome(), (405, "method_not_allowed".to_owned()), "{path}");
        let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, known, "{path}");
    }
}

/// A whole answer and its status, on a connection that ends with it.
async fn whole(api: &Api, method: &str, path: &str) -> (String, String) {
    let mut stream = tokio::net::TcpStream::connect(api.addr).await.unwrap();
    let token = if path.starts_with("/v1/admin") {
        ADMIN
    } else {
        &api.key
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[actix_web::test]
async fn head_is_answered_as_get_is_but_without_a_body() {
    let api = Api::start().await;
    for (path, _) in PATHS.iter().filter(|(_, known)| known.contains(&"HEAD")) {
        let (got, body) = whole(&api, "GET", path).await;
        assert!(!body.is_empty(), "{path}");
        assert_eq!(whole(&api, "HEAD", path).await, (got, String::new()), "{path}");
    }
}

#[actix_web::test]
async fn without_an_operators_token_no_method_of_its_calls_is_there() {
    let api = Api::start_with(Setup {
        admin_token: "",
        ..Setup::default()
    })
    .await;
    for method in ["GET", "PATCH", "POST"] {
        let answer = api.as_admin(method, "/v1/admin/tenants").send().await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{method}");
    }
}

#[actix_web::test]
async fn addresses_and_headers_have_a_limit() {
    let api = Api::start().await;
    let long = "x".repeat(9 << 10);
    let answer = api.get(&format!("/v1/conversations?cursor={long}")).await;
    assert_eq!(answer.outcome(), (431, "headers_too_large".to_owned()));
    let fat = api
        .call("GET", "/v1/numbers")
        .header("X-One", &long)
        .header("X-Two", &long);
    assert_eq!(fat.send().await.outcome(), (431, "headers_too_large".to_owned()));
    let fits = api.call("GET", "/v1/numbers").header("X-One", &long);
    assert_eq!(fits.send().await.status, 200);
}

#[actix_web::test]
async fn a_body_has_a_limit_whether_its_length_is_told_or_not() {
    let api = Api::start().await;
    let body = |size: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(size));
    let post = |size: usize| api.call("POST", "/v1/messages").body(body(size));
    assert_eq!(
        post(300 << 10).send().await.outcome(),
        (413, "too_large".to_owned())
    );
    assert_eq!(
        post(300 << 10).chunked(50_000).send().await.outcome(),
        (413, "too_large".to_owned())
    );
    assert_eq!(post(50_000).send().await.code(), "invalid_request");
    assert_eq!(post(50_000).chunked(1_000).send().await.code(), "invalid_request");
}

#[actix_web::test]
async fn a_refused_call_leaves_its_connection_usable() {
    let api = Api::start().await;
    let mut stream = tokio::net::TcpStream::connect(api.addr).await.unwrap();
    let big = format!("{{\"x\":\"{}\"}}", "y".repeat(200_000));
    let refused = api
        .plain("POST", "/v1/messages")
        .body(big)
        .send_on(&mut stream)
        .await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        api.call("GET", "/v1/numbers").send_on(&mut stream).await.status,
        200
    );
}

#[actix_web::test]
async fn a_head_that_drips_is_cut_off() {
    let api = Api::start().await;
    let mut stream = tokio::net::TcpStream::connect(api.addr).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection is still open");
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
}

#[actix_web::test]
async fn connections_that_drip_keep_nobody_else_waiting() {
    let api = Api::start().await;
    let mut dripping = Vec::new();
    for n in 0..500 {
        let mut stream = tokio::net::TcpStream::connect(api.addr).await.unwrap();
        let part: &[u8] = match n % 2 {
            0 => b"GET /v1/numbers HTTP/1.1\r\nHost: x\r\nX-",
            _ => b"POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
        };
        stream.write_all(part).await.unwrap();
        dripping.push(stream);
    }
    let healthy = async {
        for _ in 0..50 {
            assert_eq!(api.get("/v1/numbers").await.status, 200);
        }
    };
    // A second is far above what it takes and far below what a dripper is allowed.
    let in_time = tokio::time::timeout(Duration::from_secs(1), healthy).await;
    assert!(in_time.is_ok(), "healthy calls waited for those that drip");
}

#[actix_web::test]
async fn ready_means_that_work_is_wanted() {
    let api = Api::start().await;
    let ready = || async { api.plain("GET", "/readyz").send().await };
    assert_eq!(
        (ready().await.status, ready().await.json()),
        (200, json!({ "status": "ready" }))
    );
    *api.core.readiness.lock().unwrap() = Readiness::Opening;
    assert_eq!(
        (ready().await.status, ready().await.json()),
        (503, json!({ "status": "starting" }))
    );
    *api.core.readiness.lock().unwrap() = Readiness::Ready;
    *api.journal.applying.lock().unwrap() = Some(Applying::Died);
    assert_eq!(
        (ready().await.status, ready().await.json()),
        (503, json!({ "status": "applier" })),
        "webhooks would be taken, and nobody would see them"
    );
    *api.journal.applying.lock().unwrap() = None;
    *api.core.missing.lock().unwrap() = vec![TenantId::new(7)];
    assert_eq!(
        (ready().await.status, ready().await.json()),
        (
            200,
            json!({ "status": "ready", "missing_tenants": { "count": 1, "ids": [TenantId::new(7).to_string()] } })
        ),
        "one tenant stops nobody else"
    );
    api.core.missing.lock().unwrap().clear();
    api.shutdown.begin();
    assert_eq!(
        (ready().await.status, ready().await.json()),
        (503, json!({ "status": "stopping" }))
    );
    assert_eq!(
        api.plain("GET", "/healthz").send().await.status,
        200,
        "it lives until it is gone"
    );
}

#[actix_web::test]
async fn metrics_count_what_was_answered() {
    let api = Api::start().await;
    api.plain("POST", "/webhooks/whatsapp").body("x").send().await;
    let answer = api.plain("GET", "/metrics").send().await;
    let text = String::from_utf8(answer.body).unwrap();
    assert!(
        text.contains("mesej_webhooks_total{outcome=\"bad_signature\"}"),
        "{text}"
    );
}

#[actix_web::test]
async fn requests_are_counted_by_route_and_never_by_address() {
    let api = Api::start().await;
    api.get("/v1/messages/0123456789abcdef0123456789abcdef").await;
    api.call("PATCH", "/v1/admin/tenants/x/keys").send().await;
    api.get("/v1/secrets/628123456789").await;
    let text = String::from_utf8(api.plain("GET", "/metrics").send().await.body).unwrap();
    for labels in [
        r#"{route="/v1/messages/{message_id}",method="get",status="4xx"}"#,
        r#"{route="/v1/admin/tenants/{tenant_id}/keys",method="other",status="4xx"}"#,
        r#"{route="none",method="get",status="4xx"}"#,
    ] {
        let line = format!("mesej_http_requests_total{labels}");
        assert!(text.contains(&line), "no {line} in:\n{text}");
    }
    let timed = r#"mesej_http_request_seconds_count{route="none",method="get",status="4xx"}"#;
    assert!(text.contains(timed), "{text}");
    assert!(!text.contains("628123456789"), "{text}");
}

#[actix_web::test]
async fn the_demonstrations_key_is_handed_out_in_demo_mode_alone() {
    let api = Api::start().await;
    assert_eq!(
        api.plain("GET", "/demo/session").send().await.outcome(),
        (404, "not_found".to_owned())
    );
    let demo = DemoSession {
        api_key: "mj_live_demo".to_owned().into(),
        agent: "ana".parse().unwrap(),
        name: "Ana".to_owned(),
        number: number(ONE),
        people: vec![DemoPerson {
            name: "Ana".to_owned(),
            email: "ana@example.com".parse().unwrap(),
        }],
        password: "a password of the demo".to_owned().into(),
        mails: None,
    };
    let api = Api::start_with(Setup {
        demo: Some(demo),
        ..Setup::default()
    })
    .await;
    let session = api.plain("GET", "/demo/session").host("127.0.0.1").send().await;
    assert_eq!(
        session.json(),
        json!({
            "api_key": "mj_live_demo", "agent": "ana", "name": "Ana", "number": number(ONE),
            "people": [{ "name": "Ana", "email": "ana@example.com" }], "password": "a password of the demo", "mails": null,
        })
    );
    let told = api.plain("GET", "/v1/sign-up").send().await.json();
    assert_eq!(told["demo"], json!(true));
}
