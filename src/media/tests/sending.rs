//! What a business uploads, on its way to Meta.

use super::*;

pub(super) fn declared(mime: &str) -> crate::media::uploads::Declared {
    let (kind, mime) = crate::domain::MediaKind::to_send(mime).unwrap();
    crate::media::uploads::Declared {
        by: crate::domain::Author::BusinessApp,
        kind,
        mime,
        name: Some("menu".into()),
    }
}

pub(super) async fn upload(
    scene: &Scene,
    mime: &str,
    pieces: Vec<Bytes>,
) -> Result<MediaFile, crate::media::uploads::UploadError<MediaError>> {
    let mut pieces = pieces.into_iter();
    let next = async || Ok(pieces.next());
    scene.media.upload(TENANT, declared(mime), next).await
}

#[tokio::test]
async fn what_is_uploaded_is_sent_by_a_copy_and_brought_to_meta_once_for_a_number() {
    use crate::media::outbound::{FileToSend, OutboundFiles as _};
    let scene = Scene::new().await;
    let file = upload(&scene, "image/png", vec![Bytes::from_static(PNG)])
        .await
        .unwrap();
    assert_eq!(scene.bytes(&file).await, PNG);
    let to_send = FileToSend {
        tenant: TENANT,
        number: number(),
        at: crate::store::MessageRef {
            conversation: crate::domain::ConversationId::from_bytes([1; 16]),
            message: crate::domain::MessageId::from_bytes([2; 16]),
        },
        contact: crate::domain::ContactId::from_bytes([3; 16]),
        upload: file.id,
    };
    let (one, other) = tokio::join!(scene.media.at_meta(&to_send), scene.media.at_meta(&to_send));
    assert_eq!((one.as_deref(), other.as_deref()), (Ok("meta-1"), Ok("meta-1")));
    assert_eq!(scene.media.at_meta(&to_send).await.as_deref(), Ok("meta-1"));
    assert_eq!(scene.meta.uploads(), [("image/png".to_owned(), PNG.to_vec())]);
    // Meta forgets it after thirty days, and by then the upload is gone.
    scene.clock.advance(Duration::from_hours(24 * 29));
    let gone = scene.media.at_meta(&to_send).await;
    assert!(
        matches!(gone, Err(crate::media::outbound::NotAtMeta::Never(_))),
        "{gone:?}"
    );
}

#[tokio::test]
async fn a_message_keeps_a_copy_of_each_file_in_its_headers_and_shows_them_until_it_is_gone() {
    let mut scene = Scene::new().await;
    let mut uploads = Vec::new();
    for tail in [b"one", b"two"] {
        let png = Bytes::from([PNG, tail].concat());
        uploads.push(upload(&scene, "image/png", vec![png]).await.unwrap());
    }
    let header = |at: usize| serde_json::json!({ "type": "image", "image": { "media_id": uploads[at].id } });
    let template = serde_json::json!({ "type": "template", "template": { "components": [
        { "type": "header", "parameters": [header(0)] },
        { "type": "carousel", "cards": [
            { "components": [{ "parameters": [header(1)] }] },
            { "components": [{ "parameters": [header(0)] }] } ] } ] } });
    let (at, tasks) = scene.submit(&template).await;
    assert_eq!(tasks.len(), 2);
    for task in &tasks {
        assert_eq!(scene.settle(task).await.state, MediaState::Stored);
    }
    let now = scene.clock.now();
    let shown = scene.store.message(TENANT, at, now).await.unwrap().unwrap();
    assert!(shown.media.is_none() && shown.files.len() == 2);
    for (file, tail) in shown.files.iter().zip([b"one", b"two"]) {
        assert_eq!(file.state, MediaState::Stored);
        let kept = scene.media.find(TENANT, file.media_id).await.unwrap().unwrap();
        assert_eq!(scene.bytes(&kept).await, [PNG, tail].concat());
    }
    // The uploads end, and the message still has its own.
    scene.clock.advance(Duration::from_hours(49));
    assert!(scene.media.find(TENANT, uploads[0].id).await.unwrap().is_none());
    let source = crate::media::outbound::FileToSend {
        tenant: TENANT,
        number: number(),
        at,
        contact: shown.contact_id,
        upload: uploads[1].id,
    };
    crate::media::outbound::OutboundFiles::at_meta(&scene.media, &source)
        .await
        .unwrap();
    assert_eq!(
        scene.meta.uploads(),
        [("image/png".to_owned(), [PNG, b"two"].concat())]
    );
}

#[tokio::test]
async fn what_meta_would_not_take_is_not_taken_and_leaves_nothing() {
    use crate::media::uploads::UploadError;
    let scene = Scene::new().await;
    let large = vec![Bytes::from([PNG.to_vec(), vec![0; 100_000]].concat()); 60];
    let refused = upload(&scene, "image/png", large).await;
    assert!(matches!(refused, Err(UploadError::TooLarge(5_242_880))));
    let html = vec![Bytes::from_static(b"<html><script>alert(1)</script></html>")];
    assert!(matches!(
        upload(&scene, "image/png", html).await,
        Err(UploadError::Type(_))
    ));
    assert!(matches!(
        upload(&scene, "image/png", vec![]).await,
        Err(UploadError::Type(_))
    ));
    let broken = scene
        .media
        .upload(TENANT, declared("image/png"), async || {
            Err::<Option<Bytes>, _>("gone")
        })
        .await;
    assert!(matches!(broken, Err(UploadError::Body("gone"))));
    assert!(scene.objects().await.is_empty());
}

