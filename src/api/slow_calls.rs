//! Calls of businesses that take long: they ask Meta, or read very many rows. Each tenant has one at a time, and all have few, so that
//! neither Meta nor the store is kept busy by them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{ApiError, ErrorCode};
use crate::domain::TenantId;

/// Of all tenants, at once.
const MOST: usize = 16;

/// Those that are under way.
#[derive(Debug, Default)]
pub(super) struct SlowCalls {
    busy: Mutex<HashSet<TenantId>>,
}

/// One that is; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct SlowCall {
    calls: Arc<SlowCalls>,
    tenant: TenantId,
}

impl SlowCalls {
    /// Begins one, unless the tenant or all together have as many as they may.
    pub(super) fn begin(self: &Arc<Self>, tenant: TenantId) -> Result<SlowCall, ApiError> {
        let mut busy = self.busy();
        if busy.len() >= MOST || !busy.insert(tenant) {
            return Err(ApiError::new(ErrorCode::Busy).retry_after(Duration::from_secs(1)));
        }
        let calls = Arc::clone(self);
        Ok(SlowCall { calls, tenant })
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<TenantId>> {
        // A panic elsewhere leaves nothing half done.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SlowCall {
    fn drop(&mut self) {
        self.calls.busy().remove(&self.tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_one_and_all_have_few() {
        let calls = Arc::new(SlowCalls::default());
        let begin = |id| calls.begin(TenantId::new(id));
        let first = begin(1).unwrap();
        assert_eq!(begin(1).unwrap_err().code(), ErrorCode::Busy);
        let others: Vec<_> = (2..=16).map(|id| begin(id).unwrap()).collect();
        assert_eq!(begin(17).unwrap_err().code(), ErrorCode::Busy);
        drop(first);
        begin(17).unwrap();
        drop(others);
        assert!(calls.busy().is_empty());
    }
}
