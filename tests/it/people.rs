//! People on both stores: invited, signed in, taken over a restart, and removed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mesej::domain::{Clock as _, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{ADMIN, Setup, TestGateway, until};
use crate::kept::{Kept, on_every_store};

const PASSWORD: &str = "kopi tubruk di pasar minggu";

on_every_store! {
    people_and_what_they_wrote_outlive_a_restart,
    a_code_lets_one_of_two_in_and_the_second_factor_outlives_a_restart,
    a_business_signs_up_by_a_mail_that_is_a_private_file,
    a_limit_outlives_a_restart_and_ends_with_the_role,
}

/// Somebody's browser.
pub(crate) struct Browser {
    cookie: String,
    csrf: String,
    said: Value,
}

impl Browser {
    async fn call(&self, gateway: &TestGateway, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let call = gateway
            .client
            .request(method, format!("{}{path}", gateway.base))
            .header("Cookie", &self.cookie)
            .header("X-CSRF-Token", &self.csrf)
            .json(body);
        let answer = call.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// A ticket for a socket.
    pub(crate) async fn ticket(&self, gateway: &TestGateway) -> String {
        let (status, made) = self
            .call(gateway, Method::POST, "/v1/ws/ticket", &json!({}))
            .await;
        assert!((200..300).contains(&status), "{made}");
        made["ticket"].as_str().unwrap().to_owned()
    }
}

/// A call that opens a session.
async fn open(gateway: &TestGateway, path: &str, body: &Value) -> Browser {
    let call = gateway.client.post(format!("{}{path}", gateway.base)).json(body);
    let answer = call.send().await.unwrap();
    let cookie = answer.headers().get("set-cookie").cloned();
    let (status, said): (_, Value) = (answer.status(), answer.json().await.unwrap());
    assert_eq!(status, 201, "{said}");
    let cookie = cookie.unwrap().to_str().unwrap().to_owned();
    Browser {
        cookie: cookie.split(';').next().unwrap().to_owned(),
        csrf: said["csrf_token"].as_str().unwrap().to_owned(),
        said,
    }
}

async fn joined(gateway: &TestGateway, email: &str, role: &str) -> Browser {
    joined_team(gateway, &json!(gateway.tenant), email, role).await
}

/// Somebody new in a tenant's team.
pub(crate) async fn joined_team(gateway: &TestGateway, tenant: &Value, email: &str, role: &str) -> Browser {
    let path = format!("/v1/admin/tenants/{}/invitations", tenant.as_str().unwrap());
    let invited = gateway
        .admin(&path, &json!({ "email": email, "role": role }))
        .await;
    let body = json!({
        "tenant_id": tenant, "token": invited["token"], "name": email, "is_of_age": true, "password": PASSWORD,
    });
    open(gateway, "/v1/invitations/accept", &body).await
}

/// What an operator is shown.
async fn shown(gateway: &TestGateway, path: &str) -> Value {
    let call = gateway
        .client
        .get(format!("{}{path}", gateway.base))
        .bearer_auth(ADMIN);
    call.send().await.unwrap().json().await.unwrap()
}

async fn people_and_what_they_wrote_outlive_a_restart(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let owner = joined(&gateway, "ana@example.com", "owner").await;
    let agent = joined(&gateway, "ben@example.com", "agent").await;
    let hello = json!({ "text": "Hello!" });
    let put = agent.call(&gateway, Method::PUT, "/v1/canned-replies/hello", &hello);
    assert_eq!(put.await.0, 201);
    let gateway = gateway.restart().await;
    // The session goes on, and so does the password.
    let nothing = json!({});
    let (status, said) = owner.call(&gateway, Method::GET, "/v1/session", &nothing).await;
    assert_eq!((status, &said), (200, &owner.said));
    let sign_in = json!({ "email": "ben@example.com", "password": PASSWORD });
    let again = open(&gateway, "/v1/session", &sign_in).await;
    let replies = again.call(&gateway, Method::GET, "/v1/canned-replies", &nothing);
    assert_eq!(replies.await.1["canned_replies"][0]["text"], "Hello!");
    let team = owner.call(&gateway, Method::GET, "/v1/team", &nothing).await.1;
    assert_eq!(team["members"].as_array().unwrap().len(), 2);
    // Who is removed is out, in every browser.
    let path = format!("/v1/team/{}", agent.said["user"]["user_id"].as_str().unwrap());
    assert_eq!(owner.call(&gateway, Method::DELETE, &path, &nothing).await.0, 200);
    for browser in [&agent, &again] {
        let (status, _) = browser
            .call(&gateway, Method::GET, "/v1/conversations", &nothing)
            .await;
        assert_eq!(status, 401);
    }
    let itself = format!("/v1/team/{}", owner.said["user"]["user_id"].as_str().unwrap());
    let (status, last) = owner.call(&gateway, Method::DELETE, &itself, &nothing).await;
    assert_eq!((status, &last["error"]["code"]), (409, &json!("last_owner")));
    let of_tenant = format!("tenant_id={}", gateway.tenant);
    let verify = format!("/v1/admin/audit/verify?{of_tenant}");
    let found = shown(&gateway, &verify).await;
    assert_eq!((&found["is_intact"], &found["why"]), (&json!(true), &Value::Null));
    // A sign-in may still be on its way into the log.
    let entries = found["entries"].as_u64().unwrap();
    assert!(entries >= 10, "{found}");
    let removed = format!("/v1/admin/audit?{of_tenant}&action=member_removed");
    let removed = shown(&gateway, &removed).await;
    let said: Vec<&Value> = removed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["details"]["refused"])
        .collect();
    assert_eq!(said, [&json!("last_owner"), &Value::Null, &Value::Null]);
    gateway.stop().await;
}

