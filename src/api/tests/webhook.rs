use std::time::Duration;

use ring::hmac;

use super::*;
use crate::domain::ids::hex;

const BODY: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[]}]}"#;
const PATH: &str = "/webhooks/whatsapp";

fn sign(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex(hmac::sign(&key, body).as_ref()))
}

impl Api {
    fn webhook(&self, body: &[u8]) -> Request {
        self.plain("POST", PATH)
            .header("Content-Type", "application/json")
            .body(body)
    }

    fn signed(&self, body: &[u8]) -> Request {
        self.webhook(body)
            .header("X-Hub-Signature-256", &sign(APP_SECRET, body))
    }
}

#[actix_web::test]
async fn a_signed_webhook_is_journalled_byte_for_byte_and_answered_200_with_nothing() {
    let api = Api::start().await;
    let answer = api.signed(BODY.as_bytes()).send().await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(api.journal.taken(), [BODY]);
    let signer = crate::actors::Signer::App("main".into());
    assert_eq!(*api.journal.signers.lock().unwrap(), [signer]);
}

#[actix_web::test]
async fn both_secrets_hold_while_one_is_replaced() {
    let api = Api::start().await;
    let signature = sign("the next one", BODY.as_bytes());
    let answer = api
        .webhook(BODY.as_bytes())
        .header("X-Hub-Signature-256", &signature)
        .send()
        .await;
    assert_eq!(answer.status, 200);
}

#[actix_web::test]
async fn what_is_not_signed_exactly_is_refused_and_stored_nowhere() {
    let api = Api::start().await;
    let good = sign(APP_SECRET, BODY.as_bytes());
    let header = |value: &str| api.webhook(BODY.as_bytes()).header("X-Hub-Signature-256", value);
    let mut changed = BODY.as_bytes().to_vec();
    changed[20] ^= 1;
    let cases = [
        ("none", api.webhook(BODY.as_bytes())),
        ("another secret", header(&sign("other", BODY.as_bytes()))),
        (
            "upper case",
            header(&good.to_uppercase().replace("SHA256", "sha256")),
        ),
        ("no prefix", header(&good[7..])),
        ("too short", header(&good[..good.len() - 1])),
        ("too long", header(&format!("{good}0"))),
        ("SHA-1", header(&good.replace("sha256", "sha1"))),
        (
            "two headers, the first right",
            header(&good).header("X-Hub-Signature-256", "sha256=00"),
        ),
        (
            "two headers, both right",
            header(&good).header("X-Hub-Signature-256", &good),
        ),
        (
            "the older header alone",
            api.webhook(BODY.as_bytes()).header("X-Hub-Signature", &good),
        ),
        (
            "one bit changed",
            api.webhook(&changed).header("X-Hub-Signature-256", &good),
        ),
        (
            "empty body",
            api.plain("POST", PATH).header("X-Hub-Signature-256", &good),
        ),
    ];
    for (case, request) in cases {
        assert_eq!(
            request.send().await.outcome(),
            (401, "bad_signature".to_owned()),
            "{case}"
        );
    }
    assert!(api.journal.taken().is_empty());
}

#[actix_web::test]
async fn a_chunked_body_is_the_same_body() {
    let api = Api::start().await;
    let answer = api.signed(BODY.as_bytes()).chunked(7).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(api.journal.taken(), [BODY]);
}

#[actix_web::test]
async fn the_signature_covers_the_bytes_on_the_wire_whatever_they_encode() {
    let api = Api::start().await;
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03pretend";
    let answer = api.signed(packed).header("Content-Encoding", "gzip").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(api.journal.taken(), [&packed[..]]);
    let unpacked = sign(APP_SECRET, b"pretend");
    let answer = api.webhook(packed).header("Content-Encoding", "gzip");
    assert_eq!(
        answer
            .header("X-Hub-Signature-256", &unpacked)
            .send()
            .await
            .status,
        401
    );
}

#[actix_web::test]
async fn three_mebibytes_are_taken_and_one_byte_more_is_not() {
    let api = Api::start().await;
    let full = vec![b' '; 3 << 20];
    let over = vec![b' '; (3 << 20) + 1];
    assert_eq!(api.signed(&full).send().await.status, 200);
    assert_eq!(api.signed(&full).chunked(60_000).send().await.status, 200);
    assert_eq!(
        api.signed(&over).send().await.outcome(),
        (413, "too_large".to_owned())
    );
    assert_eq!(
        api.signed(&over).chunked(60_000).send().await.outcome(),
        (413, "too_large".to_owned())
    );
    assert_eq!(api.journal.taken().len(), 2);
}

#[actix_web::test]
async fn a_journal_that_cannot_makes_503_with_the_time_to_come_back() {
    let api = Api::start().await;
    *api.journal.full.lock().unwrap() = Some(Duration::from_secs(7));
    let answer = api.signed(BODY.as_bytes()).send().await;
    assert_eq!(answer.outcome(), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("7"));
}

