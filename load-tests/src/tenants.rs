//! Many tenants of whom nobody wants anything: how soon a gateway that has them is ready, what each of them holds in memory,
//! what one holds that was asked for something, and that one that rests starts again for whatever comes. Exit code 1 if a bound
//! is broken.

mod wakes;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;

use crate::bounds::Bounds;
use crate::gateway::{Gateway, Tenant};
use crate::process::{self, ADMIN, Launch, Process, binary, free_port, resident_kib};
use wakes::Sleepers;

/// When a gateway has to be ready, however many tenants it has and however it ended before.
const READY_MS: f64 = 400.0;
/// What one may hold that rests.
const BYTES_AT_REST: f64 = 1_024.0;
/// What one may hold that was asked for something.
const BYTES_LIVE: f64 = 16.0 * 1_024.0;
/// How long a start may take before the rig gives up.
const START: Duration = Duration::from_secs(120);
/// How long an end in order may take.
const END: Duration = Duration::from_secs(30);
/// Tenants made at once.
const TOGETHER: usize = 64;
/// Asked for something before others are counted: what a process makes once, for whoever comes first, is no tenant's.
const FIRST: usize = 500;
/// The store's cache while live tenants are counted: what is read for them is kept there as well, up to a bound for all of them.
const CACHE_MB: &str = "1";
/// A gateway writes out within this time what it holds in memory alone. A start after a kill reads again what came later.
const WRITTEN_OUT: Duration = Duration::from_secs(15);
/// What is freed after a start is freed by then.
const SETTLE: Duration = Duration::from_secs(2);

/// Options of `mesej-load tenants`.
#[derive(clap::Args, Debug, Clone)]
pub struct TenantsArgs {
    /// Tenants, each with one number
    #[arg(long, default_value_t = 10_000)]
    pub tenants: u32,
    /// How many of them are asked for something, after the first 500
    #[arg(long, default_value_t = 1_000)]
    pub live: u32,
    /// The `mesej` binary; by default the one beside this program
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// Runs the rig.
pub async fn run(args: TenantsArgs) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let gateway = Gateway::new(format!("http://127.0.0.1:{port}"), ADMIN.to_owned())?;
    // Nothing is sent.
    let binary = binary(args.binary.as_deref())?;
    let serving = Launch::serve(binary, folder.path(), port, "http://127.0.0.1:9");
    let (making, _) = start(&serving, &gateway).await?;
    let tenants: Vec<Tenant> = stream::iter(0..args.tenants)
        .map(|n| make(&gateway, n))
        .buffer_unordered(TOGETHER)
        .try_collect()
        .await?;
    let sleepers = Sleepers::make(&gateway).await?;
    tokio::time::sleep(WRITTEN_OUT).await;
    making.kill().await?;
    let (killed, ready_after_kill) = start(&serving, &gateway).await?;
    killed.end(END).await?;
    let (process, ready) = start(&serving, &gateway).await?;
    let resting_kib = held(&process).await?;
    process.kill().await?;
    let uncached = but(&serving, "MESEJ_STORE__CACHE_MB", CACHE_MB);
    let (process, _) = start(&uncached, &gateway).await?;
    let (first, others) = tenants.split_at(FIRST.min(tenants.len()));
    for tenant in first {
        gateway.wake(tenant).await?;
    }
    let before_kib = held(&process).await?;
    let others = others.get(..usize::try_from(args.live)?).unwrap_or(others);
    for tenant in others {
        gateway.wake(tenant).await?;
    }
    let live_kib = held(&process).await?.saturating_sub(before_kib);
    let live = u32::try_from(others.len())?;
    process.kill().await?;
    let restless = but(&serving, "MESEJ_LIMITS__TENANT_IDLE_S", wakes::IDLE);
    let wakes = sleepers.wake(&restless, &gateway).await?;
    let empty_kib = without_tenants(&serving, &gateway, folder.path()).await?;
    let each = |kib: u64, of: u32| {
        let bytes = u32::try_from(kib * 1_024).unwrap_or(u32::MAX);
        f64::from(bytes) / f64::from(of.max(1))
    };
    let at_rest = each(resting_kib.saturating_sub(empty_kib), args.tenants).round();
    let asked = each(live_kib, live).round();
    let mut bounds = Bounds::default();
    bounds.hold("ready_ms", ready.as_secs_f64() * 1e3, READY_MS);
    bounds.hold(
        "ready_after_kill_ms",
        ready_after_kill.as_secs_f64() * 1e3,
        READY_MS,
    );
    bounds.hold("bytes_each_at_rest", at_rest, BYTES_AT_REST);
    bounds.hold("bytes_each_live", asked, BYTES_LIVE);
    let line = json!({
        "tenants": args.tenants, "ready_ms": ms(ready), "ready_after_kill_ms": ms(ready_after_kill),
        "resident_kib": resting_kib, "resident_without_tenants_kib": empty_kib,
        "bytes_each_at_rest": at_rest, "live": live, "bytes_each_live": asked, "wakes": wakes,
        "bounds": bounds.line(),
    });
    writeln!(std::io::stdout().lock(), "{line}")?;
    Ok(bounds.exit_code())
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Starts the gateway; how long until it is ready.
async fn start(serving: &Launch, gateway: &Gateway) -> anyhow::Result<(Process, Duration)> {
    let process = serving.start()?;
    let ready = process::ready(gateway.client(), &gateway.url("/readyz"), START).await?;
    Ok((process, ready))
}

async fn make(gateway: &Gateway, n: u32) -> anyhow::Result<Tenant> {
    let number = json!({
        "phone_number_id": format!("7{n:014}"), "waba_id": format!("8{n:014}"), "display_phone_number": "+1 555 070 0000",
        "access_token": format!("token-{n}-of-a-usual-length-{}", "x".repeat(160)), "rate": 80,
    });
    gateway.make_tenant(&format!("Tenant {n}"), &number).await
}

/// Memory that a gateway holds once it has come to rest, in KiB.
async fn held(process: &Process) -> anyhow::Result<u64> {
    tokio::time::sleep(SETTLE).await;
    resident_kib(process.id().context("the gateway ended")?)
}

async fn without_tenants(
    serving: &Launch,
    gateway: &Gateway,
    folder: &std::path::Path,
) -> anyhow::Result<u64> {
    let elsewhere = folder.join("empty").display().to_string();
    let serving = but(serving, "MESEJ_STORE__PATH", &elsewhere);
    let (process, _) = start(&serving, gateway).await?;
    let kib = held(&process).await?;
    process.kill().await?;
    Ok(kib)
}

/// The same, but for one variable.
fn but(serving: &Launch, name: &str, value: &str) -> Launch {
    let mut env = serving.env.clone();
    env.retain(|(known, _)| known != name);
    env.push((name.to_owned(), value.to_owned()));
    Launch {
        binary: serving.binary.clone(),
        what: serving.what,
        args: serving.args.clone(),
        env,
        log: serving.log.clone(),
    }
}
