//! Imports: taking files, starting, telling of and calling off their imports. They are carried out by `run`.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{Notify, Semaphore};
use tokio::task::spawn_blocking;

use super::fields::{Field, Mapping, header_key, suggest};
use super::folder::{Folder, Upload, UploadError};
use super::import::{Counts, Import, ImportState, Order, Remembered};
use super::look::{Seen, look};
use crate::actors::TenantPort;
use crate::config::{ImportsConfig, StoreConfig};
use crate::domain::{AttributeKey, Author, Clock, ImportId, TenantId};
use crate::store::plain::{Found, PlainTable};
use crate::store::{Store, StoreError};

/// Files that come at once: each holds a piece of some hundred KiB.
const COMING: usize = 8;
/// Imports of a tenant that are not at their end.
const MOST_OPEN: usize = 5;
/// Imports of a tenant that are looked through.
const MOST: usize = 1_000;
/// Bytes that are written at once.
const PIECE: usize = 256 << 10;

/// Why an import cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is larger than it may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// There is nothing in it.
    #[error("the file has no columns: it must be CSV with a line of headers, or NDJSON")]
    Empty,
    /// It broke off while it came.
    #[error("the file broke off")]
    BrokeOff,
    /// Too many come, or lie there, already.
    #[error("too many files are being imported: try again later")]
    Busy,
    /// The tenant has as many as it may.
    #[error("there are {MOST_OPEN} imports already that are not at their end: finish or delete one first")]
    TooMany,
    /// There is none of this id.
    #[error("no import has this id")]
    NotFound,
    /// It was started before.
    #[error("the import was started already")]
    Started,
    /// Its file lies at another gateway, or is gone.
    #[error("the import's file is at another gateway, or gone")]
    Elsewhere,
    /// What its columns are taken for makes no sense.
    #[error("{0}")]
    Mapping(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk.
    #[error("the disk does not take it")]
    Disk(#[from] io::Error),
}

impl From<UploadError> for ImportError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::TooLarge(limit) => Self::TooLarge(limit),
            UploadError::Disk(error) => Self::Disk(error),
        }
    }
}

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
}

/// All imports of this gateway.
pub struct Imports {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tenants: Arc<dyn TenantPort>,
    pub(super) settings: ImportsConfig,
    pub(super) folder: Folder,
    pub(super) wake: Notify,
    coming: Semaphore,
}

