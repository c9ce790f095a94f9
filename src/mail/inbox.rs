//! What would have been sent, for tests.

use super::*;
use crate::telemetry::labels::MailKind;

/// Mails that nobody sends.
pub(crate) struct Inbox(mpsc::Receiver<Waiting>);

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) kind: MailKind,
    pub(crate) text: String,
}

impl Inbox {
    /// A mailer whose mails end there.
    pub(crate) fn open(clock: Arc<dyn Clock>) -> (Mailer, Self) {
        struct Nowhere;
        #[async_trait]
        impl Transport for Nowhere {
            async fn send(&self, _: &Message) -> Result<(), Failure> {
                Ok(())
            }
        }
        let from = "mesej@example.com".parse().unwrap();
        let (mailer, worker) = Mailer::through(Arc::new(Nowhere), from, clock, 1);
        (mailer, Self(worker.into_mails()))
    }

    /// The next; waits for it.
    pub(crate) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.0.recv());
        read(next.await.expect("no mail came").unwrap())
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read(waiting: Waiting) -> Received {
    let message = waiting.message;
    let text = String::from_utf8(message.bytes.to_vec()).unwrap();
    // Texts are ASCII but for names: soft breaks are all that stands between.
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let body = if head.contains("quoted-printable") {
        body.replace("=\r\n", "").replace("=3D", "=")
    } else {
        body.to_owned()
    };
    Received {
        to: message.envelope.to()[0].to_string(),
        kind: message.kind,
        text: body.replace("\r\n", "\n"),
    }
}

impl Received {
    /// The token of the link in it, which leads to this place of the console.
    pub(crate) fn token(&self, place: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("/#/{place}/")).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }
}
