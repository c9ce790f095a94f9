//! The Graph API as far as messaging needs it. Any version prefix is understood, and none.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /{number}/messages` | sends, marks as read, shows typing |
//! | `POST /{number}/marketing_messages` | sends marketing templates |
//! | `POST /{number}/media` | uploads a file (multipart) |
//! | `GET, DELETE /{media}` | a file's five-minute address; forgets the file |
//! | `GET /media-files/{key}` | the file itself |
//! | `POST /{app}/uploads`, `GET, POST /upload:{session}` | samples of templates, in pieces |
//! | `GET, POST /{number}` | the number's fields (`?fields=`); its webhook override |
//! | `GET, POST /{number}/whatsapp_business_profile` | the profile |
//! | `GET, POST, DELETE /{number}/block_users` | whom the number blocks |
//! | `POST /{number}/register`, `/deregister` | answered `success` |
//! | `GET /{waba}` | the account's fields |
//! | `GET /{waba}/phone_numbers` | its numbers |
//! | `GET, POST, DELETE /{waba}/subscribed_apps` | the app's subscription and callback override |
//! | `GET, POST, DELETE /{waba}/message_templates` | its templates, with cursors |
//! | `GET, POST /{template}` | one template; its category and components, which are reviewed again |
//! | `GET /message_template_library` | ready templates |
//! | `GET /debug_token`, `GET /{app}/subscriptions` | what the token may do; where webhooks go |

mod accounts;
mod block_users;
mod connection;
pub(crate) mod error;
mod files;
mod messages;
mod multipart;
mod node;
mod paging;
mod samples;
mod template_list;
pub(crate) mod validate;

pub(crate) use connection::remember;

use std::collections::HashMap;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::judge::Via;
use super::world::Shared;
use error::GraphError;

/// The code with which Graph refuses a request to send for what it says alone; `None` for one that is well formed.
pub fn refusal(request: &Value) -> Option<u32> {
    validate::request(request).err().map(|error| error.code)
}

/// The largest request body: a document of 100 MB and what surrounds it.
const LARGEST_BODY: usize = 110 * 1024 * 1024;

/// Parameters that are objects or lists.
const STRUCTURED: [&str; 16] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
    "context",
    "typing_indicator",
    "webhook_configuration",
    "components",
    "block_users",
];

/// A call, once its token was found good.
pub(crate) struct Call {
    pub(crate) http: HttpRequest,
    pub(crate) body: Bytes,
    query: HashMap<String, String>,
}

impl Call {
    /// A parameter of the query.
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    /// The body as JSON, also when it came as a form; nothing is an empty object. Graph lets structured parameters come
    /// as JSON within a text, and some clients count on it.
    pub(crate) fn json(&self) -> Result<Value, GraphError> {
        let mut value = self.body_value()?;
        for parameter in value.as_object_mut().into_iter().flatten() {
            if let (key, Value::String(text)) = parameter
                && STRUCTURED.contains(&key.as_str())
                && let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
            {
                *parameter.1 = inner;
            }
        }
        Ok(value)
    }

