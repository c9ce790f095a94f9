//! What a checkout names a business by: its id, with the proof that this gateway gave the link out, lately, to somebody who may buy for it.
//!
//! An id alone is no secret: whoever knows it could buy the business a subscription, and end its sends with that. So a payment is
//! bound by a reference that only the gateway can make. It has no other characters than the provider takes there: letters, digits, `-`.

use std::fmt;
use std::time::Duration;

use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use super::signature::decode;
use crate::domain::ids::hex;
use crate::domain::{TenantId, Timestamp};

/// How long after a link was shown a checkout may be complete.
const LASTS: Duration = Duration::from_hours(7 * 24);
/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(300);
/// What the keys are for: they are derived, so that no signature of the provider's is a proof.
const PURPOSE: &[u8] = b"mesej: references of checkouts";

/// What a reference turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// This business asked for it, lately.
    Of(TenantId),
    /// It looks like one, and the gateway did not give it out, or too long ago.
    Unproven,
    /// It is another shop's.
    Foreign,
}

/// The keys that prove references, one for each of the provider's secrets. Never shown.
pub struct ReferenceKeys(Vec<hmac::Key>);

impl ReferenceKeys {
    /// Derives them.
    pub fn new(secrets: &[SecretString]) -> Self {
        let derived = |secret: &SecretString| {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, PURPOSE).as_ref())
        };
        Self(secrets.iter().map(derived).collect())
    }

    /// A reference for a business that asks for it now, by the first secret; `None` without a provider.
    pub fn issue(&self, tenant: TenantId, now: Timestamp) -> Option<String> {
        let named = format!("{tenant}-{:x}", now.as_secs());
        let proof = hmac::sign(self.0.first()?, named.as_bytes());
        Some(format!("{named}-{}", hex(proof.as_ref())))
    }

    /// Whose it is, of a checkout that was complete at that time.
    pub fn read(&self, text: &str, complete: Timestamp) -> Reference {
        let Some((named, tenant, issued, proof)) = parts(text) else {
            return Reference::Foreign;
        };
        let is_late = complete.since(issued) > LASTS || issued.since(complete) > SKEW;
        let is_proven = |key: &hmac::Key| hmac::verify(key, named.as_bytes(), &proof).is_ok();
        if is_late || !self.0.iter().any(is_proven) {
            return Reference::Unproven;
        }
        Reference::Of(tenant)
    }
}

fn parts(text: &str) -> Option<(&str, TenantId, Timestamp, Vec<u8>)> {
    let (named, proof) = text.rsplit_once('-')?;
    let (tenant, issued) = named.split_once('-')?;
    let issued = u32::from_str_radix(issued, 16).ok()?;
    let issued = Timestamp::from_secs(issued.into());
    Some((named, tenant.parse().ok()?, issued, decode(proof)?))
}

impl fmt::Debug for ReferenceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn keys(secrets: &[&str]) -> ReferenceKeys {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
        ReferenceKeys::new(&secrets)
    }

    #[test]
    fn a_reference_names_who_asked_for_it_and_only_for_a_week() {
        let (ours, one) = (keys(&["whsec_of_the_tests_alone"]), TenantId::new(1));
        let given = ours.issue(one, NOW).unwrap();
        assert_eq!(ours.read(&given, NOW), Reference::Of(one));
        assert_eq!(ours.read(&given, NOW.after(LASTS)), Reference::Of(one));
        let late = NOW.after(LASTS + Duration::from_secs(1));
        assert_eq!(ours.read(&given, late), Reference::Unproven);
        let early = NOW.before(SKEW + Duration::from_secs(1));
        assert_eq!(ours.read(&given, early), Reference::Unproven);
        // What the provider takes as a reference.
        assert!(
            given.len() <= 200
                && given
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        );
    }

    #[test]
    fn nobody_makes_a_reference_of_an_id_or_that_of_another_business() {
        let ours = keys(&["whsec_of_the_tests_alone"]);
        let given = ours.issue(TenantId::new(1), NOW).unwrap();
        let of_other = given.replacen("0000000000000001", "0000000000000002", 1);
        let longer = given.replacen("-6b49d200-", "-6b49d201-", 1);
        assert_ne!(longer, given);
        let signed = hmac::Key::new(hmac::HMAC_SHA256, b"whsec_of_the_tests_alone");
        let (named, _) = given.rsplit_once('-').unwrap();
        let by_secret = format!("{named}-{}", hex(hmac::sign(&signed, named.as_bytes()).as_ref()));
        for forged in [&of_other, &longer, &by_secret] {
            assert_eq!(ours.read(forged, NOW), Reference::Unproven, "{forged}");
        }
        for foreign in [
            "",
            "0000000000000001",
            "order-17",
            &given[1..],
            &given[..given.len() - 1],
        ] {
            assert_eq!(ours.read(foreign, NOW), Reference::Foreign, "{foreign}");
        }
        assert_eq!(keys(&[]).issue(TenantId::new(1), NOW), None);
        assert_eq!(keys(&[]).read(&given, NOW), Reference::Unproven);
    }

    #[test]
    fn references_go_on_while_a_secret_is_changed() {
        let (one, two) = ("an older one of theirs", "a newer one of theirs");
        let given = keys(&[one, two]).issue(TenantId::new(1), NOW).unwrap();
        assert_eq!(
            keys(&[two, one]).read(&given, NOW),
            Reference::Of(TenantId::new(1))
        );
        assert_eq!(keys(&[one]).read(&given, NOW), Reference::Of(TenantId::new(1)));
        assert_eq!(keys(&[two]).read(&given, NOW), Reference::Unproven);
    }
}
