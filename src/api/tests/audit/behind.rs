//! What is recorded behind answers: sign-ins, wrong passwords, and new passwords by a link.

use super::*;

#[actix_web::test]
async fn a_wrong_password_is_told_to_each_team_and_an_unknown_address_to_nobody() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let token = invited(&api, OTHER, "ana@example.com", Role::Agent).await;
    assert_eq!(accept(&api, OTHER, &token, "Ana", PASSWORD).await.status, 201);
    let (one, other) = (
        when_there_are(&api, &of(ONE), 4).await.len(),
        when_there_are(&api, &of(OTHER), 4).await.len(),
    );
    sign_in(&api, "nobody@example.com", PASSWORD).await;
    assert_eq!(
        sign_in(&api, "ana@example.com", "kopi tubruk di pasar senin")
            .await
            .status,
        401
    );
    for (tenant, before) in [(ONE, one), (OTHER, other)] {
        let found = when_there_are(&api, &of(tenant), before + 1).await;
        assert_eq!(actions(&found[before..]), ["sign_in_failed"]);
        let failed = &found[before];
        assert_eq!(failed["actor"], json!({ "kind": "nobody", "id": null }));
        assert_eq!(failed["target"], json!({ "kind": "user", "id": ana.user() }));
        assert_eq!(failed["address"], "127.0.0.1");
    }
    // Who changes the tenant signs in there.
    let body = json!({ "tenant_id": OTHER });
    let there = Browser::of(&ana.send(&api, "PUT", "/v1/session/tenant", body).await);
    let found = when_there_are(&api, &of(OTHER), other + 2).await;
    assert_eq!(found[other + 1]["action"], "signed_in");
    assert_eq!(found[other + 1]["target"]["id"], there.said["session_id"]);
    assert_eq!(entries(&api, &of(ONE)).await.len(), one + 1);
}

#[actix_web::test]
async fn an_orderly_stop_waits_for_what_is_recorded_behind_answers() {
    let api = start().await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    let wrong = sign_in(&api, "ana@example.com", "kopi tubruk di pasar senin").await;
    assert_eq!(wrong.status, 401);
    let left = api.state.accounts.sign_ins_written(Duration::from_secs(10)).await;
    assert_eq!(left, 0);
    let found = entries(&api, &of(ONE)).await;
    assert_eq!(found.last().unwrap()["action"], "sign_in_failed");
    assert!(actions(&found).contains(&"signed_in"));
}

#[actix_web::test]
async fn a_link_to_a_new_password_is_told_to_the_teams_and_so_is_its_use() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let before = when_there_are(&api, &of(ONE), 4).await.len();
    let body = json!({ "email": "ana@example.com" });
    let made = api
        .as_admin("POST", "/v1/admin/password-resets")
        .json(&body)
        .send()
        .await;
    assert_eq!(made.status, 201);
    let body = json!({ "token": made.json()["token"], "password": "another one, of five words" });
    let set = api.plain("PUT", "/v1/password").json(&body).send().await;
    assert_eq!(set.status, 200, "{}", set.json());
    let found = when_there_are(&api, &of(ONE), before + 2).await;
    let mut both = actions(&found[before..]);
    both.sort_unstable();
    assert_eq!(both, ["password_link_made", "password_reset"]);
    let made = found
        .iter()
        .find(|one| one["action"] == "password_link_made")
        .unwrap();
    assert_eq!(made["actor"]["kind"], "operator");
    assert_eq!(made["target"], json!({ "kind": "user", "id": ana.user() }));
}

#[actix_web::test]
async fn a_password_is_reset_although_the_log_of_a_team_is_full_and_the_user_sees_it() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let body = json!({ "email": "ana@example.com" });
    let link = api.as_admin("POST", "/v1/admin/password-resets").json(&body);
    let token = link.send().await.json()["token"].clone();
    let places = api.state.audit.fill(TENANT);
    let body = json!({ "token": token, "password": "another one, of five words" });
    let set = api.plain("PUT", "/v1/password").json(&body).send().await;
    assert_eq!(set.status, 200, "{}", set.json());
    drop(places);
    assert_eq!(ana.get(&api, "/v1/session").await.status, 401);
    let again = Browser::of(&sign_in(&api, "ana@example.com", "another one, of five words").await);
    let left = api.state.accounts.sign_ins_written(Duration::from_secs(10)).await;
    assert_eq!(left, 0);
    let list = again.get(&api, "/v1/sign-ins").await.json();
    let outcomes: Vec<&Value> = list["sign_ins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    assert!(outcomes.contains(&&json!("password_reset")), "{outcomes:?}");
    assert!(actions(&entries(&api, &of(ONE)).await).contains(&"password_reset"));
}
