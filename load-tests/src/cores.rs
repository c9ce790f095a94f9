//! Which processor runs what, so that a price is that of the measured process and not of its neighbours.

use std::process::ExitCode;

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Who is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is measured: the first processor.
    Measured,
    /// All that measures: the second.
    Measuring,
}

/// Starts something on the processor of its role; a thread hands its own down. This one goes back to measuring. With one
/// processor alone, everybody shares it.
pub fn on<T>(role: Role, start: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    keep_to(role)?;
    let started = start();
    keep_to(Role::Measuring)?;
    started
}

/// Runs a rig with threads of its own, all of which keep off what is measured: each has the processor of who starts it.
pub fn apart<F>(rig: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<ExitCode>
where
    F: Future<Output = anyhow::Result<ExitCode>>,
{
    let thread = std::thread::spawn(move || {
        keep_to(Role::Measuring)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(rig())
    });
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Has this thread run on the processor of a role, among those that this process was given.
pub fn keep_to(role: Role) -> anyhow::Result<()> {
    let mut only = CpuSet::new();
    let given = given()?;
    let nth = match role {
        Role::Measured => 0,
        Role::Measuring => 1,
    };
    if let (Some(core), true) = (given.get(nth), given.len() > 1) {
        only.set(*core);
        sched_setaffinity(None, &only).context("cannot choose a processor")?;
    }
    Ok(())
}

/// The processors that the process may use: those of its first thread, which nobody changes.
fn given() -> anyhow::Result<Vec<usize>> {
    let process = rustix::process::getpid();
    let set = sched_getaffinity(Some(process)).context("cannot ask for the processors")?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
}
