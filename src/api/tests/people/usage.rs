//! What a business used, as it sees it.

use super::*;
use crate::store::usage::count;

const KEEP: Duration = Duration::from_hours(400 * 24);

async fn counted(api: &Api, tenant: TenantId) {
    let now = api.clock_now();
    count(api.store.as_ref(), tenant, None, KEEP, now, 20)
        .await
        .unwrap()
        .unwrap();
}

#[actix_web::test]
async fn a_business_sees_what_it_used_by_hour_and_by_day() {
    let api = start().await;
    member(&api, ONE, "ana@example.com", Role::Owner).await;
    // 2025-10-09, 08:53:20.
    api.customer_writes(ONE, "628123456789", "one").await;
    api.customer_writes(ONE, "628123456789", "two").await;
    api.customer_writes(OTHER, "628123456789", "elsewhere").await;
    api.clock.advance(Duration::from_hours(1));
    api.customer_writes(ONE, "628123456780", "three").await;
    api.clock.advance(Duration::from_hours(24));
    api.customer_writes(ONE, "628123456789", "four").await;
    let ana = Browser::of(&sign_in(&api, "ana@example.com", PASSWORD).await);
    for tenant in [ONE, OTHER] {
        counted(&api, tenant).await;
    }
    let figures = |answer: &Value| -> Vec<(i64, u64, u64)> {
        let rows = answer["rows"].as_array().unwrap().iter();
        rows.map(|row| {
            assert_eq!(
                (&row["categories"], &row["agents"], &row["messages"]["outbound"]),
                (&json!({}), &json!(0), &json!(0))
            );
            assert!(row["storage_bytes"].as_u64().unwrap() > 100, "{row}");
            let from = row["from"].as_i64().unwrap();
            let inbound = row["messages"]["inbound"].as_u64().unwrap();
            (from, inbound, row["active_contacts"].as_u64().unwrap())
        })
        .collect()
    };
    let (day, hour) = (86_400_000, 3_600_000);
    let first = 1_759_968_000_000;
    let by_day = ana.get(&api, "/v1/usage").await;
    assert_eq!(by_day.status, 200, "{}", by_day.json());
    assert_eq!(figures(&by_day.json()), [(first, 3, 2), (first + day, 1, 1)]);
    let by_hour = ana
        .get(&api, "/v1/usage?by=hour&from=2025-10-09&to=2025-10-09")
        .await
        .json();
    assert_eq!(
        figures(&by_hour),
        [(first + 8 * hour, 2, 1), (first + 9 * hour, 1, 1)]
    );
    let csv = ana.get(&api, "/v1/usage?format=csv&to=2025-10-09").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let csv = String::from_utf8_lossy(&csv.body).into_owned();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "from,inbound,outbound,active_contacts,agents,storage_bytes"
    );
    assert!(lines[1].starts_with("2025-10-09T00:00:00Z,3,0,2,0,"), "{csv}");
    let theirs = api
        .as_admin("GET", &format!("/v1/admin/tenants/{OTHER}/usage"))
        .send()
        .await;
    assert_eq!(figures(&theirs.json()), [(first, 1, 1)]);
    for wrong in [
        "from=2025-10-09&to=2025-10-08",
        "from=2025-01-01&to=2025-10-09",
        "by=hour&from=2025-09-01&to=2025-10-09",
        "from=2025-02-30",
        "by=week",
        "format=xlsx",
    ] {
        let refused = ana.get(&api, &format!("/v1/usage?{wrong}")).await;
        assert_eq!(refused.outcome(), (400, "invalid_request".to_owned()), "{wrong}");
    }
}
