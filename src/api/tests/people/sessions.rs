use super::*;
use crate::api::auth::Voucher;

#[actix_web::test]
async fn sessions_are_listed_ended_and_over_in_time() {
    let api = start().await;
    let one = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let two = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    let three = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    let list = two.get(&api, "/v1/sessions").await.json();
    let list = list["sessions"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(
        list.iter().filter(|session| session["is_this"] == true).count(),
        1
    );
    let first = one.said["session_id"].as_str().unwrap();
    assert_eq!(
        two.send(&api, "DELETE", &format!("/v1/sessions/{first}"), json!({}))
            .await
            .status,
        200
    );
    assert_eq!(one.get(&api, "/v1/session").await.status, 401);
    let all = two.send(&api, "DELETE", "/v1/sessions/others", json!({})).await;
    assert_eq!(all.json(), json!({ "ended_sessions": 1 }));
    assert_eq!(three.get(&api, "/v1/conversations").await.status, 401);
    // Used, it goes on; left alone, it ends; and at last it ends whatever is done.
    for _ in 0..5 {
        api.clock.advance(Duration::from_secs(11 * 3_600));
        assert_eq!(two.get(&api, "/v1/conversations").await.status, 200);
    }
    api.clock.advance(Duration::from_secs(12 * 3_600 + 1));
    assert_eq!(two.get(&api, "/v1/conversations").await.status, 401);
    let busy = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    let mut hours = 0;
    while busy.get(&api, "/v1/session").await.status == 200 {
        api.clock.advance(Duration::from_secs(6 * 3_600));
        hours += 6;
    }
    assert_eq!(hours, 14 * 24);
}

#[actix_web::test]
async fn another_applications_cookie_in_utf8_signs_nobody_out() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    for cookies in [
        format!("who=José; {}", ana.cookie),
        format!("{}; who=José", ana.cookie),
    ] {
        let call = api.plain("GET", "/v1/session").header("Cookie", &cookies);
        assert_eq!(call.send().await.status, 200, "{cookies}");
    }
}

#[actix_web::test]
async fn a_session_that_a_browser_shows_ends_where_a_new_one_opens() {
    let api = start().await;
    let before = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let elsewhere = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    let ben = member(&api, OTHER, "ben@example.com", Role::Owner).await;
    let link = invited(&api, OTHER, "ana@example.com", Role::Agent).await;
    let body = json!({ "tenant_id": OTHER, "token": link, "password": PASSWORD });
    let accepted = api
        .plain("POST", "/v1/invitations/accept")
        .header("Cookie", &before.cookie)
        .json(&body)
        .send()
        .await;
    let after = Browser::of(&accepted);
    assert_eq!(before.get(&api, "/v1/session").await.status, 401);
    assert_eq!(before.get(&api, "/v1/conversations").await.status, 401);
    // Others stay: the one of another browser, and that of somebody else.
    for browser in [&after, &elsewhere, &ben] {
        assert_eq!(browser.get(&api, "/v1/session").await.status, 200);
    }
    let body = json!({ "email": "ana@example.com", "password": PASSWORD });
    let signed_in = api
        .plain("POST", "/v1/session")
        .header("Cookie", &after.cookie)
        .json(&body)
        .send()
        .await;
    assert_eq!(signed_in.status, 201);
    assert_eq!(after.get(&api, "/v1/session").await.status, 401);
    assert_eq!(elsewhere.get(&api, "/v1/session").await.status, 200);
}

#[actix_web::test]
async fn a_page_of_an_earlier_session_reads_nothing_of_the_one_in_the_cookie() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let ben = member(&api, OTHER, "ben@example.com", Role::Owner).await;
    for path in ["/v1/team", "/v1/conversations", "/v1/session", "/v1/audit"] {
        let read = |csrf: &str| {
            let call = api.plain("GET", path).header("Cookie", &ben.cookie);
            call.header("X-CSRF-Token", csrf)
        };
        let of_another = read(&ana.csrf).send().await;
        assert_eq!(of_another.outcome(), (403, "bad_origin".to_owned()), "{path}");
        assert_eq!(read(&ben.csrf).send().await.status, 200, "{path}");
        // A link on another site's page neither reads nor leaves an entry of an export.
        let linked = api.plain("GET", path).header("Cookie", &ben.cookie);
        let linked = linked.header("Sec-Fetch-Site", "cross-site").send().await;
        assert_eq!(linked.outcome(), (403, "bad_origin".to_owned()), "{path}");
    }
}

