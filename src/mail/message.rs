//! A letter as a mail.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0,
};
use lettre::message::{Body, Mailbox};
use zeroize::Zeroizing;

use super::Letter;
use super::class::Class;
use crate::config::Sender;
use crate::domain::Timestamp;
use crate::domain::email::EmailAddress;
use crate::telemetry::labels::MailKind;

/// A mail that is ready to be sent.
pub(crate) struct Message {
    pub(super) kind: MailKind,
    pub(super) class: Class,
    pub(super) at: Timestamp,
    pub(super) id: u64,
    pub(super) envelope: Envelope,
    /// Headers and text; a link that opens an account stands in it.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({:?})", self.kind)
    }
}

impl Message {
    /// Writes one.
    pub(super) fn new(
        from: &Sender,
        to: &EmailAddress,
        letter: &Letter,
        id: u64,
        at: Timestamp,
    ) -> Result<Self, String> {
        let address = |email: &EmailAddress| {
            email
                .as_str()
                .parse::<Address>()
                .map_err(|error| error.to_string())
        };
        let sender = address(&from.email)?;
        let name = Some(from.name.clone()).filter(|name| !name.is_empty());
        let message_id = format!("<{:x}.{id:x}@{}>", at.as_millis(), sender.domain());
        let since = u64::try_from(at.as_millis()).unwrap_or_default();
        let built = lettre::Message::builder()
            .from(Mailbox::new(name, sender))
            .to(Mailbox::new(None, address(to)?))
            .subject(letter.subject())
            .date(UNIX_EPOCH + Duration::from_millis(since))
            .message_id(Some(message_id))
            // Nobody's absence is told to a machine (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(body(letter.text()));
        let built = built.map_err(|error| error.to_string())?;
        Ok(Self {
            kind: letter.kind(),
            class: Class::of(letter),
            at,
            id,
            envelope: built.envelope().clone(),
            bytes: Zeroizing::new(built.formatted()),
        })
    }
}

/// A text as it is sent: its lines as they are where that is allowed (RFC 5322, §2.1.1), so that a link can be copied from a file.
fn body(text: String) -> Body {
    let is_plain = text.is_ascii() && text.lines().all(|line| line.len() <= 998);
    if is_plain {
        let lines = text.replace('\n', "\r\n").into_bytes();
        Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Link;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn letter() -> Letter {
        Letter::Invitation {
            business: Some("Café Łódź".to_owned()),
            link: Link::new(
                "https://mesej.example/#/invitation/1/mj_invite_abcdef_0123456789_xyz".to_owned(),
            ),
            lasts: Duration::from_secs(604_800),
        }
    }

    fn text(from: &str, to: &str) -> String {
        let message = Message::new(&from.parse().unwrap(), &to.parse().unwrap(), &letter(), 7, NOW).unwrap();
        String::from_utf8(message.bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_mail_can_be_written_to_every_address_that_is_accepted() {
        let local = "ana.!#$&'*+-/=?^_`{|}~9";
        for to in [
            "ana@example.org",
            "ana@bücher.example",
            &format!("{local}@example.org"),
        ] {
            let address: EmailAddress = to.parse().unwrap();
            let from = "Mesej <mesej@example.com>".parse().unwrap();
            let message = Message::new(&from, &address, &letter(), 7, NOW).unwrap();
            let to: Vec<&str> = message.envelope.to().iter().map(AsRef::as_ref).collect();
            assert_eq!(to, [address.as_str()]);
            assert!(address.as_str().is_ascii());
        }
    }

    #[test]
    fn a_mail_has_the_headers_that_it_needs_and_no_others() {
        let mail = text("Mesej Zürich <mesej@example.com>", "ana@example.org");
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(
            sorted,
            [
                "Auto-Submitted",
                "Content-Transfer-Encoding",
                "Content-Type",
                "Date",
                "From",
                "MIME-Version",
                "Message-ID",
                "Subject",
                "To",
            ]
        );
        for line in [
            "To: ana@example.org",
            "Subject: You are invited to a team",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "Date: Mon, 21 Sep 2026 14:13:20 +0000",
        ] {
            assert!(head.lines().any(|one| one == line), "{line}: {head}");
        }
        assert!(head.contains("From: =?utf-8?"), "{head}");
        assert!(head.is_ascii() && body.is_ascii(), "{mail}");
        // Soft breaks of quoted-printable are not part of the text.
        let body = body.replace("=\r\n", "");
        assert!(body.contains("mj_invite_abcdef_0123456789_xyz"), "{body}");
        assert!(mail.lines().all(|line| line.len() <= 998));
    }

    #[test]
    fn a_link_stands_whole_on_a_line_of_its_own() {
        let link = format!("https://mesej.example/#/sign-up/mj_signup_{}", "x".repeat(80));
        let letter = Letter::SignUp {
            link: Link::new(link.clone()),
            lasts: Duration::from_secs(86_400),
        };
        let (from, to) = (
            "mesej@example.com".parse().unwrap(),
            "ana@example.org".parse().unwrap(),
        );
        let mail = Message::new(&from, &to, &letter, 7, NOW).unwrap();
        let mail = String::from_utf8(mail.bytes.to_vec()).unwrap();
        assert!(mail.contains("Content-Transfer-Encoding: 7bit\r\n"), "{mail}");
        assert!(mail.contains(&format!("\r\n{link}\r\n")), "{mail}");
        assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "{mail}");
    }
}
