//! What operators look at: the dashboard and the alarms ask only for what a running gateway shows.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::{SinkExt as _, StreamExt as _};
use mesej::telemetry::{Kind, Metric, metrics};
use mesej_simulator::NumberConfig;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::gateway::{CUSTOMER, TestGateway, text_to, until};
use crate::kept::Kept;
use crate::promql::{self, Asked};

/// Labels that Prometheus puts on everything.
const OUTSIDE: [&str; 2] = ["instance", "job"];
/// Series that Prometheus itself makes.
const OTHERS: [&str; 2] = ["ALERTS", "up"];
/// Series of a gateway that speaks TLS; `tls.rs` looks at them.
const OF_TLS: [&str; 1] = ["mesej_tls_certificate_expires_seconds"];
/// Series of a gateway that shares a cluster with others.
const OF_A_CLUSTER: [&str; 1] = ["mesej_forwarded_behind_seconds"];

/// A file of the project.
pub(crate) fn file(path: &str) -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&place).map_err(|error| format!("{path}: {error}"));
    text.unwrap()
}

/// A YAML file of the project.
pub(crate) fn yaml(path: &str) -> Value {
    let value = serde_saphyr::from_str(&file(path)).map_err(|error| format!("{path}: {error}"));
    value.unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&file("grafana/dashboards/overview.json")).unwrap()
}

fn alarms() -> Vec<Value> {
    let groups = yaml("grafana/alerts.yml");
    let groups = groups["groups"].as_array().unwrap();
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A query, where it stands, and the text that shows its labels.
struct Query {
    place: String,
    asked: Asked,
    shown: String,
}

impl Query {
    fn new(place: &str, expression: &str, shown: &str) -> Self {
        Self {
            place: format!("{place}: {expression}"),
            asked: promql::read(expression),
            shown: shown.replace("$labels.", ""),
        }
    }
}

/// Every query of the dashboard and of the alarms.
fn queries() -> Vec<Query> {
    let dashboard = dashboard();
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let (expression, legend) = (text(&target["expr"]), text(&target["legendFormat"]));
            all.push(Query::new(text(&panel["title"]), expression, legend));
        }
    }
    for note in dashboard["annotations"]["list"].as_array().unwrap() {
        all.push(Query::new(
            "a note",
            text(&note["expr"]),
            text(&note["titleFormat"]),
        ));
    }
    for alarm in alarms() {
        let summary = text(&alarm["annotations"]["summary"]).replace("{{ $value", "");
        all.push(Query::new(text(&alarm["alert"]), text(&alarm["expr"]), &summary));
    }
    all
}

/// The metric behind the name of a series; a histogram has three.
fn metric_of(series: &str) -> Option<&'static Metric> {
    metrics::TABLE.iter().find(|metric| match metric.kind {
        Kind::Counter | Kind::Gauge => metric.name == series,
        Kind::Histogram(_) => ["_bucket", "_sum", "_count"]
            .iter()
            .any(|part| series.strip_suffix(part) == Some(metric.name)),
    })
}

/// The labels in `{{ … }}`.
fn shown_labels(text: &str) -> Vec<&str> {
    let parts = text.split("{{").skip(1);
    parts
        .filter_map(|part| part.split("}}").next())
        .map(str::trim)
        .collect()
}

/// What is wrong with a query, by the table of metrics.
fn problems(query: &Query) -> Vec<String> {
    let mut found = Vec::new();
    let mut carried: BTreeSet<&str> = OUTSIDE.into_iter().collect();
    for selector in &query.asked.selectors {
        let name = selector.metric.as_str();
        if OTHERS.contains(&name) {
            continue;
        }
        let Some(metric) = metric_of(name) else {
            found.push(format!("no metric {name}"));
            continue;
        };
        carried.extend(metric.labels);
        if name.ends_with("_bucket") {
            carried.insert("le");
        }
        for (label, value) in &selector.picks {
            let place = metric.labels.iter().position(|known| known == label);
            match place.map(|place| metric.values[place]()) {
                Some(values) if values.is_empty() || values.contains(&value.as_str()) => {}
                Some(_) => found.push(format!("{name}: {label} is never {value:?}")),
                None if OUTSIDE.contains(&label.as_str()) => {}
                None => found.push(format!("{name} has no label {label}")),
            }
        }
    }
    let groups = &query.asked.groups;
    found.extend(
        groups
            .iter()
            .filter(|group| !carried.contains(group.as_str()))
            .map(|group| format!("grouped by {group}, which is not there")),
    );
    found.extend(
        shown_labels(&query.shown)
            .into_iter()
            .filter(|label| {
                !carried.contains(label) || !(groups.is_empty() || groups.iter().any(|g| g == label))
            })
            .map(|label| format!("shows {label}, which is not in the result")),
    );
    found
}

