use super::*;
use crate::accounts::codes;

const FACTOR: &str = "/v1/session/second-factor";
const RECOVERY: &str = "/v1/session/recovery-codes";
const REMOVALS: &str = "/v1/admin/second-factor-removals";
/// A step of time, after which the app shows another code.
const STEP: Duration = Duration::from_secs(30);

/// Somebody who has turned the second factor on.
struct Protected {
    browser: Browser,
    secret: String,
    recovery: Vec<String>,
}

impl Protected {
    /// What the app shows.
    fn code(&self, api: &Api) -> String {
        codes::shown(&self.secret, api.clock_now())
    }
}

fn wrong_code() -> (u16, String) {
    (401, "wrong_code".to_owned())
}

async fn offered(api: &Api, browser: &Browser) -> Value {
    let offered = browser
        .send(api, "POST", FACTOR, json!({ "password": PASSWORD }))
        .await;
    assert_eq!(offered.status, 200, "{}", offered.json());
    offered.json()
}

async fn protect(api: &Api, browser: &Browser) -> Protected {
    let secret = offered(api, browser).await["secret"].as_str().unwrap().to_owned();
    let code = codes::shown(&secret, api.clock_now());
    let turned_on = browser.send(api, "PUT", FACTOR, json!({ "code": code })).await;
    let browser = Browser::of(&turned_on);
    let recovery = serde_json::from_value(browser.said["recovery_codes"].clone()).unwrap();
    // The code is used up: the next one is awaited.
    api.clock.advance(STEP);
    Protected {
        browser,
        secret,
        recovery,
    }
}

async fn sign_in_with(api: &Api, password: &str, code: &str) -> Answer {
    let body = json!({ "email": "ana@example.com", "password": password, "code": code });
    api.plain("POST", "/v1/session").json(&body).send().await
}

#[actix_web::test]
async fn a_second_factor_is_turned_on_with_a_code_and_asked_for_from_then_on() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let there = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    assert_eq!(ana.said["has_second_factor"], false);
    let nothing_begun = ana.send(&api, "PUT", FACTOR, json!({ "code": "000000" })).await;
    assert_eq!(nothing_begun.outcome(), (404, "not_found".to_owned()));
    let wrong = ana
        .send(
            &api,
            "POST",
            FACTOR,
            json!({ "password": "kopi tubruk di pasar senin" }),
        )
        .await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    let earlier = offered(&api, &ana).await;
    let offer = offered(&api, &ana).await;
    let secret = offer["secret"].as_str().unwrap();
    assert_eq!(
        offer["uri"],
        format!("otpauth://totp/Mesej:ana%40example.com?secret={secret}&issuer=Mesej")
    );
    assert!(offer["qr"]["path"].as_str().unwrap().starts_with("M4 4h7"));
    // Nothing is asked for before a code of the newest secret came.
    let of_earlier = codes::shown(earlier["secret"].as_str().unwrap(), api.clock_now());
    let void = ana.send(&api, "PUT", FACTOR, json!({ "code": of_earlier })).await;
    assert_eq!(void.outcome(), wrong_code());
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 201);
    let code = codes::shown(secret, api.clock_now());
    let turned_on = Browser::of(&ana.send(&api, "PUT", FACTOR, json!({ "code": code })).await);
    assert_eq!(turned_on.said["has_second_factor"], true);
    assert_eq!(turned_on.said["recovery_codes"].as_array().unwrap().len(), 10);
    for ended in [&ana, &there] {
        assert_eq!(ended.get(&api, "/v1/session").await.status, 401);
        assert_eq!(ended.get(&api, "/v1/conversations").await.status, 401);
    }
    let goes_on = turned_on.get(&api, "/v1/session").await.json();
    assert_eq!(goes_on["has_second_factor"], true);
    // A second one is not begun over it.
    let again = turned_on
        .send(&api, "POST", FACTOR, json!({ "password": PASSWORD }))
        .await;
    assert_eq!(again.outcome(), (409, "second_factor_on".to_owned()));
    // The password alone is not enough, and whoever does not know it is told nothing more.
    let alone = sign_in(&api, "ana@example.com", PASSWORD).await;
    assert_eq!(alone.outcome(), (401, "second_factor_required".to_owned()));
    let malformed = sign_in_with(&api, PASSWORD, "12345").await;
    assert_eq!(malformed.outcome(), (400, "invalid_request".to_owned()));
    let replayed = sign_in_with(&api, PASSWORD, &code).await;
    assert_eq!(replayed.outcome(), wrong_code());
    api.clock.advance(STEP);
    let next = codes::shown(secret, api.clock_now());
    let unknowing = sign_in_with(&api, "kopi tubruk di pasar senin", &next).await;
    assert_eq!(unknowing.outcome(), (401, "wrong_credentials".to_owned()));
    let back = Browser::of(&sign_in_with(&api, PASSWORD, &next).await);
    assert_eq!(back.said["has_second_factor"], true);
    assert_eq!(sign_in_with(&api, PASSWORD, &next).await.outcome(), wrong_code());
}

