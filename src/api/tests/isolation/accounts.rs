//! Calls by which people get an account, and look after their own.

use super::*;

pub(super) fn routes() -> Vec<(&'static str, &'static str, Guard, Value)> {
    let nothing = || json!({});
    vec![
        ("POST", "/v1/password/forgotten", Guard::Open, nothing()),
        ("GET", "/v1/sign-up", Guard::Open, nothing()),
        ("POST", "/v1/sign-up", Guard::Open, nothing()),
        ("POST", "/v1/sign-up/look", Guard::Open, nothing()),
        ("POST", "/v1/sign-up/complete", Guard::Open, nothing()),
        ("POST", "/v1/profile/email/confirm", Guard::Open, nothing()),
        ("GET", "/v1/profile", Guard::Session, nothing()),
        ("GET", "/v1/teams", READ, nothing()),
        (
            "POST",
            "/v1/teams",
            TEAM,
            json!({ "name": "x", "members": [], "numbers": [] }),
        ),
        (
            "PUT",
            "/v1/teams/{team_id}",
            TEAM,
            json!({ "name": "x", "members": [], "numbers": [] }),
        ),
        ("DELETE", "/v1/teams/{team_id}", TEAM, nothing()),
        ("PUT", "/v1/profile", Guard::Session, nothing()),
        ("PUT", "/v1/profile/policy", Guard::Session, nothing()),
        ("PUT", "/v1/profile/email", Guard::Session, nothing()),
        (
            "POST",
            "/v1/admin/sign-up-invitations",
            Guard::Operator,
            nothing(),
        ),
    ]
}
