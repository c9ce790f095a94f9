//! How long the disk takes to make a few bytes durable, asked now and then beside a load.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Between two looks: rare enough not to be the load.
const PAUSE: Duration = Duration::from_millis(20);

/// A probe that runs until it is asked for what it saw.
pub struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Histogram<u64>>>,
}

impl Probe {
    /// Begins to write to a file in a folder, which must be on the disk that the store is on.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut file = std::fs::File::create(folder.join("probe"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut micros = Histogram::new_with_bounds(1, 60_000_000, 3)?;
            let block = [7_u8; 1_024];
            while !stopped.load(Ordering::Relaxed) {
                file.write_all(&block)?;
                let began = Instant::now();
                file.sync_data()?;
                micros.saturating_record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
                std::thread::park_timeout(PAUSE);
            }
            Ok(micros)
        });
        Ok(Self { stop, thread })
    }

    /// Microseconds that each sync took.
    pub fn end(self) -> anyhow::Result<Histogram<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_panic| anyhow::anyhow!("the probe of the disk panicked"))?
    }
}
