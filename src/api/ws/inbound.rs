//! Frames from a client's bytes.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_http::ws::{Codec, Item};
use actix_web_actors::ws::{Frame, ProtocolError};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::codec::Decoder as _;

use super::link::Link;
use super::protocol::{Inbound, Part};

/// The longest header of a client's frame.
const HEADER: usize = 14;
/// Bytes read at once.
const READ: usize = 16 * 1024;

thread_local! {
    /// Where all sockets of a thread read into, so that an idle one holds no buffer.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// The frames of one socket, until it ends or breaks the protocol.
pub(super) struct Frames<R> {
    reading: R,
    link: Link,
    codec: Codec,
    limit: usize,
    bytes: BytesMut,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Frames of at most `limit` bytes. `early` was read before.
    pub(super) fn of(reading: R, early: &[u8], link: Link, limit: usize) -> Self {
        Self {
            reading,
            link,
            codec: Codec::new().max_size(limit),
            limit,
            bytes: BytesMut::from(early),
            ended: false,
        }
    }

    /// Reads what is there; false at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.link.is_broken(cx.waker()) {
            return Poll::Ready(false);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            let read = ready!(Pin::new(&mut self.reading).poll_read(cx, &mut buffer));
            self.bytes.extend_from_slice(buffer.filled());
            Poll::Ready(read.is_ok() && !buffer.filled().is_empty())
        })
    }

    fn decode(&mut self) -> Option<Inbound> {
        if self.bytes.is_empty() {
            return None;
        }
        let frame = match self.codec.decode(&mut self.bytes) {
            Ok(Some(frame)) => inbound(frame),
            Ok(None) if self.bytes.len() > self.limit.saturating_add(HEADER) => {
                // The codec refuses a frame that is too long only once it has all of it.
                Inbound::TooLarge
            }
            Ok(None) => return None,
            Err(ProtocolError::Overflow) => Inbound::TooLarge,
            Err(_) => Inbound::Broken,
        };
        if self.bytes.is_empty() {
            // An idle socket holds no buffer.
            self.bytes = BytesMut::new();
        }
        self.ended = matches!(frame, Inbound::TooLarge | Inbound::Broken | Inbound::Close);
        Some(frame)
    }
}

impl<R: AsyncRead + Unpin> Stream for Frames<R> {
    type Item = Inbound;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        let this = self.get_mut();
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            if let Some(frame) = this.decode() {
                return Poll::Ready(Some(frame));
            }
            this.ended = !ready!(this.poll_read(cx));
        }
    }
}

fn inbound(frame: Frame) -> Inbound {
    match frame {
        Frame::Text(text) => Inbound::Text(own(&text)),
        Frame::Binary(_) | Frame::Continuation(Item::FirstBinary(_)) => Inbound::Binary,
        Frame::Continuation(Item::FirstText(text)) => Inbound::Part(Part::First(own(&text))),
        Frame::Continuation(Item::Continue(bytes)) => Inbound::Part(Part::Next(own(&bytes))),
        Frame::Continuation(Item::Last(bytes)) => Inbound::Part(Part::Last(own(&bytes))),
        Frame::Ping(payload) => Inbound::Ping(own(&payload)),
        Frame::Pong(_) => Inbound::Pong,
        Frame::Close(_) => Inbound::Close,
    }
}

/// A copy, so that a short frame does not hold on to the buffer that it came in.
fn own(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web_actors::ws::Message;
    use futures_util::StreamExt as _;
    use tokio::io::{AsyncWriteExt as _, duplex};
    use tokio_util::codec::Encoder as _;

    const LIMIT: usize = 1_024;

    fn client(messages: Vec<Message>) -> Vec<u8> {
        let mut codec = Codec::new().client_mode();
        let mut bytes = BytesMut::new();
        for message in messages {
            codec.encode(message, &mut bytes).unwrap();
        }
        bytes.to_vec()
    }

    /// What is read when bytes come in pieces of a size, and how many bytes were taken for it.
    async fn read(bytes: &[u8], piece: usize) -> (Vec<Inbound>, usize) {
        let (mut client, server) = duplex(64);
        let write = async {
            let mut written = 0;
            for piece in bytes.chunks(piece) {
                if client.write_all(piece).await.is_err() {
                    break;
                }
                written += piece.len();
            }
            drop(client);
            written
        };
        let frames = Frames::of(server, &[], Link::detached(), LIMIT).collect();
        tokio::join!(frames, write)
    }

    fn text(text: &str) -> Inbound {
        Inbound::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[actix_web::test]
    async fn frames_are_read_however_their_bytes_are_cut() {
        let bytes = client(vec![
            Message::Text("one".into()),
            Message::Ping(Bytes::from_static(b"x")),
            Message::Continuation(Item::FirstText(Bytes::from_static(b"a"))),
            Message::Continuation(Item::Last(Bytes::from_static(b"b"))),
            Message::Text("x".repeat(LIMIT).into()),
        ]);
        for size in [1, 7, 4_096] {
            let (seen, _) = read(&bytes, size).await;
            assert_eq!(
                seen,
                [
                    text("one"),
                    Inbound::Ping(Bytes::from_static(b"x")),
                    Inbound::Part(Part::First(Bytes::from_static(b"a"))),
                    Inbound::Part(Part::Last(Bytes::from_static(b"b"))),
                    text(&"x".repeat(LIMIT)),
                ]
            );
        }
    }

    #[actix_web::test]
    async fn a_frame_that_is_too_long_is_refused_before_it_is_all_there() {
        let bytes = client(vec![Message::Text("x".repeat(1 << 20).into())]);
        let (seen, taken) = read(&bytes, 500).await;
        assert_eq!(seen, [Inbound::TooLarge]);
        assert!(taken < 4 * LIMIT, "{taken} bytes were taken");
    }

    #[actix_web::test]
    async fn what_is_no_frame_ends_the_stream() {
        let mut bytes = vec![0x81, 0x01, b'x'];
        bytes.extend(client(vec![Message::Text("after".into())]));
        let (seen, _) = read(&bytes, 500).await;
        assert_eq!(seen, [Inbound::Broken]);
        let (seen, _) = read(b"GET / HTTP/1.1\r\n\r\n", 500).await;
        assert_eq!(seen, [Inbound::Broken]);
    }

    #[actix_web::test]
    async fn what_came_with_the_handshake_is_read_and_a_broken_connection_ends_it() {
        let (_client, server) = duplex(64);
        let link = Link::detached();
        let early = client(vec![Message::Text("early".into())]);
        let mut frames = Frames::of(server, &early, link.clone(), LIMIT);
        assert_eq!(frames.next().await, Some(text("early")));
        let (end, ()) = tokio::join!(frames.next(), async { link.break_off() });
        assert_eq!(end, None);
    }
}
