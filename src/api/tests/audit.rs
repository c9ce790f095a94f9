//! The audit log: which calls leave an entry, what it says, and who reads it.

mod behind;

use serde_json::{Value, json};

use super::people::{Browser, PASSWORD, accept, invited, member, sign_in, start};
use super::*;
use crate::accounts::audit::ExportCheck;
use crate::api::audit::{Trail, trail};
use crate::domain::roles::Role;
use crate::domain::{AuditAction, Month};
use crate::store::tables::{AuditEntry, AuditScope, EntryPlace};
use crate::telemetry::Label as _;
use crate::telemetry::labels::HttpRoute;

const TENANT: AuditScope = AuditScope::Tenant(ONE);
const OPERATORS: &str = "scope=operators";

/// The entries of a log, oldest first, as an operator sees them.
async fn entries(api: &Api, log: &str) -> Vec<Value> {
    let path = format!("/v1/admin/audit?{log}&limit=200");
    let answer = api.as_admin("GET", &path).send().await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let mut entries = answer.json()["entries"].as_array().unwrap().clone();
    entries.reverse();
    entries
}

/// The entries of a log, when there are so many: some are written behind an answer.
async fn when_there_are(api: &Api, log: &str, count: usize) -> Vec<Value> {
    for _ in 0..1_000 {
        let found = entries(api, log).await;
        if found.len() >= count {
            return found;
        }
    }
    panic!("{:?}", entries(api, log).await);
}

fn of(tenant: TenantId) -> String {
    format!("tenant_id={tenant}")
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|one| one["action"].as_str().unwrap())
        .collect()
}

#[actix_web::test]
async fn every_call_that_changes_something_is_in_the_audit_log_or_in_the_ledger() {
    let api = Api::start().await;
    let mut elsewhere = Vec::new();
    for route in HttpRoute::ALL {
        if *route == HttpRoute::Nowhere {
            continue;
        }
        let path: Vec<&str> = route
            .label()
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect();
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = api.plain(method, &path.join("/")).send().await;
            let is_there = answer.outcome().1 != "method_not_allowed";
            let leaves = trail(*route, &method.parse().unwrap());
            assert_eq!(leaves.is_some(), is_there, "{method} {}", route.label());
            if leaves == Some(Trail::Nothing) {
                elsewhere.push(format!("{method} {}", route.label()));
            }
        }
    }
    // Each of these changes nothing, or is asked for by anybody in anybody's name.
    assert_eq!(
        elsewhere,
        [
            "POST /v1/segments/explain",
            "POST /v1/contacts/count",
            "POST /v1/broadcasts/{broadcast_id}/plan",
            "POST /v1/templates/check",
            "POST /v1/templates/check-definition",
            "POST /v1/media",
            "POST /v1/uploads",
            "PUT /v1/uploads/{upload_id}",
            "POST /v1/admin/media/sweep",
            "POST /v1/session/second-factor",
            "POST /v1/session/provider",
            "POST /v1/password/forgotten",
            "POST /v1/sign-up",
            "POST /v1/sign-up/look",
            "POST /v1/invitations/look",
            "POST /v1/business/retention/preview",
            "POST /v1/ws/ticket",
            "POST /v1/admin/tenants/{tenant_id}/retention/preview",
        ]
    );
}

#[test]
fn the_page_of_the_api_lists_exactly_the_actions_that_exist() {
    let page = include_str!("../../../docs/api.md");
    let (_, section) = page
        .split_once("| Action | What happened |\n|---|---|\n")
        .unwrap();
    let listed: Vec<&str> = section.lines().take_while(|line| line.starts_with('|')).collect();
    let row = |action: &AuditAction| format!("| `{action}` | {} |", action.meaning());
    assert_eq!(listed, AuditAction::ALL.iter().map(row).collect::<Vec<String>>());
}

