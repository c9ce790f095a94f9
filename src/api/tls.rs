//! TLS on the listener: which certificate clients are shown, and the handshake.
//!
//! Versions 1.2 and 1.3, by rustls and ring. ALPN offers `http/1.1` alone, which WebSockets need. The certificate is read again
//! while the process runs ([`reload`]), and connections that are open keep what they have agreed on.

mod certificate;
mod reload;
pub(super) mod stream;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use certificate::{PairError, PairFiles};

use crate::domain::Timestamp;
use crate::telemetry::labels::{ConnectionEnd, HandshakeEnd};
use crate::telemetry::metrics;
use certificate::{Digest, Pair};
use stream::TlsStream;

/// The only protocol that is spoken inside.
const ALPN: &[u8] = b"http/1.1";

/// TLS as it is offered to clients. Clones share the certificate.
#[derive(Debug, Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    files: PairFiles,
    /// Of the files at the start.
    read: Digest,
    /// When the first certificate of the chain ends.
    expires: Timestamp,
}

impl Tls {
    /// Reads the pair that the settings name. Reads files: once, before anything runs.
    pub fn open(files: PairFiles, now: Timestamp) -> Result<Self, PairError> {
        let provider = Arc::new(ring::default_provider());
        let (bytes, read) = files.read()?;
        let pair = Pair::of(&bytes, &provider)?;
        if pair.leaf_expires <= now {
            tracing::warn!(
                certificate = %files.certificate.display(),
                "the certificate has expired: clients, and Meta, refuse it"
            );
        }
        pair.warn_of_expired_chain(now);
        let (expires, shown) = (pair.expires, Arc::new(Shown(RwLock::new(pair.key))));
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Shown>::clone(&shown);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(PairError::Refused)?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Tickets keep nothing here: thousands of agents that come back would push each other out of a cache.
        config.ticketer = ring::Ticketer::new().map_err(PairError::Refused)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self {
            config: Arc::new(config),
            shown,
            files,
            read,
            expires,
        })
    }

    /// Makes a connection a TLS connection within this time.
    pub(super) async fn accept(&self, io: TcpStream, deadline: Duration) -> std::io::Result<TlsStream> {
        let handshake = TlsStream::accept(io, Arc::clone(&self.config));
        let ended = tokio::time::timeout(deadline, handshake).await;
        let (end, result) = match ended {
            Ok(Ok(stream)) => (HandshakeEnd::Done, Ok(stream)),
            Ok(Err(error)) => (HandshakeEnd::Failed, Err(error)),
            Err(_elapsed) => {
                metrics::connections_ended_total(ConnectionEnd::Handshake).increment(1);
                (HandshakeEnd::Late, Err(std::io::ErrorKind::TimedOut.into()))
            }
        };
        metrics::tls_handshakes_total(end).increment(1);
        result
    }
}

/// The certificate that new connections are shown.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn set(&self, key: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // It is replaced whole, so a panic elsewhere leaves nothing half done.
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown))
    }
}

#[cfg(test)]
pub(in crate::api) mod tests;
