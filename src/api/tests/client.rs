//! An HTTP client that sends exactly what it is told, well-formed or not.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request to be sent.
#[derive(Clone)]
pub(super) struct Request {
    addr: SocketAddr,
    head: String,
    body: Vec<u8>,
    length: bool,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn new(addr: SocketAddr, method: &str, path: &str) -> Self {
        Self {
            addr,
            head: format!("{method} {path} HTTP/1.1\r\nHost: test\r\n"),
            body: Vec::new(),
            length: true,
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// Names another host.
    pub(super) fn host(mut self, host: &str) -> Self {
        self.head = self.head.replacen("Host: test", &format!("Host: {host}"), 1);
        self
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// Sends the body in pieces, without saying its length.
    pub(super) fn chunked(mut self, size: usize) -> Self {
        let mut framed = Vec::new();
        for piece in self.body.chunks(size) {
            framed.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            framed.extend_from_slice(piece);
            framed.extend_from_slice(b"\r\n");
        }
        framed.extend_from_slice(b"0\r\n\r\n");
        self.body = framed;
        self.length = false;
        self.header("Transfer-Encoding", "chunked")
    }

    pub(super) async fn send(self) -> Answer {
        let mut stream = TcpStream::connect(self.addr).await.unwrap();
        self.send_on(&mut stream).await
    }

    /// Sends on a connection that stays open.
    pub(super) async fn send_on(self, stream: &mut TcpStream) -> Answer {
        let mut bytes = self.head.into_bytes();
        if self.length && !self.body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        // A server that refuses may stop reading before all is sent.
        let _ = stream.write_all(&bytes).await;
        tokio::time::timeout(Duration::from_secs(20), read_answer(stream))
            .await
            .expect("an answer in time")
    }
}

async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        let mut buffer = [0_u8; 8192];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(
            read > 0,
            "the connection ended within {:?}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            break (String::from_utf8(bytes).unwrap(), body);
        }
    };
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = read_chunks(stream, body).await;
        return answer;
    }
    let length = answer
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        let mut buffer = vec![0_u8; length - body.len()];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the connection ended within a body");
        body.extend_from_slice(&buffer[..read]);
    }
    answer.body = body;
    answer
}

/// The pieces of a body, put together.
async fn read_chunks(stream: &mut TcpStream, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        if let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
            let size = std::str::from_utf8(&bytes[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let (begins, ends) = (end + 2, end + 2 + size);
            if bytes.len() >= ends + 2 {
                if size == 0 {
                    return whole;
                }
                whole.extend_from_slice(&bytes[begins..ends]);
                bytes.drain(..ends + 2);
                continue;
            }
        }
        let mut buffer = vec![0_u8; 8_192];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the connection ended within a body");
        bytes.extend_from_slice(&buffer[..read]);
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The error's code; empty when it is none.
    pub(super) fn code(&self) -> String {
        if self.status < 400 {
            return String::new();
        }
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Status and code, to be compared at once.
    pub(super) fn outcome(&self) -> (u16, String) {
        (self.status, self.code())
    }
}
