//! How much memory a process holds at most, while something is done to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(5);

/// The most memory that was seen, while it is looked at.
pub struct Watch {
    most_kib: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Watch {
    /// Looks at a process from now on.
    pub fn begin(process: u32) -> Self {
        let (most_kib, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (most, stopped) = (Arc::clone(&most_kib), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                most.fetch_max(
                    crate::process::resident_kib(process).unwrap_or(0),
                    Ordering::Relaxed,
                );
                std::thread::park_timeout(LOOK);
            }
        });
        Self {
            most_kib,
            stop,
            thread,
        }
    }

    /// What it held at most so far, in KiB.
    pub fn so_far(&self) -> u64 {
        self.most_kib.load(Ordering::Relaxed)
    }

    /// What it held at most, in KiB.
    pub fn end(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        // It only reads a file.
        let _ = self.thread.join();
        self.most_kib.load(Ordering::Relaxed)
    }
}