/// What an app shows so many seconds from now.
fn code(secret: &str, in_seconds: u64) -> String {
    let now = u64::try_from(SystemClock::new().now().as_secs()).unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(now + in_seconds).to_string()
}

async fn a_code_lets_one_of_two_in_and_the_second_factor_outlives_a_restart(kept: Kept) {
    const FACTOR: &str = "/v1/session/second-factor";
    let gateway = TestGateway::start(kept).await;
    let ana = joined(&gateway, "ana@example.com", "owner").await;
    let password = json!({ "password": PASSWORD });
    let (status, offered) = ana.call(&gateway, Method::POST, FACTOR, &password).await;
    assert_eq!(status, 200, "{offered}");
    let secret = offered["secret"].as_str().unwrap();
    let body = json!({ "code": code(secret, 0) });
    let (status, turned_on) = ana.call(&gateway, Method::PUT, FACTOR, &body).await;
    assert_eq!(status, 201, "{turned_on}");
    // That of the next step is in time already.
    let sign_in = |code: &str| json!({ "email": "ana@example.com", "password": PASSWORD, "code": code });
    let body = sign_in(&code(secret, 30));
    let tries = (0..3).map(|_| gateway.post("/v1/session", None, &body));
    let tries = futures_util::future::join_all(tries).await;
    let mut outcomes: Vec<u16> = tries.iter().map(|(status, _)| *status).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [201, 401, 401], "{tries:?}");
    let gateway = gateway.restart().await;
    let without = json!({ "email": "ana@example.com", "password": PASSWORD });
    let (status, said) = gateway.post("/v1/session", None, &without).await;
    assert_eq!(
        (status, &said["error"]["code"]),
        (401, &json!("second_factor_required"))
    );
    let recovery = turned_on["recovery_codes"][3].as_str().unwrap();
    let back = open(&gateway, "/v1/session", &sign_in(recovery)).await;
    // What was begun before the stop was written before its end.
    let (_, list) = back.call(&gateway, Method::GET, "/v1/sign-ins", &json!({})).await;
    let outcomes: Vec<&Value> = list["sign_ins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    let of = |outcome: &str| outcomes.iter().filter(|one| **one == outcome).count();
    assert_eq!(of("wrong_code"), 2, "{list}");
    assert!(of("signed_in") >= 2, "{list}");
    gateway.stop().await;
}

