//! The oracle over HTTP.

use std::collections::HashMap;

use super::faults::rig_with;
use super::*;

#[actix_web::test]
async fn the_oracle_tells_over_http_what_it_knows() {
    let rig = rig_with(Faults::default()).await;
    rig.simulator.quiesce(Duration::from_secs(10)).await;
    let post = async |path: &str, body: Value| {
        rig.client
            .post(format!("{}/_oracle/{path}", rig.simulator.url()))
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
    };
    let id = "0".repeat(31) + "1";
    assert_eq!(
        post("submissions", json!([{"message_id": id, "marker": "mk-1"}])).await,
        200
    );
    assert_eq!(
        post("history", json!({"rows": [{"message_id": id, "state": "sent"}]})).await,
        200
    );
    assert_eq!(
        post(
            "events",
            json!([{"agent": "ana", "epoch": "0000000000000001", "from": 0,
            "events": [{"seq": 2, "message_id": id}]}])
        )
        .await,
        200
    );
    assert_eq!(post("tenants", json!({"0000000000000007": [NUMBER]})).await, 200);
    assert_eq!(
        post("opt_outs", json!([{"customer": CUSTOMER, "committed_at_ms": 1}])).await,
        200
    );
    let report: oracle::Report = rig
        .client
        .get(format!("{}/_oracle/report", rig.simulator.url()))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let broken: HashMap<String, u64> = report
        .invariants
        .iter()
        .map(|invariant| (invariant.id.clone(), invariant.violations))
        .filter(|(_, violations)| *violations > 0)
        .collect();
    // The customer's message is missing, the send was never made, and seq 1 was passed over.
    assert_eq!(
        broken,
        HashMap::from([("I1".into(), 1), ("I2".into(), 1), ("I5".into(), 1)])
    );
    assert_eq!((report.totals.lost, report.totals.holes), (2, 1));
    let text = rig
        .client
        .get(format!("{}/_oracle/report?format=text", rig.simulator.url()))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("BROKEN PROMISES") && text.contains("seed 1"),
        "{text}"
    );
}
