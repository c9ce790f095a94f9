//! Whose a number is, and whose word counts for it: all that is held of a tenant that rests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Directory;
use crate::actors::port::Signer;
use crate::domain::{PhoneNumberId, TenantId, WabaId};
use crate::store::{Number, NumberOwner, StoreError};

/// What is known of a number.
struct Entry {
    tenant: TenantId,
    waba: WabaId,
    app: Option<Arc<str>>,
}

/// All numbers, by their ids and by tenant.
#[derive(Default)]
pub(super) struct Numbers {
    all: HashMap<PhoneNumberId, Entry>,
    by_tenant: BTreeMap<TenantId, Box<[PhoneNumberId]>>,
}

impl Numbers {
    /// As the store has them.
    pub(super) fn of(owners: Vec<NumberOwner>, apps: &[Arc<str>]) -> Self {
        let mut numbers = Self::default();
        numbers.all.reserve(owners.len());
        for owner in owners {
            numbers.insert(owner, apps);
        }
        numbers
    }

    /// Adds a number, or takes over what changed of it.
    pub(super) fn insert(&mut self, owner: NumberOwner, apps: &[Arc<str>]) {
        let NumberOwner {
            id,
            tenant,
            waba,
            app,
        } = owner;
        // One app has many numbers: its name is held once.
        let app = app.map(|own| {
            let known = apps.iter().find(|app| ***app == *own);
            known.cloned().unwrap_or_else(|| own.into())
        });
        if self.all.insert(id.clone(), Entry { tenant, waba, app }).is_none() {
            let own = self.by_tenant.entry(tenant).or_default();
            *own = std::mem::take(own).into_iter().chain([id]).collect();
            own.sort_unstable();
        }
    }

    /// Whether a number is held as it is.
    pub(super) fn has(&self, number: &Number) -> bool {
        self.all.get(&number.id).is_some_and(|held| {
            held.tenant == number.tenant
                && held.waba == number.waba
                && held.app.as_deref() == number.app.as_deref()
        })
    }

    /// Every tenant that has a number.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.by_tenant.keys()
    }

    fn of_tenant(&self, tenant: TenantId) -> &[PhoneNumberId] {
        self.by_tenant.get(&tenant).map_or(&[], |own| own)
    }
}

impl Directory {
    /// Whose number it is.
    pub fn owner(&self, number: &PhoneNumberId) -> Option<TenantId> {
        self.read().numbers.all.get(number).map(|entry| entry.tenant)
    }

    /// Whether a signature counts for a number.
    pub fn is_signed_by(&self, number: &PhoneNumberId, signer: &Signer) -> bool {
        let map = self.read();
        let entry = map.numbers.all.get(number);
        entry.is_some_and(|entry| self.speaks_for(signer, entry))
    }

    /// Whether a signature counts for any number of a tenant in an account.
    pub fn is_signed_within(&self, tenant: TenantId, waba: &WabaId, signer: &Signer) -> bool {
        let map = self.read();
        let own = map.numbers.of_tenant(tenant).iter();
        let mut held = own
            .filter_map(|id| map.numbers.all.get(id))
            .filter(|entry| entry.waba == *waba);
        held.any(|entry| self.speaks_for(signer, entry))
    }

    fn speaks_for(&self, signer: &Signer, number: &Entry) -> bool {
        let signer = match (signer, self.parts.apps.as_slice()) {
            (Signer::App(app), _) | (Signer::Unknown, [app]) => app,
            (Signer::Unknown, _) => return false,
        };
        self.app_of(number) == Some(signer)
    }

    /// The app whose signature counts for a number: its own, or the only one. A number that names none has none once there
    /// are several.
    fn app_of<'a>(&'a self, number: &'a Entry) -> Option<&'a Arc<str>> {
        match (&number.app, self.parts.apps.as_slice()) {
            (Some(own), _) => Some(own),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// Numbers for which no app's signature counts: they name none, or none that is configured.
    pub fn numbers_without_app(&self) -> Vec<PhoneNumberId> {
        let apps = &self.parts.apps;
        let heard = |entry: &Entry| self.app_of(entry).is_some_and(|own| apps.contains(own));
        let map = self.read();
        let without = map.numbers.all.iter().filter(|(_, entry)| !heard(entry));
        let mut without: Vec<_> = without.map(|(id, _)| id.clone()).collect();
        without.sort_unstable();
        without
    }

    /// Whose accounts they are: every tenant with a number in it.
    pub fn owners_of_account(&self, waba: &WabaId) -> Vec<TenantId> {
        let map = self.read();
        let held = map.numbers.all.values().filter(|entry| entry.waba == *waba);
        let mut owners: Vec<_> = held.map(|entry| entry.tenant).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// The numbers of a tenant, in order of their ids, as the store has them.
    pub async fn numbers(&self, tenant: TenantId) -> Result<Vec<Number>, StoreError> {
        let ids = self.read().numbers.of_tenant(tenant).to_vec();
        let mut numbers = Vec::with_capacity(ids.len());
        for id in ids {
            numbers.extend(self.parts.store.number(id).await?);
        }
        Ok(numbers)
    }
}
