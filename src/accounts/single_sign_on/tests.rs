use crate::domain::Timestamp;
use crate::store::tables::{NewPeople, SignInProvider};

pub(super) fn provider(issuer: &str) -> SignInProvider {
    SignInProvider {
        issuer: issuer.parse().unwrap(),
        client_id: "mesej".to_owned(),
        client_secret: Some("the client's secret".to_owned()),
        scopes: Vec::new(),
        roles_claim: Some("groups".to_owned()),
        roles: [].into(),
        other_role: None,
        new_people: NewPeople::Refused,
        changed: Timestamp::from_secs(1_800_000_000),
        since: Timestamp::from_secs(1_800_000_000),
    }
}
