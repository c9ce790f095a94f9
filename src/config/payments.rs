//! What businesses pay for: the payment provider, and the plans that its prices choose.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::error::Problems;
use super::units::{ByteSize, is_clean, mask_each};
use crate::domain::TenantId;
use crate::domain::email::EmailAddress;
use crate::domain::quota::{Quota, Quotas};
use crate::domain::subscription::PlanName;

/// Whoever guesses it gives subscriptions away, and takes them.
const SHORTEST_SECRET: usize = 16;
/// Characters of a link.
const LONGEST_LINK: usize = 500;
/// Plans, and prices of one.
const MOST: usize = 32;
const DAY: Duration = Duration::from_hours(24);

/// Section `payments`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentsConfig {
    /// What the provider signs webhooks with: one secret, or two while one is being changed. None: there is no provider.
    #[serde(serialize_with = "mask_each")]
    pub webhook_secrets: Vec<SecretString>,
    /// Where a business buys a subscription.
    pub checkout_url: LinkTemplate,
    /// Where it looks after it.
    pub portal_url: LinkTemplate,
    /// Days for which a business that signs up tries it out.
    pub trial_days: u32,
    /// Days for which it is only told that its trial is over or a payment is missing.
    pub grace_days: u32,
}

impl PaymentsConfig {
    /// Whether there is a provider.
    pub const fn has_provider(&self) -> bool {
        !self.webhook_secrets.is_empty()
    }

    /// How long a business tries it out.
    pub fn trial(&self) -> Duration {
        DAY.saturating_mul(self.trial_days)
    }

    /// How long a business is only told.
    pub fn grace(&self) -> Duration {
        DAY.saturating_mul(self.grace_days)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        const SECRETS: &str = "payments.webhook_secrets";
        if self.webhook_secrets.len() > 2 {
            problems.add(SECRETS, "must hold one secret, or two while one is being changed");
        }
        for secret in &self.webhook_secrets {
            if secret.expose_secret().len() < SHORTEST_SECRET {
                let least = format!("must have at least {SHORTEST_SECRET} characters each");
                problems.add(SECRETS, least);
            }
            if !is_clean(secret) {
                problems.add(
                    SECRETS,
                    "must not begin or end with blanks, or hold control characters",
                );
            }
        }
        self.checkout_url.check("payments.checkout_url", problems);
        self.portal_url.check("payments.portal_url", problems);
        if !self.checkout_url.0.is_empty() && !self.checkout_url.0.contains(REFERENCE) {
            problems.add(
                "payments.checkout_url",
                format!("must hold {REFERENCE}, as in `?client_reference_id={REFERENCE}`: by it a payment is told from others"),
            );
        }
        if self.portal_url.0.contains(REFERENCE) {
            problems.add(
                "payments.portal_url",
                format!("must not hold {REFERENCE}: nothing is bought there"),
            );
        }
        problems.range("payments.trial_days", self.trial_days, 0..=365);
        problems.range("payments.grace_days", self.grace_days, 0..=90);
    }
}

const TENANT: &str = "{tenant_id}";
const EMAIL: &str = "{email}";
const REFERENCE: &str = "{reference}";

/// A link of the provider's, in which a business's id, the reference of its checkout and an e-mail address are put; empty where there
/// is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct LinkTemplate(String);

impl LinkTemplate {
    /// The link for somebody of a business.
    pub fn filled(&self, tenant: TenantId, reference: &str, email: Option<&EmailAddress>) -> Option<String> {
        let email = percent_encoded(email.map_or("", EmailAddress::as_str));
        let link = self.0.replace(TENANT, &tenant.to_string());
        let link = link.replace(REFERENCE, &percent_encoded(reference));
        (!link.is_empty()).then(|| link.replace(EMAIL, &email))
    }

    fn check(&self, key: &str, problems: &mut Problems) {
        let bare = [TENANT, EMAIL, REFERENCE]
            .iter()
            .fold(self.0.clone(), |bare, one| bare.replace(one, ""));
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '{' | '}');
        let is_link = bare.starts_with("https://") && bare.len() <= LONGEST_LINK && !bare.contains(odd);
        if !self.0.is_empty() && !is_link {
            problems.add(
                key,
                format!("must be an https address with no other placeholders than {TENANT}, {EMAIL} and {REFERENCE}"),
            );
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Section `plans`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Plans(BTreeMap<PlanName, Plan>);

/// One plan: which prices choose it, and what it allows.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Lookup keys of the provider's prices.
    #[serde(default)]
    pub price_lookup_keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tickets: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backlog: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<ByteSize>,
}

impl Plan {
    fn limit(&self, quota: Quota) -> Option<u64> {
        let limit = match quota {
            Quota::Sockets => self.sockets,
            Quota::Tickets => self.tickets,
            Quota::RequestsPerS => self.requests_per_s,
            Quota::Backlog => self.backlog,
            Quota::Agents => self.agents,
            Quota::Storage => return self.storage.map(ByteSize::get),
        };
        limit.map(u64::from)
    }
}

impl Plans {
    /// Whether there is one of this name.
    pub fn has(&self, name: &PlanName) -> bool {
        self.0.contains_key(name)
    }

