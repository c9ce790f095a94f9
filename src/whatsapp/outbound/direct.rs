//! Direct Send: a text or an interactive message that says its category, and so goes out at any time without a template
//! of the caller's. Meta takes it from accounts that it chose, and refuses it with 100 from others.
//! Source: Cloud API, Direct Send (Jul 31 2026).

use serde_json::Value;

use super::place::Place;
use super::{Audience, MessageClass, find, read};
use crate::domain::ContentError;
use crate::whatsapp::lenient::Fields;

/// What it says beside the message; all of it goes to Meta.
pub(super) const BESIDE: [&str; 3] = ["category", "ttl_seconds", "direct_send_config"];

/// Seconds that Meta tries to deliver it for.
const SHORTEST: u64 = 30;
const LONGEST: u64 = 43_200;
/// The same for a code that somebody waits for.
const LONGEST_CODE: u64 = 900;
/// Characters of a template's name.
const LONGEST_NAME: usize = 512;

/// The class of a message that is sent without a template; `None` for any other. One that only half says so is refused:
/// without its category, Meta would take it for a reply.
pub(super) fn class(
    request: &Fields<'_>,
    kind: &str,
    audience: Audience,
) -> Result<Option<MessageClass>, ContentError> {
    let Some(category) = find(request, "category") else {
        return match BESIDE.iter().find(|key| find(request, key).is_some()) {
            Some(key) => Err(ContentError::new(*key, "needs `category`: Direct Send")),
            None => Ok(None),
        };
    };
    if !matches!(kind, "text" | "interactive") || audience == Audience::Group {
        return Err(ContentError::new(
            "category",
            "goes with texts and interactive messages to one customer",
        ));
    }
    let longest = match category.get() {
        "\"utility\"" => LONGEST,
        "\"authentication\"" => LONGEST_CODE,
        _ => return Err(ContentError::new("category", "must be utility or authentication")),
    };
    if let Some(seconds) = find(request, "ttl_seconds") {
        let seconds = read("ttl_seconds", seconds)?;
        if !seconds
            .as_u64()
            .is_some_and(|seconds| (SHORTEST..=longest).contains(&seconds))
        {
            return Err(ContentError::new(
                "ttl_seconds",
                format!("must be a whole number from {SHORTEST} to {longest}"),
            ));
        }
    }
    if let Some(config) = find(request, "direct_send_config") {
        let config: Value = read("direct_send_config", config)?;
        Place::top("direct_send_config", &config).need_text("template_name", LONGEST_NAME)?;
    }
    Ok(Some(MessageClass::Direct))
}
