//! Who is kept out by what the server knows of the caller: paths that go past a guard, names that lead to the demo, wrong
//! tokens, foreign signatures.

use std::time::Duration;

use serde_json::json;

use super::*;

#[actix_web::test]
async fn a_path_that_is_escaped_leads_nowhere() {
    let api = Api::start().await;
    for path in [
        "/v1/%61dmin/tenants",
        "/v1/admin/%74enants",
        "/%761/admin/tenants",
        "/v1%2fadmin/tenants",
        "/v1/admin%2Ftenants",
        "/%6detrics",
        "/v1/nu%6dbers",
    ] {
        let answer = api.as_admin("GET", path).send().await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{path}");
        let answer = api.get(path).await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{path}");
    }
    assert_eq!(api.as_admin("GET", "/v1/admin/tenants").send().await.status, 200);
}

#[actix_web::test]
async fn the_demonstration_gives_no_key_to_who_came_by_a_name() {
    let demo = DemoSession {
        api_key: "mj_live_demo".to_owned().into(),
        agent: "ana".parse().unwrap(),
        name: "Ana".to_owned(),
        number: number(ONE),
        people: vec![DemoPerson {
            name: "Ana".to_owned(),
            email: "ana@example.com".parse().unwrap(),
        }],
        password: "a password of the demo".to_owned().into(),
        mails: None,
    };
    let api = Api::start_with(Setup {
        demo: Some(demo),
        ..Setup::default()
    })
    .await;
    for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "192.0.2.7"] {
        let session = api.plain("GET", "/demo/session").host(host).send().await;
        assert_eq!(session.json()["api_key"], json!("mj_live_demo"), "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example:8080", "demo:8080", ""] {
        let session = api.plain("GET", "/demo/session").host(host).send().await;
        assert!(session.status >= 400, "{host}");
        assert!(
            !String::from_utf8_lossy(&session.body).contains("mj_live"),
            "{host}"
        );
    }
}

#[actix_web::test]
async fn who_tries_operators_tokens_has_to_wait() {
    let api = Api::start().await;
    let tries = |token: &'static str| api.plain("GET", "/v1/admin/tenants").bearer(token);
    let mut refused = None;
    for _ in 0..50 {
        let answer = tries("a-token-that-somebody-guessed").send().await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, 401);
    }
    let refused = refused.expect("nobody is slowed");
    assert_eq!(refused.code(), "rate_limited");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(
        tries(ADMIN).send().await.status,
        200,
        "the operator calls from there, too"
    );
    assert_eq!(tries("another-guess").send().await.status, 429);
    api.clock.advance(Duration::from_secs(wait));
    assert_eq!(tries("another-guess").send().await.status, 401);
}

#[actix_web::test]
async fn without_a_token_in_the_settings_it_is_said_that_there_is_no_admin_api() {
    let api = Api::start_with(Setup {
        admin_token: "",
        ..Setup::default()
    })
    .await;
    for path in ["/v1/admin/tenants", "/v1/admin/nowhere"] {
        let answer = api.as_admin("GET", path).send().await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()));
        let message = answer.json()["error"]["message"].to_string();
        assert!(message.contains("server.admin_token"), "{message}");
    }
}

#[actix_web::test]
async fn webhooks_that_are_refused_show_in_the_numbers_check() {
    let api = Api::start().await;
    let number = json!({
        "phone_number_id": "106540352242922", "waba_id": "102290129340398",
        "display_phone_number": "+62 812 3456 789", "access_token": "EAAG-secret", "app": "main",
    });
    let numbers = format!("/v1/admin/tenants/{ONE}/numbers");
    api.as_admin("POST", &numbers).json(&number).send().await;
    let check = async || {
        let path = format!("{numbers}/106540352242922/check");
        let answer = api.as_admin("GET", &path).send().await.json();
        let checks = answer["checks"].as_array().unwrap().clone();
        checks
            .into_iter()
            .find(|check| check["name"] == "signatures")
            .unwrap()
    };
    assert_eq!(check().await["verdict"], "good");
    for signature in [None, Some("sha256=00")] {
        let mut webhook = api.plain("POST", "/webhooks/whatsapp").body("{}");
        if let Some(signature) = signature {
            webhook = webhook.header("X-Hub-Signature-256", signature);
        }
        assert_eq!(webhook.send().await.status, 401);
    }
    let told = check().await;
    assert_eq!((&told["verdict"], &told["ok"]), (&json!("bad"), &json!(false)));
    assert!(
        told["detail"].as_str().unwrap().starts_with("2 webhooks"),
        "{told}"
    );
}
