//! A certificate and its key, as two PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use zeroize::Zeroizing;

use crate::config::readable_by_others;
use crate::domain::Timestamp;
use crate::telemetry::metrics;

/// Bytes of a file. A chain of a few certificates has some ten thousand.
const LONGEST: u64 = 1 << 20;
/// Later than any certificate can end: the year 9999.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_800);

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    /// The server's certificate, then those that lead to the authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whether a key that every user of the machine can read is refused; it is told of otherwise.
    pub refuses_exposed_key: bool,
}

/// Why a pair cannot be shown to clients. Tells nothing of what the key's file holds.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A file cannot be read.
    #[error("cannot read {file}: {reason}")]
    Unreadable {
        /// Which.
        file: String,
        /// Why not.
        reason: String,
    },
    /// There is no certificate, or what is there is none.
    #[error("the file of `server.tls_certificate` holds no certificate as PEM: {0}")]
    NoCertificate(rustls::pki_types::pem::Error),
    /// There is no key.
    #[error("the file of `server.tls_key` holds no private key as PEM, without a password: {0}")]
    NoKey(rustls::pki_types::pem::Error),
    /// They do not go together, or the library knows no such key.
    #[error("the certificate and the key cannot be used: {0}")]
    Refused(rustls::Error),
    /// Others know it.
    #[error(
        "every user of this machine can read {file} (`server.tls_key`), and `server.mode` is \"production\": `chmod o= {file}`"
    )]
    ExposedKey {
        /// The key's file.
        file: String,
    },
    /// It ended before it was shown to anybody.
    #[error("the certificate has expired")]
    Expired,
}

/// What two files held.
pub(super) struct PairBytes {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    /// Whether every user of the machine can read the key.
    pub(super) is_exposed: bool,
}

/// Of both files: tells whether they changed, and nothing of them.
pub(super) type Digest = [u8; 32];

impl PairFiles {
    /// What the files hold now. Their times and sizes would not tell a change within one tick of the file system's clock.
    pub(super) fn read(&self) -> Result<(PairBytes, Digest), PairError> {
        // Looked at each time: a renewal may write the key with other rights, which the next start would refuse.
        let is_exposed = readable_by_others(&self.key);
        if is_exposed && self.refuses_exposed_key {
            let file = self.key.display().to_string();
            return Err(PairError::ExposedKey { file });
        }
        let certificate = read(&self.certificate)?;
        let key = Zeroizing::new(read(&self.key)?);
        let each = [certificate.as_slice(), key.as_slice()].map(|bytes| digest(&SHA256, bytes));
        let both: Vec<u8> = each.iter().flat_map(|one| one.as_ref().iter().copied()).collect();
        let mut of_both = Digest::default();
        of_both
            .iter_mut()
            .zip(digest(&SHA256, &both).as_ref())
            .for_each(|(to, from)| *to = *from);
        Ok((
            PairBytes {
                certificate,
                key,
                is_exposed,
            },
            of_both,
        ))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PairError> {
    let unreadable = |reason: String| PairError::Unreadable {
        file: path.display().to_string(),
        reason,
    };
    // A pipe would be waited for until somebody writes to it.
    let found = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if !found.is_file() || found.len() > LONGEST {
        return Err(unreadable("it is not a regular file of at most 1 MiB".to_owned()));
    }
    std::fs::read(path).map_err(|error| unreadable(error.to_string()))
}

/// A certificate that can be shown.
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// When the server's own certificate ends, which every client looks at.
    pub(super) leaf_expires: Timestamp,
    /// When the first of the chain ends. Clients may do without one that leads to the authority by another way.
    pub(super) expires: Timestamp,
}

impl Pair {
    /// Reads what the files held.
    pub(super) fn of(bytes: &PairBytes, provider: &CryptoProvider) -> Result<Self, PairError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes.certificate)
            .collect::<Result<_, _>>()
            .map_err(PairError::NoCertificate)?;
        if chain.is_empty() {
            return Err(PairError::NoCertificate(
                rustls::pki_types::pem::Error::NoItemsFound,
            ));
        }
        let key = PrivateKeyDer::from_pem_slice(&bytes.key).map_err(PairError::NoKey)?;
        let ends = chain
            .iter()
            .map(|certificate| end_of(certificate, provider))
            .collect::<Result<Vec<_>, _>>()
            .map_err(PairError::Refused)?;
        let never = Timestamp::from_secs(0);
        let leaf_expires = ends.first().copied().unwrap_or(never);
        let expires = ends.into_iter().min().unwrap_or(never);
        let key = CertifiedKey::from_der(chain, key, provider).map_err(PairError::Refused)?;
        Ok(Self {
            key: Arc::new(key),
            leaf_expires,
            expires,
        })
    }

    /// Tells of a certificate in the chain that has expired while the server's own has not.
    pub(super) fn warn_of_expired_chain(&self, now: Timestamp) {
        if self.expires <= now && now < self.leaf_expires {
            tracing::warn!(
                "a certificate that leads to the authority has expired: clients that find no other way refuse the chain"
            );
        }
    }
}

/// Shows in the metrics when the certificate ends.
pub(super) fn note_end(at: Timestamp) {
    metrics::tls_certificate_expires_seconds().set(metrics::signed(at.as_secs()));
}

/// When a certificate ends. The library has no name for it, but tells it of one that has ended: asked at the end of time,
/// of every one.
fn end_of(certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> Result<Timestamp, rustls::Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let asked = verify_server_cert_signed_by_trust_anchor(
        &parsed,
        &RootCertStore::empty(),
        &[],
        UnixTime::since_unix_epoch(END_OF_TIME),
        provider.signature_verification_algorithms.all,
    );
    match asked {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => Ok(
            Timestamp::from_secs(i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX)),
        ),
        Err(error) => Err(error),
        Ok(()) => Err(rustls::Error::General("a certificate without an end".to_owned())),
    }
}
