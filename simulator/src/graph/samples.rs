//! The Resumable Upload API, by which samples of templates come: `POST /{app}/uploads`, `GET` and `POST /upload:{session}`.

use actix_web::HttpResponse;
use actix_web::http::header;
use serde_json::json;

use super::error::GraphError;
use super::{Call, connection, ok};
use crate::upload_sessions::Taken;
use crate::world::Shared;

pub(super) fn begin(shared: &Shared, call: &Call, app: &str) -> Result<HttpResponse, GraphError> {
    let (mime, length) = (call.query("file_type"), call.query("file_length"));
    let mime = mime.ok_or_else(|| GraphError::new(100, "The parameter file_type is required."))?;
    let length = length.and_then(|length| length.parse().ok());
    let id = shared.with(|world, now| {
        // `app` stands for the one of the token.
        if app != "app" && app != world.config.app_id {
            return Err(GraphError::unknown_object(app));
        }
        world.upload_sessions.begin(mime, length, now.us)
    })?;
    Ok(ok(json!({ "id": id }).to_string()))
}

/// These calls alone want the token in the older way.
fn demand_oauth(call: &Call) -> Result<(), GraphError> {
    let given = call.http.headers().get(header::AUTHORIZATION);
    let is_oauth = given.is_some_and(|given| given.as_bytes().starts_with(b"OAuth "));
    is_oauth.then_some(()).ok_or_else(|| GraphError::bare(190))
}

pub(super) fn offset(shared: &Shared, call: &Call, session: &str) -> Result<HttpResponse, GraphError> {
    demand_oauth(call)?;
    let signature = call.query("sig");
    let offset = shared.with(|world, now| world.upload_sessions.offset(session, signature, now.us))?;
    Ok(ok(
        json!({ "id": format!("upload:{session}"), "file_offset": offset }).to_string(),
    ))
}

pub(super) fn add(shared: &Shared, call: &Call, session: &str) -> Result<HttpResponse, GraphError> {
    demand_oauth(call)?;
    let offset = call.http.headers().get("file_offset");
    let offset = offset.and_then(|offset| offset.to_str().ok()?.parse().ok());
    let at = (session, call.query("sig"));
    let (taken, broke_off) = shared.with(|world, now| {
        let share = world.faults.sample_broken;
        let broke_off = world.media_dice.chance(share) && call.body.len() > 1;
        // What breaks off leaves the half that came.
        let body = if broke_off {
            call.body.slice(..call.body.len() / 2)
        } else {
            call.body.clone()
        };
        (world.upload_sessions.add(at, offset, &body, now.us), broke_off)
    });
    match taken? {
        _ if broke_off => Ok(connection::reset(&call.http)),
        Taken::Part(offset) => Ok(ok(
            json!({ "id": format!("upload:{session}"), "file_offset": offset }).to_string(),
        )),
        Taken::Whole(handle) => Ok(ok(json!({ "h": handle }).to_string())),
    }
}
