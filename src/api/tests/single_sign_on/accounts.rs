use super::*;
use crate::domain::UserId;
use crate::store::plain::PlainTable;
use crate::store::tables::{ProviderAccount, SignInIdentity};
use crate::telemetry::labels::MailKind;

#[actix_web::test]
async fn whom_the_provider_gives_a_role_is_let_in_and_known_again() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let ana = opened(
        &api,
        &signed_in(&api, &provider, ONE, "ana", &["cooks", "desk"]).await,
    )
    .await;
    assert_eq!(ana.said["user"]["name"], "ana");
    assert_eq!(ana.said["user"]["email"], "ana@example.com");
    assert_eq!(ana.said["signed_in_by"], "provider");
    assert_eq!(
        (&ana.said["tenant_id"], &ana.said["role"]),
        (&json!(ONE), &json!("agent"))
    );
    let reply = json!({ "text": "Hello!" });
    let put = ana.send(&api, "PUT", "/v1/canned-replies/hello", reply).await;
    assert_eq!(put.status, 201, "{}", put.json());
    // Another role there is another role here, from the next sign-in on; what was open before is over.
    let again = opened(
        &api,
        &signed_in(&api, &provider, ONE, "ana", &["leads", "desk"]).await,
    )
    .await;
    assert_eq!(
        (again.user(), &again.said["role"]),
        (ana.user(), &json!("supervisor"))
    );
    assert_eq!(ana.get(&api, "/v1/session").await.status, 401);
    // No group with a role: nobody is let in, and what was open is over.
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["cooks"]).await),
        "no_role"
    );
    assert_eq!(again.get(&api, "/v1/conversations").await.status, 401);
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ben", &[]).await),
        "no_role"
    );
    let team = api.get("/v1/team").await.json();
    assert_eq!(team["members"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn an_address_that_a_provider_names_opens_nobodys_account() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let owner = member(&api, OTHER, "ana@example.com", Role::Owner).await;
    let theirs = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(theirs.said["user"]["email"], "ana@example.com");
    assert_ne!(theirs.user(), owner.user());
    assert_eq!(theirs.said["tenants"].as_array().unwrap().len(), 1);
    // The address and its password still are the other's alone, whoever says them.
    let body = json!({ "current": PASSWORD, "new": "kopi tubruk di pasar senin" });
    let changed = theirs.send(&api, "PUT", "/v1/session/password", body).await;
    assert_eq!(changed.outcome(), (403, "forbidden".to_owned()));
    let back = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    assert_eq!(back.user(), owner.user());
    // An address that nobody had stays free for whoever can prove it.
    opened(&api, &signed_in(&api, &provider, ONE, "ben", &["desk"]).await).await;
    let ben = member(&api, OTHER, "ben@example.com", Role::Agent).await;
    assert_eq!(ben.said["tenant_id"], json!(OTHER));
}

/// The way to the provider of somebody who connects an account.
pub(super) async fn connecting(api: &Api, browser: &Browser) -> Away {
    let body = json!({ "password": PASSWORD });
    let answer = browser.send(api, "POST", "/v1/session/provider", body).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let url = answer.json()["url"].as_str().unwrap().to_owned();
    let away = away(ONE, &answer, &url);
    assert_eq!(away.asked.get("prompt"), "login");
    away
}

#[actix_web::test]
async fn a_member_connects_an_account_by_the_password_and_signs_in_by_it() {
    let (mut api, provider) = (start().await, Provider::start());
    let mut members_only = setting(&provider);
    members_only["new_people"] = json!("refused");
    set(&api, ONE, &members_only).await;
    member(&api, ONE, "olga@example.com", Role::Owner).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["desk"]).await),
        "not_connected"
    );
    let wrong = json!({ "password": "kopi tubruk di pasar senin" });
    let wrong = ana.send(&api, "POST", "/v1/session/provider", wrong).await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    let away = connecting(&api, &ana).await;
    let claims = provider.claims(&away.asked, "ana", now(&api));
    let answer = away.with(&api, &provider, &claims).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("/")));
    assert_eq!(
        ana.get(&api, "/v1/session").await.status,
        200,
        "the session stays"
    );
    let told = loop {
        let mail = api.inbox.next().await;
        if mail.kind == MailKind::ProviderConnected {
            break mail;
        }
    };
    assert_eq!(told.to, "ana@example.com");
    let listed = ana.get(&api, "/v1/session/provider").await.json();
    assert_eq!(listed["issuer"], members_only["issuer"]);
    let connection = json!({ "tenant_id": ONE, "name": format!("tenant {ONE}"), "since": api.clock_now() });
    assert_eq!(listed["connections"], json!([connection]));
    let by_provider = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(by_provider.user(), ana.user());
    // What belongs to one cannot be another's, and nobody connects by a session of the provider's.
    let ben = member(&api, ONE, "ben@example.com", Role::Agent).await;
    let away = connecting(&api, &ben).await;
    let claims = provider.claims(&away.asked, "ana", now(&api));
    assert_eq!(
        refusal(&away.with(&api, &provider, &claims).await),
        "connected_to_another"
    );
    let body = json!({ "password": PASSWORD });
    let no = by_provider.send(&api, "POST", "/v1/session/provider", body).await;
    assert_eq!(no.outcome(), (403, "forbidden".to_owned()));
    for (method, path, body) in [
        ("GET", "/v1/sign-ins", json!({})),
        ("GET", "/v1/session/provider", json!({})),
        (
            "PUT",
            "/v1/session/password",
            json!({ "current": PASSWORD, "new": "kopi tubruk di pasar senin" }),
        ),
        (
            "POST",
            "/v1/session/second-factor",
            json!({ "password": PASSWORD }),
        ),
        ("PUT", "/v1/session/second-factor", json!({ "code": "000000" })),
        ("DELETE", "/v1/session/provider", json!({})),
    ] {
        let no = by_provider.send(&api, method, path, body).await;
        assert_eq!(no.outcome(), (403, "forbidden".to_owned()), "{method} {path}");
    }
    // Disconnected, or out of the team, the account of the provider's opens nothing.
    let gone = ana.send(&api, "DELETE", "/v1/session/provider", json!({})).await;
    assert_eq!(gone.json(), json!({ "disconnected": 1 }));
    let none = ana.get(&api, "/v1/session/provider").await.json();
    assert_eq!(none["connections"], json!([]));
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["desk"]).await),
        "not_connected"
    );
    let away = connecting(&api, &ben).await;
    let claims = provider.claims(&away.asked, "ben", now(&api));
    assert_eq!(
        away.with(&api, &provider, &claims).await.header("location"),
        Some("/")
    );
    let left = ben
        .send(&api, "DELETE", &format!("/v1/team/{}", ben.user()), json!({}))
        .await;
    assert_eq!(left.status, 200, "{}", left.json());
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ben", &["desk"]).await),
        "not_connected"
    );
}

