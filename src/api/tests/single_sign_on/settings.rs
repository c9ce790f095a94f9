use super::*;

const OWN: &str = "/v1/business/sign-in-provider";

/// With the password.
fn shown(wanted: &Value) -> Value {
    let mut wanted = wanted.clone();
    wanted["password"] = json!(PASSWORD);
    wanted
}

#[actix_web::test]
async fn a_business_sets_its_provider_and_its_secret_never_comes_out() {
    let (api, provider) = (start().await, Provider::start());
    let owner = member(&api, ONE, "olga@example.com", Role::Owner).await;
    let none = owner.get(&api, OWN).await;
    assert_eq!(none.outcome(), (404, "not_found".to_owned()));
    let set = owner.send(&api, "PUT", OWN, shown(&setting(&provider))).await;
    assert_eq!(set.status, 200, "{}", set.json());
    let expected = json!({
        "issuer": provider.issuer, "client_id": CLIENT, "has_client_secret": true, "scopes": [],
        "roles_claim": "groups", "roles": { "desk": "agent", "leads": "supervisor" }, "other_role": null,
        "new_people": "provisioned", "changed": set.json()["changed"],
        "sign_in_url": format!("https://mesej.example.com/v1/sign-in/{ONE}"),
        "callback_url": format!("https://mesej.example.com/v1/sign-in/{ONE}/callback"),
    });
    assert_eq!(set.json(), expected);
    assert_eq!(owner.get(&api, OWN).await.json(), expected);
    let path = format!("/v1/admin/tenants/{ONE}/sign-in-provider");
    assert_eq!(api.as_admin("GET", &path).send().await.json(), expected);
    // Left out, the secret stays for the same client: the provider takes it.
    let mut again = setting(&provider);
    again.as_object_mut().unwrap().remove("client_secret");
    again["scopes"] = json!(["groups"]);
    let set = owner.send(&api, "PUT", OWN, shown(&again)).await;
    assert_eq!(set.json()["has_client_secret"], true);
    let away = leave(&api, ONE).await;
    assert_eq!(away.asked.get("scope"), "openid email profile groups");
    assert_eq!(away.asked.get("redirect_uri"), expected["callback_url"]);
    let claims = provider.claims(&away.asked, "ana", now(&api));
    let ana = opened(&api, &away.with(&api, &provider, &claims).await).await;
    // It goes to no other client and to no other provider.
    again["client_id"] = json!("another");
    assert_eq!(
        owner.send(&api, "PUT", OWN, shown(&again)).await.json()["has_client_secret"],
        false
    );
    let other = Provider::start();
    (again["client_id"], again["issuer"]) = (json!(CLIENT), json!(other.issuer));
    assert_eq!(
        owner.send(&api, "PUT", OWN, shown(&again)).await.json()["has_client_secret"],
        false
    );
    // Whom another provider let in is out.
    api.clock.advance(Duration::from_secs(30));
    assert_eq!(ana.get(&api, "/v1/conversations").await.status, 401);
    let without = owner.send(&api, "DELETE", OWN, json!({})).await;
    assert_eq!(without.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(
        owner.send(&api, "DELETE", OWN, shown(&json!({}))).await.status,
        200
    );
    let gone = owner.send(&api, "DELETE", OWN, shown(&json!({}))).await;
    assert_eq!(gone.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn only_owners_let_a_provider_make_owners() {
    let (api, provider) = (start().await, Provider::start());
    let admin = member(&api, ONE, "ana@example.com", Role::Admin).await;
    let owner = member(&api, ONE, "olga@example.com", Role::Owner).await;
    let agent = member(&api, ONE, "ben@example.com", Role::Agent).await;
    let mut owners = setting(&provider);
    owners["roles"]["bosses"] = json!("owner");
    let mut all_owners = setting(&provider);
    (all_owners["other_role"], all_owners["new_people"]) = (json!("owner"), json!("refused"));
    let refused = (403, "forbidden".to_owned());
    for wanted in [&mut owners, &mut all_owners] {
        let without = owner.send(&api, "PUT", OWN, wanted.clone()).await;
        assert_eq!(without.outcome(), (400, "invalid_request".to_owned()));
        wanted["password"] = json!(PASSWORD);
        assert_eq!(
            admin.send(&api, "PUT", OWN, wanted.clone()).await.outcome(),
            refused
        );
        assert_eq!(owner.send(&api, "PUT", OWN, wanted.clone()).await.status, 200);
    }
    // What makes owners is not an admin's to change or to remove, either.
    let plain = shown(&setting(&provider));
    for (method, body) in [("PUT", plain.clone()), ("DELETE", shown(&json!({})))] {
        assert_eq!(
            admin.send(&api, method, OWN, body).await.outcome(),
            refused,
            "{method}"
        );
    }
    assert_eq!(owner.send(&api, "PUT", OWN, plain.clone()).await.status, 200);
    assert_eq!(admin.send(&api, "PUT", OWN, plain.clone()).await.status, 200);
    let without = admin.send(&api, "PUT", OWN, setting(&provider)).await;
    assert_eq!(without.outcome(), (400, "invalid_request".to_owned()));
    assert_eq!(agent.send(&api, "PUT", OWN, plain).await.outcome(), refused);
}

#[actix_web::test]
async fn what_cannot_be_a_provider_is_refused() {
    let (api, provider) = (start().await, Provider::start());
    let path = format!("/v1/admin/tenants/{ONE}/sign-in-provider");
    let put = async |change: &[(&str, Value)]| {
        let mut wanted = setting(&provider);
        for (name, value) in change {
            wanted[*name] = value.clone();
        }
        api.as_admin("PUT", &path).json(&wanted).send().await.outcome()
    };
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), json!("agent"))).collect();
    for change in [
        [("issuer", json!("http://10.0.0.1"))],
        [("issuer", json!("https://127.0.0.1:1"))],
        [("issuer", json!("http://login.example.com"))],
        [("issuer", json!("login.example.com"))],
        [("issuer", json!(format!("{}/", provider.issuer)))],
        [("client_id", json!(""))],
        [("client_secret", json!("ä"))],
        [("scopes", json!(["a b"]))],
        [("scopes", json!(vec!["a"; 11]))],
        [("roles_claim", json!(null))],
        [("roles", json!({}))],
        [("roles", json!({ "desk": "king" }))],
        [("roles", json!(many))],
        [("new_people", json!("maybe"))],
        // The whole world has an account at some providers.
        [("other_role", json!("agent"))],
        [("other", json!(1))],
    ] {
        assert_eq!(
            put(&change).await,
            (400, "invalid_request".to_owned()),
            "{change:?}"
        );
    }
    // One that sends people, or this gateway, to where it may not.
    let invalid = (400, "invalid_request".to_owned());
    *provider.other_settings.lock().unwrap() = json!({ "issuer": "https://login.example.com" });
    assert_eq!(put(&[]).await, invalid);
    for (name, to) in [
        ("jwks_uri", "http://10.0.0.1/keys"),
        ("jwks_uri", "https://169.254.169.254/keys"),
        ("authorization_endpoint", "http://login.example.com/authorize"),
        ("authorization_endpoint", "javascript:alert(1)"),
    ] {
        api.clock.advance(Duration::from_secs(10));
        *provider.other_settings.lock().unwrap() = json!({ name: to });
        assert_eq!(put(&[]).await, invalid, "{name} {to}");
    }
    api.clock.advance(Duration::from_secs(10));
    *provider.other_settings.lock().unwrap() = json!({ "token_endpoint": "http://10.0.0.1/token" });
    assert_eq!(put(&[]).await, (200, String::new()));
    let away = leave(&api, ONE).await;
    let claims = provider.claims(&away.asked, "ana", now(&api));
    assert_eq!(
        refusal(&away.with(&api, &provider, &claims).await),
        "provider_unavailable"
    );
}
