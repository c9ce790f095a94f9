//! What people are told by e-mail, and links to forgotten passwords.

use super::*;
use crate::telemetry::labels::MailKind;

async fn forgotten(api: &Api, email: &str) -> Answer {
    let body = json!({ "email": email });
    api.plain("POST", "/v1/password/forgotten")
        .json(&body)
        .send()
        .await
}

async fn set(api: &Api, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    api.plain("PUT", "/v1/password").json(&body).send().await
}

#[actix_web::test]
async fn links_that_people_need_go_out_by_mail_too() {
    let mut api = start().await;
    let token = invited(&api, ONE, "ana@example.com", Role::Owner).await;
    let mail = api.inbox.next().await;
    assert_eq!(
        (mail.to.as_str(), mail.kind),
        ("ana@example.com", MailKind::Invitation)
    );
    assert_eq!(mail.token(&format!("invitation/{ONE}")), token);
    let ana = Browser::of(&accept(&api, ONE, &token, "Ana K", PASSWORD).await);
    let body = json!({ "email": "ben@example.com", "role": "agent" });
    let made = ana.send(&api, "POST", "/v1/team/invitations", body).await;
    assert_eq!(made.json()["mailed"], true);
    assert_eq!(api.inbox.next().await.to, "ben@example.com");
    let body = json!({ "email": "ana@example.com" });
    let reset = api.as_admin("POST", "/v1/admin/password-resets");
    let reset = reset.json(&body).send().await.json();
    assert_eq!(reset["mailed"], true);
    let mail = api.inbox.next().await;
    assert_eq!(mail.kind, MailKind::NewPassword);
    let token = mail.token("password");
    assert_eq!(reset["token"], json!(token));
    let new = "rendang daging tok wan";
    assert_eq!(set(&api, &token, new).await.status, 200);
    let mail = api.inbox.next().await;
    assert_eq!(
        (mail.to.as_str(), mail.kind),
        ("ana@example.com", MailKind::PasswordChanged)
    );
    assert!(mail.text.contains("From: 127.0.0.1"), "{}", mail.text);
    let ana = Browser::of(&sign_in(&api, "ana@example.com", new).await);
    let body = json!({ "current": new, "new": PASSWORD });
    let changed = ana.send(&api, "PUT", "/v1/session/password", body).await;
    assert_eq!(changed.status, 201);
    assert_eq!(api.inbox.next().await.kind, MailKind::PasswordChanged);
}

#[actix_web::test]
async fn somebody_who_forgot_the_password_sets_a_new_one_by_mail() {
    let mut api = start().await;
    let ana = member(&api, ONE, "ana@example.com", Role::Agent).await;
    api.inbox.next().await;
    let unknown = forgotten(&api, "nobody@example.com").await;
    let known = forgotten(&api, "Ana@example.com").await;
    for answer in [&unknown, &known] {
        assert_eq!((answer.status, answer.json()), (202, json!({})));
    }
    let mail = api.inbox.next().await;
    assert_eq!(
        (mail.to.as_str(), mail.kind),
        ("ana@example.com", MailKind::ForgottenPassword)
    );
    assert!(mail.text.contains("for 60 minutes"), "{}", mail.text);
    let first = mail.token("password");
    // Whoever asks again right away gets none, and does not void the first.
    forgotten(&api, "ana@example.com").await;
    api.clock.advance(Duration::from_secs(299));
    forgotten(&api, "ana@example.com").await;
    let new = "rendang daging tok wan";
    assert_eq!(set(&api, &first, new).await.status, 200);
    assert_eq!(api.inbox.next().await.kind, MailKind::PasswordChanged);
    assert_eq!(sign_in(&api, "ana@example.com", new).await.status, 201);
    assert_eq!(ana.get(&api, "/v1/session").await.status, 401);
    assert_eq!(
        set(&api, &first, PASSWORD).await.outcome(),
        (404, "not_found".to_owned())
    );
    assert!(api.inbox.is_empty());
}

#[actix_web::test]
async fn a_later_link_voids_the_earlier_one_and_ends_after_an_hour() {
    let mut api = start().await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    api.inbox.next().await;
    forgotten(&api, "ana@example.com").await;
    let first = api.inbox.next().await.token("password");
    api.clock.advance(Duration::from_secs(300));
    forgotten(&api, "ana@example.com").await;
    let second = api.inbox.next().await.token("password");
    let new = "rendang daging tok wan";
    assert_eq!(
        set(&api, &first, new).await.outcome(),
        (404, "not_found".to_owned())
    );
    api.clock.advance(Duration::from_secs(3_600));
    assert_eq!(
        set(&api, &second, new).await.outcome(),
        (404, "not_found".to_owned())
    );
    // The third in twenty minutes is the last: nobody fills another's mailbox.
    forgotten(&api, "ana@example.com").await;
    assert_eq!(api.inbox.next().await.kind, MailKind::ForgottenPassword);
}

#[actix_web::test]
async fn a_flood_from_one_network_is_refused_and_mails_to_one_address_are_few() {
    let mut api = start().await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    api.inbox.next().await;
    let mut outcomes = Vec::new();
    for _ in 0..22 {
        outcomes.push(forgotten(&api, "ana@example.com").await.status);
    }
    let refused = outcomes.iter().filter(|status| **status == 429).count();
    assert_eq!(refused, 2, "{outcomes:?}");
    assert!(outcomes[..20].iter().all(|status| *status == 202), "{outcomes:?}");
    assert_eq!(api.inbox.next().await.kind, MailKind::ForgottenPassword);
    // By the next request that is worked on, those before it are.
    api.clock.advance(Duration::from_secs(3_600));
    member(&api, ONE, "ben@example.com", Role::Agent).await;
    assert_eq!(api.inbox.next().await.kind, MailKind::Invitation);
    forgotten(&api, "ben@example.com").await;
    assert_eq!(api.inbox.next().await.to, "ben@example.com");
}

#[actix_web::test]
async fn a_sign_in_from_a_new_device_is_told() {
    let mut api = Api::start_with(Setup {
        server: "trusted_proxies = [\"127.0.0.1\"]",
        sections: "[accounts]\nhash_threads = 2\n",
        ..Setup::default()
    })
    .await;
    member(&api, ONE, "ana@example.com", Role::Agent).await;
    api.inbox.next().await;
    super::sign_ins::written(&api).await;
    let body = json!({ "email": "ana@example.com", "password": PASSWORD });
    let browser = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0";
    for _ in 0..2 {
        let call = api
            .plain("POST", "/v1/session")
            .header("X-Forwarded-For", "198.51.100.7");
        assert_eq!(
            call.header("User-Agent", browser).json(&body).send().await.status,
            201
        );
        super::sign_ins::written(&api).await;
    }
    let mail = api.inbox.next().await;
    assert_eq!(
        (mail.to.as_str(), mail.kind),
        ("ana@example.com", MailKind::NewDevice)
    );
    for line in [
        "From: 198.51.100.7",
        "Browser: Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
        "When: Thu, 09 Oct 2025 08:53:20 GMT",
    ] {
        assert!(mail.text.lines().any(|one| one == line), "{line}: {}", mail.text);
    }
    // The second time it is known.
    assert!(api.inbox.is_empty());
}
