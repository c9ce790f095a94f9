//! Media: upload, five-minute address, the file, and forgetting it.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde_json::json;

use super::error::GraphError;
use super::{Call, multipart, ok, success};
use crate::media::{Media, kind_of, largest};
use crate::media_faults::{FaultyBody, Flow, MediaFault};
use crate::world::Shared;

pub(super) fn upload(shared: &Shared, call: &Call, number: &str) -> Result<HttpResponse, GraphError> {
    if shared.with(|world, _| world.numbers.find(number).is_none()) {
        return Err(GraphError::unknown_object(number));
    }
    let kind = call
        .http
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let parts = multipart::parts(kind, &call.body)
        .ok_or_else(|| GraphError::new(100, "The body must be multipart/form-data."))?;
    let text = |name: &str| {
        parts
            .iter()
            .find(|part| part.name == name)
            .and_then(|part| std::str::from_utf8(&part.data).ok())
    };
    if text("messaging_product") != Some("whatsapp") {
        return Err(GraphError::new(
            100,
            "The parameter messaging_product is required.",
        ));
    }
    let file = parts
        .iter()
        .find(|part| part.name == "file")
        .ok_or_else(|| GraphError::new(100, "The parameter file is required."))?;
    let given = file
        .mime
        .as_deref()
        .filter(|mime| *mime != "application/octet-stream");
    let mime = given.or_else(|| text("type")).unwrap_or_default();
    let Some(kind) = kind_of(mime) else {
        return Err(GraphError::new(
            100,
            format!(
                "Param file must be a file with one of the supported types. Received file of type '{mime}'."
            ),
        ));
    };
    if largest(kind, mime).is_some_and(|most| file.data.len() > most) {
        return Err(GraphError::new(131_053, "The file is too large for its type."));
    }
    let media = Media {
        mime: mime.to_owned(),
        bytes: file.data.clone(),
    };
    let id = shared.with(|world, _| world.media.upload(media));
    Ok(ok(json!({"id": id.to_string()}).to_string()))
}

/// A file's fields with a fresh address.
pub(super) fn address(shared: &Shared, call: &Call, id: u64) -> Option<HttpResponse> {
    let (media, key) = shared.with(|world, now| {
        let media = world.media.get(id)?;
        Some((media, world.media.open_address(id, now.us)))
    })?;
    let info = call.http.connection_info();
    let url = format!("{}://{}/media-files/{key:016x}", info.scheme(), info.host());
    Some(ok(json!({
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": media.mime,
        "sha256": media.sha256(),
        "file_size": media.bytes.len(),
        "id": id.to_string()
    })
    .to_string()))
}

pub(super) fn fetch(shared: &Shared, key: &str) -> Result<HttpResponse, GraphError> {
    let key = u64::from_str_radix(key, 16).ok();
    let (media, fault) = shared.with(|world, now| {
        let Some(key) = key else { return (None, None) };
        let own = world.media.behind(key).and_then(|id| world.media.fault_of(id));
        let fault = own.or_else(|| MediaFault::draw(&world.faults, &mut world.media_dice));
        (world.media.fetch(key, now.us), fault)
    });
    let media = media.filter(|_| !matches!(fault, Some(MediaFault::Missing | MediaFault::Expired)));
    let Some(Media { mime, bytes }) = media else {
        let why = match fault {
            Some(MediaFault::Missing) => "There is no such file.",
            _ => "The address has expired.",
        };
        return Err(GraphError::new(100, why).with_status(404));
    };
    let mut answer = HttpResponse::Ok();
    answer.content_type(mime);
    Ok(match fault {
        Some(MediaFault::Slow) => answer.body(FaultyBody::new(bytes, Flow::Drips)),
        Some(MediaFault::Truncated) => answer.body(FaultyBody::new(bytes, Flow::BreaksOff)),
        // As long as the file is said to be.
        Some(MediaFault::WrongType) => {
            let page = b"<!DOCTYPE html><html><script>alert(1)</script></html>";
            let page = page.iter().chain(std::iter::repeat(&b' '));
            answer.body(page.copied().take(bytes.len()).collect::<Vec<u8>>())
        }
        _ => answer.body(bytes),
    })
}

pub(super) fn delete(shared: &Shared, id: &str) -> Result<HttpResponse, GraphError> {
    let removed = id
        .parse()
        .is_ok_and(|id| shared.with(|world, _| world.media.remove(id)));
    if removed {
        Ok(success())
    } else {
        Err(GraphError::unknown_object(id))
    }
}
