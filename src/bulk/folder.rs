//! Files of imports on this machine's disk, until they are read: UTF-8, whatever they came as. They hold customers' data, so that
//! only the gateway's user may read them, and each is removed as soon as its import ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::encoding::{Encoding, ToUtf8};
use crate::domain::{ImportId, TenantId};

/// What a file is while it comes.
const COMING: &str = "part";
/// What it is until its import ends.
const DATA: &str = "data";
/// What is told of wrong rows.
const ERRORS: &str = "errors";

/// Where they lie. Every call blocks.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is larger than it may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The disk does not take it.
    #[error("cannot write the file")]
    Disk(#[from] io::Error),
}

/// A file that is coming. One that is dropped before its end is removed.
pub struct Upload {
    file: File,
    path: PathBuf,
    to_utf8: ToUtf8,
    text: Vec<u8>,
    taken: u64,
    written: u64,
    limit: u64,
}

impl Folder {
    /// There; made with the first file.
    pub const fn new(root: PathBuf) -> Self {
        Self(root)
    }

    fn path(&self, tenant: TenantId, import: ImportId, kind: &str) -> PathBuf {
        self.0.join(format!("{tenant}-{import}.{kind}"))
    }

    /// Begins a file of at most so many bytes.
    pub fn begin(&self, tenant: TenantId, import: ImportId, limit: u64) -> io::Result<Upload> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        let path = self.path(tenant, import, COMING);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Upload {
            file,
            path,
            to_utf8: ToUtf8::default(),
            text: Vec::new(),
            taken: 0,
            written: 0,
            limit,
        })
    }

    /// Keeps a file that has come, now that a row tells of it.
    pub fn keep(&self, tenant: TenantId, import: ImportId) -> io::Result<()> {
        let coming = self.path(tenant, import, COMING);
        fs::rename(coming, self.path(tenant, import, DATA))?;
        File::open(&self.0)?.sync_all()
    }

    /// The imports of which anything lies here; those that are coming are not among them.
    pub fn list(&self) -> io::Result<Vec<(TenantId, ImportId)>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|kind| kind != COMING) {
                found.extend(owner(&path));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Removes what a process left that ended while files came.
    pub fn clear(&self) -> io::Result<()> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|kind| kind == COMING) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Whether its file is here.
    pub fn has(&self, tenant: TenantId, import: ImportId) -> bool {
        self.path(tenant, import, DATA).exists()
    }

    /// Its text, from a byte on.
    pub fn open(&self, tenant: TenantId, import: ImportId, from: u64) -> io::Result<File> {
        open(&self.path(tenant, import, DATA), from)
    }

    /// The text of a file that has come, before it is kept.
    pub fn open_coming(&self, tenant: TenantId, import: ImportId) -> io::Result<File> {
        open(&self.path(tenant, import, COMING), 0)
    }

    /// Removes its file; what was wrong with it stays.
    pub fn remove_data(&self, tenant: TenantId, import: ImportId) -> io::Result<()> {
        remove(&self.path(tenant, import, DATA))?;
        remove(&self.path(tenant, import, COMING))
    }

    /// Removes all of it.
    pub fn remove(&self, tenant: TenantId, import: ImportId) -> io::Result<()> {
        self.remove_data(tenant, import)?;
        remove(&self.path(tenant, import, ERRORS))
    }

    /// Writes what was wrong behind so many bytes: what stands behind them was written before a kill, and is told again.
    pub fn add_errors(
        &self,
        tenant: TenantId,
        import: ImportId,
        behind: u64,
        lines: &[u8],
    ) -> io::Result<()> {
        let path = self.path(tenant, import, ERRORS);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        file.set_len(behind)?;
        file.seek(SeekFrom::Start(behind))?;
        file.write_all(lines)?;
        file.sync_data()
    }

    /// The first so many bytes of what was wrong; `None` where that is told elsewhere.
    pub fn errors(&self, tenant: TenantId, import: ImportId, bytes: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path(tenant, import, ERRORS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut text = Vec::new();
        file.take(bytes).read_to_end(&mut text)?;
        Ok(Some(text))
    }
}

