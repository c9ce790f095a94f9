//! TLS on the listener of the real binary: everything through it, a certificate that is renewed under load, and clients that
//! leave their handshakes unfinished.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::gateway::{ADMIN, PATIENCE, SECRET, signature, until};
use crate::process::{ended, free_port, mesej};

const NAME: &str = "mesej.example";

/// A certificate that vouches for itself.
struct Identity {
    pem: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Identity {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
        }
    }

    /// What a client that believes this one alone connects with.
    fn believed(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

/// A gateway of its own process.
struct Secure {
    child: Child,
    port: u16,
    files: (PathBuf, PathBuf),
    _folder: tempfile::TempDir,
}

impl Secure {
    async fn start(identity: &Identity, host: &str, extra: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = (
            folder.path().join("certificate.pem"),
            folder.path().join("key.pem"),
        );
        write(&files, identity);
        let port = free_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let apps = format!(
            "[{{ name = \"main\", app_secrets = [\"{SECRET}\"], verify_token = \"a-verify-token\" }}]"
        );
        let mut command: Command = mesej(&["serve"]);
        let child = command
            .env("MESEJ_SERVER__LISTEN", format!("{host}:{port}"))
            .env("MESEJ_SERVER__WORKERS", "1")
            .env("MESEJ_SERVER__ADMIN_TOKEN", ADMIN)
            .env("MESEJ_SERVER__TLS_CERTIFICATE", &files.0)
            .env("MESEJ_SERVER__TLS_KEY", &files.1)
            .env("MESEJ_WHATSAPP__APPS", apps)
            .env("MESEJ_STORE__PATH", folder.path().join("data"))
            .envs(extra.iter().copied())
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let gateway = Self {
            child,
            port,
            files,
            _folder: folder,
        };
        until("it is ready", || async {
            let mut client = gateway.client(identity).await?;
            (client.call("GET", "/readyz", "", "").await?.0 == 200).then_some(())
        })
        .await;
        gateway
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A connection that believes this identity; `None` if there is none.
    async fn client(&self, identity: &Identity) -> Option<Client> {
        let tcp = TcpStream::connect(self.address()).await.ok()?;
        let name = ServerName::try_from(NAME).unwrap();
        identity.believed().connect(name, tcp).await.ok().map(Client)
    }

    async fn admin(&self, identity: &Identity, path: &str, body: &Value) -> Value {
        let mut client = self.client(identity).await.unwrap();
        let bearer = format!("Authorization: Bearer {ADMIN}\r\n");
        let (status, answer) = client
            .call("POST", path, &bearer, &body.to_string())
            .await
            .unwrap();
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// The value of a series.
    async fn scraped(&self, identity: &Identity, series: &str) -> Option<f64> {
        let mut client = self.client(identity).await?;
        let (_, text) = client.call("GET", "/metrics", "", "").await?;
        let line = text.lines().find_map(|line| line.strip_prefix(series))?;
        line.trim().parse().ok()
    }
}

fn write((certificate, key): &(PathBuf, PathBuf), identity: &Identity) {
    // As those who renew certificates do: a new file takes the place of the old one.
    let put = |path: &Path, text: &str| {
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, path).unwrap();
    };
    put(certificate, &identity.pem);
    put(key, &identity.key);
}

struct Client(TlsStream<TcpStream>);

impl Client {
    /// Status and body of the answer to a request; `None` when the connection breaks.
    async fn call(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.0.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_ascii_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse()
                            .ok()
                    })
                    .unwrap_or(0);
                if body.len() >= length {
                    return Some((head.get(9..12)?.parse().ok()?, body.to_owned()));
                }
            }
            if self.0.read_buf(&mut answer).await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn webhook(&mut self, number: u32) -> Option<u16> {
        let body = json!({ "object": "whatsapp_business_account", "entry": [], "n": number }).to_string();
        let signed = format!("X-Hub-Signature-256: {}\r\n", signature(body.as_bytes()));
        let answer = self.call("POST", "/webhooks/whatsapp", &signed, &body).await?;
        Some(answer.0)
    }
}

/// An address of this machine that others can reach; nothing is sent.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip().to_string()
}

