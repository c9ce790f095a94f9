//! Names of things: Meta's own ids, and the gateway's as they stand in its reports and tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::SimulatorError;

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing into a text cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes = pairs.iter().map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        let is_hex = |digit: char| matches!(digit, '0'..='9' | 'a'..='f');
        pair.chars()
            .all(is_hex)
            .then(|| u8::from_str_radix(pair, 16).ok())?
    });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn refused(what: &str, rule: &str) -> SimulatorError {
    SimulatorError::Request {
        why: format!("{what} must be {rule}"),
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $label:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $length]);

        impl $name {
            /// Wraps the bytes.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl FromStr for $name {
            type Err = SimulatorError;
            fn from_str(text: &str) -> Result<Self, SimulatorError> {
                from_hex(text).map(Self).ok_or_else(|| refused($label, $rule))
            }
        }

        impl TryFrom<String> for $name {
            type Error = SimulatorError;
            fn try_from(text: String) -> Result<Self, SimulatorError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

hex_id!(
    /// One of the gateway's tenants.
    TenantId,
    8,
    "tenant_id",
    "16 lower-case hex digits"
);
hex_id!(
    /// Identity of a tenant's log of events.
    Epoch,
    8,
    "epoch",
    "16 lower-case hex digits"
);
hex_id!(
    /// One of the gateway's messages.
    MessageId,
    16,
    "message_id",
    "32 lower-case hex digits"
);

macro_rules! meta_id {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text and wraps it.
            pub fn parse(text: &str) -> Result<Self, SimulatorError> {
                let is_id = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
                if is_id { Ok(Self(text.to_owned())) } else { Err(refused($label, "1 to 32 digits")) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = SimulatorError;
            fn try_from(text: String) -> Result<Self, SimulatorError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

meta_id!(
    /// Meta's id of a business phone number.
    PhoneNumberId,
    "phone_number_id"
);
meta_id!(
    /// Meta's id of a WhatsApp Business Account.
    WabaId,
    "waba_id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_written_and_nothing_else_is_one() {
        let id: MessageId = "000102030405060708090a0b0c0d0eff".parse().unwrap();
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(id.as_bytes()[15], 255);
        for wrong in [
            "",
            "0",
            "00",
            "000102030405060708090A0B0C0D0EFF",
            "+0010203040506070",
        ] {
            wrong.parse::<MessageId>().unwrap_err();
            wrong.parse::<TenantId>().unwrap_err();
        }
        PhoneNumberId::parse("106540352242922").unwrap();
        for wrong in ["", "../1", "1 2", "+1"] {
            PhoneNumberId::parse(wrong).unwrap_err();
        }
    }
}
