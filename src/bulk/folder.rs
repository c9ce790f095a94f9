//! Files of imports on this machine's disk, until they are read: UTF-8, whatever they came as. They hold customers' data, so that
//! only the gateway's user may read them, and each is removed as soon as its import ends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::encoding::{Encoding, ToUtf8};
use crate::domain::{ImportId, TenantId};

/// What a file is while it comes.
const COMING: &str = "part";
/// What it is until its import ends.
const DATA: &str = "data";
/// What was written of wrong rows. Customers' data, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// What is wrong, line by line.
    Errors,
    /// The rows themselves.
    Rows,
}

impl Told {
    pub(super) const ALL: [Self; 2] = [Self::Errors, Self::Rows];

    const fn kind(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Rows => "refused",
        }
    }
}

/// Bytes that a file grows by before it is looked again whether there is room.
const STEP: u64 = 8 << 20;

/// How much may lie there.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Of one file, as it is sent.
    pub file: u64,
    /// Of all of a tenant's.
    pub tenant: u64,
    /// Of all.
    pub all: u64,
    /// What stays free on the disk.
    pub free: u64,
    /// Files that wait to be read, or come.
    pub files: usize,
}

/// What lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Used {
    tenant: u64,
    all: u64,
    files: usize,
}

/// Where they lie. Every call blocks.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is larger than it may be.
    #[error("the file is larger than {0} bytes")]
    TooLarge(u64),
    /// The tenant's imports hold as much as they may.
    #[error("the business's imports hold {0} bytes, and no more may be: delete some first")]
    TenantFull(u64),
    /// All together do, or the disk is nearly full.
    #[error("there is no room for files now")]
    Full,
    /// The disk does not take it.
    #[error("cannot write the file")]
    Disk(#[from] io::Error),
}

/// A file that is coming. One that is dropped before its end is removed.
pub struct Upload {
    folder: Folder,
    tenant: TenantId,
    file: File,
    path: PathBuf,
    to_utf8: ToUtf8,
    text: Vec<u8>,
    taken: u64,
    written: u64,
    /// Up to where it is known that there is room.
    room: u64,
    budget: Budget,
}

impl Folder {
    /// There; made with the first file.
    pub const fn new(root: PathBuf) -> Self {
        Self(root)
    }

    fn path(&self, tenant: TenantId, import: ImportId, kind: &str) -> PathBuf {
        self.0.join(format!("{tenant}-{import}.{kind}"))
    }

