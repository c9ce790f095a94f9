use std::time::Duration;

use serde_json::{Value, json};

use super::*;

const ALL: &str = "/v1/admin/operators";

#[actix_web::test]
async fn an_operator_does_what_its_role_allows_until_it_is_revoked() {
    let api = Api::start().await;
    let (admin, admin_id) = api.add_operator("admin").await;
    let (viewer, viewer_id) = api.add_operator("viewer").await;
    let as_one = |token: &str, method: &str, path: &str| api.plain(method, path).bearer(token);
    let tenant = json!({ "name": "Toko Maju" });
    let made = as_one(&admin, "POST", "/v1/admin/tenants")
        .json(&tenant)
        .send()
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(
        as_one(&viewer, "GET", "/v1/admin/tenants").send().await.status,
        200
    );
    let refused = as_one(&viewer, "POST", "/v1/admin/tenants")
        .json(&tenant)
        .send()
        .await;
    assert_eq!(refused.outcome(), (403, "forbidden".to_owned()));
    let list = as_one(&viewer, "GET", ALL).send().await;
    assert!(
        !String::from_utf8_lossy(&list.body).contains(&admin),
        "a list shows a token"
    );
    let list = list.json();
    let ids: Vec<&Value> = list["operators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["operator_id"])
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&&json!(admin_id)) && ids.contains(&&json!(viewer_id)));
    // One operator revokes the other, and itself.
    let gone = as_one(&admin, "DELETE", &format!("{ALL}/{viewer_id}"))
        .send()
        .await;
    assert_eq!(gone.status, 200);
    let again = as_one(&admin, "DELETE", &format!("{ALL}/{viewer_id}"))
        .send()
        .await;
    assert_eq!((again.status, again.json()), (200, gone.json()));
    let refused = (401, "unauthorized".to_owned());
    assert_eq!(as_one(&viewer, "GET", ALL).send().await.outcome(), refused);
    assert_eq!(
        as_one(&admin, "DELETE", &format!("{ALL}/{admin_id}"))
            .send()
            .await
            .status,
        200
    );
    assert_eq!(as_one(&admin, "GET", ALL).send().await.outcome(), refused);
    let nobody = api.as_admin("DELETE", &format!("{ALL}/nobody")).send().await;
    assert_eq!(nobody.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn a_token_ends_after_its_days() {
    let api = Api::start().await;
    let body = json!({ "name": "dashboard", "role": "viewer", "expires_days": 30 });
    let added = api.as_admin("POST", ALL).json(&body).send().await.json();
    let token = added["token"].as_str().unwrap();
    let day = Duration::from_secs(86_400);
    api.clock.advance(day * 30 - Duration::from_millis(1));
    assert_eq!(api.plain("GET", ALL).bearer(token).send().await.status, 200);
    api.clock.advance(Duration::from_millis(1));
    let over = api.plain("GET", ALL).bearer(token).send().await;
    assert_eq!(over.outcome(), (401, "unauthorized".to_owned()));
    api.clock.advance(day * 90 - Duration::from_millis(1));
    assert_eq!(
        api.as_admin("GET", ALL).send().await.json()["operators"][0]["operator_id"],
        added["operator_id"]
    );
    // It leaves the list three months later, so that the list never fills up.
    api.clock.advance(Duration::from_millis(1));
    assert_eq!(
        api.as_admin("GET", ALL).send().await.json(),
        json!({ "operators": [] })
    );
}

#[actix_web::test]
async fn what_cannot_be_an_operator_is_refused() {
    let api = Api::start().await;
    for body in [
        json!({ "name": "", "role": "admin" }),
        json!({ "name": "Ana", "role": "owner" }),
        json!({ "name": "Ana" }),
        json!({ "name": "Ana", "role": "admin", "expires_days": 0 }),
        json!({ "name": "Ana", "role": "admin", "expires_days": 3_651 }),
        json!({ "name": "Ana", "role": "admin", "scopes": [] }),
    ] {
        let answer = api.as_admin("POST", ALL).json(&body).send().await;
        assert_eq!(answer.outcome(), (400, "invalid_request".to_owned()), "{body}");
    }
    assert_eq!(
        api.as_admin("GET", ALL).send().await.json(),
        json!({ "operators": [] })
    );
}

#[actix_web::test]
async fn without_a_token_in_the_settings_named_operators_are_let_in_all_the_same() {
    let api = Api::start().await;
    let (admin, _) = api.add_operator("admin").await;
    let rows = api.store.export_plain(None, 9, NOW).await.unwrap().records;
    let without = Api::start_with(Setup {
        server: "# nothing\n",
        admin_token: "",
        ..Setup::default()
    })
    .await;
    for row in rows {
        let written = without
            .store
            .replace_plain_row(row.key, None, Some(row.value), NOW);
        assert!(written.await.unwrap());
    }
    assert_eq!(without.plain("GET", ALL).bearer(&admin).send().await.status, 200);
    // Nobody else is told that there is anything.
    let open = without.plain("GET", ALL).send().await;
    assert_eq!(open.outcome(), (404, "not_found".to_owned()));
    let wrong = without.plain("GET", ALL).bearer(ADMIN).send().await;
    assert_eq!(wrong.outcome(), (404, "not_found".to_owned()));
}

#[actix_web::test]
async fn tenants_are_listed_by_name_searched_and_paged() {
    let api = Api::start().await;
    for name in ["Warung Kopi", "toko maju", "Toko Baru", "Kedai"] {
        let made = api
            .as_admin("POST", "/v1/admin/tenants")
            .json(&json!({ "name": name }))
            .send()
            .await;
        assert_eq!(made.status, 201);
    }
    let list = async |query: &str| {
        let path = format!("/v1/admin/tenants?{query}");
        api.as_admin("GET", &path).send().await
    };
    let names = |page: &Value| -> Vec<String> {
        let tenants = page["tenants"].as_array().unwrap().iter();
        tenants
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = list(&format!("limit=4&cursor={cursor}")).await.json();
        assert_eq!(page["found"], 6);
        seen.extend(names(&page));
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        next.clone_into(&mut cursor);
    }
    assert_eq!((pages, seen.len()), (2, 6));
    assert_eq!((seen[0].as_str(), seen[5].as_str()), ("Kedai", "Warung Kopi"));
    assert_eq!([&seen[3], &seen[4]], ["Toko Baru", "toko maju"]);
    let found = list("search=TOKO").await.json();
    assert_eq!(
        (found["found"].clone(), names(&found)),
        (json!(2), vec!["Toko Baru".to_owned(), "toko maju".to_owned()])
    );
    let id = found["tenants"][1]["tenant_id"].as_str().unwrap();
    assert_eq!(
        names(&list(&format!("search={id}%20maju")).await.json()),
        ["toko maju"]
    );
    let none = list("search=nothing").await.json();
    assert_eq!(none, json!({ "tenants": [], "found": 0, "next_cursor": null }));
    for wrong in ["limit=0", "limit=501", "cursor=x", "cursor=%21", "look=x"] {
        assert_eq!(
            list(wrong).await.outcome(),
            (400, "invalid_request".to_owned()),
            "{wrong}"
        );
    }
}
