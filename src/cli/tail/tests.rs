use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::super::PlainHttp;
use super::super::tests::answer_one;
use super::*;

type Server = WebSocketStream<TcpStream>;

/// Hands out a ticket, takes the socket that shows it, and returns it with the client's hello.
async fn accept(listener: &TcpListener) -> (Server, Value) {
    let (mut ticket, _) = listener.accept().await.unwrap();
    let request = answer_one(&mut ticket, "200 OK", r#"{"ticket":"t1","expires_in_s":30}"#).await;
    assert!(
        request.contains("Bearer the-key") && request.contains(r#""agent":"tail""#),
        "{request}"
    );
    let (stream, _) = listener.accept().await.unwrap();
    #[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
    let mut server =
        tokio_tungstenite::accept_hdr_async(stream, |request: &Request, mut response: Response| {
            assert_eq!(request.uri().path(), "/v1/ws");
            assert_eq!(request.headers()["sec-websocket-protocol"], "mesej.v2, ticket.t1");
            response
                .headers_mut()
                .insert("sec-websocket-protocol", "mesej.v2".parse().unwrap());
            Ok(response)
        })
        .await
        .unwrap();
    let hello = hear(&mut server).await;
    (server, hello)
}

async fn hear(server: &mut Server) -> Value {
    serde_json::from_str(server.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
}

async fn say(server: &mut Server, frame: Value) {
    server.send(Message::text(frame.to_string())).await.unwrap();
}

async fn close(server: &mut Server, code: u16, reason: &str) {
    server
        .close(Some(CloseFrame {
            code: code.into(),
            reason: reason.into(),
        }))
        .await
        .unwrap();
}

fn event(seq: u64) -> Value {
    json!({ "seq": seq, "at": 0, "kind": "contact", "data": {} })
}

/// A tail of a server at this listener, and what it printed.
async fn tail(listener: &TcpListener, count: u64) -> (Result<(), CliError>, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = TailArgs {
        server: KeyArgs {
            url: format!("http://{}", listener.local_addr().unwrap()),
            key: "the-key".to_owned().into(),
            plain: PlainHttp::default(),
        },
        agent: "tail".to_owned(),
        json: false,
        count: Some(count),
    };
    let mut out = Vec::new();
    let result = Tail::new(args).unwrap().follow(&mut out).await;
    (result, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn a_lost_connection_resumes_by_cursor_and_nothing_is_printed_twice() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (mut first, hello) = accept(&listener).await;
        assert_eq!(hello, json!({ "type": "hello" }));
        say(
            &mut first,
            json!({ "type": "welcome", "epoch": "e1", "seq": 4, "head_seq": 4 }),
        )
        .await;
        say(
            &mut first,
            json!({ "type": "events", "events": [event(5), event(6)] }),
        )
        .await;
        say(&mut first, json!({ "type": "reconnect", "after_ms": 0 })).await;
        close(&mut first, 1012, "restarting").await;
        let (mut second, hello) = accept(&listener).await;
        assert_eq!(hello, json!({ "type": "hello", "epoch": "e1", "seq": 6 }));
        say(
            &mut second,
            json!({ "type": "welcome", "epoch": "e1", "seq": 6, "head_seq": 7 }),
        )
        .await;
        say(
            &mut second,
            json!({ "type": "events", "events": [event(6), event(7)] }),
        )
        .await;
        second
    };
    let ((result, printed), _second) = tokio::join!(tail(&listener, 3), server);
    result.unwrap();
    let shown: Vec<&str> = printed
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(shown, ["#5", "#6", "#7"]);
}

#[tokio::test]
async fn what_was_printed_is_acknowledged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (mut socket, _) = accept(&listener).await;
        say(
            &mut socket,
            json!({ "type": "welcome", "epoch": "e1", "seq": 0, "head_seq": 1 }),
        )
        .await;
        say(&mut socket, json!({ "type": "events", "events": [event(1)] })).await;
        assert_eq!(hear(&mut socket).await, json!({ "type": "ack", "seq": 1 }));
        say(&mut socket, json!({ "type": "events", "events": [event(2)] })).await;
        socket
    };
    let ((result, _), _socket) = tokio::join!(tail(&listener, 2), server);
    result.unwrap();
}

#[tokio::test]
async fn after_a_resync_it_goes_on_from_where_the_server_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (mut socket, _) = accept(&listener).await;
        say(
            &mut socket,
            json!({ "type": "welcome", "epoch": "e1", "seq": 4, "head_seq": 4 }),
        )
        .await;
        say(
            &mut socket,
            json!({ "type": "resync", "epoch": "e2", "head_seq": 2, "reason": "epoch_changed" }),
        )
        .await;
        say(&mut socket, json!({ "type": "events", "events": [event(3)] })).await;
        socket
    };
    let ((result, printed), _socket) = tokio::join!(tail(&listener, 1), server);
    result.unwrap();
    assert!(printed.starts_with("#3 "), "{printed}");
}

#[tokio::test]
async fn a_server_that_does_not_want_it_back_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (mut socket, _) = accept(&listener).await;
        close(&mut socket, 4409, "too many sockets of this agent").await;
        socket
    };
    let ((result, _), _socket) = tokio::join!(tail(&listener, 1), server);
    let error = result.unwrap_err().to_string();
    assert_eq!(
        error,
        "the server closed the connection: too many sockets of this agent (4409)"
    );
}

#[tokio::test]
async fn a_refused_ticket_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let body = r#"{"error":{"code":"unauthorized","message":"no such key"}}"#;
        answer_one(&mut listener.accept().await.unwrap().0, "401 Unauthorized", body).await
    };
    let ((result, _), _) = tokio::join!(tail(&listener, 1), server);
    assert_eq!(result.unwrap_err().to_string(), "no such key (unauthorized)");
}

#[tokio::test]
async fn a_server_that_is_not_up_yet_again_is_asked_once_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = async {
        let (mut first, _) = accept(&listener).await;
        say(
            &mut first,
            json!({ "type": "welcome", "epoch": "e1", "seq": 4, "head_seq": 4 }),
        )
        .await;
        say(&mut first, json!({ "type": "reconnect", "after_ms": 0 })).await;
        close(&mut first, 1012, "restarting").await;
        let body = r#"{"error":{"code":"unavailable","message":"starting or stopping"}}"#;
        answer_one(
            &mut listener.accept().await.unwrap().0,
            "503 Service Unavailable",
            body,
        )
        .await;
        let (mut second, hello) = accept(&listener).await;
        assert_eq!(hello, json!({ "type": "hello", "epoch": "e1", "seq": 4 }));
        say(
            &mut second,
            json!({ "type": "welcome", "epoch": "e1", "seq": 4, "head_seq": 5 }),
        )
        .await;
        say(&mut second, json!({ "type": "events", "events": [event(5)] })).await;
        second
    };
    let ((result, printed), _second) = tokio::join!(tail(&listener, 1), server);
    result.unwrap();
    assert!(printed.starts_with("#5 "), "{printed}");
}
