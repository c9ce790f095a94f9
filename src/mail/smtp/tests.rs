//! Against servers that speak SMTP over real sockets.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::{Letter, Link};
use super::*;
use crate::config::MailTransport;
use crate::domain::Timestamp;

/// What a server offers, and what it answers to the recipient.
#[derive(Clone, Copy)]
struct Manners {
    offers: &'static str,
    recipient: &'static str,
}

const KIND: Manners = Manners {
    offers: "250-here\r\n250 AUTH PLAIN\r\n",
    recipient: "250 ok\r\n",
};

/// Speaks with one client; the lines that it said.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: S, manners: Manners) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    let mut said = Vec::new();
    stream.get_mut().write_all(b"220 here\r\n").await.unwrap();
    let mut is_text = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return said;
        }
        let line = line.trim_end().to_owned();
        let answer = match line.split([' ', ':']).next().unwrap() {
            "." => "250 taken\r\n",
            _ if is_text => "",
            "EHLO" => manners.offers,
            "AUTH" => "235 welcome\r\n",
            "RCPT" => manners.recipient,
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        is_text = (is_text || answer.starts_with("354")) && line != ".";
        said.push(line);
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return said;
        }
    }
}

fn settings(port: u16, tls: MailTls, ca: Option<PathBuf>) -> MailConfig {
    let host = if tls == MailTls::None {
        "127.0.0.1"
    } else {
        "localhost"
    };
    MailConfig {
        folder_kept_days: 30,
        transport: MailTransport::Smtp,
        from: "Mesej <mesej@example.com>".parse().unwrap(),
        host: host.to_owned(),
        port,
        tls,
        user: "mesej".to_owned(),
        password: Some("hush".to_owned().into()),
        tls_ca: ca.unwrap_or_default(),
    }
}

fn message() -> Message {
    let letter = Letter::SignUp {
        link: Link::new("https://mesej.example/#/sign-up/mj_signup_x".to_owned()),
        lasts: std::time::Duration::from_secs(86_400),
    };
    let from = "Mesej <mesej@example.com>".parse().unwrap();
    let to = "ana@example.org".parse().unwrap();
    Message::new(&from, &to, &letter, 1, Timestamp::from_secs(1_790_000_000)).unwrap()
}

/// Sends one mail in the clear to a server of these manners: the outcome, and what the client said.
async fn sent_to(manners: Manners, tls: MailTls) -> (Result<(), Failure>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, manners).await
    });
    let smtp = Smtp::new(&settings(port, tls, None)).unwrap();
    let outcome = smtp.send(&message()).await;
    (outcome, server.await.unwrap())
}

#[tokio::test]
async fn a_mail_is_handed_to_the_server_with_its_sender_and_recipient() {
    let (outcome, said) = sent_to(KIND, MailTls::None).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    for line in [
        "EHLO example.com",
        "MAIL FROM:<mesej@example.com>",
        "RCPT TO:<ana@example.org>",
        "Subject: Confirm your e-mail address",
        "Auto-Submitted: auto-generated",
        "https://mesej.example/#/sign-up/mj_signup_x",
    ] {
        assert!(said.iter().any(|one| one == line), "{line}: {said:?}");
    }
    assert!(said.iter().any(|one| one.starts_with("AUTH PLAIN ")), "{said:?}");
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_told_from_what_it_refuses_for_now() {
    let answers = |recipient| Manners { recipient, ..KIND };
    let (gone, _) = sent_to(answers("550 no ana@example.org here\r\n"), MailTls::None).await;
    let (busy, _) = sent_to(answers("451 ana@example.org later\r\n"), MailTls::None).await;
    match (gone.unwrap_err(), busy.unwrap_err()) {
        (Failure::ForGood(gone), Failure::ForNow(busy)) => {
            assert_eq!(gone, "the server answered 550");
            assert_eq!(busy, "the server answered 451");
        }
        other => panic!("{other:?}"),
    }
    let nobody = Smtp::new(&settings(1, MailTls::None, None)).unwrap();
    let refused = nobody.send(&message()).await.unwrap_err();
    assert!(matches!(refused, Failure::ForNow(_)), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_does_not_offer_the_tls_that_is_asked_for() {
    let (outcome, said) = sent_to(KIND, MailTls::Starttls).await;
    assert!(outcome.is_err());
    assert!(
        !said
            .iter()
            .any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_server_is_believed_whose_certificate_the_settings_vouch_for_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    for (name, pem, is_believed) in [
        ("own.pem", cert.pem(), true),
        ("other.pem", other.cert.pem(), false),
    ] {
        let ca = folder.path().join(name);
        std::fs::write(&ca, pem).unwrap();
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.clone();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            match acceptor.accept(stream).await {
                Ok(stream) => converse(stream, KIND).await,
                Err(_broken_off) => Vec::new(),
            }
        });
        let smtp = Smtp::new(&settings(port, MailTls::Implicit, Some(ca))).unwrap();
        let outcome = smtp.send(&message()).await;
        assert_eq!(outcome.is_ok(), is_believed, "{name}: {outcome:?}");
        let said = server.await.unwrap();
        assert_eq!(
            said.iter().any(|line| line.starts_with("RCPT")),
            is_believed,
            "{said:?}"
        );
    }
    let absent = Smtp::new(&settings(
        1,
        MailTls::Implicit,
        Some(folder.path().join("none.pem")),
    ));
    assert!(absent.err().unwrap().to_string().contains("none.pem"));
}
