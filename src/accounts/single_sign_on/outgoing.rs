//! Calls to providers: each with a deadline and a bounded answer, to addresses that may be called, without redirects.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse, http};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::reach::Reach;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a whole call may take, its answer with it.
const TOTAL: Duration = Duration::from_secs(5);
/// Keys and settings of providers have a few kilobytes.
const LONGEST_ANSWER: usize = 64 << 10;
/// Names that are looked up at once. The system's own resolver cannot be stopped, and a slow name server holds a thread for as long.
const LOOKUPS: usize = 16;
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// Why a call has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Its address is none that may be called.
    #[error("the address is not one that may be called")]
    Address,
    /// The answer is too long.
    #[error("the answer is longer than {LONGEST_ANSWER} bytes")]
    TooLong,
    /// No answer in time.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// What came is no answer of HTTP.
    #[error("no answer of HTTP")]
    Malformed(#[source] http::Error),
}

/// The client. Clones share their connections.
#[derive(Clone)]
pub(super) struct ProviderHttp {
    http: reqwest::Client,
    reach: Reach,
}

/// Gives of what a name leads to only what may be called, and connections are opened to nothing else: a name that leads elsewhere a
/// moment later changes nothing.
struct CheckedNames {
    reach: Reach,
    lookups: Arc<Semaphore>,
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, lookups) = (self.reach, Arc::clone(&self.lookups));
        Box::pin(async move {
            let place = lookups.try_acquire_owned()?;
            let found = spawn_blocking(move || {
                let _place = place;
                (name.as_str(), 0).to_socket_addrs()
            });
            let found = found.await??;
            let allowed: Vec<SocketAddr> = found.filter(|found| reach.allows(found.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads to no address that may be called".into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

impl ProviderHttp {
    /// A client that goes so far.
    pub(super) fn new(reach: Reach) -> Result<Self, reqwest::Error> {
        // Another part of the process may have chosen a provider already; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(CheckedNames {
                reach,
                lookups: Arc::new(Semaphore::new(LOOKUPS)),
            }))
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(2)
            .user_agent(concat!("mesej/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, reach })
    }

    /// How far it goes.
    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    /// One call, one answer.
    pub(super) async fn call(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let request = reqwest::Request::try_from(request).map_err(CallError::NoAnswer)?;
        if !self.reach.allows_url(request.url()) {
            return Err(CallError::Address);
        }
        let answered = self.http.execute(request).await;
        let mut answer = answered.map_err(|error| CallError::NoAnswer(error.without_url()))?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(CallError::NoAnswer)? {
            if body.len() + piece.len() > LONGEST_ANSWER {
                return Err(CallError::TooLong);
            }
            body.extend_from_slice(&piece);
        }
        response.body(body).map_err(CallError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that says the same to everybody, and counts who comes.
    async fn server(says: String) -> (u16, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, came) = (
            listener.local_addr().unwrap().port(),
            Arc::<AtomicUsize>::default(),
        );
        let count = Arc::clone(&came);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut asked = [0; 4_096];
                let _ = socket.read(&mut asked).await;
                let _ = socket.write_all(says.as_bytes()).await;
            }
        });
        (port, came)
    }

    fn answer(head: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    async fn call(reach: Reach, url: &str) -> Result<HttpResponse, CallError> {
        let request = http::Request::get(url).body(Vec::new()).unwrap();
        ProviderHttp::new(reach).unwrap().call(request).await
    }

    #[tokio::test]
    async fn no_connection_is_opened_into_the_gateways_own_network() {
        let (port, came) = server(answer("200 OK", "{}")).await;
        for url in [
            format!("http://127.0.0.1:{port}/"),
            format!("https://127.0.0.1:{port}/"),
            format!("https://[::ffff:127.0.0.1]:{port}/"),
            // A name says nothing of where it leads: that is found out, and refused, where the connection is made.
            format!("https://localhost:{port}/"),
        ] {
            assert!(call(Reach::Internet, &url).await.is_err(), "{url}");
        }
        assert_eq!(came.load(Ordering::SeqCst), 0);
        let here = call(Reach::ThisMachine, &format!("http://localhost:{port}/")).await;
        assert_eq!(
            (here.unwrap().status().as_u16(), came.load(Ordering::SeqCst)),
            (200, 1)
        );
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_long_answers_not_read() {
        let (elsewhere, came) = server(answer("200 OK", "{}")).await;
        let location = format!("302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/");
        let (port, _) = server(answer(&location, "")).await;
        let answered = call(Reach::ThisMachine, &format!("http://127.0.0.1:{port}/")).await;
        assert_eq!(
            (answered.unwrap().status().as_u16(), came.load(Ordering::SeqCst)),
            (302, 0)
        );
        for (length, is_read) in [(LONGEST_ANSWER, true), (LONGEST_ANSWER + 1, false)] {
            let (port, _) = server(answer("200 OK", &"x".repeat(length))).await;
            let answered = call(Reach::ThisMachine, &format!("http://127.0.0.1:{port}/")).await;
            match answered {
                Ok(answered) => assert!(is_read && answered.body().len() == length),
                Err(error) => assert!(!is_read && matches!(error, CallError::TooLong), "{error}"),
            }
        }
    }
}
