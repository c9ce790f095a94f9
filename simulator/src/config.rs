//! What a simulator is started with. Every field has a default, so `{}` is a whole configuration.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::dice::Millis;
use super::faults::Faults;
use crate::ids::{PhoneNumberId, WabaId};

/// Everything that a simulator needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// HTTP worker threads.
    pub workers: usize,
    /// Where all chance comes from.
    pub seed: u64,
    /// Where webhooks go; none holds them back until one is set.
    pub webhook_url: Option<String>,
    /// Signs webhooks.
    pub app_secret: String,
    /// The app that owns webhook and tokens.
    pub app_id: String,
    /// Sent along when a callback is verified.
    pub verify_token: String,
    /// Tokens that Graph accepts; an empty list accepts any.
    pub access_tokens: Vec<String>,
    /// What the tokens may do, as `debug_token` tells it.
    pub token_scopes: Vec<String>,
    /// The business numbers.
    pub numbers: Vec<NumberConfig>,
    /// When statuses happen.
    pub statuses: StatusConfig,
    /// How long a customer takes to answer by itself.
    pub thinking: Millis,
    /// How a service message outside the 24-hour window is refused.
    pub window: Refusal,
    /// How a message to somebody who is not on WhatsApp is refused.
    pub undeliverable: Refusal,
    /// The rate that one customer may be written to at.
    pub pair: PairConfig,
    /// Whether the account may send utility texts without a template ("Direct Send").
    pub direct_send: bool,
    /// How long a template is reviewed, in milliseconds; a day at most at Meta.
    pub review_ms: u64,
    /// How long the address of a media file lasts, in milliseconds: five minutes at Meta.
    pub media_url_ms: u64,
    /// How webhooks are posted and repeated.
    pub webhooks: WebhookConfig,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// Begins a word in a message that names that message alone: the oracle counts sends by it.
    pub marker_prefix: String,
    /// How many of the latest accepted bodies are kept to look at.
    pub keep_bodies: usize,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            workers: 1,
            seed: 1,
            webhook_url: None,
            app_secret: "simulated-app-secret".to_owned(),
            app_id: "670843887433847".to_owned(),
            verify_token: "simulated-verify-token".to_owned(),
            access_tokens: vec!["simulated-access-token".to_owned()],
            token_scopes: vec![
                "whatsapp_business_management".to_owned(),
                "whatsapp_business_messaging".to_owned(),
            ],
            numbers: vec![NumberConfig::default()],
            statuses: StatusConfig::default(),
            thinking: Millis::between(300, 1_500),
            window: Refusal::AtOnce,
            undeliverable: Refusal::ByStatus,
            pair: PairConfig::default(),
            direct_send: false,
            review_ms: 1_000,
            media_url_ms: 300_000,
            webhooks: WebhookConfig::default(),
            faults: Faults::default(),
            marker_prefix: "mk-".to_owned(),
            keep_bodies: 20_000,
        }
    }
}

/// How a message that Meta could refuse either way is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// With an error in the answer.
    AtOnce,
    /// Accepted first; a `failed` status follows.
    ByStatus,
    /// Not at all.
    Never,
}

/// A business number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberConfig {
    /// Meta's id of the number.
    pub phone_number_id: PhoneNumberId,
    /// The account it belongs to.
    pub waba_id: WabaId,
    /// As people dial it.
    pub display_phone_number: String,
    /// The name that customers see.
    pub verified_name: String,
    /// Messages a second, in and out together.
    pub rate: u32,
    /// GREEN, YELLOW, RED or UNKNOWN.
    pub quality_rating: String,
    /// CONNECTED in the good case.
    pub status: String,
    /// TIER_250, TIER_2K, TIER_10K, TIER_100K or TIER_UNLIMITED.
    pub messaging_limit: String,
}

impl Default for NumberConfig {
    fn default() -> Self {
        Self::numbered(0)
    }
}

impl NumberConfig {
    /// One of many numbers of one account, each with an id and a phone number of its own.
    pub fn numbered(index: u32) -> Self {
        let id = 106_540_352_242_922_u64.saturating_add(u64::from(index));
        let line = 10_000_u64.saturating_add(u64::from(index));
        Self {
            phone_number_id: known(PhoneNumberId::parse(&id.to_string())),
            waba_id: known(WabaId::parse("102290129340398")),
            display_phone_number: format!("+1 555 07{} {:04}", line / 10_000, line % 10_000),
            verified_name: "Mesej Bakery".to_owned(),
            rate: 80,
            quality_rating: "GREEN".to_owned(),
            status: "CONNECTED".to_owned(),
            messaging_limit: "TIER_100K".to_owned(),
        }
    }
}

#[expect(clippy::expect_used, reason = "the ids are digits written above")]
fn known<T, E: std::fmt::Debug>(parsed: Result<T, E>) -> T {
    parsed.expect("digits are an id")
}

/// When statuses happen after a send was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusConfig {
    /// From acceptance to `sent`.
    pub sent: Millis,
    /// From `sent` to `delivered`.
    pub delivered: Millis,
    /// From `delivered` to `read`, for customers whose receipts are on.
    pub read: Millis,
    /// How long a template that is held for quality assessment waits before it is sent.
    pub held: Millis,
    /// Share of messages that are read in an open chat: `delivered` is left out.
    pub chat_open: f64,
}

impl Default for StatusConfig {
    fn default() -> Self {
        Self {
            sent: Millis::between(20, 120),
            delivered: Millis::between(80, 600),
            read: Millis::between(500, 3_000),
            held: Millis::between(2_000, 5_000),
            chat_open: 0.0,
        }
    }
}

/// The rule for one customer on one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairConfig {
    /// One message in this time; 0 turns the rule off.
    pub interval_ms: u64,
    /// How many may be sent at once, borrowed from the future.
    pub burst: u32,
}

impl Default for PairConfig {
    fn default() -> Self {
        Self {
            interval_ms: 6_000,
            burst: 45,
        }
    }
}

/// How webhooks are posted. The times are Meta's seven days in miniature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Requests under way at once.
    pub concurrency: usize,
    /// Updates in one request at most; Meta's own bound is 1,000.
    pub batch: usize,
    /// How long an update may wait for company.
    pub linger_ms: u64,
    /// How long an answer may take.
    pub timeout_ms: u64,
    /// Wait before the second repetition; the first comes at once. Doubles from there.
    pub retry_ms: u64,
    /// The longest wait between repetitions.
    pub retry_max_ms: u64,
    /// Requests for one webhook before it is given up.
    pub attempts: u32,
    /// Webhooks waiting for a repetition at once; beyond it new ones are held back.
    pub retrying: usize,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            concurrency: 32,
            batch: 50,
            linger_ms: 5,
            timeout_ms: 10_000,
            retry_ms: 100,
            retry_max_ms: 5_000,
            attempts: 200,
            retrying: 20_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_configuration_is_the_default() {
        let config: SimulatorConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, SimulatorConfig::default());
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(serde_json::from_str::<SimulatorConfig>(r#"{"seeds":1}"#).is_err());
    }

    #[test]
    fn numbered_numbers_differ_in_id_and_phone() {
        let (first, later) = (NumberConfig::numbered(0), NumberConfig::numbered(12));
        assert_ne!(first.phone_number_id, later.phone_number_id);
        assert_ne!(first.display_phone_number, later.display_phone_number);
    }
}
