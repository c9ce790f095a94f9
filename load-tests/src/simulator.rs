//! The simulator's remote control.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

/// Sends that are read at once.
const SENDS: usize = 10_000;

/// A simulator at an address. Cheap to clone.
#[derive(Clone)]
pub struct Simulator {
    client: reqwest::Client,
    base: String,
}

impl Simulator {
    /// A simulator at `http://host:port`.
    pub fn new(base: String) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(120))
            // Shorter than the server keeps it: a connection that it is just closing fails a request.
            .pool_idle_timeout(Duration::from_secs(2))
            .build()?;
        Ok(Self { client, base })
    }

    /// Lets customers write by themselves at a rate; 0 stops them.
    pub async fn chatter(&self, rate: f64, customers: u32) -> anyhow::Result<()> {
        self.call(
            reqwest::Method::PUT,
            "/_control/chatter",
            &json!({ "rate": rate, "customers": customers }),
        )
        .await
        .map(|_| ())
    }

    /// A customer says something.
    pub async fn say(&self, from: &str, text: &str) -> anyhow::Result<()> {
        let body = json!({ "from": from, "text": text });
        self.call(reqwest::Method::POST, "/_control/say", &body)
            .await
            .map(|_| ())
    }

    /// Gives any other order.
    pub async fn order(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        self.call(reqwest::Method::POST, path, body).await.map(|_| ())
    }

    /// Sets what goes wrong.
    pub async fn faults(&self, faults: &Value) -> anyhow::Result<()> {
        self.call(reqwest::Method::PUT, "/_control/faults", faults)
            .await
            .map(|_| ())
    }

    /// Sets where webhooks go.
    pub async fn aim(&self, target: &Value) -> anyhow::Result<()> {
        self.call(reqwest::Method::PUT, "/_control/webhook", target)
            .await
            .map(|_| ())
    }

    /// Waits until every webhook is delivered, and says how many are not.
    pub async fn quiesce(&self, limit: Duration) -> anyhow::Result<Value> {
        let timeout_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.call(
            reqwest::Method::POST,
            "/_control/quiesce",
            &json!({ "timeout_ms": timeout_ms }),
        )
        .await
    }

    /// Where it stands.
    pub async fn stats(&self) -> anyhow::Result<Value> {
        self.call(reqwest::Method::GET, "/_control/stats", &Value::Null)
            .await
    }

    /// What Meta would charge so far.
    pub async fn bill(&self) -> anyhow::Result<Value> {
        self.call(reqwest::Method::GET, "/_control/bill", &Value::Null)
            .await
    }

    /// Every message that Graph accepted, oldest first.
    pub async fn sends(&self) -> anyhow::Result<Vec<Value>> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("/_control/sends?limit={SENDS}{after}");
            let Value::Array(some) = self.call(reqwest::Method::GET, &path, &Value::Null).await? else {
                anyhow::bail!("{path} answered no list")
            };
            let is_last = some.len() < SENDS;
            let last = some.last().and_then(|sent| sent.get("index")).cloned();
            all.extend(some);
            match last {
                Some(last) if !is_last => after = format!("&after={last}"),
                _ => return Ok(all),
            }
        }
    }

    /// Tells the oracle what one of the parties saw.
    pub async fn tell(&self, what: &str, body: &Value) -> anyhow::Result<()> {
        self.call(reqwest::Method::POST, &format!("/_oracle/{what}"), body)
            .await
            .map(|_| ())
    }

    /// What Graph knows of calls for these messages.
    pub async fn calls(&self, messages: &Value) -> anyhow::Result<Value> {
        self.call(reqwest::Method::POST, "/_oracle/calls", messages).await
    }

    /// The gateway died: how many calls were open.
    pub async fn callers_gone(&self) -> anyhow::Result<u64> {
        let gone = self
            .call(reqwest::Method::POST, "/_oracle/callers_gone", &json!({}))
            .await?;
        let open = gone.get("open").and_then(Value::as_u64);
        open.context("no count of open calls")
    }

    /// What the oracle makes of it all.
    pub async fn report(&self) -> anyhow::Result<Value> {
        self.call(reqwest::Method::GET, "/_oracle/report", &Value::Null)
            .await
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let answer = request
            .send()
            .await
            .with_context(|| format!("the simulator does not answer {path}"))?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{path} answered {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
