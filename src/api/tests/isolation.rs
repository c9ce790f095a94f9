//! Every route against another tenant's ids, and every route without a key. The table below is complete: it is compared
//! with the page of routes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::*;
use crate::store::RecordKind;
use crate::telemetry::Label as _;
use crate::telemetry::labels::HttpRoute;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Guard {
    Open,
    /// A key with all of these scopes.
    Key(&'static [Scope]),
    Operator,
    Session,
    Ticket,
}

const SEND: Guard = Guard::Key(&[Scope::Send]);
const AGENTS: Guard = Guard::Key(&[Scope::Agents, Scope::Read]);
const READ: Guard = Guard::Key(&[Scope::Read]);

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    let text = json!({ "to": "628123456789", "type": "text", "text": { "body": "x" } });
    vec![
        ("POST", "/webhooks/whatsapp", Guard::Open, json!({})),
        ("GET", "/webhooks/whatsapp", Guard::Open, json!({})),
        ("GET", "/healthz", Guard::Open, json!({})),
        ("GET", "/readyz", Guard::Open, json!({})),
        ("GET", "/metrics", Guard::Open, json!({})),
        ("GET", "/demo/session", Guard::Open, json!({})),
        ("GET", "/", Guard::Open, json!({})),
        ("GET", "/console/{file}", Guard::Open, json!({})),
        ("POST", "/v1/messages", SEND, text),
        ("GET", "/v1/messages/{message_id}", READ, json!({})),
        ("DELETE", "/v1/messages/{message_id}", SEND, json!({})),
        (
            "POST",
            "/v1/messages/{message_id}/resolve",
            SEND,
            json!({ "action": "give_up" }),
        ),
        ("GET", "/v1/conversations", READ, json!({})),
        ("GET", "/v1/conversations/{conversation_id}", READ, json!({})),
        (
            "GET",
            "/v1/conversations/{conversation_id}/messages",
            READ,
            json!({}),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/notes",
            SEND,
            json!({ "text": "x" }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/assign",
            SEND,
            json!({ "agent": null }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/labels",
            SEND,
            json!({ "add": ["x"] }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/status",
            SEND,
            json!({ "status": "open" }),
        ),
        (
            "POST",
            "/v1/conversations/{conversation_id}/read",
            SEND,
            json!({ "receipt": true }),
        ),
        ("GET", "/v1/events", READ, json!({})),
        ("GET", "/v1/numbers", READ, json!({})),
        ("GET", "/v1/canned-replies", READ, json!({})),
        (
            "PUT",
            "/v1/canned-replies/{shortcut}",
            SEND,
            json!({ "text": "x" }),
        ),
        ("DELETE", "/v1/canned-replies/{shortcut}", SEND, json!({})),
        ("GET", "/v1/team", READ, json!({})),
        ("POST", "/v1/session", Guard::Open, json!({})),
        ("PUT", "/v1/password", Guard::Open, json!({})),
        ("POST", "/v1/invitations/look", Guard::Open, json!({})),
        ("POST", "/v1/invitations/accept", Guard::Open, json!({})),
        ("GET", "/v1/session", Guard::Session, json!({})),
        ("DELETE", "/v1/session", Guard::Session, json!({})),
        (
            "PUT",
            "/v1/session/tenant",
            Guard::Session,
            json!({ "tenant_id": OTHER }),
        ),
        (
            "PUT",
            "/v1/session/password",
            Guard::Session,
            json!({ "current": "x", "new": "y" }),
        ),
        ("GET", "/v1/sessions", Guard::Session, json!({})),
        ("DELETE", "/v1/sessions/{session_id}", Guard::Session, json!({})),
        ("GET", "/v1/team/invitations", Guard::Session, json!({})),
        (
            "POST",
            "/v1/team/invitations",
            Guard::Session,
            json!({ "email": "x@example.com", "role": "agent" }),
        ),
        (
            "DELETE",
            "/v1/team/invitations/{invitation_id}",
            Guard::Session,
            json!({}),
        ),
        (
            "PUT",
            "/v1/team/{user_id}",
            Guard::Session,
            json!({ "role": "agent" }),
        ),
        ("DELETE", "/v1/team/{user_id}", Guard::Session, json!({})),
        ("GET", "/v1/ws", Guard::Ticket, json!({})),
        ("POST", "/v1/ws/ticket", AGENTS, json!({ "agent": "ana" })),
        (
            "POST",
            "/v1/admin/tenants",
            Guard::Operator,
            json!({ "name": "x" }),
        ),
        ("GET", "/v1/admin/tenants", Guard::Operator, json!({})),
        ("GET", "/v1/admin/tenants/{tenant_id}", Guard::Operator, json!({})),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/retention",
            Guard::Operator,
            json!({}),
        ),
        (
            "PUT",
            "/v1/admin/tenants/{tenant_id}/retention",
            Guard::Operator,
            json!({ "days": 30 }),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/retention/preview",
            Guard::Operator,
            json!({ "days": 30 }),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/numbers",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/numbers",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/numbers/{phone_number_id}/check",
            Guard::Operator,
            json!({}),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/keys",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/keys",
            Guard::Operator,
            json!({}),
        ),
        (
            "DELETE",
            "/v1/admin/tenants/{tenant_id}/keys/{key_id}",
            Guard::Operator,
            json!({}),
        ),
        (
            "POST",
            "/v1/admin/operators",
            Guard::Operator,
            json!({ "name": "x", "role": "viewer" }),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/invitations",
            Guard::Operator,
            json!({ "email": "x@example.com", "role": "owner" }),
        ),
        (
            "POST",
            "/v1/admin/password-resets",
            Guard::Operator,
            json!({ "email": "x@example.com" }),
        ),
        ("GET", "/v1/admin/operators", Guard::Operator, json!({})),
        (
            "DELETE",
            "/v1/admin/operators/{operator_id}",
            Guard::Operator,
            json!({}),
        ),
        ("GET", "/v1/admin/quarantine", Guard::Operator, json!({})),
        (
            "POST",
            "/v1/admin/quarantine/replay",
            Guard::Operator,
            json!({ "all": true }),
        ),
    ]
}

/// Method and path of every route on the page of routes.
fn on_the_page() -> BTreeSet<(String, String)> {
    let page = include_str!("../../api.rs");
    let mut path = "";
    let mut found = BTreeSet::new();
    for line in page.lines() {
        if let Some((_, name)) = line.split_once("at(HttpRoute::") {
            let name = &name[..name.find(')').unwrap()];
            let mut all = HttpRoute::ALL.iter();
            let route = all.find(|route| format!("{route:?}") == name).unwrap();
            path = route.label();
        }
        for (route, method) in [
            ("get", "GET"),
            ("read", "GET"),
            ("post", "POST"),
            ("put", "PUT"),
            ("delete", "DELETE"),
        ] {
            if line.contains(&format!("{route}().to(")) {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn the_table_holds_every_route_on_the_page() {
    let table: BTreeSet<_> = routes()
        .iter()
        .map(|(method, path, ..)| (method.to_string(), path.to_string()))
        .collect();
    assert_eq!(table, on_the_page());
    assert!(table.len() > 25);
}

#[actix_web::test]
async fn no_route_is_open_that_should_not_be() {
    let api = Api::start().await;
    let every = [Scope::Send, Scope::Read, Scope::Agents];
    for (method, path, guard, body) in routes() {
        let call = || api.plain(method, &path.replace(['{', '}'], "")).json(&body);
        let refused = (401, "unauthorized".to_owned());
        match guard {
            Guard::Open => {}
            Guard::Ticket => {
                let handshake = call()
                    .header("Connection", "Upgrade")
                    .header("Upgrade", "websocket")
                    .header("Sec-WebSocket-Version", "13")
                    .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
                    .header("Sec-WebSocket-Protocol", "mesej.v2, ticket.made-up");
                let mut stream = TcpStream::connect(api.addr).await.unwrap();
                let mut said = handshake.bearer(&api.key).send_on(&mut stream).await.body;
                stream.read_to_end(&mut said).await.unwrap();
                // An error and a close with 4401: no welcome, no event.
                let close = 4401_u16.to_be_bytes();
                assert!(said.windows(2).any(|two| two == close), "{method} {path}");
                let text = String::from_utf8_lossy(&said);
                assert!(text.contains("bad_ticket") && !text.contains("welcome"), "{text}");
            }
            Guard::Operator => {
                assert_eq!(call().send().await.outcome(), refused, "{method} {path}");
                assert_eq!(
                    call().bearer(&api.key).send().await.outcome(),
                    refused,
                    "{method} {path}"
                );
                let (viewer, _) = api.add_operator("viewer").await;
                let answer = call().bearer(&viewer).send().await.outcome();
                let only_looks = (403, "forbidden".to_owned());
                assert_eq!(
                    answer == only_looks,
                    method != "GET",
                    "{method} {path}: {answer:?}"
                );
                assert_ne!(answer, refused, "{method} {path}");
            }
            // A key of a program, an operator's token and a cookie that nobody has are as good as none.
            Guard::Session => {
                let cookie = format!("__Host-mesej={}", api.key);
                for call in [
                    call(),
                    call().bearer(&api.key),
                    call().bearer(ADMIN),
                    call().header("Cookie", &cookie),
                ] {
                    assert_eq!(call.send().await.outcome(), refused, "{method} {path}");
                }
            }
            Guard::Key(scopes) => {
                assert_eq!(call().send().await.outcome(), refused, "{method} {path}");
                assert_eq!(
                    call().bearer(ADMIN).send().await.outcome(),
                    refused,
                    "{method} {path}"
                );
                for scope in scopes {
                    let others: Vec<Scope> = every.into_iter().filter(|other| other != scope).collect();
                    let key = api.add_key(ONE, &others).await;
                    let answer = call().bearer(&key).send().await;
                    assert_eq!(answer.outcome(), (403, "forbidden".to_owned()), "{method} {path}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn what_belongs_to_another_tenant_is_not_there() {
    let api = Api::start().await;
    let conversation = api.conversation_of(OTHER, "628123456789").await;
    let send = json!({ "conversation_id": conversation, "type": "text", "text": { "body": "halo" } });
    let sent = api
        .plain("POST", "/v1/messages")
        .bearer(&api.other_key)
        .json(&send)
        .send()
        .await;
    let message = sent.json()["message_id"].as_str().unwrap().to_owned();
    let theirs = api
        .store
        .export(OTHER, RecordKind::Message, None, 9, NOW)
        .await
        .unwrap();
    assert!(!theirs.records.is_empty());
    let mut tried = 0;
    for (method, path, guard, body) in routes() {
        // A shortcut is the caller's own name for something of its tenant's, no id that leads anywhere.
        if !matches!(guard, Guard::Key(_)) || !path.contains("_id}") {
            continue;
        }
        let foreign = path
            .replace("{conversation_id}", &conversation.to_string())
            .replace("{message_id}", &message);
        let nonsense = path
            .replace("{conversation_id}", "x")
            .replace("{message_id}", "x");
        let nobodys = "0".repeat(32);
        let nobodys = path
            .replace("{conversation_id}", &nobodys)
            .replace("{message_id}", &nobodys);
        let mut answers = Vec::new();
        for path in [&foreign, &nonsense, &nobodys] {
            let answer = api.call(method, path).json(&body).send().await;
            assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{method} {path}");
            answers.push(answer.body);
        }
        assert!(
            answers.windows(2).all(|two| two[0] == two[1]),
            "{method} {path}: the answers tell them apart"
        );
        let owner = api
            .plain(method, &foreign)
            .bearer(&api.other_key)
            .json(&body)
            .send()
            .await;
        assert_ne!(owner.status, 404, "{method} {path}: it is there for its owner");
        tried += 1;
    }
    assert!(tried >= 9);
    let reply = api.post("/v1/messages", &send).await;
    assert_eq!(reply.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn lists_and_cursors_hold_nothing_of_another_tenant() {
    let api = Api::start().await;
    for phone in ["628123456789", "628123456780"] {
        api.conversation_of(OTHER, phone).await;
    }
    let reply = api
        .plain("PUT", "/v1/canned-replies/hello")
        .bearer(&api.other_key)
        .json(&json!({ "text": "call 628123456789" }))
        .send()
        .await;
    assert_eq!(reply.status, 201);
    let removed = api.call("DELETE", "/v1/canned-replies/hello").send().await;
    assert_eq!(removed.outcome(), (404, "not_found".to_owned()));
    for path in [
        "/v1/conversations",
        "/v1/numbers",
        "/v1/canned-replies",
        "/v1/events?after=0",
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("62812345678"),
            "{path}"
        );
    }
    let page = api
        .plain("GET", "/v1/conversations?limit=1")
        .bearer(&api.other_key)
        .send()
        .await
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let answer = api
        .get(&format!("/v1/conversations?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()));
}

#[actix_web::test]
async fn a_key_that_may_only_send_reads_nothing_by_what_it_changes() {
    let api = Api::start().await;
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let key = api.add_key(ONE, &[Scope::Send]).await;
    let send = json!({ "conversation_id": conversation, "type": "text", "text": { "body": "halo" } });
    let sent = api.post("/v1/messages", &send).await.json();
    let message = sent["message_id"].as_str().unwrap();
    let (mut changed, secrets) = (0, ["628123456789", "Siti", "halo", "contact"]);
    for (method, path, guard, body) in routes() {
        let path = path
            .replace("{conversation_id}", &conversation.to_string())
            .replace("{message_id}", message);
        let answer = api.plain(method, &path).bearer(&key).json(&body).send().await;
        let text = String::from_utf8_lossy(&answer.body);
        let told: Vec<_> = secrets.iter().filter(|secret| text.contains(**secret)).collect();
        assert!(guard == Guard::Open || told.is_empty(), "{method} {path}: {text}");
        changed += usize::from(guard == SEND && answer.status < 300);
    }
    assert!(changed >= 6, "{changed}");
    // Whoever may read, too, sees what it changed.
    let labels = format!("/v1/conversations/{conversation}/labels");
    let answer = api.post(&labels, &json!({ "add": ["vip"] })).await;
    assert_eq!(answer.json()["contact"]["phone"], "628123456789");
}

#[actix_web::test]
async fn an_agents_name_is_one_line() {
    let api = Api::start().await;
    for name in ["An\na", "Ana\u{1b}[31m", "Ana\u{202e}", " ", &"x".repeat(129)] {
        let refused = api
            .post("/v1/ws/ticket", &json!({ "agent": "ana", "name": name }))
            .await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{name:?}");
    }
}

#[actix_web::test]
async fn a_tenant_has_its_share_of_tickets() {
    let api = Api::start_with(Setup {
        sections: "[limits]\ntickets_per_tenant = 2\n",
        ..Setup::default()
    })
    .await;
    let ticket = json!({ "agent": "ana" });
    for _ in 0..2 {
        assert_eq!(api.post("/v1/ws/ticket", &ticket).await.status, 201);
    }
    let refused = api.post("/v1/ws/ticket", &ticket).await;
    assert_eq!(refused.outcome(), (429, "too_many_tickets".to_owned()));
    let others = api.plain("POST", "/v1/ws/ticket").bearer(&api.other_key);
    assert_eq!(others.json(&ticket).send().await.status, 201);
}
