use super::*;

#[actix_web::test]
async fn members_manage_those_below_them_and_an_owner_always_stays() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let admin = member(&api, ONE, "admin@example.com", Role::Admin).await;
    let agent = member(&api, ONE, "agent@example.com", Role::Agent).await;
    let forbidden = (403, "forbidden".to_owned());
    let at = |who: &Browser| format!("/v1/team/{}", who.user());
    let as_role = |role: &str| json!({ "role": role });
    let invite = |email: &str, role: &str| json!({ "email": email, "role": role });
    // An agent manages nobody, an admin no owner.
    for (by, path) in [(&agent, at(&agent)), (&agent, at(&admin)), (&admin, at(&owner))] {
        assert_eq!(
            by.send(&api, "PUT", &path, as_role("read_only")).await.outcome(),
            forbidden,
            "{path}"
        );
    }
    assert_eq!(
        admin
            .send(&api, "PUT", &at(&agent), as_role("owner"))
            .await
            .outcome(),
        forbidden
    );
    assert_eq!(
        agent.send(&api, "DELETE", &at(&admin), json!({})).await.outcome(),
        forbidden
    );
    assert_eq!(
        admin.send(&api, "DELETE", &at(&owner), json!({})).await.outcome(),
        forbidden
    );
    let open = "/v1/team/invitations";
    assert_eq!(
        agent
            .send(&api, "POST", open, invite("x@example.com", "agent"))
            .await
            .outcome(),
        forbidden
    );
    assert_eq!(agent.get(&api, open).await.outcome(), forbidden);
    assert_eq!(
        admin
            .send(&api, "POST", open, invite("x@example.com", "owner"))
            .await
            .outcome(),
        forbidden
    );
    let made = admin
        .send(&api, "POST", open, invite("x@example.com", "agent"))
        .await;
    assert_eq!(made.status, 201, "{}", made.json());
    // A new invitation of the same person takes the place of the earlier one.
    let second = admin
        .send(&api, "POST", open, invite("x@example.com", "supervisor"))
        .await;
    let list = admin.get(&api, open).await.json();
    assert_eq!(list["invitations"].as_array().unwrap().len(), 1);
    assert!(
        !list
            .to_string()
            .contains(second.json()["token"].as_str().unwrap())
    );
    let first = accept(&api, ONE, made.json()["token"].as_str().unwrap(), "X", PASSWORD).await;
    assert_eq!(first.outcome(), (404, "not_found".to_owned()));
    let id = second.json()["invitation_id"].as_str().unwrap().to_owned();
    assert_eq!(
        admin
            .send(&api, "DELETE", &format!("{open}/{id}"), json!({}))
            .await
            .status,
        200
    );
    let withdrawn = accept(&api, ONE, second.json()["token"].as_str().unwrap(), "X", PASSWORD).await;
    assert_eq!(withdrawn.outcome(), (404, "not_found".to_owned()));
    let known = owner
        .send(&api, "POST", open, invite("agent@example.com", "agent"))
        .await;
    assert_eq!(known.outcome(), (409, "already_member".to_owned()));
    // The last owner neither leaves nor steps down.
    let last = (409, "last_owner".to_owned());
    assert_eq!(
        owner.send(&api, "DELETE", &at(&owner), json!({})).await.outcome(),
        last
    );
    assert_eq!(
        owner
            .send(&api, "PUT", &at(&owner), as_role("agent"))
            .await
            .outcome(),
        last
    );
    // Who is an owner changes only with the password.
    let missing = (400, "invalid_request".to_owned());
    let without = owner.send(&api, "PUT", &at(&admin), as_role("owner")).await;
    assert_eq!(without.outcome(), missing);
    let wrong = json!({ "role": "owner", "password": "kopi tubruk di pasar senin" });
    let wrong = owner.send(&api, "PUT", &at(&admin), wrong).await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    let without = owner
        .send(&api, "POST", open, invite("y@example.com", "owner"))
        .await;
    assert_eq!(without.outcome(), missing);
    let with = json!({ "email": "y@example.com", "role": "owner", "password": PASSWORD });
    assert_eq!(owner.send(&api, "POST", open, with).await.status, 201);
    // Another role means to sign in again, with that role.
    let with = json!({ "role": "owner", "password": PASSWORD });
    assert_eq!(owner.send(&api, "PUT", &at(&admin), with).await.status, 200);
    assert_eq!(admin.get(&api, "/v1/session").await.status, 401);
    let second = Browser::of(&sign_in(&api, "admin@example.com", PASSWORD).await);
    assert_eq!(second.said["role"], "owner");
    let without = owner.send(&api, "DELETE", &at(&owner), json!({})).await;
    assert_eq!(without.outcome(), missing);
    let with = json!({ "password": PASSWORD });
    assert_eq!(owner.send(&api, "DELETE", &at(&owner), with).await.status, 200);
    assert_eq!(owner.get(&api, "/v1/conversations").await.outcome().0, 401);
    // Who is in no team signs in and sees nothing.
    let alone = Browser::of(&sign_in(&api, "owner@example.com", PASSWORD).await);
    assert_eq!(
        (&alone.said["tenant_id"], &alone.said["tenants"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(alone.get(&api, "/v1/conversations").await.outcome(), forbidden);
    assert_eq!(alone.get(&api, open).await.outcome(), forbidden);
    let team = second.get(&api, "/v1/team").await.json();
    let mut emails: Vec<&str> = team["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["email"].as_str().unwrap())
        .collect();
    emails.sort_unstable();
    assert_eq!(emails, ["admin@example.com", "agent@example.com"]);
    // A program sees who is there, and no addresses.
    let team = api.get("/v1/team").await.json();
    assert!(team["members"][0]["name"].is_string() && !team.to_string().contains("example.com"));
    let nobody = second.send(&api, "DELETE", "/v1/team/x", json!({})).await;
    assert_eq!(nobody.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn one_person_works_for_several_tenants_each_in_a_session_of_its_own() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let token = invited(&api, OTHER, "ana@example.com", Role::Agent).await;
    let wrong = accept(&api, OTHER, &token, "Ana", "kopi tubruk di pasar senin").await;
    assert_eq!(
        wrong.outcome(),
        (401, "wrong_credentials".to_owned()),
        "the account's password is asked for"
    );
    let there = Browser::of(&accept(&api, OTHER, &token, "Somebody else", PASSWORD).await);
    assert_eq!(
        (there.user(), &there.said["user"]["name"]),
        (ana.user(), &json!("Ana K"))
    );
    assert_eq!(
        (&there.said["tenant_id"], &there.said["role"]),
        (&json!(OTHER), &json!("agent"))
    );
    assert_eq!(
        ana.get(&api, "/v1/session").await.json()["tenants"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let change = |to: TenantId| json!({ "tenant_id": to });
    let nowhere = there
        .send(&api, "PUT", "/v1/session/tenant", change(TenantId::new(77)))
        .await;
    assert_eq!(nowhere.outcome(), (404, "not_found".to_owned()));
    let back = Browser::of(&there.send(&api, "PUT", "/v1/session/tenant", change(ONE)).await);
    assert_eq!(
        (&back.said["tenant_id"], &back.said["role"]),
        (&json!(ONE), &json!("owner"))
    );
    assert_eq!(
        there.get(&api, "/v1/session").await.status,
        401,
        "the session before has ended"
    );
    // Working for another tenant prolongs nothing.
    let mut last = back;
    let mut hours = 0;
    loop {
        api.clock.advance(std::time::Duration::from_secs(6 * 3_600));
        hours += 6;
        let to = if hours % 12 == 0 { ONE } else { OTHER };
        let changed = last.send(&api, "PUT", "/v1/session/tenant", change(to)).await;
        if changed.status != 201 {
            assert_eq!(changed.outcome(), (401, "unauthorized".to_owned()));
            break;
        }
        last = Browser::of(&changed);
    }
    assert_eq!(hours, 14 * 24);
    let chosen = json!({ "email": "ana@example.com", "password": PASSWORD, "tenant_id": OTHER });
    let chosen = api.plain("POST", "/v1/session").json(&chosen).send().await;
    assert_eq!(Browser::of(&chosen).said["tenant_id"], json!(OTHER));
}

#[actix_web::test]
async fn of_two_owners_who_remove_each_other_one_stays() {
    let api = start().await;
    for n in 0..8 {
        let (one, other) = (format!("a{n}@example.com"), format!("b{n}@example.com"));
        let tenant = TenantId::new(100 + n);
        api.add_tenant(tenant).await;
        let one = member(&api, tenant, &one, Role::Owner).await;
        let other = member(&api, tenant, &other, Role::Owner).await;
        let path = |who: &Browser| format!("/v1/team/{}", who.user());
        let (of_one, of_other) = (path(&one), path(&other));
        let both = [(&one, &of_other), (&other, &of_one)];
        let both = both.map(|(by, path)| by.send(&api, "DELETE", path, json!({ "password": PASSWORD })));
        futures_util::future::join_all(both).await;
        let team = api.state.accounts.team(tenant).await.unwrap();
        let owners = team.iter().filter(|member| member.role == Role::Owner).count();
        assert_eq!(owners, 1);
    }
}

#[actix_web::test]
async fn an_invitation_is_worth_no_more_than_who_made_it() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    let admin = member(&api, ONE, "admin@example.com", Role::Admin).await;
    let body = json!({ "email": "second@example.com", "role": "admin" });
    let made = admin
        .send(&api, "POST", "/v1/team/invitations", body)
        .await
        .json();
    let path = format!("/v1/team/{}", admin.user());
    assert_eq!(owner.send(&api, "DELETE", &path, json!({})).await.status, 200);
    let late = accept(&api, ONE, made["token"].as_str().unwrap(), "Second", PASSWORD).await;
    assert_eq!(late.outcome(), (404, "not_found".to_owned()));
    assert_eq!(
        owner.get(&api, "/v1/team").await.json()["members"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[actix_web::test]
async fn of_an_acceptance_and_a_withdrawal_at_one_moment_one_wins() {
    let api = start().await;
    let owner = member(&api, ONE, "owner@example.com", Role::Owner).await;
    for n in 0..6 {
        let body = json!({ "email": format!("x{n}@example.com"), "role": "agent" });
        let made = owner
            .send(&api, "POST", "/v1/team/invitations", body)
            .await
            .json();
        let path = format!("/v1/team/invitations/{}", made["invitation_id"].as_str().unwrap());
        let (token, name) = (made["token"].as_str().unwrap(), format!("X{n}"));
        let accepted = accept(&api, ONE, token, &name, PASSWORD);
        let withdrawn = owner.send(&api, "DELETE", &path, json!({}));
        let (accepted, withdrawn) = futures_util::future::join(accepted, withdrawn).await;
        let team = owner.get(&api, "/v1/team").await.json();
        let is_in = team["members"]
            .as_array()
            .unwrap()
            .iter()
            .any(|member| member["name"] == name);
        assert_eq!(
            is_in,
            accepted.status == 201,
            "{:?} {:?}",
            accepted.outcome(),
            withdrawn.outcome()
        );
        assert!(
            !(is_in && withdrawn.status == 200),
            "somebody whose invitation was withdrawn is in"
        );
    }
}

#[actix_web::test]
async fn no_key_speaks_for_a_person_who_signs_in() {
    let api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Owner).await;
    let as_ana = json!({ "agent": ana.user(), "name": "Ana" });
    let refused = api.post("/v1/ws/ticket", &as_ana).await;
    assert_eq!(refused.outcome(), (403, "forbidden".to_owned()));
    let other = api
        .post("/v1/ws/ticket", &json!({ "agent": "0".repeat(32) }))
        .await;
    assert_eq!(other.status, 201);
    let own = ana.send(&api, "POST", "/v1/ws/ticket", json!({})).await;
    assert_eq!(own.status, 201);
}