#[actix_web::test]
async fn an_entry_says_who_did_what_to_what_and_from_where() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let ben = member(&api, ONE, "ben@example.com", Role::Agent).await;
    let path = format!("/v1/team/{}", ben.user());
    let changed = ana
        .send(&api, "PUT", &path, json!({ "role": "supervisor" }))
        .await;
    assert_eq!(changed.status, 200);
    let put = api
        .call("PUT", "/v1/canned-replies/hello")
        .json(&json!({ "text": "Hello!" }));
    assert_eq!(put.send().await.status, 201);
    let path = format!("/v1/admin/tenants/{ONE}/retention");
    let kept = api
        .as_admin("PUT", &path)
        .json(&json!({ "days": 30 }))
        .send()
        .await;
    assert_eq!(kept.status, 202);
    // Two were invited, which takes an entry each, and its id another; they accepted, and were signed in.
    let found = when_there_are(&api, &of(ONE), 8 + 2 + 1 + 2).await;
    let with = |action: &str| -> Vec<&Value> { found.iter().filter(|one| one["action"] == action).collect() };
    let [asked, done] = with("role_changed")[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        asked["actor"],
        json!({ "kind": "user", "id": ana.user(), "name": "Ana K" })
    );
    assert_eq!(asked["target"], json!({ "kind": "user", "id": ben.user() }));
    assert_eq!(
        (&asked["address"], &asked["at"]),
        (&json!("127.0.0.1"), &json!(NOW))
    );
    assert_eq!(asked["details"], json!({ "role": "supervisor" }));
    let place = EntryPlace {
        month: Month::of(NOW),
        seq: asked["seq"].as_u64().unwrap(),
    };
    let expected = json!({ "of": place, "role": "supervisor", "role_before": "agent" });
    assert_eq!(done["details"], expected);
    let reply = with("canned_reply_written");
    assert_eq!(reply.len(), 1);
    assert_eq!(reply[0]["actor"]["kind"], "key");
    assert_eq!(
        reply[0]["target"],
        json!({ "kind": "canned_reply", "id": "hello" })
    );
    let days: Vec<&Value> = with("retention_changed")
        .iter()
        .map(|one| &one["details"])
        .collect();
    assert_eq!(days[0], &json!({ "days": 30 }));
    assert_eq!(
        (&days[1]["days"], &days[1]["days_before"]),
        (&json!(30), &json!(365))
    );
    assert_eq!(
        with("retention_changed")[0]["actor"],
        json!({ "kind": "operator", "id": "settings" })
    );
    let accepted = with("invitation_accepted");
    assert_eq!(accepted[1]["actor"]["id"], ben.user());
    assert_eq!(
        accepted[1]["target"]["id"],
        with("invitation_made")[3]["target"]["id"]
    );
    assert_eq!(with("signed_in").len(), 2);
    // Nothing of it is a text, a name or an address of a person.
    let rows = api.store.export_plain(None, 1_000, NOW).await.unwrap().records;
    for row in rows
        .iter()
        .filter(|row| row.key.partition.table.starts_with("audit"))
    {
        let text = String::from_utf8_lossy(&row.value.body);
        for word in ["example.com", "Ana", "Hello", PASSWORD] {
            assert!(!text.contains(word), "{text}");
        }
    }
    let intact = api
        .as_admin("GET", &format!("/v1/admin/audit/verify?{}", of(ONE)))
        .send()
        .await;
    assert_eq!(intact.json()["is_intact"], true);
    assert_eq!(intact.json()["entries"], found.len());
}

#[actix_web::test]
async fn whoever_may_not_do_it_leaves_no_entry() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let ben = member(&api, ONE, "ben@example.com", Role::Agent).await;
    let before = when_there_are(&api, &of(ONE), 8).await.len();
    let others = format!("/v1/team/{}", ana.user());
    for (method, path, body) in [
        ("DELETE", others.as_str(), json!({})),
        ("PUT", &others, json!({ "role": "agent" })),
        (
            "POST",
            "/v1/team/invitations",
            json!({ "email": "cy@example.com", "role": "agent" }),
        ),
        ("POST", "/v1/keys", json!({ "name": "inbox", "scopes": ["send"] })),
        ("PUT", "/v1/business", json!({ "name": "Toko Lain" })),
    ] {
        let refused = ben.send(&api, method, path, body).await;
        assert_eq!(refused.status, 403, "{method} {path}");
    }
    assert_eq!(entries(&api, &of(ONE)).await.len(), before);
    // Leaving needs no right.
    let own = format!("/v1/team/{}", ben.user());
    assert_eq!(ben.send(&api, "DELETE", &own, json!({})).await.status, 200);
    assert!(entries(&api, &of(ONE)).await.len() > before);
}