#[actix_web::test]
async fn of_some_who_use_one_code_at_one_moment_one_is_let_in() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    for code in [ana.code(&api), ana.recovery[0].clone()] {
        let tries = (0..3).map(|_| sign_in_with(&api, PASSWORD, &code));
        let tries = futures_util::future::join_all(tries).await;
        let mut outcomes: Vec<(u16, String)> = tries
            .iter()
            .filter(|answer| answer.status != 201)
            .map(Answer::outcome)
            .collect();
        outcomes.dedup();
        assert_eq!(outcomes, [wrong_code()]);
        let opened = tries.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(opened, 1, "{code}");
        api.clock.advance(Duration::from_secs(60));
    }
}

#[actix_web::test]
async fn a_recovery_code_lets_in_once_and_new_ones_void_the_earlier() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    let [first, second, third, ..] = ana.recovery.as_slice() else {
        panic!("{:?}", ana.recovery)
    };
    assert_eq!(sign_in_with(&api, PASSWORD, first).await.status, 201);
    assert_eq!(sign_in_with(&api, PASSWORD, first).await.outcome(), wrong_code());
    // They ask for the password and a code.
    let renew = async |password: &str, code: &str| {
        let body = json!({ "password": password, "code": code });
        ana.browser.send(&api, "POST", RECOVERY, body).await
    };
    let refused = renew("kopi tubruk di pasar senin", second).await;
    assert_eq!(refused.outcome(), (401, "wrong_credentials".to_owned()));
    assert_eq!(renew(PASSWORD, first).await.outcome(), wrong_code());
    let renewed = renew(PASSWORD, &ana.code(&api)).await.json();
    assert_eq!(renewed["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(sign_in_with(&api, PASSWORD, third).await.outcome(), wrong_code());
    let fresh = renewed["recovery_codes"][9].as_str().unwrap();
    let typed = fresh.to_uppercase().replace('-', " ");
    assert_eq!(sign_in_with(&api, PASSWORD, &typed).await.status, 201);
}

#[actix_web::test]
async fn removing_the_second_factor_asks_for_password_and_code() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let remove = async |browser: &Browser, code: &str| {
        let body = json!({ "password": PASSWORD, "code": code });
        let answer = browser.send(&api, "DELETE", FACTOR, body).await;
        if answer.status == 200 {
            (200, String::new())
        } else {
            answer.outcome()
        }
    };
    assert_eq!(remove(&ana, "000000").await, (404, "not_found".to_owned()));
    let ana = protect(&api, &ana).await;
    let without = ana
        .browser
        .send(&api, "DELETE", FACTOR, json!({ "password": PASSWORD }))
        .await;
    assert_eq!(without.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(remove(&ana.browser, "000000").await, wrong_code());
    assert_eq!(remove(&ana.browser, &ana.code(&api)).await.0, 200);
    let goes_on = ana.browser.get(&api, "/v1/session").await.json();
    assert_eq!(goes_on["has_second_factor"], false);
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 201);
    // Another one begins with another secret.
    let again = protect(&api, &ana.browser).await;
    assert_ne!(again.secret, ana.secret);
}

#[actix_web::test]
async fn wrong_codes_are_slowed_as_wrong_passwords_are() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        outcomes.push(sign_in_with(&api, PASSWORD, "000000").await.outcome().0);
    }
    assert_eq!(outcomes, [401, 401, 401, 401, 401, 429]);
    // Neither the right code, nor a wrong password, nor the signed-in person's own calls are looked at meanwhile.
    let code = ana.code(&api);
    let body = json!({ "password": PASSWORD, "code": code });
    for (what, answer) in [
        ("right code", sign_in_with(&api, PASSWORD, &code).await),
        (
            "wrong password",
            sign_in(&api, "ana@example.com", "kopi tubruk di pasar senin").await,
        ),
        (
            "removal",
            ana.browser.send(&api, "DELETE", FACTOR, body.clone()).await,
        ),
        ("renewal", ana.browser.send(&api, "POST", RECOVERY, body).await),
    ] {
        assert_eq!(answer.outcome(), (429, "rate_limited".to_owned()), "{what}");
    }
    api.clock.advance(Duration::from_secs(120));
    assert_eq!(sign_in_with(&api, PASSWORD, &ana.code(&api)).await.status, 201);
}

