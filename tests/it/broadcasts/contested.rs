//! A broadcast for which two gateways contend: one stands still while it runs, another takes the tenant, and the first wakes up.

use mesej_simulator::control::SendQuery;
use reqwest::Method;
use serde_json::{Value, json};

use super::killed::Process;
use super::phone;
use crate::gateway::{ADMIN, Setup, until};
use crate::kept::Kept;

const MANY: u32 = 500;
const RATE: u32 = 80;

/// Stops a process where it is, or has it go on.
fn signal(gateway: &Process, what: &str) {
    let id = gateway.child.as_ref().unwrap().id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args([what, &id]).status();
    assert!(sent.unwrap().success(), "{what}");
}

/// How many broadcasts a gateway works at.
async fn running(gateway: &Process) -> Option<u64> {
    let request = gateway.client.get(format!("{}/metrics", gateway.base));
    let text = request.bearer_auth(ADMIN).send().await.ok()?.text().await.ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("mesej_broadcasts_running "));
    line?.trim().parse().ok()
}

#[actix::test]
async fn one_that_stood_still_and_one_that_took_over_send_to_nobody_twice_and_forget_nobody() {
    let kept = Kept::on_a_cluster();
    let mut config = Setup::default().simulator;
    for number in &mut config.numbers {
        number.rate = RATE;
    }
    let meta = mesej_simulator::start(config).await.unwrap();
    let (mut first, mut second) = (Process::new(), Process::new());
    first.start(&kept, &meta.url(), None).await;
    let other = kept.folder().join("other").display().to_string();
    second.extra = vec![("MESEJ_STORE__PATH", other)];
    second.start(&kept, &meta.url(), None).await;
    let path = first.draft(RATE, MANY).await;
    first.key.clone_into(&mut second.key);
    second.hear(&meta).await;
    first
        .call(Method::POST, &format!("{path}/plan"), &json!({}))
        .await;
    let ready = first
        .until(&path, "it is planned", |shown| shown["state"] == "ready")
        .await;
    let launch = json!({ "version": ready["version"], "recipients": MANY });
    first.call(Method::POST, &format!("{path}/launch"), &launch).await;
    let all = || meta.sends(&query(None)).len();
    until("some are sent", || async { (all() >= 100).then_some(()) }).await;
    assert_eq!(running(&second).await, Some(0), "one gateway has the tenant");

    signal(&first, "-STOP");
    let before = all();
    until("the other one goes on with it", || async {
        (running(&second).await == Some(1) && all() > before + 20).then_some(())
    })
    .await;
    // While the other one is at it the first wakes up, and believes it has the tenant.
    signal(&first, "-CONT");
    let done = second
        .until(&path, "it is done", |shown| shown["state"] == "done")
        .await;
    until("the first works at it no more", || async {
        (running(&first).await == Some(0)).then_some(())
    })
    .await;
    let told = first.call(Method::GET, &path, &Value::Null).await;
    assert_eq!(told["broadcast"]["state"], "done");
    assert_eq!(done["counts"]["submitted"], MANY, "everybody had a turn: {done}");
    let unknown = done["counts"]["outcomes"]["unknown"].as_u64().unwrap();
    let mut never = 0;
    for n in 0..MANY {
        match meta.sends(&query(Some(phone(n)))).len() {
            1 => {}
            0 => never += 1,
            times => assert_eq!(times, 1, "recipient {n} was sent to more than once"),
        }
    }
    assert!(
        never <= unknown,
        "{never} of {unknown} unknown ones were never sent: {done}"
    );
    drop((first.child.take(), second.child.take()));
    meta.stop().await;
}

fn query(to: Option<String>) -> SendQuery {
    SendQuery {
        to,
        limit: Some(10_000),
        ..SendQuery::default()
    }
}
