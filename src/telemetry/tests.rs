use std::collections::BTreeSet;

use super::labels::{Code, StoreOp, StoreOutcome, WebhookOutcome};
use super::listening::listen;
use super::metrics::TABLE;
use super::*;
use crate::domain::Priority;

#[test]
fn every_metric_has_one_prefixed_name_a_unit_and_a_help_text() {
    let mut names = BTreeSet::new();
    for metric in TABLE {
        let name = metric.name;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(name.starts_with("mesej_"), "{name} lacks the prefix");
        assert!(
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
        assert!(
            metric.help.len() > 10 && metric.help.ends_with('.') && !metric.help.starts_with(' '),
            "{name}: {:?}",
            metric.help
        );
        match metric.kind {
            Kind::Counter => assert!(name.ends_with("_total"), "{name} is a counter without _total"),
            Kind::Gauge => assert!(!name.ends_with("_total"), "{name} is a gauge with _total"),
            Kind::Histogram(buckets) => {
                let unit = ["_seconds", "_bytes", "_size"]
                    .iter()
                    .any(|unit| name.ends_with(unit));
                assert!(unit, "{name} does not say its unit");
                assert!(
                    buckets.windows(2).all(|pair| pair[0] < pair[1]),
                    "{name}: buckets out of order"
                );
            }
        }
    }
}

#[test]
fn no_label_can_grow_without_bound_or_name_a_person() {
    let allowed = [
        "call", "code", "how", "kind", "method", "op", "origin", "outcome", "priority", "quality", "queue",
        "quota", "reason", "result", "route", "state", "status", "version",
    ];
    for metric in TABLE {
        for label in metric.labels {
            assert!(
                allowed.contains(label),
                "{} has the label {label}: is its set closed?",
                metric.name
            );
        }
    }
}

#[test]
fn label_values_are_distinct_lower_case_words() {
    fn values<L: Label>(all: &[L]) {
        let values: BTreeSet<&str> = all.iter().map(Label::label).collect();
        assert_eq!(values.len(), all.len(), "{values:?}");
        for value in values {
            assert!(
                !value.is_empty()
                    && value
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{value}"
            );
        }
    }
    use super::labels as l;
    values(l::WebhookOutcome::ALL);
    values(l::ElementKind::ALL);
    values(l::QuarantineReason::ALL);
    values(l::RetentionFate::ALL);
    values(l::CloseReason::ALL);
    values(l::ConnectionEnd::ALL);
    values(l::ResyncReason::ALL);
    values(l::FrameRefusal::ALL);
    values(l::SignInOutcome::ALL);
    values(l::ProviderSignIn::ALL);
    values(l::SendOrigin::ALL);
    values(l::AttemptResult::ALL);
    values(l::UnknownResolution::ALL);
    values(l::DelayReason::ALL);
    values(l::PauseReason::ALL);
    values(l::GraphCall::ALL);
    values(l::StoreOp::ALL);
    values(l::StoreOutcome::ALL);
    values(l::ActorKind::ALL);
    values(l::HttpMethod::ALL);
}

#[test]
fn every_route_is_shown_by_its_own_pattern() {
    use super::labels::HttpRoute;
    let patterns: BTreeSet<&str> = HttpRoute::ALL.iter().map(Label::label).collect();
    assert_eq!(patterns.len(), HttpRoute::ALL.len());
    let known = |pattern: &str| pattern == "none" || pattern.starts_with('/');
    assert!(patterns.iter().all(|pattern| known(pattern)), "{patterns:?}");
}

#[test]
fn what_is_recorded_is_scraped_with_its_help_labels_and_buckets() {
    let recorder = recorder().unwrap();
    let handle = recorder.handle();
    ::metrics::with_local_recorder(&recorder, || {
        for metric in TABLE {
            metric.describe();
        }
        metrics::webhooks_total(WebhookOutcome::Accepted).increment(2);
        metrics::lane_queue_depth(Priority::Bulk).set(metrics::number(7));
        metrics::lane_wait_seconds(Priority::Interactive).record(0.2);
        metrics::store_op_seconds(StoreOp::Append, StoreOutcome::Ok).record(Duration::from_millis(3));
        metrics::sends_refused_total(Code("window_closed")).increment(1);
    });
    let text = handle.render();
    for line in [
        "# HELP mesej_webhooks_total Webhook posts, by how they were answered.",
        "# TYPE mesej_webhooks_total counter",
        "mesej_webhooks_total{outcome=\"accepted\"} 2",
        "mesej_lane_queue_depth{priority=\"bulk\"} 7",
        "mesej_lane_wait_seconds_bucket{priority=\"interactive\",le=\"0.25\"} 1",
        "mesej_store_op_seconds_bucket{op=\"append\",outcome=\"ok\",le=\"0.005\"} 1",
        "mesej_sends_refused_total{code=\"window_closed\"} 1",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no line {line:?} in:\n{text}"
        );
    }
}

