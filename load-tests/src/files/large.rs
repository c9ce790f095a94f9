//! What one large file costs in memory, each way: from the customer, to who reads it, from the business, and to Meta.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::FilesArgs;
use super::world::World;
use crate::bounds::Bounds;
use crate::gateway::{Submitted, text};
use crate::watch::Watch;

/// What a file may hold in memory beyond what the gateway holds at rest.
const MIB_OVER_IDLE: f64 = 16.0;
/// When a file has to be where it goes.
const END: Duration = Duration::from_secs(300);
/// What is freed after a start is freed by then.
const SETTLE: Duration = Duration::from_secs(3);
const CUSTOMER: &str = "628110000001";

/// Runs the rig.
pub(super) async fn run(args: &FilesArgs) -> anyhow::Result<ExitCode> {
    let world = World::start(args.binary.as_deref(), args.seed).await?;
    let bytes = args.mib << 20;
    // What is made once, for whichever file is the first, is no file's.
    world.send_file(CUSTOMER, "small.pdf", 2 << 20).await?;
    let small = stored(&world, "small.pdf").await?;
    drain(&world, &small).await?;
    let first = upload(&world, 2 << 20).await?;
    send(&world, &first, "first.pdf").await?;
    tokio::time::sleep(SETTLE).await;
    let idle = world.resident_kib()?;
    let mut held = serde_json::Map::new();
    let mut bounds = Bounds::default();
    let mut note = |way: &'static str, most: u64, took: Duration| -> anyhow::Result<()> {
        let over = f64::from(u32::try_from(most.saturating_sub(idle))?) / 1_024.0;
        bounds.hold(way, over, MIB_OVER_IDLE);
        held.insert(
            way.to_owned(),
            json!({ "mib_over_idle": over, "ms": took.as_millis() }),
        );
        Ok(())
    };
    let process = world.gateway_id()?;

    let (watch, began) = (Watch::begin(process), Instant::now());
    world.send_file(CUSTOMER, "large.pdf", bytes).await?;
    let media = stored(&world, "large.pdf").await?;
    note("from_a_customer", watch.end(), began.elapsed())?;

    let (watch, began) = (Watch::begin(process), Instant::now());
    anyhow::ensure!(drain(&world, &media).await? == bytes, "the file is not whole");
    note("to_a_reader", watch.end(), began.elapsed())?;

    let (watch, began) = (Watch::begin(process), Instant::now());
    let uploaded = upload(&world, bytes).await?;
    note("from_the_business", watch.end(), began.elapsed())?;

    let (watch, began) = (Watch::begin(process), Instant::now());
    send(&world, &uploaded, "menu.pdf").await?;
    note("to_meta", watch.end(), began.elapsed())?;

    let line = json!({ "mib": args.mib, "idle_kib": idle, "ways": held, "bounds": bounds.line() });
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(bounds.exit_code())
}

/// Waits until a file of a customer is kept; its id.
async fn stored(world: &World, name: &str) -> anyhow::Result<String> {
    let began = Instant::now();
    loop {
        let all = world.gateway.history(&world.tenant).await?;
        let media = all.iter().filter_map(|message| message.get("media"));
        let mut found = media.filter(|media| media.get("name").is_some_and(|known| known == name));
        if let Some(media) = found.find(|media| media.get("state").is_some_and(|state| state == "stored")) {
            return text(media, "media_id");
        }
        anyhow::ensure!(began.elapsed() < END, "{name} was not fetched");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Reads a file and keeps nothing of it; its size.
async fn drain(world: &World, id: &str) -> anyhow::Result<usize> {
    let request = world
        .gateway
        .client()
        .get(world.gateway.url(&format!("/v1/media/{id}")));
    let mut answer = request.bearer_auth(&world.tenant.key).timeout(END).send().await?;
    anyhow::ensure!(answer.status() == 200, "{id} answered {}", answer.status());
    let mut bytes = 0;
    while let Some(piece) = answer.chunk().await? {
        bytes += piece.len();
    }
    Ok(bytes)
}

async fn upload(world: &World, bytes: usize) -> anyhow::Result<String> {
    let mut body = b"%PDF-1.4\n".to_vec();
    body.resize(bytes, b'x');
    let request = world
        .gateway
        .client()
        .post(world.gateway.url("/v1/media?name=menu.pdf"))
        .bearer_auth(&world.tenant.key)
        .header("Content-Type", "application/pdf")
        .timeout(END)
        .body(body);
    let answer: Value = request.send().await?.json().await?;
    text(&answer, "media_id")
}

/// Sends an upload, and waits until Meta has the message and the message its copy.
async fn send(world: &World, media: &str, name: &str) -> anyhow::Result<()> {
    let message = json!({
        "to": format!("+{CUSTOMER}"), "type": "document", "document": { "media_id": media, "filename": name },
    });
    let Submitted::Accepted { message } = world.gateway.submit(&world.tenant, name, &message).await else {
        anyhow::bail!("the message was not taken")
    };
    let began = Instant::now();
    loop {
        let all = world.gateway.history(&world.tenant).await?;
        let sent = all.iter().any(|known| {
            let state = known.pointer("/delivery/state").and_then(Value::as_str);
            let copied = known
                .pointer("/media/state")
                .is_some_and(|state| state == "stored");
            known.get("id").is_some_and(|id| *id == message)
                && copied
                && matches!(state, Some("sent" | "delivered" | "read"))
        });
        if sent {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < END, "{name} did not get to Meta");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
