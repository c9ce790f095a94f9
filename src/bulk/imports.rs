//! Imports: starting, telling of and calling them off. Files are taken by `uploads`, imports carried out by `run`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::fields::{Field, Mapping, header_key};
use super::folder::{Folder, Told, UploadError};
use super::import::{Counts, Import, ImportState, Order, Remembered};
use super::known;
use super::look::NoTable;
use super::new_attributes::plan;
use super::wrong::cut_line;
use crate::actors::TenantPort;
use crate::config::{ImportsConfig, StoreConfig};
use crate::domain::{Clock, ImportId, TenantId};
use crate::store::plain::{Found, PlainTable};
use crate::store::tables::ContactAttribute;
use crate::store::{Store, StoreError};
use crate::tenant_places::TenantPlaces;

/// Files that come at once, of a tenant and of all: each holds a piece of some hundred KiB.
const COMING_OF_ONE: usize = 2;
const COMING: usize = 8;
/// Imports of a tenant that are not at their end.
pub(super) const MOST_OPEN: usize = 5;
/// Imports of a tenant that are told of: the oldest that is at its end goes for a new one.
pub(super) const MOST: usize = 50;
/// Bytes that are read at once of what was wrong.
const PIECE: u64 = 64 << 10;
/// Bytes of a mapping, and of a header that is remembered: they stand in one row with others.
const MAPPING_BYTES: usize = 32 << 10;
const HEADER_BYTES: usize = 100;

/// What is told of an import whose gateway is not heard of.
const LOST: &str = "the gateway that read the file has not been heard of: it goes on when it is back, or upload the file again";

/// Why an import cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is larger than it may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// It is no table.
    #[error(transparent)]
    NoTable(#[from] NoTable),
    /// It broke off while it came.
    #[error("the file broke off")]
    BrokeOff,
    /// Too many come, or lie there, already.
    #[error("too many files are being imported: try again later")]
    Busy,
    /// The tenant has as many as it may.
    #[error("there are {MOST_OPEN} imports already that are not at their end: finish or delete one first")]
    TooMany,
    /// The tenant's hold as many bytes as they may.
    #[error("the business's imports hold {0} bytes, and no more may be: delete some first")]
    TenantFull(u64),
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
            UploadError::TenantFull(most) => Self::TenantFull(most),
            UploadError::Full => Self::Busy,
            UploadError::Disk(error) => Self::Disk(error),
        }
    }
}

