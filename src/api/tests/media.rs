//! Files, handed out.

use serde_json::json;

use super::meta::PICTURE;
use super::*;
use crate::domain::{ContentKind, MediaId, SendRate, WabaId};
use crate::media::fetch::Fetched;
use crate::store::Number;
use crate::store::directory::AccessToken;

impl Api {
    /// A customer sends a picture to a number of a tenant, and nobody fetched it yet.
    async fn picture_comes(&self, tenant: TenantId, number: PhoneNumberId) -> MediaId {
        let state = &self.state;
        let row = Number {
            id: number.clone(),
            tenant,
            waba: WabaId::parse("9").unwrap(),
            app: None,
            display: "+62 811".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("secret"),
        };
        if self.store.number(row.id.clone()).await.unwrap().is_none() {
            self.store.put_number(row).await.unwrap();
        }
        let before = self.store.tenant_head(tenant).await.unwrap().unwrap().head;
        let image = json!({ "type": "image", "image": { "id": "900", "mime_type": "image/png" } });
        let receive = Receive {
            number,
            by: crate::domain::message::Side::Customer,
            via: None,
            aliases: ContactAliases::of([Alias::phone("628123456789").unwrap()]),
            naming: crate::store::op::Naming::Current,
            group: None,
            name: Some("Siti".into()),
            username: None,
            wamid: Wamid::parse(&format!("wamid.p{}", self.core.next_number())).unwrap(),
            at: self.clock_now(),
            content: Content::from_value(ContentKind::Image, &image),
            keyword: None,
        };
        self.core.commit(tenant, Op::Receive(Box::new(receive))).await;
        let found = state.media.discover(tenant, before, 9).await.unwrap();
        found.tasks[0].id
    }

