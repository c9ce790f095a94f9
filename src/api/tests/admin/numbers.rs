//! What Meta says about numbers.

use super::*;

#[actix_web::test]
async fn a_number_is_checked_at_meta() {
    let api = Api::start().await;
    let numbers = format!("/tenants/{ONE}/numbers");
    api.admin("POST", &numbers, &new_number()).await;
    let checks = api
        .admin_get(&format!("{numbers}/106540352242922/check"))
        .await
        .json();
    let of = |name: &str| {
        checks["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["name"] == name)
            .cloned()
            .unwrap()
    };
    assert_eq!(of("status")["ok"], true);
    assert_eq!(of("subscription")["ok"], false);
    assert!(
        of("subscription")["detail"]
            .as_str()
            .unwrap()
            .contains("no app is subscribed")
    );
    let mut away = new_number();
    away["phone_number_id"] = json!("unreachable");
    api.admin("POST", &numbers, &away).await;
    let answer = api.admin_get(&format!("{numbers}/unreachable/check")).await;
    assert_eq!(answer.outcome(), (502, "meta_failed".to_owned()));
    let foreign = format!("/tenants/{OTHER}/numbers/106540352242922/check");
    assert_eq!(
        api.admin_get(&foreign).await.outcome(),
        (404, "not_found".to_owned())
    );
}

#[actix_web::test]
async fn what_meta_refuses_about_a_number_is_told_in_its_words() {
    let api = Api::start().await;
    let numbers = format!("/tenants/{ONE}/numbers");
    for (id, outcome, told) in [
        (
            "wrong-token",
            (422, "token_refused"),
            "\"Error validating access token\", code 190",
        ),
        (
            "not-seen",
            (422, "meta_refused"),
            "\"Unsupported get request\", code 100",
        ),
        (
            "meta-down",
            (502, "meta_failed"),
            "\"Service temporarily unavailable\", code 2",
        ),
    ] {
        let mut number = new_number();
        number["phone_number_id"] = json!(id);
        api.admin("POST", &numbers, &number).await;
        let answer = api.admin_get(&format!("{numbers}/{id}/check")).await;
        assert_eq!(answer.outcome(), (outcome.0, outcome.1.to_owned()));
        let said = answer.json()["error"]["message"].to_string().replace('\\', "");
        assert!(said.contains(told), "{said}");
    }
}
