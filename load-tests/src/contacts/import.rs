//! The import: through the calls that the command line and the console use, with a look at memory, and what it tells of each line.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::file::{LIST, Written};
use super::talks::Members;
use crate::gateway::text;
use crate::stage::Stage;
use crate::watch::Watch;

/// What is freed after a start is freed by then.
const SETTLE: Duration = Duration::from_secs(3);
/// When the import has to be at its end.
const END: Duration = Duration::from_secs(3 * 3_600);
/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(500);
/// Bytes of lines that the gateway keeps of what is wrong: those beyond are counted alone.
const MOST_TOLD: usize = 4 << 20;

/// What came of it.
pub struct Imported {
    /// Memory beyond that at rest, at most.
    pub mib_over_idle: f64,
    /// Wrong rows of which something else was told, and counts that are not the file's.
    pub told_otherwise: f64,
    /// The figures.
    pub line: Value,
}

/// Imports the file.
pub async fn run(stage: &Stage, written: &Written, members: &Members) -> anyhow::Result<Imported> {
    for (key, kind) in [("city", "text"), ("points", "number")] {
        let path = format!("/v1/attributes/{key}");
        members
            .owner_call(
                stage,
                reqwest::Method::PUT,
                &path,
                &json!({ "name": key, "type": kind }),
            )
            .await?;
    }
    members
        .owner_call(
            stage,
            reqwest::Method::POST,
            "/v1/lists",
            &json!({ "name": LIST }),
        )
        .await?;
    tokio::time::sleep(SETTLE).await;
    let idle_kib = stage.resident_kib()?;
    let watch = Watch::begin(stage.gateway_id()?);
    let began = Instant::now();
    let id = upload(stage, written).await?;
    let uploaded = began.elapsed();
    let mapping = json!({
        "phone": "phone", "name": "name", "label": "label", "list": "list", "owner": "owner",
        "city": "attribute.city", "points": "attribute.points",
    });
    let order = json!({ "mapping": mapping, "default_country": null });
    call(stage, &format!("/v1/imports/{id}/start"), &order).await?;
    let began = Instant::now();
    let shown = loop {
        tokio::time::sleep(LOOK).await;
        let shown = stage
            .gateway
            .get(&stage.tenant, &format!("/v1/imports/{id}"))
            .await?;
        match text(&shown, "state")?.as_str() {
            "running" => anyhow::ensure!(began.elapsed() < END, "the import does not end: {shown}"),
            "done" => break shown,
            _ => anyhow::bail!("the import ended: {shown}"),
        }
    };
    let took = began.elapsed();
    let mib_over_idle = mib(watch.end().saturating_sub(idle_kib));
    tokio::time::sleep(SETTLE).await;
    let after_mib = mib(stage.resident_kib()?.saturating_sub(idle_kib));
    let told = Told::read(stage, &id, written).await?;
    let counts = Told::counts_apart(&shown, written);
    let number = |field: &str| shown.get(field).cloned().unwrap_or_default();
    Ok(Imported {
        mib_over_idle,
        told_otherwise: f64::from(u32::try_from(told.otherwise.len() + counts.len()).unwrap_or(u32::MAX)),
        line: json!({
            "part": "import", "uploaded_s": uploaded.as_secs_f64(), "took_s": took.as_secs_f64(),
            "rows_per_s": (per_s(written.rows, took)), "encoding": number("encoding"),
            "idle_mib": mib(idle_kib), "mib_over_idle": mib_over_idle, "mib_over_idle_after": after_mib,
            "rows": number("rows"), "created": number("created"), "rejected": number("rejected"),
            "reasons": number("reasons"), "lines_told": told.lines, "lines_wrong": written.wrong.len(),
            "told_otherwise": told.otherwise, "counts_apart": counts,
        }),
    })
}

fn per_s(rows: u64, took: Duration) -> f64 {
    (f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / took.as_secs_f64()).round()
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1_024.0
}

async fn upload(stage: &Stage, written: &Written) -> anyhow::Result<String> {
    let file = tokio::fs::File::open(&written.path).await?;
    let request = stage
        .gateway
        .client()
        .post(stage.gateway.url("/v1/imports?name=contacts.csv"))
        .bearer_auth(&stage.tenant.key)
        .header("Content-Type", "text/csv")
        .timeout(Duration::from_secs(600))
        .body(file);
    let answer = request.send().await?;
    let status = answer.status();
    let body: Value = answer.json().await?;
    anyhow::ensure!(status.is_success(), "the file was refused with {status}: {body}");
    text(&body, "import_id")
}

async fn call(stage: &Stage, path: &str, body: &Value) -> anyhow::Result<Value> {
    let request = stage.gateway.client().post(stage.gateway.url(path));
    let answer = request.bearer_auth(&stage.tenant.key).json(body).send().await?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    anyhow::ensure!(status.is_success(), "{path} answered {status}: {body}");
    Ok(body)
}

/// What was told of wrong rows, line by line.
struct Told {
    lines: usize,
    /// The first lines of which the file says otherwise.
    otherwise: Vec<String>,
}

impl Told {
    /// Compares what is told with what the file has, line by line.
    async fn read(stage: &Stage, id: &str, written: &Written) -> anyhow::Result<Self> {
        let path = stage.gateway.url(&format!("/v1/imports/{id}/errors"));
        let request = stage.gateway.client().get(path).bearer_auth(&stage.tenant.key);
        let body = request.send().await?.error_for_status()?.text().await?;
        let mut told: Vec<(u64, &str)> = Vec::new();
        for line in body.lines().skip(1) {
            let mut cells = line.split(',');
            let number = cells.next().context("an empty line")?.parse()?;
            told.push((number, cells.nth(1).context("a line without a code")?));
        }
        // Batches are in order, what is wrong in one not always.
        told.sort_unstable();
        let is_cut = body.len() >= MOST_TOLD;
        let mut otherwise: Vec<String> = (told.iter().zip(&written.wrong))
            .filter(|(told, wrong)| told != wrong)
            .map(|(told, wrong)| format!("line {} is {}, told: {} {}", wrong.0, wrong.1, told.0, told.1))
            .take(10)
            .collect();
        if told.len() > written.wrong.len() || (!is_cut && told.len() < written.wrong.len()) {
            otherwise.push(format!(
                "{} lines are told of {}",
                told.len(),
                written.wrong.len()
            ));
        }
        Ok(Self {
            lines: told.len(),
            otherwise,
        })
    }

    /// Counts that are not those of the file.
    fn counts_apart(shown: &Value, written: &Written) -> Vec<String> {
        let mut reasons = BTreeMap::<&str, u64>::new();
        for (_, code) in &written.wrong {
            *reasons.entry(code).or_default() += 1;
        }
        let rejected = u64::try_from(written.wrong.len()).unwrap_or(u64::MAX);
        let counts = [
            ("rows", written.rows),
            ("created", written.contacts),
            ("rejected", rejected),
        ];
        let mut apart: Vec<String> = counts
            .into_iter()
            .filter(|(field, count)| shown.get(field).and_then(Value::as_u64) != Some(*count))
            .map(|(field, count)| format!("{field} should be {count}"))
            .collect();
        if shown.get("reasons") != Some(&json!(reasons)) {
            apart.push(format!("reasons should be {}", json!(reasons)));
        }
        apart
    }
}
