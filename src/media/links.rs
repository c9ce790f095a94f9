//! Links to files that work without a key until they end. A link's token is random: no id of a contact leaves with it.

use std::time::Duration;

use super::{Media, MediaError};
use crate::domain::ids::hex;
use crate::domain::{MediaId, TenantId};
use crate::store::plain::PlainTable;
use crate::store::tables::{MediaFile, MediaLink};

/// How long a link works: long enough for a page to show what it got.
pub const LASTS: Duration = Duration::from_mins(15);

impl Media {
    fn links(&self) -> PlainTable<'_, MediaLink> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    /// Makes a link to a file; its token, of which a digest alone is kept.
    pub async fn link(&self, tenant: TenantId, id: MediaId) -> Result<String, MediaError> {
        let token = hex(&self.random_bytes()?);
        let link = MediaLink {
            tenant,
            id,
            until: self.now().after(LASTS),
        };
        self.links()
            .replace(&MediaLink::at(&token), None, Some(&link))
            .await?;
        Ok(token)
    }

    /// The file that a token leads to, while it does.
    pub async fn linked(&self, token: &str) -> Result<Option<(TenantId, MediaFile)>, MediaError> {
        let Some(found) = self.links().get(&MediaLink::at(token)).await? else {
            return Ok(None);
        };
        let MediaLink { tenant, id, .. } = found.row;
        let file = self.find(tenant, id).await?;
        Ok(file.map(|file| (tenant, file)))
    }
}
