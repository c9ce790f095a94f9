//! Where sessions live, shared by all tests of one process.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::Runtime;

/// Sessions live here: a test's own runtime ends with the test.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// Runs something to its end, from within a test's runtime or without one.
pub(super) fn run<T: Send>(what: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| runtime().block_on(what)).join().unwrap())
}

/// Lets something go on beside the tests.
pub(super) fn keep(what: impl Future<Output = ()> + Send + 'static) {
    runtime().spawn(what);
}
