//! What becomes of files later: after weeks without a gateway, with several gateways, and when somebody changed their bytes.

use super::*;

#[tokio::test]
async fn a_file_that_was_not_fetched_while_the_gateway_was_away_is_told_to_have_failed() {
    let mut scene = Scene::new().await;
    scene.meta.refuses(404, 100);
    let task = scene.picture().await;
    scene.clock.advance(Duration::from_hours(30 * 24));
    assert_eq!(scene.tasks().await, std::slice::from_ref(&task));
    let shown = scene.settle(&task).await;
    assert_eq!(shown.state, MediaState::Failed);
}

#[tokio::test]
async fn what_is_left_of_a_tenant_that_runs_nowhere_is_one_gateways_while_it_lives() {
    let scene = Scene::new().await;
    let processes = Arc::default();
    let gateway = |process| {
        let process = crate::store::ProcessId::new(process);
        let store = crate::store::faulty::FaultyStore::of_process(process, &processes, &scene.store);
        let (clock, meta) = (Arc::new(scene.clock.clone()), scene.meta.clone());
        Media::new(Arc::new(store), clock, scene.media.files().clone(), meta)
    };
    let (one, two) = (gateway(1), gateway(2));
    for _ in 0..5 {
        assert!(one.take_on(TENANT).await.unwrap());
        assert!(!two.take_on(TENANT).await.unwrap());
        // How far its log was read says nothing about that.
        one.note_read(TENANT, Epoch::new(1), Seq::default())
            .await
            .unwrap();
        scene.clock.advance(Duration::from_mins(10));
    }
    scene.clock.advance(Duration::from_mins(16));
    assert!(two.take_on(TENANT).await.unwrap());
    assert!(!one.take_on(TENANT).await.unwrap());
    // A clock that was ahead and was set right.
    scene.clock.jump_wall_to(NOW.before(Duration::from_hours(24)));
    assert!(one.take_on(TENANT).await.unwrap());
    // Nobody else can be on a store of one process.
    assert!(scene.media.take_on(TENANT).await.unwrap());
}

#[tokio::test]
async fn bytes_that_were_changed_are_neither_handed_out_nor_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::in_folder(folder.path()).await;
    scene.meta.serves("image/png", PNG);
    let task = scene.picture().await;
    scene.settle(&task).await;
    let file = scene.media.find(TENANT, task.id).await.unwrap().unwrap();
    let id = task.id.to_string();
    let (owner, own) = id.split_at(32);
    let place = folder
        .path()
        .join(format!("{}/{owner}/{own}.{}", TENANT.get(), file.file.unwrap()));
    let read = async || {
        let name = ObjectName {
            tenant: TENANT,
            id: file.id,
            key: file.file.unwrap(),
        };
        let pieces = scene
            .media
            .files()
            .read(&name, None, &file.expected())
            .await
            .unwrap();
        match pieces {
            None => None,
            Some(pieces) => pieces.try_collect::<Vec<Bytes>>().await.ok(),
        }
    };
    assert!(read().await.is_some());
    let mut other = PNG.to_vec();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(&place, &other).unwrap();
    assert!(read().await.is_none(), "the same length");
    std::fs::write(&place, [PNG, b"more"].concat()).unwrap();
    assert!(read().await.is_none(), "another length");
}