impl Imports {
    /// Files lie where the settings say.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        tenants: Arc<dyn TenantPort>,
        (settings, stored): (&ImportsConfig, &StoreConfig),
    ) -> Self {
        let root = if settings.path.as_os_str().is_empty() {
            stored.path.join("imports")
        } else {
            settings.path.clone()
        };
        Self {
            store,
            clock,
            tenants,
            settings: settings.clone(),
            folder: Folder::new(root),
            wake: Notify::new(),
            coming: Semaphore::new(COMING),
        }
    }

    pub(super) fn table<R: crate::store::plain::PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    /// Takes a file as it comes.
    pub async fn take<E>(
        &self,
        tenant: TenantId,
        brought: Brought,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Import, ImportError> {
        let _place = self.coming.try_acquire().map_err(|_none| ImportError::Busy)?;
        let (all, now) = (self.list(tenant).await?, self.clock.now());
        if all.iter().filter(|import| import.needs_file(now)).count() >= MOST_OPEN {
            return Err(ImportError::TooMany);
        }
        let (folder, import) = (self.folder.clone(), brought.import);
        let (limit, most) = (self.settings.max_bytes.get(), self.settings.max_files);
        let begun = blocking(move || {
            if folder.list()?.len() >= most {
                return Err(ImportError::Busy);
            }
            Ok(folder.begin(tenant, import, limit)?)
        });
        let coming = Coming {
            folder: self.folder.clone(),
            tenant,
            import,
            kept: false,
        };
        let upload = receive(begun.await?, pieces).await?;
        let (encoding, bytes) = blocking(move || upload.finish()).await?;
        // From here on the file goes unless it is kept.
        let folder = self.folder.clone();
        let seen = blocking(move || look(|| folder.open_coming(tenant, import))).await?;
        let seen = seen.ok_or(ImportError::Empty)?;
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
                ..Order::default()
            },
            counts: Counts::default(),
            start: seen.place,
            place: seen.place,
            errors_bytes: 0,
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

    /// A tenant's imports, newest first.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<Import>, ImportError> {
        let (mut after, mut all) = (None, Vec::new());
        while all.len() < MOST {
            let page = self
                .table::<Import>()
                .page(Import::of(tenant), after, MOST)
                .await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items.into_iter().map(|found| found.row));
            if !page.more {
                break;
            }
        }
        all.sort_by_key(|import| std::cmp::Reverse(import.created_at));
        Ok(all)
    }

    /// One import.
    pub async fn get(&self, tenant: TenantId, import: ImportId) -> Result<Found<Import>, ImportError> {
        let found = self.table().get(&Import::at(tenant, import)).await?;
        found.ok_or(ImportError::NotFound)
    }

    /// Starts one, after a dry run once more: it is carried out behind the answer.
    pub async fn start(
        &self,
        tenant: TenantId,
        import: ImportId,
        order: Order,
    ) -> Result<Import, ImportError> {
        let folder = self.folder.clone();
        let now = self.clock.now();
        let key = Import::at(tenant, import);
        let has_file = blocking(move || Ok::<_, io::Error>(folder.has(tenant, import))).await?;
        let changed = self.table::<Import>().change(key, |before| {
            let before = before.ok_or(ImportError::NotFound)?;
            if !before.can_start() {
                return Err(ImportError::Started);
            }
            if !has_file {
                return Err(ImportError::Elsewhere);
            }
            check(&before.columns, &order.mapping)?;
            Ok(Some(Import {
                state: ImportState::Running,
                sample: Vec::new(),
                order: order.clone(),
                counts: Counts::default(),
                place: before.start,
                errors_bytes: 0,
                started_at: Some(now),
                changed_at: now,
                ..before.clone()
            }))
        });
        let (_, after) = changed.await?;
        self.wake.notify_one();
        let row = after.ok_or(ImportError::NotFound)?;
        if let Err(error) = self.remember(tenant, &row).await {
            tracing::warn!(%error, "what columns were taken for is not remembered");
        }
        Ok(row)
    }

    /// Remembers what columns were taken for.
    async fn remember(&self, tenant: TenantId, import: &Import) -> Result<(), ImportError> {
        let fields: Mapping = (import.order.mapping.iter())
            .map(|(column, field)| (header_key(column), field.clone()))
            .filter(|(header, _)| !header.is_empty())
            .collect();
        let changed = self
            .table::<Remembered>()
            .change::<StoreError>(Remembered::at(tenant), |before| {
                let mut all = before.cloned().unwrap_or_default().fields;
                all.retain(|header, _| !fields.contains_key(header));
                let room = Remembered::MOST.saturating_sub(fields.len());
                let kept = all.into_iter().take(room);
                Ok(Some(Remembered {
                    fields: fields.clone().into_iter().chain(kept).collect(),
                }))
            });
        changed.await?;
        Ok(())
    }

    /// Calls one off that is not at its end, and removes one that is.
    pub async fn remove(&self, tenant: TenantId, import: ImportId) -> Result<Option<Import>, ImportError> {
        let now = self.clock.now();
        let key = Import::at(tenant, import);
        let changed = self.table::<Import>().change(key, |before| {
            let before = before.ok_or(ImportError::NotFound)?;
            let runs = before.state == ImportState::Running && !before.is_abandoned(now);
            Ok::<_, ImportError>(runs.then(|| Import {
                state: ImportState::Cancelled,
                changed_at: now,
                ..before.clone()
            }))
        });
        let (_, after) = changed.await?;
        if after.is_none() {
            let folder = self.folder.clone();
            blocking(move || folder.remove(tenant, import)).await?;
        }
        self.wake.notify_one();
        Ok(after)
    }

    /// What was wrong with an import's rows, as CSV.
    pub async fn errors(&self, tenant: TenantId, import: ImportId) -> Result<Vec<u8>, ImportError> {
        let row = self.get(tenant, import).await?.row;
        if row.errors_bytes == 0 {
            return Ok(Vec::new());
        }
        let folder = self.folder.clone();
        let errors = blocking(move || folder.errors(tenant, import, row.errors_bytes)).await?;
        errors.ok_or(ImportError::Elsewhere)
    }
}

/// A file of which no row tells yet: it goes unless it is kept.
struct Coming {
    folder: Folder,
    tenant: TenantId,
    import: ImportId,
    kept: bool,
}

impl Coming {
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

/// Whether columns can be taken for these.
fn check(columns: &[String], mapping: &Mapping) -> Result<(), ImportError> {
    if let Some(unknown) = mapping.keys().find(|column| !columns.contains(column)) {
        return Err(ImportError::Mapping(format!(
            "the file has no column {unknown:?}"
        )));
    }
    let mut taken: Vec<&Field> = Vec::new();
    for field in mapping.values() {
        if taken.contains(&field) && !field.may_repeat() {
            return Err(ImportError::Mapping(format!(
                "two columns are taken for `{field}`"
            )));
        }
        taken.push(field);
    }
    if !taken.contains(&&Field::Phone) {
        return Err(ImportError::Mapping("no column is taken for `phone`".to_owned()));
    }
    Ok(())
}

/// Has something done that blocks.
pub(super) async fn blocking<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Writes a file as it comes.
async fn receive<E>(
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
