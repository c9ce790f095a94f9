//! Meta's side: the Graph API and the apps whose webhooks are accepted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::{is_clean, mask, mask_each, millis};
use super::url::BaseUrl;

/// Whoever guesses an app's secret can invent customers, and has all the time that a signed webhook gives.
const SHORTEST_SECRET: usize = 12;
/// Whoever guesses a verify token learns that it is one.
const SHORTEST_TOKEN: usize = 8;

/// Section `whatsapp`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsappConfig {
    /// Meta's Graph API.
    pub base_url: BaseUrl,
    /// Version of the Graph API: `v25.0`.
    pub version: String,
    /// How long a connection may take.
    #[serde(rename = "connect_timeout_ms", with = "millis")]
    pub connect_timeout: Duration,
    /// How long a whole call may take.
    #[serde(rename = "total_timeout_ms", with = "millis")]
    pub total_timeout: Duration,
    /// The apps.
    pub apps: Vec<AppConfig>,
}

/// One Meta app. It signs the webhooks of every number that it serves.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// What numbers call it.
    pub name: String,
    /// Meta's id of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app_id: Option<String>,
    /// One secret, or two while one is being changed.
    #[serde(serialize_with = "mask_each")]
    pub app_secrets: Vec<SecretString>,
    /// What Meta shows when it checks the callback address.
    #[serde(serialize_with = "mask")]
    pub verify_token: SecretString,
}

impl WhatsappConfig {
    /// The app of that name.
    pub fn app(&self, name: &str) -> Option<&AppConfig> {
        self.apps.iter().find(|app| app.name == name)
    }

    /// The names of all apps.
    pub fn app_names(&self) -> Vec<Arc<str>> {
        self.apps.iter().map(|app| app.name.as_str().into()).collect()
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        if !self.base_url.is_private() {
            problems.add("whatsapp.base_url", "must be https: access tokens travel there");
        }
        let version_ok = self
            .version
            .strip_prefix('v')
            .and_then(|version| version.split_once('.'))
            .is_some_and(|(major, minor)| major.parse::<u16>().is_ok() && minor.parse::<u16>().is_ok());
        if !version_ok {
            problems.add("whatsapp.version", "must be a version such as \"v25.0\"");
        }
        let connect = u64::try_from(self.connect_timeout.as_millis()).unwrap_or(u64::MAX);
        let total = u64::try_from(self.total_timeout.as_millis()).unwrap_or(u64::MAX);
        problems.range("whatsapp.connect_timeout_ms", connect, 50..=60_000);
        problems.range("whatsapp.total_timeout_ms", total, 100..=120_000);
        if connect > total {
            problems.add(
                "whatsapp.connect_timeout_ms",
                "must not be longer than `whatsapp.total_timeout_ms`",
            );
        }
        let mut names = BTreeSet::new();
        let mut secrets = BTreeSet::new();
        for (index, app) in self.apps.iter().enumerate() {
            app.check(&format!("whatsapp.apps[{index}]"), problems);
            let own: BTreeSet<&str> = app.app_secrets.iter().map(ExposeSecret::expose_secret).collect();
            if !secrets.is_disjoint(&own) {
                // Nobody could tell which of them signed a webhook.
                problems.add(
                    format!("whatsapp.apps[{index}].app_secrets"),
                    "must not hold a secret of an earlier app",
                );
            }
            secrets.extend(own);
            if !names.insert(app.name.as_str()) {
                problems.add(
                    format!("whatsapp.apps[{index}].name"),
                    format!("{:?} is the name of an earlier app", app.name),
                );
            }
        }
    }
}

impl AppConfig {
    fn check(&self, key: &str, problems: &mut Problems) {
        let name_ok = (1..=64).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !name_ok {
            problems.add(
                format!("{key}.name"),
                "must be 1 to 64 letters, digits, '-' or '_'",
            );
        }
        let is_id =
            |id: &String| (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        if !self.app_id.as_ref().is_none_or(is_id) {
            problems.add(
                format!("{key}.app_id"),
                "must be Meta's id, which has digits alone",
            );
        }
        if !(1..=2).contains(&self.app_secrets.len()) {
            problems.add(
                format!("{key}.app_secrets"),
                "must hold one secret, or two while one is being changed",
            );
        }
        let is_short = |secret: &SecretString, least: usize| secret.expose_secret().len() < least;
        if self
            .app_secrets
            .iter()
            .any(|secret| is_short(secret, SHORTEST_SECRET))
        {
            problems.add(
                format!("{key}.app_secrets"),
                format!("must have at least {SHORTEST_SECRET} characters each: Meta's have 32"),
            );
        }
        for (key, secrets) in [
            ("app_secrets", self.app_secrets.as_slice()),
            ("verify_token", std::slice::from_ref(&self.verify_token)),
        ]
        .map(|(name, secrets)| (format!("{key}.{name}"), secrets))
        {
            if !secrets.iter().all(is_clean) {
                problems.add(
                    key,
                    "must not begin or end with blanks, or hold control characters",
                );
            }
        }
        if is_short(&self.verify_token, SHORTEST_TOKEN) {
            problems.add(
                format!("{key}.verify_token"),
                format!("must have at least {SHORTEST_TOKEN} characters"),
            );
        }
    }
}
