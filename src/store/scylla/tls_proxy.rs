//! TLS to the cluster: the driver speaks to a port of this machine, and what it says travels encrypted from there.
//!
//! The driver's own TLS brings a second TLS library with it, so it is not used. Each node gets a port on the loopback
//! interface; a connection to it becomes a TLS connection to the node, whose certificate is checked against the given
//! authorities. Clients show no certificate: whoever reaches the port still has to log in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use scylla::errors::TranslationError;
use scylla::policies::address_translator::{AddressTranslator, UntranslatedPeer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

use crate::store::error::{StoreError, StoreErrorKind};

/// How long a connection to a node may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// Connections to one node; the driver keeps a few.
const CONNECTIONS: usize = 128;
/// How long a port that cannot take a connection waits.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// How the cluster proves who it is.
#[derive(Debug, Clone)]
pub struct Tls {
    /// A file of certificates, as PEM, of whoever vouches for the nodes.
    pub authorities: PathBuf,
    /// The name in the certificates of all nodes; `None` when each bears its own address.
    pub server_name: Option<String>,
}

/// Ports of this machine that lead to nodes.
pub(super) struct TlsProxy {
    connector: TlsConnector,
    server_name: Option<ServerName<'static>>,
    /// The port of all nodes.
    port: u16,
    listeners: Mutex<HashMap<IpAddr, Listener>>,
}

/// A port that leads to one node, closed when dropped.
struct Listener {
    at: SocketAddr,
    listening: AbortHandle,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Listeners to the nodes that the settings name, kept open as long as the session.
pub(super) struct ContactPoints {
    listeners: Vec<Listener>,
}

impl ContactPoints {
    /// Where they are.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.listeners
            .iter()
            .map(|listener| listener.at.to_string())
            .collect()
    }
}

fn wrong(detail: String) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, detail)
}

fn authorities(path: &Path) -> Result<RootCertStore, StoreError> {
    let unreadable = |error: rustls::pki_types::pem::Error| {
        wrong(format!(
            "cannot read the certificates in {}: {error}",
            path.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
    }
    if roots.is_empty() {
        return Err(wrong(format!("{} holds no certificate", path.display())));
    }
    Ok(roots)
}

impl TlsProxy {
    /// Prepares connections. `port` is that of all nodes.
    pub(super) fn new(tls: &Tls, port: u16) -> Result<Self, StoreError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .with_root_certificates(authorities(&tls.authorities)?)
            .with_no_client_auth();
        let server_name = tls
            .server_name
            .clone()
            .map(|name| ServerName::try_from(name).map_err(|error| wrong(error.to_string())))
            .transpose()?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            server_name,
            port,
            listeners: Mutex::new(HashMap::new()),
        })
    }

    /// Opens listeners to the nodes that the settings name.
    pub(super) async fn contact_points_through(
        &self,
        contact_points: &[String],
    ) -> Result<ContactPoints, StoreError> {
        let mut listeners = Vec::new();
        for point in contact_points {
            let (host, _) = host_and_port(point)?;
            let name = match &self.server_name {
                Some(name) => name.clone(),
                None => ServerName::try_from(host.to_owned()).map_err(|error| wrong(error.to_string()))?,
            };
            let listener = self.open(point.clone(), name).await;
            listeners.push(
                listener.map_err(|error| StoreError::new(StoreErrorKind::Unavailable, error.to_string()))?,
            );
        }
        Ok(ContactPoints { listeners })
    }

    async fn open(&self, node: String, name: ServerName<'static>) -> std::io::Result<Listener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let at = listener.local_addr()?;
        let listening = tokio::spawn(lead(listener, node, name, self.connector.clone()));
        Ok(Listener {
            at,
            listening: listening.abort_handle(),
        })
    }
}

/// The parts of a contact point.
pub(super) fn host_and_port(point: &str) -> Result<(&str, u16), StoreError> {
    point
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse().ok()?)))
        .ok_or_else(|| wrong(format!("{point} is not host:port")))
}

#[async_trait]
impl AddressTranslator for TlsProxy {
    async fn translate_address(&self, peer: &UntranslatedPeer) -> Result<SocketAddr, TranslationError> {
        // The port that the driver believes in is that of a listener.
        let address = peer.untranslated_address().ip();
        let mut listeners = self.listeners.lock().await;
        if let Some(listener) = listeners.get(&address) {
            return Ok(listener.at);
        }
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::IpAddress(address.into()),
        };
        let node = SocketAddr::new(address, self.port).to_string();
        let listener = self
            .open(node, name)
            .await
            .map_err(|error| TranslationError::IoError(Arc::new(error)))?;
        let at = listener.at;
        listeners.insert(address, listener);
        Ok(at)
    }
}

/// Leads whoever comes to a port to a node.
async fn lead(listener: TcpListener, node: String, name: ServerName<'static>, connector: TlsConnector) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let client = match listener.accept().await {
            Ok((client, _)) => client,
            Err(error) => {
                // Out of descriptors, perhaps: asked at once, it would say the same.
                tracing::debug!(node, error = %error, "cannot accept a connection to a node");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let (node, name, connector) = (node.clone(), name.clone(), connector.clone());
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = carry(client, &node, name, &connector).await {
                tracing::debug!(node, error = %error, "a connection to a node ended");
            }
        });
    }
}

async fn carry(
    mut client: TcpStream,
    node: &str,
    name: ServerName<'static>,
    connector: &TlsConnector,
) -> std::io::Result<()> {
    let opened = tokio::time::timeout(CONNECT, async {
        let server = TcpStream::connect(node).await?;
        server.set_nodelay(true)?;
        connector.connect(name, server).await
    })
    .await;
    let opened = opened.unwrap_or_else(|_elapsed| Err(std::io::ErrorKind::TimedOut.into()));
    let mut server = match opened {
        Ok(server) => server,
        Err(error) => {
            tracing::warn!(node, error = %error, "no TLS connection to a node of the cluster");
            // A connection that breaks before its first request has left may leave the driver waiting for ever.
            let _ = tokio::time::timeout(CONNECT, client.readable()).await;
            return Err(error);
        }
    };
    client.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut server)
        .await
        .map(|_bytes| ())
}