#[actix_web::test]
async fn another_password_ends_the_other_sessions_and_a_link_all_of_them() {
    let api = start().await;
    let here = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let there = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    let new = "nasi lemak dengan sambal kerang";
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    let path = "/v1/session/password";
    let wrong = here
        .send(&api, "PUT", path, change("kopi tubruk di pasar senin", new))
        .await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    let weak = here
        .send(&api, "PUT", path, change(PASSWORD, "password1234"))
        .await;
    assert_eq!(weak.outcome(), (422, "weak_password".to_owned()));
    let changed = Browser::of(&here.send(&api, "PUT", path, change(PASSWORD, new)).await);
    for ended in [&here, &there] {
        assert_eq!(ended.get(&api, "/v1/session").await.status, 401);
        assert_eq!(ended.get(&api, "/v1/conversations").await.status, 401);
    }
    assert_eq!(changed.get(&api, "/v1/session").await.status, 200);
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 401);
    // Forgotten: the operator makes a link.
    let nobody = api
        .as_admin("POST", "/v1/admin/password-resets")
        .json(&json!({ "email": "x@example.com" }))
        .send()
        .await;
    assert_eq!(nobody.outcome(), (404, "not_found".to_owned()));
    let (earlier, token) = (reset_link(&api).await, reset_link(&api).await);
    let reset = async |password: &str| reset_by(&api, &token, password).await;
    let of_earlier = reset_by(&api, &earlier, PASSWORD).await;
    assert_eq!(of_earlier.outcome(), (404, "not_found".to_owned()));
    assert_eq!(
        reset("ana@example.com").await.outcome(),
        (422, "weak_password".to_owned())
    );
    assert_eq!(reset(PASSWORD).await.status, 200);
    assert_eq!(reset(PASSWORD).await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(changed.get(&api, "/v1/session").await.status, 401);
    let back = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    // A change of the password voids a link that was made before.
    let token = reset_link(&api).await;
    let again = back.send(&api, "PUT", path, change(PASSWORD, new)).await;
    assert_eq!(again.status, 201);
    let late = reset_by(&api, &token, PASSWORD).await;
    assert_eq!(late.outcome(), (404, "not_found".to_owned()));
}

async fn reset_link(api: &Api) -> String {
    let body = json!({ "email": "ana@example.com" });
    let made = api
        .as_admin("POST", "/v1/admin/password-resets")
        .json(&body)
        .send()
        .await;
    made.json()["token"].as_str().unwrap().to_owned()
}

async fn reset_by(api: &Api, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    api.plain("PUT", "/v1/password").json(&body).send().await
}

#[actix_web::test]
async fn of_two_who_use_one_link_to_a_new_password_one_sets_it() {
    let api = start().await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    let token = reset_link(&api).await;
    let passwords = ["nasi lemak dengan sambal kerang", "rendang daging tok wan"];
    let both = passwords.map(|password| reset_by(&api, &token, password));
    let outcomes = futures_util::future::join_all(both).await;
    let set = outcomes.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(
        set,
        1,
        "{:?}",
        outcomes.iter().map(Answer::outcome).collect::<Vec<_>>()
    );
}

#[actix_web::test]
async fn a_user_has_a_hundred_sessions_and_another_password_ends_them_all() {
    let api = start().await;
    let first = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let mut browsers = vec![first];
    for _ in 0..crate::accounts::MOST_SESSIONS {
        api.clock.advance(Duration::from_secs(61));
        browsers.push(Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await));
    }
    let (oldest, last) = (&browsers[0], &browsers[browsers.len() - 1]);
    assert_eq!(oldest.get(&api, "/v1/session").await.status, 401);
    let list = last.get(&api, "/v1/sessions").await.json();
    assert_eq!(
        list["sessions"].as_array().unwrap().len(),
        crate::accounts::MOST_SESSIONS
    );
    let body = json!({ "current": PASSWORD, "new": "nasi lemak dengan sambal kerang" });
    let changed = Browser::of(&last.send(&api, "PUT", "/v1/session/password", body).await);
    let list = changed.get(&api, "/v1/sessions").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
    for browser in &browsers {
        assert_eq!(browser.get(&api, "/v1/session").await.status, 401);
    }
}

#[actix_web::test]
async fn a_tab_that_is_left_open_does_not_keep_its_session() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let accounts = &api.state.accounts;
    let user = ana.user().parse().unwrap();
    let voucher = Voucher {
        key: accounts.sessions_of(user).await.unwrap()[0].0,
        user: Some(user),
    };
    // What the socket of an idle tab asks with each of its pings.
    for _ in 0..(12 * 60) {
        api.state.keys.look_at(voucher).await.unwrap();
        api.clock.advance(Duration::from_secs(60));
    }
    assert!(api.state.keys.look_at(voucher).await.is_err());
    assert_eq!(ana.get(&api, "/v1/session").await.status, 401);
}
