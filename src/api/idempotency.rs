//! `Idempotency-Key`: repeating a request does nothing twice and gives the first answer again.

use actix_web::HttpResponse;
use actix_web::HttpResponseBuilder;
use actix_web::http::header::HeaderName;
use serde_json::Value;

use super::auth::{Call, Need};
use super::error::ApiError;
use super::json::digest;
use crate::actors::request::Acceptance;
use crate::domain::TenantId;
use crate::domain::ids::digest16;
use crate::store::op::Once;

/// Says that the answer is that of an earlier request.
const REPEATED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Names a request: what it asks, under a key that counts within one tenant and one route.
pub(super) fn name(tenant: TenantId, route: &str, key: &str, asked: &Value) -> Once {
    Once {
        key: digest16(&[
            b"once",
            &tenant.get().to_be_bytes(),
            route.as_bytes(),
            key.as_bytes(),
        ]),
        request: digest(asked),
    }
}

/// Names a call by its `Idempotency-Key`, if it has one.
pub(super) fn of<N: Need>(call: &Call<N>, route: &str, asked: &Value) -> Result<Option<Once>, ApiError> {
    let key = call.idempotency_key()?;
    Ok(key.map(|key| name(call.tenant(), route, key.as_str(), asked)))
}

/// The same answer for the first request and for its repetitions, but for one header.
pub(super) fn answer(
    mut response: HttpResponseBuilder,
    acceptance: Acceptance,
    body: &Value,
) -> HttpResponse {
    if acceptance == Acceptance::Repeated {
        response.insert_header((REPEATED, "true"));
    }
    response.json(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_counts_within_its_tenant_and_route() {
        let (one, two) = (TenantId::new(1), TenantId::new(2));
        let first = name(one, "messages", "order-17", &json!({"to": "1"}));
        assert_eq!(first, name(one, "messages", "order-17", &json!({"to": "1"})));
        assert_ne!(
            first.key,
            name(two, "messages", "order-17", &json!({"to": "1"})).key
        );
        assert_ne!(first.key, name(one, "notes", "order-17", &json!({"to": "1"})).key);
        let other = name(one, "messages", "order-17", &json!({"to": "2"}));
        assert!(first.key == other.key && first.request != other.request);
    }
}
