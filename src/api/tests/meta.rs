//! A Meta that is well, for these tests.

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::{MetaError, PhoneNumberId, WabaId};
use crate::whatsapp::client::{
    BearerToken, BlockCall, BlockChange, BlockedPage, FileAddress, FileUpload, Graph, GraphError, GraphFiles,
    GraphNumbers, Pieces, Sample, SampleRest, SampleSession, SendCall, SendResult,
};
use crate::whatsapp::number_check::{NumberFacts, SubscribedApp};

/// A Meta that describes numbers and sends nothing.
pub(super) struct Meta;

#[async_trait]
impl GraphNumbers for Meta {
    async fn describe_number(
        &self,
        number: &PhoneNumberId,
        _: &BearerToken,
    ) -> Result<NumberFacts, GraphError> {
        if number.as_str() == "unreachable" {
            return Err(GraphError::Unreachable("connection refused".to_owned()));
        }
        let refused = |http_status, code, title: &str| {
            Err(GraphError::Refused {
                http_status,
                error: MetaError {
                    code,
                    title: title.into(),
                    details: None,
                },
            })
        };
        match number.as_str() {
            "wrong-token" => return refused(401, 190, "Error validating access token"),
            "not-seen" => return refused(400, 100, "Unsupported get request"),
            "meta-down" => return refused(500, 2, "Service temporarily unavailable"),
            "an-alias" => {
                return Ok(NumberFacts {
                    id: Some("1".to_owned()),
                    ..NumberFacts::default()
                });
            }
            _ => {}
        }
        Ok(NumberFacts {
            id: Some(number.as_str().to_owned()),
            status: Some("CONNECTED".to_owned()),
            platform: Some("CLOUD_API".to_owned()),
            quality: Some("GREEN".to_owned()),
            name_status: Some("APPROVED".to_owned()),
            messaging_limit: Some("TIER_2K".to_owned()),
            ..NumberFacts::default()
        })
    }
}

#[async_trait]
impl Graph for Meta {
    async fn send(&self, _: SendCall) -> SendResult {
        panic!("the API sends nothing itself")
    }

    async fn mark_read(&self, _: SendCall) -> Result<(), GraphError> {
        panic!("the API tells customers nothing itself")
    }

    async fn block(&self, call: BlockCall) -> Result<(), GraphError> {
        // Whoever has this number wrote long ago.
        if call.change == BlockChange::Block && &*call.who.value == "628100000047" {
            return Err(GraphError::Refused {
                http_status: 400,
                error: MetaError {
                    code: 131_047,
                    title: "Re-engagement message".into(),
                    details: None,
                },
            });
        }
        Ok(())
    }

    async fn blocked(
        &self,
        _: &PhoneNumberId,
        _: Option<&str>,
        _: &BearerToken,
    ) -> Result<BlockedPage, GraphError> {
        Ok(BlockedPage::default())
    }

    async fn subscribed_apps(&self, _: &WabaId, _: &BearerToken) -> Result<Vec<SubscribedApp>, GraphError> {
        Ok(Vec::new())
    }

    async fn subscribe_app(&self, _: &WabaId, _: &BearerToken) -> Result<(), GraphError> {
        panic!("the API subscribes nothing itself")
    }

    async fn ask_time(&self) -> Result<(), GraphError> {
        panic!("the API asks nobody for the time")
    }
}

/// The one file that this Meta has.
pub(super) const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and the rest of a picture";

#[async_trait]
impl GraphFiles for Meta {
    async fn find_file(
        &self,
        id: &str,
        _: &PhoneNumberId,
        _: &BearerToken,
    ) -> Result<FileAddress, GraphError> {
        Ok(FileAddress {
            url: format!("https://files.example.com/{id}"),
            mime: Some("image/png".to_owned()),
            bytes: None,
            sha256: None,
        })
    }

    async fn download(&self, _: &FileAddress, _: &BearerToken) -> Result<Pieces, GraphError> {
        let whole = futures_util::stream::iter([Ok(Bytes::from_static(PICTURE))]);
        Ok(futures_util::StreamExt::boxed(whole))
    }

    async fn upload(&self, _: FileUpload) -> Result<String, GraphError> {
        panic!("the API brings nothing to Meta itself")
    }

    async fn begin_sample(&self, sample: &Sample, _: &BearerToken) -> Result<SampleSession, GraphError> {
        let id = format!("upload:{}", sample.app.as_deref().unwrap_or("app"));
        Ok(SampleSession::parse(&id).unwrap())
    }

    async fn sample_offset(&self, _: &SampleSession, _: &BearerToken) -> Result<u64, GraphError> {
        panic!("nothing breaks off here")
    }

    async fn send_sample(
        &self,
        session: &SampleSession,
        rest: SampleRest,
        _: &BearerToken,
    ) -> Result<String, GraphError> {
        Ok(format!("4::{session:?}-{}", rest.bytes))
    }
}
