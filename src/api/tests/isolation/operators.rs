//! Calls of operators.

use super::*;

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    vec![
        (
            "POST",
            "/v1/admin/users/export",
            Guard::Operator,
            json!({ "email": "x@example.com" }),
        ),
        (
            "POST",
            "/v1/admin/users/erase",
            Guard::Operator,
            json!({ "email": "x@example.com" }),
        ),
        (
            "POST",
            "/v1/admin/tenants",
            Guard::Operator,
            json!({ "name": "x" }),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/media",
            Guard::Operator,
            json!({}),
        ),
        ("POST", "/v1/admin/media/sweep", Guard::Operator, json!({})),
        ("GET", "/v1/admin/tenants", Guard::Operator, json!({})),
        ("GET", "/v1/admin/tenants/{tenant_id}", Guard::Operator, json!({})),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/retention",
            Guard::Operator,
            json!({}),
        ),
        (
            "PUT",
            "/v1/admin/tenants/{tenant_id}/retention",
            Guard::Operator,
            json!({ "days": 30 }),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/retention/preview",
            Guard::Operator,
            json!({ "days": 30 }),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/usage",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/subscription",
            Guard::Operator,
            json!({}),
        ),
        (
            "PUT",
            "/v1/admin/tenants/{tenant_id}/subscription",
            Guard::Operator,
            json!({ "state": "active" }),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/quotas",
            Guard::Operator,
            json!({}),
        ),
        (
            "PUT",
            "/v1/admin/tenants/{tenant_id}/quotas",
            Guard::Operator,
            json!({ "agents": 5 }),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/numbers",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/numbers",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/numbers/{phone_number_id}/check",
            Guard::Operator,
            json!({}),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/keys",
            Guard::Operator,
            json!({}),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/keys",
            Guard::Operator,
            json!({}),
        ),
        (
            "DELETE",
            "/v1/admin/tenants/{tenant_id}/keys/{key_id}",
            Guard::Operator,
            json!({}),
        ),
        (
            "POST",
            "/v1/admin/operators",
            Guard::Operator,
            json!({ "name": "x", "role": "viewer" }),
        ),
        (
            "POST",
            "/v1/admin/tenants/{tenant_id}/invitations",
            Guard::Operator,
            json!({ "email": "x@example.com", "role": "owner" }),
        ),
        (
            "POST",
            "/v1/admin/password-resets",
            Guard::Operator,
            json!({ "email": "x@example.com" }),
        ),
        (
            "POST",
            "/v1/admin/second-factor-removals",
            Guard::Operator,
            json!({ "email": "x@example.com" }),
        ),
        (
            "GET",
            "/v1/admin/tenants/{tenant_id}/sign-in-provider",
            Guard::Operator,
            json!({}),
        ),
        (
            "PUT",
            "/v1/admin/tenants/{tenant_id}/sign-in-provider",
            Guard::Operator,
            json!({}),
        ),
        (
            "DELETE",
            "/v1/admin/tenants/{tenant_id}/sign-in-provider",
            Guard::Operator,
            json!({}),
        ),
        ("GET", "/v1/admin/operators", Guard::Operator, json!({})),
        (
            "DELETE",
            "/v1/admin/operators/{operator_id}",
            Guard::Operator,
            json!({}),
        ),
        ("GET", "/v1/admin/audit", Guard::Operator, json!({})),
        ("GET", "/v1/admin/audit/export", Guard::Operator, json!({})),
        ("GET", "/v1/admin/audit/verify", Guard::Operator, json!({})),
        ("GET", "/v1/admin/quarantine", Guard::Operator, json!({})),
        (
            "POST",
            "/v1/admin/quarantine/replay",
            Guard::Operator,
            json!({ "all": true }),
        ),
    ]
}
