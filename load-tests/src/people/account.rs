//! People with accounts, and how they sign in.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Tenant, text};
use crate::stage::Stage;

/// The password of all of them.
pub const PASSWORD: &str = "quiet-otters-paddle-42-home";
/// A password of nobody's.
pub const WRONG: &str = "quiet-otters-paddle-43-home";

/// The members of the stage's tenant.
pub struct People {
    gateway: Gateway,
    /// Their addresses.
    pub emails: Vec<String>,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Session {
    /// The cookie's name and value.
    pub cookie: String,
    /// What a call that changes something carries.
    pub csrf: String,
}

/// An address of a network of its own, each time another.
pub fn somewhere() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // From 11.0.0.0 on: none of these is private, so that each counts as a network.
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::from(0x0b00_0000_u32.wrapping_add(n)).to_string()
}

impl People {
    /// Invites so many agents, each of whom accepts.
    pub async fn invite(stage: &Stage, accounts: u32) -> anyhow::Result<Self> {
        let mut people = Self {
            gateway: stage.gateway.clone(),
            emails: Vec::new(),
        };
        for n in 0..accounts {
            let email = format!("agent-{n}@example.com");
            let token = stage.gateway.invite(&stage.tenant, &email, "agent").await?;
            accept(&stage.gateway, &stage.tenant, &token, &format!("Agent {n}")).await?;
            people.emails.push(email);
        }
        Ok(people)
    }

    /// Signs in from a network of its own; `None` when that is refused as wrong.
    pub async fn sign_in(&self, email: &str, password: &str) -> anyhow::Result<Option<Session>> {
        let asked = json!({ "email": email, "password": password });
        let answer = request(&self.gateway, "/v1/session", &asked).send().await?;
        if answer.status().as_u16() == 401 {
            return Ok(None);
        }
        Session::of(answer).await.map(Some)
    }
}

/// Accepts an invitation, with the password of all; who was invited is signed in then.
pub async fn accept(gateway: &Gateway, tenant: &Tenant, token: &str, name: &str) -> anyhow::Result<Session> {
    let accepting = json!({ "tenant_id": tenant.id, "token": token, "name": name, "is_of_age": true, "password": PASSWORD });
    let request = request(gateway, "/v1/invitations/accept", &accepting);
    Session::of(request.send().await?).await
}

fn request(gateway: &Gateway, path: &str, body: &Value) -> reqwest::RequestBuilder {
    let request = gateway.client().post(gateway.url(path));
    request.header("X-Forwarded-For", somewhere()).json(body)
}

impl Session {
    async fn of(answer: reqwest::Response) -> anyhow::Result<Self> {
        let status = answer.status();
        let cookie = answer.headers().get(SET_COOKIE).cloned();
        let body: Value = answer.json().await.unwrap_or_default();
        anyhow::ensure!(status.is_success(), "signing in answered {status}: {body}");
        let cookie = cookie.context("no cookie was set")?;
        let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
        Ok(Self {
            cookie: cookie.to_owned(),
            csrf: text(&body, "csrf_token")?,
        })
    }
}
