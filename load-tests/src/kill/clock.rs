//! A clock that is set while the gateway works, dies and starts: by libfaketime, which answers for the wall clock of one
//! process and leaves its monotonic one alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;

/// How far the clock is set, and for how many seconds, in an order that the seed decides. In between it is right for [`RIGHT`].
const JUMPS: [(&str, u64); 4] = [("-600", 20), ("+3600", 20), ("-86400", 20), ("+31622400", 60)];
const RIGHT: Duration = Duration::from_secs(8);
/// How often its library looks at the file, in seconds.
const LOOK: &str = "1";

/// The library and the file by which it is told.
pub(super) struct SetClock {
    library: PathBuf,
    file: tempfile::NamedTempFile,
}

/// A clock that is being set.
pub(super) struct Setting {
    stop: oneshot::Sender<()>,
    over: Arc<AtomicUsize>,
    jumps: tokio::task::JoinHandle<anyhow::Result<Vec<&'static str>>>,
}

impl SetClock {
    /// Finds the library.
    pub(super) fn new() -> anyhow::Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        set(file.path(), "+0")?;
        Ok(Self {
            library: library()?,
            file,
        })
    }

    /// What the gateway's environment must say.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.path().display().to_string()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
            ("FAKETIME_CACHE_DURATION", LOOK.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Sets it again and again until told to end.
    pub(super) fn start(self, seed: u64) -> Setting {
        let (stop, mut stopped) = oneshot::channel();
        let over = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&over);
        let mut order = JUMPS;
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let jumps = tokio::spawn(async move {
            let mut made = Vec::new();
            for (ahead, seconds) in order.into_iter().cycle() {
                for (ahead, time) in [("+0", RIGHT), (ahead, Duration::from_secs(seconds))] {
                    set(self.file.path(), ahead)?;
                    if ahead != "+0" {
                        made.push(ahead);
                        eprintln!("the clock is set {ahead} s ahead for {seconds} s");
                    }
                    tokio::select! {
                        _ = &mut stopped => {
                            set(self.file.path(), "+0")?;
                            // The file stays: the gateway goes on looking at it.
                            let _kept = self.file.into_temp_path().keep()?;
                            return Ok(made);
                        }
                        () = tokio::time::sleep(time) => {}
                    }
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
            Ok(made)
        });
        Setting { stop, over, jumps }
    }
}

impl Setting {
    /// Whether it was set in every way, each for its whole time.
    pub(super) fn is_complete(&self) -> bool {
        self.over.load(Ordering::Relaxed) >= JUMPS.len()
    }

    /// Sets it right for good; how it had been set.
    pub(super) async fn end(self) -> anyhow::Result<Vec<&'static str>> {
        // Whoever listened may have failed already.
        let _ = self.stop.send(());
        self.jumps.await?
    }
}

/// Replaced as a whole: it is read at any time.
fn set(file: &Path, ahead: &str) -> anyhow::Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, format!("{ahead}\n"))?;
    Ok(std::fs::rename(&fresh, file)?)
}

/// Where `make tools` put the library: beside the folder of this program.
fn library() -> anyhow::Result<PathBuf> {
    const NAME: &str = "faketime/libfaketimeMT.so.1";
    let own = std::env::current_exe()?;
    let target = own
        .parent()
        .and_then(Path::parent)
        .context("this program is nowhere")?;
    let libraries = target.join("faketime/usr/lib");
    let here = std::fs::read_dir(&libraries).into_iter().flatten().flatten();
    here.map(|machine| machine.path().join(NAME))
        .find(|path| path.exists())
        .with_context(|| format!("libfaketime is not below {}: `make tools`", libraries.display()))
}