#[test]
fn the_dashboard_and_the_alarms_ask_for_metrics_labels_and_values_that_there_are() {
    let all = queries();
    assert!(all.len() > 70, "only {} queries were found", all.len());
    let found: Vec<String> = all
        .iter()
        .flat_map(|query| {
            problems(query)
                .into_iter()
                .map(|problem| format!("{}\n  {problem}", query.place))
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_wrong_name_label_value_group_or_legend_is_found() {
    for (expression, shown, wrong) in [
        ("mesej_sockets", "", "no metric mesej_sockets"),
        (
            "rate(mesej_webhook_ack_seconds[5m])",
            "",
            "no metric mesej_webhook_ack_seconds",
        ),
        (
            "mesej_lane_paused{why=\"token\"}",
            "",
            "mesej_lane_paused has no label why",
        ),
        (
            "mesej_lane_paused{reason=~\"token|lost\"}",
            "",
            "mesej_lane_paused: reason is never \"lost\"",
        ),
        (
            "sum by (op) (mesej_sockets_open)",
            "",
            "grouped by op, which is not there",
        ),
        (
            "sum by (le) (mesej_sockets_open)",
            "",
            "grouped by le, which is not there",
        ),
        (
            "sum by (reason) (mesej_lane_paused)",
            "{{instance}}",
            "shows instance, which is not in the result",
        ),
    ] {
        assert_eq!(
            problems(&Query::new("here", expression, shown)),
            [wrong],
            "{expression}"
        );
    }
    let right = Query::new(
        "here",
        "sum by (reason) (mesej_lane_paused{reason=\"token\"})",
        "{{reason}}",
    );
    assert_eq!(problems(&right), Vec::<String>::new());
}

#[test]
fn every_alarm_has_a_test_and_a_paragraph_that_says_what_to_do() {
    let (tests, docs) = (file("grafana/alerts.test.yml"), file("docs/operations.md"));
    let alarms = alarms();
    assert!(alarms.len() > 20);
    for alarm in &alarms {
        let name = text(&alarm["alert"]);
        assert!(
            tests.contains(&format!("{{alertname=\"{name}\"}}")),
            "{name} has no test"
        );
        assert!(
            docs.contains(&format!("`{name}`")),
            "{name} is not in docs/operations.md"
        );
        assert!(
            ["page", "ticket"].contains(&text(&alarm["labels"]["severity"])),
            "{name}"
        );
    }
}

#[test]
fn every_panel_has_a_place_a_unit_and_a_description() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = text(&panel["title"]);
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{title} is wider than the page");
        assert!(
            text(&panel["description"]).len() > 20,
            "{title} does not say what it shows"
        );
        assert!(
            panel["fieldConfig"]["defaults"]["unit"].is_string(),
            "{title} has no unit"
        );
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
    }
}

/// The names of all series that are scraped.
async fn scraped(gateway: &TestGateway) -> BTreeSet<String> {
    let answer = gateway.client.get(format!("{}/metrics", gateway.base)).send();
    let text = answer.await.unwrap().text().await.unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next().map(str::to_owned))
        .collect()
}

/// An agent says hello and hears of it; then one without a ticket is turned away.
async fn an_agent_comes(gateway: &TestGateway) {
    let (status, ticket) = gateway
        .post("/v1/ws/ticket", None, &json!({ "agent": "eva" }))
        .await;
    assert_eq!(status, 201, "{ticket}");
    let address = format!("{}/v1/ws", gateway.base.replacen("http", "ws", 1));
    let mut request = address.as_str().into_client_request().unwrap();
    let protocol = format!("mesej.v2, ticket.{}", text(&ticket["ticket"]));
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::text(r#"{"type":"hello"}"#)).await.unwrap();
    socket.next().await.unwrap().unwrap();
    tokio_tungstenite::connect_async(address.as_str())
        .await
        .unwrap_err();
}

#[actix::test]
async fn what_is_asked_for_is_scraped_from_a_gateway_at_work() {
    let gateway = TestGateway::start(Kept::in_a_folder()).await;
    gateway.customer_says("hello").await;
    let message = gateway.send_text("hello to you").await;
    gateway.until_state(&message, "read").await;
    let (refused, _) = gateway
        .post("/v1/messages", None, &json!({ "to": "nobody" }))
        .await;
    assert_eq!(refused, 400);
    an_agent_comes(&gateway).await;
    // Somebody is invited by a mail, and somebody else tries a password.
    let invited = json!({ "email": "ana@example.com", "role": "owner" });
    let invitations = format!("/v1/admin/tenants/{}/invitations", gateway.tenant);
    gateway.admin(&invitations, &invited).await;
    let tried = json!({ "email": "ben@example.com", "password": "kopi tubruk di pasar minggu" });
    assert_eq!(gateway.post("/v1/session", None, &tried).await.0, 401);
    // Meta refuses this token: the number's lane stands still.
    let number = NumberConfig::default();
    let body = json!({
        "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "app": "simulated",
        "display_phone_number": number.display_phone_number, "access_token": "a-token-of-yesterday",
        "rate": number.rate,
    });
    gateway
        .admin(&format!("/v1/admin/tenants/{}/numbers", gateway.tenant), &body)
        .await;
    let (status, _) = gateway
        .post("/v1/messages", None, &text_to(CUSTOMER, "are you there?"))
        .await;
    assert_eq!(status, 202);
    let wanted: BTreeSet<String> = queries()
        .into_iter()
        .flat_map(|query| query.asked.selectors)
        .map(|selector| selector.metric)
        .filter(|name| {
            let elsewhere = OTHERS.iter().chain(&OF_TLS).chain(&OF_A_CLUSTER);
            !elsewhere.into_iter().any(|other| other == name)
        })
        .collect();
    let missing = || async {
        let there = scraped(&gateway).await;
        wanted
            .iter()
            .filter(|name| !there.contains(*name))
            .cloned()
            .collect::<Vec<_>>()
    };
    let patience = std::time::Duration::from_secs(15);
    let all_there = until("everything is scraped", || async {
        missing().await.is_empty().then_some(())
    });
    let _ = tokio::time::timeout(patience, all_there).await;
    assert_eq!(
        missing().await,
        Vec::<String>::new(),
        "is asked for and never scraped"
    );
    gateway.stop().await;
}
