//! A body's lines, as they come. No more of a line is held than it may have.

use bytes::{Bytes, BytesMut};

use crate::api::body::BodyStream;
use crate::api::error::{ApiError, ErrorCode};

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its text, without its end. It may be empty.
    Text(Bytes),
    /// It has more bytes than a line may have.
    TooLong,
}

/// See the module.
pub(super) struct Lines {
    body: BodyStream,
    split: Splitter,
    /// How many bytes may come, and how many have.
    most_bytes: u64,
    come: u64,
}

impl Lines {
    /// Those of a body of at most so many bytes, each of at most so many.
    pub(super) fn of(body: BodyStream, most_bytes: u64, longest: usize) -> Self {
        Self {
            body,
            split: Splitter {
                longest,
                ..Splitter::default()
            },
            most_bytes,
            come: 0,
        }
    }

    /// The next; nothing at the end. After an error there are none.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, ApiError> {
        loop {
            if let Some(line) = self.split.next() {
                return Ok(Some(line));
            }
            let Some(piece) = self.body.next().await? else {
                return Ok(self.split.last());
            };
            let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.come = self.come.saturating_add(bytes);
            if self.come > self.most_bytes {
                return Err(ErrorCode::TooLarge.into());
            }
            self.split.add(&piece);
        }
    }

    /// See [`BodyStream::drain`].
    pub(super) async fn drain(&mut self) {
        self.body.drain().await;
    }
}

/// Pieces to lines.
#[derive(Debug, Default)]
struct Splitter {
    longest: usize,
    held: BytesMut,
    /// How many bytes of what is held have no line's end among them.
    looked_at: usize,
    /// Whether the line has been too long, and its rest is thrown away.
    is_skipping: bool,
}

impl Splitter {
    fn add(&mut self, piece: &[u8]) {
        self.held.extend_from_slice(piece);
    }

    fn next(&mut self) -> Option<Line> {
        let unseen = self.held.get(self.looked_at..).unwrap_or_default();
        let Some(end) = unseen.iter().position(|byte| *byte == b'\n') else {
            self.looked_at = self.held.len();
            if self.held.len() > self.longest {
                self.is_skipping = true;
            }
            if self.is_skipping {
                self.held.clear();
                self.looked_at = 0;
            }
            return None;
        };
        let mut text = self.held.split_to(self.looked_at + end + 1);
        self.looked_at = 0;
        text.truncate(text.len() - 1);
        Some(self.line(text))
    }

    /// What stands behind the last line's end.
    fn last(&mut self) -> Option<Line> {
        self.looked_at = 0;
        let text = self.held.split();
        (self.is_skipping || !text.is_empty()).then(|| self.line(text))
    }

    fn line(&mut self, text: BytesMut) -> Line {
        if std::mem::take(&mut self.is_skipping) || text.len() > self.longest {
            return Line::TooLong;
        }
        Line::Text(text.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, piece: usize) -> Vec<Line> {
        let mut splitter = Splitter {
            longest: 5,
            ..Splitter::default()
        };
        let mut lines = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            splitter.add(piece);
            lines.extend(std::iter::from_fn(|| splitter.next()));
            assert!(splitter.held.len() <= 5, "no more is held than a line may have");
        }
        lines.extend(splitter.last());
        lines
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let text = |text: &'static str| Line::Text(Bytes::from_static(text.as_bytes()));
        for piece in 1..20 {
            assert_eq!(split("", piece), []);
            assert_eq!(
                split("a\n\nb\n", piece),
                [text("a"), text(""), text("b")],
                "{piece}"
            );
            let lines = split("12345\n123456\n1234567890123\nok\n123456", piece);
            let shape = [
                text("12345"),
                Line::TooLong,
                Line::TooLong,
                text("ok"),
                Line::TooLong,
            ];
            assert_eq!(lines, shape, "{piece}");
        }
    }
}
