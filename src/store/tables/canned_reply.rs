//! Texts that a business's agents send often, each under a shortcut.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{PLAIN, Subject, Table};
use crate::domain::{Author, TenantId, Timestamp};
use crate::store::plain::{Partition, PlainKey, PlainRow};

/// Where they are declared.
pub const CANNED_REPLY: Table = Table {
    name: "canned_reply",
    says: "a text that agents send often, under a shortcut, and who wrote it",
    key: "tenant · shortcut",
    subject: Subject::Tenant,
    personal: &["text", "changed_by"],
    ..PLAIN
};

/// What a canned reply is found by: 1 to 32 lowercase letters, digits, `-` and `_`, a letter or digit first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shortcut(String);

impl Shortcut {
    /// The rule, for error messages.
    pub const RULE: &'static str =
        "1 to 32 lowercase letters (a-z), digits, `-` and `_`, with a letter or a digit first";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Shortcut {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let first = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if first && text.len() <= 32 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Self::RULE)
        }
    }
}

impl TryFrom<String> for Shortcut {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Shortcut> for String {
    fn from(shortcut: Shortcut) -> Self {
        shortcut.0
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannedReply {
    /// What it is found by.
    pub shortcut: Shortcut,
    /// What is sent.
    pub text: String,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// Who did.
    pub changed_by: Author,
}

impl CannedReply {
    /// All of a tenant's.
    pub fn of(tenant: TenantId) -> Partition {
        Partition::of_tenant(&CANNED_REPLY, tenant)
    }

    /// The one under a shortcut.
    pub fn at(tenant: TenantId, shortcut: &Shortcut) -> PlainKey {
        Self::of(tenant).row(shortcut.as_str().as_bytes())
    }
}

impl PlainRow for CannedReply {
    const TABLE: &'static Table = &CANNED_REPLY;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_is_what_is_typed_without_thinking() {
        for good in ["hello", "1st", "a", "opening-hours_2", &"x".repeat(32)] {
            assert_eq!(good.parse::<Shortcut>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "-a",
            "_a",
            "Hello",
            "grüß",
            "a b",
            "a/b",
            "a.b",
            "a\0",
            &"x".repeat(33),
        ] {
            assert_eq!(bad.parse::<Shortcut>(), Err(Shortcut::RULE), "{bad}");
        }
    }
}
