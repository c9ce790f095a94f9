//! Kills during an import of contacts: each line counts once.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::FilesArgs;
use super::world::World;
use crate::gateway::text;

/// When the import has to be at its end.
const END: Duration = Duration::from_secs(300);
/// Shortest and longest life between two kills, in milliseconds.
const LIFE_MS: std::ops::RangeInclusive<u64> = 200..=1_500;

/// Imports, kills meanwhile, and says what is there afterwards.
pub(super) async fn run(world: &mut World, args: &FilesArgs) -> anyhow::Result<Value> {
    let mut csv = "phone,name,label\n".to_owned();
    for row in 0..args.rows {
        writeln!(csv, "+62813{row:08},Customer {row},imported")?;
    }
    let (client, key) = (world.gateway.client().clone(), world.tenant.key.clone());
    let upload = client
        .post(world.gateway.url("/v1/imports?name=people.csv"))
        .bearer_auth(&key)
        .header("Content-Type", "text/csv")
        .body(csv);
    let uploaded: Value = upload.send().await?.json().await?;
    let id = text(&uploaded, "import_id")?;
    let mapping = json!({ "phone": "phone", "name": "name", "label": "label" });
    let start = client
        .post(world.gateway.url(&format!("/v1/imports/{id}/start")))
        .bearer_auth(&key)
        .json(&json!({ "mapping": mapping, "default_country": "ID", "dry_run": false }));
    let started = start.send().await?;
    anyhow::ensure!(
        started.status() == 202,
        "the import was refused: {}",
        started.text().await?
    );
    let mut dice = fastrand::Rng::with_seed(args.seed);
    let (began, mut kills, mut rows_at_kill) = (Instant::now(), 0, Vec::new());
    let shown = loop {
        let shown = world
            .gateway
            .get(&world.tenant, &format!("/v1/imports/{id}"))
            .await?;
        let state = text(&shown, "state")?;
        anyhow::ensure!(
            matches!(state.as_str(), "running" | "done"),
            "the import ended: {shown}"
        );
        if state == "done" {
            break shown;
        }
        anyhow::ensure!(began.elapsed() < END, "the import does not end: {shown}");
        if kills < args.cycles / 2 {
            tokio::time::sleep(Duration::from_millis(dice.u64(LIFE_MS))).await;
            world.kill().await?;
            kills += 1;
            rows_at_kill.push(shown.get("rows").cloned().unwrap_or_default());
        } else {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let counted = count(world).await?;
    let number = |field: &str| shown.get(field).and_then(Value::as_u64).unwrap_or(u64::MAX);
    let all = u64::from(args.rows);
    let sum = number("created") + number("updated") + number("unchanged") + number("rejected");
    // A row that was carried out and not noted before a kill counts as unchanged when it is repeated.
    let sound = counted == all && number("rows") == all && sum == all && number("rejected") == 0;
    Ok(json!({
        "rows": number("rows"), "created": number("created"), "updated": number("updated"), "unchanged": number("unchanged"),
        "rejected": number("rejected"), "contacts": counted, "kills": kills, "rows_before_kills": rows_at_kill, "sound": sound,
    }))
}

async fn count(world: &World) -> anyhow::Result<u64> {
    let (mut sum, mut cursor) = (0, Value::Null);
    loop {
        let mut asked = json!({ "filter": "label = \"imported\"" });
        if let (false, Some(fields)) = (cursor.is_null(), asked.as_object_mut()) {
            fields.insert("cursor".to_owned(), cursor.clone());
        }
        let request = world
            .gateway
            .client()
            .post(world.gateway.url("/v1/contacts/count"));
        let answer = request.bearer_auth(&world.tenant.key).json(&asked).send().await?;
        let told: Value = answer.json().await?;
        let Some(count) = told.get("count").and_then(Value::as_u64) else {
            anyhow::bail!("contacts cannot be counted: {told}")
        };
        sum += count;
        cursor = told.get("next_cursor").cloned().unwrap_or_default();
        if cursor.is_null() {
            return Ok(sum);
        }
    }
}
