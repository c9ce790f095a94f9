//! Calls to a running server's API.

use std::io::Write;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{AdminArgs, CliError, PlainHttp, sentence};
use crate::config::BaseUrl;

/// How long a file may be under way.
const FILE_DEADLINE: Duration = Duration::from_hours(6);

/// A client with one address and one bearer token.
pub(super) struct Api {
    base: String,
    token: Option<SecretString>,
    client: Client,
}

impl Api {
    /// A client of the admin API.
    pub(super) fn admin(args: &AdminArgs) -> Result<Self, CliError> {
        let token = args.admin_token.clone().ok_or(CliError::NoAdminToken)?;
        Self::with_token(&args.url, token, args.plain)
    }

    /// A client that shows this token, to nobody but the server: over plain HTTP to another machine only if that is
    /// wanted.
    pub(super) fn with_token(url: &str, token: SecretString, plain: PlainHttp) -> Result<Self, CliError> {
        let address = base_url(url)?;
        if !address.is_private() && !plain.insecure_http {
            return Err(CliError::PlainHttp(address.to_string()));
        }
        Self::new(url, Some(token))
    }

    /// A client that shows no token.
    pub(super) fn open(url: &str) -> Result<Self, CliError> {
        Self::new(url, None)
    }

    fn new(url: &str, token: Option<SecretString>) -> Result<Self, CliError> {
        let base = base_url(url)?.to_string();
        let client = Client::builder()
            // A proxy of the environment would read the token.
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| CliError::Unreachable {
                url: base.clone(),
                reason: sentence(&error),
            })?;
        Ok(Self { base, token, client })
    }

    /// The server's address, without a trailing slash.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, CliError> {
        self.call(Method::GET, path, None).await
    }

    /// An answer that is text.
    pub(super) async fn text(&self, path: &str) -> Result<String, CliError> {
        let (status, text) = self.ask(Method::GET, path, None).await?;
        if status.is_success() {
            return Ok(text);
        }
        let refused = serde_json::from_str(&text).ok().and_then(|value| refusal(&value));
        Err(refused.unwrap_or_else(|| CliError::Unexpected {
            url: format!("{}{path}", self.base),
            reason: status.to_string(),
        }))
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value, CliError> {
        self.call(Method::DELETE, path, None).await
    }

    fn unreachable(&self, error: &reqwest::Error) -> CliError {
        CliError::Unreachable {
            url: self.base.clone(),
            reason: sentence(error),
        }
    }

    fn file_request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.base);
        let request = self.client.request(method, url).timeout(FILE_DEADLINE);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    /// Sends a file as it is read.
    pub(super) async fn upload(
        &self,
        method: Method,
        path: &str,
        file: tokio::fs::File,
    ) -> Result<Value, CliError> {
        let request = self.file_request(method, path).body(file);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        let value = serde_json::from_str::<Value>(&text).ok();
        let refused = value.as_ref().and_then(refusal);
        match value {
            Some(value) if status.is_success() => Ok(value),
            _ => Err(refused.unwrap_or_else(|| CliError::Unexpected {
                url: format!("{}{path}", self.base),
                reason: status.to_string(),
            })),
        }
    }

    /// Sends lines, and gives each line of the answer as it comes. What is cut off is no line.
    pub(super) async fn send_lines(
        &self,
        path: &str,
        lines: String,
        take: &mut (dyn FnMut(&[u8]) -> Result<(), CliError> + Send),
    ) -> Result<(), CliError> {
        let request = self
            .file_request(Method::POST, path)
            .header("Content-Type", "application/x-ndjson")
            .body(lines);
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(path, response).await?);
        }
        let mut held = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            held.extend_from_slice(&piece);
            let mut rest = held.as_slice();
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let (line, others) = rest.split_at(end + 1);
                take(line)?;
                rest = others;
            }
            held = rest.to_vec();
        }
        Ok(())
    }

    /// What an answer that is no success says.
    async fn refused(&self, path: &str, response: reqwest::Response) -> Result<CliError, CliError> {
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        let refused = serde_json::from_str(&text).ok().and_then(|value| refusal(&value));
        Ok(refused.unwrap_or_else(|| CliError::Unexpected {
            url: format!("{}{path}", self.base),
            reason: status.to_string(),
        }))
    }

    /// Writes a file as it comes.
    pub(super) async fn download(&self, path: &str, out: &mut (dyn Write + Send)) -> Result<(), CliError> {
        let request = self.file_request(Method::GET, path);
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(path, response).await?);
        }
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            out.write_all(&piece)?;
        }
        out.flush()?;
        Ok(())
    }

    /// The status of an answer, and its body.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String), CliError> {
        let url = format!("{}{path}", self.base);
        let unreachable = |error: reqwest::Error| CliError::Unreachable {
            url: self.base.clone(),
            reason: sentence(&error),
        };
        let mut request = self.client.request(method, &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        Ok((status, response.text().await.map_err(unreachable)?))
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CliError> {
        let url = format!("{}{path}", self.base);
        let (status, text) = self.ask(method, path, body).await?;
        let value = if text.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_str(&text)
        };
        match value {
            Ok(value) if status.is_success() => Ok(value),
            Ok(value) => Err(refusal(&value).unwrap_or_else(|| CliError::Unexpected {
                url,
                reason: status.to_string(),
            })),
            Err(_) if status.is_success() => Err(CliError::Unexpected {
                url,
                reason: "not JSON".to_owned(),
            }),
            Err(_) => Err(CliError::Unexpected {
                url,
                reason: status.to_string(),
            }),
        }
    }
}

fn base_url(url: &str) -> Result<BaseUrl, CliError> {
    BaseUrl::parse(url).ok_or_else(|| CliError::Address(url.to_owned()))
}

/// Reads `{"error":{"code","message"}}`.
pub(super) fn refusal(answer: &Value) -> Option<CliError> {
    let error = answer.get("error")?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(CliError::Refused {
        code: text("code")?,
        message: text("message")?,
    })
}

/// A path segment from what somebody typed.
pub(super) fn segment(text: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().fold(String::new(), |path, byte| {
        if keep(&byte) {
            format!("{path}{}", char::from(byte))
        } else {
            format!("{path}%{byte:02X}")
        }
    })
}
