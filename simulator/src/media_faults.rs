//! What goes wrong with the file of a customer: by the customer who sends it, or by shares of all.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::faults::Faults;

/// What befalls a file that is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaFault {
    /// Its address answers 404.
    Missing,
    /// It drips.
    Slow,
    /// It ends before its `Content-Length`.
    Truncated,
    /// It is a page, whatever it is said to be.
    WrongType,
    /// Its address is over before it is asked for.
    Expired,
}

impl MediaFault {
    /// What befalls one fetch by the shares of all.
    pub(crate) fn draw(faults: &Faults, dice: &mut Dice) -> Option<Self> {
        let mut left = dice.fraction();
        for (share, fault) in [
            (faults.media_missing, Self::Missing),
            (faults.media_slow, Self::Slow),
            (faults.media_truncated, Self::Truncated),
            (faults.media_wrong_type, Self::WrongType),
            (faults.media_expired, Self::Expired),
        ] {
            if left < share {
                return Some(fault);
            }
            left -= share;
        }
        None
    }
}

/// A file that a customer sends.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaidFile {
    /// `image`, `video`, `audio`, `document` or `sticker`.
    pub kind: String,
    /// What it is called, of a document.
    pub filename: Option<String>,
    /// Its size: what is missing to that is filled with bytes of chance. Its own when left out.
    pub bytes: Option<usize>,
    /// What goes wrong.
    pub fault: Option<MediaFault>,
    /// So many fetches go wrong and the next one well; all of them when left out.
    pub times: Option<u32>,
}

/// Pieces of a file that drips, and how long each takes.
const DRIPS: usize = 8;
const DRIP: Duration = Duration::from_millis(100);

/// How a body comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Piece by piece, with pauses.
    Drips,
    /// Half of it, then the connection ends.
    BreaksOff,
}

/// A body that is told to be whole.
pub(crate) struct FaultyBody {
    whole: usize,
    rest: Bytes,
    piece: usize,
    flow: Flow,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl FaultyBody {
    pub(crate) fn new(bytes: Bytes, flow: Flow) -> Self {
        let whole = bytes.len();
        let rest = match flow {
            Flow::Drips => bytes,
            Flow::BreaksOff => bytes.slice(..whole / 2),
        };
        Self {
            whole,
            rest,
            piece: whole.div_ceil(DRIPS).max(1),
            flow,
            pause: None,
        }
    }
}

impl MessageBody for FaultyBody {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.whole).unwrap_or(u64::MAX))
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(pause) = &mut self.pause {
            match pause.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.pause = None,
            }
        }
        if self.rest.is_empty() {
            return Poll::Ready(match self.flow {
                Flow::Drips => None,
                Flow::BreaksOff => Some(Err(std::io::ErrorKind::ConnectionReset.into())),
            });
        }
        let piece = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(piece);
        if self.flow == Flow::Drips {
            self.pause = Some(Box::pin(tokio::time::sleep(DRIP)));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}