#[actix_web::test]
async fn what_was_refused_is_said_and_what_is_made_is_named() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let before = when_there_are(&api, &of(ONE), 4).await.len();
    let itself = format!("/v1/team/{}", ana.user());
    let last = ana.send(&api, "DELETE", &itself, json!({})).await;
    assert_eq!(last.outcome(), (409, "last_owner".to_owned()));
    let found = entries(&api, &of(ONE)).await;
    assert_eq!(actions(&found[before..]), ["member_removed", "member_removed"]);
    assert_eq!(found[before + 1]["details"]["refused"], "last_owner");
    assert_eq!(found[before + 1]["details"]["of"]["seq"], found[before]["seq"]);
    let path = format!("/v1/admin/tenants/{ONE}/keys");
    let body = json!({ "name": "inbox", "scopes": ["send"] });
    let made = api.as_admin("POST", &path).json(&body).send().await.json();
    let found = entries(&api, &of(ONE)).await;
    let named = &found[found.len() - 1];
    assert_eq!(named["target"], json!({ "kind": "key", "id": made["key_id"] }));
    assert_eq!(found[found.len() - 2]["details"], json!({ "scopes": ["send"] }));
    // What concerns no tenant is in the operators' log; a tenant's id that is none is no log.
    let (_, operator) = api.add_operator("viewer").await;
    let nowhere = api
        .as_admin("DELETE", "/v1/admin/tenants/000000000000004d/keys/x")
        .send()
        .await;
    assert_eq!(nowhere.status, 404);
    let found = entries(&api, OPERATORS).await;
    assert_eq!(
        actions(&found),
        ["operator_added", "operator_added", "key_revoked", "key_revoked"]
    );
    assert_eq!(found[1]["target"], json!({ "kind": "operator", "id": operator }));
    assert_eq!(found[3]["details"]["refused"], "not_found");
}

#[actix_web::test]
async fn nothing_is_done_when_the_log_cannot_be_written() {
    let api = start().await;
    let token = invited(&api, ONE, "ana@example.com", Role::Owner).await;
    let places = api.state.audit.fill(TENANT);
    let refused = (503, "unavailable".to_owned());
    let late = accept(&api, ONE, &token, "Ana", PASSWORD).await;
    assert_eq!(late.outcome(), refused);
    let put = || {
        api.call("PUT", "/v1/canned-replies/hello")
            .json(&json!({ "text": "Hello!" }))
    };
    let answer = put().send().await;
    assert_eq!(answer.outcome(), refused);
    assert!(answer.header("retry-after").is_some());
    let path = format!("/v1/admin/tenants/{ONE}/invitations");
    let body = json!({ "email": "ben@example.com", "role": "agent" });
    assert_eq!(
        api.as_admin("POST", &path).json(&body).send().await.outcome(),
        refused
    );
    assert_eq!(
        api.get("/v1/canned-replies").await.json()["canned_replies"],
        json!([])
    );
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 401);
    // Reading and answering go on.
    api.conversation_of(ONE, "628123456789").await;
    assert_eq!(api.get("/v1/conversations").await.status, 200);
    drop(places);
    assert_eq!(put().send().await.status, 201);
    assert_eq!(accept(&api, ONE, &token, "Ana", PASSWORD).await.status, 201);
}