#[actix_web::test]
async fn codes_that_turn_it_on_are_slowed_too() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    offered(&api, &ana).await;
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        let tried = ana.send(&api, "PUT", FACTOR, json!({ "code": "000000" })).await;
        outcomes.push(tried.status);
    }
    assert_eq!(outcomes, [401, 401, 401, 401, 401, 429]);
}

#[actix_web::test]
async fn a_right_password_without_its_code_counts_as_nothing() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    for _ in 0..20 {
        let alone = sign_in(&api, "ana@example.com", PASSWORD).await;
        assert_eq!(alone.outcome(), (401, "second_factor_required".to_owned()));
    }
    assert_eq!(sign_in_with(&api, PASSWORD, &ana.code(&api)).await.status, 201);
}

#[actix_web::test]
async fn neither_another_password_nor_a_link_to_one_removes_the_second_factor() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    let new = "nasi lemak dengan sambal kerang";
    let body = json!({ "email": "ana@example.com" });
    let made = api
        .as_admin("POST", "/v1/admin/password-resets")
        .json(&body)
        .send()
        .await;
    let body = json!({ "token": made.json()["token"], "password": new });
    let reset = api.plain("PUT", "/v1/password").json(&body).send().await;
    assert_eq!(reset.status, 200);
    let alone = sign_in(&api, "ana@example.com", new).await;
    assert_eq!(alone.outcome(), (401, "second_factor_required".to_owned()));
    let back = Browser::of(&sign_in_with(&api, new, &ana.code(&api)).await);
    api.clock.advance(STEP);
    let body = json!({ "current": new, "new": PASSWORD, "code": ana.code(&api) });
    let changed = Browser::of(&back.send(&api, "PUT", "/v1/session/password", body).await);
    assert_eq!(changed.said["has_second_factor"], true);
    let alone = sign_in(&api, "ana@example.com", PASSWORD).await;
    assert_eq!(alone.outcome(), (401, "second_factor_required".to_owned()));
}

#[actix_web::test]
async fn an_invitation_does_not_go_round_the_second_factor() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    let token = invited(&api, OTHER, "ana@example.com", Role::Agent).await;
    let alone = accept(&api, OTHER, &token, "Ana", PASSWORD).await;
    assert_eq!(alone.outcome(), (401, "second_factor_required".to_owned()));
    let follow = async |code: &str| {
        let body = json!({ "tenant_id": OTHER, "token": token, "password": PASSWORD, "code": code });
        let call = api.plain("POST", "/v1/invitations/accept").json(&body);
        call.send().await
    };
    assert_eq!(follow("000000").await.outcome(), wrong_code());
    let there = Browser::of(&follow(&ana.code(&api)).await);
    assert_eq!(there.said["tenant_id"], json!(OTHER));
}

#[actix_web::test]
async fn an_operator_removes_the_second_factor_of_who_lost_everything() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let removal = async |email: &str| {
        let call = api.as_admin("POST", REMOVALS).json(&json!({ "email": email }));
        call.send().await
    };
    for nothing in ["nobody@example.com", "ana@example.com"] {
        assert_eq!(
            removal(nothing).await.outcome(),
            (404, "not_found".to_owned()),
            "{nothing}"
        );
    }
    assert_eq!(ana.get(&api, "/v1/session").await.status, 200);
    let ana = protect(&api, &ana).await;
    let removed = removal("ana@example.com").await;
    assert_eq!(removed.json(), json!({ "user_id": ana.browser.user() }));
    for path in ["/v1/session", "/v1/conversations"] {
        assert_eq!(ana.browser.get(&api, path).await.status, 401, "{path}");
    }
    let back = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    assert_eq!(back.said["has_second_factor"], false);
}

#[actix_web::test]
async fn codes_stand_nowhere_and_the_secret_in_the_users_row_alone() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    let shown = ana.browser.get(&api, "/v1/session").await.json().to_string();
    assert!(!shown.contains(&ana.secret));
    api.state.accounts.sign_ins_written(Duration::from_secs(10)).await;
    let rows = api
        .store
        .export_plain(None, 1_000, api.clock_now())
        .await
        .unwrap();
    for row in &rows.records {
        let (text, table) = (String::from_utf8_lossy(&row.value.body), row.key.partition.table);
        assert_eq!(text.contains(&ana.secret), table == "user", "{table}");
        for code in &ana.recovery {
            assert!(
                !text.contains(code) && !text.contains(&code.replace('-', "")),
                "{table}"
            );
        }
    }
}