#[actix_web::test]
async fn a_session_by_a_provider_is_good_for_its_own_tenant_alone() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let token = super::super::people::invited(&api, OTHER, "ana@example.com", Role::Owner).await;
    let elsewhere = Browser::of(&super::super::people::accept(&api, OTHER, &token, "Ana", PASSWORD).await);
    member(&api, ONE, "olga@example.com", Role::Owner).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    assert_eq!(ana.user(), elsewhere.user());
    let away = connecting(&api, &ana).await;
    let claims = provider.claims(&away.asked, "ana", now(&api));
    away.with(&api, &provider, &claims).await;
    let by_provider = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(by_provider.user(), ana.user());
    assert_eq!(by_provider.said["tenants"].as_array().unwrap().len(), 1);
    assert_eq!(
        ana.get(&api, "/v1/session").await.json()["tenants"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let change = by_provider
        .send(&api, "PUT", "/v1/session/tenant", json!({ "tenant_id": OTHER }))
        .await;
    assert_eq!(change.outcome(), (403, "forbidden".to_owned()));
    // Sessions elsewhere are neither seen nor ended.
    let list = by_provider.get(&api, "/v1/sessions").await.json();
    let tenants: Vec<&Value> = list["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["tenant_id"])
        .collect();
    // Nor are those of the user's own in the same team.
    assert_eq!(tenants, [&json!(ONE)]);
    let another = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    let id = elsewhere.said["session_id"].as_str().unwrap();
    let end = by_provider
        .send(&api, "DELETE", &format!("/v1/sessions/{id}"), json!({}))
        .await;
    assert_eq!(end.outcome(), (404, "not_found".to_owned()));
    let others = by_provider
        .send(&api, "DELETE", "/v1/sessions/others", json!({}))
        .await;
    assert_eq!(others.json(), json!({ "ended_sessions": 1 }));
    assert_eq!(elsewhere.get(&api, "/v1/session").await.status, 200);
    assert_eq!(ana.get(&api, "/v1/session").await.status, 200);
    assert_eq!(another.get(&api, "/v1/session").await.status, 401);
    // However often somebody signs in by it, it ends its own sessions alone.
    let mut opened_by_it = Vec::new();
    for _ in 0..21 {
        opened_by_it.push(opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await);
        api.clock.advance(Duration::from_secs(1));
    }
    api.clock.advance(Duration::from_secs(30));
    assert_eq!(opened_by_it[0].get(&api, "/v1/session").await.status, 401);
    assert_eq!(opened_by_it[20].get(&api, "/v1/session").await.status, 200);
    assert_eq!(ana.get(&api, "/v1/session").await.status, 200);
    assert_eq!(elsewhere.get(&api, "/v1/session").await.status, 200);
    // What is asked of the account is refused, whichever route it is.
    let here = &opened_by_it[20];
    for (method, path, guard, body) in super::super::isolation::routes() {
        let own = ["/v1/profile", "/v1/sign-ins", "/v1/session/"];
        let is_own = own.iter().any(|prefix| path.starts_with(prefix)) && path != "/v1/profile/policy";
        if !matches!(guard, super::super::isolation::Guard::Session) || !is_own {
            continue;
        }
        let body = match path {
            "/v1/profile/email" => json!({ "email": "x@example.com", "password": PASSWORD }),
            _ => body,
        };
        let answer = here.send(&api, method, path, body).await;
        assert_eq!(answer.outcome(), (403, "forbidden".to_owned()), "{method} {path}");
    }
}

#[actix_web::test]
async fn a_map_makes_owners_only_where_it_says_so_and_never_takes_the_last() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let olga = member(&api, ONE, "olga@example.com", Role::Owner).await;
    let away = connecting(&api, &olga).await;
    let claims = provider.claims(&away.asked, "olga", now(&api));
    away.with(&api, &provider, &claims).await;
    // The map says nothing of owners: who is one stays one.
    member(&api, ONE, "ben@example.com", Role::Owner).await;
    let again = opened(&api, &signed_in(&api, &provider, ONE, "olga", &["desk"]).await).await;
    // Whoever may set a provider is no owner by it: its sessions are an admin's at most.
    assert_eq!(again.said["role"], "admin");
    // It does now: owners are whom it names, but the last.
    let mut owners = setting(&provider);
    owners["roles"]["bosses"] = json!("owner");
    set(&api, ONE, &owners).await;
    let again = opened(&api, &signed_in(&api, &provider, ONE, "olga", &["desk"]).await).await;
    assert_eq!(again.said["role"], "agent");
    let again = opened(&api, &signed_in(&api, &provider, ONE, "olga", &["bosses"]).await).await;
    assert_eq!(again.said["role"], "owner");
    let team = again.get(&api, "/v1/team").await.json();
    let ben = team["members"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["email"] == "ben@example.com");
    let ben = ben.unwrap()["user_id"].as_str().unwrap();
    let path = format!("/v1/team/{ben}");
    // What asks for a password needs a session by one.
    let body = json!({ "password": PASSWORD });
    let no = again.send(&api, "DELETE", &path, body.clone()).await;
    assert_eq!(no.outcome(), (403, "forbidden".to_owned()));
    let olga = Browser::of(&sign_in(&api, "olga@example.com", PASSWORD).await);
    let gone = olga.send(&api, "DELETE", &path, body).await;
    assert_eq!(gone.status, 200, "{}", gone.json());
    let last = opened(&api, &signed_in(&api, &provider, ONE, "olga", &["desk"]).await).await;
    assert_eq!(last.said["role"], "owner");
}

#[actix_web::test]
async fn a_first_sign_in_that_was_cut_off_is_gone_on_with() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let account = ProviderAccount::named(ONE, &provider.issuer.parse().unwrap(), "ana");
    let user = UserId::from_bytes([7; 16]);
    let table = PlainTable::<SignInIdentity>::of(api.store.as_ref(), NOW);
    let (key, identity) = (
        account.key(),
        SignInIdentity {
            user,
            admitted: None,
            ended: None,
        },
    );
    assert!(table.replace(&key, None, Some(&identity)).await.unwrap());
    let ana = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(ana.user(), user.to_string());
}