#[actix_web::test]
async fn beyond_the_bytes_in_hand_it_is_503_and_the_next_small_one_is_taken() {
    let server = "webhook_body_limit = \"64 KiB\"\nwebhook_max_bytes_in_flight = \"64 KiB\"";
    let small = Api::start_with(Setup {
        server,
        ..Setup::default()
    })
    .await;
    let answer = small.signed(&vec![b' '; 64 << 10]).send().await;
    assert_eq!(answer.status, 200);
    use tokio::io::AsyncWriteExt as _;
    let claim = sign(APP_SECRET, b"another");
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {claim}\r\nContent-Length: 65000\r\n\r\n"
    );
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    let (mut refused, mut held) = (None, None);
    while refused.is_none() && tokio::time::Instant::now() < deadline {
        // One that comes while the room is taken is sent away itself.
        drop(held.take());
        let mut stalled = tokio::net::TcpStream::connect(small.addr).await.unwrap();
        stalled.write_all(head.as_bytes()).await.unwrap();
        stalled.write_all(&vec![b' '; 40_000]).await.unwrap();
        held = Some(stalled);
        small.signed(BODY.as_bytes()).send().await;
        let answer = small.signed(&vec![b' '; 64 << 10]).send().await;
        refused = (answer.status == 503).then_some(answer);
    }
    let refused = refused.expect("no room while another body is held");
    assert_eq!(refused.outcome(), (503, "busy".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert_eq!(small.signed(BODY.as_bytes()).send().await.status, 200);
    let mut taken = 503;
    while taken == 503 && tokio::time::Instant::now() < deadline {
        taken = small.signed(&vec![b' '; 64 << 10]).send().await.status;
    }
    assert_eq!(
        taken, 200,
        "a body that comes for long makes way before its time is up"
    );
}

/// Begins a webhook whose body never comes.
async fn silent(api: &Api, headers: &str) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let mut stream = tokio::net::TcpStream::connect(api.addr).await.unwrap();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 10\r\n\r\n1");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[actix_web::test]
async fn bodies_that_never_come_take_no_place_of_those_that_do() {
    let api = Api::start_with(Setup {
        server: "webhook_max_in_flight = 1",
        ..Setup::default()
    })
    .await;
    let claim = format!("X-Hub-Signature-256: {}\r\n", sign(APP_SECRET, b"another"));
    let mut all = Vec::new();
    for _ in 0..50 {
        all.push(silent(&api, &claim).await);
        assert_eq!(api.signed(BODY.as_bytes()).send().await.status, 200);
    }
}

#[actix_web::test]
async fn beyond_the_places_it_is_503() {
    let api = Api::start_with(Setup {
        server: "webhook_max_in_flight = 1",
        ..Setup::default()
    })
    .await;
    let taking = api.journal.gate.lock().await;
    let mut first = tokio::net::TcpStream::connect(api.addr).await.unwrap();
    let held = api.signed(BODY.as_bytes()).send_on(&mut first);
    let beyond = async {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        let mut seen = 0;
        while seen != 503 && tokio::time::Instant::now() < deadline {
            // One of the two is there first.
            let second = api.signed(BODY.as_bytes()).send();
            seen = tokio::time::timeout(Duration::from_millis(200), second)
                .await
                .map_or(0, |answer| answer.status);
        }
        drop(taking);
        seen
    };
    let (held, seen) = tokio::join!(held, beyond);
    assert_eq!((held.status, seen), (200, 503));
    assert_eq!(api.signed(BODY.as_bytes()).send().await.status, 200);
}

#[actix_web::test]
async fn who_shows_no_signature_is_refused_before_the_body_is_there() {
    let api = Api::start().await;
    for headers in ["", "X-Hub-Signature-256: sha256=00\r\n"] {
        let mut stream = silent(&api, headers).await;
        let mut answer = [0; 12];
        let told = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer);
        // Far below the time that a body may take.
        tokio::time::timeout(Duration::from_secs(1), told)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{headers}");
    }
}

#[actix_web::test]
async fn a_refused_webhook_leaves_its_connection_usable() {
    let api = Api::start().await;
    let mut stream = tokio::net::TcpStream::connect(api.addr).await.unwrap();
    let big = vec![b' '; 300_000];
    let wrong = api
        .webhook(&big)
        .header("X-Hub-Signature-256", &sign("other", &big));
    assert_eq!(wrong.send_on(&mut stream).await.status, 401);
    *api.journal.full.lock().unwrap() = Some(Duration::from_secs(1));
    assert_eq!(api.signed(&big).send_on(&mut stream).await.status, 503);
    *api.journal.full.lock().unwrap() = None;
    assert_eq!(api.signed(&big).send_on(&mut stream).await.status, 200);
}

#[actix_web::test]
async fn metas_handshake_gets_its_challenge_back_bare() {
    let api = Api::start().await;
    let path = format!("{PATH}?hub.mode=subscribe&hub.challenge=11%2058&hub.verify_token=let%20me%20in");
    let answer = api.plain("GET", &path).send().await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"11 58"[..]));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    for query in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=let%20me%20in",
        "hub.mode=subscribe&hub.verify_token=let%20me%20in",
        "",
    ] {
        let answer = api.plain("GET", &format!("{PATH}?{query}")).send().await;
        assert_eq!(answer.outcome(), (403, "forbidden".to_owned()), "{query}");
    }
}

#[actix_web::test]
async fn without_an_app_nobody_is_let_in() {
    let api = Api::start_with(Setup {
        apps: "",
        ..Setup::default()
    })
    .await;
    let answer = api
        .webhook(BODY.as_bytes())
        .header("X-Hub-Signature-256", &sign("", BODY.as_bytes()))
        .send()
        .await;
    assert_eq!(answer.status, 401);
    let path = format!("{PATH}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=");
    assert_eq!(api.plain("GET", &path).send().await.status, 403);
}
