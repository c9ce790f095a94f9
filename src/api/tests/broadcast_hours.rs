//! Broadcasts in sending hours: recipients in Indonesia and in Germany, by a clock that a test sets.

use serde_json::{Value, json};

use super::isolation::broadcasts::broadcast_of;
use super::*;
use crate::domain::{BroadcastId, Clock as _, SendRate, WabaId};
use crate::store::Number;
use crate::store::directory::AccessToken;
use crate::store::plain::PlainTable;
use crate::store::tables::{Broadcast, BroadcastProgressRow, BroadcastState};

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
const FILE: &str = "phone\n+628120001001\n+4915112345678\n+628120001002\n+4915112345679\n";

/// From the time at which the clock begins, 8:53:20 UTC on a Thursday in October, to three in the night after it. It is ten in the west of
/// Indonesia then, and noon in its east; in Germany it is five.
const TO_THREE: Duration = Duration::from_secs(65_200);
const HOUR: Duration = Duration::from_hours(1);

struct World {
    api: Api,
    id: BroadcastId,
    path: String,
}

impl World {
    async fn new(more: &Value) -> Self {
        Self::of(more, FILE).await
    }

    async fn of(more: &Value, file: &str) -> Self {
        let api = Api::start().await;
        let number = Number {
            id: number(ONE),
            tenant: ONE,
            waba: WabaId::parse("2001").unwrap(),
            app: None,
            display: "+62 812".to_owned(),
            rate: SendRate::STANDARD,
            access_token: AccessToken::new("token"),
        };
        api.store.put_number(number).await.unwrap();
        Self::at(api, more, file).await
    }

    /// One more at the same gateway.
    async fn at(api: Api, more: &Value, to: &str) -> Self {
        let mut broadcast = broadcast_of(number(ONE).as_str());
        broadcast
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let made = api.post("/v1/broadcasts", &broadcast).await;
        assert_eq!(made.status, 201, "{}", made.json());
        let id = made.json()["broadcast"]["broadcast_id"].clone();
        let id: BroadcastId = id.as_str().unwrap().parse().unwrap();
        let path = format!("/v1/broadcasts/{id}");
        let file = api.call("PUT", &format!("{path}/audience"));
        let answer = file.header("Content-Type", "text/csv").body(to.to_owned());
        assert_eq!(answer.send().await.status, 200);
        let world = Self { api, id, path };
        world.press("plan", &json!({}), 202).await;
        world.worked_until_state(BroadcastState::Ready).await;
        world
    }

    async fn press(&self, what: &str, body: &Value, status: u16) -> Value {
        let answer = self.api.post(&format!("{}/{what}", self.path), body).await;
        assert_eq!(answer.status, status, "{}", answer.json());
        answer.json()
    }

    async fn launch(&self) -> Value {
        let launch = json!({ "version": self.shown().await["version"] });
        self.press("launch", &launch, 202).await["broadcast"].clone()
    }

    async fn shown(&self) -> Value {
        self.api.get(&self.path).await.json()["broadcast"].clone()
    }

    async fn row(&self) -> Broadcast {
        let table = PlainTable::<Broadcast>::of(self.api.store.as_ref(), NOW);
        let found = table.get(&Broadcast::at(ONE, self.id)).await.unwrap();
        found.unwrap().row
    }

    async fn places(&self) -> Vec<u32> {
        let table = PlainTable::<BroadcastProgressRow>::of(self.api.store.as_ref(), NOW);
        let found = table.get(&BroadcastProgressRow::at(ONE, self.id)).await.unwrap();
        found.map(|found| found.row.places).unwrap_or_default()
    }

    async fn submitted(&self) -> u64 {
        let now = self.api.clock.now();
        let tally = self.api.store.broadcast_tally(ONE, self.id, now).await.unwrap();
        tally.map_or(0, |tally| tally.counts.submitted)
    }

