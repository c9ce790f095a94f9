//! How much the nodes carry when all of them are up, so that a load can be chosen that two of three carry as well.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;

use crate::rig::Rig;
use crate::sender::Book;

/// Messages sent in a second at first; customers write three times as many.
pub(super) const FIRST: u32 = 20;
/// By how much it grows, in per cent.
const GROWTH: u32 = 140;
/// No more than this is tried.
const MOST: u32 = 800;
/// How long each load is looked at.
const LOOK: Duration = Duration::from_secs(8);
/// How long a load that was too much may take to be worked off.
const RECOVERY: Duration = Duration::from_secs(60);
/// Of what is carried, how much the rig puts on, in per cent.
const SHARE: u32 = 60;
/// A load is carried when so many of the sends are accepted in its time, in per cent, the slowest of a hundred takes no longer,
/// and neither agents nor what waits to be applied are behind by more than a second.
const ACCEPTED: u64 = 95;
const SLOWEST_MS: u32 = 1_000;

/// Raises the load until the nodes do not carry it, and leaves 60 % of what they carried. Gives what they carried, in messages
/// sent in a second.
pub(super) async fn sends_carried(rig: &Rig) -> anyhow::Result<u32> {
    let book = rig.submits().context("nothing is sent")?;
    let (mut carried, mut tried) = (FIRST, FIRST);
    while tried <= MOST {
        rig.load(inbound(tried), tried).await?;
        if !is_carried(rig, &book, tried).await? {
            break;
        }
        carried = tried;
        tried = (tried * GROWTH / 100).max(tried + 1);
    }
    let chosen = (carried * SHARE / 100).max(1);
    rig.load(inbound(chosen), chosen).await?;
    eprintln!(
        "all nodes together carry {carried} sends and {} inbound a second; the load is {chosen} and {}",
        inbound(carried),
        inbound(chosen)
    );
    let calm = tokio::time::Instant::now() + RECOVERY;
    while (rig.behind().await? > u64::from(chosen) || rig.unapplied().await? > inbound(chosen))
        && tokio::time::Instant::now() < calm
    {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(carried)
}

fn inbound(sends: u32) -> f64 {
    3.0 * f64::from(sends)
}

async fn is_carried(rig: &Rig, book: &Book, sends: u32) -> anyhow::Result<bool> {
    let before = (book.acknowledged(), book.took_ms().len(), skipped(book));
    tokio::time::sleep(LOOK).await;
    let accepted = u64::try_from(book.acknowledged() - before.0)?;
    let mut took = book.took_ms().split_off(before.1);
    took.sort_unstable();
    let slowest = took.get(took.len() * 99 / 100).copied().unwrap_or(u32::MAX);
    let (behind, unapplied) = (rig.behind().await?, rig.unapplied().await?);
    eprintln!(
        "{sends} sends a second: {accepted} accepted in {} s, p99 {slowest} ms, agents {behind} events behind, {unapplied} messages to be applied",
        LOOK.as_secs()
    );
    let offered = u64::from(sends) * LOOK.as_secs();
    Ok(accepted * 100 >= offered * ACCEPTED
        && slowest <= SLOWEST_MS
        && skipped(book) == before.2
        // A message that is sent tells of itself up to five times.
        && behind < u64::from(sends) * 8
        && unapplied < inbound(sends))
}

fn skipped(book: &Book) -> u64 {
    book.skipped.load(Ordering::Relaxed)
}
