//! Several broadcasts at once, and what is told of one long after its end.

use super::*;
use crate::domain::{BroadcastTally, Fence, RecipientOutcome, Wamid};
use crate::store::op::{AttemptResult, Attempted, Op};
use crate::store::plain::PlainValue;
use crate::store::{ClaimOutcome, ClaimWant};

/// Another one of the number's.
async fn another(api: &Api) -> BroadcastId {
    let body = broadcast_of(number(ONE).as_str());
    let made = api.post("/v1/broadcasts", &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let id = made.json()["broadcast"]["broadcast_id"].clone();
    id.as_str().unwrap().parse().unwrap()
}

/// Launches one that is planned.
async fn launch(api: &Api, id: BroadcastId) {
    let version = row(api, id).await.unwrap().version;
    let launch = json!({ "version": version });
    let answer = api.post(&format!("/v1/broadcasts/{id}/launch"), &launch).await;
    assert_eq!(answer.status, 202, "{}", answer.json());
}

async fn tally(api: &Api, id: BroadcastId) -> Option<BroadcastTally> {
    api.store.broadcast_tally(ONE, id, NOW).await.unwrap()
}

/// Whether recipients of it had their turn.
async fn has_run(api: &Api, id: BroadcastId) -> bool {
    tally(api, id)
        .await
        .is_some_and(|tally| tally.counts.submitted > 0)
}

/// Works at broadcasts until something is done. Nothing else writes to the ledger meanwhile.
async fn during(api: &Api, what: impl Future<Output = ()>) {
    let shutdown = Shutdown::default();
    let (stop, broadcasts) = (shutdown.clone(), Arc::clone(&api.state.broadcasts));
    let running = actix_web::rt::spawn(async move { broadcasts.run(&shutdown).await });
    tokio::time::timeout(DEADLINE, what).await.unwrap();
    stop.begin();
    running.await.unwrap();
}

/// Waits for all of them to have run.
async fn ran(api: &Api, all: &[BroadcastId]) {
    for id in all {
        while !has_run(api, *id).await {
            tokio::task::yield_now().await;
        }
    }
}

/// Has all that is to be done be looked at once more, whole: the second of two plans begins with a later look than the first.
async fn looked(api: &Api, id: BroadcastId) {
    for _ in 0..2 {
        let path = format!("/v1/broadcasts/{id}/plan");
        let answer = api.post(&path, &json!({})).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        while row(api, id).await.unwrap().state != BroadcastState::Ready {
            tokio::task::yield_now().await;
        }
    }
}

#[actix_web::test]
async fn a_tenant_runs_sixteen_at_once_and_the_next_begins_when_one_of_them_ends() {
    let api = Api::start().await;
    let spare = made(&api).await;
    upload(&api, spare).await;
    let mut all = Vec::new();
    for _ in 0..18 {
        let id = another(&api).await;
        upload(&api, id).await;
        planned(&api, id).await;
        all.push(id);
    }
    // They are looked at in this order.
    all.sort_by_key(|id| *id.as_bytes());
    for id in &all {
        launch(&api, *id).await;
    }
    let (sixteen, behind) = all.split_at(16);
    during(&api, async {
        ran(&api, sixteen).await;
        looked(&api, spare).await;
    })
    .await;
    for id in behind {
        assert!(!has_run(&api, *id).await, "it waits behind its own tenant's");
    }
    let path = format!("/v1/broadcasts/{}/cancel", sixteen[3]);
    assert_eq!(api.post(&path, &json!({})).await.status, 200);
    during(&api, async {
        ran(&api, &behind[..1]).await;
        looked(&api, spare).await;
    })
    .await;
    assert!(!has_run(&api, behind[1]).await, "there was room for one");
}

#[actix_web::test]
async fn one_whose_row_cannot_be_read_keeps_no_other_from_its_turn() {
    let api = Api::start().await;
    let mut both = [made(&api).await, another(&api).await];
    both.sort_by_key(|id| *id.as_bytes());
    let [bad, other] = both;
    for id in both {
        upload(&api, id).await;
        let answer = api.post(&format!("/v1/broadcasts/{id}/plan"), &json!({})).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
    }
    let key = Broadcast::at(ONE, bad);
    let before = api.store.plain_row(key.clone(), NOW).await.unwrap().unwrap();
    let nonsense = PlainValue {
        body: "{\"state\":".into(),
        expires: None,
    };
    let replaced = api
        .store
        .replace_plain_row(key, Some(before.body), Some(nonsense), NOW)
        .await;
    assert!(replaced.unwrap());
    worked(&api, other, |row| row.unwrap().state == BroadcastState::Ready).await;
}

/// Meta takes all that waits.
async fn taken(api: &Api) -> usize {
    let waiting = api.store.outbox(ONE, number(ONE), None, 100).await.unwrap();
    for row in &waiting {
        let want = ClaimWant {
            number: number(ONE),
            message: row.at.message,
            attempt: 0,
        };
        let claimed = api.store.claim(ONE, Fence::new(1), vec![want], NOW).await;
        let Some(ClaimOutcome::Granted(claim)) = claimed.unwrap().pop() else {
            panic!("not granted")
        };
        let attempted = Attempted {
            token: claim.token,
            number: number(ONE),
            at: NOW,
            result: AttemptResult::Accepted {
                wamid: Wamid::parse(&format!("wamid.{}", row.at.message)).unwrap(),
            },
            recipient: ContactAliases::default(),
        };
        api.core.commit(ONE, Op::Attempted(attempted)).await;
    }
    waiting.len()
}

#[actix_web::test]
async fn of_one_that_is_done_nobody_is_told_as_planned_when_its_messages_are_kept_no_more() {
    let api = Api::start().await;
    let id = made(&api).await;
    upload(&api, id).await;
    planned(&api, id).await;
    launch(&api, id).await;
    let path = format!("/v1/broadcasts/{id}");
    during(&api, async {
        while tally(&api, id)
            .await
            .is_none_or(|tally| tally.counts.submitted < 2)
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(taken(&api).await, 2);
    worked(&api, id, |row| row.unwrap().state == BroadcastState::Done).await;
    let outcomes = async || {
        let page = api.get(&format!("{path}/recipients")).await.json();
        let all = page["recipients"].as_array().unwrap().iter();
        all.map(|one| one["outcome"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(outcomes().await, ["sent", "sent"]);
    // Messages and turns are over by then, the broadcast's row is not.
    api.clock.advance(Duration::from_hours(24 * 380));
    assert_eq!(outcomes().await, ["erased", "erased"]);
    let none = api.get(&format!("{path}/recipients?outcome=planned")).await;
    assert_eq!(none.json()["recipients"], json!([]));
    let shown = api.get(&path).await.json();
    assert_eq!(shown["broadcast"]["state"], "done");
    let counted = tally(&api, id).await.unwrap().counts;
    assert_eq!(counted.of(RecipientOutcome::Sent), 2, "numbers stay");
}
