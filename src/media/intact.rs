//! Whether a file's bytes are those that were kept: a folder or a bucket is in reach of others, and of broken disks.
//!
//! The length is compared before anything is handed out, the digest while a whole file is: its last piece goes only if it is right, so that
//! whoever gets a file that was changed is told that it broke off.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use ring::digest;

use super::storage::StorageError;
use crate::domain::ids::hex;
use crate::store::tables::MediaFile;
use crate::telemetry::metrics;

/// What was written down of a file's bytes when it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expected {
    /// Its length.
    pub bytes: Option<u64>,
    /// Its SHA-256, in hex; files that were kept by earlier versions have none.
    pub sha256: Option<Arc<str>>,
}

impl MediaFile {
    /// What its bytes must be.
    pub fn expected(&self) -> Expected {
        Expected {
            bytes: self.bytes,
            sha256: self.sha256.clone(),
        }
    }
}

/// A digest as rows have it.
pub(super) fn sha256(context: digest::Context) -> Arc<str> {
    hex(context.finish().as_ref()).into()
}

struct Comparing {
    pieces: BoxStream<'static, Result<Bytes, StorageError>>,
    digest: digest::Context,
    /// The last piece that came, which goes with the next one, or at the end.
    held: Option<Bytes>,
    expected: Arc<str>,
}

/// A whole file's pieces; where they are not those that were kept, the last is an error.
pub(super) fn compared(
    pieces: BoxStream<'static, Result<Bytes, StorageError>>,
    expected: Arc<str>,
) -> BoxStream<'static, Result<Bytes, StorageError>> {
    let comparing = Comparing {
        pieces,
        digest: digest::Context::new(&digest::SHA256),
        held: None,
        expected,
    };
    stream::try_unfold(comparing, |mut comparing| async move {
        loop {
            let Some(piece) = comparing.pieces.next().await.transpose()? else {
                if sha256(comparing.digest.clone()) != comparing.expected {
                    return Err(changed());
                }
                let last = comparing.held.take();
                return Ok(last.map(|last| (last, comparing)));
            };
            comparing.digest.update(&piece);
            if let Some(before) = comparing.held.replace(piece) {
                return Ok(Some((before, comparing)));
            }
        }
    })
    .boxed()
}

/// Counts a file that is not what was kept.
pub(super) fn changed() -> StorageError {
    metrics::media_changed_total().increment(1);
    tracing::error!("a file is not what was kept: somebody or a disk changed it");
    StorageError::of_folder(std::io::Error::other("the file is not what was kept"))
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    fn pieces(of: &[&'static str]) -> BoxStream<'static, Result<Bytes, StorageError>> {
        let all: Vec<Result<Bytes, StorageError>> = of
            .iter()
            .map(|piece| Ok(Bytes::from_static(piece.as_bytes())))
            .collect();
        stream::iter(all).boxed()
    }

    #[tokio::test]
    async fn a_file_that_was_changed_breaks_off_before_its_end() {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"one two three");
        let expected = sha256(context);
        let same = compared(pieces(&["one ", "two ", "three"]), Arc::clone(&expected));
        let same: Vec<Bytes> = same.try_collect().await.unwrap();
        assert_eq!(same.concat(), b"one two three");
        let mut other = compared(pieces(&["one ", "two ", "thee!"]), expected);
        assert_eq!(other.next().await.unwrap().unwrap(), "one ");
        assert_eq!(other.next().await.unwrap().unwrap(), "two ");
        assert!(other.next().await.unwrap().is_err());
    }
}
