//! Removing a customer's files with the customer.
//!
//! The erasure removes rows, and writes down whose bytes are to go; these go right afterwards. Whoever is killed in between leaves that to
//! the next sweep.

use futures_util::TryStreamExt as _;

use super::{Media, MediaError};
use crate::domain::{ContactId, MediaState, TenantId};
use crate::store::Swept;
use crate::store::plain::PlainTable;
use crate::store::tables::{MediaErased, MediaFile};

/// Customers that are looked at together.
const PAGE: usize = 64;

impl Media {
    /// Erases a customer of these contacts, files included.
    pub async fn erase_contacts(
        &self,
        tenant: TenantId,
        contacts: Vec<ContactId>,
    ) -> Result<Swept, MediaError> {
        let swept = self.store.erase_contacts(tenant, contacts).await?;
        self.remove_erased(tenant).await?;
        Ok(swept)
    }

    /// Removes the bytes of customers who were erased.
    pub(super) async fn remove_erased(&self, tenant: TenantId) -> Result<(), MediaError> {
        let erased = PlainTable::<MediaErased>::of(self.store.as_ref(), self.now());
        loop {
            let page = erased.page(MediaErased::of(tenant), None, PAGE).await?;
            for found in &page.items {
                let contact = found.row.contact;
                self.remove_bytes_of(tenant, contact).await?;
                erased.remove(MediaErased::at(tenant, contact)).await?;
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn remove_bytes_of(&self, tenant: TenantId, contact: ContactId) -> Result<(), MediaError> {
        let mut objects = self.files.list_of(tenant, contact);
        while let Some(object) = objects.try_next().await? {
            // Who writes again from the same phone is the same contact, and new.
            let row = self.rows().get(&MediaFile::at(tenant, object.name.id)).await?;
            let is_new = row.is_some_and(|found| {
                found.row.state == MediaState::Pending || found.row.file == Some(object.name.key)
            });
            if !is_new {
                self.files.remove(&object.name).await?;
                self.count_gone(tenant, object.bytes).await;
            }
        }
        Ok(())
    }
}