#[actix_web::test]
async fn somebody_without_an_address_gets_no_account() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    for email in [
        json!(null),
        json!("ana"),
        json!("ana@example.com,ben@example.com"),
    ] {
        let away = leave(&api, ONE).await;
        let mut claims = provider.claims(&away.asked, "ana", now(&api));
        claims["email"] = email;
        assert_eq!(refusal(&away.with(&api, &provider, &claims).await), "no_email");
    }
    // A name that would leave its line is shortened to what shows.
    let away = leave(&api, ONE).await;
    let mut claims = provider.claims(&away.asked, "ana", now(&api));
    claims["name"] = json!("Ana\u{202e}\nK");
    let ana = opened(&api, &away.with(&api, &provider, &claims).await).await;
    assert_eq!(ana.said["user"]["name"], "AnaK");
}

#[actix_web::test]
async fn a_full_team_takes_nobody_more_and_keeps_nothing_of_them() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let path = format!("/v1/admin/tenants/{ONE}/quotas");
    let put = api
        .as_admin("PUT", &path)
        .json(&json!({ "agents": 1 }))
        .send()
        .await;
    assert_eq!(put.status, 200, "{}", put.json());
    member(&api, ONE, "olga@example.com", Role::Owner).await;
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["desk"]).await),
        "limit_reached"
    );
    let account = ProviderAccount::named(ONE, &provider.issuer.parse().unwrap(), "ana");
    let table = PlainTable::<SignInIdentity>::of(api.store.as_ref(), NOW);
    assert!(table.get(&account.key()).await.unwrap().is_none());
}

