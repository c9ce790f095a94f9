//! Routes about contacts, and what a business notes of them.

use super::*;

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    vec![
        ("GET", "/v1/contacts", READ, json!({})),
        ("POST", "/v1/contacts", SEND, json!({ "phone": "628123456789" })),
        ("GET", "/v1/contacts/{contact_id}", READ, json!({})),
        (
            "PUT",
            "/v1/contacts/{contact_id}",
            SEND,
            json!({ "given_name": "x" }),
        ),
        ("DELETE", "/v1/contacts/{contact_id}", MANAGE, json!({})),
        ("GET", "/v1/contacts/duplicates", READ, json!({})),
        ("GET", "/v1/merges", READ, json!({})),
        ("POST", "/v1/merges/{merge_id}/undo", SEND, json!({})),
        (
            "POST",
            "/v1/contacts/{contact_id}/merge",
            SEND,
            json!({ "other": "0".repeat(32) }),
        ),
        ("GET", "/v1/contacts/{contact_id}/consents", READ, json!({})),
        (
            "PUT",
            "/v1/contacts/{contact_id}/consents/{purpose}",
            SEND,
            json!({ "state": "given", "source": "form" }),
        ),
        (
            "PUT",
            "/v1/contacts/{contact_id}/block",
            SEND,
            json!({ "phone_number_id": "106540352242922" }),
        ),
        (
            "DELETE",
            "/v1/contacts/{contact_id}/block",
            SEND,
            json!({ "phone_number_id": "106540352242922" }),
        ),
        ("GET", "/v1/contacts/{contact_id}/notes", READ, json!({})),
        (
            "POST",
            "/v1/contacts/{contact_id}/notes",
            SEND,
            json!({ "text": "x" }),
        ),
        (
            "DELETE",
            "/v1/contacts/{contact_id}/notes/{note_id}",
            SEND,
            json!({}),
        ),
        ("GET", "/v1/attributes", READ, json!({})),
        (
            "PUT",
            "/v1/attributes/{key}",
            MANAGE,
            json!({ "name": "x", "type": "text" }),
        ),
        ("DELETE", "/v1/attributes/{key}", MANAGE, json!({})),
        ("GET", "/v1/lists", READ, json!({})),
        ("POST", "/v1/lists", MANAGE, json!({ "name": "x" })),
        ("POST", "/v1/lists/{list_id}/members", SEND, json!({ "add": [] })),
        ("PUT", "/v1/lists/{list_id}", MANAGE, json!({ "name": "y" })),
        ("DELETE", "/v1/lists/{list_id}", MANAGE, json!({})),
    ]
}
