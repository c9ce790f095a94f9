//! What messages are checked against: templates and accounts as they were read within the last half minute, so that the way of a
//! message costs no read of the store. What is changed here is forgotten at once; what another process changes, half a minute later.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use serde_json::Value;

use super::{TemplateBook, TemplateRefusal};
use crate::domain::{Purpose, TemplateId, TemplateName, TemplateStatus, TenantId, WabaId};
use crate::store::StoreError;
use crate::store::tables::Template;
use crate::whatsapp::templates::{Definition, Preview, fill};

/// How long what was read is trusted.
const FRESH: Duration = Duration::from_secs(30);
/// Bytes of templates of all tenants that are kept ready. The tenant that asked for none for longest is forgotten first.
const MOST_BYTES: usize = 64 << 20;
/// The same of one tenant.
const OF_TENANT: usize = 8 << 20;
/// What a template takes beside its components.
const BESIDE: usize = 512;
/// Names that lead to no template.
const MISSING: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// Accounts; some 200 bytes each.
const ACCOUNTS: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// A template, ready to be compared with.
pub(super) struct Ready {
    status: TemplateStatus,
    purpose: Purpose,
    /// `None` where its components are not known.
    definition: Option<Definition>,
}

impl Ready {
    fn of(row: &Template) -> Self {
        let read = || Definition::read(&row.components, &row.category, row.parameter_format.as_deref());
        Self {
            status: row.status.clone(),
            purpose: row.purpose(),
            definition: row.components.is_array().then(read),
        }
    }
}

/// Something that was read, and when.
struct Read<T> {
    value: T,
    at: Duration,
}

/// What is known of a name.
enum Cached {
    There(Arc<Ready>),
    Missing,
}

/// Templates of one tenant.
struct OfTenant {
    read: LruCache<TemplateId, (Read<Arc<Ready>>, usize)>,
    bytes: usize,
}

/// Templates that were read.
struct ReadTemplates {
    tenants: LruCache<TenantId, OfTenant>,
    bytes: usize,
    missing: LruCache<(TenantId, TemplateId), Read<()>>,
    /// How often something was forgotten: what was read before that is not kept.
    forgotten: u64,
}

impl Default for ReadTemplates {
    fn default() -> Self {
        Self {
            tenants: LruCache::unbounded(),
            bytes: 0,
            missing: LruCache::new(MISSING),
            forgotten: 0,
        }
    }
}

impl ReadTemplates {
    /// What was read of a template within the last half minute.
    fn fresh(&mut self, tenant: TenantId, id: TemplateId, now: Duration) -> Option<Cached> {
        let is_fresh = |at: Duration| now.saturating_sub(at) < FRESH;
        let of_tenant = self.tenants.get_mut(&tenant);
        let found = of_tenant.and_then(|of| of.read.get(&id)).map(|(read, _)| read);
        if let Some(read) = found.filter(|read| is_fresh(read.at)) {
            return Some(Cached::There(Arc::clone(&read.value)));
        }
        let missing = self.missing.get(&(tenant, id));
        missing.filter(|read| is_fresh(read.at)).map(|_| Cached::Missing)
    }

