//! Who gets at what: the folder's files, the demo's key, the operator's token on its way.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{ADMIN, PATIENCE};
use crate::process::{ended, get, mesej, started};

/// Every file and folder below, with what others may do with it.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            if mode & 0o077 != 0 {
                found.push(format!("{} {mode:o}", entry.path().display()));
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found
}

#[actix::test]
async fn a_demos_folder_is_for_its_owner_alone_and_its_key_opens_nothing_in_earnest() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let (demo, address) = started(&["demo"], &folder).await;
    let key = std::fs::read_to_string(folder.join("demo.key")).unwrap();
    assert!(get(&address, "/v1/numbers", &key).await.contains(" 200 "));
    assert_eq!(open_to_others(&folder), Vec::<String>::new());
    ended(demo).await;
    for name in ["demo.key", "version"] {
        let file = folder.join(name);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    let (served, address) = started(&["serve"], &folder).await;
    assert_eq!(open_to_others(&folder), Vec::<String>::new());
    assert!(get(&address, "/v1/numbers", &key).await.contains(" 401 "));
    // Heads that are no HTTP are the sender's fault, and no line of the log each.
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream
            .write_all(b"\x16\x03\x01 what is this\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    ended(served).await;
    let log = std::fs::read_to_string(place.path().join("log")).unwrap();
    assert!(!log.contains("ERROR"), "{log}");
    assert!(log.contains("nothing reads the variable `MESEJ_ZEBRA`"), "{log}");
    assert!(log.contains("is revoked"), "{log}");
    // And the demo goes on with it.
    let (demo, address) = started(&["demo"], &folder).await;
    assert!(get(&address, "/v1/numbers", &key).await.contains(" 200 "));
    ended(demo).await;
}

#[actix::test]
async fn a_demo_does_not_listen_for_others_unless_it_is_told_to() {
    let place = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = mesej(&["demo"])
        .env("MESEJ_SERVER__LISTEN", "0.0.0.0:0")
        .env("MESEJ_STORE__PATH", place.path().join("data"))
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!status.success() && told.contains("--expose"), "{told}");
}

#[actix::test]
async fn the_operators_token_goes_to_no_proxy_and_to_no_other_machine_in_the_clear() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxied = format!("http://{}", proxy.local_addr().unwrap());
    let url = format!("http://{}", server.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (stream, _) = server.accept().await.unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).await.unwrap() > 0, "{head}");
        }
        let body = r#"{"tenants":[]}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        lines.write_all(answer.as_bytes()).await.unwrap();
        head
    });
    let list = async |url: &str| {
        let mut command = mesej(&["tenant", "list", "--url", url]);
        for name in [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "all_proxy",
            "ALL_PROXY",
        ] {
            command.env(name, &proxied);
        }
        command.env_remove("no_proxy").env_remove("NO_PROXY");
        command.env("MESEJ_ADMIN_TOKEN", ADMIN).output().await
    };
    let listed = tokio::time::timeout(PATIENCE, list(&url)).await.unwrap().unwrap();
    assert!(
        listed.status.success(),
        "{}",
        String::from_utf8_lossy(&listed.stderr)
    );
    assert!(asked.await.unwrap().contains(ADMIN));
    for other in [
        "http://192.0.2.1:9",
        "http://127.evil.example",
        "http://localhost.evil.example",
    ] {
        let refused = tokio::time::timeout(PATIENCE, list(other))
            .await
            .unwrap()
            .unwrap();
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            !refused.status.success() && told.contains("--insecure-http"),
            "{told}"
        );
    }
    let nobody = tokio::time::timeout(Duration::ZERO, proxy.accept()).await;
    assert!(nobody.is_err(), "the proxy was asked");
}

/// Reads a request with a body and answers it.
async fn answer(server: &TcpListener, status: &str, body: &str) {
    let (stream, _) = server.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        assert!(stream.read_line(&mut line).await.unwrap() > 0, "no whole head");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close",
        body.len()
    );
    stream
        .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        .await
        .unwrap();
}

#[actix::test]
async fn a_tenant_is_printed_even_if_its_owner_cannot_be_invited() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let create = async |owner: &str| {
        let arguments = [
            "tenant", "create", "--name", "Toko", "--owner", owner, "--url", &url,
        ];
        let created = mesej(&arguments).env("MESEJ_ADMIN_TOKEN", ADMIN).output();
        let created = tokio::time::timeout(PATIENCE, created).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (created.status.code(), text(created.stdout), text(created.stderr))
    };
    // Nobody answers: what can be known to be wrong is not even asked.
    let (code, _, told) = create("nobody").await;
    assert!(
        code == Some(2) && told.contains("must be an e-mail address"),
        "{told}"
    );
    let busy = r#"{"error":{"code":"store_unavailable","message":"the store does not answer"}}"#;
    let answers = async {
        answer(&server, "201 Created", r#"{"tenant_id":"00c0ffee00c0ffee"}"#).await;
        answer(&server, "503 Service Unavailable", busy).await;
    };
    let ((code, printed, told), ()) = tokio::join!(create("ana@example.com"), answers);
    assert_eq!(code, Some(1), "{told}");
    assert!(printed.contains("00c0ffee00c0ffee"), "{printed}");
    assert!(
        told.contains("the store does not answer") && told.contains("mesej user invite 00c0ffee00c0ffee"),
        "{told}"
    );
}
