//! Whose a number is, and whose word counts for it.

use super::Directory;
use crate::actors::port::Signer;
use crate::domain::{PhoneNumberId, TenantId, WabaId};
use crate::store::Number;

impl Directory {
    /// Whose number it is.
    pub fn owner(&self, number: &PhoneNumberId) -> Option<TenantId> {
        self.read().numbers.get(number).map(|number| number.tenant)
    }

    /// Whether a signature counts for a number.
    pub fn is_signed_by(&self, number: &PhoneNumberId, signer: &Signer) -> bool {
        let map = self.read();
        let number = map.numbers.get(number);
        number.is_some_and(|number| self.speaks_for(signer, number))
    }

    /// Whether a signature counts for any number of a tenant in an account.
    pub fn is_signed_within(&self, tenant: TenantId, waba: &WabaId, signer: &Signer) -> bool {
        let map = self.read();
        let mut own = map
            .numbers
            .values()
            .filter(|number| number.tenant == tenant && number.waba == *waba);
        own.any(|number| self.speaks_for(signer, number))
    }

    fn speaks_for(&self, signer: &Signer, number: &Number) -> bool {
        let signer = match (signer, self.parts.apps.as_slice()) {
            (Signer::App(app), _) | (Signer::Unknown, [app]) => app,
            (Signer::Unknown, _) => return false,
        };
        number.app_among(&self.parts.apps) == Some(signer)
    }

    /// Numbers for which no app's signature counts: they name none, or none that is configured.
    pub fn numbers_without_app(&self) -> Vec<PhoneNumberId> {
        let apps = &self.parts.apps;
        let heard = |number: &Number| {
            let own = number.app_among(apps);
            own.is_some_and(|own| apps.iter().any(|app| **app == *own))
        };
        let map = self.read();
        let mut without: Vec<_> = map
            .numbers
            .values()
            .filter(|number| !heard(number))
            .map(|number| number.id.clone())
            .collect();
        without.sort_unstable();
        without
    }

    /// Whose accounts they are: every tenant with a number in it.
    pub fn owners_of_account(&self, waba: &WabaId) -> Vec<TenantId> {
        let map = self.read();
        let mut owners: Vec<_> = map
            .numbers
            .values()
            .filter(|number| number.waba == *waba)
            .map(|number| number.tenant)
            .collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// The numbers of a tenant.
    pub fn numbers(&self, tenant: TenantId) -> Vec<Number> {
        let map = self.read();
        let mut numbers: Vec<_> = map
            .numbers
            .values()
            .filter(|number| number.tenant == tenant)
            .cloned()
            .collect();
        numbers.sort_by(|one, other| one.id.cmp(&other.id));
        numbers
    }
}
