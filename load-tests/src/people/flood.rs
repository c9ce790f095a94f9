//! Wrong passwords from everywhere, for accounts that nobody has: no rule for one address or one account slows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::account::{WRONG, somewhere};
use crate::elsewhere::Elsewhere;
use crate::stage::Stage;

/// Calls that wait for their answer at once; what would be more is counted as not sent.
const AT_ONCE: usize = 512;
/// Longer than the gateway lets anybody wait.
const DEADLINE: Duration = Duration::from_secs(15);

#[derive(Default)]
struct Counts {
    wrong: AtomicU32,
    slowed: AtomicU32,
    busy: AtomicU32,
    let_in: AtomicU32,
    failed: AtomicU32,
    not_sent: AtomicU32,
}

/// A flood that goes on until this is dropped.
pub struct Flood {
    counts: Arc<Counts>,
    _elsewhere: Elsewhere,
}

/// What became of it.
pub struct Answered {
    /// Passwords that were right.
    pub let_in: u32,
    line: Value,
}

impl Answered {
    /// The figures.
    pub fn line(&self) -> &Value {
        &self.line
    }
}

impl Flood {
    /// Begins, at a rate a second.
    pub fn start(stage: &Stage, rate: u32) -> anyhow::Result<Self> {
        let (counts, elsewhere) = (Arc::<Counts>::default(), Elsewhere::start()?);
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build()?;
        let url = stage.gateway.url("/v1/session");
        let shared = Arc::clone(&counts);
        elsewhere.handle().spawn(async move {
            let room = Arc::new(Semaphore::new(AT_ONCE));
            let mut tick = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
            for n in 0_u64.. {
                tick.tick().await;
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                    shared.not_sent.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let guess = json!({ "email": format!("guess-{n}@example.com"), "password": WRONG });
                let request = client
                    .post(&url)
                    .header("X-Forwarded-For", somewhere())
                    .json(&guess);
                let counts = Arc::clone(&shared);
                tokio::spawn(async move {
                    let answer = request.send().await;
                    drop(place);
                    let count = match answer.map(|answer| answer.status().as_u16()) {
                        Ok(401) => &counts.wrong,
                        Ok(429) => &counts.slowed,
                        Ok(503) => &counts.busy,
                        Ok(201) => &counts.let_in,
                        _ => &counts.failed,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Ok(Self {
            counts,
            _elsewhere: elsewhere,
        })
    }

    /// Ends it.
    pub fn end(self) -> Answered {
        let counts = &self.counts;
        let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
        Answered {
            let_in: of(&counts.let_in),
            line: json!({
                "wrong": of(&counts.wrong), "slowed": of(&counts.slowed), "busy": of(&counts.busy),
                "let_in": of(&counts.let_in), "failed": of(&counts.failed), "not_sent": of(&counts.not_sent),
            }),
        }
    }
}
