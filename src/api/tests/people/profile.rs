//! People's own data.

use super::*;
use crate::domain::UserId;
use crate::store::StoreError;
use crate::store::plain::PlainTable;
use crate::store::tables::{AcceptedPolicy, User};
use crate::telemetry::labels::MailKind;

const POLICY: &str = "[accounts]\nhash_threads = 2\npolicy_version = \"2026-05\"\npolicy_url = \"https://example.com/privacy\"\n";

#[actix_web::test]
async fn people_see_and_correct_their_own_data() {
    let mut api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::ReadOnly).await;
    let before = ana.get(&api, "/v1/profile").await.json();
    let expected = json!({
        "user_id": ana.user(), "name": "Ana K", "email": "ana@example.com", "phone": null, "created": NOW, "policy": null,
    });
    assert_eq!(before, expected);
    assert_eq!(ana.said["policy_due"], Value::Null);
    let body = json!({ "name": " Ana Kusuma ", "phone": "+62 812-3456-789" });
    let after = ana.send(&api, "PUT", "/v1/profile", body).await.json();
    assert_eq!(
        (&after["name"], &after["phone"]),
        (&json!("Ana Kusuma"), &json!("+628123456789"))
    );
    // What is not named stays; colleagues see the name at once.
    let body = json!({ "phone": "" });
    let after = ana.send(&api, "PUT", "/v1/profile", body).await.json();
    assert_eq!(
        (&after["name"], &after["phone"]),
        (&json!("Ana Kusuma"), &Value::Null)
    );
    let team = ana.get(&api, "/v1/team").await.json();
    assert_eq!(team["members"][0]["name"], "Ana Kusuma");
    for bad in [
        json!({ "name": "a\nb" }),
        json!({ "phone": "12" }),
        json!({ "email": "x@example.com" }),
    ] {
        let refused = ana.send(&api, "PUT", "/v1/profile", bad).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
    }
    // There is no policy to accept.
    let body = json!({ "version": "1" });
    let refused = ana.send(&api, "PUT", "/v1/profile/policy", body).await;
    assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(api.inbox.next().await.kind, MailKind::Invitation);
}

#[actix_web::test]
async fn somebody_new_who_is_invited_says_to_be_old_enough_and_accepts_the_policy_as_who_signs_up() {
    let api = Api::start_with(Setup {
        sections: POLICY,
        ..Setup::default()
    })
    .await;
    let token = invited(&api, ONE, "ana@example.com", Role::Agent).await;
    let good = json!({
        "tenant_id": ONE, "token": token, "name": "Ana K", "password": PASSWORD, "is_of_age": true,
        "policy_version": "2026-05",
    });
    for (field, value) in [
        ("is_of_age", json!(false)),
        ("is_of_age", Value::Null),
        ("policy_version", json!("2025-01")),
        ("policy_version", Value::Null),
        ("name", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let call = api.plain("POST", "/v1/invitations/accept").json(&bad);
        let refused = call.send().await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{bad}");
    }
    let call = api.plain("POST", "/v1/invitations/accept").json(&good);
    let ana = Browser::of(&call.send().await);
    assert_eq!(ana.said["policy_due"], Value::Null);
    let profile = ana.get(&api, "/v1/profile").await.json();
    let accepted = json!({ "version": "2026-05", "accepted": NOW });
    assert_eq!(profile["policy"], accepted);
    // Who has an account said so when it was made.
    let token = invited(&api, OTHER, "ana@example.com", Role::Agent).await;
    let body = json!({ "tenant_id": OTHER, "token": token, "password": PASSWORD });
    let call = api.plain("POST", "/v1/invitations/accept").json(&body);
    assert_eq!(call.send().await.status, 201);
}

#[actix_web::test]
async fn the_policy_in_force_is_asked_for_until_it_is_accepted() {
    let api = Api::start_with(Setup {
        sections: POLICY,
        ..Setup::default()
    })
    .await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    assert_eq!(ana.said["policy_due"], Value::Null);
    // Another one was in force when the person joined.
    let user: UserId = ana.user().parse().unwrap();
    let users = PlainTable::<User>::of(api.store.as_ref(), NOW);
    let changed = users.change(User::at(user), |before| {
        let policy = before.unwrap().policy.clone().map(|policy| AcceptedPolicy {
            version: "2025-01".to_owned(),
            ..policy
        });
        Ok::<_, StoreError>(Some(User {
            policy,
            ..before.unwrap().clone()
        }))
    });
    changed.await.unwrap();
    let ana = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    let due = json!({ "version": "2026-05", "url": "https://example.com/privacy" });
    assert_eq!(ana.said["policy_due"], due);
    let put = |version: &str| ana.send(&api, "PUT", "/v1/profile/policy", json!({ "version": version }));
    assert_eq!(
        put("2025-01").await.outcome(),
        (400, "invalid_request".to_owned())
    );
    let accepted = put("2026-05").await.json();
    assert_eq!(
        accepted["policy"],
        json!({ "version": "2026-05", "accepted": NOW })
    );
    assert_eq!(
        ana.get(&api, "/v1/session").await.json()["policy_due"],
        Value::Null
    );
    // The time of the first acceptance stays.
    api.clock.advance(Duration::from_secs(60));
    assert_eq!(put("2026-05").await.json(), accepted);
}

#[actix_web::test]
async fn another_address_needs_the_password_and_the_link_that_it_gets() {
    let mut api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    api.inbox.next().await;
    let ask = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password });
        ana.send(&api, "PUT", "/v1/profile/email", body)
    };
    let wrong = ask("ana@example.org", "rendang daging tok wan").await;
    assert_eq!(wrong.outcome(), (401, "wrong_credentials".to_owned()));
    let same = ask("ANA@example.com", PASSWORD).await;
    assert_eq!(same.outcome(), (400, "invalid_request".to_owned()));
    let asked = ask("ana@example.org", PASSWORD).await;
    assert_eq!((asked.status, asked.json()), (202, json!({})));
    let token = api.inbox.next().await.token("email");
    let confirm = || {
        let confirm = api.plain("POST", "/v1/profile/email/confirm");
        confirm.json(&json!({ "token": token })).send()
    };
    let confirmed = confirm().await;
    assert_eq!(
        (confirmed.status, confirmed.json()),
        (200, json!({ "email": "ana@example.org" }))
    );
    assert_eq!(confirm().await.outcome(), (404, "not_found".to_owned()));
    // The session goes on; the old address signs in no more.
    let session = ana.get(&api, "/v1/session").await.json();
    assert_eq!(session["user"]["email"], "ana@example.org");
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 401);
    assert_eq!(sign_in(&api, "ana@example.org", PASSWORD).await.status, 201);
    assert_eq!(api.inbox.next().await.to, "ana@example.com");
}
