//! Between the driver and the server: passes requests on, except for those that it loses, cuts off or holds back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{keyspaces, server};

/// Version, flags, stream, opcode, length: what every frame of the protocol begins with.
const HEADER: usize = 9;

/// What happens to a request that is told apart by bytes inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is carried out, and its answer never comes.
    LoseAnswer,
    /// It is passed on, and the connection breaks.
    CutAfter,
    /// The connection breaks before it is passed on.
    CutBefore,
    /// It is on its way until [`Proxy::release`].
    Hold,
}

#[derive(Debug, Default)]
struct Rules {
    fault: Option<(Vec<u8>, Fault, usize)>,
    /// Nothing is passed on any more.
    silent: bool,
    /// Nothing is passed on after a request with these bytes was answered.
    silent_after: Option<Vec<u8>>,
    hits: usize,
}

/// A proxy on an address of its own.
#[derive(Debug)]
pub(super) struct Proxy {
    address: String,
    rules: Arc<Mutex<Rules>>,
    release: watch::Sender<bool>,
}

#[derive(Clone)]
struct Shared {
    rules: Arc<Mutex<Rules>>,
    release: watch::Receiver<bool>,
    /// Streams whose answers are not passed on.
    lost: Arc<Mutex<HashSet<[u8; 2]>>>,
    /// Streams after whose answer nothing is passed on.
    last: Arc<Mutex<HashSet<[u8; 2]>>>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap()
}

impl Proxy {
    /// Begins to pass everything on.
    pub(super) fn start() -> Self {
        let rules = Arc::new(Mutex::new(Rules::default()));
        let (release, released) = watch::channel(false);
        let listener = server::run(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Shared {
            rules: Arc::clone(&rules),
            release: released,
            lost: Arc::default(),
            last: Arc::default(),
        };
        server::keep(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Shared {
                    lost: Arc::default(),
                    last: Arc::default(),
                    ..shared.clone()
                };
                tokio::spawn(connection(client, shared));
            }
        });
        Self {
            address,
            rules,
            release,
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Does something to the next requests that hold these bytes.
    pub(super) fn spoil(&self, needle: &str, fault: Fault, times: usize) {
        let mut rules = lock(&self.rules);
        rules.fault = Some((needle.as_bytes().to_vec(), fault, times));
        rules.hits = 0;
    }

    /// How many requests were spoiled.
    pub(super) fn hits(&self) -> usize {
        lock(&self.rules).hits
    }

    /// Passes nothing on after a request with these bytes was answered.
    pub(super) fn fall_silent_after(&self, needle: &str) {
        lock(&self.rules).silent_after = Some(needle.as_bytes().to_vec());
    }

    /// Passes everything on again, except for what is held back.
    pub(super) fn heal(&self) {
        let mut rules = lock(&self.rules);
        rules.fault = None;
        rules.silent = false;
        rules.silent_after = None;
    }

    /// Lets go of what is held back.
    pub(super) fn release(&self) {
        self.release.send(true).unwrap();
    }
}

async fn frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    from.read_exact(&mut frame).await.ok()?;
    let length = u32::from_be_bytes(*frame.last_chunk::<4>()?);
    let body = HEADER + usize::try_from(length).ok()?;
    frame.resize(body, 0);
    from.read_exact(frame.get_mut(HEADER..)?).await.ok()?;
    Some(frame)
}

fn stream(frame: &[u8]) -> [u8; 2] {
    [frame[2], frame[3]]
}

fn holds(frame: &[u8], needle: &[u8]) -> bool {
    frame.windows(needle.len()).any(|window| window == needle)
}

async fn connection(client: TcpStream, shared: Shared) {
    let Ok(server) = TcpStream::connect(keyspaces::server()).await else {
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let requests = tokio::spawn(requests(from_client, to_server, shared.clone()));
    let answers = tokio::spawn(answers(from_server, to_client, shared));
    // Whichever ends takes the other with it.
    let (stop_requests, stop_answers) = (requests.abort_handle(), answers.abort_handle());
    tokio::select! {
        _ = requests => stop_answers.abort(),
        _ = answers => stop_requests.abort(),
    }
}

/// What is to be done with a request, counted off.
fn verdict(frame: &[u8], shared: &Shared) -> Option<Fault> {
    let mut rules = lock(&shared.rules);
    if rules.silent {
        return Some(Fault::Hold);
    }
    if rules
        .silent_after
        .as_ref()
        .is_some_and(|needle| holds(frame, needle))
    {
        lock(&shared.last).insert(stream(frame));
    }
    let (needle, fault, left) = rules.fault.as_mut()?;
    if *left == 0 || !holds(frame, needle) {
        return None;
    }
    *left -= 1;
    let fault = *fault;
    rules.hits += 1;
    Some(fault)
}

async fn requests(mut from: OwnedReadHalf, to: OwnedWriteHalf, shared: Shared) {
    let to = Arc::new(tokio::sync::Mutex::new(to));
    while let Some(frame) = frame(&mut from).await {
        let silent = lock(&shared.rules).silent;
        match verdict(&frame, &shared) {
            // Swallowed for good: nobody lets go of it.
            Some(Fault::Hold) if silent => {}
            Some(Fault::Hold) => {
                let (to, mut released) = (Arc::clone(&to), shared.release.clone());
                server::keep(async move {
                    if released.wait_for(|released| *released).await.is_ok() {
                        let _ = to.lock().await.write_all(&frame).await;
                    }
                });
            }
            Some(Fault::CutBefore) => return,
            Some(Fault::CutAfter) => {
                let _ = to.lock().await.write_all(&frame).await;
                return;
            }
            Some(Fault::LoseAnswer) => {
                lock(&shared.lost).insert(stream(&frame));
                let _ = to.lock().await.write_all(&frame).await;
            }
            None => {
                if to.lock().await.write_all(&frame).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: Shared) {
    while let Some(frame) = frame(&mut from).await {
        if lock(&shared.lost).remove(&stream(&frame)) {
            continue;
        }
        if lock(&shared.last).remove(&stream(&frame)) {
            lock(&shared.rules).silent = true;
        }
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}
