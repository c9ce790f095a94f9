//! What anybody can try who has no key. Each attack in small: meanwhile webhooks are taken and the process says that it
//! lives, and every connection of the attacker ends by its time-out.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::{PATIENCE, Setup, TestGateway, signature};
use crate::kept::Kept;

/// Connections of one attack.
const CONNECTIONS: usize = 40;
/// How long an attacker waits between two bytes.
const DRIP: Duration = Duration::from_millis(200);

/// A gateway whose clients have a second for everything.
async fn gateway() -> TestGateway {
    let extra = [
        ("MESEJ_SERVER__HEAD_TIMEOUT_S", "1"),
        ("MESEJ_SERVER__KEEP_ALIVE_S", "1"),
        ("MESEJ_SERVER__BODY_TIMEOUT_S", "2"),
        ("MESEJ_SERVER__SLOW_GRACE_S", "1"),
        ("MESEJ_SERVER__WEBHOOK_MAX_IN_FLIGHT", "8"),
        ("MESEJ_SERVER__WEBHOOK_MAX_BYTES_IN_FLIGHT", "4 MiB"),
    ];
    let extra = extra.map(|(name, value)| (name, value.to_owned())).to_vec();
    let setup = Setup {
        extra,
        ..Setup::default()
    };
    TestGateway::start_with(Kept::in_a_folder(), setup).await
}

/// What each of an attacker's connections does.
#[derive(Clone)]
struct Attack {
    /// Sent at once.
    first: Vec<u8>,
    /// Sent byte for byte for as long as the connection is open.
    then: &'static [u8],
    /// Whether answers are read.
    reads: Reads,
}

#[derive(Clone, Copy, PartialEq)]
enum Reads {
    All,
    Nothing,
}

impl Attack {
    /// Ends once the server has ended the connection.
    async fn run(self, to: SocketAddr) {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let mut drip = self.then.iter().cycle();
        let mut buffer = vec![0; 4_096];
        if self.reads == Reads::Nothing {
            // Until there is no room any more, then until the connection breaks.
            while stream.write_all(&self.first).await.is_ok() {}
            return;
        }
        if stream.write_all(&self.first).await.is_err() {
            return;
        }
        loop {
            match tokio::time::timeout(DRIP, stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_silence) => {
                    let Some(byte) = drip.next() else { continue };
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Runs an attack over many connections at once, and says that nobody else noticed.
async fn nobody_notices(name: &str, attack: Attack) {
    let gateway = gateway().await;
    let address: SocketAddr = gateway.base.strip_prefix("http://").unwrap().parse().unwrap();
    let attackers: Vec<_> = (0..CONNECTIONS)
        .map(|_| actix::spawn(attack.clone().run(address)))
        .collect();
    let body = json!({ "object": "whatsapp_business_account", "entry": [] }).to_string();
    let health = format!("{}/healthz", gateway.base);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut others = 0;
    while attackers.iter().any(|attacker| !attacker.is_finished()) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{name}: a connection is still open"
        );
        assert_eq!(gateway.webhook(body.as_bytes()).await, 200, "{name}");
        let lives = gateway.client.get(&health).send().await.unwrap();
        assert_eq!(lives.status(), 200, "{name}");
        others += 1;
    }
    assert!(others > 5, "{name}: {others} webhooks while it lasted");
    for attacker in attackers {
        attacker.await.unwrap();
    }
    gateway.stop().await;
}

fn request(head: &str) -> Attack {
    Attack {
        first: format!("{head}\r\n\r\n").into_bytes(),
        then: b"",
        reads: Reads::All,
    }
}

fn post(length: &str) -> String {
    let claim = signature(b"another body");
    format!("POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {claim}\r\n{length}")
}

const GET: &str = "GET /healthz HTTP/1.1\r\nHost: x";

#[actix::test]
async fn webhooks_whose_bodies_never_come() {
    nobody_notices("silent", request(&post("Content-Length: 3000000"))).await;
}

#[actix::test]
async fn webhooks_whose_bodies_drip() {
    let then = b"x";
    let attack = Attack {
        then,
        ..request(&post("Content-Length: 3000000"))
    };
    nobody_notices("dripping", attack).await;
}

#[actix::test]
async fn webhooks_whose_bodies_are_almost_whole() {
    let mut attack = request(&post("Content-Length: 3000000"));
    attack.first.resize(2_900_000, b' ');
    nobody_notices("almost whole", attack).await;
}

#[actix::test]
async fn connections_that_say_nothing_after_a_request() {
    nobody_notices("silence", request(GET)).await;
    // A line too many is a head that began.
    nobody_notices("a line", request(&format!("{GET}\r\n\r\n"))).await;
}

#[actix::test]
async fn a_second_head_that_drips() {
    let attack = Attack {
        then: b"GET /healthz HTTP/1.1\r\nX-Header: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        ..request(GET)
    };
    nobody_notices("second head", attack).await;
}

#[actix::test]
async fn answers_that_nobody_reads() {
    let attack = Attack {
        first: format!("{GET}\r\n\r\n").repeat(500).into_bytes(),
        reads: Reads::Nothing,
        ..request(GET)
    };
    nobody_notices("unread", attack).await;
}

#[actix::test]
async fn a_chunked_body_that_never_comes() {
    nobody_notices(
        "unwanted",
        request(&format!("{GET}\r\nTransfer-Encoding: chunked")),
    )
    .await;
    nobody_notices("wanted", request(&post("Transfer-Encoding: chunked"))).await;
    let attack = Attack {
        then: b"1\r\nx\r\n",
        ..request(&format!("{GET}\r\nTransfer-Encoding: chunked"))
    };
    nobody_notices("dripping", attack).await;
}
