//! What is left to do for people who left a team, or whose accounts are erased.

use std::sync::Arc;
use std::time::Duration;

use super::{each, handovers};
use crate::accounts::subscriptions::SubscriptionBook;
use crate::accounts::{AccountError, Accounts};
use crate::actors::{Directory, Gateway};
use crate::shutdown::Shutdown;
use crate::telemetry::labels::ErasureOf;
use crate::telemetry::metrics;

/// How often it is looked whether something is.
pub(super) const LOOK: Duration = Duration::from_secs(2);
/// How often subscriptions are counted.
const COUNTED: Duration = Duration::from_secs(300);
/// An erasure that was asked for is carried out by the call that asked; after this long that call is over.
const CALL: Duration = Duration::from_secs(30);

/// Who looks after them.
pub(in crate::app) struct People {
    pub(in crate::app) accounts: Arc<Accounts>,
    pub(in crate::app) directory: Arc<Directory>,
    pub(in crate::app) tenants: Arc<Gateway>,
    pub(in crate::app) shutdown: Shutdown,
    pub(in crate::app) subscriptions: Arc<SubscriptionBook>,
}

/// Does it, for ever.
pub(super) async fn run(people: &People) {
    tokio::join!(handovers::run(people), erase(people), count_subscriptions(people));
}

/// Shows how many businesses are in which state.
async fn count_subscriptions(people: &People) {
    let mut due = each(COUNTED);
    loop {
        due.tick().await;
        match people.subscriptions.counts().await {
            Ok(counts) => {
                for (state, count) in counts {
                    metrics::subscriptions(state).set(metrics::number(count));
                }
            }
            Err(error) => tracing::warn!(%error, "cannot tell how many businesses pay"),
        }
    }
}

/// Goes on with erasures of accounts that a call left undone.
async fn erase(people: &People) {
    let mut due = each(CALL / 2);
    loop {
        due.tick().await;
        if let Err(error) = erase_due(&people.accounts).await {
            tracing::warn!(%error, "cannot erase an account now");
        }
    }
}

async fn erase_due(accounts: &Accounts) -> Result<(), AccountError> {
    let open = accounts.erasures().await?;
    let undone = open.iter().filter(|erasure| erasure.gone.is_none()).count();
    metrics::erasures(ErasureOf::Account).set(metrics::number(u64::try_from(undone).unwrap_or(u64::MAX)));
    let begun = open.iter().filter(|erasure| erasure.gone.is_none());
    let oldest = begun.map(|erasure| accounts.age(erasure.begun)).max();
    metrics::erasures_oldest_seconds(ErasureOf::Account).set(oldest.unwrap_or_default().as_secs_f64());
    for erasure in open {
        if !accounts.is_older(erasure.begun, CALL) {
            continue;
        }
        // The others go on; this one is tried again with the next look.
        match accounts.go_on_erasing(erasure.user).await {
            // Only late rows were looked for.
            Ok(()) if erasure.gone.is_some() => {}
            Ok(()) => tracing::info!(user.id = %erasure.user, "an account that was half erased is erased"),
            Err(error) => {
                tracing::warn!(user.id = %erasure.user, %error, "an account stays half erased for now");
            }
        }
    }
    Ok(())
}
