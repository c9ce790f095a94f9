//! Calls over a real connection to a scripted server.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::domain::{Clock as _, SteadyClock, TestClock, Timestamp};

/// What the server does with a connection after it read a request.
#[derive(Clone, Copy)]
enum Script {
    /// Answers with these bytes and closes.
    Answer(&'static str),
    /// Closes without an answer.
    HangUp,
    /// Never answers.
    Silence,
}

/// Serves each connection by the same script and passes on the requests it read.
async fn serve(script: Script) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve_one(connection, script, seen.clone()));
        }
    });
    (address, requests)
}

async fn serve_one(mut connection: TcpStream, script: Script, seen: mpsc::Sender<String>) {
    let mut request = Vec::new();
    let mut chunk = [0_u8; 4_096];
    while !is_whole(&request) {
        match connection.read(&mut chunk).await {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    seen.send(String::from_utf8(request).unwrap()).await.unwrap();
    match script {
        Script::Answer(answer) => connection.write_all(answer.as_bytes()).await.unwrap(),
        Script::HangUp => {}
        Script::Silence => std::future::pending().await,
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    body.len() >= length
}

fn client(address: &str) -> GraphClient {
    let settings = GraphSettings {
        connect_timeout: Duration::from_millis(100),
        total_timeout: Duration::from_millis(300),
        ..GraphSettings::new(address, "v25.0")
    };
    GraphClient::new(
        settings,
        Arc::new(TestClock::at(Timestamp::from_secs(1_790_000_000))),
    )
    .unwrap()
}

fn call() -> SendCall {
    SendCall {
        number: PhoneNumberId::parse("106540352242922").unwrap(),
        token: BearerToken::parse("EAAB-secret").unwrap(),
        body: Bytes::from_static(br#"{"type":"text"}"#),
    }
}

#[tokio::test]
async fn a_send_is_one_request_as_meta_documents_it() {
    let (address, mut requests) = serve(Script::Answer(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"messages\":[{\"id\":\"wamid.OUT1\"}]}",
    ))
    .await;
    let result = client(&address).send(call()).await;
    let expected = SendResult::Accepted {
        wamid: Wamid::parse("wamid.OUT1").unwrap(),
        acceptance: Acceptance::Sending,
        recipient: crate::domain::ContactAliases::default(),
    };
    assert_eq!(result, expected);
    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /v25.0/106540352242922/messages HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_ascii_lowercase();
    assert!(head.contains("authorization: bearer eaab-secret"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(body, r#"{"type":"text"}"#);
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn no_connection_proves_that_nothing_left() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (plain, _requests) = serve(Script::Silence).await;
    for address in [
        format!("http://{closed}"),
        // A server that speaks no TLS: the handshake never ends.
        plain.replace("http://", "https://"),
        "http://no-such-host.invalid".to_owned(),
    ] {
        let result = client(&address).send(call()).await;
        assert!(
            matches!(
                result,
                SendResult::NotAccepted {
                    cause: NotAcceptedCause::NoConnection,
                    ..
                }
            ),
            "{address}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_ambiguous_and_not_repeated() {
    let (address, mut requests) = serve(Script::HangUp).await;
    let result = client(&address).send(call()).await;
    assert!(
        matches!(
            result,
            SendResult::Ambiguous {
                cause: AmbiguousCause::Broken,
                ..
            }
        ),
        "{result:?}"
    );
    assert!(requests.recv().await.is_some());
    assert!(requests.try_recv().is_err(), "the request was repeated");
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_is_ambiguous() {
    let (address, mut requests) = serve(Script::Silence).await;
    let result = client(&address).send(call()).await;
    assert!(
        matches!(
            result,
            SendResult::Ambiguous {
                cause: AmbiguousCause::Timeout,
                ..
            }
        ),
        "{result:?}"
    );
    assert!(requests.recv().await.is_some());
    assert!(requests.try_recv().is_err(), "the request was repeated");
}

#[tokio::test]
async fn a_success_that_breaks_off_is_ambiguous() {
    let (address, _requests) = serve(Script::Answer(
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"messages\":[{\"id\":",
    ))
    .await;
    let result = client(&address).send(call()).await;
    assert!(
        matches!(
            result,
            SendResult::Ambiguous {
                cause: AmbiguousCause::Unreadable,
                ..
            }
        ),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, mut redirected) = serve(Script::HangUp).await;
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _requests) = serve(Script::Answer(answer.leak())).await;
    let result = client(&address).send(call()).await;
    let not_graph = NotAcceptedCause::NotGraph;
    assert!(
        matches!(result, SendResult::NotAccepted { cause, .. } if cause == not_graph),
        "{result:?}"
    );
    assert!(redirected.try_recv().is_err(), "the token went elsewhere");
}

#[tokio::test]
async fn the_patience_that_a_server_asks_for_reaches_the_caller() {
    let (address, _requests) = serve(Script::Answer(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 41\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let result = client(&address).send(call()).await;
    let SendResult::NotAccepted { retry, .. } = result else {
        panic!("{result:?}")
    };
    assert_eq!(retry.backoff.after(1), Duration::from_secs(41));
}

#[tokio::test]
async fn a_number_is_described_by_one_question() {
    let (address, mut requests) = serve(Script::Answer(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"id\":\"106540352242922\",\"status\":\"CONNECTED\"}",
    ))
    .await;
    let call = call();
    let facts = client(&address)
        .describe_number(&call.number, &call.token)
        .await
        .unwrap();
    assert_eq!(facts.status.as_deref(), Some("CONNECTED"));
    let request = requests.recv().await.unwrap();
    assert!(
        request.starts_with("GET /v25.0/106540352242922?fields=id,display_phone_number,"),
        "{request}"
    );
}

#[tokio::test]
async fn subscriptions_are_asked_for_and_made_by_account() {
    let (address, mut requests) = serve(Script::Answer(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"success\":true,\"data\":[{\"id\":\"5\"}]}",
    ))
    .await;
    let (client, token) = (client(&address), call().token);
    let waba = WabaId::parse("10229/../x").unwrap();
    let apps = client.subscribed_apps(&waba, &token).await.unwrap();
    assert_eq!(apps.len(), 1);
    client.subscribe_app(&waba, &token).await.unwrap();
    let first = requests.recv().await.unwrap();
    let second = requests.recv().await.unwrap();
    assert!(first.starts_with("GET /v25.0/10229x/subscribed_apps "), "{first}");
    assert!(
        second.starts_with("POST /v25.0/10229x/subscribed_apps "),
        "{second}"
    );
}

#[tokio::test]
async fn reading_that_meta_refuses_says_why() {
    let (address, _requests) = serve(Script::Answer(
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"M\",\"fbtrace_id\":\"A\",\"code\":131009}}",
    ))
    .await;
    let refused = client(&address).mark_read(call()).await.unwrap_err();
    assert!(matches!(refused, GraphError::Refused { http_status: 400, ref error } if error.code == 131_009));
}

#[tokio::test]
async fn every_answer_says_what_time_it_is() {
    // 1,790,000,000 seconds.
    const DATED: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\
        date: Mon, 21 Sep 2026 14:13:20 GMT\r\n\r\n{\"error\":{\"message\":\"M\",\"code\":2500}}";
    let right = Timestamp::from_secs(1_790_000_000);
    let (address, mut requests) = serve(Script::Answer(DATED)).await;
    for is_send in [false, true] {
        let ahead = TestClock::at(right.after(Duration::from_secs(366 * 86_400)));
        let clock = Arc::new(SteadyClock::over(Arc::new(ahead)));
        let client = GraphClient::new(GraphSettings::new(&address, "v25.0"), clock.clone()).unwrap();
        if is_send {
            client.send(call()).await;
        } else {
            client.ask_time().await.unwrap();
        }
        assert_eq!((clock.now(), clock.doubt()), (right, Some(366 * 86_400)));
    }
    let asked = requests.recv().await.unwrap();
    assert!(asked.starts_with("GET /v25.0 HTTP/1.1"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

#[test]
fn a_token_never_shows_itself_and_must_fit_a_header() {
    assert!(!format!("{:?}", call()).contains("secret"));
    for bad in ["", "two words", "line\nbreak", "ümlaut"] {
        assert_eq!(BearerToken::parse(bad), Err(BearerTokenError), "{bad:?}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_at_once() {
    let clock = Arc::new(TestClock::at(Timestamp::from_secs(0)));
    let made = GraphClient::new(GraphSettings::new("not an address", "v25.0"), clock);
    assert!(matches!(made, Err(ClientError::Address(_))));
}
