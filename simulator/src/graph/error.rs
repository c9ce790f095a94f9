//! Graph's errors: code, HTTP status and title as Meta's error table has them.
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;

/// Code, HTTP status, title.
const TABLE: [(u32, u16, &str); 34] = [
    (1, 400, "API Unknown"),
    (2, 503, "API Service"),
    (4, 400, "API Too Many Calls"),
    (10, 403, "Permission Denied"),
    (17, 400, "API User Too Many Calls"),
    (32, 400, "Page request limit reached"),
    (33, 400, "Parameter value is not valid"),
    (100, 400, "Invalid parameter"),
    (190, 401, "Invalid OAuth access token - Cannot parse access token"),
    (613, 400, "Calls to this api have exceeded the rate limit"),
    (80007, 400, "Rate limit issues"),
    (80008, 400, "Too many calls to this WhatsApp Business account"),
    (130_429, 400, "Rate limit hit"),
    (131_000, 500, "Something went wrong"),
    (131_008, 400, "Required parameter is missing"),
    (131_009, 400, "Parameter value is not valid"),
    (131_016, 500, "Service unavailable"),
    (131_021, 400, "Recipient cannot be sender"),
    (131_026, 400, "Message undeliverable"),
    (131_042, 400, "Business eligibility payment issue"),
    (131_047, 400, "Re-engagement message"),
    (
        131_049,
        400,
        "This message was not delivered to maintain healthy ecosystem engagement.",
    ),
    (
        131_050,
        400,
        "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business",
    ),
    (131_051, 400, "Unsupported message type"),
    (131_053, 400, "Media upload error"),
    (131_055, 400, "Method not allowed"),
    (
        131_056,
        400,
        "(Business Account, Consumer Account) pair rate limit hit",
    ),
    (131_057, 500, "Business Account is in maintenance mode"),
    (
        131_062,
        400,
        "Business-scoped User ID (BSUID) recipients are not supported for this message",
    ),
    (
        132_000,
        400,
        "Number of parameters does not match the expected number of params",
    ),
    (132_001, 404, "Template name does not exist in the translation"),
    (132_005, 400, "Translated text too long"),
    (
        132_012,
        400,
        "Parameter format does not match format in the created template",
    ),
    (
        132_018,
        400,
        "There is an issue with the parameters in your template",
    ),
];

/// Further codes, which only templates that may not be sent have.
const TEMPLATE_TABLE: [(u32, u16, &str); 2] = [
    (132_015, 400, "Template is paused"),
    (132_016, 400, "Template is disabled"),
];

/// What only numbers that block customers have.
const BLOCK_TABLE: [(u32, u16, &str); 3] = [
    (130_403, 403, "Recipient is blocked by the business"),
    (139_100, 400, "Failed to block/unblock some users"),
    (139_101, 400, "Blocklist limit reached"),
];

/// The title of a code.
pub(crate) fn title(code: u32) -> &'static str {
    row(code).map_or("Unknown error", |(_, _, title)| title)
}

fn row(code: u32) -> Option<(u32, u16, &'static str)> {
    TABLE
        .iter()
        .chain(&TEMPLATE_TABLE)
        .chain(&BLOCK_TABLE)
        .find(|(known, ..)| *known == code)
        .copied()
}

/// Why Graph refuses a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) code: u32,
    /// What `error_data.details` says; none leaves `error_data` out.
    pub(crate) details: Option<Cow<'static, str>>,
    /// Another HTTP status than the table's.
    pub(crate) status: Option<u16>,
}

impl GraphError {
    pub(crate) fn new(code: u32, details: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            details: Some(details.into()),
            status: None,
        }
    }

    /// An error that says nothing more than its title.
    pub(crate) const fn bare(code: u32) -> Self {
        Self {
            code,
            details: None,
            status: None,
        }
    }

    pub(crate) const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Nothing has this id, or the token may not see it: Graph does not tell which.
    pub(crate) fn unknown_object(id: &str) -> Self {
        Self::new(
            33,
            format!(
                "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
                 permissions, or does not support this operation"
            ),
        )
    }

    pub(crate) fn http_status(&self) -> u16 {
        self.status
            .or_else(|| row(self.code).map(|(_, status, _)| status))
            .unwrap_or(400)
    }

    /// The JSON body. Graph reports an unknown object as code 100 with the true one as subcode.
    pub(crate) fn body(&self, trace: &str) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Inner<'a>,
        }
        #[derive(Serialize)]
        struct Inner<'a> {
            message: String,
            r#type: &'static str,
            code: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_data: Option<Data<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_subcode: Option<u32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            is_transient: Option<bool>,
            fbtrace_id: &'a str,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            messaging_product: &'static str,
            details: &'a str,
        }
        let details = self.details.as_deref();
        let inner = if self.code == 33 {
            Inner {
                message: details.unwrap_or_else(|| title(33)).to_owned(),
                r#type: "GraphMethodException",
                code: 100,
                error_data: None,
                error_subcode: Some(33),
                is_transient: None,
                fbtrace_id: trace,
            }
        } else {
            Inner {
                message: match self.code {
                    190 => title(190).to_owned(),
                    code => format!("(#{code}) {}", title(code)),
                },
                r#type: "OAuthException",
                code: self.code,
                error_data: details.map(|details| Data {
                    messaging_product: "whatsapp",
                    details,
                }),
                error_subcode: None,
                is_transient: matches!(self.code, 2 | 4 | 17 | 32 | 613).then_some(true),
                fbtrace_id: trace,
            }
        };
        serde_json::to_string(&Body { error: inner }).unwrap_or_default()
    }

    pub(crate) fn answer(&self, trace: &str) -> HttpResponse {
        let status = StatusCode::from_u16(self.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        let mut answer = HttpResponse::build(status);
        answer.content_type("application/json; charset=UTF-8");
        if self.code == 190 {
            answer.insert_header((
                "WWW-Authenticate",
                "OAuth \"Facebook Platform\" \"invalid_token\" \"Invalid OAuth access token.\"",
            ));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            answer.insert_header((header::RETRY_AFTER, "1"));
        }
        answer.body(self.body(trace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn an_error_has_metas_shape() {
        let error = GraphError::new(130_429, "Cloud API message throughput has been reached.");
        let body: Value = serde_json::from_str(&error.body("Atrace")).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"error": {
                "message": "(#130429) Rate limit hit", "type": "OAuthException", "code": 130_429,
                "error_data": {"messaging_product": "whatsapp",
                               "details": "Cloud API message throughput has been reached."},
                "fbtrace_id": "Atrace"
            }})
        );
        assert_eq!(error.http_status(), 400);
    }

    #[test]
    fn an_unknown_object_is_code_100_with_subcode_33() {
        let body: Value = serde_json::from_str(&GraphError::unknown_object("7").body("A")).unwrap();
        assert_eq!(body["error"]["code"], 100);
        assert_eq!(body["error"]["error_subcode"], 33);
        assert!(body["error"]["message"].as_str().unwrap().contains("'7'"));
    }
}
