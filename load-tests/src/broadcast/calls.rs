//! One broadcast, as a program makes and steers it. A call is made again while the gateway is dead or busy.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Tenant, text};

/// A marketing template of the simulator's account: a name, and something else.
const TEMPLATE: &str = "weekend_news";
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long a file may take until it is read.
const UPLOADED: Duration = Duration::from_secs(600);
/// Recipients of one page.
const PAGE: usize = 500;

/// A broadcast. Cheap to clone.
#[derive(Clone)]
pub struct Broadcast {
    gateway: Gateway,
    tenant: Tenant,
    path: String,
}

/// What is wanted of one that was launched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Nothing more for now.
    Pause,
    /// On with it.
    Resume,
    /// Nothing more.
    Cancel,
}

impl Order {
    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }
}

impl Broadcast {
    /// Makes one for a file with the columns `phone` and `code`, of so many messages a second where a rate is given.
    pub async fn create(
        gateway: &Gateway,
        tenant: &Tenant,
        number: &str,
        rate: Option<u32>,
    ) -> anyhow::Result<Self> {
        let wanted = json!({
            "name": "Rig", "numbers": [number], "audience": { "type": "upload" }, "rate": rate,
            "template": { "name": TEMPLATE, "language": { "code": "en_US" }, "components": [{ "type": "body", "parameters": [
                { "type": "text", "text": { "from": "name", "fallback": "friend" } },
                { "type": "text", "text": { "from": "column", "key": "code" } },
            ] }] },
        });
        let path = "/v1/broadcasts";
        let (status, made) = gateway.persist(tenant, Method::POST, path, &wanted).await?;
        anyhow::ensure!(status == 201, "no broadcast can be made: {status}, {made}");
        let made = made.get("broadcast").context("an answer without a broadcast")?;
        Ok(Self {
            gateway: gateway.clone(),
            tenant: tenant.clone(),
            path: format!("{path}/{}", text(made, "broadcast_id")?),
        })
    }

    /// Uploads the file of recipients, again where that was cut off.
    pub async fn upload(&self, file: &[u8]) -> anyhow::Result<()> {
        let url = self.gateway.url(&format!("{}/audience", self.path));
        let began = Instant::now();
        loop {
            let request = self.gateway.client().put(&url).bearer_auth(&self.tenant.key);
            if let Ok(answer) = request.body(file.to_vec()).send().await {
                let status = answer.status();
                if status.is_success() {
                    return Ok(());
                }
                let said = answer.text().await.unwrap_or_default();
                anyhow::ensure!(
                    status.is_server_error(),
                    "the file is refused with {status}: {said}"
                );
            }
            anyhow::ensure!(began.elapsed() < UPLOADED, "the file is not taken");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Uploads the file of recipients as it comes, once.
    pub async fn upload_stream(&self, file: reqwest::Body) -> anyhow::Result<()> {
        let url = self.gateway.url(&format!("{}/audience", self.path));
        let request = self.gateway.client().put(&url).bearer_auth(&self.tenant.key);
        let answer = request.timeout(UPLOADED).body(file).send().await?;
        let status = answer.status();
        let said = answer.text().await.unwrap_or_default();
        anyhow::ensure!(status.is_success(), "the file is refused with {status}: {said}");
        Ok(())
    }

    /// Has its recipients written down.
    pub async fn plan(&self) -> anyhow::Result<()> {
        let (status, said) = self.post("plan", &json!({})).await?;
        anyhow::ensure!(status == 202, "it cannot be planned: {status}, {said}");
        Ok(())
    }

    /// What would become of it.
    pub async fn dry_run(&self) -> anyhow::Result<Value> {
        let path = format!("{}/dry-run", self.path);
        let mut answer = self.gateway.get(&self.tenant, &path).await?;
        let dry_run = answer.get_mut("dry_run").map(Value::take);
        dry_run.context("an answer without a dry run")
    }

    /// Launches what was planned. An answer may get lost: then it runs already.
    pub async fn launch(&self) -> anyhow::Result<()> {
        let ready = self.shown().await?;
        let wanted =
            json!({ "version": ready.get("version"), "recipients": ready.pointer("/plan/recipients") });
        let (status, said) = self.post("launch", &wanted).await?;
        if status != 202 {
            let state = self.state().await?;
            let is_launched = ["running", "done"].contains(&state.as_str());
            anyhow::ensure!(is_launched, "it cannot be launched as {state}: {status}, {said}");
        }
        Ok(())
    }

    /// Pauses it, has it go on, or cancels it; whether it could be.
    pub async fn order(&self, order: Order) -> anyhow::Result<bool> {
        let (status, said) = self.post(order.word(), &json!({})).await?;
        anyhow::ensure!(
            [200, 409].contains(&status),
            "{order:?} is answered {status}: {said}"
        );
        Ok(status == 200)
    }

    async fn post(&self, what: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let path = format!("{}/{what}", self.path);
        self.gateway
            .persist(&self.tenant, Method::POST, &path, body)
            .await
    }

    /// As it stands.
    pub async fn shown(&self) -> anyhow::Result<Value> {
        let answer = self
            .gateway
            .persist(&self.tenant, Method::GET, &self.path, &Value::Null);
        let (status, mut said) = answer.await?;
        anyhow::ensure!(status == 200, "it cannot be read: {status}, {said}");
        let shown = said.get_mut("broadcast").map(Value::take);
        shown.context("an answer without a broadcast")
    }

    /// The state in which it is.
    pub async fn state(&self) -> anyhow::Result<String> {
        text(&self.shown().await?, "state")
    }

    /// Waits until it is in one of these states, and does not if it stops by itself.
    pub async fn until(&self, wanted: &[&str], limit: Duration) -> anyhow::Result<Value> {
        let began = Instant::now();
        loop {
            let shown = self.shown().await?;
            let state = text(&shown, "state")?;
            if wanted.contains(&state.as_str()) {
                return Ok(shown);
            }
            let problem = shown.get("problem").filter(|problem| !problem.is_null());
            anyhow::ensure!(problem.is_none(), "it is {state}: {shown}");
            anyhow::ensure!(
                began.elapsed() < limit,
                "it was not {wanted:?} within {limit:?}: {shown}"
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What became of all of its recipients.
    pub async fn recipients(&self) -> anyhow::Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), String::from("0"));
        loop {
            let path = format!("{}/recipients?limit={PAGE}&cursor={cursor}", self.path);
            let mut page = self.gateway.get(&self.tenant, &path).await?;
            let Some(Value::Array(some)) = page.get_mut("recipients").map(Value::take) else {
                anyhow::bail!("{path} has no recipients")
            };
            all.extend(some);
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => next.clone_into(&mut cursor),
                None => return Ok(all),
            }
        }
    }
}
