//! The HTTP server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Problems;
use super::production::Mode;
use super::proxies::Network;
use super::units::{ByteSize, is_clean, optional_secret, seconds};
use super::url::{BaseUrl, Origin};

/// Section `server`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// What it is run for.
    pub mode: Mode,
    /// Address and port for everybody.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// Address and port for operators and scrapers alone.
    #[serde(deserialize_with = "listen_or_empty", serialize_with = "listen_or_nothing")]
    pub admin_listen: Option<SocketAddr>,
    /// A file of the certificate that clients are shown, with those that lead to its authority; empty speaks plain HTTP.
    pub tls_certificate: PathBuf,
    /// A file of its key.
    pub tls_key: PathBuf,
    /// HTTP worker threads; 0 is one for each core.
    pub workers: usize,
    /// How the world reaches this server.
    #[serde(deserialize_with = "url_or_empty", serialize_with = "url_or_nothing")]
    pub public_url: Option<BaseUrl>,
    /// Origins whose pages may open a WebSocket.
    pub allowed_origins: Vec<Origin>,
    /// Bearer token of the admin API, which is off without one.
    #[serde(with = "optional_secret")]
    pub admin_token: Option<SecretString>,
    /// How long an orderly end may take.
    #[serde(rename = "shutdown_timeout_s", with = "seconds")]
    pub shutdown_timeout: Duration,
    /// How long the head of a request may take.
    #[serde(rename = "head_timeout_s", with = "seconds")]
    pub head_timeout: Duration,
    /// How long a connection may be silent between requests.
    #[serde(rename = "keep_alive_s", with = "seconds")]
    pub keep_alive: Duration,
    /// How long a whole body may take.
    #[serde(rename = "body_timeout_s", with = "seconds")]
    pub body_timeout: Duration,
    /// How long a client that sends a body or is sent an answer may be slower than `slow_rate`.
    #[serde(rename = "slow_grace_s", with = "seconds")]
    pub slow_grace: Duration,
    /// Bytes in a second after that.
    pub slow_rate: ByteSize,
    /// Proxies whose word on where a client is counts.
    pub trusted_proxies: Vec<Network>,
    /// Connections of one address; 0 for no limit.
    pub connections_per_peer: usize,
    /// Webhook posts being worked on at once.
    pub webhook_max_in_flight: usize,
    /// Bytes of webhook bodies held at once.
    pub webhook_max_bytes_in_flight: ByteSize,
    /// Largest webhook body.
    pub webhook_body_limit: ByteSize,
    /// Largest body of any other request.
    pub api_body_limit: ByteSize,
}

impl ServerConfig {
    /// Fewer characters could be guessed.
    const SHORTEST_ADMIN_TOKEN: usize = 16;

    /// Worker threads to start: the setting, or one for each core.
    pub fn worker_threads(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }

    /// Whether the listener speaks TLS.
    pub fn has_tls(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// Where Meta is to send webhooks.
    pub fn webhook_url(&self) -> Option<String> {
        let url = self.public_url.as_ref()?;
        Some(format!(
            "{}/webhooks/whatsapp",
            url.as_str().trim_end_matches('/')
        ))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        let (kib, mib) = (1 << 10, 1 << 20);
        let size = ByteSize::bytes;
        if self.admin_listen == Some(self.listen) && self.listen.port() != 0 {
            problems.add("server.admin_listen", "must not be the same as `server.listen`");
        }
        for (key, path, other, needed) in [
            (
                "server.tls_certificate",
                &self.tls_certificate,
                "server.tls_key",
                &self.tls_key,
            ),
            (
                "server.tls_key",
                &self.tls_key,
                "server.tls_certificate",
                &self.tls_certificate,
            ),
        ] {
            if !path.as_os_str().is_empty() && needed.as_os_str().is_empty() {
                problems.add(key, format!("needs `{other}`"));
            }
        }
        problems.range("server.workers", self.workers, 0..=256);
        problems.range(
            "server.shutdown_timeout_s",
            self.shutdown_timeout.as_secs(),
            1..=600,
        );
        for (key, time) in [
            ("server.head_timeout_s", self.head_timeout),
            ("server.body_timeout_s", self.body_timeout),
            ("server.slow_grace_s", self.slow_grace),
        ] {
            problems.range(key, time.as_secs(), 1..=60);
        }
        problems.range("server.keep_alive_s", self.keep_alive.as_secs(), 1..=600);
        problems.range("server.slow_rate", self.slow_rate, size(1)..=size(mib));
        problems.range(
            "server.connections_per_peer",
            self.connections_per_peer,
            0..=1_000_000,
        );
        problems.range(
            "server.webhook_max_in_flight",
            self.webhook_max_in_flight,
            1..=65_536,
        );
        problems.range(
            "server.webhook_body_limit",
            self.webhook_body_limit,
            size(kib)..=size(64 * mib),
        );
        problems.range(
            "server.api_body_limit",
            self.api_body_limit,
            size(kib)..=size(64 * mib),
        );
        if self.webhook_max_bytes_in_flight < self.webhook_body_limit {
            problems.add(
                "server.webhook_max_bytes_in_flight",
                format!(
                    "must be at least `server.webhook_body_limit`, {}",
                    self.webhook_body_limit
                ),
            );
        }
        if let Some(token) = &self.admin_token
            && !(is_clean(token) && token.expose_secret().is_ascii())
        {
            problems.add(
                "server.admin_token",
                "must be ASCII, and not begin or end with blanks, or hold control characters: it travels in a header",
            );
        }
        if let Some(token) = &self.admin_token
            && token.expose_secret().len() < Self::SHORTEST_ADMIN_TOKEN
        {
            problems.add(
                "server.admin_token",
                format!(
                    "must be empty or have at least {} characters",
                    Self::SHORTEST_ADMIN_TOKEN
                ),
            );
        }
    }
}

fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    address_and_port(&String::deserialize(from)?)
}

fn listen_or_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    address_and_port(&text).map(Some)
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn listen_or_nothing<S: Serializer>(address: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&address.map_or_else(String::new, |address| address.to_string()))
}

/// Reads an address and a port. `localhost` is this machine; other names are not looked up.
fn address_and_port<E: serde::de::Error>(text: &str) -> Result<SocketAddr, E> {
    let named = text
        .strip_prefix("localhost:")
        .and_then(|port| port.parse::<u16>().ok())
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    named.or_else(|| text.parse().ok()).ok_or_else(|| {
        E::custom("must be an address and a port, such as \"127.0.0.1:8080\" or \"localhost:8080\"")
    })
}

fn url_or_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BaseUrl>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    BaseUrl::try_from(text)
        .map(Some)
        .map_err(serde::de::Error::custom)
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn url_or_nothing<S: Serializer>(url: &Option<BaseUrl>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(url.as_ref().map_or("", BaseUrl::as_str))
}