    fn body_value(&self) -> Result<Value, GraphError> {
        if self.body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        let form = self
            .http
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        // A client that names no type gets this one from its library, whatever it sends.
        if form && !self.body.starts_with(b"{") {
            let text = std::str::from_utf8(&self.body).unwrap_or_default();
            let fields = web::Query::<HashMap<String, String>>::from_query(text)
                .map_err(|error| GraphError::new(100, format!("The form cannot be read: {error}.")))?;
            let fields = fields
                .into_inner()
                .into_iter()
                .map(|(key, text)| (key, Value::String(text)));
            return Ok(Value::Object(fields.collect()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| GraphError::new(100, format!("The body is not JSON: {error}.")))
    }
}

/// Answers every call that the control interface does not.
pub(crate) async fn dispatch(
    http: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let path = http.path().to_owned();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let segments = match segments.as_slice() {
        [version, rest @ ..] if is_version(version) => rest,
        all => all,
    };
    match answer(http, payload, &shared, segments).await {
        Ok(answer) => answer,
        Err(error) => error.answer(&shared.trace()),
    }
}

async fn answer(
    http: HttpRequest,
    payload: web::Payload,
    shared: &Shared,
    segments: &[&str],
) -> Result<HttpResponse, GraphError> {
    let query = web::Query::<HashMap<String, String>>::from_query(http.query_string())
        .map(web::Query::into_inner)
        .unwrap_or_default();
    authorize(shared, &http, &query)?;
    let body = read(payload).await?;
    let call = Call { http, body, query };
    let method = call.http.method().clone();
    if let [session] = segments
        && let Some(session) = session.strip_prefix("upload:")
    {
        return match method {
            Method::GET => samples::offset(shared, &call, session),
            Method::POST => samples::add(shared, &call, session),
            _ => Err(GraphError::new(100, "Unsupported request.")),
        };
    }
    match (&method, segments) {
        (&Method::POST, [app, "uploads"]) => samples::begin(shared, &call, app),
        (&Method::POST, [number, "messages"]) => {
            Ok(messages::post(shared, &call, number, Via::Messages).await)
        }
        (&Method::POST, [number, "marketing_messages"]) => {
            Ok(messages::post(shared, &call, number, Via::Marketing).await)
        }
        (&Method::POST, [number, "media"]) => files::upload(shared, &call, number),
        (&Method::GET, ["media-files", key]) => files::fetch(shared, key),
        (&Method::GET, ["message_template_library"]) => template_list::library(&call),
        (&Method::GET, ["debug_token"]) => Ok(accounts::debug_token(shared, &call)),
        (_, [waba, "message_templates"]) => template_list::answer(shared, &call, &method, waba),
        (&Method::GET, [waba, "phone_numbers"]) => accounts::phone_numbers(shared, &call, waba),
        (_, [waba, "subscribed_apps"]) => accounts::subscribed_apps(shared, &call, &method, waba).await,
        (&Method::GET, [app, "subscriptions"]) => accounts::subscriptions(shared, app),
        (_, [number, "block_users"]) => block_users::answer(shared, &call, &method, number),
        (_, [number, "whatsapp_business_profile"]) => accounts::profile(shared, &method, number),
        (&Method::POST, [number, "register" | "deregister"]) => accounts::register(shared, number),
        (&Method::GET, [id]) => accounts::node(shared, &call, id),
        (&Method::POST, [id]) if template_list::is_template(shared, id) => {
            template_list::edit(shared, &call, id)
        }
        (&Method::POST, [id]) => accounts::set_number(shared, &call, id).await,
        (&Method::DELETE, [id]) => files::delete(shared, id),
        _ => Err(GraphError::new(100, "Unknown path components.").with_status(404)),
    }
}

/// `v` and two numbers with a dot between them.
fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    segment
        .strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

fn authorize(shared: &Shared, http: &HttpRequest, query: &HashMap<String, String>) -> Result<(), GraphError> {
    let token = http
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            value
                .strip_prefix("Bearer ")
                .or_else(|| value.strip_prefix("OAuth "))
        })
        .or_else(|| query.get("access_token").map(String::as_str));
    let accepted = shared.with(|world, _| {
        let known = &world.config.access_tokens;
        token.is_some_and(|token| known.is_empty() || known.iter().any(|known| known == token))
    });
    if accepted {
        Ok(())
    } else {
        Err(GraphError::bare(190))
    }
}

async fn read(mut payload: web::Payload) -> Result<Bytes, GraphError> {
    let mut body = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part =
            part.map_err(|error| GraphError::new(1, format!("The body could not be read: {error}.")))?;
        if body.len() + part.len() > LARGEST_BODY {
            return Err(GraphError::new(131_053, "The file is too large.").with_status(413));
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

/// A JSON answer.
pub(crate) fn ok(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json; charset=UTF-8")
        .body(body)
}

/// Whether something was done.
pub(crate) fn success() -> HttpResponse {
    ok(r#"{"success":true}"#.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_version_is_a_version_and_an_id_is_not() {
        for version in ["v25.0", "v1.0", "v26.12"] {
            assert!(is_version(version), "{version}");
        }
        for other in ["106540352242922", "v25", "v.0", "vx.0", "messages", "25.0"] {
            assert!(!is_version(other), "{other}");
        }
    }
}