    /// Works at broadcasts in a process of its own until something is so.
    async fn worked_until<F: Future<Output = bool>>(&self, is_so: impl Fn() -> F) {
        let shutdown = Shutdown::default();
        let (stop, broadcasts) = (shutdown.clone(), Arc::clone(&self.api.state.broadcasts));
        let running = actix_web::rt::spawn(async move { broadcasts.run(&shutdown).await });
        let end = async {
            while !is_so().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(DEADLINE, end).await.unwrap();
        stop.begin();
        running.await.unwrap();
    }

    async fn worked_until_state(&self, state: BroadcastState) {
        self.worked_until(|| async { self.row().await.state == state })
            .await;
    }

    async fn worked_until_submitted(&self, count: u64) {
        self.worked_until(|| async { self.submitted().await == count })
            .await;
    }

    async fn waiting(&self) -> Vec<crate::store::OutboxRow> {
        let store = self.api.store.as_ref();
        store.outbox(ONE, number(ONE), None, 100).await.unwrap()
    }

    /// Whom messages wait for.
    async fn phones(&self) -> Vec<String> {
        let rows = self.waiting().await;
        let to = |row: &crate::store::OutboxRow| {
            let body: Value = serde_json::from_str(row.payload.get()).unwrap();
            body["to"].as_str().unwrap().trim_start_matches('+').to_owned()
        };
        let mut phones: Vec<String> = rows.iter().map(to).collect();
        phones.sort();
        phones
    }
}

fn each_day(from: &str, to: &str) -> Value {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let days: serde_json::Map<String, Value> = days
        .map(|day| (day.to_owned(), json!([[from, to]])))
        .into_iter()
        .collect();
    json!({ "zone": "recipient", "fallback_zone": "Etc/UTC", "days": days })
}

#[actix_web::test]
async fn nobody_is_sent_to_in_quiet_hours_and_each_once() {
    let world = World::new(&json!({ "hours": each_day("09:00", "20:00") })).await;
    let plan = world.row().await.plan.unwrap();
    let spans: Vec<_> = plan
        .zones
        .iter()
        .map(|span| (span.recipients, span.first, span.last))
        .collect();
    assert_eq!(spans, [(2, 1, 3), (2, 2, 4)]);
    assert_eq!(plan.countries.get(&"DE".parse().unwrap()).copied(), Some(2));
    world.api.clock.advance(TO_THREE);
    world.launch().await;
    world.worked_until_submitted(2).await;
    assert_eq!(world.phones().await, ["628120001001", "628120001002"]);
    let row = world.waiting().await.remove(0);
    let closes = row.hours.unwrap().closes;
    assert_eq!(
        closes,
        world.api.clock.now().after(8 * HOUR),
        "eight in the evening in the east"
    );
    // Another process goes on from there, and knows that it is night in Germany.
    world
        .worked_until(|| async { world.places().await == [4, 2] })
        .await;
    let shown = world.shown().await;
    let opens = world.api.clock.now().after(4 * HOUR);
    assert_eq!(shown["limited_by"], "quiet_hours", "{shown}");
    assert_eq!(shown["next_opens_at"], json!(opens));
    let states: Vec<_> = shown["zones"]
        .as_array()
        .unwrap()
        .iter()
        .map(|zone| zone["state"].clone())
        .collect();
    assert_eq!(states, ["passed", "closed"], "{shown}");
    world.api.clock.advance(4 * HOUR - Duration::from_secs(1));
    let before = world.shown().await;
    assert_eq!(before["limited_by"], "quiet_hours");
    world.api.clock.advance(Duration::from_secs(1));
    world.worked_until_submitted(4).await;
    let all = ["4915112345678", "4915112345679", "628120001001", "628120001002"];
    assert_eq!(world.phones().await, all);
}

#[actix_web::test]
async fn what_waits_for_the_morning_takes_no_room_from_zones_that_are_open() {
    // As many as the number sends in a second, and one elsewhere.
    let east = (0..80).map(|n| format!("+6281200020{n:02}\n"));
    let file = format!("phone\n{}+4915112345678\n", east.collect::<String>());
    let world = World::of(&json!({ "hours": each_day("09:00", "20:00") }), &file).await;
    world.api.clock.advance(TO_THREE);
    world.launch().await;
    world.worked_until_submitted(80).await;
    // Nobody sent them, and it is night there again.
    world.api.clock.advance(8 * HOUR);
    world.worked_until_submitted(81).await;
}

#[actix_web::test]
async fn broadcasts_that_rest_keep_no_other_from_beginning() {
    let night = json!({ "hours": each_day("01:00", "01:30") });
    let mut world = World::new(&night).await;
    world.launch().await;
    for _ in 0..15 {
        world = World::at(world.api, &night, FILE).await;
        world.launch().await;
    }
    let world = World::at(world.api, &json!({}), FILE).await;
    world.launch().await;
    world.worked_until_submitted(4).await;
}

#[actix_web::test]
async fn nine_is_nine_everywhere_and_who_is_late_waits_for_a_person() {
    let more = json!({ "hours": { "zone": "recipient", "fallback_zone": "Etc/UTC" }, "at_local": "2025-10-10T09:00" });
    let world = World::new(&more).await;
    let launched = world.launch().await;
    assert_eq!(
        (&launched["state"], &launched["not_after_local"]),
        (&json!("scheduled"), &json!("2025-10-10T10:00"))
    );
    world
        .worked_until(|| async { world.submitted().await == 0 })
        .await;
    assert_eq!(world.row().await.state, BroadcastState::Scheduled);
    // It is nine in the west of Indonesia.
    world.api.clock.advance(TO_THREE - HOUR);
    world.worked_until_submitted(2).await;
    world
        .worked_until(|| async { world.places().await == [4, 0] })
        .await;
    // It was nine in Germany more than an hour ago, and nobody was there.
    world.api.clock.advance(7 * HOUR);
    world.worked_until_state(BroadcastState::Paused).await;
    assert_eq!(world.shown().await["problem"]["code"], "too_late");
    assert_eq!(world.submitted().await, 2);
    world.press("resume", &json!({}), 200).await;
    world.worked_until_submitted(4).await;
}

#[actix_web::test]
async fn hours_that_make_no_sense_are_refused() {
    let api = Api::start().await;
    let broadcast = |more: Value| {
        let mut broadcast = broadcast_of(number(ONE).as_str());
        broadcast
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        broadcast
    };
    let nobody = json!({ "zone": "recipient", "fallback_zone": "Etc/UTC", "days": {} });
    for more in [
        json!({ "hours": nobody }),
        json!({ "hours": { "zone": "Mars/Base" } }),
        json!({ "hours": { "zone": "recipient" } }),
        json!({ "hours": { "zone": "Asia/Jakarta", "days": { "mon": [["9", "20:00"]] } } }),
        json!({ "at_local": "2025-10-10T09:00" }),
        json!({ "hours": { "zone": "Asia/Jakarta" }, "at_local": "2025-10-10T09:00Z" }),
        json!({ "hours": { "zone": "Asia/Jakarta" }, "at_local": "2025-10-10T09:00", "at": NOW }),
    ] {
        let answer = api.post("/v1/broadcasts", &broadcast(more.clone())).await;
        assert!(
            answer.status == 400 || answer.status == 422,
            "{more}: {}",
            answer.json()
        );
        assert_eq!(
            answer.json()["error"]["code"],
            "invalid_request",
            "{more}: {}",
            answer.json()
        );
    }
}
