//! Who left the team is not let in by the provider, and leaves no account behind that nobody could sign in to.

use super::accounts::connecting;
use super::*;

/// The entries of a tenant's audit log, newest first: action and roles.
async fn audited(api: &Api, tenant: TenantId) -> Vec<(String, Value, Value)> {
    let path = format!("/v1/admin/audit?tenant_id={tenant}");
    let log = api.as_admin("GET", &path).send().await.json();
    let entries = log["entries"].as_array().unwrap().iter();
    entries
        .map(|one| {
            let details = &one["details"];
            let action = one["action"].as_str().unwrap().to_owned();
            (action, details["role"].clone(), details["role_before"].clone())
        })
        .collect()
}

#[actix_web::test]
async fn who_left_the_team_does_not_come_back_by_the_provider() {
    let (api, provider) = (start().await, Provider::start());
    set(&api, ONE, &setting(&provider)).await;
    let olga = member(&api, ONE, "olga@example.com", Role::Owner).await;
    let ana = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    opened(&api, &signed_in(&api, &provider, ONE, "ana", &["leads"]).await).await;
    let (none, role) = (Value::Null, |role: &str| json!(role));
    let log = audited(&api, ONE).await;
    for entry in [
        ("member_provisioned".to_owned(), role("agent"), none.clone()),
        ("role_changed".to_owned(), role("supervisor"), role("agent")),
    ] {
        assert!(log.contains(&entry), "{log:?}");
    }
    // An owner without a password could do nothing that only owners do.
    let path = format!("/v1/team/{}", ana.user());
    let body = json!({ "role": "owner", "password": PASSWORD });
    let no = olga.send(&api, "PUT", &path, body).await;
    assert_eq!(no.outcome(), (403, "forbidden".to_owned()));
    let gone = olga.send(&api, "DELETE", &path, json!({})).await;
    assert_eq!(gone.status, 200, "{}", gone.json());
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["desk"]).await),
        "not_connected"
    );
    // Once the conversations are handed over the account goes, which nobody could sign in to any more, and no other one is made.
    let accounts = &api.state.accounts;
    let [row] = accounts.handovers().await.unwrap().try_into().unwrap();
    let due = accounts.due_handover(&row).await.unwrap().unwrap();
    accounts.finish_handover(&row, &due).await.unwrap();
    assert!(accounts.export_user(ana.user().parse().unwrap()).await.is_err());
    assert_eq!(
        refusal(&signed_in(&api, &provider, ONE, "ana", &["desk"]).await),
        "not_connected"
    );
    // Invited, with a password now, the same person connects the account that was the other's.
    let back = member(&api, ONE, "ana@example.com", Role::Agent).await;
    assert_ne!(back.user(), ana.user());
    let away = connecting(&api, &back).await;
    let claims = provider.claims(&away.asked, "ana", now(&api));
    assert_eq!(
        away.with(&api, &provider, &claims).await.header("location"),
        Some("/")
    );
    let again = opened(&api, &signed_in(&api, &provider, ONE, "ana", &["desk"]).await).await;
    assert_eq!(again.user(), back.user());
    assert!(
        audited(&api, ONE)
            .await
            .iter()
            .any(|(action, ..)| action == "provider_account_connected")
    );
    // Taking the connection back ends what it opened.
    let removed = back.send(&api, "DELETE", "/v1/session/provider", json!({})).await;
    assert_eq!(removed.json(), json!({ "disconnected": 1 }));
    assert_eq!(again.get(&api, "/v1/session").await.status, 401);
    assert_eq!(back.get(&api, "/v1/session").await.status, 200);
}
