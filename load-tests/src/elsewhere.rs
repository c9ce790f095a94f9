//! What would be other machines: it leaves the processors to what is measured, and to what measures.

use tokio::runtime::{Builder, Handle, Runtime};

/// The lowest.
const PRIORITY: i32 = 19;

/// A thread with the lowest priority, on which tasks run until this is dropped.
pub struct Elsewhere {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Elsewhere {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(|| {
                // Of this thread alone, on Linux. Where it cannot be had, figures are worse.
                let _ = rustix::process::setpriority_process(None, PRIORITY);
            })
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Where to start tasks.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
