use super::*;

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
    assert_eq!(hours, 30 * 24);
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
    let changed = here.send(&api, "PUT", path, change(PASSWORD, new)).await;
    assert_eq!(
        (changed.status, changed.json()),
        (200, json!({ "ended_sessions": 1 }))
    );
    assert_eq!(there.get(&api, "/v1/session").await.status, 401);
    assert_eq!(here.get(&api, "/v1/session").await.status, 200);
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 401);
    // Forgotten: the operator makes a link.
    let nobody = api
        .as_admin("POST", "/v1/admin/password-resets")
        .json(&json!({ "email": "x@example.com" }))
        .send()
        .await;
    assert_eq!(nobody.outcome(), (404, "not_found".to_owned()));
    let made = api
        .as_admin("POST", "/v1/admin/password-resets")
        .json(&json!({ "email": "ana@example.com" }))
        .send()
        .await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let reset = |password: &str| {
        let body = json!({ "token": token, "password": password });
        api.plain("PUT", "/v1/password").json(&body).send()
    };
    assert_eq!(
        reset("ana@example.com").await.outcome(),
        (422, "weak_password".to_owned())
    );
    assert_eq!(reset(PASSWORD).await.status, 200);
    assert_eq!(reset(PASSWORD).await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(here.get(&api, "/v1/session").await.status, 401);
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 201);
}
