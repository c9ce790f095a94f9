//! What providers say about themselves and their keys: asked for once by however many, kept for an hour.
//!
//! Anybody can begin a sign-in, so that calls are bounded: few at once for a tenant, and in all; a provider that gave no answer is not
//! asked again for a while.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::SignOnError;
use super::outgoing::ProviderHttp;
use crate::domain::{Clock, Issuer, TenantId};

/// How long what a provider said is believed.
const FRESH: Duration = Duration::from_hours(1);
/// After so long keys are asked for again where a token has another one.
const KEYS_FRESH: Duration = Duration::from_secs(30);
/// A provider that gave no answer is asked again after this, and after twice as long each further time.
const FAILED: Duration = Duration::from_secs(10);
/// But at the latest after this.
const FAILED_LONG: Duration = Duration::from_mins(5);
/// Tenants whose provider is remembered.
const KEPT: NonZeroUsize = NonZeroUsize::new(200).unwrap();
/// Keys of a provider: large ones have fewer than ten.
const MOST_KEYS: usize = 32;
/// Calls to providers at once: half of what people who are not signed in may have in hand.
const CALLS: usize = 64;
/// The rest of them is for tenants that have none yet.
const CALLS_OF_ANYBODY: usize = 32;
/// Of one tenant's: a slow provider leaves places to the others.
const CALLS_OF_TENANT: usize = 4;

/// What of a provider's settings the library does not know.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OtherSettings {
    /// Whether it says in its answers who it is (RFC 9207).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for OtherSettings {}

/// A provider's settings and keys.
pub(super) type Metadata = ProviderMetadata<
    OtherSettings,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What of it is needed: the rest may be long.
fn shortened(said: &Metadata) -> Metadata {
    Metadata::new(
        said.issuer().clone(),
        said.authorization_endpoint().clone(),
        said.jwks_uri().clone(),
        Vec::new(),
        Vec::new(),
        Vec::new(),
        said.additional_metadata().clone(),
    )
    .set_jwks(said.jwks().clone())
    .set_token_endpoint(said.token_endpoint().cloned())
    .set_token_endpoint_auth_methods_supported(by_post(said))
}

/// Whether it takes a client's secret in the body alone.
fn by_post(said: &Metadata) -> Option<Vec<CoreClientAuthMethod>> {
    let methods = said.token_endpoint_auth_methods_supported()?;
    let known = [
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
    ];
    Some(
        known
            .into_iter()
            .filter(|method| methods.contains(method))
            .collect(),
    )
}

/// How new an answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// As usual.
    Usual,
    /// A token was signed by a key that is not among those that are known.
    NewKeys,
}

/// What a provider said.
pub(super) struct Known {
    /// Its settings and keys.
    pub(super) metadata: Metadata,
    asked: Duration,
}

impl Known {
    /// Whether an answer that names this issuer, or none, may be this provider's.
    pub(super) fn may_say(&self, issuer: Option<&str>) -> bool {
        if let Some(issuer) = issuer {
            return issuer == self.metadata.issuer().as_str();
        }
        let others = self.metadata.additional_metadata();
        !others.authorization_response_iss_parameter_supported
    }
}

/// How often a provider gave no answer, and until when it is not asked.
#[derive(Debug, Clone, Copy, Default)]
struct Failing {
    times: u32,
    until: Duration,
}

#[derive(Default)]
struct Slot {
    said: Mutex<(Option<Arc<Known>>, Failing)>,
    turn: tokio::sync::Mutex<()>,
}

impl Slot {
    fn said(&self) -> MutexGuard<'_, (Option<Arc<Known>>, Failing)> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self, age: Age, now: Duration) -> Option<Arc<Known>> {
        let fresh = match age {
            Age::Usual => FRESH,
            Age::NewKeys => KEYS_FRESH,
        };
        let known = self.said().0.clone();
        known.filter(|known| now.saturating_sub(known.asked) < fresh)
    }

    fn has_just_failed(&self, now: Duration) -> bool {
        now < self.said().1.until
    }

    fn failed(&self, now: Duration) {
        let failing = &mut self.said().1;
        let wait = FAILED.saturating_mul(2_u32.saturating_pow(failing.times));
        failing.times = failing.times.saturating_add(1);
        failing.until = now.saturating_add(wait.min(FAILED_LONG));
    }
}

/// See the module.
pub(super) struct Discovery {
    http: ProviderHttp,
    clock: Arc<dyn Clock>,
    /// By tenant, with the issuer: nobody's settings push out another's.
    providers: Mutex<LruCache<TenantId, (Issuer, Arc<Slot>)>>,
    calls: Semaphore,
    of_tenants: Mutex<HashMap<TenantId, usize>>,
}

/// A place for calls of a tenant's.
pub(super) struct Place<'a> {
    _of_all: SemaphorePermit<'a>,
    tenant: TenantId,
    of_tenants: &'a Mutex<HashMap<TenantId, usize>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.tenant);
            }
        }
    }
}

