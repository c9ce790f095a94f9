use super::super::isolation::{Guard, routes};
use super::*;
use crate::domain::roles::Right;

#[actix_web::test]
async fn each_role_may_do_what_the_table_allows_and_in_its_own_tenant_alone() {
    let api = start().await;
    let theirs = api.conversation_of(OTHER, "628123456789").await;
    for role in Role::ALL {
        let who = member(&api, ONE, &format!("{}@example.com", role.as_str()), role).await;
        for (method, path, guard, body) in routes() {
            let path = path
                .replace("{conversation_id}", &theirs.to_string())
                .replace(['{', '}'], "");
            let answer = who.call(&api, method, &path).json(&body).send().await;
            match guard {
                Guard::Key(scopes) => {
                    let needs = |scope: &Scope| match scope {
                        Scope::Send => Right::Answer,
                        Scope::Read | Scope::Agents => Right::Read,
                    };
                    let allowed = scopes.iter().all(|scope| role.allows(needs(scope)));
                    let refused = answer.outcome() == (403, "forbidden".to_owned());
                    assert_eq!(
                        refused,
                        !allowed,
                        "{role:?} {method} {path}: {:?}",
                        answer.outcome()
                    );
                    let text = String::from_utf8_lossy(&answer.body);
                    assert!(!text.contains(&theirs.to_string()), "{role:?} {method} {path}");
                }
                Guard::Operator => {
                    assert_eq!(
                        answer.outcome(),
                        (401, "unauthorized".to_owned()),
                        "{method} {path}"
                    );
                }
                Guard::Open | Guard::Ticket | Guard::Session => {}
            }
            if path == "/v1/session" && method == "DELETE" {
                break;
            }
        }
    }
}

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
    // Another role means to sign in again, with that role.
    assert_eq!(
        owner
            .send(&api, "PUT", &at(&admin), as_role("owner"))
            .await
            .status,
        200
    );
    assert_eq!(admin.get(&api, "/v1/session").await.status, 401);
    let second = Browser::of(&sign_in(&api, "admin@example.com", PASSWORD).await);
    assert_eq!(second.said["role"], "owner");
    assert_eq!(
        owner.send(&api, "DELETE", &at(&owner), json!({})).await.status,
        200
    );
    assert_eq!(owner.get(&api, "/v1/conversations").await.outcome().0, 401);
    // Who is in no team signs in and sees nothing.
    let alone = Browser::of(&sign_in(&api, "owner@example.com", PASSWORD).await);
    assert_eq!(
        (&alone.said["tenant_id"], &alone.said["tenants"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(alone.get(&api, "/v1/conversations").await.outcome().0, 401);
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
    let chosen = json!({ "email": "ana@example.com", "password": PASSWORD, "tenant_id": OTHER });
    let chosen = api.plain("POST", "/v1/session").json(&chosen).send().await;
    assert_eq!(Browser::of(&chosen).said["tenant_id"], json!(OTHER));
}
