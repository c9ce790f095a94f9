//! Kills in the middle of downloads and uploads: afterwards each file is whole, none is kept twice and nothing is left over.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::FilesArgs;
use super::import;
use super::world::World;
use crate::gateway::{Gateway, Tenant, text};

/// Of each file that a customer sends.
const BYTES: usize = 200_000;
/// A piece of an upload, the smallest that is taken, and how many there are.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;
/// Uploads at once.
const TOGETHER: usize = 8;
/// What drips is fetched for almost a second, so that kills fall into it.
const SLOW: f64 = 0.5;
/// When all has to be there after the last kill.
const SETTLE: Duration = Duration::from_secs(180);
/// What is younger no sweep removes.
const AGE: Duration = Duration::from_secs(3 * 24 * 3_600);
/// Shortest and longest life between two kills, in milliseconds.
const LIFE_MS: std::ops::RangeInclusive<u64> = 300..=2_000;

/// How an upload begins, so that it is what it is said to be.
const PDF: &[u8] = b"%PDF-1.4\n";

fn own_bytes(number: u32) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(u64::from(number));
    let mut bytes = PDF.to_vec();
    bytes.resize_with(PIECE * PIECES - 1_000, || dice.u8(..));
    bytes
}

/// Uploads one file in pieces, and goes on whatever breaks; its id.
async fn upload(gateway: &Gateway, tenant: &Tenant, number: u32) -> anyhow::Result<String> {
    let bytes = own_bytes(number);
    let began = Instant::now();
    let (mut upload, mut offset) = (None::<String>, 0);
    loop {
        anyhow::ensure!(
            began.elapsed() < SETTLE,
            "upload {number} does not come to its end"
        );
        let request = match &upload {
            None => {
                let asked = json!({ "bytes": bytes.len(), "mime": "application/pdf", "name": format!("{number}.pdf") });
                gateway.client().post(gateway.url("/v1/uploads")).json(&asked)
            }
            Some(id) => {
                let end = (offset + PIECE).min(bytes.len());
                let piece = bytes.get(offset..end).unwrap_or_default().to_vec();
                let path = format!("/v1/uploads/{id}?offset={offset}");
                gateway.client().put(gateway.url(&path)).body(piece)
            }
        };
        let answer = match request.bearer_auth(&tenant.key).send().await {
            Ok(answer) => Some((answer.status().as_u16(), answer.json::<Value>().await)),
            Err(_gone) => None,
        };
        match answer {
            Some((201, Ok(told))) if told.get("media_id").is_some() => return text(&told, "media_id"),
            Some((201, Ok(told))) => upload = Some(text(&told, "upload_id")?),
            Some((200, Ok(told))) => {
                let next = told.get("offset").and_then(Value::as_u64).context("no offset")?;
                offset = usize::try_from(next)?;
            }
            Some((404, _)) if upload.is_some() => anyhow::bail!("upload {number} is lost"),
            Some((status @ (400 | 413 | 422), told)) => anyhow::bail!("upload {number}: {status}, {told:?}"),
            // Killed in between, or busy.
            Some(_) | None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A file's bytes.
async fn fetch(world: &World, id: &str) -> anyhow::Result<Vec<u8>> {
    let request = world
        .gateway
        .client()
        .get(world.gateway.url(&format!("/v1/media/{id}")));
    let answer = request.bearer_auth(&world.tenant.key).send().await?;
    anyhow::ensure!(answer.status() == 200, "{id} answered {}", answer.status());
    Ok(answer.bytes().await?.to_vec())
}

/// What says whose folder it is.
const MARKER: &str = "mesej-owner.json";

/// Files below a folder by their names, made old.
fn objects(folder: &Path) -> anyhow::Result<Vec<String>> {
    let (mut names, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with(MARKER) {
                // It stays, whatever is removed.
            } else if let Ok(file) = std::fs::File::options().write(true).open(&path) {
                file.set_modified(file.metadata()?.modified()? - AGE)?;
                names.push(path.strip_prefix(folder)?.display().to_string());
            }
        }
    }
    Ok(names)
}

/// Documents of customers with their files, as history has them.
async fn documents(world: &World) -> anyhow::Result<Vec<Value>> {
    let all = world.gateway.history(&world.tenant).await?;
    let documents = all.into_iter().filter(|message| message.get("media").is_some());
    Ok(documents.collect())
}

/// Runs the rig.
pub(super) async fn run(args: &FilesArgs) -> anyhow::Result<ExitCode> {
    let mut world = World::start(args.binary.as_deref(), args.seed).await?;
    world.simulator.faults(&json!({ "media_slow": SLOW })).await?;
    let mut dice = fastrand::Rng::with_seed(args.seed);
    for number in 0..args.files {
        let from = format!("62811{:07}", number % 50);
        world.send_file(&from, &format!("{number}.pdf"), BYTES).await?;
    }
    let done = Arc::new(AtomicU32::new(0));
    let uploading = {
        let (gateway, tenant, done) = (world.gateway.clone(), world.tenant.clone(), Arc::clone(&done));
        let count = args.files;
        tokio::spawn(async move {
            let each = stream::iter(0..count).map(|number| {
                let (gateway, tenant, done) = (&gateway, &tenant, &done);
                async move {
                    let id = upload(gateway, tenant, number).await;
                    done.fetch_add(1, Ordering::Relaxed);
                    (number, id)
                }
            });
            each.buffer_unordered(TOGETHER).collect::<Vec<_>>().await
        })
    };
    let mut unfinished_at_kill = Vec::new();
    for cycle in 1..=args.cycles {
        tokio::time::sleep(Duration::from_millis(dice.u64(LIFE_MS))).await;
        unfinished_at_kill.push(args.files - done.load(Ordering::Relaxed));
        world.kill().await?;
        eprintln!(
            "kill {cycle}/{}: {} uploads are not at their end",
            args.cycles,
            unfinished_at_kill.last().copied().unwrap_or(0)
        );
    }
    world.simulator.faults(&json!({})).await?;
    let uploads = uploading.await?;
    world.simulator.quiesce(SETTLE).await?;
    let wanted = usize::try_from(args.files)?;
    let began = Instant::now();
    let documents = loop {
        let documents = documents(&world).await?;
        let stored = |message: &&Value| {
            message
                .pointer("/media/state")
                .is_some_and(|state| state == "stored")
        };
        if documents.iter().filter(stored).count() >= wanted {
            break documents;
        }
        anyhow::ensure!(
            began.elapsed() < SETTLE,
            "not all files were fetched: {} messages",
            documents.len()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let mut broken = Vec::new();
    for message in &documents {
        let media = message.get("media").context("no media")?;
        let file = fetch(&world, &text(media, "media_id")?).await?;
        let digest = message
            .pointer("/content/document/sha256")
            .and_then(Value::as_str);
        if file.len() != BYTES || digest != Some(&sha256(&file)) {
            broken.push(media.clone());
        }
    }
    for (number, id) in uploads {
        if fetch(&world, &id?).await? != own_bytes(number) {
            broken.push(json!(number));
        }
    }
    let before_sweep = objects(&world.files())?.len();
    world.sweep().await?;
    let left = swept(&world, wanted * 2).await?;
    let twice = of_one_file(&left);
    let imported = import::run(&mut world, args).await?;
    let line = json!({
        "files": args.files, "uploads": args.files, "kills": args.cycles, "messages": documents.len(), "broken": broken,
        "uploads_unfinished_at_kill": unfinished_at_kill, "objects_before_sweep": before_sweep, "objects": left.len(),
        "kept_twice": twice, "import": imported,
    });
    writeln!(std::io::stdout().lock(), "{line}")?;
    let is_sound = broken.is_empty()
        && twice == 0
        && left.len() == wanted * 2
        && documents.len() == wanted
        && imported.get("sound").is_some_and(|sound| sound == true);
    Ok(if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is there once the sweep removed what nobody needs, or half a minute later.
async fn swept(world: &World, wanted: usize) -> anyhow::Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let left = objects(&world.files())?;
        if left.len() <= wanted || began.elapsed() > Duration::from_secs(30) {
            return Ok(left);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Objects beyond the first of a file. A name is the file's id and, after a point, its key.
fn of_one_file(names: &[String]) -> usize {
    let mut counted = BTreeMap::<&str, usize>::new();
    for name in names {
        let file = name.rsplit_once('.').map_or(name.as_str(), |(file, _)| file);
        *counted.entry(file).or_default() += 1;
    }
    counted.values().map(|count| count - 1).sum()
}

/// As webhooks write it: base64.
fn sha256(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut text = String::new();
    for three in digest.as_ref().chunks(3) {
        let joined = three
            .iter()
            .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..4 {
            let six = (joined >> (18 - 6 * place)) & 63;
            text.push(if place <= three.len() {
                LETTERS.get(six).map_or('=', |letter| char::from(*letter))
            } else {
                '='
            });
        }
    }
    text
}