#[actix_web::test]
async fn an_account_that_a_provider_made_is_exported_and_erased_after_a_sign_in() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let ana = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(
        ana.get(&api, "/v1/profile").await.json()["email"],
        "ana@example.com"
    );
    let export = ana.get(&api, "/v1/profile/export").await;
    assert_eq!(export.status, 200, "{}", export.json());
    assert!(export.json().to_string().contains("ana@example.com"));
    api.clock.advance(Duration::from_secs(301));
    let again = (403, "sign_in_again".to_owned());
    assert_eq!(ana.get(&api, "/v1/profile/export").await.outcome(), again);
    assert_eq!(
        ana.send(&api, "DELETE", "/v1/profile", json!({})).await.outcome(),
        again
    );
    let fresh = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    let erased = fresh.send(&api, "DELETE", "/v1/profile", json!({})).await;
    assert_eq!(erased.status, 200, "{}", erased.json());
    assert_eq!(fresh.get(&api, "/v1/session").await.status, 401);
    // Whom the provider still lets in is somebody new.
    let new = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_ne!(new.user(), ana.user());
    // An operator does it by the id: the address leads nowhere.
    let body = json!({ "user_id": new.user() });
    let erased = api
        .as_admin("POST", "/v1/admin/users/erase")
        .json(&body)
        .send()
        .await;
    assert_eq!(erased.status, 200, "{}", erased.json());
}

#[actix_web::test]
async fn a_connection_that_was_begun_with_an_old_password_or_an_old_login_is_none() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    member(&api, ONE, "olga@example.com", Role::Owner).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let away = connecting(&api, &ana).await;
    assert_eq!(away.asked.get("max_age"), "0");
    let mut claims = provider.claims(&away.asked, "ana", now(&api));
    claims["auth_time"] = json!(now(&api) - 3_600);
    assert_eq!(
        refusal(&away.with(&api, &provider, &claims).await),
        "provider_token_refused"
    );
    let away = connecting(&api, &ana).await;
    let body = json!({ "current": PASSWORD, "new": "kopi tubruk di pasar senin" });
    let changed = ana.send(&api, "PUT", "/v1/session/password", body).await;
    assert_eq!(changed.status, 201, "{}", changed.json());
    let claims = provider.claims(&away.asked, "ana", now(&api));
    assert_eq!(
        refusal(&away.with(&api, &provider, &claims).await),
        "sign_in_expired"
    );
}

#[actix_web::test]
async fn a_provider_that_is_set_again_opens_no_old_session_again() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let ana = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    let path = format!("/v1/admin/tenants/{ONE}/sign-in-provider");
    api.clock.advance(Duration::from_secs(30));
    set(&api, ONE, &setting(&provider)).await;
    assert_eq!(ana.get(&api, "/v1/session").await.status, 200, "the same client");
    assert_eq!(api.as_admin("DELETE", &path).send().await.status, 200);
    set(&api, ONE, &setting(&provider)).await;
    api.clock.advance(Duration::from_secs(30));
    assert_eq!(ana.get(&api, "/v1/session").await.status, 401);
}

#[actix_web::test]
async fn a_session_that_the_browser_shows_ends_where_the_provider_opens_one() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let earlier = member(&api, OTHER, "ana@example.com", Role::Agent).await;
    let mut away = leave(&api, ONE).await;
    away.cookie = format!("{}; {}", away.cookie, earlier.cookie);
    let mut claims = provider.claims(&away.asked, "ben", now(&api));
    claims["groups"] = json!(["desk"]);
    let ben = opened(&api, &away.with(&api, &provider, &claims).await).await;
    assert_eq!(ben.get(&api, "/v1/session").await.status, 200);
    assert_eq!(earlier.get(&api, "/v1/session").await.status, 401);
}
