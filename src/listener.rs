//! Sockets: plain and TLS, HTTP/1.1 and HTTP/2 with WebSocket upgrades.

mod certificate;
mod connection;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use certificate::{Certificate, CertificateError};

/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// How long to wait when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Listener {
    /// Binds a socket. With a certificate it speaks TLS.
    pub fn bind(address: SocketAddr, certificate: Option<&Certificate>) -> io::Result<Self> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // A restart must not wait for the connections of the run before to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let socket = socket.listen(BACKLOG)?;
        Ok(Self {
            address: socket.local_addr()?,
            socket,
            tls: certificate.map(Certificate::server_config),
        })
    }

    /// Where it is bound, with the port that the system chose if none was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Accepts connections until the token is canceled; each is a task of the tracker and ends when its
/// running requests are answered.
pub async fn serve(
    listener: Listener,
    router: Router,
    shutdown: CancellationToken,
    tasks: TaskTracker,
) {
    let acceptor = listener.tls.map(TlsAcceptor::from);
    while let Some(accepted) = shutdown.run_until_cancelled(listener.socket.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let served = serve_one(
                    stream,
                    peer,
                    acceptor.clone(),
                    router.clone(),
                    shutdown.clone(),
                );
                tasks.spawn(served);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    shutdown: CancellationToken,
) {
    // Only latency suffers if this fails.
    drop(stream.set_nodelay(true));
    match acceptor {
        None => connection::serve(stream, peer, router, shutdown).await,
        Some(acceptor) => {
            let handshake =
                tokio::time::timeout(connection::HANDSHAKE_TIMEOUT, acceptor.accept(stream));
            match shutdown.run_until_cancelled(handshake).await {
                Some(Ok(Ok(stream))) => connection::serve(stream, peer, router, shutdown).await,
                Some(Ok(Err(error))) => tracing::debug!(%error, client = %peer, "no TLS session"),
                Some(Err(_)) | None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
