//! People: invited, signed in, in a team, and what each role may do.

mod acting;
mod business;
mod leaving;
mod limits;
mod mail;
mod matrix;
mod own_replies;
mod profile;
mod second_factor;
mod sessions;
mod sign_ins;
mod sign_up;
mod team;
mod usage;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::roles::Role;

pub(super) const PASSWORD: &str = "kopi tubruk di pasar minggu";
const ELSEWHERE: &str = "https://evil.example";

/// Somebody's browser.
pub(super) struct Browser {
    pub(super) cookie: String,
    csrf: String,
    pub(super) said: Value,
}

impl Browser {
    pub(super) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 201, "{}", answer.json());
        let set = answer.header("set-cookie").unwrap();
        for part in [
            "__Host-mesej=mj_session_",
            "; Secure",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/",
        ] {
            assert!(set.contains(part), "{set}");
        }
        assert!(!set.contains("Domain"), "{set}");
        Self {
            cookie: set.split(';').next().unwrap().to_owned(),
            csrf: answer.json()["csrf_token"].as_str().unwrap().to_owned(),
            said: answer.json(),
        }
    }

    /// The one with a cookie that was set without saying more.
    pub(super) async fn by_cookie(api: &Api, set: &str) -> Self {
        let cookie = set.split(';').next().unwrap().to_owned();
        let session = api.plain("GET", "/v1/session").header("Cookie", &cookie);
        let said = session.send().await.json();
        Self {
            cookie,
            csrf: said["csrf_token"].as_str().unwrap().to_owned(),
            said,
        }
    }

    fn call(&self, api: &Api, method: &str, path: &str) -> Request {
        let call = api.plain(method, path).header("Cookie", &self.cookie);
        call.header("X-CSRF-Token", &self.csrf)
    }

    pub(super) async fn get(&self, api: &Api, path: &str) -> Answer {
        self.call(api, "GET", path).send().await
    }

    pub(super) async fn send(&self, api: &Api, method: &str, path: &str, body: Value) -> Answer {
        self.call(api, method, path).json(&body).send().await
    }

    pub(super) fn user(&self) -> &str {
        self.said["user"]["user_id"].as_str().unwrap()
    }
}

/// A server that hashes quickly.
pub(super) async fn start() -> Api {
    Api::start_with(Setup {
        sections: "[accounts]\nhash_threads = 2\n",
        ..Setup::default()
    })
    .await
}

/// An invitation by the operator: its token.
pub(super) async fn invited(api: &Api, tenant: TenantId, email: &str, role: Role) -> String {
    let path = format!("/v1/admin/tenants/{tenant}/invitations");
    let body = json!({ "email": email, "role": role });
    let made = api.as_admin("POST", &path).json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.json());
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(
        link,
        format!("https://mesej.example.com/#/invitation/{tenant}/{token}")
    );
    token
}

pub(super) async fn accept(api: &Api, tenant: TenantId, token: &str, name: &str, password: &str) -> Answer {
    let policy = &api.state.config.accounts.policy_version;
    let policy = (!policy.is_empty()).then_some(policy);
    let body = json!({
        "tenant_id": tenant, "token": token, "name": name, "is_of_age": true, "policy_version": policy,
        "password": password,
    });
    api.plain("POST", "/v1/invitations/accept")
        .json(&body)
        .send()
        .await
}

pub(super) async fn member(api: &Api, tenant: TenantId, email: &str, role: Role) -> Browser {
    let token = invited(api, tenant, email, role).await;
    Browser::of(&accept(api, tenant, &token, "Ana K", PASSWORD).await)
}

pub(super) async fn sign_in(api: &Api, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    api.plain("POST", "/v1/session").json(&body).send().await
}

#[actix_web::test]
async fn somebody_who_is_invited_sets_a_password_and_signs_in_with_it() {
    let api = start().await;
    let token = invited(&api, ONE, "Ana@Example.com", Role::Owner).await;
    let link = json!({ "tenant_id": ONE, "token": token });
    let look = api.plain("POST", "/v1/invitations/look").json(&link).send().await;
    let expected = json!({
        "tenant_id": ONE, "tenant_name": format!("tenant {ONE}"), "email": "ana@example.com",
        "role": "owner", "has_account": false,
    });
    assert_eq!((look.status, look.json()), (200, expected));
    let ana = Browser::of(&accept(&api, ONE, &token, "Ana K", PASSWORD).await);
    assert_eq!(ana.said["user"]["name"], "Ana K");
    assert_eq!(
        (&ana.said["tenant_id"], &ana.said["role"]),
        (&json!(ONE), &json!("owner"))
    );
    // The link works once.
    let again = accept(&api, ONE, &token, "Ben", PASSWORD).await;
    assert_eq!(again.outcome(), (404, "not_found".to_owned()));
    // Signed in, the user reads and answers as a key does.
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let list = ana.get(&api, "/v1/conversations").await.json();
    assert_eq!(list["conversations"].as_array().unwrap().len(), 1);
    let note = format!("/v1/conversations/{conversation}/notes");
    let noted = ana
        .send(&api, "POST", &note, json!({ "text": "calls back" }))
        .await;
    assert_eq!(noted.status, 201, "{}", noted.json());
    let thread = ana
        .get(&api, &format!("/v1/conversations/{conversation}/messages"))
        .await
        .json();
    let authors: Vec<&Value> = thread["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["author"])
        .collect();
    assert!(
        authors.contains(&&json!({ "kind": "agent", "id": ana.user() })),
        "{authors:?}"
    );
    // Out and in again.
    let out = ana.send(&api, "DELETE", "/v1/session", json!({})).await;
    assert_eq!(out.status, 200);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    for path in ["/v1/session", "/v1/conversations"] {
        assert_eq!(
            ana.get(&api, path).await.outcome(),
            (401, "unauthorized".to_owned()),
            "{path}"
        );
    }
    let back = Browser::of(&sign_in(&api, " ANA@example.com", PASSWORD).await);
    assert_ne!(back.cookie, ana.cookie);
    assert_eq!(back.get(&api, "/v1/session").await.json(), back.said);
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_address_get_one_answer_and_are_slowed() {
    let api = start().await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    let wrong = sign_in(&api, "ana@example.com", "kopi tubruk di pasar senin").await;
    let unknown = sign_in(&api, "nobody@example.com", PASSWORD).await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    assert_eq!(
        wrong.json()["error"]["message"],
        unknown.json()["error"]["message"]
    );
    assert_eq!(unknown.outcome(), wrong.outcome());
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        outcomes.push(
            sign_in(&api, "ana@example.com", "kopi tubruk di pasar senin")
                .await
                .outcome()
                .0,
        );
    }
    assert!(outcomes.contains(&429), "{outcomes:?}");
    // Who waits is let in.
    api.clock.advance(Duration::from_secs(120));
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 201);
}

