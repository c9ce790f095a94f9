//! Posts what is due: at most so many requests at once, each with a deadline, each repeated until it is answered 200.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use tokio::sync::Semaphore;

use super::outbox::{Next, Post};
use super::signature::Signing;
use crate::SimulatorError;
use crate::world::Shared;

/// The client for webhooks: no redirects, no repetitions of its own.
fn client(timeout: Duration, concurrency: usize) -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the process may have chosen a provider already; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .user_agent("facebookexternalua")
        .connect_timeout(Duration::from_secs(3))
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(concurrency)
        .tcp_nodelay(true)
        .build()
}

/// Posts until the simulator stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let config = shared.with(|world, _| world.config.webhooks);
    let Ok(client) = client(Duration::from_millis(config.timeout_ms), config.concurrency) else {
        tracing::error!("no webhook can be posted: the HTTP client cannot be built");
        return;
    };
    let places = Arc::new(Semaphore::new(config.concurrency.max(1)));
    loop {
        let place = tokio::select! {
            () = shared.stop.cancelled() => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { return };
        let (next, now) = shared.with(|world, now| {
            let next = world.next_post(now);
            if let Next::Post(_) = next {
                world.outbox.stats.in_flight += 1;
            }
            (next, now)
        });
        match next {
            Next::Post(post) => {
                let (shared, client) = (Arc::clone(&shared), client.clone());
                tokio::spawn(async move {
                    // A stopped simulator must not keep its sockets: the caller may reuse the port.
                    tokio::select! {
                        () = shared.stop.cancelled() => {}
                        () = send(&shared, &client, *post) => {}
                    }
                    drop(place);
                });
            }
            Next::At(at_us) => {
                let wait = Duration::from_micros(at_us.saturating_sub(now.us));
                tokio::select! {
                    () = shared.stop.cancelled() => return,
                    () = shared.wake.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
            Next::Nothing => tokio::select! {
                () = shared.stop.cancelled() => return,
                () = shared.wake.notified() => {}
            },
        }
    }
}

async fn send(shared: &Shared, client: &reqwest::Client, mut post: Post) {
    let secret = shared.with(|world, _| world.config.app_secret.clone());
    let mut request = client.post(&post.url).header(CONTENT_TYPE, "application/json");
    if let Some(signature) = post.signing.header(&secret, &post.body) {
        request = request.header("X-Hub-Signature-256", signature);
    }
    let answer = request.body(post.body.clone()).send().await;
    let accepted = answer
        .as_ref()
        .is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK);
    if let Ok(answer) = answer {
        // Read to the end, so that the connection can be used again.
        let _ = answer.bytes().await;
    }
    for waiting in post.told.drain(..) {
        let _ = waiting.send(());
    }
    let quiet = shared.with(|world, now| {
        if post.reign != world.reign {
            return false;
        }
        let stats = &mut world.outbox.stats;
        stats.in_flight = stats.in_flight.saturating_sub(1);
        if post.signing == Signing::Right {
            stats.posted += 1;
            if accepted {
                stats.accepted += 1;
                for index in &post.inbound {
                    if let Some(inbound) = world.inbounds.get_mut(*index) {
                        inbound.acknowledged = true;
                    }
                }
            } else {
                stats.failed += 1;
                world.outbox.repeat(post, now.us);
            }
        } else {
            stats.forged += 1;
            if accepted {
                stats.forged_accepted += 1;
            }
        }
        world.outbox.stats().quiet()
    });
    if quiet {
        shared.quiet.notify_waiters();
    }
}

/// Asks a callback to prove itself, as Meta does when it is set.
pub(crate) async fn verify(shared: &Shared, url: &str, verify_token: &str) -> Result<(), SimulatorError> {
    let challenge = shared
        .with(|world, _| world.webhook_dice.any() % 10_000_000_000)
        .to_string();
    let refused = |why: String| SimulatorError::Callback {
        url: url.to_owned(),
        why,
    };
    let client = client(Duration::from_secs(10), 1).map_err(|error| refused(error.to_string()))?;
    let query = [
        ("hub.mode", "subscribe"),
        ("hub.challenge", challenge.as_str()),
        ("hub.verify_token", verify_token),
    ]
    .map(|(key, value)| format!("{key}={}", encode(value)))
    .join("&");
    let separator = if url.contains('?') { '&' } else { '?' };
    let answer = client
        .get(format!("{url}{separator}{query}"))
        .send()
        .await
        .map_err(|error| refused(error.to_string()))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| refused(error.to_string()))?;
    if status != reqwest::StatusCode::OK {
        return Err(refused(format!("it answered {status}")));
    }
    if body != challenge {
        return Err(refused("it did not echo the challenge".to_owned()));
    }
    Ok(())
}

fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
