//! How many bytes a tenant's files have: one row, added to with each file and put right by each sweep.
//!
//! What two count at the same moment, and what a kill or a store in trouble leaves out, is right again after the next sweep, which looks at
//! the bytes themselves.

use std::collections::HashMap;

use super::{Media, MediaError};
use crate::domain::TenantId;
use crate::store::plain::PlainTable;
use crate::store::tables::MediaUsage;

impl Media {
    fn usages(&self) -> PlainTable<'_, MediaUsage> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    fn nothing_kept(&self) -> MediaUsage {
        MediaUsage {
            files: 0,
            bytes: 0,
            at: self.now(),
        }
    }

    /// Notes what a sweep counted, and that those have nothing any more who had something when it was counted last. What each has now.
    pub(super) async fn note_usage(
        &self,
        mut counted: HashMap<TenantId, MediaUsage>,
    ) -> Result<Vec<(TenantId, u64)>, MediaError> {
        let (table, mut of_tenants) = (self.usages(), Vec::new());
        for tenant in self.store.tenants().await? {
            let counted = counted.remove(&tenant.id);
            let before = table.get(&MediaUsage::at(tenant.id)).await?;
            let Some(row) = counted.or(before.map(|_| self.nothing_kept())) else {
                continue;
            };
            table
                .change::<MediaError>(MediaUsage::at(tenant.id), |_| Ok(Some(row)))
                .await?;
            of_tenants.push((tenant.id, row.bytes));
        }
        Ok(of_tenants)
    }

    /// Counts a file that came since the last sweep.
    pub(super) async fn count_file(&self, tenant: TenantId, bytes: u64) {
        let nothing = self.nothing_kept();
        let decide = |stands: Option<&MediaUsage>| {
            let counted = stands.copied().unwrap_or(nothing);
            Ok(Some(MediaUsage {
                files: counted.files.saturating_add(1),
                bytes: counted.bytes.saturating_add(bytes),
                ..counted
            }))
        };
        self.recount(tenant, decide).await;
    }

    /// Counts a file that went.
    pub(super) async fn count_gone(&self, tenant: TenantId, bytes: u64) {
        let decide = |stands: Option<&MediaUsage>| {
            Ok(stands.map(|counted| MediaUsage {
                files: counted.files.saturating_sub(1),
                bytes: counted.bytes.saturating_sub(bytes),
                ..*counted
            }))
        };
        self.recount(tenant, decide).await;
    }

    /// The file itself came or went already: that it cannot be counted is no reason to refuse it.
    async fn recount(
        &self,
        tenant: TenantId,
        decide: impl Fn(Option<&MediaUsage>) -> Result<Option<MediaUsage>, MediaError> + Send,
    ) {
        if let Err(error) = self.usages().change(MediaUsage::at(tenant), decide).await {
            tracing::debug!(tenant.id = %tenant, %error, "a file is counted with the next sweep");
        }
    }

    /// Bytes of a tenant's files, as far as they are counted: one row.
    pub async fn kept_bytes(&self, tenant: TenantId) -> Result<u64, MediaError> {
        Ok(self.usage(tenant).await?.map_or(0, |usage| usage.bytes))
    }

    /// What is counted of a tenant, and when the last sweep did.
    pub async fn usage(&self, tenant: TenantId) -> Result<Option<MediaUsage>, MediaError> {
        let found = self.usages().get(&MediaUsage::at(tenant)).await?;
        Ok(found.map(|found| found.row))
    }
}
