//! Businesses that open an account by themselves.

use super::*;
use crate::telemetry::labels::MailKind;

const OPEN: &str = "[accounts]\nhash_threads = 2\nsign_up = \"open\"\npolicy_version = \"2\"\n\
                    policy_url = \"https://example.com/privacy\"\nprivacy_contact = \"privacy@example.com\"\n";
const INVITED: &str = "[accounts]\nhash_threads = 2\nsign_up = \"invitation\"\n";

async fn start_with(sections: &'static str) -> Api {
    Api::start_with(Setup {
        sections,
        ..Setup::default()
    })
    .await
}

fn form(email: &str) -> Value {
    json!({
        "name": "Ana K", "email": email, "phone": "+62 812 3456 789", "business": "Toko Maju",
        "policy_version": "2", "is_of_age": true,
    })
}

async fn begin(api: &Api, form: &Value) -> Answer {
    api.plain("POST", "/v1/sign-up").json(form).send().await
}

async fn complete(api: &Api, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    api.plain("POST", "/v1/sign-up/complete").json(&body).send().await
}

#[actix_web::test]
async fn a_business_signs_up_by_mail_and_its_owner_is_signed_in() {
    let mut api = start_with(OPEN).await;
    let asked = api.plain("GET", "/v1/sign-up").send().await.json();
    let expected = json!({
        "mode": "open", "policy": { "version": "2", "url": "https://example.com/privacy" }, "least_age": 16,
        "privacy_contact": "privacy@example.com", "demo": false, "has_session": false,
    });
    assert_eq!(asked, expected);
    for (field, value) in [
        ("is_of_age", json!(false)),
        ("policy_version", json!("1")),
        ("policy_version", Value::Null),
        ("phone", json!("12")),
        ("business", json!("")),
    ] {
        let mut bad = form("ana@example.com");
        bad[field] = value;
        assert_eq!(
            begin(&api, &bad).await.outcome(),
            (400, "invalid_request".to_owned()),
            "{field}"
        );
    }
    let begun = begin(&api, &form("ana@example.com")).await;
    assert_eq!((begun.status, begun.json()), (202, json!({})));
    let mail = api.inbox.next().await;
    assert_eq!(
        (mail.to.as_str(), mail.kind),
        ("ana@example.com", MailKind::SignUp)
    );
    // What a stranger wrote stands in no mail to an address that the stranger chose.
    assert!(
        !mail.text.contains("Toko") && !mail.text.contains("Ana"),
        "{}",
        mail.text
    );
    let token = mail.token("sign-up");
    let look = api
        .plain("POST", "/v1/sign-up/look")
        .json(&json!({ "token": token }))
        .send()
        .await;
    assert_eq!(
        look.json(),
        json!({ "name": "Ana K", "email": "ana@example.com", "business": "Toko Maju" })
    );
    assert_eq!(
        complete(&api, &token, "Toko Maju 1234").await.outcome(),
        (422, "weak_password".to_owned())
    );
    let ana = Browser::of(&complete(&api, &token, PASSWORD).await);
    assert_eq!(
        (&ana.said["role"], &ana.said["policy_due"]),
        (&json!("owner"), &Value::Null)
    );
    assert_eq!(ana.said["tenants"][0]["name"], "Toko Maju");
    let profile = ana.get(&api, "/v1/profile").await.json();
    assert_eq!(profile["phone"], "+628123456789");
    assert_eq!(profile["policy"]["version"], "2");
    let tenant = ana.said["tenant_id"].as_str().unwrap();
    let shown = api
        .as_admin("GET", &format!("/v1/admin/tenants/{tenant}"))
        .send()
        .await
        .json();
    assert_eq!(
        (&shown["name"], &shown["created"]),
        (&json!("Toko Maju"), &json!(NOW))
    );
    // The link works once.
    assert_eq!(
        complete(&api, &token, PASSWORD).await.outcome(),
        (404, "not_found".to_owned())
    );
    assert_eq!(sign_in(&api, "ana@example.com", PASSWORD).await.status, 201);
}

#[actix_web::test]
async fn an_address_that_has_an_account_is_told_and_the_answer_tells_nothing() {
    let mut api = start_with(OPEN).await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    api.inbox.next().await;
    let begun = begin(&api, &form("ana@example.com")).await;
    assert_eq!((begun.status, begun.json()), (202, json!({})));
    let mail = api.inbox.next().await;
    assert_eq!(
        (mail.to.as_str(), mail.kind),
        ("ana@example.com", MailKind::HasAccount)
    );
    assert!(
        mail.text.contains("\nhttps://mesej.example.com/#/\n"),
        "{}",
        mail.text
    );
    // One who gets an account by an invitation meanwhile does not get another by the link.
    begin(&api, &form("ben@example.com")).await;
    let token = api.inbox.next().await.token("sign-up");
    member(&api, ONE, "ben@example.com", Role::Agent).await;
    assert_eq!(
        complete(&api, &token, PASSWORD).await.outcome(),
        (404, "not_found".to_owned())
    );
}

#[actix_web::test]
async fn a_closed_server_takes_no_sign_up_and_another_asks_for_an_invitation() {
    let closed = start().await;
    assert_eq!(
        closed.plain("GET", "/v1/sign-up").send().await.json()["mode"],
        "closed"
    );
    let mut form = form("ana@example.com");
    form.as_object_mut().unwrap().shift_remove("policy_version");
    let forbidden = (403, "forbidden".to_owned());
    assert_eq!(begin(&closed, &form).await.outcome(), forbidden);
    let invite = closed
        .as_admin("POST", "/v1/admin/sign-up-invitations")
        .send()
        .await;
    assert_eq!(invite.outcome(), forbidden);

    let mut api = start_with(INVITED).await;
    assert_eq!(begin(&api, &form).await.outcome(), forbidden);
    let body = json!({ "email": "ana@example.com" });
    let invited = api.as_admin("POST", "/v1/admin/sign-up-invitations");
    let invited = invited.json(&body).send().await;
    assert_eq!((invited.status, &invited.json()["mailed"]), (201, &json!(true)));
    let token = api.inbox.next().await.token("sign-up-invitation");
    assert_eq!(invited.json()["token"], json!(token));
    form["invitation"] = json!("mj_business_none");
    assert_eq!(begin(&api, &form).await.outcome(), (404, "not_found".to_owned()));
    form["invitation"] = json!(token);
    assert_eq!(begin(&api, &form).await.status, 202);
    let token = api.inbox.next().await.token("sign-up");
    Browser::of(&complete(&api, &token, PASSWORD).await);
    // It was used.
    form["email"] = json!("ben@example.com");
    assert_eq!(begin(&api, &form).await.outcome(), (404, "not_found".to_owned()));
}
