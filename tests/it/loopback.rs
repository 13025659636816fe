//! A router served on loopback, for hosts, stores, forges and receivers that tests stand in for.

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Serves it at an address that comes back too, until the runtime is dropped.
pub(crate) fn serve(app: Router) -> (Runtime, String) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, app).await });
    (runtime, address)
}
