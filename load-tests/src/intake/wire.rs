//! The thinnest HTTP/1.1 client: whole requests out, status codes in. A heavier one would be what is measured.

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most that an answer may take.
const ANSWER_MAX: usize = 16 * 1024;

/// A kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects to `host:port`.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(1_024),
        })
    }

    /// Sends a request and reads its answer to the end; gives the status code.
    pub async fn call(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let mut missing = None;
        loop {
            if missing.is_none() {
                missing = end_of(&self.answer)?;
            }
            if missing.is_some_and(|end| self.answer.len() >= end) {
                break;
            }
            anyhow::ensure!(self.answer.len() < ANSWER_MAX, "an answer without an end");
            let read = self.stream.read_buf(&mut self.answer).await?;
            anyhow::ensure!(read > 0, "the server closed the connection");
        }
        let code = self.answer.get(9..12).context("no status line")?;
        Ok(std::str::from_utf8(code)?.parse()?)
    }
}

/// Length of the whole answer, once its head is there.
fn end_of(answer: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(answer.get(..head).unwrap_or_default())?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Ok(Some(
        head + 4 + length.context("an answer without Content-Length")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        assert_eq!(end_of(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(end_of(answer).unwrap(), Some(answer.len()));
        assert!(end_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
