//! Connections to addresses that were decided before: whatever the URL says, a [`Pinned`] connector
//! goes to its addresses and demands its certificate name.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, select_ok},
};
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How long connecting and the TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How much later the next address is tried beside the one before.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Connects to one of some addresses.
#[derive(Clone)]
pub(crate) struct Pinned {
    pub(crate) addrs: Arc<[SocketAddr]>,
    /// Without it, plain HTTP is spoken.
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl tower::Service<Uri> for Pinned {
    type Response = Stream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Stream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let pinned = self.clone();
        async move {
            timeout(CONNECT_TIMEOUT, pinned.connect())
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        }
        .boxed()
    }
}

impl Pinned {
    async fn connect(self) -> io::Result<Stream> {
        if self.addrs.is_empty() {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let attempts = self.addrs.iter().copied().zip(0u32..).map(|(addr, nth)| {
            async move {
                sleep(NEXT_ADDRESS_AFTER * nth).await;
                TcpStream::connect(addr).await
            }
            .boxed()
        });
        let (tcp, _others) = select_ok(attempts).await?;
        tcp.set_nodelay(true)?;
        match self.tls {
            None => Ok(Stream::Plain(TokioIo::new(tcp))),
            Some((config, name)) => {
                let tls = TlsConnector::from(config).connect(name, tcp).await?;
                Ok(Stream::Tls(Box::new(TokioIo::new(tls))))
            }
        }
    }
}

/// A connection, with or without TLS.
pub(crate) enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(tls) if tls.inner().get_ref().1.alpn_protocol() == Some(b"h2") => {
                Connected::new().negotiated_h2()
            }
            Self::Tls(_) | Self::Plain(_) => Connected::new(),
        }
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Self::Tls(io) => Pin::new(io).poll_read(context, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Self::Tls(io) => Pin::new(io).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(context),
            Self::Tls(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(context),
            Self::Tls(io) => Pin::new(io).poll_shutdown(context),
        }
    }
}
