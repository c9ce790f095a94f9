use super::*;

fn at(who: &Browser) -> String {
    format!("/v1/team/{}", who.user())
}

#[actix_web::test]
async fn who_leaves_names_a_colleague_and_is_told_apart_from_members() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let agent = member(&api, ONE, "agent@example.com", Role::Agent).await;
    let stranger = member(&api, OTHER, "stranger@example.com", Role::Agent).await;
    let absent = (404, "not_found".to_owned());
    for to in [stranger.user(), agent.user()] {
        let body = json!({ "assign_to": to });
        let refused = agent.send(&api, "DELETE", &at(&agent), body).await;
        assert_eq!(refused.outcome(), absent, "{to}");
    }
    let unknown = json!({ "asign_to": owner.user() });
    let refused = agent.send(&api, "DELETE", &at(&agent), unknown).await;
    assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
    let body = json!({ "assign_to": owner.user() });
    let left = agent.send(&api, "DELETE", &at(&agent), body).await;
    assert_eq!(
        (left.status, left.json()),
        (200, json!({ "user_id": agent.user(), "keys": [] }))
    );
    assert_eq!(agent.get(&api, "/v1/session").await.status, 401);
    let team = owner.get(&api, "/v1/team").await.json();
    assert_eq!(team["members"].as_array().unwrap().len(), 1);
    let expected = json!([{
        "user_id": agent.user(), "agent": agent.user(), "name": "Ana K", "left": NOW,
        "handover": { "assign_to": owner.user(), "conversations": 0 },
    }]);
    assert_eq!(team["former"], expected);
    // Nothing is assigned to them any more.
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let assign = format!("/v1/conversations/{conversation}/assign");
    for (to, expected) in [(agent.user(), 404), (owner.user(), 200), ("a-program", 200)] {
        let answer = owner.send(&api, "POST", &assign, json!({ "agent": to })).await;
        assert_eq!(answer.status, expected, "{to}");
    }
    // Who comes back is no former member any more.
    let token = invited(&api, ONE, "agent@example.com", Role::Agent).await;
    Browser::of(&accept(&api, ONE, &token, "Ana K", PASSWORD).await);
    let team = owner.get(&api, "/v1/team").await.json();
    assert_eq!(
        (team["members"].as_array().unwrap().len(), &team["former"]),
        (2, &json!([]))
    );
}

#[actix_web::test]
async fn a_team_is_handed_over_in_one_step_by_its_owner_with_the_password() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let agent = member(&api, ONE, "agent@example.com", Role::Agent).await;
    let to = |who: &str, password: &str| json!({ "user_id": who, "password": password });
    let path = "/v1/team/owner";
    let by_agent = agent.send(&api, "PUT", path, to(agent.user(), PASSWORD)).await;
    assert_eq!(by_agent.outcome(), (403, "forbidden".to_owned()));
    let wrong = owner
        .send(&api, "PUT", path, to(agent.user(), "kopi tubruk di pasar"))
        .await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    let nobody = "00112233445566778899aabbccddeeff";
    let nobody = owner.send(&api, "PUT", path, to(nobody, PASSWORD)).await;
    assert_eq!(nobody.outcome(), (404, "not_found".to_owned()));
    let roles = async |by: &Browser| {
        let team = by.get(&api, "/v1/team").await.json();
        let members = team["members"].as_array().unwrap().clone();
        let role = |one: &Value| {
            (
                one["email"].as_str().unwrap().to_owned(),
                one["role"].as_str().unwrap().to_owned(),
            )
        };
        let mut roles: Vec<_> = members.iter().map(role).collect();
        roles.sort();
        roles
    };
    let said = |agent: &str, owner: &str| {
        [("agent@example.com", agent), ("owner@example.com", owner)]
            .map(|(email, role)| (email.to_owned(), role.to_owned()))
    };
    assert_eq!(roles(&owner).await, said("agent", "owner"));
    let done = owner.send(&api, "PUT", path, to(agent.user(), PASSWORD)).await;
    assert_eq!(
        (done.status, done.json()),
        (200, json!({ "user_id": agent.user() }))
    );
    assert_eq!(roles(&owner).await, said("owner", "admin"));
    // The new owner signs in again, with the new role; the former one goes on, and cannot do it once more.
    assert_eq!(agent.get(&api, "/v1/session").await.status, 401);
    let again = owner.send(&api, "PUT", path, to(owner.user(), PASSWORD)).await;
    assert_eq!(again.outcome(), (403, "forbidden".to_owned()));
    let agent = Browser::of(&sign_in(&api, "agent@example.com", PASSWORD).await);
    assert_eq!(agent.said["role"], "owner");
    // To oneself it changes nothing.
    let own = agent.send(&api, "PUT", path, to(agent.user(), PASSWORD)).await;
    assert_eq!(own.status, 200);
    assert_eq!(roles(&agent).await, said("owner", "admin"));
}

