//! A Meta that has one file, or says why it has none.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::domain::{MetaError, PhoneNumberId};
use crate::whatsapp::BearerToken;
use crate::whatsapp::client::{
    FileAddress, FileUpload, GraphError, GraphFiles, Pieces, Sample, SampleRest, SampleSession,
};

#[derive(Default)]
struct Script {
    file: Option<(String, Bytes)>,
    declared: Option<u64>,
    sha256: Option<[u8; 32]>,
    refused: Option<(u16, i64)>,
    breaks_off: Option<usize>,
    uploads: Vec<(String, Vec<u8>)>,
    sample: Vec<u8>,
    sessions: u32,
    /// How many bytes of a call for a sample arrive before it breaks off, call by call.
    sample_breaks: Vec<usize>,
    sample_forgotten: Option<()>,
}

/// See the module. It is unreachable until a test says otherwise.
#[derive(Default)]
pub(super) struct ScriptedMeta {
    script: Mutex<Script>,
    downloads: AtomicUsize,
    given: Arc<AtomicU64>,
}

impl ScriptedMeta {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(super) fn serves(&self, mime: &str, bytes: &[u8]) {
        let file = Some((mime.to_owned(), Bytes::copy_from_slice(bytes)));
        let uploads = std::mem::take(&mut self.script().uploads);
        *self.script() = Script {
            file,
            uploads,
            ..Script::default()
        };
    }

    pub(super) fn declares(&self, bytes: u64) {
        self.script().declared = Some(bytes);
    }

    /// What Meta says that the bytes add up to.
    pub(super) fn tells_digest(&self, sha256: [u8; 32]) {
        self.script().sha256 = Some(sha256);
    }

    pub(super) fn breaks_off_after(&self, bytes: usize) {
        self.script().breaks_off = Some(bytes);
    }

    pub(super) fn refuses(&self, http_status: u16, code: i64) {
        self.script().refused = Some((http_status, code));
    }

    pub(super) fn downloads(&self) -> usize {
        self.downloads.load(Ordering::Acquire)
    }

    /// Bytes that were taken of files.
    pub(super) fn given(&self) -> u64 {
        self.given.load(Ordering::Acquire)
    }

    pub(super) fn samples_break_off_after(&self, bytes: &[usize]) {
        self.script().sample_breaks = bytes.to_vec();
    }

    pub(super) fn forgets_the_session(&self) {
        self.script().sample_forgotten = Some(());
    }

    /// The last sample, and how many sessions were begun.
    pub(super) fn sample(&self) -> (Vec<u8>, u32) {
        let script = self.script();
        (script.sample.clone(), script.sessions)
    }

    /// The types and bytes of what was brought here.
    pub(super) fn uploads(&self) -> Vec<(String, Vec<u8>)> {
        self.script().uploads.clone()
    }

    fn refusal(&self) -> Result<(), GraphError> {
        match self.script().refused {
            None => Ok(()),
            Some((http_status, code)) => Err(GraphError::Refused {
                http_status,
                error: MetaError {
                    code,
                    title: "no".into(),
                    details: None,
                },
            }),
        }
    }
}

#[async_trait]
impl GraphFiles for ScriptedMeta {
    async fn find_file(
        &self,
        id: &str,
        _: &PhoneNumberId,
        _: &BearerToken,
    ) -> Result<FileAddress, GraphError> {
        self.refusal()?;
        let script = self.script();
        let Some((mime, bytes)) = &script.file else {
            return Err(GraphError::Unreachable("connection refused".to_owned()));
        };
        Ok(FileAddress {
            url: format!("https://files.example.com/{id}"),
            mime: Some(mime.clone()),
            bytes: script.declared.or(u64::try_from(bytes.len()).ok()),
            sha256: script.sha256,
        })
    }

    async fn download(&self, _: &FileAddress, _: &BearerToken) -> Result<Pieces, GraphError> {
        self.downloads.fetch_add(1, Ordering::AcqRel);
        let script = self.script();
        let bytes = script
            .file
            .as_ref()
            .map(|(_, bytes)| bytes.clone())
            .unwrap_or_default();
        let whole = bytes.len();
        let kept = bytes.slice(..script.breaks_off.unwrap_or(whole).min(whole));
        let broken =
            (kept.len() < whole).then(|| Err(GraphError::Unreachable("connection reset".to_owned())));
        // In pieces that end nowhere in particular.
        let pieces: Vec<Bytes> = kept.chunks(7_001).map(Bytes::copy_from_slice).collect();
        let given = Arc::clone(&self.given);
        let pieces = stream::iter(pieces.into_iter().map(Ok).chain(broken));
        // Others go on meanwhile, as on a network.
        let pieces = pieces.then(move |piece| {
            let bytes = piece.as_ref().map_or(0, Bytes::len);
            given.fetch_add(u64::try_from(bytes).unwrap(), Ordering::AcqRel);
            async {
                tokio::task::yield_now().await;
                piece
            }
        });
        Ok(pieces.boxed())
    }

    async fn upload(&self, file: FileUpload) -> Result<String, GraphError> {
        self.refusal()?;
        let bytes = file.pieces.try_collect::<Vec<Bytes>>().await?.concat();
        assert_eq!(file.bytes, u64::try_from(bytes.len()).unwrap());
        // Others go on meanwhile, as on a network.
        tokio::task::yield_now().await;
        let mut script = self.script();
        script.uploads.push((file.mime, bytes));
        Ok(format!("meta-{}", script.uploads.len()))
    }

    async fn begin_sample(&self, _: &Sample, _: &BearerToken) -> Result<SampleSession, GraphError> {
        self.refusal()?;
        let mut script = self.script();
        script.sample.clear();
        script.sessions += 1;
        Ok(SampleSession::parse("upload:1?sig=2").unwrap())
    }

    async fn sample_offset(&self, _: &SampleSession, _: &BearerToken) -> Result<u64, GraphError> {
        if self.script().sample_forgotten.take().is_some() {
            self.refuses(404, 100);
            let refused = self.refusal();
            self.script().refused = None;
            refused?;
        }
        Ok(u64::try_from(self.script().sample.len()).unwrap())
    }

    async fn send_sample(
        &self,
        _: &SampleSession,
        rest: SampleRest,
        _: &BearerToken,
    ) -> Result<String, GraphError> {
        let bytes = rest.pieces.try_collect::<Vec<Bytes>>().await?.concat();
        assert_eq!(rest.bytes, u64::try_from(bytes.len()).unwrap());
        let mut script = self.script();
        assert_eq!(rest.offset, u64::try_from(script.sample.len()).unwrap());
        if script.sample_breaks.is_empty() {
            script.sample.extend_from_slice(&bytes);
            return Ok("4::handle".to_owned());
        }
        let kept = script.sample_breaks.remove(0).min(bytes.len());
        script.sample.extend_from_slice(&bytes[..kept]);
        Err(GraphError::Unreachable("connection reset".to_owned()))
    }
}