    /// The same, and it is fetched.
    pub(super) async fn picture_of(&self, tenant: TenantId, number: PhoneNumberId) -> MediaId {
        let id = self.picture_comes(tenant, number).await;
        let media = &self.state.media;
        let (tasks, _) = media.open_tasks(tenant, None).await.unwrap();
        let task = tasks.iter().find(|task| task.id == id).unwrap();
        let Fetched::Ended(change) = media.fetch(tenant, task).await.unwrap() else {
            panic!("it was not fetched")
        };
        self.core.commit(tenant, Op::Media(Box::new(change))).await;
        media.end_task(tenant, id).await.unwrap();
        id
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let found = answer
        .headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or("", |(_, value)| value)
}

#[actix_web::test]
async fn a_file_is_handed_out_as_an_attachment_that_no_browser_runs() {
    let api = Api::start().await;
    let id = api.picture_of(ONE, number(ONE)).await;
    let path = format!("/v1/media/{id}");
    let whole = api.get(&path).await;
    assert_eq!((whole.status, whole.body.as_slice()), (200, PICTURE));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        ("cache-control", "private, no-store"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(header(&whole, name), value, "{name}");
    }
    let part = api.call("GET", &path).header("Range", "bytes=1-3").send().await;
    assert_eq!((part.status, part.body.as_slice()), (206, &PICTURE[1..4]));
    assert_eq!(
        header(&part, "content-range"),
        format!("bytes 1-3/{}", PICTURE.len())
    );
    let beyond = api.call("GET", &path).header("Range", "bytes=999-").send().await;
    assert_eq!(beyond.status, 416);
    let tag = header(&whole, "etag");
    let known = api.call("GET", &path).header("If-None-Match", tag).send().await;
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[actix_web::test]
async fn a_file_that_is_not_there_yet_or_not_any_more_says_so() {
    let api = Api::start().await;
    let pending = api.picture_comes(ONE, number(ONE)).await;
    let answer = api.get(&format!("/v1/media/{pending}")).await;
    assert_eq!(answer.outcome(), (409, "media_pending".to_owned()));
    let id = api.picture_of(ONE, number(ONE)).await;
    api.clock.advance(Duration::from_secs(3_600 * 24 * 2_000));
    let answer = api.get(&format!("/v1/media/{id}")).await;
    assert_eq!(answer.outcome(), (410, "media_removed".to_owned()));
}

#[actix_web::test]
async fn a_link_hands_a_file_to_anybody_until_it_ends() {
    let api = Api::start().await;
    let id = api.picture_of(ONE, number(ONE)).await;
    let made = api.post(&format!("/v1/media/{id}/link"), &json!({})).await;
    assert_eq!((made.status, &made.json()["expires_in_s"]), (201, &json!(900)));
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let path = url.strip_prefix("https://mesej.example.com").unwrap();
    let file = api.plain("GET", path).send().await;
    assert_eq!((file.status, file.body.as_slice()), (200, PICTURE));
    assert_eq!(header(&file, "content-disposition"), "attachment");
    assert_eq!(header(&file, "cache-control"), "private, no-store");
    let wrong = api
        .plain("GET", "/media/00112233445566778899aabbccddeeff")
        .send()
        .await;
    assert_eq!(wrong.outcome(), (404, "not_found".to_owned()));
    api.clock.advance(Duration::from_secs(901));
    let over = api.plain("GET", path).send().await;
    assert_eq!(over.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn a_file_is_uploaded_whole_or_in_pieces_and_refused_with_its_limit() {
    let api = Api::start().await;
    let post = |mime: &str, body: &[u8]| {
        api.call("POST", "/v1/media?name=..%2Fa.png")
            .header("Content-Type", mime)
            .body(body)
    };
    let made = post("image/png", PICTURE).send().await;
    assert_eq!(made.status, 201, "{}", made.json());
    let made = made.json();
    assert_eq!((&made["kind"], &made["name"]), (&json!("image"), &json!("a.png")));
    let id = made["media_id"].as_str().unwrap();
    let back = api.get(&format!("/v1/media/{id}")).await;
    assert_eq!(back.body, PICTURE);
    let foreign = api
        .plain("GET", &format!("/v1/media/{id}"))
        .bearer(&api.other_key);
    assert_eq!(foreign.send().await.outcome(), (404, "not_found".to_owned()));
    let html = post("image/png", b"<html><script>alert(1)</script></html>")
        .send()
        .await;
    assert_eq!(html.outcome(), (422, "file_type_refused".to_owned()));
    let svg = post("image/svg+xml", b"<svg/>").send().await;
    assert_eq!(svg.outcome(), (422, "file_type_refused".to_owned()));
    let large = [PICTURE, &vec![0; 5 << 20]].concat();
    let large = post("image/png", &large).chunked(100_000).send().await;
    assert_eq!(large.outcome(), (413, "file_too_large".to_owned()));
    assert_eq!(large.json()["error"]["limit"], 5 << 20);
    let begin = json!({ "bytes": PICTURE.len(), "mime": "image/png" });
    let begun = api.post("/v1/uploads", &begin).await.json();
    let path = format!("/v1/uploads/{}", begun["upload_id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.json()["offset"], 0);
    let done = api
        .call("PUT", &format!("{path}?offset=0"))
        .body(PICTURE)
        .send()
        .await;
    assert_eq!(done.status, 201, "{}", done.json());
    assert_eq!(done.json()["media_id"], begun["upload_id"]);
    assert_eq!(api.get(&path).await.status, 201);
}

#[actix_web::test]
async fn a_quick_file_does_not_end_while_a_shortcut_leads_to_it() {
    let api = Api::start().await;
    let made = api
        .call("POST", "/v1/media?name=menu.png")
        .header("Content-Type", "image/png");
    let id = made.body(PICTURE).send().await.json()["media_id"].clone();
    let put = json!({ "media_id": id });
    let call = |method| api.call(method, "/v1/quick-files/menu");
    assert_eq!(call("PUT").json(&put).send().await.status, 201);
    assert_eq!(call("PUT").json(&put).send().await.status, 200);
    let nobodys = json!({ "media_id": "0".repeat(64) });
    assert_eq!(
        call("PUT").json(&nobodys).send().await.outcome(),
        (404, "not_found".to_owned())
    );
    api.clock.advance(Duration::from_secs(3_600 * 49));
    let all = api.get("/v1/quick-files").await.json();
    assert_eq!(
        (&all["quick_files"][0]["shortcut"], &all["quick_files"][0]["name"]),
        (&json!("menu"), &json!("menu.png"))
    );
    let file = format!("/v1/media/{}", id.as_str().unwrap());
    assert_eq!(api.get(&file).await.status, 200);
    assert_eq!(call("DELETE").send().await.status, 200);
    assert_eq!(
        call("DELETE").send().await.outcome(),
        (404, "not_found".to_owned())
    );
}

#[actix_web::test]
async fn hostile_files_are_handed_out_as_bytes_that_no_browser_draws_or_runs() {
    use crate::domain::media::clean_name;
    use crate::domain::{Author, MediaKind, MediaState};
    use crate::media::storage::ObjectName;
    use crate::store::plain::PlainTable;
    use crate::store::tables::{Carrier, FileKey, MediaFile};
    const SCRIPT: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let polyglot = [PICTURE, b"PK\x05\x06<html><script>alert(1)</script>"].concat();
    let api = Api::start().await;
    let hostile: [(&str, &str, &[u8], &str); 12] = [
        ("text/html", "page.html", b"<script>alert(1)</script>", "bytes"),
        (
            "TEXT/HTML; charset=utf-7",
            "..\\..\\page.htm",
            b"+ADw-script+AD4-",
            "bytes",
        ),
        ("application/xhtml+xml", "a.xhtml", b"<html xmlns='x'/>", "bytes"),
        ("image/svg+xml", "a.svg", SCRIPT, "bytes"),
        ("text/xml", "a.xml", b"<?xml-stylesheet href='x.xsl'?>", "bytes"),
        ("application/javascript", "a.js", b"alert(1)", "bytes"),
        ("multipart/x-mixed-replace", "a", b"--x", "bytes"),
        ("application/zip", "bomb.zip", b"PK\x03\x04", "bytes"),
        ("image/png\r\nSet-Cookie: a=b", "a.png", PICTURE, "bytes"),
        (
            "image/png",
            "../../etc/cron.d/x\0\r\nX-A: b",
            &polyglot,
            "image/png",
        ),
        (
            "application/pdf",
            "\u{202e}fdp.exe\u{2066}\";x=\"",
            b"%PDF-1.4",
            "application/pdf",
        ),
        ("text/plain", "CON", SCRIPT, "text/plain"),
    ];
    for (nth, (mime, name, bytes, served)) in (0_u8..).zip(hostile) {
        let row = MediaFile {
            id: MediaId::of_upload([nth; 16]),
            kind: MediaKind::Document,
            carrier: Carrier::Upload {
                by: Author::BusinessApp,
            },
            state: MediaState::Stored,
            mime: Some(mime.into()),
            bytes: Some(u64::try_from(bytes.len()).unwrap()),
            sha256: None,
            name: clean_name(name),
            why: None,
            file: Some(FileKey::of([nth; 16])),
            since: api.clock_now(),
            until: None,
        };
        let object = ObjectName {
            tenant: ONE,
            id: row.id,
            key: row.file.unwrap(),
        };
        let mut writer = api.state.media.files().write(&object).await.unwrap();
        writer.push(bytes::Bytes::copy_from_slice(bytes)).await.unwrap();
        writer.finish().await.unwrap();
        let table = PlainTable::<MediaFile>::of(api.store.as_ref(), api.clock_now());
        let key = MediaFile::at(ONE, row.id);
        assert!(table.replace(&key, None, Some(&row)).await.unwrap());
        let file = api.get(&format!("/v1/media/{}", row.id)).await;
        assert_eq!((file.status, file.body.as_slice()), (200, bytes), "{mime}");
        let served = if served == "bytes" {
            "application/octet-stream"
        } else {
            served
        };
        assert_eq!(header(&file, "content-type"), served, "{mime}");
        assert_eq!(header(&file, "x-content-type-options"), "nosniff");
        assert!(header(&file, "content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(header(&file, "set-cookie"), "");
        let shown = header(&file, "content-disposition");
        assert!(shown.starts_with("attachment"), "{shown}");
        let harmless = shown.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        assert!(
            harmless && !shown.contains("..") && shown.matches('"').count() <= 2,
            "{shown}"
        );
    }
}
