//! Codes of a second factor: those that an app shows for a time (TOTP, RFC 6238), and recovery codes for who lost the app.
//!
//! An app's code has six digits and holds for its step of thirty seconds, and for one more on either side, since clocks differ. Each
//! works once. Recovery codes carry 80 bits, so that a plain hash of them is as good as a slow one. Pure.

use ring::rand::SecureRandom;
use serde::Deserialize;
use totp_rs::{Builder, Secret};

use super::AccountError;
use crate::domain::email::EmailAddress;
use crate::domain::{Clock, Timestamp};
use crate::store::KeyHash;
use crate::store::tables::{SecondFactor, TotpSecret};

#[cfg(test)]
mod tests;

/// Recovery codes that are made at a time.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of a secret: as many as SHA-1 gives (RFC 4226, §4).
const SECRET: usize = 20;
/// Bytes of a recovery code, and how many letters they are in base32.
const RECOVERY: usize = 10;
const LETTERS: usize = 16;
/// What authenticator apps show beside the address.
const ISSUER: &str = "Mesej";

/// A code as somebody types it.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SecondFactorCode(Typed);

#[derive(Clone)]
enum Typed {
    /// Six digits of an app.
    Totp(String),
    /// A recovery code.
    Recovery(KeyHash),
}

impl TryFrom<String> for SecondFactorCode {
    type Error = &'static str;

    /// Blanks and hyphens are how people write codes.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let written = |c: &char| !c.is_whitespace() && *c != '-';
        let code: String = text.chars().filter(written).collect();
        let code = code.to_ascii_lowercase();
        let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
        if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Typed::Totp(code)))
        } else if code.len() == LETTERS && code.bytes().all(letter) {
            Ok(Self(Typed::Recovery(KeyHash::of(&code))))
        } else {
            Err("must be the six digits that the app shows, or a recovery code")
        }
    }
}

/// A code opens an account.
impl std::fmt::Debug for SecondFactorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecondFactorCode")
    }
}

/// The times by which a code is looked at.
///
/// While the machine's clock is doubted, which it is after each stop of some minutes until somebody agrees with it, the person's app goes
/// by the right time and the gateway by the one that it held. A code of either is right, and each step still works once. Whoever guesses
/// has twice as many that are right, and as few tries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    believed: Timestamp,
    of_machine: Timestamp,
}

impl Times {
    /// Those that a clock shows.
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self {
            believed: clock.now(),
            of_machine: clock.of_machine(),
        }
    }

    /// The step whose code this is, by either time, if it is later than the one that was used.
    fn step_of(
        self,
        secret: &TotpSecret,
        digits: &str,
        used: Option<u64>,
    ) -> Result<Option<u64>, AccountError> {
        for time in [self.believed, self.of_machine] {
            let step = step_of(secret, digits, time)?;
            if step.is_some_and(|step| used.is_none_or(|used| step > used)) {
                return Ok(step);
            }
        }
        Ok(None)
    }
}

/// New recovery codes: their texts, which are shown once, and what is kept.
pub struct RecoveryCodes {
    /// As they are shown.
    pub texts: Vec<String>,
    /// As they are kept.
    pub(super) hashes: Vec<KeyHash>,
}

impl RecoveryCodes {
    /// Makes as many as a person gets.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, AccountError> {
        let (mut texts, mut hashes) = (Vec::new(), Vec::new());
        for _ in 0..RECOVERY_CODES {
            let code = base32(&fresh::<RECOVERY>(random)?).to_ascii_lowercase();
            hashes.push(KeyHash::of(&code));
            let letters: Vec<char> = code.chars().collect();
            let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
            texts.push(groups.join("-"));
        }
        Ok(Self { texts, hashes })
    }
}

/// A new secret.
pub fn new_secret(random: &dyn SecureRandom) -> Result<TotpSecret, AccountError> {
    Ok(TotpSecret(base32(&fresh::<SECRET>(random)?)))
}

/// What an authenticator app reads from a QR code. Steps, digits and algorithm are what all apps take for granted.
pub fn uri(secret: &TotpSecret, email: &EmailAddress) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let account = email.as_str().bytes().fold(String::new(), |text, byte| {
        if keep(byte) {
            format!("{text}{}", char::from(byte))
        } else {
            format!("{text}%{byte:02X}")
        }
    });
    format!(
        "otpauth://totp/{ISSUER}:{account}?secret={}&issuer={ISSUER}",
        secret.0
    )
}

/// The factor of a secret whose code shows that an app knows it.
pub(super) fn begun(
    secret: &TotpSecret,
    code: &SecondFactorCode,
    times: Times,
    token: KeyHash,
    recovery: &RecoveryCodes,
) -> Result<SecondFactor, AccountError> {
    let step = match &code.0 {
        Typed::Totp(digits) => times.step_of(secret, digits, None)?,
        Typed::Recovery(_) => None,
    };
    Ok(SecondFactor {
        secret: secret.clone(),
        used_step: step.ok_or(AccountError::WrongCode)?,
        used_for: token,
        recovery: recovery.hashes.clone(),
    })
}

/// The factor after a code was used, unless that is wrong or was used before.
pub(super) fn used(
    factor: &SecondFactor,
    code: &SecondFactorCode,
    times: Times,
) -> Result<SecondFactor, AccountError> {
    let mut after = factor.clone();
    match &code.0 {
        Typed::Totp(digits) => {
            let step = times.step_of(&factor.secret, digits, Some(factor.used_step))?;
            after.used_step = step.ok_or(AccountError::WrongCode)?;
        }
        Typed::Recovery(hash) => {
            after.recovery.retain(|one| one != hash);
            if after.recovery.len() == factor.recovery.len() {
                return Err(AccountError::WrongCode);
            }
        }
    }
    Ok(after)
}

/// The step of time whose code this is.
fn step_of(secret: &TotpSecret, digits: &str, now: Timestamp) -> Result<Option<u64>, AccountError> {
    // Neither error repeats the secret.
    let secret =
        Secret::try_from_base32(&secret.0).map_err(|error| AccountError::Broken(error.to_string()))?;
    let totp = Builder::new().with_secret(secret).build();
    let totp = totp.map_err(|error| AccountError::Broken(error.to_string()))?;
    Ok(totp.check(digits, u64::try_from(now.as_secs()).unwrap_or(0)))
}

/// What an app shows for a secret.
#[cfg(test)]
pub(crate) fn shown(secret: &str, now: Timestamp) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(now.as_secs().try_into().unwrap()).to_string()
}

fn fresh<const N: usize>(random: &dyn SecureRandom) -> Result<[u8; N], AccountError> {
    let mut bytes = [0; N];
    random
        .fill(&mut bytes)
        .map_err(|_unspecified| AccountError::Broken("there is no randomness for a code".to_owned()))?;
    Ok(bytes)
}

fn base32(bytes: &[u8]) -> String {
    Secret::new(bytes.into()).to_base32()
}
