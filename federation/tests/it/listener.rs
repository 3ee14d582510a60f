//! A TLS listener, and a switch that makes it misbehave.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    serve::Listener,
};
use http::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// What happens to transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are served.
    Serve,
    /// All requests are refused, as if a proxy stood there without its server.
    Refuse,
    /// They are answered and thrown away.
    Swallow,
    /// No request is ever answered.
    Silent,
    /// All requests are served, but the answers to joins are lost.
    LoseJoins,
    /// All requests are served, but states hold what is not true.
    Lie,
    /// As a policy server nothing is recommended.
    Disapprove,
    /// All requests are served but those for states.
    Withhold,
}

/// The switch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switch {
    mode: Arc<AtomicU8>,
    served: Arc<AtomicUsize>,
}

impl Switch {
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// Requests that were served.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    pub(crate) fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::SeqCst) == mode as u8
    }

    pub(crate) fn wrap(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), misbehave))
    }
}

async fn misbehave(State(switch): State<Switch>, request: Request, next: Next) -> Response {
    let mode = switch.mode.load(Ordering::SeqCst);
    let is_for_state = request.uri().path().contains("/v1/state");
    if mode == Mode::Withhold as u8 && is_for_state {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let is_transaction = request.uri().path().contains("/v1/send/");
    if mode == Mode::Refuse as u8 {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if mode == Mode::Swallow as u8 && is_transaction {
        return Json(serde_json::json!({ "pdus": {} })).into_response();
    }
    if mode == Mode::Silent as u8 {
        std::future::pending::<()>().await;
    }
    switch.served.fetch_add(1, Ordering::SeqCst);
    let is_join = request.uri().path().contains("/send_join/");
    let response = next.run(request).await;
    if mode == Mode::LoseJoins as u8 && is_join {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if mode == Mode::Lie as u8 {
        return crate::liar::lie(response).await;
    }
    response
}

/// Accepts TLS connections.
pub(crate) struct TlsListener {
    pub(crate) tcp: TcpListener,
    pub(crate) acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else {
                continue;
            };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
