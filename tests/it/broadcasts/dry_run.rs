//! A dry run beside what came of it: who got it, and the bill.

use mesej_simulator::control::SendQuery;
use serde_json::{Value, json};

use super::{definition, launched, made, planned, recipients, shown, started};
use crate::gateway::until;
use crate::kept::{Kept, on_every_store};

on_every_store! {
    a_dry_run_foretells_who_gets_it_and_the_bill,
}

/// Millionths of an amount.
fn micros(amount: &Value) -> u64 {
    let text = amount.as_str().unwrap();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<6}").parse().unwrap()
}

async fn a_dry_run_foretells_who_gets_it_and_the_bill(kept: Kept) {
    let gateway = started(kept, 200).await;
    let column = json!({ "from": "column", "key": "off" });
    let path = made(&gateway, &definition(&json!({ "type": "upload" }), &column)).await;
    let phones = [
        "628120000001",
        "628120000002",
        "628120000003",
        "60123456789",
        "16502530000",
        "18095550123",
        "4915112345678",
        "5215512345678",
        "2348031234567",
        "85261234567",
        "37491123456",
    ];
    let good: Vec<String> = phones.iter().map(|phone| format!("+{phone},5%\n")).collect();
    let good = good.concat();
    let bad = "+628120000001,5%\n+628120000009,\nnobody,5%\n6.28E+11,5%\n";
    let request = gateway
        .client
        .put(format!("{}{path}/audience", gateway.base))
        .bearer_auth(&gateway.key)
        .body(format!("phone,off\n{good}{bad}"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    planned(&gateway, &path).await;
    let (status, answer) = gateway.get(&format!("{path}/dry-run")).await;
    assert_eq!(status, 200, "{answer}");
    let foretold = answer["dry_run"].clone();
    let count = u64::try_from(phones.len()).unwrap();
    assert_eq!(foretold["recipients"], count, "{foretold}");
    let lasts = foretold["ends_at"].as_i64().unwrap() - foretold["starts_at"].as_i64().unwrap();
    assert_eq!(lasts, 55, "eleven messages at two hundred a second");
    let left_out = recipients(&gateway, &path, "&outcome=suppressed").await;
    let lines: Vec<u64> = left_out.iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [13, 14, 15, 16]);
    launched(&gateway, &path).await;
    until("all read it", || async {
        let shown = shown(&gateway, &path).await;
        (shown["state"] == "done" && shown["counts"]["outcomes"]["read"] == count).then_some(())
    })
    .await;
    // Whom it was to reach got it once, and nobody else.
    let mut reached: Vec<String> = gateway
        .meta
        .sends(&SendQuery::default())
        .into_iter()
        .map(|send| send.to)
        .collect();
    reached.sort_unstable();
    let mut wanted = phones.map(str::to_owned);
    wanted.sort_unstable();
    assert_eq!(reached, wanted);
    assert_eq!(recipients(&gateway, &path, "&outcome=suppressed").await, left_out);
    // What Meta charges is what was foretold, market by market.
    let bill = gateway.meta.bill();
    let mut spend: Vec<(String, u64, u64)> = foretold["spend"]["markets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let market = one["market"].as_str().unwrap().to_owned();
            (market, one["messages"].as_u64().unwrap(), micros(&one["cost"]))
        })
        .collect();
    spend.sort_unstable();
    let billed: Vec<_> = bill
        .lines
        .iter()
        .map(|line| (line.market.clone(), line.messages, line.micros))
        .collect();
    assert_eq!(spend, billed);
    assert!(
        bill.lines
            .iter()
            .all(|line| line.category == foretold["spend"]["category"])
    );
    assert_eq!(micros(&foretold["spend"]["total"]), bill.micros);
    // And what its pricing objects told, beside the estimate.
    let cost = until("Meta told of all that it charges for them", || async {
        let cost = shown(&gateway, &path).await["cost"].clone();
        (cost["messages"] == count).then_some(cost)
    })
    .await;
    assert_eq!(cost["currency"], "USD");
    assert_eq!(
        (micros(&cost["told"]), micros(&cost["estimate"])),
        (bill.micros, bill.micros)
    );
    gateway.stop().await;
}
