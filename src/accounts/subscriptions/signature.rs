//! Proof that a webhook comes from the payment provider: `Stripe-Signature`, an HMAC-SHA256 over the time and the raw body.
//!
//! Source: Stripe, Resolve webhook signature verification errors; Verify webhook signatures manually (2026-04).

use std::fmt;
use std::time::Duration;

use ring::hmac;

use crate::domain::Timestamp;

/// How old or how far ahead a signature may be.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Signatures of one header: the provider sends one for each secret that is valid.
const MOST: usize = 8;
/// Bytes of a header.
const LONGEST: usize = 2_048;

/// A secret, its key prepared once. Never shown.
pub struct WebhookSecret(hmac::Key);

impl WebhookSecret {
    /// Prepares a secret.
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// Signatures as they were presented: well-formed and of about now, and yet to be checked.
#[derive(Debug, Clone)]
pub struct Presented {
    time: String,
    signatures: Vec<Vec<u8>>,
}

impl Presented {
    /// Reads the header, before the body is there.
    pub fn read(header: Option<&str>, now: Timestamp) -> Option<Self> {
        let header = header.filter(|header| header.len() <= LONGEST)?;
        let (mut time, mut signatures) = (None, Vec::new());
        for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
            match name {
                "t" if time.is_some() => return None,
                "t" => time = Some(value.to_owned()),
                "v1" if signatures.len() < MOST => signatures.extend(decode(value)),
                _ => {}
            }
        }
        let time = time.filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()))?;
        let at = Timestamp::from_secs(time.parse::<u32>().ok()?.into());
        let is_fresh = now.since(at) <= TOLERANCE && at.since(now) <= TOLERANCE;
        (is_fresh && !signatures.is_empty()).then_some(Self { time, signatures })
    }

    /// Checks them over the raw body against every secret, each in constant time. Without any secret nothing ever matches.
    pub fn verify(&self, secrets: &[WebhookSecret], body: &[u8]) -> bool {
        let signed = [self.time.as_bytes(), b".", body].concat();
        let mut pairs = secrets
            .iter()
            .flat_map(|secret| self.signatures.iter().map(move |signature| (secret, signature)));
        pairs.any(|(secret, signature)| hmac::verify(&secret.0, &signed, signature).is_ok())
    }
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = digits.chunks_exact(2).map(|pair| match pair {
        [high, low] => Some((digit(high)? << 4) | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_of_the_tests_alone";
    const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

    fn signed(secret: &str, at: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let text = [at.to_string().as_bytes(), b".", BODY].concat();
        crate::domain::ids::hex(hmac::sign(&key, &text).as_ref())
    }

    fn fits(header: &str, secrets: &[&str]) -> bool {
        let secrets: Vec<WebhookSecret> = secrets.iter().map(|secret| WebhookSecret::new(secret)).collect();
        let presented = Presented::read(Some(header), Timestamp::from_secs(1_800_000_000));
        presented.is_some_and(|presented| presented.verify(&secrets, BODY))
    }

    #[test]
    fn one_of_two_secrets_fits_within_five_minutes_and_nothing_without_one() {
        let at = |secs: i64| format!("t={secs},v1={}", signed(SECRET, secs));
        assert!(fits(&at(1_800_000_000), &[SECRET]));
        assert!(fits(&at(1_800_000_000), &["another secret of theirs", SECRET]));
        assert!(fits(&at(1_799_999_700), &[SECRET]) && fits(&at(1_800_000_300), &[SECRET]));
        assert!(!fits(&at(1_799_999_699), &[SECRET]) && !fits(&at(1_800_000_301), &[SECRET]));
        assert!(!fits(&at(1_800_000_000), &["another secret of theirs"]));
        assert!(!fits(&at(1_800_000_000), &[]));
        let old = signed("an older one of theirs", 1_800_000_000);
        let both = format!("t=1800000000,v1={old},v1={},v0=ff", signed(SECRET, 1_800_000_000));
        assert!(fits(&both, &[SECRET]));
        // The time is signed, too.
        let moved = format!("t=1800000001,v1={}", signed(SECRET, 1_800_000_000));
        assert!(!fits(&moved, &[SECRET]));
    }

    #[test]
    fn a_header_that_is_none_is_refused() {
        let signature = signed(SECRET, 1_800_000_000);
        for header in [
            String::new(),
            "t=1800000000".to_owned(),
            format!("v1={signature}"),
            format!("t=-1,v1={signature}"),
            format!("t=1800000000,t=1800000000,v1={signature}"),
            format!("t=1800000000,v0={signature}"),
            format!("t=1800000000,v1={}", &signature[1..]),
            format!("t=1800000000,v1={}{}", signature, ",x=y".repeat(1_000)),
        ] {
            assert!(!fits(&header, &[SECRET]), "{header}");
        }
    }
}
