//! What signing in, a session and a socket of somebody who is signed in cost.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::account::{People, Session, WRONG, somewhere};
use crate::gateway::text;
use crate::process::cpu_time;
use crate::stage::Stage;

/// How many sign in at once: enough that the gateway never waits for them.
const AT_ONCE: usize = 16;
/// Calls whose price is measured.
const CALLS: u32 = 5_000;
/// How long the gateway may take to let go of what only the opening of sockets needed.
const SETTLES: Duration = Duration::from_secs(3);

/// How long a wrong password takes.
pub struct Timing {
    /// For an account that exists; the median.
    pub known_ms: f64,
    /// For one that does not.
    pub unknown_ms: f64,
}

impl Timing {
    /// One of the other.
    pub fn ratio(&self) -> f64 {
        self.known_ms / self.unknown_ms
    }
}

/// Wrong passwords, one after another, for accounts that exist and for others in turn.
pub async fn timing(people: &People, each: u32) -> anyhow::Result<Timing> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..each {
        let nth = usize::try_from(n)? % people.emails.len();
        let email = people.emails.get(nth).context("no such account")?;
        for (email, took) in [
            (email.clone(), &mut known),
            (format!("nobody-{n}@example.com"), &mut unknown),
        ] {
            let began = Instant::now();
            let let_in = people.sign_in(&email, WRONG).await?;
            anyhow::ensure!(let_in.is_none(), "a wrong password was right");
            took.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(Timing {
        known_ms: median(known),
        unknown_ms: median(unknown),
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What signing in costs.
pub struct SignIns {
    /// In a second, on one processor.
    pub per_s: f64,
    /// Processor time of each, in milliseconds.
    pub cpu_ms: f64,
}

/// Right passwords, many at once.
pub async fn sign_ins(stage: &Stage, people: &People, count: u32) -> anyhow::Result<(SignIns, Vec<Session>)> {
    let id = stage.gateway_id()?;
    let (began, spent) = (Instant::now(), cpu_time(id)?);
    let mut sessions = Vec::new();
    let numbered = (0..count).map(|n| {
        let nth = usize::try_from(n).unwrap_or(0) % people.emails.len();
        let email = people.emails.get(nth).cloned().unwrap_or_default();
        async move { people.sign_in(&email, super::account::PASSWORD).await }
    });
    let mut signing_in = futures_util::stream::iter(numbered).buffer_unordered(AT_ONCE);
    while let Some(session) = signing_in.next().await {
        sessions.push(session?.context("a right password was wrong")?);
    }
    let took = began.elapsed().as_secs_f64();
    let spent = cpu_time(id)?.saturating_sub(spent).as_secs_f64();
    let signed_in = SignIns {
        per_s: f64::from(count) / took,
        cpu_ms: spent * 1e3 / f64::from(count),
    };
    Ok((signed_in, sessions))
}

/// Processor time of one call, in microseconds.
pub struct Calls {
    /// By somebody who is signed in.
    pub by_session_us: f64,
    /// By a program with a key.
    pub by_key_us: f64,
}

/// The same call by session and by key, one after another; the session was used before.
pub async fn calls(stage: &Stage, sessions: &[Session]) -> anyhow::Result<Calls> {
    let session = sessions.first().context("nobody is signed in")?;
    let url = stage.gateway.url("/v1/numbers");
    let by_session = || stage.gateway.client().get(&url).header("Cookie", &session.cookie);
    let by_key = || stage.gateway.client().get(&url).bearer_auth(&stage.tenant.key);
    Ok(Calls {
        by_key_us: price(stage, by_key).await?,
        by_session_us: price(stage, by_session).await?,
    })
}

async fn price(stage: &Stage, call: impl Fn() -> reqwest::RequestBuilder) -> anyhow::Result<f64> {
    let id = stage.gateway_id()?;
    call().send().await?.error_for_status()?.bytes().await?;
    let spent = cpu_time(id)?;
    for _ in 0..CALLS {
        call().send().await?.error_for_status()?.bytes().await?;
    }
    let spent = cpu_time(id)?.saturating_sub(spent).as_secs_f64();
    Ok(spent * 1e6 / f64::from(CALLS))
}

/// Resident memory of one idle socket, in KiB.
pub struct Sockets {
    /// Of somebody who is signed in, with a session of its own.
    pub by_session_kib: f64,
    /// Of an agent for whom a key speaks.
    pub by_key_kib: f64,
}

/// As many sockets by session as there are sessions, then as many by key beside them: memory that was let go of would be used again.
pub async fn sockets(stage: &Stage, sessions: &[Session]) -> anyhow::Result<Sockets> {
    let gateway = &stage.gateway;
    // What the first of all sockets brings to memory is no price of the others.
    let first = gateway.ticket(&stage.tenant, "first").await?;
    let _first = Open::all(stage, vec![first]).await?;
    let mut tickets = Vec::new();
    for session in sessions {
        let request = gateway.client().post(gateway.url("/v1/ws/ticket"));
        let request = request
            .header("Cookie", &session.cookie)
            .header("X-CSRF-Token", &session.csrf)
            .header("X-Forwarded-For", somewhere())
            .json(&json!({}));
        let answer = request.send().await?.error_for_status()?;
        tickets.push(text(&answer.json::<Value>().await?, "ticket")?);
    }
    let (by_session_kib, _theirs) = Open::price(stage, tickets).await?;
    let mut tickets = Vec::new();
    for n in 0..sessions.len() {
        tickets.push(gateway.ticket(&stage.tenant, &format!("program-{n}")).await?);
    }
    let (by_key_kib, _programs) = Open::price(stage, tickets).await?;
    Ok(Sockets {
        by_session_kib,
        by_key_kib,
    })
}

/// Sockets that are open until this is dropped.
struct Open(#[expect(dead_code, reason = "dropping it closes them")] JoinSet<()>);

impl Open {
    async fn all(stage: &Stage, tickets: Vec<String>) -> anyhow::Result<Self> {
        let room = Arc::new(Semaphore::new(0));
        let count = u32::try_from(tickets.len())?;
        let mut open = JoinSet::new();
        for ticket in tickets {
            let mut request = stage
                .gateway
                .url("/v1/ws")
                .replacen("http", "ws", 1)
                .into_client_request()?;
            let protocol = format!("mesej.v2, ticket.{ticket}").parse()?;
            request.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
            socket.send(Message::text(r#"{"type":"hello"}"#)).await?;
            let room = Arc::clone(&room);
            open.spawn(async move {
                // The welcome.
                let _ = socket.next().await;
                room.add_permits(1);
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
        let welcomed = room.acquire_many(count);
        let _all = tokio::time::timeout(Duration::from_secs(30), welcomed).await??;
        Ok(Self(open))
    }

    async fn price(stage: &Stage, tickets: Vec<String>) -> anyhow::Result<(f64, Self)> {
        let count = u32::try_from(tickets.len())?;
        let before = stage.resident_kib()?;
        let open = Self::all(stage, tickets).await?;
        tokio::time::sleep(SETTLES).await;
        let more = u32::try_from(stage.resident_kib()?.saturating_sub(before))?;
        Ok((f64::from(more) / f64::from(count), open))
    }
}