    /// The one that something of a price or a subscription names: a lookup key, or a plan's own name in the metadata.
    pub fn named<'a>(
        &self,
        lookup_key: Option<&str>,
        metadata: impl IntoIterator<Item = &'a str>,
    ) -> Option<PlanName> {
        let mut metadata = metadata.into_iter();
        let own = metadata.find_map(|name| self.0.keys().find(|plan| plan.as_str() == name));
        let by_key = |key: &str| {
            let mut plans = self.0.iter();
            plans.find_map(|(name, plan)| {
                plan.price_lookup_keys
                    .iter()
                    .any(|one| one == key)
                    .then_some(name)
            })
        };
        own.or_else(|| by_key(lookup_key?)).cloned()
    }

    /// What a tenant may have: what an operator set for it, beside that what its plan says.
    pub fn quotas(&self, plan: Option<&PlanName>, set: &Quotas) -> Quotas {
        let mut quotas = set.clone();
        if let Some(plan) = plan.and_then(|name| self.0.get(name)) {
            for quota in *Quota::ALL {
                quotas.set(quota, set.get(quota).or_else(|| plan.limit(quota)));
            }
        }
        quotas
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        if self.0.len() > MOST {
            problems.add("plans", format!("must be at most {MOST}"));
        }
        let mut seen = BTreeSet::new();
        for (name, plan) in &self.0 {
            let key = |field: &str| format!("plans.{}.{field}", name.as_str());
            for quota in *Quota::ALL {
                if let Some(limit) = plan.limit(quota) {
                    problems.range(&key(quota.as_str()), limit, quota.bounds());
                }
            }
            let keys = &plan.price_lookup_keys;
            if keys.len() > MOST || keys.iter().any(|one| !(1..=200).contains(&one.len())) {
                let rule = format!("must be at most {MOST}, of 1 to 200 characters each");
                problems.add(key("price_lookup_keys"), rule);
            }
            if !keys.iter().all(|one| seen.insert(one.as_str())) {
                problems.add(
                    key("price_lookup_keys"),
                    "must not hold what chooses a plan already",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(file: &str) -> Result<Config, String> {
        Config::from_sources(Some(("mesej.toml", file)), []).map_err(|error| error.to_string())
    }

    #[test]
    fn values_out_of_bounds_are_named() {
        for (file, expected) in [
            (
                "[payments]\ntrial_days = 366",
                "`payments.trial_days` must be 0 to 365",
            ),
            (
                "[payments]\ngrace_days = 91",
                "`payments.grace_days` must be 0 to 90",
            ),
            (
                "[payments]\nwebhook_secrets = [\"short\"]",
                "must have at least 16 characters each",
            ),
            (
                "[payments]\ncheckout_url = \"https://pay.example.com\"",
                "must hold {reference}",
            ),
            (
                "[payments]\ncheckout_url = \"https://pay.example.com/{tenant_id}\"",
                "must hold {reference}",
            ),
            (
                "[payments]\nportal_url = \"https://pay.example.com/{reference}\"",
                "must not hold {reference}",
            ),
            (
                "[payments]\nportal_url = \"http://pay.example.com\"",
                "must be an https address",
            ),
            (
                "[plans.small]\nagents = 301",
                "`plans.small.agents` must be 1 to 300",
            ),
            ("[plans.small]\nagent = 3", "agent"),
            ("[plans.Small]\nagents = 3", "must be 1 to 32 lowercase letters"),
            (
                "[plans.a]\nprice_lookup_keys = [\"x\"]\n[plans.b]\nprice_lookup_keys = [\"x\"]",
                "must not hold what chooses a plan already",
            ),
        ] {
            let error = read(file).unwrap_err();
            assert!(error.contains(expected), "{file}: {error}");
        }
        assert!(!read("").unwrap().payments.has_provider());
    }

    #[test]
    fn a_link_is_filled_with_what_is_asked_for_and_nothing_else() {
        let template = LinkTemplate(
            "https://buy.example.com/x?client_reference_id={reference}&for={tenant_id}&prefilled_email={email}".to_owned(),
        );
        let email: EmailAddress = "ana+shop@example.com".parse().unwrap();
        assert_eq!(
            template.filled(TenantId::new(1), "a-1", Some(&email)).unwrap(),
            "https://buy.example.com/x?client_reference_id=a-1&for=0000000000000001&prefilled_email=ana%2Bshop%40example.com"
        );
        assert_eq!(LinkTemplate::default().filled(TenantId::new(1), "", None), None);
    }

    #[test]
    fn a_plan_is_chosen_by_its_name_or_a_price_and_an_operators_quota_wins() {
        let file = "[plans.small]\nprice_lookup_keys = [\"small_monthly\"]\nagents = 3\nsockets = 30\n[plans.large]\nagents = 30";
        let plans = read(file).unwrap().plans;
        let small: PlanName = "small".parse().unwrap();
        assert_eq!(plans.named(Some("small_monthly"), []), Some(small.clone()));
        assert_eq!(
            plans.named(Some("small_monthly"), ["large"]).unwrap().as_str(),
            "large"
        );
        assert_eq!(plans.named(Some("other"), ["other"]), None);
        let mut set = Quotas::default();
        set.set(Quota::Agents, Some(7));
        let quotas = plans.quotas(Some(&small), &set);
        assert_eq!(
            (quotas.get(Quota::Agents), quotas.get(Quota::Sockets)),
            (Some(7), Some(30))
        );
        assert_eq!(plans.quotas(None, &set), set);
    }
}
