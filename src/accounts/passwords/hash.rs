//! A stored hash and how it is written.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// Bytes of a salt.
pub(super) const SALT: usize = 16;
/// Bytes of what argon2id makes.
pub(super) const TAG: usize = 32;
/// So that two people with one password have two hashes.
pub(super) type Salt = [u8; SALT];

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// Memory, in KiB.
    pub(super) memory_kib: u32,
    /// How often it is gone through.
    pub(super) passes: u32,
}

impl Cost {
    /// Whether a stored hash may ask for it: a row that somebody changed must not let a sign-in take the machine.
    fn is_bearable(self) -> bool {
        (8..=1 << 20).contains(&self.memory_kib) && (1..=64).contains(&self.passes)
    }
}

/// The hash of a password with its salt and parameters. As text it is a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PasswordHash {
    cost: Cost,
    salt: Salt,
    tag: [u8; TAG],
}

/// Why a text is no [`PasswordHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a password hash of argon2id as this gateway writes it")]
pub struct NotAHash;

impl PasswordHash {
    pub(super) fn new(cost: Cost, salt: Salt, tag: [u8; TAG]) -> Self {
        Self { cost, salt, tag }
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn salt(&self) -> &Salt {
        &self.salt
    }

    pub(super) fn tag(&self) -> &[u8; TAG] {
        &self.tag
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory, rest) = rest.split_once(",t=")?;
        let (passes, rest) = rest.split_once(",p=1$")?;
        let (salt, tag) = rest.split_once('$')?;
        let cost = Cost {
            memory_kib: memory.parse().ok()?,
            passes: passes.parse().ok()?,
        };
        let hash = Self {
            cost,
            salt: STANDARD_NO_PAD.decode(salt).ok()?.try_into().ok()?,
            tag: STANDARD_NO_PAD.decode(tag).ok()?.try_into().ok()?,
        };
        cost.is_bearable().then_some(hash)
    }
}

impl FromStr for PasswordHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        Self::parse(text).ok_or(NotAHash)
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Self, NotAHash> {
        text.parse()
    }
}

/// There is no `Display`: a hash is stored, and shown to nobody.
impl From<PasswordHash> for String {
    fn from(hash: PasswordHash) -> Self {
        let Cost { memory_kib, passes } = hash.cost;
        let (salt, tag) = (
            STANDARD_NO_PAD.encode(hash.salt),
            STANDARD_NO_PAD.encode(hash.tag),
        );
        format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${tag}")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(********)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_this_gateway_does_not_write_is_refused() {
        let (salt, tag) = ("A".repeat(22), "A".repeat(43));
        let good = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${tag}");
        assert!(good.parse::<PasswordHash>().is_ok());
        for (from, to) in [
            ("$argon2id", "argon2id"),
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("p=1", "p=2"),
            ("m=19456", "m=4294967295"),
            ("m=19456", "m=7"),
            ("m=19456", "m=-1"),
            ("m=19456", "m=99999999999999999999"),
            ("t=2", "t=0"),
            ("t=2", "t=65"),
            ("t=2", "t="),
            (salt.as_str(), "AAAA"),
            (tag.as_str(), "AAAA"),
            (tag.as_str(), ""),
            (tag.as_str(), "!"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert_eq!(bad.parse::<PasswordHash>(), Err(NotAHash), "{bad}");
        }
        assert_eq!("".parse::<PasswordHash>(), Err(NotAHash));
        let more = format!("{good}$");
        assert_eq!(more.parse::<PasswordHash>(), Err(NotAHash));
    }

    proptest! {
        #[test]
        fn a_hash_survives_its_text(
            memory_kib in 8_u32..=1 << 20, passes in 1_u32..=64, salt: [u8; SALT], tag: [u8; TAG],
        ) {
            let hash = PasswordHash::new(Cost { memory_kib, passes }, salt, tag);
            let json = serde_json::to_string(&hash).unwrap();
            prop_assert!(json.starts_with("\"$argon2id$v=19$m="), "{}", json);
            prop_assert_eq!(&serde_json::from_str::<PasswordHash>(&json).unwrap(), &hash);
            prop_assert_eq!(format!("{hash:?}"), "PasswordHash(********)");
        }

        #[test]
        fn no_text_panics(text in "\\PC*", cut in 0_usize..100) {
            let _ = text.parse::<PasswordHash>();
            let hash = PasswordHash::new(Cost { memory_kib: 8, passes: 1 }, [1; SALT], [2; TAG]);
            let whole = String::from(hash);
            prop_assert_eq!(whole.get(..cut).unwrap_or(&whole).parse::<PasswordHash>().is_ok(), cut >= whole.len());
        }
    }
}