#[actix::test]
async fn a_certificate_is_renewed_while_agents_and_webhooks_are_connected_and_none_notices() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (first, second) = (Identity::new(), Identity::new());
    let gateway = Secure::start(&first, "127.0.0.1", &[]).await;
    let tenant = gateway
        .admin(&first, "/v1/admin/tenants", &json!({ "name": "Toko" }))
        .await;
    let keys = format!("/v1/admin/tenants/{}/keys", tenant["tenant_id"].as_str().unwrap());
    let key = json!({ "name": "k", "scopes": ["send", "read", "agents"] });
    let key = gateway.admin(&first, &keys, &key).await;
    let bearer = format!("Authorization: Bearer {}\r\n", key["key"].as_str().unwrap());
    let mut agent = gateway.client(&first).await.unwrap();
    let asked = json!({ "agent": "ana" }).to_string();
    let (_, ticket) = agent
        .call("POST", "/v1/ws/ticket", &bearer, &asked)
        .await
        .unwrap();
    let ticket: Value = serde_json::from_str(&ticket).unwrap();
    let mut request = format!("wss://{NAME}/v1/ws").into_client_request().unwrap();
    let protocol = format!("mesej.v2, ticket.{}", ticket["ticket"].as_str().unwrap());
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, agent.0).await.unwrap();
    socket.send(Message::text(r#"{"type":"hello"}"#)).await.unwrap();
    let welcome = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(welcome.contains("welcome"), "{welcome}");

    let mut meta = gateway.client(&first).await.unwrap();
    let ends = "mesej_tls_certificate_expires_seconds";
    assert!(gateway.scraped(&first, ends).await.unwrap() > 1_800_000_000.0);
    // A pair that does not go together: it is told, and the one before is still shown.
    std::fs::write(&gateway.files.1, &second.key).unwrap();
    let refused = "mesej_tls_reloads_total{outcome=\"refused\"}";
    until("it is refused", || async {
        (gateway.scraped(&first, refused).await? > 0.0).then_some(())
    })
    .await;
    assert!(gateway.client(&second).await.is_none());
    write(&gateway.files, &second);
    let mut sent = 0;
    let renewed = tokio::time::timeout(PATIENCE, async {
        while gateway.client(&second).await.is_none() {
            sent += 1;
            assert_eq!(meta.webhook(sent).await, Some(200));
        }
    });
    renewed.await.expect("the new certificate is never shown");
    assert!(sent > 0 && gateway.client(&first).await.is_none());
    assert_eq!(meta.webhook(0).await, Some(200));
    socket
        .send(Message::text(r#"{"type":"ping","ref":"still there"}"#))
        .await
        .unwrap();
    let pong = async {
        loop {
            let heard = socket.next().await.unwrap().unwrap();
            if heard.is_text() && heard.to_text().unwrap().contains("still there") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, pong).await.unwrap();
    ended(gateway.child).await;
}

#[actix::test]
async fn a_handshake_that_does_not_end_holds_a_place_for_as_long_as_a_head_may_take() {
    const OF_PEER: usize = 8;
    let identity = Identity::new();
    let extra = [
        ("MESEJ_SERVER__HEAD_TIMEOUT_S", "1"),
        ("MESEJ_SERVER__CONNECTIONS_PER_PEER", "8"),
    ];
    let gateway = Secure::start(&identity, "0.0.0.0", &extra).await;
    let there = format!("{}:{}", own_address(), gateway.port);
    let mut silent = Vec::new();
    for n in 0..OF_PEER {
        let mut stream = TcpStream::connect(&there).await.unwrap();
        let said: &[u8] = if n % 2 == 0 {
            b""
        } else {
            b"\x16\x03\x01\x02\x00\x01"
        };
        stream.write_all(said).await.unwrap();
        silent.push(stream);
    }
    // The address has its share, whether a handshake ended or not. Others are let in.
    let mut beyond = TcpStream::connect(&there).await.unwrap();
    assert_eq!(beyond.read(&mut [0; 16]).await.unwrap_or(0), 0);
    assert!(gateway.client(&identity).await.is_some());
    let began = tokio::time::Instant::now();
    for mut stream in silent {
        let closed = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 16])).await;
        assert_eq!(closed.expect("still open").unwrap_or(0), 0);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let late = "mesej_connections_ended_total{reason=\"handshake\"}";
    let late = gateway.scraped(&identity, late).await.unwrap();
    assert!(late >= 8.0, "{late}");
    assert!(
        gateway
            .scraped(&identity, "mesej_connections_ended_total{reason=\"peer\"}")
            .await
            .unwrap()
            >= 1.0
    );
    ended(gateway.child).await;
}

#[actix::test]
async fn a_pair_that_cannot_be_used_stops_the_start_with_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let files = (
        folder.path().join("certificate.pem"),
        folder.path().join("key.pem"),
    );
    write(&files, &Identity::new());
    std::fs::write(&files.1, Identity::new().key).unwrap();
    for command in ["check-config", "serve"] {
        let output = mesej(&[command])
            .env("MESEJ_SERVER__LISTEN", "127.0.0.1:0")
            .env("MESEJ_SERVER__TLS_CERTIFICATE", &files.0)
            .env("MESEJ_SERVER__TLS_KEY", &files.1)
            .env("MESEJ_STORE__PATH", folder.path().join("data"))
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            told.contains("mesej: cannot speak TLS") && told.contains("`server.tls_key`"),
            "{told}"
        );
    }
    assert!(
        !folder.path().join("data").exists(),
        "the store was opened before"
    );
}
