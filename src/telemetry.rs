//! What operators see: logs and metrics. Neither ever holds a phone number, a name, a text or a wamid.
//!
//! Log messages are lower-case sentences without a full stop; whatever varies is a field (`tenant.id`, `message.id`).

pub mod labels;
#[cfg(test)]
pub(crate) mod listening;
pub mod metrics;
mod process;
mod seldom;
mod table;

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::set_global_recorder;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogLevel, TelemetryConfig};
use crate::domain::Timestamp;

pub use seldom::Seldom;
pub use table::{Kind, Label, Metric};

/// Why telemetry could not start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TelemetryError {
    /// Another metrics recorder was there first.
    #[error("another metrics recorder is installed already")]
    RecorderTaken,
    /// A histogram's buckets were refused.
    #[error("cannot set the buckets of {0}")]
    Buckets(&'static str),
}

/// Starts writing logs to standard error. Does nothing when logs were started before.
pub fn init(config: &TelemetryConfig) {
    // An error means that logs run already: in tests, or when two servers share a process.
    let _ = logs(config, std::io::stderr).try_init();
}

fn logs<W>(config: &TelemetryConfig, to: W) -> impl SubscriberInitExt
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = match config.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Libraries may log what they carry, so they speak up only when something is wrong.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        // They call every head that is no HTTP, and every frame out of order, an error of ours: whoever knocks would write the log.
        .with_target("actix_http::h1", LevelFilter::OFF)
        .with_target("actix_http::ws", LevelFilter::OFF)
        .with_target("mesej", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(to);
    let layer = match config.log_format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

/// Installs the process's metrics recorder, or returns the one that was installed before, and notes the start.
/// Whoever installs it calls [`upkeep`] every [`UPKEEP`].
pub fn install(now: Timestamp) -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: OnceLock<Result<PrometheusHandle, TelemetryError>> = OnceLock::new();
    let handle = HANDLE
        .get_or_init(|| {
            let recorder = recorder()?;
            let handle = recorder.handle();
            match set_global_recorder(recorder) {
                Ok(()) => Ok(handle),
                Err(_taken) => Err(TelemetryError::RecorderTaken),
            }
        })
        .clone()?;
    for metric in metrics::TABLE {
        metric.describe();
    }
    metrics::start_counters();
    metrics::start_time_seconds().set(table::number(u64::try_from(now.as_secs()).unwrap_or(0)));
    metrics::build_info(labels::Version).set(1.0);
    Ok(handle)
}

/// Folds what histograms have gathered, so that it does not pile up between scrapes, and samples the process itself.
pub fn upkeep(handle: &PrometheusHandle) {
    handle.run_upkeep();
    process::sample();
}

/// How often a recorder wants its upkeep.
pub const UPKEEP: Duration = Duration::from_secs(5);

fn recorder() -> Result<metrics_exporter_prometheus::PrometheusRecorder, TelemetryError> {
    let mut builder = PrometheusBuilder::new();
    for metric in metrics::TABLE {
        if let Kind::Histogram(buckets) = metric.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)
                .map_err(|_refused| TelemetryError::Buckets(metric.name))?;
        }
    }
    Ok(builder.build_recorder())
}