impl Discovery {
    /// Nothing is known yet.
    pub(super) fn new(http: ProviderHttp, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            clock,
            providers: Mutex::new(LruCache::new(KEPT)),
            calls: Semaphore::new(CALLS),
            of_tenants: Mutex::default(),
        }
    }

    /// The client that calls providers.
    pub(super) fn http(&self) -> &ProviderHttp {
        &self.http
    }

    /// A place for calls, unless there are enough of them.
    pub(super) fn place(&self, tenant: TenantId) -> Result<Place<'_>, SignOnError> {
        let of_all = self.calls.try_acquire().map_err(|_full| SignOnError::Busy)?;
        let mut counts = self.of_tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(tenant).or_default();
        let free = self.calls.available_permits();
        let is_scarce = CALLS.saturating_sub(free) > CALLS_OF_ANYBODY;
        if *count >= CALLS_OF_TENANT || (is_scarce && *count > 0) {
            return Err(SignOnError::Busy);
        }
        *count += 1;
        Ok(Place {
            _of_all: of_all,
            tenant,
            of_tenants: &self.of_tenants,
        })
    }

    /// What a tenant's provider says about itself.
    pub(super) async fn of(
        &self,
        tenant: TenantId,
        issuer: &Issuer,
        age: Age,
    ) -> Result<Arc<Known>, SignOnError> {
        let slot = self.slot(tenant, issuer);
        let now = self.clock.monotonic();
        if let Some(known) = slot.usable(age, now) {
            return Ok(known);
        }
        let _place = self.place(tenant)?;
        let _turn = slot.turn.lock().await;
        let now = self.clock.monotonic();
        if let Some(known) = slot.usable(age, now) {
            return Ok(known);
        }
        if slot.has_just_failed(now) {
            return Err(SignOnError::Unavailable);
        }
        match self.ask(issuer).await {
            Ok(metadata) => {
                let known = Arc::new(Known { metadata, asked: now });
                *slot.said() = (Some(Arc::clone(&known)), Failing::default());
                Ok(known)
            }
            Err(error) => {
                slot.failed(self.clock.monotonic());
                Err(error)
            }
        }
    }

    /// Asks a provider that is to be a tenant's who it is, and remembers nothing.
    pub(super) async fn probe(&self, tenant: TenantId, issuer: &Issuer) -> Result<(), SignOnError> {
        let _place = self.place(tenant)?;
        self.ask(issuer).await.map(|_| ())
    }

    async fn ask(&self, issuer: &Issuer) -> Result<Metadata, SignOnError> {
        let issuer_url = IssuerUrl::new(issuer.as_str().to_owned());
        let issuer_url = issuer_url.map_err(|_malformed| SignOnError::Unavailable)?;
        let call = |request| self.http.call(request);
        let found = Metadata::discover_async(issuer_url, &call).await;
        let metadata = found.map_err(|error| {
            // Its words may repeat what the provider sent, however long that is.
            let why = match error {
                DiscoveryError::Parse(_) => "what it says cannot be read",
                DiscoveryError::Request(_) => "it does not answer",
                DiscoveryError::Response(..) => "it answers with an error",
                DiscoveryError::Validation(_) => "it says that it is another",
                _ => "its address cannot be used",
            };
            tracing::info!(%issuer, why, "an identity provider does not say who it is");
            SignOnError::Unavailable
        })?;
        let reach = self.http.reach();
        if !reach.allows_url(metadata.authorization_endpoint().url()) {
            tracing::info!(%issuer, "an identity provider sends people to an address that is not by https");
            return Err(SignOnError::Unavailable);
        }
        if metadata.jwks().keys().len() > MOST_KEYS {
            tracing::info!(%issuer, "an identity provider has too many keys");
            return Err(SignOnError::Unavailable);
        }
        Ok(shortened(&metadata))
    }

    fn slot(&self, tenant: TenantId, issuer: &Issuer) -> Arc<Slot> {
        let mut providers = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, slot)) = providers.get(&tenant)
            && known == issuer
        {
            return Arc::clone(slot);
        }
        let slot = Arc::<Slot>::default();
        providers.put(tenant, (issuer.clone(), Arc::clone(&slot)));
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::super::reach::Reach;
    use super::*;
    use crate::domain::{TestClock, Timestamp};

    #[test]
    fn a_tenant_whose_provider_is_slow_leaves_places_to_others() {
        let clock = Arc::new(TestClock::at(Timestamp::from_secs(1_800_000_000)));
        let discovery = Discovery::new(ProviderHttp::new(Reach::Internet).unwrap(), clock);
        let tenant = TenantId::new;
        let held: Vec<Place<'_>> = (0..CALLS_OF_TENANT)
            .map(|_| discovery.place(tenant(1)).unwrap())
            .collect();
        assert!(matches!(discovery.place(tenant(1)), Err(SignOnError::Busy)));
        let others: Vec<Place<'_>> = (0..CALLS - CALLS_OF_TENANT)
            .map(|n| discovery.place(tenant(2 + u64::try_from(n).unwrap())).unwrap())
            .collect();
        assert!(
            matches!(discovery.place(tenant(2)), Err(SignOnError::Busy)),
            "the last are for those that have none"
        );
        assert!(matches!(discovery.place(tenant(99)), Err(SignOnError::Busy)));
        drop((held, others));
        assert!(discovery.place(tenant(1)).is_ok());
        assert!(
            discovery.of_tenants.lock().unwrap().is_empty(),
            "nothing is left of them"
        );
    }
}
