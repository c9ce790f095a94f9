//! Places for work that is bounded at once, of each tenant and of all: calls that ask Meta or read very many rows, exports, uploads, imports. So
//! neither Meta, the store nor memory is kept busy by one tenant, or by all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::TenantId;

/// Those of one kind of work.
#[derive(Debug)]
pub struct TenantPlaces {
    of_one: usize,
    of_all: usize,
    taken: Mutex<HashMap<TenantId, usize>>,
}

/// One of them; it is free again when this is dropped.
#[derive(Debug)]
pub struct TenantPlace {
    places: Arc<TenantPlaces>,
    tenant: TenantId,
    /// Places that the tenant had before.
    pub others: usize,
}

/// All that there are for the tenant are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoPlace;

impl TenantPlaces {
    /// So many of each tenant, and of all.
    pub fn new(of_one: usize, of_all: usize) -> Arc<Self> {
        Arc::new(Self {
            of_one,
            of_all,
            taken: Mutex::default(),
        })
    }

    /// Takes one, unless the tenant or all together have as many as they may. Half of them are for tenants that have none: a few slow ones
    /// keep nobody from having one.
    pub fn take(self: &Arc<Self>, tenant: TenantId) -> Result<TenantPlace, NoPlace> {
        let mut taken = self.taken();
        let others = taken.get(&tenant).copied().unwrap_or(0);
        let most = if others > 0 { self.of_all / 2 } else { self.of_all };
        if others >= self.of_one || taken.values().sum::<usize>() >= most {
            return Err(NoPlace);
        }
        taken.insert(tenant, others + 1);
        Ok(TenantPlace {
            places: Arc::clone(self),
            tenant,
            others,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<TenantId, usize>> {
        // A panic elsewhere leaves nothing half done.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TenantPlace {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(own) = taken.get_mut(&self.tenant) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_has_more_than_its_own_and_all_have_few() {
        let places = TenantPlaces::new(2, 6);
        let take = |id| places.take(TenantId::new(id));
        let first = [take(1).unwrap(), take(1).unwrap()];
        assert_eq!(first.each_ref().map(|place| place.others), [0, 1]);
        assert!(take(1).is_err(), "it has two");
        let others: Vec<_> = [2, 3, 4, 5].into_iter().map(|id| take(id).unwrap()).collect();
        assert!(take(6).is_err(), "there are no more");
        drop(first);
        assert!(take(2).is_err(), "half are for tenants that have none");
        take(6).unwrap();
        drop(others);
        assert!(places.taken().is_empty());
    }
}
