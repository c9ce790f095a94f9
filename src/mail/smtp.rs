//! Mails to an SMTP server: one connection for each, since there are few.

use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::ExposeSecret;

use super::message::Message;
use super::worker::DEADLINE;
use super::{Failure, MailError, Transport};
use crate::config::{MailConfig, MailTls};

/// A mail server.
pub(super) struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    pub(super) fn new(config: &MailConfig) -> Result<Self, MailError> {
        let tls = match config.tls {
            MailTls::Implicit => Tls::Wrapper(parameters(config)?),
            MailTls::Starttls => Tls::Required(parameters(config)?),
            MailTls::None => Tls::None,
        };
        let from = config.from.email.as_str();
        let host = from.rsplit_once('@').map_or(from, |(_, host)| host);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
            .port(config.port())
            .tls(tls)
            .hello_name(ClientId::Domain(host.to_owned()))
            .timeout(Some(DEADLINE));
        if !config.user.is_empty() {
            let password = config.password.as_ref().map(ExposeSecret::expose_secret);
            let password = password.unwrap_or_default().to_owned();
            builder = builder.credentials(Credentials::new(config.user.clone(), password));
        }
        Ok(Self(builder.build()))
    }
}

/// Certificates of the machine vouch for the server, or those of the settings' file and no others.
fn parameters(config: &MailConfig) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if !config.tls_ca.as_os_str().is_empty() {
        let fails = |reason: String| MailError::Certificates {
            path: config.tls_ca.display().to_string(),
            reason,
        };
        let pem = std::fs::read(&config.tls_ca).map_err(|error| fails(error.to_string()))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| fails(error.to_string()))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|error| MailError::Settings(error.to_string()))
}

#[async_trait]
impl Transport for Smtp {
    async fn send(&self, message: &Message) -> Result<(), Failure> {
        let sent = self.0.send_raw(&message.envelope, &message.bytes).await;
        sent.map(drop).map_err(|error| {
            // What a server answers may repeat the address: the log gets its code alone.
            let told = match error.status() {
                Some(code) => format!("the server answered {code}"),
                None => error.to_string(),
            };
            if error.is_permanent() {
                Failure::ForGood(told)
            } else {
                Failure::ForNow(told)
            }
        })
    }
}

#[cfg(test)]
mod tests;
