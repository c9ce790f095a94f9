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
async fn customers_files_stay_at_meta_while_there_is_no_room_and_are_fetched_once_there_is() {
    const MIB: u64 = 1 << 20;
    let disk = Disk::with(GIB);
    let mut scene = Scene::with(disk.files()).await;
    scene.meta.serves("image/png", PNG);
    // No room for uploads is room for these.
    let first = scene.picture().await;
    assert_eq!(scene.settle(&first).await.state, MediaState::Stored);
    disk.free.store(GIB / 2 + 4 * MIB, Ordering::Relaxed);
    let task = scene.picture().await;
    for _ in 0..200 {
        let Fetched::Later(due) = scene.fetch(&task).await else {
            panic!("there is no room")
        };
        let wait = due.since(scene.clock.now());
        assert!(wait <= Duration::from_mins(2), "{wait:?}");
        scene.clock.advance(wait);
    }
    assert_eq!(scene.meta.downloads(), 1, "Meta is not asked meanwhile");
    assert_eq!(scene.tasks().await, std::slice::from_ref(&task), "it is no try");
    assert_eq!(disk.names().len(), 1);
    disk.free.store(GIB, Ordering::Relaxed);
    assert_eq!(scene.settle(&task).await.state, MediaState::Stored);
    assert_eq!(disk.names().len(), 2);
}

#[tokio::test]
async fn a_customers_file_that_would_fill_the_disk_ends_while_it_grows_and_leaves_nothing() {
    const MIB: u64 = 1 << 20;
    let disk = Disk::with(GIB / 2 + 9 * MIB);
    let mut scene = Scene::with(disk.files()).await;
    let mut pdf = b"%PDF-1.4\n".to_vec();
    pdf.resize(40 << 20, b'x');
    scene.meta.serves("application/pdf", &pdf);
    let json = r#"{"type":"document","document":{"id":"900","mime_type":"application/pdf"}}"#;
    let task = scene.receive(json).await.unwrap();
    let (free, began) = (Arc::clone(&disk.free), disk.free.load(Ordering::Relaxed));
    // What is written of it takes room.
    let filling = async {
        loop {
            let written = scene.meta.given();
            free.store(began.saturating_sub(written), Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    };
    let fetched = tokio::select! {
        fetched = scene.fetch(&task) => fetched,
        () = filling => unreachable!(),
    };
    assert!(matches!(fetched, Fetched::Later(_)), "{fetched:?}");
    assert!(scene.meta.given() < 30 * MIB, "{}", scene.meta.given());
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
