//! TLS to the cluster: what is not vouched for is not spoken to.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Keyspace, keyspaces, options, server};
use crate::domain::SystemClock;
use crate::store::conformance::scene::{Scene, TENANT};
use crate::store::scylla::{ScyllaOptions, ScyllaStore, Tls};
use crate::store::{StoreError, StoreErrorKind};

/// Somebody who vouches for servers.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(self.0.pem().as_bytes()).unwrap();
        file
    }

    /// What a server of that name shows.
    fn vouch(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A server that takes TLS and passes on what it hears; its address, and how many came through.
fn front(acceptor: TlsAcceptor) -> (String, Arc<AtomicUsize>) {
    let listener = server::run(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let through = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&through);
    server::keep(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else {
                    return;
                };
                count.fetch_add(1, Ordering::SeqCst);
                let mut node = TcpStream::connect(keyspaces::server()).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut node).await;
            });
        }
    });
    (address, through)
}

fn open(options: ScyllaOptions) -> Result<ScyllaStore, StoreError> {
    server::run(async move { ScyllaStore::open(&options, Arc::new(SystemClock::new())).await })
}

/// How a client reaches a server that shows a name, vouched for by somebody.
fn reaching(
    keyspace: &Keyspace,
    address: &str,
    authorities: &NamedTempFile,
    name: Option<&str>,
) -> ScyllaOptions {
    let mut options = options(keyspace.name());
    options.contact_points = vec![address.to_owned()];
    options.tls = Some(Tls {
        authorities: authorities.path().to_owned(),
        server_name: name.map(str::to_owned),
    });
    options
}

#[tokio::test]
async fn everything_travels_encrypted_to_a_server_that_is_vouched_for() {
    let keyspace = Keyspace::take();
    let authority = Authority::new();
    let file = authority.file();
    for (shown, expected) in [("127.0.0.1", None), ("db.internal", Some("db.internal"))] {
        let (address, through) = front(authority.vouch(shown));
        let store = open(reaching(&keyspace, &address, &file, expected)).unwrap();
        // The first connection, and at least one to the node that it told of.
        assert!(through.load(Ordering::SeqCst) >= 2);
        let mut scene = Scene::take_over(Arc::new(store), TENANT).await;
        let at = scene.hears(&["628111111"], shown, "x").await;
        assert!(scene.message(at).await.is_some());
    }
}

#[test]
fn a_server_that_nobody_vouches_for_or_of_another_name_is_refused() {
    let keyspace = Keyspace::take();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let file = authority.file();
    for acceptor in [stranger.vouch("127.0.0.1"), authority.vouch("elsewhere.example")] {
        let (address, through) = front(acceptor);
        let refused = open(reaching(&keyspace, &address, &file, None)).unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{refused}");
        assert_eq!(through.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_file_without_certificates_is_said_to_be_so() {
    let keyspace = Keyspace::take();
    let empty = NamedTempFile::new().unwrap();
    let refused = open(reaching(&keyspace, "127.0.0.1:1", &empty, None)).unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Invalid);
    assert!(refused.detail.contains("holds no certificate"), "{refused}");
}
