//! What is swept, what is not, and whose files are swept at all.

use super::sending::upload;
use super::*;
use crate::media::ownership::NotOwned;
use crate::media::sweep::SweptFiles;
use crate::store::plain::PlainTable;
use crate::store::tables::{FileKey, QuickFile};

impl Scene {
    /// Sweeps when everything is older than a day.
    async fn sweep(&self) -> SweptFiles {
        // Objects are as old as this machine says, and what is believed here is years ahead of that.
        self.media.sweep(|| true).await.unwrap().unwrap()
    }

    /// Another installation, or what became of this one, with the same folder or bucket.
    fn with_the_same_files(&self, store: Arc<MemoryStore>) -> Media {
        let (clock, meta) = (Arc::new(self.clock.clone()), self.meta.clone());
        Media::new(store, clock, self.media.files().clone(), meta)
    }

    async fn leave_an_orphan(&self) {
        let orphan = ObjectName {
            tenant: TENANT,
            id: crate::domain::MediaId::of_upload([9; 16]),
            key: FileKey::of([9; 16]),
        };
        let mut writer = self.media.files().write(&orphan).await.unwrap();
        writer.push(Bytes::from_static(b"nobody's")).await.unwrap();
        writer.finish().await.unwrap();
    }
}

#[tokio::test]
async fn a_sweep_leaves_what_is_needed_or_young_and_counts_it() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let (stays, goes) = (scene.picture().await, scene.picture().await);
    scene.settle(&stays).await;
    scene.settle(&goes).await;
    let orphan = ObjectName {
        tenant: TENANT,
        id: stays.id,
        key: crate::store::tables::FileKey::of([9; 16]),
    };
    let mut writer = scene.media.files().write(&orphan).await.unwrap();
    writer.push(Bytes::from_static(b"nobody's")).await.unwrap();
    writer.finish().await.unwrap();
    let message = scene.message(&goes).await;
    scene.revoke(&message).await;
    // Objects are as old as this machine says; what is believed here is years ahead of that, or behind.
    scene.clock.jump_wall_to(Timestamp::from_secs(1));
    let young = scene.media.sweep(|| true).await.unwrap().unwrap();
    assert_eq!((young.files, young.removed), (3, 0));
    scene.clock.jump_wall_to(NOW);
    let swept = scene.media.sweep(|| true).await.unwrap().unwrap();
    assert_eq!(
        (swept.files, swept.bytes, swept.removed),
        (1, u64::try_from(PNG.len()).unwrap(), 2)
    );
    let usage = scene.media.usage(TENANT).await.unwrap().unwrap();
    assert_eq!(swept.of_tenants, [(TENANT, usage.bytes)]);
    assert_eq!((usage.files, usage.bytes), (1, u64::try_from(PNG.len()).unwrap()));
    assert!(scene.media.find(TENANT, stays.id).await.unwrap().is_some());
    assert_eq!(scene.media.find(TENANT, goes.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_store_that_was_made_anew_removes_no_file_until_it_is_told_to() {
    let scene = Scene::new().await;
    scene.leave_an_orphan().await;
    let anew = scene.with_the_same_files(Arc::new(MemoryStore::new()));
    for _ in 0..2 {
        let swept = anew.sweep(|| true).await.unwrap().unwrap();
        assert_eq!((swept.files, swept.removed), (1, 0));
        assert_eq!(swept.held, Some(NotOwned::Foreign));
    }
    anew.adopt_files().await.unwrap();
    // From now on they are nobody else's.
    assert_eq!(scene.sweep().await.held, Some(NotOwned::Foreign));
    assert_eq!(scene.objects().await.len(), 1);
    let swept = anew.sweep(|| true).await.unwrap().unwrap();
    assert_eq!((swept.files, swept.removed, swept.held), (0, 1, None));
}

#[tokio::test]
async fn a_store_that_is_older_than_the_files_or_lost_something_removes_none() {
    let scene = Scene::new().await;
    scene.leave_an_orphan().await;
    let owner = scene.media.files().owner().await.unwrap().unwrap();
    let ahead = crate::store::tables::MediaOwner {
        generation: owner.generation + 1,
        ..owner.clone()
    };
    scene.media.files().set_owner(&ahead).await.unwrap();
    assert_eq!(scene.sweep().await.held, Some(NotOwned::Older));
    scene.media.files().set_owner(&owner).await.unwrap();
    scene.media.disown_files().await.unwrap();
    assert_eq!(scene.sweep().await.held, Some(NotOwned::Foreign));
    assert_eq!(scene.objects().await.len(), 1);
    scene.media.adopt_files().await.unwrap();
    assert_eq!(scene.sweep().await.removed, 1);
}

#[tokio::test]
async fn files_that_nothing_is_said_of_are_left_and_an_empty_folder_is_taken() {
    let scene = Scene::new().await;
    let store = Arc::new(MemoryStore::new());
    let media = Media::new(
        store,
        Arc::new(scene.clock.clone()),
        Files::in_memory(),
        scene.meta.clone(),
    );
    let id = ObjectName {
        tenant: TENANT,
        id: crate::domain::MediaId::of_upload([9; 16]),
        key: FileKey::of([9; 16]),
    };
    let mut writer = media.files().write(&id).await.unwrap();
    writer.push(Bytes::from_static(b"whose?")).await.unwrap();
    writer.finish().await.unwrap();
    let swept = media.sweep(|| true).await.unwrap().unwrap();
    assert_eq!((swept.removed, swept.held), (0, Some(NotOwned::Unmarked)));
    media.files().remove(&id).await.unwrap();
    assert_eq!(media.confirm_ownership().await.unwrap(), Ok(()));
    assert_eq!(media.confirm_ownership().await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_tenant_whose_last_file_went_has_none_and_a_sweep_that_is_cut_off_counts_nothing() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    scene.settle(&task).await;
    assert_eq!(scene.sweep().await.files, 1);
    assert_eq!(scene.media.usage(TENANT).await.unwrap().unwrap().files, 1);
    assert_eq!(scene.media.sweep(|| false).await.unwrap(), None);
    let message = scene.message(&task).await;
    scene.revoke(&message).await;
    assert_eq!(scene.sweep().await.removed, 1);
    let usage = scene.media.usage(TENANT).await.unwrap().unwrap();
    assert_eq!((usage.files, usage.bytes), (0, 0));
}

#[tokio::test]
async fn what_cannot_be_told_of_one_file_keeps_no_other_from_being_swept() {
    let scene = Scene::new().await;
    scene.leave_an_orphan().await;
    let broken = crate::domain::MediaId::of_upload([1; 16]);
    let name = ObjectName {
        tenant: TENANT,
        id: broken,
        key: FileKey::of([1; 16]),
    };
    let mut writer = scene.media.files().write(&name).await.unwrap();
    writer.push(Bytes::from_static(b"x")).await.unwrap();
    writer.finish().await.unwrap();
    let corrupt = crate::store::plain::PlainValue {
        body: Bytes::from_static(b"{"),
        expires: None,
    };
    let key = MediaFile::at(TENANT, broken);
    assert!(
        scene
            .store
            .replace_plain_row(key, None, Some(corrupt), scene.clock.now())
            .await
            .unwrap()
    );
    let swept = scene.sweep().await;
    assert_eq!((swept.failed, swept.removed), (1, 1));
    assert_eq!(scene.objects().await[0].name, name);
}

#[tokio::test]
async fn an_upload_is_kept_as_long_as_a_quick_file_names_it_and_ends_afterwards() {
    let scene = Scene::new().await;
    let (named, left) = (
        upload(&scene, "image/png", vec![Bytes::from_static(PNG)])
            .await
            .unwrap(),
        upload(&scene, "image/png", vec![Bytes::from_static(PNG)])
            .await
            .unwrap(),
    );
    let table = || PlainTable::<QuickFile>::of(scene.store.as_ref(), scene.clock.now());
    let row = QuickFile {
        shortcut: "menu".parse().unwrap(),
        media_id: named.id,
        kind: named.kind,
        name: None,
        mime: None,
        bytes: None,
    };
    // Killed before the upload was told: the row alone says that it is to stay.
    let key = || QuickFile::at(TENANT, &row.shortcut);
    assert!(table().replace(&key(), None, Some(&row)).await.unwrap());
    // Killed before the row was written: nothing names it.
    scene.media.keep_upload(TENANT, left.id).await.unwrap();
    scene.sweep().await;
    let until = async |id| scene.media.find(TENANT, id).await.unwrap().unwrap().until;
    assert_eq!(until(named.id).await, None);
    assert!(until(left.id).await.is_some());
    table().remove(key()).await.unwrap();
    scene.sweep().await;
    assert!(until(named.id).await.is_some());
}
