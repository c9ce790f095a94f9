//! Uploads for which there is no room, and what they leave: nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::sending::{declared, upload};
use super::*;
use crate::media::uploads::{SMALLEST_PIECE, UploadError};
use crate::store::StoreErrorKind;
use crate::store::faulty::{Fault, FaultyStore};

const GIB: u64 = 1 << 30;

/// A folder whose disk has as much room as a test says.
struct Disk {
    folder: tempfile::TempDir,
    free: Arc<AtomicU64>,
}

impl Disk {
    fn with(free: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = Arc::new(AtomicU64::new(free));
        Self { folder, free }
    }

    fn files(&self) -> Files {
        let mut files = Files::in_folder(self.folder.path()).unwrap().keep_free(GIB);
        files.room.free = Some(Arc::clone(&self.free));
        files
    }

    /// The names of all files, half written ones among them.
    fn names(&self) -> Vec<String> {
        let (mut folders, mut names) = (vec![self.folder.path().to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
                if path.is_dir() {
                    folders.push(path);
                } else if name != "mesej-owner.json" {
                    names.push(name.into_string().unwrap());
                }
            }
        }
        names
    }
}

#[tokio::test]
async fn no_upload_begins_where_there_is_no_room_and_it_is_taken_once_there_is() {
    let disk = Disk::with(GIB);
    let scene = Scene::with(disk.files()).await;
    let png = || vec![Bytes::from_static(PNG)];
    let refused = upload(&scene, "image/png", png()).await;
    assert!(matches!(refused, Err(UploadError::NoRoom(_))), "{refused:?}");
    let whole = [PNG, &vec![7; SMALLEST_PIECE]].concat();
    let bytes = u64::try_from(whole.len()).unwrap();
    let begun = scene
        .media
        .begin_upload(TENANT, declared("image/png"), bytes)
        .await;
    let id = begun.unwrap();
    let add = async || {
        let piece = Bytes::copy_from_slice(&whole);
        scene.media.add_piece(TENANT, id, 0, piece).await
    };
    let refused = add().await;
    assert!(matches!(refused, Err(UploadError::NoRoom(_))), "{refused:?}");
    assert_eq!(disk.names(), [""; 0]);
    disk.free.store(2 * GIB, Ordering::Relaxed);
    upload(&scene, "image/png", png()).await.unwrap();
    assert!(matches!(
        add().await.unwrap(),
        Some(crate::media::uploads::Progress::Done(_))
    ));
    assert_eq!(disk.names().len(), 2);
}

#[tokio::test]
async fn an_upload_that_would_fill_the_disk_ends_while_it_grows_and_leaves_nothing() {
    const PIECE: u64 = 1 << 20;
    let disk = Disk::with(GIB + 40 * PIECE);
    let scene = Scene::with(disk.files()).await;
    let mut sent = 0;
    let refused = scene
        .media
        .upload(TENANT, declared("application/pdf"), async || {
            sent += 1;
            disk.free.fetch_sub(PIECE, Ordering::Relaxed);
            let mut piece = b"%PDF-1.4\n".to_vec();
            piece.resize(1 << 20, b'x');
            Ok::<_, MediaError>((sent <= 90).then(|| piece.into()))
        })
        .await;
    assert!(matches!(refused, Err(UploadError::NoRoom(_))), "{refused:?}");
    assert!((9..=40).contains(&sent), "{sent} MiB");
    assert!(
        disk.free.load(Ordering::Relaxed) >= GIB,
        "what is to stay free is"
    );
    assert_eq!(disk.names(), [""; 0]);
}

#[tokio::test]
async fn bytes_go_at_once_when_the_store_does_not_take_their_row() {
    let disk = Disk::with(2 * GIB);
    let scene = Scene::with(disk.files()).await;
    let process = crate::store::ProcessId::new(1);
    let store = Arc::new(FaultyStore::of_process(process, &Arc::default(), &scene.store));
    let clock = Arc::new(scene.clock.clone());
    let media = Media::new(store.clone(), clock, disk.files(), scene.meta.clone());
    let next = async |fault: Fault| {
        store.plain_faults.lock().unwrap().push_back(fault);
        let mut pieces = [Bytes::from_static(PNG)].into_iter();
        let next = async || Ok::<_, MediaError>(pieces.next());
        media.upload(TENANT, declared("image/png"), next).await
    };
    for kind in [StoreErrorKind::Full, StoreErrorKind::Unavailable] {
        next(Fault::Refuse(kind)).await.unwrap_err();
        assert_eq!(disk.names(), [""; 0], "{kind:?}");
    }
    // The row may be there, and would lead to nothing.
    next(Fault::LoseAnswer).await.unwrap_err();
    assert_eq!(disk.names().len(), 1);
    // Pieces.
    let whole = [PNG, &vec![7; 2 * SMALLEST_PIECE]].concat();
    let bytes = u64::try_from(whole.len()).unwrap();
    let begun = media.begin_upload(TENANT, declared("image/png"), bytes).await;
    let full = Fault::Refuse(StoreErrorKind::Full);
    store.plain_faults.lock().unwrap().push_back(full);
    let piece = Bytes::copy_from_slice(&whole[..SMALLEST_PIECE]);
    media
        .add_piece(TENANT, begun.unwrap(), 0, piece)
        .await
        .unwrap_err();
    assert_eq!(disk.names().len(), 1);
}
