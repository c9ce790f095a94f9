//! A server's TLS for tests, and what clients may not do to it.

use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;

use super::*;

/// A certificate for `mesej.example` that vouches for itself, and the way in for clients that believe it.
pub(in crate::api) fn certified() -> (Tls, TlsConnector) {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["mesej.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let write = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let files = PairFiles {
        certificate: write("certificate.pem", certificate.pem()),
        key: write("key.pem", key.serialize_pem()),
        refuses_exposed_key: false,
    };
    let tls = Tls::open(files, Timestamp::from_secs(0)).unwrap();
    (tls, believing(certificate.der()))
}

fn believing(certificate: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Both ends of a connection.
async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

#[actix_web::test]
async fn a_client_that_is_silent_in_its_handshake_is_given_up() {
    let (tls, _) = certified();
    let deadline = Duration::from_millis(50);
    // The first bytes of a record that never ends: a handshake, TLS 1.0 as all of them say, 512 bytes.
    for said in [b"".as_slice(), b"\x16\x03\x01\x02\x00\x01"] {
        let (mut client, server) = connected().await;
        client.write_all(said).await.unwrap();
        let error = tls.accept(server, deadline).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0, "still open");
    }
}

#[actix_web::test]
async fn what_is_no_handshake_is_refused_at_once() {
    let (tls, _) = certified();
    for said in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0; 64]] {
        let (mut client, server) = connected().await;
        client.write_all(said).await.unwrap();
        let error = tls.accept(server, Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
    let (client, server) = connected().await;
    drop(client);
    let error = tls.accept(server, Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[actix_web::test]
async fn only_the_protocol_that_is_spoken_inside_is_agreed_on() {
    let (tls, connector) = certified();
    let agreed = async |offers: &[&[u8]]| {
        let mut config = ClientConfig::clone(connector.config());
        config.alpn_protocols = offers.iter().map(|offer| offer.to_vec()).collect();
        let connector = TlsConnector::from(Arc::new(config));
        let (client, server) = connected().await;
        let name = "mesej.example".try_into().unwrap();
        let accepting = tls.accept(server, Duration::from_secs(60));
        let (client, server) = tokio::join!(connector.connect(name, client), accepting);
        let client = client.ok()?;
        server.unwrap();
        client.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(agreed(&[b"h2", b"http/1.1"]).await.as_deref(), Some(ALPN));
    assert_eq!(agreed(&[]).await, None);
    assert_eq!(agreed(&[b"h2"]).await, None);
}

#[actix_web::test]
async fn an_older_version_is_not_spoken() {
    let (tls, _) = certified();
    let (mut client, server) = connected().await;
    // A client that knows TLS 1.1 and nothing later: its hello names 3.2, and there is no list of versions.
    let signatures = [0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
    let body: Vec<u8> = [
        [3, 2].as_slice(),
        &[7; 32],
        &[0],
        &[0, 2, 0xc0, 0x13],
        &[1, 0],
        &signatures,
    ]
    .concat();
    let length = u8::try_from(body.len()).unwrap();
    let hello = [[0x16, 3, 1, 0, length + 4, 1, 0, 0, length].as_slice(), &body].concat();
    client.write_all(&hello).await.unwrap();
    let refused = tls.accept(server, Duration::from_secs(60)).await;
    assert!(refused.is_err());
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    // A fatal alert: protocol_version.
    assert_eq!(told.get(5..), Some([2, 70].as_slice()), "{told:?}");
}

#[test]
fn files_that_are_none_are_told_with_their_setting() {
    let folder = tempfile::tempdir().unwrap();
    let missing = PairFiles {
        certificate: folder.path().join("absent.pem"),
        key: folder.path().to_owned(),
        refuses_exposed_key: false,
    };
    let told = |files: PairFiles| Tls::open(files, Timestamp::from_secs(0)).unwrap_err().to_string();
    assert!(told(missing).contains("absent.pem: "));
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let of = |certificate: &Path, key: &Path| PairFiles {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        refuses_exposed_key: false,
    };
    assert!(told(of(&empty, &empty)).contains("`server.tls_certificate`"));
    assert!(told(of(folder.path(), &empty)).contains("not a regular file"));
}
