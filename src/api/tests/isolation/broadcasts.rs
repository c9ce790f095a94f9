//! The routes of broadcasts.

use serde_json::{Value, json};

use super::{EXPORT, Guard};
use crate::domain::roles::Right;
use crate::store::directory::Scope;

const BROADCAST: Guard = Guard::Managed(&[Scope::Send], Right::Broadcast);
const SEE: Guard = Guard::Managed(&[Scope::Read], Right::SeeBroadcasts);

/// A broadcast from a number to the rows of a file.
pub(in crate::api::tests) fn broadcast_of(number: &str) -> Value {
    json!({
        "name": "Spring", "numbers": [number], "audience": { "type": "upload" },
        "template": { "name": "promo", "language": { "code": "en" } },
    })
}

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    let mut changed = broadcast_of("1");
    changed["version"] = json!(1);
    vec![
        ("GET", "/v1/broadcasts", SEE, json!({})),
        ("POST", "/v1/broadcasts", BROADCAST, broadcast_of("1")),
        ("GET", "/v1/broadcasts/{broadcast_id}", SEE, json!({})),
        ("PUT", "/v1/broadcasts/{broadcast_id}", BROADCAST, changed),
        ("DELETE", "/v1/broadcasts/{broadcast_id}", BROADCAST, json!({})),
        (
            "PUT",
            "/v1/broadcasts/{broadcast_id}/audience",
            BROADCAST,
            json!({ "phone": "+6281122334455" }),
        ),
        ("POST", "/v1/broadcasts/{broadcast_id}/plan", BROADCAST, json!({})),
        ("GET", "/v1/broadcasts/{broadcast_id}/dry-run", SEE, json!({})),
        (
            "POST",
            "/v1/broadcasts/{broadcast_id}/launch",
            BROADCAST,
            json!({ "version": 1 }),
        ),
        (
            "POST",
            "/v1/broadcasts/{broadcast_id}/pause",
            BROADCAST,
            json!({}),
        ),
        (
            "POST",
            "/v1/broadcasts/{broadcast_id}/resume",
            BROADCAST,
            json!({}),
        ),
        (
            "POST",
            "/v1/broadcasts/{broadcast_id}/cancel",
            BROADCAST,
            json!({}),
        ),
        (
            "POST",
            "/v1/broadcasts/{broadcast_id}/retry",
            BROADCAST,
            json!({}),
        ),
        ("GET", "/v1/broadcasts/{broadcast_id}/recipients", SEE, json!({})),
        ("GET", "/v1/broadcasts/{broadcast_id}/export", EXPORT, json!({})),
    ]
}
