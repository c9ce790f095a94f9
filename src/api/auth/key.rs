//! What a key looks like: `mj_live_<id>_<secret>_<checksum>`, and an operator's token, which begins with `mj_op_`.
//!
//! The id is public and shown in lists; the secret carries 256 bits and is never stored; the checksum catches slips of
//! the keyboard without asking the store, and lets secret scanners tell a key from a look-alike.

use std::fmt;

use ring::rand::SecureRandom;
use secrecy::SecretString;

use crate::store::KeyHash;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID: usize = 12;
/// 43 digits of base 62 are 256.03 bits.
const SECRET: usize = 43;
/// 6 digits of base 62 hold any CRC-32.
const CHECKSUM: usize = 6;

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A tenant's program's.
    Tenant,
    /// An operator's.
    Operator,
    /// A session's.
    Session,
    /// An invitation's.
    Invitation,
    /// That of a link to a new password.
    Reset,
    /// That of a link to another e-mail address.
    EmailChange,
    /// That of a link by which somebody who signs up goes on.
    SignUp,
    /// That of an operator's invitation to sign up.
    SignUpInvitation,
    /// That of a sign-in by a provider, which the provider sends back.
    SignInState,
    /// That in the cookie of the browser that such a sign-in was begun in.
    SignInBrowser,
}

impl KeyKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Tenant => "mj_live_",
            Self::Operator => "mj_op_",
            Self::Session => "mj_session_",
            Self::Invitation => "mj_invite_",
            Self::Reset => "mj_reset_",
            Self::EmailChange => "mj_email_",
            Self::SignUp => "mj_signup_",
            Self::SignUpInvitation => "mj_business_",
            Self::SignInState => "mj_state_",
            Self::SignInBrowser => "mj_browser_",
        }
    }
}

/// A key that was just made. It is shown once.
pub struct NewKey {
    /// The public part.
    pub id: String,
    /// The whole key.
    pub text: SecretString,
    /// What the store keeps.
    pub hash: KeyHash,
}

/// The machine gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no randomness to make a key from")]
pub struct NoRandomness;

impl NewKey {
    /// Makes a key.
    pub fn generate(kind: KeyKind, random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        let id = digits(ID, random)?;
        let body = format!("{}{id}_{}", kind.prefix(), digits(SECRET, random)?);
        let text = format!("{body}_{}", checksum(&body));
        Ok(Self {
            id,
            hash: KeyHash::of(&text),
            text: text.into(),
        })
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey({})", self.id)
    }
}

/// A text that has the form of a key and its right checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedKey {
    hash: KeyHash,
}

impl PresentedKey {
    /// Checks the form. Says nothing about whether the key is known.
    pub fn parse(kind: KeyKind, text: &str) -> Option<Self> {
        let (body, sum) = text.rsplit_once('_')?;
        let (id, secret) = body.strip_prefix(kind.prefix())?.split_once('_')?;
        let well_formed = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let right = well_formed(id, ID) && well_formed(secret, SECRET) && sum == checksum(body);
        right.then(|| Self {
            hash: KeyHash::of(text),
        })
    }

    /// Under which hash the store has it.
    pub fn hash(&self) -> KeyHash {
        self.hash
    }
}

/// A secret that is no key: 256 bits in letters and digits.
pub fn secret(random: &dyn SecureRandom) -> Result<SecretString, NoRandomness> {
    digits(SECRET, random).map(SecretString::from)
}

/// Digits of base 62, each equally likely.
fn digits(count: usize, random: &dyn SecureRandom) -> Result<String, NoRandomness> {
    let mut text = String::with_capacity(count);
    let mut bytes = [0_u8; 64];
    while text.len() < count {
        random.fill(&mut bytes).map_err(|_unspecified| NoRandomness)?;
        // 248 is the largest multiple of 62 in a byte: what is above would favour the first digits.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let fresh = fair.filter_map(|byte| ALPHABET.get(usize::from(*byte % 62)));
        text.extend(fresh.take(count - text.len()).map(|digit| char::from(*digit)));
    }
    Ok(text)
}

fn checksum(body: &str) -> String {
    let mut sum = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        let place = usize::try_from(sum % 62).unwrap_or(0);
        *digit = ALPHABET.get(place).copied().unwrap_or(b'0');
        sum /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use secrecy::ExposeSecret as _;

    #[test]
    fn a_new_key_is_recognised_and_no_two_are_alike() {
        let keys: Vec<NewKey> = (0..50)
            .map(|_| NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap())
            .collect();
        let mut ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), keys.len());
        for key in &keys {
            let text = key.text.expose_secret();
            assert_eq!(
                PresentedKey::parse(KeyKind::Tenant, text).unwrap().hash(),
                key.hash
            );
            assert_eq!(PresentedKey::parse(KeyKind::Operator, text), None);
            assert!(text.starts_with(&format!("mj_live_{}_", key.id)));
            assert!(!format!("{key:?}").contains(text));
        }
    }

    #[test]
    fn any_slip_of_one_character_is_caught_without_a_look_up() {
        let key = NewKey::generate(KeyKind::Tenant, &SystemRandom::new()).unwrap();
        let text = key.text.expose_secret();
        for place in 0..text.len() {
            let mut slip = text.as_bytes().to_vec();
            slip[place] = if slip[place] == b'x' { b'y' } else { b'x' };
            let slip = String::from_utf8(slip).unwrap();
            assert!(PresentedKey::parse(KeyKind::Tenant, &slip).is_none(), "{place}");
        }
        for other in [
            "",
            "mj_live_",
            "Bearer",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text} "),
        ] {
            assert!(PresentedKey::parse(KeyKind::Tenant, other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_known_key_keeps_its_checksum_in_every_version() {
        let body = "mj_live_000000000000_0000000000000000000000000000000000000000000";
        assert_eq!(checksum(body), "2KNFAY");
    }
}