#[actix_web::test]
async fn somebody_takes_a_copy_of_everything_and_closes_the_account() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let conversation = api.conversation_of(ONE, "628123456789").await;
    let note = format!("/v1/conversations/{conversation}/notes");
    ana.send(&api, "POST", &note, json!({ "text": "calls back" }))
        .await;
    let copy = ana.get(&api, "/v1/profile/export").await;
    assert_eq!(copy.status, 200);
    assert!(
        copy.header("content-disposition")
            .unwrap()
            .starts_with("attachment;")
    );
    let said = copy.json();
    assert_eq!(said["rows"]["user"][0]["email"], "ana@example.com");
    assert_eq!(said["teams"][0]["tenant_id"], json!(ONE));
    let wrong = json!({ "password": "kopi tubruk di pasar senin" });
    let refused = ana.send(&api, "DELETE", "/v1/profile", wrong).await;
    assert_eq!(refused.outcome(), (401, "wrong_credentials".to_owned()));
    let right = || json!({ "password": PASSWORD });
    let last = owner.send(&api, "DELETE", "/v1/profile", right()).await;
    assert_eq!(last.outcome(), (409, "last_owner".to_owned()));
    let gone = ana.send(&api, "DELETE", "/v1/profile", right()).await;
    assert_eq!((gone.status, gone.json()), (200, json!({})));
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    for path in ["/v1/session", "/v1/conversations", "/v1/profile/export"] {
        assert_eq!(ana.get(&api, path).await.status, 401, "{path}");
    }
    let late = sign_in(&api, "ana@example.com", PASSWORD).await;
    assert_eq!(late.outcome(), (401, "wrong_credentials".to_owned()));
    // What was said stays with the business; who said it has no name any more.
    let thread = owner
        .get(&api, &format!("/v1/conversations/{conversation}/messages"))
        .await;
    assert!(thread.json().to_string().contains(ana.user()));
    let team = owner.get(&api, "/v1/team").await.json();
    assert_eq!(
        (&team["former"][0]["user_id"], &team["former"][0]["name"]),
        (&json!(ana.user()), &Value::Null)
    );
}

#[actix_web::test]
async fn an_operator_exports_and_erases_who_asks_for_it() {
    let api = start().await;
    member(&api, ONE, "owner@example.com", Role::Owner).await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    let (viewer, _) = api.add_operator("viewer").await;
    let body = |email: &str| json!({ "email": email });
    for path in ["/v1/admin/users/export", "/v1/admin/users/erase"] {
        let looks = api
            .plain("POST", path)
            .bearer(&viewer)
            .json(&body("ana@example.com"));
        assert_eq!(
            looks.send().await.outcome(),
            (403, "forbidden".to_owned()),
            "{path}"
        );
        let nobody = api.as_admin("POST", path).json(&body("nobody@example.com"));
        assert_eq!(
            nobody.send().await.outcome(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
    let copy = api
        .as_admin("POST", "/v1/admin/users/export")
        .json(&body("ana@example.com"));
    assert_eq!(copy.send().await.json()["user_id"], ana.user());
    let erase = async |email: &str| {
        let call = api.as_admin("POST", "/v1/admin/users/erase");
        call.json(&body(email)).send().await
    };
    assert_eq!(
        erase("owner@example.com").await.outcome(),
        (409, "last_owner".to_owned())
    );
    let gone = erase("ana@example.com").await;
    assert_eq!(
        (gone.status, gone.json()),
        (200, json!({ "user_id": ana.user() }))
    );
    assert_eq!(ana.get(&api, "/v1/session").await.status, 401);
    assert_eq!(erase("ana@example.com").await.status, 404);
}
