//! Where the bytes of files are: a folder, or a bucket of an S3-compatible service.
//!
//! An object is whole or not there: a folder's is written under another name, synced and renamed, a bucket's is put together by the
//! service. Nobody overwrites one: each has a random key. At most two pieces of a file are in memory.

use std::fmt;
use std::ops::Range;
use std::path::{Path as FolderPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use secrecy::ExposeSecret as _;

use super::folder;
use super::intact::{self, Expected};
use super::room::Room;
use crate::config::{Backend, MediaBackend, MediaConfig, StoreConfig};
use crate::domain::{ContactId, MediaId, TenantId, Timestamp};
use crate::store::tables::{FileKey, MediaOwner};

/// A piece of a file that is written to a folder.
const PIECE: usize = 1 << 20;
/// The same for a bucket: services take no smaller ones, but for the last.
const BUCKET_PIECE: usize = 5 << 20;
/// The longest silence of a bucket. A whole file takes as long as whoever reads or sends it.
const SILENCE: Duration = Duration::from_secs(60);
/// The object that names the store whose files these are. No file has such a name.
const OWNER: &str = "mesej-owner.json";

/// Why the folder or the bucket did not do something.
#[derive(Debug, thiserror::Error)]
#[error("files cannot be kept or read now: {0}")]
pub struct StorageError(#[from] object_store::Error);

impl StorageError {
    /// What the system says of the folder.
    pub(super) fn of_folder(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(object_store::Error::Generic {
            store: "folder",
            source: Box::new(source),
        })
    }
}

/// An object's name: its tenant, its file, and a random key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectName {
    /// Whose.
    pub tenant: TenantId,
    /// Which file.
    pub id: MediaId,
    /// Its key.
    pub key: FileKey,
}

impl ObjectName {
    /// Only digits, points and slashes of our own: nothing that a customer chose.
    fn path(&self) -> Path {
        let (tenant, id) = (self.tenant.get(), self.id.to_string());
        let (owner, own) = id.split_at_checked(32).unwrap_or((&id, ""));
        Path::from(format!("{tenant}/{owner}/{own}.{}", self.key))
    }

    /// The name that an object has, if it is one of ours.
    fn of(path: &Path) -> Option<Self> {
        let mut parts = path.as_ref().split('/');
        let (tenant, owner, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let (own, key) = rest.split_once('.')?;
        Some(Self {
            tenant: TenantId::new(tenant.parse().ok()?),
            id: format!("{owner}{own}").parse().ok()?,
            key: key.parse().ok()?,
        })
        .filter(|_| parts.next().is_none())
    }
}

/// An object that is there.
#[derive(Debug, Clone, Copy)]
pub struct StoredObject {
    /// Its name.
    pub name: ObjectName,
    /// Its size.
    pub bytes: u64,
    /// When it was written, by the clock of who keeps it.
    pub written: Timestamp,
}

/// The folder or the bucket.
#[derive(Clone)]
pub struct Files {
    objects: Arc<dyn ObjectStore>,
    piece: usize,
    folder: Option<PathBuf>,
    /// What is left free on the folder's disk.
    pub(super) room: Room,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({})", self.objects)
    }
}

impl Files {
    /// Opens what the settings name. What a store in memory knows of files goes with the process, and so do they.
    pub fn open(config: &MediaConfig, store: &StoreConfig) -> Result<Self, StorageError> {
        match config.backend {
            MediaBackend::Folder if store.backend == Backend::Memory => Ok(Self::in_memory()),
            MediaBackend::Folder => {
                let files = Self::in_folder(&config.folder(&store.path))?;
                Ok(files.keep_free(config.min_free_bytes.get()))
            }
            MediaBackend::S3 => Self::in_bucket(config),
        }
    }

    /// In a folder, which is made.
    pub fn in_folder(folder: &FolderPath) -> Result<Self, StorageError> {
        let made = make_private(folder);
        made.map_err(|error| object_store::Error::Generic {
            store: "folder",
            source: format!("{}: {error}", folder.display()).into(),
        })?;
        let objects = LocalFileSystem::new_with_prefix(folder)?
            .with_automatic_cleanup(true)
            .with_fsync(true);
        Ok(Self {
            objects: Arc::new(objects),
            piece: PIECE,
            folder: Some(folder.to_owned()),
            room: Room::default(),
        })
    }

    /// Gone with the process.
    pub fn in_memory() -> Self {
        Self {
            objects: Arc::new(InMemory::new()),
            piece: PIECE,
            folder: None,
            room: Room::default(),
        }
    }

    fn in_bucket(config: &MediaConfig) -> Result<Self, StorageError> {
        // Another part of the process may have chosen a provider already; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = config.s3_endpoint.starts_with("http://");
        let options = ClientOptions::new()
            .with_allow_http(plain)
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout_disabled()
            .with_read_timeout(SILENCE);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.s3_bucket)
            .with_region(&config.s3_region)
            .with_access_key_id(&config.s3_access_key)
            .with_client_options(options);
        if !config.s3_endpoint.is_empty() {
            builder = builder.with_endpoint(&config.s3_endpoint);
        }
        if let Some(secret) = &config.s3_secret_key {
            builder = builder.with_secret_access_key(secret.expose_secret());
        }
        Ok(Self {
            objects: Arc::new(builder.build()?),
            piece: BUCKET_PIECE,
            folder: None,
            room: Room::default(),
        })
    }

    /// Begins an object, which is not there before [`FileWriter::finish`].
    pub async fn write(&self, name: &ObjectName) -> Result<FileWriter, StorageError> {
        self.refuse_links(name).await?;
        let upload = self.objects.put_multipart(&name.path()).await?;
        Ok(FileWriter {
            upload: WriteMultipart::new_with_chunk_size(upload, self.piece),
            bytes: 0,
        })
    }

    /// An object's bytes, all or a part, piece by piece; `None` where it is not there, or is not what was kept.
    pub async fn read(
        &self,
        name: &ObjectName,
        range: Option<Range<u64>>,
        expected: &Expected,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, StorageError>>>, StorageError> {
        let is_whole = range.is_none();
        let Some((bytes, pieces)) = self.open_object(name, range).await? else {
            return Ok(None);
        };
        if expected.bytes.is_some_and(|expected| expected != bytes) {
            intact::changed();
            return Ok(None);
        }
        let sha256 = expected.sha256.as_ref().filter(|_| is_whole);
        Ok(Some(match sha256 {
            Some(sha256) => intact::compared(pieces, Arc::clone(sha256)),
            None => pieces,
        }))
    }

    /// How long an object is, and its bytes.
    async fn open_object(
        &self,
        name: &ObjectName,
        range: Option<Range<u64>>,
    ) -> Result<Option<(u64, BoxStream<'static, Result<Bytes, StorageError>>)>, StorageError> {
        if let Some(place) = self.folder.clone() {
            let path = name.path();
            let opened = tokio::task::spawn_blocking(move || folder::open(&place, path.as_ref())).await;
            let opened = opened
                .map_err(StorageError::of_folder)?
                .map_err(StorageError::of_folder)?;
            return Ok(opened.map(|file| (file.bytes, file.stream(range))));
        }
        let options = object_store::GetOptions {
            range: range.map(object_store::GetRange::Bounded),
            ..object_store::GetOptions::default()
        };
        match self.objects.get_opts(&name.path(), options).await {
            Ok(found) => Ok(Some((
                found.meta.size,
                found.into_stream().map_err(StorageError).boxed(),
            ))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a place in the folder that a link leads to.
    async fn refuse_links(&self, name: &ObjectName) -> Result<(), StorageError> {
        let Some(place) = self.folder.clone() else {
            return Ok(());
        };
        let path = name.path();
        let looked = tokio::task::spawn_blocking(move || folder::refuse_links(&place, path.as_ref())).await;
        looked
            .map_err(StorageError::of_folder)?
            .map_err(StorageError::of_folder)
    }

    /// Gives an object a second name. Whether it was there.
    pub async fn copy(&self, from: &ObjectName, to: &ObjectName) -> Result<bool, StorageError> {
        self.refuse_links(from).await?;
        self.refuse_links(to).await?;
        match self.objects.copy(&from.path(), &to.path()).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an object; one that is not there is removed.
    pub async fn remove(&self, name: &ObjectName) -> Result<(), StorageError> {
        self.refuse_links(name).await?;
        match self.objects.delete(&name.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// All objects of ours, one after the other. What else somebody put there is passed over.
    pub fn list(&self) -> BoxStream<'static, Result<StoredObject, StorageError>> {
        self.list_below(None)
    }

    /// Those of one customer.
    pub fn list_of(
        &self,
        tenant: TenantId,
        contact: ContactId,
    ) -> BoxStream<'static, Result<StoredObject, StorageError>> {
        let folder = Path::from(format!("{}/{contact}", tenant.get()));
        self.list_below(Some(&folder))
    }

    fn list_below(&self, folder: Option<&Path>) -> BoxStream<'static, Result<StoredObject, StorageError>> {
        let all = self.objects.list(folder).map_err(StorageError);
        all.try_filter_map(|meta| async move {
            Ok(ObjectName::of(&meta.location).map(|name| StoredObject {
                name,
                bytes: meta.size,
                written: Timestamp::from_millis(meta.last_modified.timestamp_millis()),
            }))
        })
        .boxed()
    }

    /// Whose files these are, as somebody said beside them. One that cannot be read is an error.
    pub async fn owner(&self) -> Result<Option<MediaOwner>, StorageError> {
        let found = match self.objects.get(&Path::from(OWNER)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let read = serde_json::from_slice(&found).map_err(|error| object_store::Error::Generic {
            store: "files",
            source: format!("{OWNER}: {error}").into(),
        });
        Ok(Some(read?))
    }

    /// Says whose files these are.
    pub async fn set_owner(&self, owner: &MediaOwner) -> Result<(), StorageError> {
        let json = serde_json::to_vec(owner).map_err(|error| object_store::Error::Generic {
            store: "files",
            source: error.into(),
        })?;
        self.objects.put(&Path::from(OWNER), json.into()).await?;
        Ok(())
    }

    /// The folder, where files that a kill left half written may lie.
    pub fn folder(&self) -> Option<&FolderPath> {
        self.folder.as_deref()
    }
}

/// Makes a folder that nobody else reads; one that is there is left as it is.
fn make_private(folder: &FolderPath) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// An object that is being written.
pub struct FileWriter {
    upload: WriteMultipart,
    bytes: u64,
}

impl FileWriter {
    /// Adds bytes; waits until no more than one piece is on its way.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.upload.wait_for_capacity(1).await?;
        self.upload.put(bytes);
        Ok(())
    }

    /// Bytes so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the object be there, whole and durable.
    pub async fn finish(self) -> Result<u64, StorageError> {
        self.upload.finish().await?;
        Ok(self.bytes)
    }

    /// Leaves nothing behind.
    pub async fn abort(self) {
        if let Err(error) = self.upload.abort().await {
            tracing::debug!(%error, "what was written of a file is left to the sweep");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key: u8) -> ObjectName {
        ObjectName {
            tenant: TenantId::new(7),
            id: MediaId::of_upload([1; 16]),
            key: FileKey::of([key; 16]),
        }
    }

    async fn all(stream: BoxStream<'static, Result<Bytes, StorageError>>) -> Vec<u8> {
        stream.try_collect::<Vec<Bytes>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn a_file_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        for files in [Files::in_memory(), Files::in_folder(folder.path()).unwrap()] {
            let mut writer = files.write(&name(1)).await.unwrap();
            let piece = Bytes::from(vec![b'x'; 700_000]);
            for _ in 0..4 {
                writer.push(piece.clone()).await.unwrap();
            }
            let any = Expected::default();
            assert!(files.read(&name(1), None, &any).await.unwrap().is_none());
            assert_eq!(writer.finish().await.unwrap(), 2_800_000);
            let mut given_up = files.write(&name(2)).await.unwrap();
            given_up.push(piece).await.unwrap();
            given_up.abort().await;
            let listed: Vec<StoredObject> = files.list().try_collect().await.unwrap();
            assert_eq!(listed.len(), 1);
            assert_eq!((listed[0].name, listed[0].bytes), (name(1), 2_800_000));
            let part = files.read(&name(1), Some(10..20), &any).await.unwrap().unwrap();
            assert_eq!(all(part).await, [b'x'; 10]);
            assert!(files.copy(&name(1), &name(3)).await.unwrap());
            assert!(!files.copy(&name(9), &name(3)).await.unwrap());
            for key in [1, 9] {
                files.remove(&name(key)).await.unwrap();
            }
            let copy = files.read(&name(3), None, &any).await.unwrap().unwrap();
            assert_eq!(all(copy).await.len(), 2_800_000);
            let part = Expected {
                bytes: Some(2_799_999),
                sha256: None,
            };
            assert!(files.read(&name(3), None, &part).await.unwrap().is_none());
            let other = Expected {
                bytes: Some(2_800_000),
                sha256: Some("00".repeat(32).into()),
            };
            let changed = files.read(&name(3), None, &other).await.unwrap().unwrap();
            assert!(changed.try_collect::<Vec<Bytes>>().await.is_err());
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn no_link_in_the_folder_is_followed() {
        use std::os::unix::fs::symlink;
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = Files::in_folder(folder.path()).unwrap();
        let secret = outside.path().join("secret");
        std::fs::write(&secret, "root:x:0:0").unwrap();
        let any = Expected::default();
        let write = async |name: &ObjectName| {
            let mut writer = files.write(name).await?;
            writer.push(Bytes::from_static(b"ours")).await?;
            writer.finish().await
        };
        write(&name(1)).await.unwrap();
        let place = folder.path().join(name(1).path().as_ref());
        std::fs::remove_file(&place).unwrap();
        symlink(&secret, &place).unwrap();
        assert!(files.read(&name(1), None, &any).await.unwrap().is_none());
        files.copy(&name(1), &name(2)).await.ok();
        assert!(files.read(&name(2), None, &any).await.unwrap().is_none());
        // The tenant's folder leads elsewhere.
        std::fs::remove_dir_all(folder.path().join("7")).unwrap();
        symlink(outside.path(), folder.path().join("7")).unwrap();
        assert!(write(&name(3)).await.is_err());
        let inside = outside
            .path()
            .join(name(1).path().as_ref().strip_prefix("7/").unwrap());
        std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
        std::fs::write(&inside, "theirs").unwrap();
        assert!(files.read(&name(1), None, &any).await.unwrap().is_none());
        assert!(files.remove(&name(1)).await.is_err());
        assert_eq!(std::fs::read(&inside).unwrap(), b"theirs");
        let there = std::fs::read_dir(inside.parent().unwrap()).unwrap().count();
        assert_eq!(there, 1, "nothing was written there");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_made_is_nobody_elses_to_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("files");
        Files::in_folder(&folder).unwrap();
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_name_is_read_as_it_was_written_and_foreign_ones_are_none_of_ours() {
        let path = name(1).path();
        assert_eq!(ObjectName::of(&path), Some(name(1)));
        for foreign in ["readme.txt", "7/x/y.z", &format!("{path}/more"), "7"] {
            assert_eq!(ObjectName::of(&Path::from(foreign)), None, "{foreign}");
        }
    }
}