#[actix_web::test]
async fn owners_and_admins_read_their_own_log_and_nobody_else_does() {
    let api = start().await;
    let there = [
        ("ana@example.com", Role::Owner, 200),
        ("ben@example.com", Role::Admin, 200),
        ("cut@example.com", Role::Supervisor, 403),
        ("dwi@example.com", Role::Agent, 403),
        ("eka@example.com", Role::ReadOnly, 403),
    ];
    for (email, role, expected) in there {
        let browser = member(&api, ONE, email, role).await;
        for path in ["/v1/audit", "/v1/audit/export", "/v1/audit/verify"] {
            assert_eq!(browser.get(&api, path).await.status, expected, "{role:?} {path}");
        }
    }
    for path in ["/v1/audit", "/v1/audit/export", "/v1/audit/verify"] {
        assert_eq!(api.get(path).await.status, 401, "a key reads {path}");
    }
    let other = member(&api, OTHER, "fay@example.com", Role::Owner).await;
    let found = when_there_are(&api, &of(OTHER), 4).await;
    let shown = other.get(&api, "/v1/audit").await.json();
    assert_eq!(shown["entries"].as_array().unwrap().len(), found.len());
    assert_eq!(shown["month"], "2025-10");
    for wrong in [
        "month=2025-13",
        "action=none",
        "limit=0",
        "limit=201",
        "tenant_id=1",
        "after=x",
    ] {
        let refused = other.get(&api, &format!("/v1/audit?{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    let wrong = ["", "scope=tenants", "tenant_id=1&scope=operators"];
    for wrong in wrong {
        let refused = api
            .as_admin("GET", &format!("/v1/admin/audit?{wrong}"))
            .send()
            .await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    let absent = api
        .as_admin("GET", "/v1/admin/audit?tenant_id=000000000000004d")
        .send()
        .await;
    assert_eq!(absent.status, 404);
}

#[actix_web::test]
async fn an_export_has_each_entry_once_and_is_itself_an_entry() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    when_there_are(&api, &of(ONE), 4).await;
    for n in 0..250_u32 {
        let body = json!({ "text": format!("{n}") });
        let put = api
            .call("PUT", "/v1/canned-replies/counted")
            .json(&body)
            .send()
            .await;
        assert_eq!(put.status, if n == 0 { 201 } else { 200 });
    }
    let before = when_there_are(&api, &of(ONE), 200).await;
    let newest = before.last().unwrap()["seq"].as_u64().unwrap();
    let export = ana.get(&api, "/v1/audit/export?month=2025-10").await;
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    let name = "attachment; filename=\"mesej-audit-2025-10.ndjson\"";
    assert_eq!(export.header("content-disposition"), Some(name));
    let text = String::from_utf8(export.body.clone()).unwrap();
    // It is checked without a server.
    let mut check = ExportCheck::default();
    for line in text.lines() {
        assert_eq!(check.step(line), Ok(()), "{line}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seqs: Vec<u64> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=newest + 1).collect::<Vec<u64>>());
    assert_eq!(lines.last().unwrap()["action"], "audit_exported");
    assert_eq!(lines.last().unwrap()["actor"]["id"], ana.user());
    assert!(
        lines
            .iter()
            .all(|line| line["prev"].as_str().unwrap().len() == 64)
    );
    let part = format!("/v1/admin/audit/export?{}&month=2025-10&after=7&limit=5", of(ONE));
    let part = api.as_admin("GET", &part).send().await;
    assert_eq!(String::from_utf8_lossy(&part.body).lines().count(), 5);
}

#[actix_web::test]
async fn a_look_at_the_log_names_the_entry_that_was_changed() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    when_there_are(&api, &of(ONE), 4).await;
    let month = Month::of(NOW);
    let key = AuditEntry::at(TENANT, EntryPlace { month, seq: 2 });
    let value = api.store.plain_row(key.clone(), NOW).await.unwrap().unwrap();
    let intact = ana.get(&api, "/v1/audit/verify").await.json();
    assert_eq!(
        (&intact["is_intact"], &intact["broken_at"]),
        (&json!(true), &Value::Null)
    );
    let (seq, hash) = (&intact["last"]["seq"], intact["last"]["hash"].as_str().unwrap());
    let none = format!("/v1/audit/verify?seq=0&hash={}", "0".repeat(64));
    let none = ana.get(&api, &none).await;
    assert_eq!(none.outcome(), (400, "invalid_request".to_owned()));
    let noted = format!("/v1/audit/verify?seq={seq}&hash={hash}");
    assert_eq!(ana.get(&api, &noted).await.json()["is_intact"], true);
    let alone = format!("/v1/audit/verify?hash={hash}");
    assert_eq!(ana.get(&api, &alone).await.status, 400);
    let text = String::from_utf8(value.body.to_vec()).unwrap();
    let changed = text.replace(
        AuditAction::InvitationMade.as_str(),
        AuditAction::KeyCreated.as_str(),
    );
    assert_ne!(text, changed);
    let changed = crate::store::PlainValue {
        body: changed.into(),
        ..value.clone()
    };
    let written = api
        .store
        .replace_plain_row(key, Some(value.body), Some(changed), NOW);
    assert!(written.await.unwrap());
    let broken = ana.get(&api, "/v1/audit/verify").await.json();
    assert_eq!(
        (&broken["is_intact"], &broken["broken_at"]),
        (&json!(false), &json!(2))
    );
    assert!(broken["why"].is_string());
}
