//! The gateway's REST API, as a program uses it.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

/// How long one call may take: longer than the gateway lets anybody wait.
const DEADLINE: Duration = Duration::from_secs(15);

/// How long a call is made again while nobody answers it, and how long after the last try.
const PATIENCE: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_millis(50);

/// A gateway at an address. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    client: reqwest::Client,
    base: String,
    admin: String,
}

/// A tenant that a rig made for itself.
#[derive(Clone)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// An API key with every scope.
    pub key: String,
}

/// How a submit ended, as its caller sees it.
pub enum Submitted {
    /// 202: durable.
    Accepted { message: String },
    /// The server said that it did not take it: by its error code, perhaps with the time to come back.
    Refused {
        status: u16,
        code: String,
        retry_after: bool,
    },
    /// No answer: it may or may not have been taken. Ask again with the same key.
    NoAnswer,
}

impl Gateway {
    /// A gateway at `http://host:port`, managed with this admin token.
    pub fn new(base: String, admin: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(64)
            .connect_timeout(Duration::from_secs(1))
            .timeout(DEADLINE)
            .build()?;
        Ok(Self { client, base, admin })
    }

    /// The HTTP client.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// An address at the gateway.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// What a metric shows now. Its labels are a part of the name.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.client.get(self.url("/metrics")).send().await?.text().await?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .with_context(|| format!("the gateway does not show {name}"))?;
        Ok(value.trim().parse()?)
    }

    /// Makes a tenant with one number and one key.
    pub async fn make_tenant(&self, name: &str, number: &Value) -> anyhow::Result<Tenant> {
        let made = self
            .admin_post("/v1/admin/tenants", &json!({ "name": name }))
            .await?;
        let id = text(&made, "tenant_id")?;
        self.add_number(&id, number).await?;
        let scopes = json!({ "name": "rig", "scopes": ["send", "read", "agents"] });
        let key = self
            .admin_post(&format!("/v1/admin/tenants/{id}/keys"), &scopes)
            .await?;
        Ok(Tenant {
            id,
            key: text(&key, "key")?,
        })
    }

    /// Adds a number to a tenant, named by its id.
    pub async fn add_number(&self, tenant: &str, number: &Value) -> anyhow::Result<()> {
        let path = format!("/v1/admin/tenants/{tenant}/numbers");
        self.admin_post(&path, number).await.map(|_| ())
    }

    /// Invites somebody into a tenant's team; the invitation's token.
    pub async fn invite(&self, tenant: &Tenant, email: &str, role: &str) -> anyhow::Result<String> {
        let path = format!("/v1/admin/tenants/{}/invitations", tenant.id);
        let made = self
            .admin_post(&path, &json!({ "email": email, "role": role }))
            .await?;
        text(&made, "token")
    }

    async fn admin_post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self
            .client
            .post(self.url(path))
            .bearer_auth(&self.admin)
            .json(body)
            .send()
            .await?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        anyhow::ensure!(status.is_success(), "{path} answered {status}: {body}");
        Ok(body)
    }

    /// Has a tenant's messages kept for so many days; whether the gateway took it on.
    pub async fn keep_for(&self, tenant: &Tenant, days: u32) -> anyhow::Result<bool> {
        let answer = self
            .client
            .put(self.url(&format!("/v1/admin/tenants/{}/retention", tenant.id)))
            .bearer_auth(&self.admin)
            .json(&json!({ "days": days }))
            .send()
            .await?;
        Ok(answer.status().is_success())
    }

    /// Asks a tenant for something that is not there: it starts for that, and nothing is written.
    pub async fn wake(&self, tenant: &Tenant) -> anyhow::Result<()> {
        let nothing = format!("/v1/messages/{}", "0".repeat(32));
        let request = self.client.delete(self.url(&nothing));
        let status = request.bearer_auth(&tenant.key).send().await?.status();
        anyhow::ensure!(
            status == 404,
            "a message that is not there was withdrawn: {status}"
        );
        Ok(())
    }

    /// How the last change of a tenant's retention stands.
    pub async fn change_of_retention(&self, tenant: &Tenant) -> anyhow::Result<Value> {
        let answer = self
            .client
            .get(self.url(&format!("/v1/admin/tenants/{}/retention", tenant.id)))
            .bearer_auth(&self.admin)
            .send()
            .await?;
        let body: Value = answer.json().await?;
        Ok(body.get("change").cloned().unwrap_or_default())
    }

    /// Submits a message under an idempotency key.
    pub async fn submit(&self, tenant: &Tenant, key: &str, message: &Value) -> Submitted {
        let request = self
            .client
            .post(self.url("/v1/messages"))
            .bearer_auth(&tenant.key)
            .header("Idempotency-Key", key)
            .json(message);
        let Ok(answer) = request.send().await else {
            return Submitted::NoAnswer;
        };
        let status = answer.status();
        let retry_after = answer.headers().contains_key("Retry-After");
        let Ok(body) = answer.json::<Value>().await else {
            return Submitted::NoAnswer;
        };
        match (status.as_u16(), text(&body, "message_id")) {
            (202, Ok(message)) => Submitted::Accepted { message },
            (status, _) => Submitted::Refused {
                status,
                code: body
                    .pointer("/error/code")
                    .and_then(Value::as_str)
                    .map_or_else(|| status.to_string(), str::to_owned),
                retry_after,
            },
        }
    }

    /// Reads a page by GET; waits when the key's rate is used up.
    pub async fn get(&self, tenant: &Tenant, path: &str) -> anyhow::Result<Value> {
        for _ in 0..100 {
            let answer = self
                .client
                .get(self.url(path))
                .bearer_auth(&tenant.key)
                .send()
                .await?;
            let status = answer.status();
            let body: Value = answer
                .json()
                .await
                .with_context(|| format!("{path} answered no JSON"))?;
            if status.as_u16() == 429 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            anyhow::ensure!(status.is_success(), "{path} answered {status}: {body}");
            return Ok(body);
        }
        anyhow::bail!("{path} was refused by the key's rate again and again")
    }

    /// Calls, again while the gateway is dead or busy; its status and what it says. Null is no body.
    pub async fn persist(
        &self,
        tenant: &Tenant,
        method: reqwest::Method,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Value)> {
        let began = Instant::now();
        loop {
            let request = self.client.request(method.clone(), self.url(path));
            let request = request.bearer_auth(&tenant.key);
            let request = if body.is_null() {
                request
            } else {
                request.json(body)
            };
            if let Ok(answer) = request.send().await {
                let status = answer.status().as_u16();
                if let (true, Ok(said)) = (status < 500 && status != 429, answer.json().await) {
                    return Ok((status, said));
                }
            }
            anyhow::ensure!(
                began.elapsed() < PATIENCE,
                "{path} is not answered within {PATIENCE:?}"
            );
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// A ticket for one socket.
    pub async fn ticket(&self, tenant: &Tenant, agent: &str) -> anyhow::Result<String> {
        let request = self
            .client
            .post(self.url("/v1/ws/ticket"))
            .bearer_auth(&tenant.key)
            .json(&json!({ "agent": agent, "name": agent }));
        let answer = request.send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        anyhow::ensure!(status.is_success(), "the ticket was refused with {status}");
        text(&body, "ticket")
    }

    /// Every message of every conversation, as history has it.
    pub async fn history(&self, tenant: &Tenant) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut path = "/v1/conversations?limit=100".to_owned();
        loop {
            let page = self.get(tenant, &path).await?;
            for conversation in page
                .get("conversations")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                all.extend(self.messages(tenant, &text(conversation, "id")?).await?);
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(cursor) => path = format!("/v1/conversations?limit=100&cursor={cursor}"),
                None => return Ok(all),
            }
        }
    }

    async fn messages(&self, tenant: &Tenant, conversation: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut before = String::new();
        loop {
            let path = format!("/v1/conversations/{conversation}/messages?limit=100{before}");
            let mut page = self.get(tenant, &path).await?;
            let messages = page.get_mut("messages").map(Value::take);
            let Some(Value::Array(messages)) = messages else {
                anyhow::bail!("{path} has no messages")
            };
            let oldest = messages.last().map(|message| text(message, "id")).transpose()?;
            all.extend(messages);
            match (
                page.get("next_cursor").is_some_and(|cursor| !cursor.is_null()),
                oldest,
            ) {
                (true, Some(oldest)) => before = format!("&before={oldest}"),
                _ => return Ok(all),
            }
        }
    }
}

/// A text field of an answer.
pub fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    value
        .get(field)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("an answer has no `{field}`"))
}
