//! `X-Hub-Signature-256`: right, or wrong in one of several ways.

use ring::hmac;

use crate::ids::hex;

/// How a webhook is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    /// As it should be.
    Right,
    /// Not at all.
    Missing,
    /// With another secret.
    OtherSecret,
    /// For another body.
    OtherBody,
    /// With a digest that is cut off.
    Short,
    /// Under the name of another algorithm.
    OtherAlgorithm,
}

impl Signing {
    /// The wrong ones.
    pub(crate) const WRONG: [Self; 5] = [
        Self::Missing,
        Self::OtherSecret,
        Self::OtherBody,
        Self::Short,
        Self::OtherAlgorithm,
    ];

    /// The header's value, if there is to be one.
    pub(crate) fn header(self, secret: &str, body: &[u8]) -> Option<String> {
        let right = || sign(secret, body);
        match self {
            Self::Right => Some(format!("sha256={}", right())),
            Self::Missing => None,
            Self::OtherSecret => Some(format!("sha256={}", sign(&format!("{secret}x"), body))),
            Self::OtherBody => Some(format!("sha256={}", sign(secret, b"{}"))),
            Self::Short => right().get(..62).map(|digest| format!("sha256={digest}")),
            Self::OtherAlgorithm => Some(format!("sha1={}", right())),
        }
    }
}

/// HMAC-SHA256 in lower-case hex.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex(hmac::sign(&key, body).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_agree_with_known_ones() {
        for (body, digest) in [
            (
                r#"{"object":"whatsapp_business_account","entry":[]}"#,
                "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
            ),
            (
                r#"{"text":"\u00e9\ud83d\ude00"}"#,
                "08185ee8b8f81399387fbd3d440d3d2f249585d7974415a2e73960e4c02dd1d1",
            ),
            (
                "{\"text\":\"é😀\"}",
                "f049f539890e0ffaad5919e919a3d0f93ac168e81268bd545b74990f980be7d3",
            ),
        ] {
            assert_eq!(sign("test_app_secret", body.as_bytes()), digest);
        }
    }

    #[test]
    fn no_wrong_signature_is_right_by_chance() {
        let body = b"{\"entry\":[]}";
        let right = Signing::Right.header("secret", body);
        for wrong in Signing::WRONG {
            assert_ne!(wrong.header("secret", body), right, "{wrong:?}");
        }
    }
}
