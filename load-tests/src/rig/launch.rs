//! How the rig's two processes are started.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ADMIN, Keeps, Plan, RECIPIENTS};
use crate::process::{Launch, Process};

/// Graph takes its time. Where it is wanted, it fails in every way that leaves its caller in doubt, and webhooks come twice,
/// late, out of order and forged.
pub(super) fn faults(plan: &Plan) -> Value {
    let [min, max] = plan.graph_ms;
    let latency = json!({ "min": min, "max": max });
    if !plan.faults {
        return json!({ "latency": latency });
    }
    json!({
        "latency": latency,
        "error_before": 0.03, "error_after": 0.02, "reset_after": 0.02, "hang_after": 0.002, "hang_ms": 8_000,
        "pair_limited": 0.01, "throttled": 0.01, "status_early": 0.05, "status_late": 0.1,
        "status_late_by": { "min": 0, "max": 5_000 },
        "duplicated": 0.02, "reordered": 0.05, "reordered_by": { "min": 0, "max": 2_000 }, "scattered": 0.01,
        "forged": 0.005,
    })
}

pub(super) fn start_simulator(
    plan: &Plan,
    mesej: &Path,
    home: &Path,
    port: u16,
    meta_port: u16,
) -> anyhow::Result<Process> {
    let launch = Launch {
        binary: PathBuf::from(mesej),
        what: "mesej simulate",
        args: [
            "simulate".to_owned(),
            format!("--listen=127.0.0.1:{meta_port}"),
            format!("--webhook-url=http://127.0.0.1:{port}/webhooks/whatsapp"),
            format!("--seed={}", plan.seed),
            format!("--rate={}", plan.rate),
            "--chatter=0".to_owned(),
        ]
        .into(),
        env: Vec::new(),
        log: home.join("simulator.log"),
    };
    launch.start()
}

pub(super) fn environment(plan: &Plan, home: &Path, port: u16, meta: &str) -> Vec<(String, String)> {
    let apps = "[{ name = \"simulated\", app_secrets = [\"simulated-app-secret\"], \
                verify_token = \"simulated-verify-token\" }]";
    let log = home.join("places.log").display().to_string();
    let path = home.join("data").display().to_string();
    let backend = match &plan.keeps {
        Keeps::Embedded => "fjall".to_owned(),
        Keeps::Cluster(_) | Keeps::OwnCluster(_) => "scylla".to_owned(),
    };
    [
        ("MESEJ_STORE__BACKEND", backend),
        ("MESEJ_SERVER__LISTEN", format!("127.0.0.1:{port}")),
        ("MESEJ_SERVER__ADMIN_TOKEN", ADMIN.to_owned()),
        ("MESEJ_STORE__PATH", path),
        ("MESEJ_WHATSAPP__BASE_URL", meta.to_owned()),
        ("MESEJ_WHATSAPP__APPS", apps.to_owned()),
        ("MESEJ_WHATSAPP__TOTAL_TIMEOUT_MS", "5000".to_owned()),
        ("MESEJ_UNKNOWN__NEVER_DUPLICATE_S", "20".to_owned()),
        // Its customers stop marketing, and its Meta fails, more often than anybody's: shares of that are to pause no broadcast of it.
        ("MESEJ_BROADCASTS__FAILED_PERCENT", "0".to_owned()),
        ("MESEJ_BROADCASTS__UNREACHABLE_PERCENT", "0".to_owned()),
        ("MESEJ_BROADCASTS__OPTED_OUT_PERCENT", "0".to_owned()),
        ("MESEJ_CRASH_LOG", log),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Customers whom the business may write to, as they wrote first.
pub(super) fn recipients() -> Vec<String> {
    (0..RECIPIENTS).map(|n| format!("+62811{n:07}")).collect()
}
