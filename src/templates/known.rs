//! What messages are checked against: templates and accounts as they were read within the last half minute, so that the way of a
//! message costs no read of the store. What is changed here is forgotten at once; what another process changes, half a minute later.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use serde_json::Value;

use super::schedule::ON_MISS;
use super::{TemplateBook, TemplateRefusal};
use crate::domain::{TemplateId, TemplateName, TemplateStatus, TenantId, WabaId};
use crate::store::StoreError;
use crate::store::tables::Template;
use crate::whatsapp::templates::{Definition, Preview, fill};

/// How long what was read is trusted.
const FRESH: Duration = Duration::from_secs(30);
/// Templates of all tenants that are kept ready; some two kilobytes each.
const TEMPLATES: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// Accounts; some 200 bytes each.
const ACCOUNTS: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// A template, ready to be compared with.
pub(super) struct Ready {
    status: TemplateStatus,
    /// `None` where its components are not known.
    definition: Option<Definition>,
}

impl Ready {
    fn of(row: &Template) -> Self {
        let read = || Definition::read(&row.components, &row.category, row.parameter_format.as_deref());
        Self {
            status: row.status.clone(),
            definition: row.components.is_array().then(read),
        }
    }
}

/// Something that was read, and when.
struct Read<T> {
    value: T,
    at: Duration,
}

type ReadTemplates = LruCache<(TenantId, TemplateId), Read<Option<Arc<Ready>>>>;

/// See the module.
pub(super) struct Known {
    templates: Mutex<ReadTemplates>,
    /// Whether each account was ever looked up.
    accounts: Mutex<LruCache<(TenantId, WabaId), Read<bool>>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            templates: Mutex::new(LruCache::new(TEMPLATES)),
            accounts: Mutex::new(LruCache::new(ACCOUNTS)),
        }
    }
}

/// Entries are put whole, so a panic elsewhere leaves nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    /// Has a template read again by whoever needs it next.
    pub(super) fn forget(&self, tenant: TenantId, id: TemplateId) {
        locked(&self.templates).pop(&(tenant, id));
    }

    /// The same for an account.
    pub(super) fn forget_account(&self, tenant: TenantId, waba: &WabaId) {
        locked(&self.accounts).pop(&(tenant, waba.clone()));
    }
}

impl TemplateBook {
    /// Refuses a message whose template the account does not have, or may not send, or that does not fill it. `template` is the
    /// object of that name in the message. While the store does not answer, and before the account was ever looked up, Meta
    /// decides alone.
    pub async fn check(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        template: &Value,
    ) -> Result<(), TemplateRefusal> {
        match self.compared(tenant, waba, template).await {
            Ok(compared) => compared.map(|_| ()),
            Err(error) => {
                tracing::debug!(tenant.id = %tenant, %error, "a template is not checked");
                Ok(())
            }
        }
    }

    /// The same, with what the customer will see where that can be told.
    pub async fn compared(
        &self,
        tenant: TenantId,
        waba: &WabaId,
        template: &Value,
    ) -> Result<Result<Option<Preview>, TemplateRefusal>, StoreError> {
        let text = |path: &str| template.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let id = TemplateName::new(waba.clone(), text("/name"), text("/language/code")).id();
        let Some(ready) = self.ready(tenant, id).await? else {
            if !self.was_looked_up(tenant, waba).await? {
                return Ok(Ok(None));
            }
            // It may have been made at Meta a moment ago.
            self.look_up(tenant, waba, ON_MISS);
            return Ok(Err(TemplateRefusal::Unknown));
        };
        if ready.status.is_refused() {
            self.look_up(tenant, waba, ON_MISS);
            return Ok(Err(TemplateRefusal::NotSendable(ready.status.clone())));
        }
        let Some(definition) = &ready.definition else {
            return Ok(Ok(None));
        };
        Ok(fill(definition, template)
            .map(Some)
            .map_err(TemplateRefusal::Invalid))
    }

    async fn ready(&self, tenant: TenantId, id: TemplateId) -> Result<Option<Arc<Ready>>, StoreError> {
        let now = self.clock.monotonic();
        {
            let mut known = locked(&self.known.templates);
            let fresh = known.get(&(tenant, id));
            if let Some(read) = fresh.filter(|read| now.saturating_sub(read.at) < FRESH) {
                return Ok(read.value.clone());
            }
        }
        let row = self.get(tenant, id).await?;
        let value = row.as_ref().map(|row| Arc::new(Ready::of(row)));
        let read = Read {
            value: value.clone(),
            at: now,
        };
        locked(&self.known.templates).put((tenant, id), read);
        Ok(value)
    }

    async fn was_looked_up(&self, tenant: TenantId, waba: &WabaId) -> Result<bool, StoreError> {
        let now = self.clock.monotonic();
        let key = (tenant, waba.clone());
        {
            let mut known = locked(&self.known.accounts);
            let fresh = known.get(&key);
            if let Some(read) = fresh.filter(|read| now.saturating_sub(read.at) < FRESH) {
                return Ok(read.value);
            }
        }
        let account = self.account(tenant, waba).await?;
        let value = account.is_some_and(|account| account.synced_at.is_some());
        locked(&self.known.accounts).put(key, Read { value, at: now });
        Ok(value)
    }
}