#[tokio::test]
async fn an_upload_in_pieces_goes_on_where_it_broke_off_and_is_whole_in_the_end() {
    use crate::media::uploads::{Progress, SMALLEST_PIECE, UploadError};
    let scene = Scene::new().await;
    let whole = [PNG, &vec![7; SMALLEST_PIECE * 2]].concat();
    let (first, rest) = whole.split_at(SMALLEST_PIECE);
    let bytes = u64::try_from(whole.len()).unwrap();
    let id = scene
        .media
        .begin_upload(TENANT, declared("image/png"), bytes)
        .await
        .unwrap();
    let add = async |offset: usize, piece: &[u8]| {
        let piece = Bytes::copy_from_slice(piece);
        scene
            .media
            .add_piece(TENANT, id, u64::try_from(offset).unwrap(), piece)
            .await
    };
    let open = |offset: usize| {
        Some(Progress::Open {
            offset: u64::try_from(offset).unwrap(),
            bytes,
        })
    };
    assert!(
        matches!(add(0, &first[..9]).await, Err(UploadError::Type(_))),
        "too short"
    );
    assert_eq!(add(0, first).await.unwrap(), open(first.len()));
    // The answer was lost: the same again, and what is not next, change nothing.
    assert_eq!(add(0, first).await.unwrap(), open(first.len()));
    assert_eq!(add(whole.len(), rest).await.unwrap(), open(first.len()));
    assert_eq!(
        scene.media.upload_progress(TENANT, id).await.unwrap(),
        open(first.len())
    );
    assert_eq!(
        scene.media.upload_progress(TenantId::new(8), id).await.unwrap(),
        None
    );
    let Some(Progress::Done(file)) = add(first.len(), rest).await.unwrap() else {
        panic!("it is not whole")
    };
    assert_eq!(scene.bytes(&file).await, whole);
    assert_eq!(scene.objects().await.len(), 1, "its pieces are gone");
    assert_eq!(add(first.len(), rest).await.unwrap(), Some(Progress::Done(file)));
}

#[tokio::test]
async fn a_tenant_has_a_bounded_number_of_uploads_open() {
    use crate::media::uploads::{MOST_OPEN, UploadError};
    let scene = Scene::new().await;
    let begin = async |tenant| scene.media.begin_upload(tenant, declared("image/png"), 100).await;
    for _ in 0..MOST_OPEN {
        begin(TENANT).await.unwrap();
    }
    assert!(matches!(begin(TENANT).await, Err(UploadError::TooManyOpen)));
    begin(TenantId::new(8)).await.unwrap();
    scene.clock.advance(Duration::from_hours(25));
    begin(TENANT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sample_that_breaks_off_goes_on_from_where_meta_has_it_and_gives_a_handle() {
    use crate::domain::MediaKind;
    use crate::media::samples::SampleError;
    let scene = Scene::new().await;
    let token = crate::whatsapp::BearerToken::parse("secret").unwrap();
    let whole = [PNG, &[7; 5_000]].concat();
    let file = upload(&scene, "image/png", vec![Bytes::from(whole.clone())])
        .await
        .unwrap();
    let bring = async || {
        let sample = scene
            .media
            .check_sample(TENANT, file.id, MediaKind::Image)
            .await?;
        scene.media.bring_sample(&sample, None, &token).await
    };
    for (breaks, sessions) in [
        (vec![], 1),
        (vec![1_000, 0, 3_000], 1),
        // All of it came, and the handle did not come back.
        (vec![9_999], 2),
    ] {
        let before = scene.meta.sample().1;
        scene.meta.samples_break_off_after(&breaks);
        assert_eq!(bring().await.unwrap(), "4::handle");
        let (sample, begun) = scene.meta.sample();
        assert!(sample == whole, "{breaks:?}");
        assert_eq!(begun - before, sessions, "{breaks:?}");
    }
    scene.meta.samples_break_off_after(&[1_000]);
    scene.meta.forgets_the_session();
    assert_eq!(bring().await.unwrap(), "4::handle");
    assert!(scene.meta.sample().0 == whole, "begun anew");
    scene.meta.samples_break_off_after(&[1; 100]);
    assert!(bring().await.is_err());
    let check = async |id, kind| scene.media.check_sample(TENANT, id, kind).await;
    assert!(matches!(
        check(file.id, MediaKind::Video).await,
        Err(SampleError::Kind(MediaKind::Image))
    ));
    let nobodys = crate::domain::MediaId::of_upload([9; 16]);
    assert!(matches!(
        check(nobodys, MediaKind::Image).await,
        Err(SampleError::Absent)
    ));
    let voice = upload(
        &scene,
        "audio/ogg",
        vec![Bytes::from_static(b"OggS\0\x02 and more of it")],
    )
    .await;
    assert!(matches!(
        check(voice.unwrap().id, MediaKind::Audio).await,
        Err(SampleError::Type)
    ));
}