    fn forget(&mut self, tenant: TenantId, id: TemplateId) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.missing.pop(&(tenant, id));
        self.remove(tenant, id);
    }

    fn remove(&mut self, tenant: TenantId, id: TemplateId) {
        let Some(of_tenant) = self.tenants.get_mut(&tenant) else {
            return;
        };
        if let Some((_, bytes)) = of_tenant.read.pop(&id) {
            of_tenant.bytes = of_tenant.bytes.saturating_sub(bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if of_tenant.read.is_empty() {
            self.tenants.pop(&tenant);
        }
    }

    fn put(&mut self, tenant: TenantId, id: TemplateId, read: Read<Arc<Ready>>, bytes: usize) {
        self.missing.pop(&(tenant, id));
        self.remove(tenant, id);
        let of_tenant = self.tenants.get_or_insert_mut(tenant, || OfTenant {
            read: LruCache::unbounded(),
            bytes: 0,
        });
        of_tenant.read.put(id, (read, bytes));
        of_tenant.bytes += bytes;
        self.bytes += bytes;
        while of_tenant.bytes > OF_TENANT
            && let Some((_, (_, bytes))) = of_tenant.read.pop_lru()
        {
            of_tenant.bytes = of_tenant.bytes.saturating_sub(bytes);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        while self.bytes > MOST_BYTES
            && let Some((_, of_tenant)) = self.tenants.pop_lru()
        {
            self.bytes = self.bytes.saturating_sub(of_tenant.bytes);
        }
    }
}

/// See the module.
pub(super) struct Known {
    templates: Mutex<ReadTemplates>,
    /// Whether each account was ever looked up.
    accounts: Mutex<LruCache<(TenantId, WabaId), Read<bool>>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            templates: Mutex::default(),
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
        locked(&self.templates).forget(tenant, id);
    }

    /// The same for an account.
    pub(super) fn forget_account(&self, tenant: TenantId, waba: &WabaId) {
        locked(&self.accounts).pop(&(tenant, waba.clone()));
    }
}

/// The template that a message names.
fn named(waba: &WabaId, template: &Value) -> TemplateId {
    let text = |path: &str| template.pointer(path).and_then(Value::as_str).unwrap_or_default();
    TemplateName::new(waba.clone(), text("/name"), text("/language/code")).id()
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
        let Some(ready) = self.ready(tenant, named(waba, template)).await? else {
            if !self.was_looked_up(tenant, waba).await? {
                return Ok(Ok(None));
            }
            // It may have been made at Meta a moment ago.
            self.look_up_on_miss(tenant, waba);
            return Ok(Err(TemplateRefusal::Unknown));
        };
        if ready.status.is_refused() {
            self.look_up_on_miss(tenant, waba);
            return Ok(Err(TemplateRefusal::NotSendable(ready.status.clone())));
        }
        let Some(definition) = &ready.definition else {
            return Ok(Ok(None));
        };
        Ok(fill(definition, template)
            .map(Some)
            .map_err(TemplateRefusal::Invalid))
    }

    /// What a message of this template is for by Meta's category; `None` where that cannot be told.
    pub async fn purpose(&self, tenant: TenantId, waba: &WabaId, template: &Value) -> Option<Purpose> {
        let ready = self.ready(tenant, named(waba, template)).await.ok()??;
        Some(ready.purpose)
    }

    async fn ready(&self, tenant: TenantId, id: TemplateId) -> Result<Option<Arc<Ready>>, StoreError> {
        let now = self.clock.monotonic();
        let forgotten = {
            let mut known = locked(&self.known.templates);
            if let Some(fresh) = known.fresh(tenant, id, now) {
                return Ok(match fresh {
                    Cached::There(ready) => Some(ready),
                    Cached::Missing => None,
                });
            }
            known.forgotten
        };
        let row = self.get(tenant, id).await?;
        let ready = row.map(|row| {
            let bytes = row.components.to_string().len() + BESIDE;
            (Arc::new(Ready::of(&row)), bytes)
        });
        let mut known = locked(&self.known.templates);
        // Something was changed while it was read: it may be what was read.
        if known.forgotten != forgotten {
            return Ok(ready.map(|(value, _)| value));
        }
        let Some((value, bytes)) = ready else {
            known.remove(tenant, id);
            known.missing.put((tenant, id), Read { value: (), at: now });
            return Ok(None);
        };
        let read = Read {
            value: Arc::clone(&value),
            at: now,
        };
        known.put(tenant, id, read, bytes);
        Ok(Some(value))
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

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TenantId = TenantId::new(1);
    const TWO: TenantId = TenantId::new(2);

    fn id(which: usize) -> TemplateId {
        TemplateName::new(WabaId::parse("1").unwrap(), which.to_string(), "en").id()
    }

    fn put(read: &mut ReadTemplates, tenant: TenantId, which: usize, bytes: usize) {
        let value = Arc::new(Ready {
            purpose: Purpose::Other,
            status: TemplateStatus::Approved,
            definition: None,
        });
        let at = Duration::ZERO;
        read.put(tenant, id(which), Read { value, at }, bytes);
    }

    #[test]
    fn large_templates_of_one_tenant_leave_room_for_those_of_others() {
        let mut read = ReadTemplates::default();
        put(&mut read, TWO, 0, 1_000);
        for which in 0..1_000 {
            put(&mut read, ONE, which, 48 << 10);
        }
        assert!(read.bytes <= OF_TENANT + 1_000, "{}", read.bytes);
        assert!(read.fresh(TWO, id(0), Duration::ZERO).is_some());
        assert!(read.fresh(ONE, id(999), Duration::ZERO).is_some());
        assert!(read.fresh(ONE, id(0), Duration::ZERO).is_none());
        for tenant in 10..30 {
            (0..200).for_each(|which| put(&mut read, TenantId::new(tenant), which, 48 << 10));
        }
        assert!(read.bytes <= MOST_BYTES, "{}", read.bytes);
        let counted: usize = read.tenants.iter().map(|(_, of)| of.bytes).sum();
        assert_eq!(counted, read.bytes);
        assert!(
            read.fresh(ONE, id(999), Duration::ZERO).is_none(),
            "asked for none for longest"
        );
    }

    #[test]
    fn names_that_lead_nowhere_push_no_template_out() {
        let mut read = ReadTemplates::default();
        put(&mut read, ONE, 0, 1_000);
        for which in 1..20_000 {
            let at = Duration::ZERO;
            read.missing.put((ONE, id(which)), Read { value: (), at });
        }
        assert!(read.fresh(ONE, id(0), Duration::ZERO).is_some());
        assert_eq!(read.missing.len(), MISSING.get());
        read.forget(ONE, id(0));
        assert!(read.fresh(ONE, id(0), Duration::ZERO).is_none());
        assert!(read.bytes == 0 && read.tenants.is_empty());
    }
}
