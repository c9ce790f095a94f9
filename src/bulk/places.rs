//! Places for files that come: few of one tenant, and half of all for tenants that have none, so that nobody's slow line keeps others out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::TenantId;

/// Files that come at once: each holds a piece of some hundred KiB.
const MOST: usize = 8;
/// The same of one tenant.
const MOST_OF_ONE: usize = 2;

/// Files that come, by tenant.
#[derive(Debug, Default)]
pub struct Places(Mutex<HashMap<TenantId, usize>>);

/// A place for one; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    places: &'a Places,
    tenant: TenantId,
    /// Files of the tenant's that come beside this one.
    pub others: usize,
}

impl Places {
    /// Takes one, unless the tenant or all together have as many as they may.
    pub fn take(&self, tenant: TenantId) -> Option<Place<'_>> {
        // A panic elsewhere leaves nothing half done.
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = busy.get(&tenant).copied().unwrap_or(0);
        let all = busy.values().sum::<usize>();
        let most = if others == 0 { MOST } else { MOST / 2 };
        if others >= MOST_OF_ONE || all >= most {
            return None;
        }
        busy.insert(tenant, others + 1);
        Some(Place {
            places: self,
            tenant,
            others,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut busy = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = busy.get_mut(&self.tenant) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                busy.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_brings_many_files_leaves_places_for_others() {
        let places = Places::default();
        let take = |tenant| places.take(TenantId::new(tenant));
        let first = [take(1).unwrap(), take(1).unwrap()];
        assert_eq!(first.each_ref().map(|place| place.others), [0, 1]);
        assert!(take(1).is_none(), "two of one tenant");
        let second = [take(2).unwrap(), take(2).unwrap()];
        let third = take(3).unwrap();
        assert!(take(3).is_none(), "half are for tenants that have none");
        let others: Vec<_> = (4..=6).map(|tenant| take(tenant).unwrap()).collect();
        assert!(take(7).is_none(), "there are no more");
        drop((first, third));
        assert!(take(7).is_some());
        drop((second, others));
        assert!(places.0.lock().unwrap().is_empty());
    }
}