    /// Begins a file, if there is room.
    pub fn begin(&self, tenant: TenantId, import: ImportId, budget: Budget) -> Result<Upload, UploadError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        if self.demand_room(tenant, &budget)?.files >= budget.files {
            return Err(UploadError::Full);
        }
        let path = self.path(tenant, import, COMING);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Upload {
            folder: self.clone(),
            tenant,
            file,
            path,
            to_utf8: ToUtf8::default(),
            text: Vec::new(),
            taken: 0,
            written: 0,
            room: STEP,
            budget,
        })
    }

    /// Refuses a file, or more of one, where there is no room. Files that come at the same moment may go a step beyond.
    fn demand_room(&self, tenant: TenantId, budget: &Budget) -> Result<Used, UploadError> {
        let used = self.used(tenant)?;
        if used.tenant.saturating_add(STEP) > budget.tenant {
            return Err(UploadError::TenantFull(budget.tenant));
        }
        let disk = rustix::fs::statvfs(&self.0).map_err(io::Error::from)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if used.all.saturating_add(STEP) > budget.all || free < budget.free.saturating_add(STEP) {
            return Err(UploadError::Full);
        }
        Ok(used)
    }

    fn used(&self, tenant: TenantId) -> io::Result<Used> {
        let mut used = Used::default();
        for (path, owner) in self.files()? {
            // It may have been removed meanwhile.
            let bytes = fs::metadata(&path).map_or(0, |file| file.len());
            used.all = used.all.saturating_add(bytes);
            if owner.0 == tenant {
                used.tenant = used.tenant.saturating_add(bytes);
            }
            used.files += usize::from(is_kind(&path, &[COMING, DATA]));
        }
        Ok(used)
    }

    fn files(&self) -> io::Result<Vec<(PathBuf, (TenantId, ImportId))>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if let Some(owner) = owner(&path) {
                found.push((path, owner));
            }
        }
        Ok(found)
    }

    /// Keeps a file that has come, now that a row tells of it.
    pub fn keep(&self, tenant: TenantId, import: ImportId) -> io::Result<()> {
        let coming = self.path(tenant, import, COMING);
        fs::rename(coming, self.path(tenant, import, DATA))?;
        File::open(&self.0)?.sync_all()
    }

    /// The imports whose files lie here, those that are coming not among them.
    pub fn list(&self) -> io::Result<Vec<(TenantId, ImportId)>> {
        self.of_kinds(&[DATA])
    }

    /// The imports of which it lies here what was wrong.
    pub fn list_told(&self) -> io::Result<Vec<(TenantId, ImportId)>> {
        self.of_kinds(&Told::ALL.map(Told::kind))
    }

    fn of_kinds(&self, kinds: &[&str]) -> io::Result<Vec<(TenantId, ImportId)>> {
        let files = self.files()?.into_iter();
        let mut found: Vec<_> = files
            .filter(|(path, _)| is_kind(path, kinds))
            .map(|(_, owner)| owner)
            .collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Removes what a process left that ended while files came.
    pub fn clear(&self) -> io::Result<()> {
        for (path, _) in self.files()? {
            if is_kind(&path, &[COMING]) {
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
        self.remove_told(tenant, import)
    }

    /// Removes what was wrong.
    pub fn remove_told(&self, tenant: TenantId, import: ImportId) -> io::Result<()> {
        let paths = Told::ALL.map(|told| self.path(tenant, import, told.kind()));
        paths.iter().try_for_each(|path| remove(path))
    }

    /// Writes what was wrong behind so many bytes: what stands behind them was written before a kill, and is told again. The bytes that
    /// stand there then; nothing where a further step has no room.
    pub fn tell(
        &self,
        (tenant, import): (TenantId, ImportId),
        told: Told,
        behind: u64,
        (lines, budget): (&[u8], &Budget),
    ) -> io::Result<Option<u64>> {
        let bytes = behind.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        if behind / STEP < bytes / STEP {
            match self.demand_room(tenant, budget) {
                Err(UploadError::Disk(error)) => return Err(error),
                Err(_full) => return Ok(None),
                Ok(_) => {}
            }
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path(tenant, import, told.kind()))?;
        file.set_len(behind)?;
        file.seek(SeekFrom::Start(behind))?;
        file.write_all(lines)?;
        file.sync_data()?;
        Ok(Some(bytes))
    }

    /// What was wrong; `None` where that is told elsewhere, or no more.
    pub fn told(&self, (tenant, import): (TenantId, ImportId), told: Told) -> io::Result<Option<File>> {
        match File::open(self.path(tenant, import, told.kind())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => file.map(Some),
        }
    }
}

fn is_kind(path: &Path, kinds: &[&str]) -> bool {
    path.extension()
        .and_then(|kind| kind.to_str())
        .is_some_and(|kind| kinds.contains(&kind))
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
        if self.taken > self.budget.file {
            return Err(UploadError::TooLarge(self.budget.file));
        }
        self.text.clear();
        self.to_utf8.push(bytes, &mut self.text);
        self.write()
    }

    fn write(&mut self) -> Result<(), UploadError> {
        self.file.write_all(&self.text)?;
        self.written += u64::try_from(self.text.len()).unwrap_or(u64::MAX);
        if self.written > self.room {
            self.folder.demand_room(self.tenant, &self.budget)?;
            self.room = self.written.saturating_add(STEP);
        }
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
    use std::io::Read as _;

    use super::*;

    const ONE: TenantId = TenantId::new(7);
    const FILE: ImportId = ImportId::from_bytes([3; 16]);

    fn of(file: u64) -> Budget {
        Budget {
            file,
            tenant: 32 << 20,
            all: 64 << 20,
            free: 0,
            files: 4,
        }
    }

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
        let mut upload = folder.begin(ONE, FILE, of(100)).unwrap();
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
        let mut upload = folder.begin(ONE, FILE, of(5)).unwrap();
        upload.push(b"12345").unwrap();
        assert!(matches!(upload.push(b"6"), Err(UploadError::TooLarge(5))));
        drop(upload);
        assert_eq!(folder.list().unwrap(), []);
        // A process that is killed drops nothing.
        std::mem::forget(folder.begin(ONE, FILE, of(5)).unwrap());
        assert_eq!(folder.list().unwrap(), []);
        assert!(folder.begin(ONE, FILE, of(5)).is_err());
        folder.clear().unwrap();
        assert!(folder.begin(ONE, FILE, of(5)).is_ok());
    }

    #[test]
    fn what_was_wrong_is_written_behind_what_is_known() {
        let (_dir, folder) = folder();
        drop(folder.begin(ONE, FILE, of(5)).unwrap());
        let it = (ONE, FILE);
        assert!(folder.told(it, Told::Errors).unwrap().is_none());
        let tell = |told, behind, lines: &[u8]| folder.tell(it, told, behind, (lines, &of(5))).unwrap();
        assert_eq!(tell(Told::Errors, 0, b"one\ntwo\n"), Some(8));
        assert_eq!(tell(Told::Errors, 4, b"three\n"), Some(10));
        assert_eq!(tell(Told::Rows, 0, b"row\n"), Some(4));
        let told = || text(folder.told(it, Told::Errors).unwrap().unwrap());
        assert_eq!(told(), "one\nthree\n");
        // Where the tenant's files hold all that they may.
        let full = Budget { tenant: 0, ..of(5) };
        let lines = vec![b'x'; 9 << 20];
        assert_eq!(folder.tell(it, Told::Errors, 10, (&lines, &full)).unwrap(), None);
        assert_eq!(told(), "one\nthree\n");
        folder.remove_data(ONE, FILE).unwrap();
        assert_eq!(told(), "one\nthree\n");
        assert_eq!(
            (folder.list().unwrap(), folder.list_told().unwrap()),
            (vec![], vec![it])
        );
        folder.remove_told(ONE, FILE).unwrap();
        assert_eq!(folder.list_told().unwrap(), []);
    }

    #[test]
    fn no_file_is_taken_for_which_there_is_no_room() {
        let (_dir, folder) = folder();
        let other = TenantId::new(8);
        let id = |n| ImportId::from_bytes([n; 16]);
        let megabytes = |tenant, import, mut count: u32| {
            let mut upload = folder.begin(tenant, import, of(1 << 30))?;
            while count > 0 {
                upload.push(&vec![b'x'; 1 << 20])?;
                count -= 1;
            }
            upload.finish()?;
            folder.keep(tenant, import).map_err(UploadError::from)
        };
        assert!(
            matches!(megabytes(ONE, id(1), 60), Err(UploadError::TenantFull(_))),
            "it grows into its bound"
        );
        assert_eq!(folder.used(ONE).unwrap(), Used::default(), "and leaves nothing");
        megabytes(ONE, id(1), 26).unwrap();
        assert!(matches!(
            megabytes(ONE, id(2), 1),
            Err(UploadError::TenantFull(_))
        ));
        // What is told of wrong rows takes room, and no place among those that wait.
        folder
            .tell((other, id(9)), Told::Errors, 0, (b"x", &of(1)))
            .unwrap();
        megabytes(other, id(3), 1).unwrap();
        megabytes(other, id(4), 1).unwrap();
        megabytes(other, id(5), 1).unwrap();
        assert!(
            matches!(megabytes(other, id(6), 1), Err(UploadError::Full)),
            "four wait already"
        );
        folder.remove(other, id(5)).unwrap();
        let narrow = Budget {
            free: u64::MAX / 2,
            ..of(9)
        };
        assert!(matches!(
            folder.begin(other, id(6), narrow),
            Err(UploadError::Full)
        ));
        assert!(folder.begin(other, id(6), of(9)).is_ok());
    }
}
