//! Samples for the review of templates: Meta's Resumable Upload API.
//!
//! A session is begun with the file's size and type; its bytes may come in several calls, each from where the one before broke off. With
//! the last byte comes a handle, which stands in the template. Source: Graph API, Resumable Upload API.

use futures_util::TryStreamExt as _;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::Value;

use super::files::{Pieces, WHOLE_FILE};
use super::http::{GraphClient, in_path};
use super::templates::with_query;
use super::{BearerToken, GraphError};

/// The longest id of a session that is followed.
const LONGEST_SESSION: usize = 1_024;

/// A file that Meta's review is to see.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The app that uploads it, by Meta's id; `None` for the one of the token.
    pub app: Option<String>,
    /// Its type.
    pub mime: String,
    /// Its size.
    pub bytes: u64,
}

/// An upload that is under way at Meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleSession(String);

impl SampleSession {
    /// Reads an id of Meta's. It becomes the path and the query of a call.
    pub fn parse(id: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":=?&_-+/.%".contains(&byte);
        let rest = id.strip_prefix("upload:")?;
        let fits = !rest.is_empty() && id.len() <= LONGEST_SESSION && id.bytes().all(allowed);
        (fits && !id.contains("..")).then(|| Self(id.to_owned()))
    }
}

/// The part of a file that is still to come.
pub struct SampleRest {
    /// How much Meta has.
    pub offset: u64,
    /// How much follows.
    pub bytes: u64,
    /// What follows.
    pub pieces: Pieces,
}

impl GraphClient {
    /// These calls alone want the token under this name.
    fn sample_request(&self, method: Method, path: &str, token: &BearerToken) -> RequestBuilder {
        let bare = token
            .0
            .to_str()
            .ok()
            .and_then(|bearer| bearer.strip_prefix("Bearer "));
        let mut header = HeaderValue::from_str(&format!("OAuth {}", bare.unwrap_or_default()))
            .unwrap_or_else(|_| token.0.clone());
        header.set_sensitive(true);
        self.bare_request(method, path).header(AUTHORIZATION, header)
    }

    pub(super) async fn begin(
        &self,
        sample: &Sample,
        token: &BearerToken,
    ) -> Result<SampleSession, GraphError> {
        let path = format!("{}/uploads", in_path(sample.app.as_deref().unwrap_or("app")));
        let length = sample.bytes.to_string();
        let asked = [
            ("file_length", Some(length.as_str())),
            ("file_type", Some(&*sample.mime)),
        ];
        let request = self.request(Method::POST, &with_query(&path, &asked), token);
        let answer = self.ask(request).await?;
        let id = answer.get("id").and_then(Value::as_str);
        id.and_then(SampleSession::parse)
            .ok_or_else(|| GraphError::Unreadable("an upload session without a usable id".to_owned()))
    }

    pub(super) async fn offset(
        &self,
        session: &SampleSession,
        token: &BearerToken,
    ) -> Result<u64, GraphError> {
        let answer = self
            .ask(self.sample_request(Method::GET, &session.0, token))
            .await?;
        let offset = answer.get("file_offset").and_then(Value::as_u64);
        offset.ok_or_else(|| GraphError::Unreadable("an upload session without an offset".to_owned()))
    }

    pub(super) async fn carry_on(
        &self,
        session: &SampleSession,
        rest: SampleRest,
        token: &BearerToken,
    ) -> Result<String, GraphError> {
        let broken = |error: GraphError| std::io::Error::other(error.to_string());
        let request = self
            .sample_request(Method::POST, &session.0, token)
            .header("file_offset", rest.offset)
            .header(CONTENT_LENGTH, rest.bytes)
            .body(Body::wrap_stream(rest.pieces.map_err(broken)))
            .timeout(WHOLE_FILE);
        let answer = self.ask(request).await.map_err(|error| match error {
            GraphError::Unreadable(why) => GraphError::Unreachable(why),
            other => other,
        })?;
        let handle = answer.get("h").and_then(Value::as_str).map(str::to_owned);
        handle.ok_or_else(|| GraphError::Unreachable("the file is not whole at Meta".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_leads_nowhere_but_to_itself() {
        for good in ["upload:MTphdHRhY2htZW50OmFi==?sig=ARZqkGCA", "upload:1"] {
            assert!(SampleSession::parse(good).is_some(), "{good}");
        }
        let long = format!("upload:{}", "x".repeat(LONGEST_SESSION));
        for bad in [
            "",
            "upload:",
            "me",
            "upload:../me",
            "upload:a#b",
            "upload:a b",
            "upload:a\r\nb",
            &long,
        ] {
            assert!(SampleSession::parse(bad).is_none(), "{bad}");
        }
    }
}
