//! News of templates and numbers that webhooks tell. Writing them down takes several turns at the store for each, and customers' messages that came
//! with them or behind them must not wait for that: so they wait here, beside the road in, and their webhook is done once they are written.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};

use super::TemplateBook;
use crate::domain::{TenantId, WabaId};
use crate::shutdown::Shutdown;
use crate::store::StoreError;
use crate::telemetry::metrics;
use crate::whatsapp::webhook::{NumberNews, TemplateNews};

/// News that wait. Meta tells of a few templates a day; when it pauses all of a large account they are some hundreds.
const WAITING: usize = 2_000;
/// News that are written down at once.
const TOGETHER: usize = 8;

/// Told that news need no further telling. Dropped without that, they are told again.
pub type Heed = Box<dyn FnOnce() + Send>;

/// What a webhook tells.
#[derive(Debug)]
pub enum News {
    /// Of a template.
    Template(TemplateNews),
    /// Of an account's numbers.
    Number(NumberNews),
}

struct Told {
    tenant: TenantId,
    waba: WabaId,
    news: News,
    heed: Heed,
}

/// The news that wait.
pub(super) struct Hearing {
    told: mpsc::Sender<Told>,
    waiting: Mutex<mpsc::Receiver<Told>>,
}

impl Default for Hearing {
    fn default() -> Self {
        let (told, waiting) = mpsc::channel(WAITING);
        Self {
            told,
            waiting: Mutex::new(waiting),
        }
    }
}

impl TemplateBook {
    /// Takes news, which are written down soon. Where too many wait it is left to the next look-up, which says much the same.
    pub fn hear(&self, tenant: TenantId, waba: &WabaId, news: News, heed: Heed) {
        let told = Told {
            tenant,
            waba: waba.clone(),
            news,
            heed,
        };
        match self.hearing.told.try_send(told) {
            // Where nobody writes down any more, the process ends, and the next one is told again.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(told)) => self.skip(told),
        }
    }

    /// Leaves news to the next list.
    fn skip(&self, told: Told) {
        metrics::template_news_skipped_total().increment(1);
        self.look_up(told.tenant, &told.waba, super::schedule::AFTER_NEWS);
        (told.heed)();
    }

    /// Writes news down until the process ends. What waits then is given back at once: the next one is told again.
    pub async fn keep_hearing(&self, shutdown: &Shutdown) {
        let mut waiting = self.hearing.waiting.lock().await;
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = shutdown.begun() => break,
                Some(()) = running.next() => {}
                Some(told) = waiting.recv(), if running.len() < TOGETHER => running.push(self.write_down(told)),
            }
        }
        waiting.close();
        while waiting.try_recv().is_ok() {}
    }

    async fn heard(&self, tenant: TenantId, waba: &WabaId, news: &News) -> Result<(), StoreError> {
        match news {
            News::Template(news) => self.apply(tenant, waba, news).await,
            News::Number(news) => self.warn(tenant, waba, news).await,
        }
    }

    async fn write_down(&self, told: Told) {
        let applied = AssertUnwindSafe(self.heard(told.tenant, &told.waba, &told.news)).catch_unwind();
        match applied.await {
            Ok(Ok(())) => (told.heed)(),
            Ok(Err(error)) => {
                tracing::warn!(tenant.id = %told.tenant, %error, "cannot take over what a webhook tells of a template or a number");
                if error.kind.is_lasting() {
                    // It would fail for ever.
                    self.skip(told);
                }
            }
            Err(_panic) => {
                tracing::error!(tenant.id = %told.tenant, "taking over what a webhook tells of a template or a number panics");
                self.skip(told);
            }
        }
    }
}
