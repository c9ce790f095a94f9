//! Taking files: as they come, where there is room, and a first look at each.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::task::spawn_blocking;

use super::fields::{Mapping, suggest};
use super::folder::{Budget, Folder, Upload};
use super::import::{Counts, Import, ImportState, Order, Remembered};
use super::imports::{ImportError, Imports, MOST, MOST_OPEN, blocking};
use super::look::{Seen, look};
use super::phones::Country;
use crate::config::ImportsConfig;
use crate::domain::{AttributeKey, Author, ImportId, TenantId};
use crate::tenant_places::NoPlace;

/// Bytes that are written at once.
const PIECE: usize = 256 << 10;

/// A file that somebody brings.
#[derive(Debug, Clone)]
pub struct Brought {
    /// The import's id.
    pub import: ImportId,
    /// What the file is called.
    pub name: String,
    /// Who brings it.
    pub by: Author,
    /// What the business's own fields are called.
    pub attributes: BTreeMap<AttributeKey, String>,
    /// Where the business's numbers are from.
    pub country: Option<Country>,
}

impl Imports {
    /// Takes a file as it comes.
    pub async fn take<E>(
        &self,
        tenant: TenantId,
        brought: Brought,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Import, ImportError> {
        let place = self.places.take(tenant).map_err(|NoPlace| ImportError::Busy)?;
        let (all, now) = (self.all(tenant).await?, self.clock.now());
        let open = all.iter().filter(|import| import.needs_file(now)).count();
        if open + place.others >= MOST_OPEN {
            return Err(ImportError::TooMany);
        }
        self.make_room(tenant, &all).await?;
        let (folder, import) = (self.folder.clone(), brought.import);
        let budget = Budget::from(&self.settings);
        let begun = blocking(move || Ok::<_, ImportError>(folder.begin(tenant, import, budget)?));
        let coming = Coming::new(self.folder.clone(), tenant, import);
        let upload = receive(begun.await?, pieces).await?;
        let (encoding, bytes) = blocking(move || upload.finish()).await?;
        // From here on the file goes unless it is kept.
        let folder = self.folder.clone();
        let seen = blocking(move || look(|| folder.open_coming(tenant, import))).await??;
        let mapping = self.suggested(tenant, &seen, &brought.attributes).await?;
        let now = self.clock.now();
        let row = Import {
            import_id: import,
            state: ImportState::Uploaded,
            name: brought.name,
            bytes,
            format: seen.format,
            encoding,
            separator: seen.separator,
            columns: seen.columns,
            sample: seen.sample,
            order: Order {
                mapping,
                default_country: brought.country,
                ..Order::default()
            },
            counts: Counts::default(),
            reasons: BTreeMap::new(),
            start: seen.place,
            place: seen.place,
            errors_bytes: 0,
            refused_bytes: 0,
            errors_omitted: 0,
            refused_omitted: 0,
            error: None,
            by: brought.by,
            created_at: now,
            started_at: None,
            changed_at: now,
        };
        let key = Import::at(tenant, import);
        if !self.table().replace(&key, None, Some(&row)).await? {
            return Err(ImportError::Busy);
        }
        let folder = self.folder.clone();
        blocking(move || folder.keep(tenant, import)).await?;
        coming.keep();
        Ok(row)
    }

    async fn suggested(
        &self,
        tenant: TenantId,
        seen: &Seen,
        attributes: &BTreeMap<AttributeKey, String>,
    ) -> Result<Mapping, ImportError> {
        let remembered = self.table::<Remembered>().get(&Remembered::at(tenant)).await?;
        let remembered = remembered.map(|found| found.row.fields).unwrap_or_default();
        Ok(suggest(&seen.columns, &remembered, attributes))
    }

    /// Forgets the oldest imports that are at their end, where there are as many as are told of.
    async fn make_room(&self, tenant: TenantId, newest_first: &[Import]) -> Result<(), ImportError> {
        let now = self.clock.now();
        let ended = newest_first.iter().rev().filter(|import| !import.needs_file(now));
        let too_many = (newest_first.len() + 1).saturating_sub(MOST);
        for import in ended.take(too_many) {
            let (folder, import) = (self.folder.clone(), import.import_id);
            self.table::<Import>().remove(Import::at(tenant, import)).await?;
            blocking(move || folder.remove(tenant, import)).await?;
        }
        Ok(())
    }
}

impl From<&ImportsConfig> for Budget {
    fn from(settings: &ImportsConfig) -> Self {
        Self {
            file: settings.max_bytes.get(),
            tenant: settings.max_tenant_bytes.get(),
            all: settings.max_total_bytes.get(),
            free: settings.min_free_bytes.get(),
            files: settings.max_files,
        }
    }
}

/// A file of which no row tells yet: it goes unless it is kept.
pub(crate) struct Coming {
    folder: Folder,
    tenant: TenantId,
    import: ImportId,
    kept: bool,
}

impl Coming {
    pub(crate) const fn new(folder: Folder, tenant: TenantId, import: ImportId) -> Self {
        Self {
            folder,
            tenant,
            import,
            kept: false,
        }
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let (folder, tenant, import) = (self.folder.clone(), self.tenant, self.import);
        // Whoever waited may have gone; the disk is not waited for here.
        drop(spawn_blocking(move || folder.remove_data(tenant, import)));
    }
}

/// Writes a file as it comes.
pub(crate) async fn receive<E>(
    mut upload: Upload,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Upload, ImportError> {
    let mut pieces = std::pin::pin!(pieces);
    let mut held: Vec<u8> = Vec::new();
    loop {
        let piece = pieces.next().await;
        let is_last = piece.is_none();
        if let Some(piece) = piece {
            held.extend_from_slice(&piece.map_err(|_broken| ImportError::BrokeOff)?);
        }
        if held.len() >= PIECE || is_last {
            let bytes = std::mem::take(&mut held);
            upload = blocking(move || {
                upload.push(&bytes)?;
                Ok::<_, ImportError>(upload)
            })
            .await?;
        }
        if is_last {
            return Ok(upload);
        }
    }
}
