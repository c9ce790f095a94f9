//! Signing in by an identity provider on both stores, with a restart between leaving and coming back.

use std::time::SystemTime;

use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{ADMIN, TestGateway};
use crate::kept::{Kept, on_every_store};
use crate::provider::{Asked, CLIENT, CLIENT_SECRET, Provider};

on_every_store! {
    a_sign_in_by_a_provider_comes_back_to_a_gateway_that_was_started_again,
}

/// A client that goes where it is told to go, and no further.
fn browser() -> reqwest::Client {
    let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    plain.build().unwrap()
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

async fn a_sign_in_by_a_provider_comes_back_to_a_gateway_that_was_started_again(kept: Kept) {
    let gateway = TestGateway::start(kept).await;
    let (provider, browser) = (Provider::start(), browser());
    let setting = json!({
        "issuer": provider.issuer, "client_id": CLIENT, "client_secret": CLIENT_SECRET,
        "roles_claim": "groups", "roles": { "desk": "agent" }, "new_people": "provisioned",
    });
    let path = format!("/v1/admin/tenants/{}/sign-in-provider", gateway.tenant);
    let set = browser.put(format!("{}{path}", gateway.base)).bearer_auth(ADMIN);
    assert_eq!(set.json(&setting).send().await.unwrap().status(), 200);
    let start = format!("/v1/sign-in/{}", gateway.tenant);
    let sent = browser
        .get(format!("{}{start}", gateway.base))
        .header("Sec-Fetch-Site", "same-origin")
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 302);
    let asked = Asked::of(header(&sent, "location"));
    let cookie = header(&sent, "set-cookie").split(';').next().unwrap().to_owned();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let claims = provider.claims(&asked, "ana", i64::try_from(now).unwrap());
    let code = provider.code(asked.get("code_challenge"), provider.key().sign(&claims));

    let gateway = gateway.restart().await;
    let back = format!(
        "{}{start}/callback?code={code}&state={}",
        gateway.base,
        asked.get("state")
    );
    // The address that the provider knows holds the port of the gateway before: only the path counts here.
    let come_back = || browser.get(&back).header("Cookie", &cookie).send();
    let (one, other) = tokio::join!(come_back(), come_back());
    let (one, other) = (one.unwrap(), other.unwrap());
    let mut ends = [header(&one, "location"), header(&other, "location")];
    ends.sort_unstable();
    assert_eq!(ends, ["/", "/#/sign-in?error=sign_in_expired"]);
    let in_it = if header(&one, "location") == "/" {
        &one
    } else {
        &other
    };
    let cookies = in_it.headers().get_all("set-cookie").iter();
    let session = cookies
        .map(|set| set.to_str().unwrap())
        .find(|set| set.starts_with("__Host-mesej="));
    let session = session.unwrap().split(';').next().unwrap().to_owned();

    let gateway = gateway.restart().await;
    let show = gateway
        .client
        .request(Method::GET, format!("{}/v1/session", gateway.base));
    let said: Value = show
        .header("Cookie", session)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&said["user"]["name"], &said["role"]),
        (&json!("ana"), &json!("agent"))
    );
    gateway.stop().await;
}