/// All imports of this gateway.
pub struct Imports {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tenants: Arc<dyn TenantPort>,
    pub(super) settings: ImportsConfig,
    pub(super) folder: Folder,
    pub(super) wake: Notify,
    pub(super) places: Arc<TenantPlaces>,
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
            places: TenantPlaces::new(COMING_OF_ONE, COMING),
        }
    }

    pub(super) fn table<R: crate::store::plain::PlainRow>(&self) -> PlainTable<'_, R> {
        PlainTable::of(self.store.as_ref(), self.clock.now())
    }

    /// A tenant's imports, newest first.
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<Import>, ImportError> {
        let mut all = self.all(tenant).await?;
        for import in &mut all {
            self.tell_if_lost(tenant, import).await?;
        }
        Ok(all)
    }

    pub(super) async fn all(&self, tenant: TenantId) -> Result<Vec<Import>, ImportError> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = self
                .table::<Import>()
                .page(Import::of(tenant), after, MOST)
                .await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items.into_iter().map(|found| found.row));
            // Several who bring files at the same moment may get a few more.
            if !page.more || all.len() >= 2 * MOST {
                break;
            }
        }
        all.sort_by_key(|import| std::cmp::Reverse(import.created_at));
        Ok(all)
    }

    /// One import.
    pub async fn get(&self, tenant: TenantId, import: ImportId) -> Result<Import, ImportError> {
        let mut row = self.found(tenant, import).await?.row;
        self.tell_if_lost(tenant, &mut row).await?;
        Ok(row)
    }

    pub(super) async fn found(
        &self,
        tenant: TenantId,
        import: ImportId,
    ) -> Result<Found<Import>, ImportError> {
        let found = self.table().get(&Import::at(tenant, import)).await?;
        found.ok_or(ImportError::NotFound)
    }

    /// Tells as failed what no gateway has said for long that it has.
    async fn tell_if_lost(&self, tenant: TenantId, row: &mut Import) -> Result<(), ImportError> {
        if self.is_lost(tenant, row).await? {
            row.state = ImportState::Failed;
            row.error = Some(LOST.to_owned());
        }
        Ok(())
    }

    async fn is_lost(&self, tenant: TenantId, row: &Import) -> Result<bool, ImportError> {
        if !row.is_silent(self.clock.now()) {
            return Ok(false);
        }
        // One that is here waits for its turn, or for the store.
        let (folder, import) = (self.folder.clone(), row.import_id);
        Ok(!blocking(move || Ok::<_, io::Error>(folder.has(tenant, import))).await?)
    }

    /// Starts one, after a dry run or a failure once more: it is carried out behind the answer.
    pub async fn start(
        &self,
        tenant: TenantId,
        import: ImportId,
        mut order: Order,
    ) -> Result<Import, ImportError> {
        let folder = self.folder.clone();
        let now = self.clock.now();
        let key = Import::at(tenant, import);
        let before = self.found(tenant, import).await?.row;
        if !before.can_start() {
            return Err(ImportError::Started);
        }
        if !blocking(move || Ok::<_, io::Error>(folder.has(tenant, import))).await? {
            return Err(ImportError::Elsewhere);
        }
        order.mapping = self.planned(tenant, &before.columns, &order).await?;
        let changed = self.table::<Import>().change(key, |before| {
            let before = before.ok_or(ImportError::NotFound)?;
            if !before.can_start() {
                return Err(ImportError::Started);
            }
            Ok(Some(Import {
                state: ImportState::Running,
                sample: Vec::new(),
                order: order.clone(),
                counts: Counts::default(),
                reasons: BTreeMap::new(),
                place: before.start,
                errors_bytes: 0,
                refused_bytes: 0,
                errors_omitted: 0,
                refused_omitted: 0,
                error: None,
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

    /// Checks what columns are to be taken for, and makes the attributes that are not there yet, unless nothing is to be changed.
    async fn planned(
        &self,
        tenant: TenantId,
        columns: &[String],
        order: &Order,
    ) -> Result<Mapping, ImportError> {
        let now = self.clock.now();
        let there = known::attributes(self.store.as_ref(), tenant, now).await?;
        let plan = plan(&order.mapping, &there).map_err(ImportError::Mapping)?;
        check(columns, &plan.mapping)?;
        if order.dry_run {
            check_length(&order.mapping)?;
            return Ok(order.mapping.clone());
        }
        for new in plan.new {
            let key = ContactAttribute::at(tenant, &new.key);
            // Two who start imports at the same moment may mean the same one.
            if !self.table().replace(&key, None, Some(&new)).await? {
                return Err(ImportError::Busy);
            }
        }
        check_length(&plan.mapping)?;
        Ok(plan.mapping)
    }

    /// Remembers what columns were taken for.
    async fn remember(&self, tenant: TenantId, import: &Import) -> Result<(), ImportError> {
        let fields: Mapping = (import.order.mapping.iter())
            .map(|(column, field)| (header_key(column), field.clone()))
            .filter(|(header, field)| {
                let is_kept = !matches!(field, Field::NewAttribute(_));
                (1..=HEADER_BYTES).contains(&header.len()) && is_kept
            })
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
        let is_lost = self
            .is_lost(tenant, &self.found(tenant, import).await?.row)
            .await?;
        let changed = self.table::<Import>().change(key, |before| {
            let before = before.ok_or(ImportError::NotFound)?;
            let runs = before.state == ImportState::Running && !is_lost;
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

    /// What was wrong with an import's rows, as CSV: line by line, or the refused rows themselves.
    pub async fn wrong(
        &self,
        tenant: TenantId,
        import: ImportId,
        told: Told,
    ) -> Result<WrongRows, ImportError> {
        let mut row = self.found(tenant, import).await?.row;
        let bytes = *row.wrong_bytes(told);
        let last = cut_line(told, *row.omitted(told), row.columns.len());
        if bytes == 0 {
            return Ok(WrongRows {
                file: None,
                left: 0,
                last,
            });
        }
        let folder = self.folder.clone();
        let found = blocking(move || folder.told((tenant, import), told)).await?;
        Ok(WrongRows {
            file: Some(found.ok_or(ImportError::Elsewhere)?),
            left: bytes,
            last,
        })
    }
}

/// What was wrong with rows, as it is read piece by piece.
pub struct WrongRows {
    file: Option<File>,
    left: u64,
    last: Vec<u8>,
}

impl WrongRows {
    /// The next piece and what comes behind it; nothing at the end. No piece is empty.
    pub async fn next(mut self) -> Result<Option<(Vec<u8>, Self)>, ImportError> {
        let Some(mut file) = self.file.take().filter(|_| self.left > 0) else {
            let last = std::mem::take(&mut self.last);
            return Ok((!last.is_empty()).then_some((last, self)));
        };
        let most = self.left.min(PIECE);
        let (file, piece) = blocking(move || {
            let mut piece = Vec::new();
            file.by_ref().take(most).read_to_end(&mut piece)?;
            Ok::<_, ImportError>((file, piece))
        })
        .await?;
        if piece.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.left = self
            .left
            .saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        self.file = Some(file);
        Ok(Some((piece, self)))
    }
}

/// Refuses a mapping that has no room beside the rest of its import.
fn check_length(mapping: &Mapping) -> Result<(), ImportError> {
    let written = serde_json::to_vec(mapping).map_err(io::Error::from)?;
    if written.len() > MAPPING_BYTES {
        return Err(ImportError::Mapping(format!(
            "the mapping is longer than {} KiB",
            MAPPING_BYTES >> 10
        )));
    }
    Ok(())
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
pub(crate) async fn blocking<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
