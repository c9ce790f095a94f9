//! Links to files that work without a key until they end. A link's token is random: no id of a contact leaves with it.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::{Media, MediaError};
use crate::domain::ids::hex;
use crate::domain::{MediaId, TenantId, Timestamp};
use crate::store::plain::PlainTable;
use crate::store::tables::{MediaFile, MediaLink};

/// How long a link works: long enough for a page to show what it got.
pub const LASTS: Duration = Duration::from_mins(15);

/// Links of one tenant that are made within the time that one works: each is a row until then.
pub(super) const MOST: u32 = 20_000;
/// Tenants whose links are counted.
const TENANTS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// How many links each tenant has made, and since when that is counted.
pub(super) struct Counts(Mutex<LruCache<TenantId, (Timestamp, u32)>>);

impl Default for Counts {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(TENANTS)))
    }
}

impl Counts {
    /// Counts one more, if there may be one more.
    fn admit(&self, tenant: TenantId, now: Timestamp) -> bool {
        // Entries are put whole, so a panic elsewhere leaves nothing half done.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = counts.get_or_insert_mut(tenant, || (now, 0));
        if now < *since || now.since(*since) >= LASTS {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= MOST
    }
}

impl Media {
    fn links(&self) -> PlainTable<'_, MediaLink> {
        PlainTable::of(self.store.as_ref(), self.now())
    }

    /// Makes a link to a file; its token, of which a digest alone is kept.
    pub async fn link(&self, tenant: TenantId, id: MediaId) -> Result<String, MediaError> {
        if !self.links.admit(tenant, self.now()) {
            return Err(MediaError::TooManyLinks);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_makes_so_many_links_in_the_time_that_one_works_and_others_are_not_counted_with_them() {
        let (counts, begin) = (Counts::default(), Timestamp::from_secs(1_800_000_000));
        let (one, two) = (TenantId::new(1), TenantId::new(2));
        assert!((0..MOST).all(|_| counts.admit(one, begin)));
        assert!(!counts.admit(one, begin));
        assert!(counts.admit(two, begin));
        assert!(!counts.admit(one, begin.after(LASTS / 2)));
        assert!(counts.admit(one, begin.after(LASTS)));
        // A clock that was set back.
        assert!(counts.admit(one, begin));
    }
}