#[actix_web::test]
async fn after_ten_wrong_codes_with_the_right_password_codes_wait() {
    let api = Api::start_with(Setup {
        server: "trusted_proxies = [\"127.0.0.1\"]",
        sections: "[accounts]\nhash_threads = 2\n",
        ..Setup::default()
    })
    .await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    // Recovery codes are codes, too; wherever they come from, so that no network waits for those from others.
    for network in 0..10 {
        let body = json!({ "email": "ana@example.com", "password": PASSWORD, "code": "aaaa-aaaa-aaaa-aaaa" });
        let call = api.plain("POST", "/v1/session").json(&body);
        let from = format!("198.51.100.{network}");
        let wrong = call.header("X-Forwarded-For", &from).send().await;
        assert_eq!(wrong.outcome(), wrong_code());
        api.clock.advance(STEP);
    }
    for code in [ana.code(&api), ana.recovery[0].clone()] {
        let refused = sign_in_with(&api, PASSWORD, &code).await;
        assert_eq!(refused.outcome(), (429, "rate_limited".to_owned()));
        assert_eq!(refused.header("retry-after"), Some("30"));
    }
    // Nor is the factor taken away so, by whoever sits at an open session.
    let proof = json!({ "password": PASSWORD, "code": ana.code(&api) });
    let refused = ana.browser.send(&api, "DELETE", FACTOR, proof).await;
    assert_eq!(refused.outcome(), (429, "rate_limited".to_owned()));
    api.clock.advance(STEP);
    assert_eq!(sign_in_with(&api, PASSWORD, &ana.code(&api)).await.status, 201);
}

#[actix_web::test]
async fn a_code_is_not_used_up_for_a_team_that_one_is_not_in() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let ana = protect(&api, &ana).await;
    let sign_in_for = async |tenant: TenantId, code: &str| {
        let body = json!({
            "email": "ana@example.com", "password": PASSWORD, "code": code, "tenant_id": tenant,
        });
        api.plain("POST", "/v1/session").json(&body).send().await
    };
    // Without a code nobody learns where she is.
    let wrong = sign_in_for(OTHER, "aaaa-aaaa-aaaa-aaaa").await;
    assert_eq!(wrong.outcome(), wrong_code());
    let code = ana.code(&api);
    let refused = sign_in_for(OTHER, &code).await;
    assert_eq!(refused.outcome(), (404, "not_found".to_owned()));
    assert_eq!(sign_in_for(ONE, &code).await.status, 201);
}

#[actix_web::test]
async fn what_asks_for_the_password_of_a_protected_account_asks_for_a_code_too() {
    let api = start().await;
    let ben = member(&api, ONE, "ben@example.com", Role::Agent).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let mut ana = protect(&api, &ana).await;
    let of_ben = format!("/v1/team/{}", ben.user());
    let (own, team) = ("/v1/session/password", "/v1/team/owner");
    let new = "nasi lemak dengan sambal kerang";
    let invitation = json!({ "email": "cleo@example.com", "role": "owner", "password": PASSWORD });
    let calls = [
        (
            "PUT",
            of_ben.as_str(),
            json!({ "role": "owner", "password": PASSWORD }),
            200,
        ),
        (
            "PUT",
            &of_ben,
            json!({ "role": "agent", "password": PASSWORD }),
            200,
        ),
        ("POST", "/v1/team/invitations", invitation, 201),
        ("PUT", own, json!({ "current": PASSWORD, "new": new }), 201),
        (
            "PUT",
            team,
            json!({ "user_id": ben.user(), "password": new }),
            200,
        ),
        ("DELETE", "/v1/profile", json!({ "password": new }), 200),
    ];
    for (method, path, mut body, expected) in calls {
        let what = format!("{method} {path} {body}");
        let alone = ana.browser.send(&api, method, path, body.clone()).await;
        let required = (401, "second_factor_required".to_owned());
        assert_eq!(alone.outcome(), required, "{what}");
        body["code"] = json!("000000");
        let wrong = ana.browser.send(&api, method, path, body.clone()).await;
        assert_eq!(wrong.outcome(), wrong_code(), "{what}");
        body["code"] = json!(ana.code(&api));
        let done = ana.browser.send(&api, method, path, body).await;
        assert_eq!(done.status, expected, "{what} {}", done.json());
        if path == own {
            ana.browser = Browser::of(&done);
        }
        api.clock.advance(STEP);
    }
}
