use std::io::Read as _;

use super::*;

#[actix_web::test]
async fn the_page_may_load_and_run_nothing_from_elsewhere() {
    let api = Api::start().await;
    let page = api.plain("GET", "/").send().await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{part}");
    }
    for hole in ["unsafe-inline", "unsafe-eval", "*", "http:"] {
        assert!(!policy.contains(hole), "{hole}");
    }
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

#[actix_web::test]
async fn whatever_the_page_names_is_there_with_its_own_type() {
    let api = Api::start().await;
    let page = api.plain("GET", "/").send().await;
    let text = String::from_utf8(page.body).unwrap();
    let named: Vec<&str> = text
        .split('"')
        .filter(|part| part.starts_with("/console/"))
        .collect();
    assert!(named.len() > 3, "{named:?}");
    for path in named {
        let file = api.plain("GET", path).send().await;
        let expected = match path.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml; charset=utf-8",
            other => panic!("{other}"),
        };
        assert_eq!(
            (file.status, file.header("content-type")),
            (200, Some(expected)),
            "{path}"
        );
        assert!(!file.body.is_empty());
    }
}

#[actix_web::test]
async fn what_the_browser_has_is_not_sent_again() {
    let api = Api::start().await;
    let first = api.plain("GET", "/console/app.js").send().await;
    let tag = first.header("etag").unwrap();
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    let again = |tag: &str| {
        api.plain("GET", "/console/app.js")
            .header("If-None-Match", tag)
            .send()
    };
    let same = again(tag).await;
    assert_eq!(
        (same.status, same.body.len(), same.header("etag")),
        (304, 0, Some(tag))
    );
    assert_eq!(again("\"0000\"").await.status, 200);
}

#[actix_web::test]
async fn a_file_is_compressed_for_whoever_takes_that() {
    let api = Api::start().await;
    let asked = |accepted: &str| {
        api.plain("GET", "/console/app.js")
            .header("Accept-Encoding", accepted)
            .send()
    };
    let plain = asked("identity").await;
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
    assert_eq!(asked("gzip;q=0").await.header("content-encoding"), None);
    let short = asked("br, gzip, deflate").await;
    assert_eq!(short.header("content-encoding"), Some("gzip"));
    assert!(
        short.body.len() * 2 < plain.body.len(),
        "{} bytes",
        short.body.len()
    );
    assert_ne!(short.header("etag"), plain.header("etag"));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(short.body.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    assert_eq!(text, plain.body);
}

#[actix_web::test]
async fn nothing_but_the_console_is_served() {
    let api = Api::start().await;
    for path in [
        "/console/",
        "/console/README.md",
        "/console/../Cargo.toml",
        "/console/..%2fCargo.toml",
        "/console/%2e%2e/Cargo.toml",
        "/console/app.js/x",
        "/console/nothing.js",
    ] {
        assert_eq!(
            api.plain("GET", path).send().await.outcome(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
}
