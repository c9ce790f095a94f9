//! The processes that use the cluster, and which tenants each of them has.
//!
//! A process says every few seconds that it lives; what it said ends by itself after eight. Who took a tenant's fence last has
//! the tenant. Both only tell a process what it had better leave alone: whether it may write is decided by the fence.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{ScyllaStore, keys};
use crate::domain::{Fence, TenantId};
use crate::store::error::StoreError;
use crate::store::{ProcessId, ProcessState, TenantOwner};

/// What a process says of itself in its row.
const SERVES: i8 = 0;
const ENDS: i8 = 1;
/// Tenants looked up at once.
const TOGETHER: usize = 16;

impl ScyllaStore {
    /// Says that this process lives, and names the others that do.
    pub(super) async fn other_processes(&self, own: ProcessState) -> Result<BTreeSet<ProcessId>, StoreError> {
        let state = match own {
            ProcessState::Serving => SERVES,
            ProcessState::Ending => ENDS,
        };
        let values = (self.process.get(), state);
        self.link.write(&self.book.rows.put_process, values).await?;
        Ok(self.other_living().await?.into_keys().collect())
    }

    /// The other processes that live.
    pub(super) async fn other_living(&self) -> Result<BTreeMap<ProcessId, ProcessState>, StoreError> {
        let processes = &self.book.rows.processes;
        let found: Vec<(i64, i8)> = self.link.rows(processes, (), usize::MAX).await?;
        let presence = |state| match state {
            SERVES => ProcessState::Serving,
            _ => ProcessState::Ending,
        };
        let living = found
            .into_iter()
            .map(|(id, state)| (ProcessId::new(id), presence(state)));
        Ok(living.filter(|(id, _)| *id != self.process).collect())
    }

    /// This process ends: others need not wait until that shows.
    pub(super) async fn leave(&self) -> Result<(), StoreError> {
        let rows = &self.book.rows;
        self.link.write(&rows.drop_process, (self.process.get(),)).await
    }

    /// This process has a tenant. A later owner's fence is larger, and so is its stamp.
    pub(super) async fn note_owner(&self, tenant: TenantId, fence: Fence) -> Result<(), StoreError> {
        let values = (
            keys::tenant(tenant),
            self.process.get(),
            fence.get().cast_signed(),
        );
        self.link.write(&self.book.rows.put_owner, values).await
    }

    async fn noted_owner(&self, tenant: TenantId) -> Result<Option<ProcessId>, StoreError> {
        let row = self.link.row(&self.book.rows.owner, (keys::tenant(tenant),));
        let row: Option<(i64,)> = row.await?;
        Ok(row.map(|(owner,)| ProcessId::new(owner)))
    }

    /// Which process has a tenant, and whether it lives.
    pub(super) async fn owner_of(&self, tenant: TenantId) -> Result<Option<TenantOwner>, StoreError> {
        let Some(owner) = self.noted_owner(tenant).await? else {
            return Ok(None);
        };
        if owner == self.process {
            return Ok(Some(TenantOwner::ThisProcess));
        }
        Ok(Some(match self.other_living().await?.get(&owner) {
            Some(ProcessState::Serving) => TenantOwner::Living(owner),
            Some(ProcessState::Ending) => TenantOwner::Ending(owner),
            None => TenantOwner::Gone(owner),
        }))
    }

    /// Those of some tenants that no other process has that lives.
    pub(super) async fn had_by_no_other(&self, tenants: Vec<TenantId>) -> Result<Vec<TenantId>, StoreError> {
        if tenants.is_empty() {
            return Ok(tenants);
        }
        let others = self.other_living().await?;
        if others.is_empty() {
            return Ok(tenants);
        }
        let looks = tenants.into_iter().map(|tenant| {
            let others = &others;
            async move {
                let owner = self.noted_owner(tenant).await?;
                let is_had = owner.is_some_and(|owner| others.contains_key(&owner));
                Ok((!is_had).then_some(tenant))
            }
        });
        stream::iter(looks)
            .buffered(TOGETHER)
            .try_filter_map(|tenant| std::future::ready(Ok(tenant)))
            .try_collect()
            .await
    }
}