#[actix_web::test]
async fn a_password_that_is_easy_to_guess_is_refused_and_the_link_stays() {
    let api = start().await;
    let token = invited(&api, ONE, "ana@example.com", Role::Agent).await;
    for weak in ["short", "passwordpassword", "ana@example.com", "123456789012345"] {
        let answer = accept(&api, ONE, &token, "Ana", weak).await;
        assert_eq!(answer.outcome(), (422, "weak_password".to_owned()), "{weak}");
        assert!(
            !answer.json().to_string().contains(&format!("{weak}\"")),
            "the answer repeats it"
        );
    }
    let nameless = json!({ "tenant_id": ONE, "token": token, "password": PASSWORD });
    let nameless = api
        .plain("POST", "/v1/invitations/accept")
        .json(&nameless)
        .send()
        .await;
    assert_eq!(nameless.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(accept(&api, ONE, &token, "Ana", PASSWORD).await.status, 201);
}

#[actix_web::test]
async fn what_changes_something_needs_the_pages_origin_and_its_token() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let put = || {
        api.plain("PUT", "/v1/canned-replies/hello")
            .header("Cookie", &ana.cookie)
    };
    let body = json!({ "text": "Hello!" });
    let refused = (403, "bad_origin".to_owned());
    let without = put().json(&body).send().await;
    assert_eq!(without.outcome(), refused);
    let other = member(&api, ONE, "ben@example.com", Role::Owner).await;
    let of_another = put().header("X-CSRF-Token", &other.csrf).json(&body).send().await;
    assert_eq!(of_another.outcome(), refused);
    for (name, value) in [
        ("Origin", ELSEWHERE),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let call = put().header("X-CSRF-Token", &ana.csrf).header(name, value);
        assert_eq!(
            call.json(&body).send().await.outcome(),
            refused,
            "{name}: {value}"
        );
    }
    let own = put()
        .header("X-CSRF-Token", &ana.csrf)
        .header("Sec-Fetch-Site", "same-origin");
    let own = own
        .header("Origin", "https://mesej.example.com")
        .json(&body)
        .send()
        .await;
    assert_eq!(own.status, 201);
    // Nobody signs a visitor of another page in.
    let body = json!({ "email": "ana@example.com", "password": PASSWORD });
    let planted = api
        .plain("POST", "/v1/session")
        .header("Origin", ELSEWHERE)
        .json(&body)
        .send()
        .await;
    assert_eq!(planted.outcome(), refused);
    // Of two cookies with one name, somebody else set one.
    let twice = format!("{}; {}", other.cookie, ana.cookie);
    let twice = api
        .plain("GET", "/v1/session")
        .header("Cookie", &twice)
        .send()
        .await;
    assert_eq!(twice.outcome(), (401, "unauthorized".to_owned()));
}

#[actix_web::test]
async fn links_end_after_a_week() {
    let api = start().await;
    let token = invited(&api, ONE, "ana@example.com", Role::Agent).await;
    api.clock.advance(Duration::from_secs(7 * 86_400));
    let late = accept(&api, ONE, &token, "Ana", PASSWORD).await;
    assert_eq!(late.outcome(), (404, "not_found".to_owned()));
    // One tenant's link opens no other.
    let token = invited(&api, ONE, "ana@example.com", Role::Agent).await;
    let other = accept(&api, OTHER, &token, "Ana", PASSWORD).await;
    assert_eq!(other.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn nothing_that_opens_an_account_is_stored_or_shown() {
    let api = start().await;
    let token = invited(&api, ONE, "ana@example.com", Role::Owner).await;
    let ana = Browser::of(&accept(&api, ONE, &token, "Ana", PASSWORD).await);
    let open = invited(&api, ONE, "ben@example.com", Role::Agent).await;
    let rows = api.store.export_plain(None, 1_000, NOW).await.unwrap().records;
    assert!(rows.len() >= 7, "{}", rows.len());
    let session = ana.cookie.split_once('=').unwrap().1;
    for row in &rows {
        let text = String::from_utf8_lossy(&row.value.body);
        for secret in [PASSWORD, session, &token, &open, &ana.csrf] {
            assert!(!text.contains(secret), "{}: {text}", row.key.partition.table);
        }
        let key = [row.key.partition.part.as_ref(), row.key.sort.as_ref()].concat();
        assert!(
            !String::from_utf8_lossy(&key).contains("example.com"),
            "a key holds an address"
        );
    }
}