#[test]
fn every_counter_stands_at_zero_before_its_first_event() {
    let recorder = recorder().unwrap();
    ::metrics::with_local_recorder(&recorder, metrics::start_counters);
    let text = recorder.handle().render();
    for metric in TABLE {
        let values: Vec<Vec<&str>> = metric.values.iter().map(|values| values()).collect();
        let lines: Vec<String> = match (metric.kind, metric.labels, values.as_slice()) {
            (Kind::Counter, [], []) => vec![format!("{} 0", metric.name)],
            (Kind::Counter, [label], [values]) => values
                .iter()
                .map(|value| format!("{}{{{label}=\"{value}\"}} 0", metric.name))
                .collect(),
            _ => Vec::new(),
        };
        for line in lines {
            assert!(
                text.lines().any(|found| found == line),
                "no line {line:?} in:\n{text}"
            );
        }
    }
    assert!(text.contains("mesej_sockets_closed_total{reason=\"stuck\"} 0"));
}

#[test]
fn installing_twice_gives_the_same_recorder_and_notes_the_start() {
    let first = install(Timestamp::from_secs(1_000)).unwrap();
    let second = install(Timestamp::from_secs(2_000)).unwrap();
    assert!(second.render().contains("mesej_start_time_seconds 2000"));
    assert!(first.render().contains(&format!(
        "mesej_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    )));
}

#[test]
fn upkeep_samples_the_process() {
    let recorder = recorder().unwrap();
    ::metrics::with_local_recorder(&recorder, || upkeep(&recorder.handle()));
    let text = recorder.handle().render();
    for name in [
        "mesej_process_resident_bytes",
        "mesej_process_open_fds",
        "mesej_process_max_fds",
    ] {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(|value| value.trim().parse::<f64>());
        assert!(value.unwrap().unwrap() > 0.0, "{name} in:\n{text}");
    }
    assert!(
        text.contains("# TYPE mesej_process_cpu_seconds_total counter"),
        "{text}"
    );
}

#[derive(Clone, Default)]
struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn logs_are_json_lines_in_which_libraries_speak_only_of_trouble() {
    let written = Written::default();
    let config = TelemetryConfig {
        log_format: LogFormat::Json,
        log_level: LogLevel::Info,
    };
    let to = written.clone();
    {
        let _kept = listen(logs(&config, move || to.clone()));
        tracing::info!(tenant.id = 7, "tenant opened");
        tracing::debug!("not asked for");
        tracing::info!(target: "reqwest::connect", "what a library carries");
        tracing::warn!(target: "fjall", "something is wrong");
    }
    let bytes = written.0.lock().unwrap().clone();
    let lines: Vec<serde_json::Value> = String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: Vec<&str> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["tenant opened", "something is wrong"]);
    assert_eq!(
        (lines[0]["tenant.id"].as_i64(), lines[0]["level"].as_str()),
        (Some(7), Some("INFO"))
    );
}

#[test]
fn large_numbers_stay_exact() {
    for value in [0, 1, u64::from(u32::MAX), 1 << 40, (1 << 53) - 1] {
        assert_eq!(format!("{:.0}", metrics::number(value)), value.to_string());
    }
}
