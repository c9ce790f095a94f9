//! Writes request bodies for `POST /{phone-number-id}/messages`.
//!
//! A message's body is written once, when it is accepted, and stored; the attempt token is spliced in for each call.
//! Source: Cloud API, Service messages (Apr 23 2026), Business-scoped user IDs (May 7 2026).

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::lenient::Fields;
use crate::domain::media::visit_files;
use crate::domain::{AttemptToken, ContactAliases, Content, MediaId, Wamid};

/// To whom a message goes.
#[derive(Debug, Clone, Copy)]
pub enum Recipient<'a> {
    /// A customer, by every name that is known. Meta prefers the phone.
    Contact(&'a ContactAliases),
    /// A group, by Meta's id.
    Group(&'a str),
}

impl<'a> Recipient<'a> {
    /// Whom the names mean.
    pub fn of(aliases: &'a ContactAliases) -> Self {
        match &aliases.group {
            Some(group) => Self::Group(&group.value),
            None => Self::Contact(aliases),
        }
    }
}

/// Writes the body of a message, without an attempt token. The content is one that [`super::parse_outbound`] gave.
///
/// `None` when the recipient has no name at all, or the content is no JSON object.
pub fn payload(content: &Content, recipient: Recipient<'_>) -> Option<Box<RawValue>> {
    if let Recipient::Contact(aliases) = recipient
        && aliases.is_empty()
    {
        return None;
    }
    let content: Fields<'_> = serde_json::from_str(content.json().get()).ok()?;
    serde_json::value::to_raw_value(&Body { content, recipient }).ok()
}

struct Body<'a> {
    content: Fields<'a>,
    recipient: Recipient<'a>,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("messaging_product", "whatsapp")?;
        match self.recipient {
            Recipient::Contact(aliases) => {
                map.serialize_entry("recipient_type", "individual")?;
                if let Some(phone) = &aliases.phone {
                    // Without the plus sign, Meta puts the business number's own country code in front.
                    map.serialize_entry("to", &format_args!("+{}", phone.value))?;
                }
                if let Some(bsuid) = aliases.bsuid.as_ref().or(aliases.parent_bsuid.as_ref()) {
                    map.serialize_entry("recipient", &*bsuid.value)?;
                }
            }
            Recipient::Group(id) => {
                map.serialize_entry("recipient_type", "group")?;
                map.serialize_entry("to", id)?;
            }
        }
        for (key, value) in &self.content.0 {
            if !matches!(
                key.as_ref(),
                "messaging_product" | "recipient_type" | "to" | "recipient" | "biz_opaque_callback_data"
            ) {
                map.serialize_entry(key.as_ref(), value)?;
            }
        }
        map.end()
    }
}

/// Puts an attempt's token into a body that [`payload`] wrote.
pub fn with_token(payload: &RawValue, token: &AttemptToken) -> Bytes {
    let token = token.to_string();
    let rest = payload.get().trim_start().strip_prefix('{').unwrap_or_default();
    let mut body = BytesMut::with_capacity(rest.len() + token.len() + 32);
    body.put_slice(br#"{"biz_opaque_callback_data":""#);
    // A token is base64: nothing in it wants escaping.
    body.put_slice(token.as_bytes());
    body.put_slice(if rest.trim_start().starts_with('}') {
        b"\""
    } else {
        b"\","
    });
    body.put_slice(rest.as_bytes());
    body.freeze()
}

/// The uploads that a message names, in a body that [`payload`] wrote.
pub fn uploads_in(payload: &RawValue) -> Vec<MediaId> {
    let mut uploads = Vec::new();
    let Ok(mut body) = serde_json::from_str::<Value>(payload.get()) else {
        return uploads;
    };
    visit_files(&mut body, &mut |_, file| {
        if let Some(upload) = file.get("media_id").and_then(upload_id)
            && !uploads.contains(&upload)
        {
            uploads.push(upload);
        }
    });
    uploads
}

fn upload_id(value: &Value) -> Option<MediaId> {
    value.as_str()?.parse().ok()
}

/// The body with Meta's ids of files in place of the uploads that it names. Of an upload that is not among them nothing is left: an id of
/// ours says nothing to Meta, which then refuses the message.
pub fn with_files(payload: &RawValue, files: &[(MediaId, Arc<str>)]) -> Box<RawValue> {
    let written = || -> Option<Box<RawValue>> {
        let mut body: Value = serde_json::from_str(payload.get()).ok()?;
        visit_files(&mut body, &mut |_, file| {
            let Some(object) = file.as_object_mut() else {
                return;
            };
            let Some(upload) = object.shift_remove("media_id") else {
                return;
            };
            let brought =
                upload_id(&upload).and_then(|upload| files.iter().find(|(known, _)| *known == upload));
            if let Some((_, id)) = brought {
                object.insert("id".to_owned(), id.as_ref().into());
            }
        });
        serde_json::value::to_raw_value(&body).ok()
    };
    written().unwrap_or_else(|| payload.to_owned())
}

/// What the customer sees beside the read ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypingSign {
    /// "typing…", for 25 seconds or until a message comes.
    Shown,
    /// Nothing.
    Hidden,
}

/// Writes the body that marks a message, and all before it, as read.
/// Source: Cloud API, Mark messages as read (Nov 3 2025), Typing indicators (Oct 21 2025).
pub fn mark_read(message: &Wamid, typing: TypingSign) -> Bytes {
    let mut body = serde_json::json!({
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message.as_str(),
    });
    if let (TypingSign::Shown, Some(body)) = (typing, body.as_object_mut()) {
        body.insert(
            "typing_indicator".to_owned(),
            serde_json::json!({ "type": "text" }),
        );
    }
    body.to_string().into()
}

#[cfg(test)]
mod tests;
