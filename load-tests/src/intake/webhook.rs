//! Signed webhooks as Meta posts them: one text message of a customer each.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;

/// Makes webhooks for one number.
#[derive(Clone)]
pub struct Maker {
    key: hmac::Key,
    account: &'static str,
    number: &'static str,
    address: String,
    path: &'static str,
    seconds: u64,
}

impl Maker {
    /// Webhooks signed with an app's secret, as whole HTTP/1.1 requests to an address.
    pub fn new(
        secret: &str,
        account: &'static str,
        number: &'static str,
        address: &str,
        path: &'static str,
    ) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            account,
            number,
            address: address.to_owned(),
            path,
            seconds: now(),
        }
    }

    /// Where they go, as `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The request that carries message number `n` with this text. Customers take turns.
    pub fn request(&self, n: u64, text: &str) -> Vec<u8> {
        let (account, number) = (self.account, self.number);
        let customer = 6_281_300_000_000 + n % 2_000;
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{account}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550700000","phone_number_id":"{number}"}},"contacts":[{{"profile":{{"name":"Customer {customer}"}},"wa_id":"{customer}"}}],"messages":[{{"from":"{customer}","id":"wamid.LOAD{seconds:x}{n:012}","timestamp":"{seconds}","text":{{"body":"{text}"}},"type":"text"}}]}},"field":"messages"}}]}}]}}"#,
            seconds = self.seconds,
        );
        self.post(&body)
    }

    /// The request that carries so many statuses of messages that the gateway did not send, or sent long ago.
    pub fn statuses(&self, n: u64, count: u32) -> Vec<u8> {
        let (account, number, seconds) = (self.account, self.number, self.seconds);
        let statuses: Vec<String> = (0..count)
            .map(|at| {
                let customer = 6_281_300_000_000 + (n + u64::from(at)) % 2_000;
                format!(
                    r#"{{"id":"wamid.LOAD{seconds:x}{n:012}S{at:04}","status":"delivered","timestamp":"{seconds}","recipient_id":"{customer}"}}"#
                )
            })
            .collect();
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{account}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550700000","phone_number_id":"{number}"}},"statuses":[{}]}},"field":"messages"}}]}}]}}"#,
            statuses.join(",")
        );
        self.post(&body)
    }

    fn post(&self, body: &str) -> Vec<u8> {
        let tag = hmac::sign(&self.key, body.as_bytes());
        let mut signature = String::with_capacity(64);
        for byte in tag.as_ref() {
            // Writing to a string cannot fail.
            let _ = write!(signature, "{byte:02x}");
        }
        let (address, path, length) = (&self.address, self.path, body.len());
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// Seconds since 1970: what Meta puts into its webhooks.
#[expect(
    clippy::disallowed_methods,
    reason = "a rig writes messages of the machine's own time"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
