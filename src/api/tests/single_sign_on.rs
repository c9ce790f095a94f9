//! Signing in by a tenant's identity provider: who is let in as whom, and what is refused.

mod accounts;
mod leaving;
#[path = "../../../tests/oidc/provider.rs"]
mod provider;
mod refusals;
mod settings;

use serde_json::{Value, json};

use super::people::{Browser, PASSWORD, member, sign_in, start};
use super::*;
use crate::domain::roles::Role;
use provider::{Asked, CLIENT, CLIENT_SECRET, Provider};

/// What an operator sets: who is in the group `desk` is an agent.
fn setting(provider: &Provider) -> Value {
    json!({
        "issuer": provider.issuer, "client_id": CLIENT, "client_secret": CLIENT_SECRET,
        "roles_claim": "groups", "roles": { "desk": "agent", "leads": "supervisor" },
        "new_people": "provisioned",
    })
}

/// Sets a tenant's provider as an operator.
async fn set(api: &Api, tenant: TenantId, setting: &Value) {
    let path = format!("/v1/admin/tenants/{tenant}/sign-in-provider");
    let set = api.as_admin("PUT", &path).json(setting).send().await;
    assert_eq!(set.status, 200, "{}", set.json());
}

/// A browser on its way to a provider.
struct Away {
    tenant: TenantId,
    cookie: String,
    asked: Asked,
}

/// Presses the button of the page.
async fn begin(api: &Api, tenant: &str) -> Answer {
    let call = api.plain("GET", &format!("/v1/sign-in/{tenant}"));
    call.header("Sec-Fetch-Site", "same-origin").send().await
}

/// Begins a sign-in.
async fn leave(api: &Api, tenant: TenantId) -> Away {
    let answer = begin(api, &tenant.to_string()).await;
    let location = answer.header("location").unwrap();
    assert!(!location.starts_with('/'), "{location}");
    away(tenant, &answer, location)
}

fn away(tenant: TenantId, answer: &Answer, location: &str) -> Away {
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-mesej-sign-in=mj_browser_"), "{set}");
    for part in [
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=600",
    ] {
        assert!(set.contains(part), "{set}");
    }
    Away {
        tenant,
        cookie: set.split(';').next().unwrap().to_owned(),
        asked: Asked::of(location),
    }
}

impl Away {
    /// The address by which the provider sends it back.
    fn back(&self, code: &str) -> String {
        let state = self.asked.get("state");
        format!("/v1/sign-in/{}/callback?code={code}&state={state}", self.tenant)
    }

    /// Comes back with a code.
    async fn come_back(&self, api: &Api, code: &str) -> Answer {
        let call = api.plain("GET", &self.back(code));
        call.header("Cookie", &self.cookie)
            .header("Sec-Fetch-Site", "cross-site")
            .send()
            .await
    }

    /// Comes back with a true token of these claims.
    async fn with(&self, api: &Api, provider: &Provider, claims: &Value) -> Answer {
        let token = provider.key().sign(claims);
        let code = provider.code(self.asked.get("code_challenge"), token);
        self.come_back(api, &code).await
    }
}

fn now(api: &Api) -> i64 {
    api.clock_now().as_secs()
}

/// The session that a sign-in by a provider opened.
async fn opened(api: &Api, answer: &Answer) -> Browser {
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("/")),
        "{answer:?}"
    );
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<&str> = cookies.map(|(_, value)| value.as_str()).collect();
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.starts_with("__Host-mesej-sign-in=; "))
    );
    let session = cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-mesej=mj_session_"));
    Browser::by_cookie(api, session.unwrap()).await
}

/// A whole sign-in of somebody who is in these groups.
async fn signed_in(
    api: &Api,
    provider: &Provider,
    tenant: TenantId,
    subject: &str,
    groups: &[&str],
) -> Answer {
    let away = leave(api, tenant).await;
    let mut claims = provider.claims(&away.asked, subject, now(api));
    claims["groups"] = json!(groups);
    away.with(api, provider, &claims).await
}

/// Where a refused sign-in ends: at the console, with a code, and without a session.
fn refusal(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{answer:?}");
    let sets = |(name, value): &(String, String)| name == "set-cookie" && value.starts_with("__Host-mesej=");
    assert!(!answer.headers.iter().any(sets), "{answer:?}");
    let location = answer.header("location").unwrap();
    location.strip_prefix("/#/sign-in?error=").unwrap().to_owned()
}
