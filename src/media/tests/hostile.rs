//! Files and names by which somebody wants to get out of a folder, into a browser, or into memory.

use super::*;
use crate::domain::media::MOST_INBOUND_BYTES;

/// A file of this kind and declared type; what became of it.
async fn ends(kind: &str, declared: &str, bytes: &[u8]) -> MessageMedia {
    let mut scene = Scene::new().await;
    scene.meta.serves(declared, bytes);
    let json = format!(
        r#"{{"type":"{kind}","{kind}":{{"id":"900","mime_type":"{declared}","filename":"../../../etc/cron.d/x\u0000\n"}}}}"#
    );
    let task = scene.receive(&json).await.unwrap();
    let shown = scene.settle(&task).await;
    let kept = usize::from(shown.state == MediaState::Stored);
    assert_eq!(scene.objects().await.len(), kept, "{shown:?}");
    shown
}

#[tokio::test]
async fn what_is_not_what_it_says_is_not_kept() {
    let html = b"<!DOCTYPE html><html><script>alert(document.domain)</script></html>";
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let program = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for (kind, declared, bytes) in [
        ("image", "image/png", &html[..]),
        ("image", "image/svg+xml", &svg[..]),
        ("image", "image/jpeg", &svg[..]),
        ("image", "text/html", &html[..]),
        ("video", "video/mp4", PNG),
        ("audio", "audio/ogg", &html[..]),
        ("sticker", "image/webp", PNG),
        ("document", "application/zip", &program[..]),
        ("image", "image/png", b""),
    ] {
        let shown = ends(kind, declared, bytes).await;
        assert_eq!(shown.state, MediaState::Refused, "{kind} {declared}");
        assert!(shown.why.is_some());
    }
}

#[tokio::test]
async fn a_document_is_kept_under_a_type_that_does_no_harm_whatever_it_is_called() {
    let html = b"<!DOCTYPE html><html><script>alert(document.domain)</script></html>";
    for (declared, bytes, mime) in [
        ("application/pdf", &html[..], "application/octet-stream"),
        (
            "application/vnd.ms-excel",
            b"a;b\n1;2",
            "application/octet-stream",
        ),
        ("text/plain\\r\\nX: y", b"hello", "application/octet-stream"),
    ] {
        let shown = ends("document", declared, bytes).await;
        assert_eq!(
            (shown.state, shown.mime.as_deref()),
            (MediaState::Stored, Some(mime))
        );
    }
}

#[tokio::test]
async fn a_name_leads_nowhere_and_an_archive_is_never_opened() {
    // Ten megabytes of zeros in a few bytes would be as good: nothing here looks into it.
    let archive = b"PK\x03\x04\x14\0\0\0\x08\0 and ten gigabytes of zeros";
    let shown = ends("document", "application/zip", archive).await;
    assert_eq!(shown.state, MediaState::Stored);
    assert_eq!(shown.bytes, Some(u64::try_from(archive.len()).unwrap()));
    assert_eq!(shown.name.as_deref(), Some("x"));
    // A picture that is an archive and a script, too: it is kept as a picture.
    let polyglot = [PNG, b"PK\x05\x06<script>alert(1)</script>"].concat();
    let shown = ends("image", "image/png", &polyglot).await;
    assert_eq!(
        (shown.state, shown.mime.as_deref()),
        (MediaState::Stored, Some("image/png"))
    );
}

#[tokio::test]
async fn more_than_was_declared_or_is_allowed_is_not_kept() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    scene.meta.declares(MOST_INBOUND_BYTES + 1);
    let task = scene.picture().await;
    let shown = scene.settle(&task).await;
    assert_eq!((shown.state, scene.meta.downloads()), (MediaState::Refused, 0));
    scene.meta.serves("image/png", PNG);
    scene.meta.declares(9);
    let task = scene.picture().await;
    assert!(
        matches!(scene.fetch(&task).await, Fetched::Later(_)),
        "it is not the file that was told of"
    );
    assert!(scene.objects().await.is_empty());
}

#[tokio::test]
async fn no_name_of_a_customers_leaves_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("files");
    for (nth, name) in [
        "../../escaped",
        "..\\..\\escaped",
        "/etc/escaped",
        "C:\\escaped",
        "a/../../escaped",
        "\u{202e}escaped",
        "escaped\0.png",
        "%2e%2e%2fescaped",
        "....//escaped",
        ".",
    ]
    .into_iter()
    .enumerate()
    {
        let mut scene = Scene::in_folder(&root).await;
        scene.meta.serves("application/pdf", b"%PDF-1.4 and more");
        let id = format!("90{nth}");
        let json = serde_json::json!({ "type": "document", "document": {
            "id": id, "mime_type": "application/pdf", "filename": name } });
        let task = scene.receive(&json.to_string()).await.unwrap();
        assert_eq!(scene.settle(&task).await.state, MediaState::Stored, "{name}");
    }
    let beside: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
    let mut folders = vec![root];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(!path.to_string_lossy().contains("escaped"), "{path:?}");
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("mesej-owner.json") {
                files += 1;
            }
        }
    }
    assert_eq!(files, 10);
}

#[tokio::test]
async fn another_file_than_the_one_that_meta_told_of_is_not_kept_and_not_asked_for_for_ever() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    scene.meta.tells_digest([0; 32]);
    let mut task = scene.picture().await;
    let mut tries = 1;
    let end = loop {
        match scene.fetch(&task).await {
            Fetched::Later(due) => scene.clock.advance(due.since(scene.clock.now())),
            Fetched::Ended(change) => break change.media,
            Fetched::Gone => panic!("nobody wants it"),
        }
        assert!(scene.objects().await.is_empty());
        task = scene.tasks().await.remove(0);
        tries += 1;
    };
    assert_eq!((end.state, tries), (MediaState::Failed, 8));
    let digest = ring::digest::digest(&ring::digest::SHA256, PNG);
    scene.meta.tells_digest(digest.as_ref().try_into().unwrap());
    let task = scene.picture().await;
    assert_eq!(scene.settle(&task).await.state, MediaState::Stored);
}

#[tokio::test]
async fn a_type_that_is_none_is_not_shown_and_keeps_no_other_file_from_being_found() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let odd = |mime: &str| {
        let json = serde_json::json!({ "type": "document", "document": { "id": "900", "mime_type": mime } });
        json.to_string()
    };
    for mime in [
        "text/plain\r\nX: y".to_owned(),
        "x/".to_owned() + &"y".repeat(100_000),
    ] {
        let task = scene.receive(&odd(&mime)).await.unwrap();
        let shown = scene.settle(&task).await;
        assert_eq!(
            (shown.state, shown.mime.as_deref()),
            (MediaState::Stored, Some("image/png"))
        );
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_noted_is_stepped_over() {
    let mut scene = Scene::new().await;
    scene.meta.serves("image/png", PNG);
    let before = scene.head;
    let first = scene.picture().await;
    // Its row is damaged before its task is noted.
    let corrupt = crate::store::plain::PlainValue {
        body: Bytes::from_static(b"{"),
        expires: None,
    };
    let key = MediaFile::at(TENANT, first.id);
    let stands = scene
        .store
        .plain_row(key.clone(), scene.clock.now())
        .await
        .unwrap();
    let body = stands.map(|stands| stands.body);
    let replaced = scene
        .store
        .replace_plain_row(key, body, Some(corrupt), scene.clock.now());
    assert!(replaced.await.unwrap());
    let second = scene.picture().await;
    let found = scene.media.discover(TENANT, before, 9).await.unwrap();
    assert_eq!(found.seq, scene.head);
    assert_eq!(found.tasks, [second]);
}