/// The token of the sign-up that was written into a folder of mails, once it is there.
fn mailed_token(folder: &Path) -> Option<String> {
    let mut mails = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mail = mails.find(|mail| mail.file_name().to_string_lossy().ends_with("-sign_up.eml"))?;
    let text = std::fs::read_to_string(mail.path()).ok()?;
    let (_, rest) = text.split_once("/#/sign-up/")?;
    let (token, _) = rest.split_once("\r\n")?;
    assert_eq!(mail.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    Some(token.to_owned())
}

async fn a_business_signs_up_by_a_mail_that_is_a_private_file(kept: Kept) {
    let folder = kept.folder().join("data").join("mail");
    let setup = Setup {
        extra: vec![("MESEJ_ACCOUNTS__SIGN_UP", "open".to_owned())],
        ..Setup::default()
    };
    let gateway = TestGateway::start_with(kept, setup).await;
    let form = json!({
        "name": "Ana K", "email": "ana@example.com", "phone": "+62 812 3456 789", "business": "Toko Maju", "is_of_age": true,
    });
    let asked = gateway.client.post(format!("{}/v1/sign-up", gateway.base));
    assert_eq!(asked.json(&form).send().await.unwrap().status().as_u16(), 202);
    let token = until("the mail is written", || async { mailed_token(&folder) }).await;
    let body = json!({ "token": token, "password": PASSWORD });
    let ana = open(&gateway, "/v1/sign-up/complete", &body).await;
    assert_eq!(
        (&ana.said["role"], &ana.said["tenants"][0]["name"]),
        (&json!("owner"), &json!("Toko Maju"))
    );
    let gateway = gateway.restart().await;
    let sign_in = json!({ "email": "ana@example.com", "password": PASSWORD });
    let again = open(&gateway, "/v1/session", &sign_in).await;
    assert_eq!(again.said["tenant_id"], ana.said["tenant_id"]);
    let nothing = json!({});
    let conversations = again.call(&gateway, Method::GET, "/v1/conversations", &nothing);
    assert_eq!(conversations.await.0, 200);
    gateway.stop().await;
}

async fn a_limit_outlives_a_restart_and_ends_with_the_role(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let owner = joined(&gateway, "ana@example.com", "owner").await;
    let agent = joined(&gateway, "ben@example.com", "agent").await;
    gateway.customer_says("hello").await;
    let id = |who: &Browser| who.said["user"]["user_id"].as_str().unwrap().to_owned();
    let seen = async |gateway: &TestGateway, who: &Browser| {
        let nothing = json!({});
        let list = who.call(gateway, Method::GET, "/v1/conversations", &nothing);
        list.await.1["conversations"].as_array().unwrap().len()
    };
    let of_agent = format!("/v1/team/{}", id(&agent));
    let limited = json!({ "role": "agent", "limit": { "numbers": [], "teams": [] } });
    assert_eq!(
        owner.call(&gateway, Method::PUT, &of_agent, &limited).await.0,
        200
    );
    assert_eq!(
        (seen(&gateway, &agent).await, seen(&gateway, &owner).await),
        (0, 1)
    );
    let gateway = gateway.restart().await;
    assert_eq!(
        (seen(&gateway, &agent).await, seen(&gateway, &owner).await),
        (0, 1)
    );
    // Owners see all; who was one and is an agent again starts anew.
    let hand_over = async |from: &Browser, to: &Browser| {
        let body = json!({ "user_id": id(to), "password": PASSWORD });
        let given = from.call(&gateway, Method::PUT, "/v1/team/owner", &body).await;
        assert_eq!(given.0, 200, "{}", given.1);
    };
    let sign_in = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD });
        open(&gateway, "/v1/session", &body).await
    };
    hand_over(&owner, &agent).await;
    let agent = sign_in("ben@example.com").await;
    assert_eq!(seen(&gateway, &agent).await, 1);
    hand_over(&agent, &owner).await;
    let owner = sign_in("ana@example.com").await;
    let again = json!({ "role": "agent" });
    assert_eq!(owner.call(&gateway, Method::PUT, &of_agent, &again).await.0, 200);
    let agent = sign_in("ben@example.com").await;
    assert_eq!(
        (&agent.said["role"], &agent.said["limit"]),
        (&json!("agent"), &Value::Null)
    );
    assert_eq!(seen(&gateway, &agent).await, 1);
    gateway.stop().await;
}
