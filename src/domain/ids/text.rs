//! Identifiers that are texts: Meta's own, and those that callers choose.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{IdError, WamidHash};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $label:literal, $rule:literal, $accept:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks the text and wraps it.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let accept: fn(&str) -> bool = $accept;
                if accept(text) { Ok(Self(text.into())) } else { Err(IdError { what: $label, rule: $rule }) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

macro_rules! shown {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

fn printable(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic())
}

text_id!(
    /// Meta's id of a message, kept exactly as received. Contains the phone number: never logged.
    Wamid,
    "wamid",
    "1 to 512 bytes of text without control characters",
    |text| !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control)
);
text_id!(
    /// Meta's id of a business phone number.
    PhoneNumberId,
    "phone_number_id",
    "1 to 64 letters, digits, '_' or '-'",
    |text| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    }
);
text_id!(
    /// Meta's id of a WhatsApp business account (since 2026: Messaging Account).
    WabaId,
    "waba_id",
    "1 to 64 printable characters without spaces",
    |text| printable(text, 64)
);
text_id!(
    /// A person who answers customers, named by the business.
    AgentId,
    "agent",
    "1 to 64 of a-z, 0-9, '.', '_', '-'",
    |text| {
        !text.is_empty()
            && text.len() <= 64
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-'))
    }
);
text_id!(
    /// Names one request to send, so that repeating it does not send again. Kept 24 hours.
    IdempotencyKey,
    "Idempotency-Key",
    "1 to 255 printable characters without spaces",
    |text| printable(text, 255)
);
text_id!(
    /// Names one message that an agent's client wrote. Same promise as [`IdempotencyKey`].
    ClientMessageId,
    "client_msg_id",
    "1 to 64 printable characters without spaces",
    |text| printable(text, 64)
);

shown!(PhoneNumberId);
shown!(WabaId);
shown!(AgentId);
shown!(IdempotencyKey);
shown!(ClientMessageId);

impl fmt::Debug for Wamid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wamid({})", WamidHash::of(self))
    }
}