fn open(path: &Path, from: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    Ok(file)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn owner(path: &Path) -> Option<(TenantId, ImportId)> {
    let (tenant, import) = path.file_stem()?.to_str()?.split_once('-')?;
    Some((tenant.parse().ok()?, import.parse().ok()?))
}

impl Upload {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.taken += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.taken > self.limit {
            return Err(UploadError::TooLarge(self.limit));
        }
        self.text.clear();
        self.to_utf8.push(bytes, &mut self.text);
        self.write()
    }

    fn write(&mut self) -> Result<(), UploadError> {
        self.file.write_all(&self.text)?;
        self.written += u64::try_from(self.text.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Ends it; durable on return. How its text was written, and its bytes as UTF-8.
    pub fn finish(mut self) -> Result<(Encoding, u64), UploadError> {
        self.text.clear();
        let encoding = std::mem::take(&mut self.to_utf8).finish(&mut self.text);
        self.write()?;
        self.file.sync_all()?;
        // It stays.
        self.path.clear();
        Ok((encoding, self.written))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty()
            && let Err(error) = remove(&self.path)
        {
            tracing::warn!(%error, "a file that did not come to its end cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TenantId = TenantId::new(7);
    const FILE: ImportId = ImportId::from_bytes([3; 16]);

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().join("imports"));
        (dir, folder)
    }

    fn text(mut file: File) -> String {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_file_is_kept_as_utf8_and_read_from_anywhere() {
        let (_dir, folder) = folder();
        assert_eq!(folder.list().unwrap(), []);
        let mut upload = folder.begin(ONE, FILE, 100).unwrap();
        upload.push(b"phone,name\n62812,Zo").unwrap();
        upload.push(b"\xEB\n").unwrap();
        assert_eq!(upload.finish().unwrap(), (Encoding::Windows1252, 22));
        assert_eq!(
            text(folder.open_coming(ONE, FILE).unwrap()),
            "phone,name\n62812,Zoë\n"
        );
        assert!(!folder.has(ONE, FILE));
        folder.keep(ONE, FILE).unwrap();
        folder.clear().unwrap();
        assert!(folder.has(ONE, FILE));
        assert_eq!(text(folder.open(ONE, FILE, 11).unwrap()), "62812,Zoë\n");
        assert_eq!(folder.list().unwrap(), [(ONE, FILE)]);
        folder.remove(ONE, FILE).unwrap();
        assert_eq!(folder.list().unwrap(), []);
    }

    #[test]
    fn what_did_not_come_to_its_end_is_removed() {
        let (_dir, folder) = folder();
        let mut upload = folder.begin(ONE, FILE, 5).unwrap();
        upload.push(b"12345").unwrap();
        assert!(matches!(upload.push(b"6"), Err(UploadError::TooLarge(5))));
        drop(upload);
        assert_eq!(folder.list().unwrap(), []);
        // A process that is killed drops nothing.
        std::mem::forget(folder.begin(ONE, FILE, 5).unwrap());
        assert_eq!(folder.list().unwrap(), []);
        assert!(folder.begin(ONE, FILE, 5).is_err());
        folder.clear().unwrap();
        assert!(folder.begin(ONE, FILE, 5).is_ok());
    }

    #[test]
    fn errors_are_written_behind_what_is_known() {
        let (_dir, folder) = folder();
        drop(folder.begin(ONE, FILE, 5).unwrap());
        assert_eq!(folder.errors(ONE, FILE, 9).unwrap(), None);
        folder.add_errors(ONE, FILE, 0, b"one\ntwo\n").unwrap();
        folder.add_errors(ONE, FILE, 4, b"three\n").unwrap();
        assert_eq!(folder.errors(ONE, FILE, 10).unwrap().unwrap(), b"one\nthree\n");
        folder.remove_data(ONE, FILE).unwrap();
        assert_eq!(folder.errors(ONE, FILE, 4).unwrap().unwrap(), b"one\n");
    }
}
