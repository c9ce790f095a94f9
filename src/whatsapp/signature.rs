//! Proof that a webhook's bytes come from Meta: `X-Hub-Signature-256`, an HMAC-SHA256 with the app's secret.
//!
//! The signer is the app, so one secret may stand for many tenants, and an app has two secrets while one is being replaced.
//! The raw bytes are what is signed: checked before anything parses them.

use std::fmt;

use ring::hmac;

/// Which configured app signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AppIndex(pub usize);

/// One secret of one app, its key prepared once. Never shown.
#[derive(Clone)]
pub struct AppSecret {
    app: AppIndex,
    key: hmac::Key,
}

impl AppSecret {
    /// Prepares a secret. An app whose secret is being replaced has two of these under one index.
    pub fn new(app: AppIndex, secret: &str) -> Self {
        Self {
            app,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
        }
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppSecret(app {}, …)", self.app.0)
    }
}

/// Why a webhook is not Meta's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature was sent.
    #[error("the signature header is missing")]
    Missing,
    /// The header is not `sha256=` and 64 lower-case hex digits.
    #[error("the signature header is malformed")]
    Malformed,
    /// No known secret made this signature.
    #[error("the signature does not match")]
    Mismatch,
}

impl SignatureError {
    /// Name used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Mismatch => "mismatch",
        }
    }
}

/// A signature as it was presented: well-formed, and yet to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Reads the `X-Hub-Signature-256` header, before the body is there.
    pub fn read(header: Option<&str>) -> Result<Self, SignatureError> {
        let header = header.ok_or(SignatureError::Missing)?;
        decode(header).map(Self).ok_or(SignatureError::Malformed)
    }

    /// Checks it over the raw body against every secret of every app, each in constant time.
    ///
    /// Returns the app whose secret matched. Without any secret nothing ever matches.
    pub fn verify(&self, secrets: &[AppSecret], body: &[u8]) -> Result<AppIndex, SignatureError> {
        secrets
            .iter()
            .find(|secret| hmac::verify(&secret.key, body, &self.0).is_ok())
            .map(|secret| secret.app)
            .ok_or(SignatureError::Mismatch)
    }
}

fn decode(header: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = header.strip_prefix("sha256=")?.as_bytes().try_into().ok()?;
    let mut signature = [0_u8; 32];
    for (byte, pair) in signature.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (nibble(*high)? << 4) | nibble(*low)?;
    }
    Some(signature)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EMPTY: &str = r#"{"object":"whatsapp_business_account","entry":[]}"#;
    const EMPTY_HEX: &str = "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756";

    fn verify(secrets: &[AppSecret], header: Option<&str>, body: &[u8]) -> Result<AppIndex, SignatureError> {
        Signature::read(header)?.verify(secrets, body)
    }

    fn one_app() -> [AppSecret; 1] {
        [AppSecret::new(AppIndex(0), "test_app_secret")]
    }

    fn sign(secret: &str, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        format!(
            "sha256={}",
            crate::domain::ids::hex(hmac::sign(&key, body).as_ref())
        )
    }

    #[test]
    fn known_bodies_carry_their_known_signatures() {
        let vectors = [
            (EMPTY, EMPTY_HEX),
            (
                r#"{"text":"\u00e9\ud83d\ude00"}"#,
                "08185ee8b8f81399387fbd3d440d3d2f249585d7974415a2e73960e4c02dd1d1",
            ),
            (
                "{\"text\":\"\u{e9}\u{1f600}\"}",
                "f049f539890e0ffaad5919e919a3d0f93ac168e81268bd545b74990f980be7d3",
            ),
        ];
        for (body, hex) in vectors {
            let header = format!("sha256={hex}");
            assert_eq!(
                verify(&one_app(), Some(&header), body.as_bytes()),
                Ok(AppIndex(0)),
                "{body}"
            );
        }
    }

    #[test]
    fn only_the_exact_form_of_the_header_is_read() {
        let upper = format!("sha256={}", EMPTY_HEX.to_uppercase());
        let cases = [
            (None, SignatureError::Missing),
            (Some(String::new()), SignatureError::Malformed),
            (Some(EMPTY_HEX.to_owned()), SignatureError::Malformed),
            (Some(format!("sha1={EMPTY_HEX}")), SignatureError::Malformed),
            (Some(format!("SHA256={EMPTY_HEX}")), SignatureError::Malformed),
            (Some(format!(" sha256={EMPTY_HEX}")), SignatureError::Malformed),
            (Some(format!("sha256={EMPTY_HEX} ")), SignatureError::Malformed),
            (Some(format!("sha256={EMPTY_HEX}00")), SignatureError::Malformed),
            (
                Some(format!("sha256={}", &EMPTY_HEX[2..])),
                SignatureError::Malformed,
            ),
            (
                Some(format!("sha256=zz{}", &EMPTY_HEX[2..])),
                SignatureError::Malformed,
            ),
            (Some(upper), SignatureError::Malformed),
            (
                Some(format!("sha256={}", "0".repeat(64))),
                SignatureError::Mismatch,
            ),
        ];
        for (header, expected) in cases {
            assert_eq!(
                verify(&one_app(), header.as_deref(), EMPTY.as_bytes()),
                Err(expected),
                "{header:?}"
            );
        }
    }

    #[test]
    fn both_secrets_of_an_app_hold_while_one_is_replaced() {
        let secrets = [
            AppSecret::new(AppIndex(0), "other app"),
            AppSecret::new(AppIndex(1), "old"),
            AppSecret::new(AppIndex(1), "new"),
        ];
        for secret in ["old", "new"] {
            assert_eq!(verify(&secrets, Some(&sign(secret, b"x")), b"x"), Ok(AppIndex(1)));
        }
        assert_eq!(
            verify(&secrets, Some(&sign("gone", b"x")), b"x"),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn without_a_secret_nothing_is_believed() {
        assert_eq!(
            verify(&[], Some(&sign("", b"x")), b"x"),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn a_secret_never_shows_itself() {
        assert!(!format!("{:?}", one_app()).contains("test_app_secret"));
    }

    proptest! {
        #[test]
        fn any_changed_byte_breaks_the_signature(body in proptest::collection::vec(any::<u8>(), 1..200), at: usize, flip in 1_u8..) {
            let header = sign("test_app_secret", &body);
            let mut changed = body.clone();
            let place = at % changed.len();
            changed[place] ^= flip;
            prop_assert!(verify(&one_app(), Some(&header), &body).is_ok());
            prop_assert_eq!(verify(&one_app(), Some(&header), &changed), Err(SignatureError::Mismatch));
        }
    }
}
