//! Who works there, and who wrote: a member who sees one number alone, and customers who wrote to one of two numbers.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use ring::hmac;
use serde_json::{Value, json};

use super::ContactsArgs;
use super::file::OWNER;
use super::people::Person;
use crate::gateway::text;
use crate::people::account::{Session, accept};
use crate::process::ADMIN;
use crate::stage::{ACCOUNT, NUMBER, SECRET, Stage};

/// The number to which few wrote.
pub const QUIET: &str = "106540352242923";
/// How many wrote to that.
pub const FEW: u32 = 100;
/// Webhooks posted at once.
const TOGETHER: usize = 32;
/// When all webhooks have to be applied.
const APPLIED: Duration = Duration::from_secs(120);

/// People of the business.
pub struct Members {
    owner: Session,
    /// Sees the quiet number alone.
    limited: Session,
}

impl Members {
    /// Adds the second number, and both people.
    pub async fn invite(stage: &Stage) -> anyhow::Result<Self> {
        let (gateway, tenant) = (&stage.gateway, &stage.tenant);
        let number = json!({
            "phone_number_id": QUIET, "waba_id": ACCOUNT, "display_phone_number": "+1 555 070 0001",
            "access_token": "simulated-access-token", "app": "simulated", "rate": 1_000,
        });
        let path = gateway.url(&format!("/v1/admin/tenants/{}/numbers", tenant.id));
        let request = gateway.client().post(path).bearer_auth(ADMIN).json(&number);
        request.send().await?.error_for_status()?;
        let token = gateway.invite(tenant, OWNER, "owner").await?;
        let owner = accept(gateway, tenant, &token, "Owner").await?;
        let limit = json!({ "numbers": [QUIET], "teams": [] });
        let invited = json!({ "email": "limited@example.com", "role": "agent", "limit": limit });
        let (post, path) = (reqwest::Method::POST, "/v1/team/invitations");
        let made = as_who(stage, &owner, post, path).json(&invited).send().await?;
        let made: Value = made.error_for_status()?.json().await?;
        let limited = accept(gateway, tenant, &text(&made, "token")?, "Limited").await?;
        Ok(Self { owner, limited })
    }

    /// A call of the owner's.
    pub async fn owner_call(
        &self,
        stage: &Stage,
        method: reqwest::Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<()> {
        let answer = as_who(stage, &self.owner, method, path).json(body).send().await?;
        let status = answer.status();
        anyhow::ensure!(
            status.is_success(),
            "{path} answered {status}: {}",
            answer.text().await?
        );
        Ok(())
    }

    /// A read of the limited member's.
    pub fn limited_get(&self, stage: &Stage, path: &str) -> reqwest::RequestBuilder {
        as_who(stage, &self.limited, reqwest::Method::GET, path)
    }
}

fn as_who(stage: &Stage, who: &Session, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
    let request = stage.gateway.client().request(method, stage.gateway.url(path));
    let request = request.header("Cookie", &who.cookie);
    request.header("X-CSRF-Token", &who.csrf)
}

/// Customers write: many to the first number, few to the quiet one.
pub async fn write(stage: &Stage, args: &ContactsArgs) -> anyhow::Result<()> {
    let mut dice = fastrand::Rng::with_seed(args.seed ^ 7);
    let talks = (0..args.talks).map(|_| NUMBER).chain((0..FEW).map(|_| QUIET));
    let webhooks: Vec<String> = talks
        .enumerate()
        .map(|(n, number)| webhook(n, number, &Person(dice.u32(0..args.contacts)).phone()))
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let posts = webhooks.into_iter().map(|body| {
        let mut signature = "sha256=".to_owned();
        for byte in hmac::sign(&key, body.as_bytes()).as_ref() {
            // Writing to a string cannot fail.
            let _ = write!(signature, "{byte:02x}");
        }
        let request = stage
            .gateway
            .client()
            .post(stage.gateway.url("/webhooks/whatsapp"));
        let request = request.header("X-Hub-Signature-256", signature).body(body);
        async move { request.send().await?.error_for_status().map(drop) }
    });
    stream::iter(posts)
        .buffer_unordered(TOGETHER)
        .try_collect::<()>()
        .await?;
    let began = Instant::now();
    while stage.gateway.metric("mesej_journal_backlog").await? > 0.0 {
        anyhow::ensure!(began.elapsed() < APPLIED, "webhooks are not applied");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a rig writes messages of the machine's own time"
)]
fn webhook(n: usize, number: &str, from: &str) -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550700000", "phone_number_id": number },
        "contacts": [{ "profile": { "name": format!("Customer {n}") }, "wa_id": from }],
        "messages": [{
            "from": from, "id": format!("wamid.CONTACTS{seconds:x}{n:08}"), "timestamp": seconds.to_string(),
            "text": { "body": "hello" }, "type": "text",
        }],
    });
    let change = json!({ "value": value, "field": "messages" });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": ACCOUNT, "changes": [change] }] })
        .to_string()
}
