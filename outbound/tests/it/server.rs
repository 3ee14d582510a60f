//! A small HTTPS server that does what its paths say.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

type Body = BoxBody<Bytes, std::convert::Infallible>;

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    delegation: Mutex<String>,
}

/// A server whose certificate is its own authority.
pub(crate) struct TestServer {
    address: SocketAddr,
    folder: tempfile::TempDir,
    seen: Arc<Seen>,
}

impl TestServer {
    pub(crate) async fn start(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            folder,
            seen: Arc::default(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let tasks = TaskTracker::new();
        let accepting = accept(listener, acceptor, Arc::clone(&server.seen), tasks.clone());
        tasks.spawn(accepting);
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn delegate_to(&self, server: &str) {
        *self.seen.delegation.lock().unwrap() = format!(r#"{{"m.server":"{server}"}}"#);
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, seen: Arc<Seen>, tasks: TaskTracker) {
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
        tasks.spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                let service = service_fn(move |request| answer(Arc::clone(&seen), request));
                let served = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
                // A client that goes away is part of the tests.
                drop(served);
            }
        });
    }
}

async fn answer(seen: Arc<Seen>, request: Request<Incoming>) -> hyper::Result<Response<Body>> {
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let path = request.uri().path();
    let response = match path {
        "/echo" => full(format!(
            "{} {} {path}",
            request.method(),
            request.headers()[header::HOST].to_str().unwrap_or_default()
        )),
        "/long" => full("x".repeat(100_000)),
        "/long-chunked" => Response::new(endless()),
        "/silent" => std::future::pending().await,
        "/loop" => redirect("/loop"),
        "/.well-known/matrix/server" => full(seen.delegation.lock().unwrap().clone()),
        path => match path.strip_prefix("/to/") {
            Some(host) => redirect(&format!("https://{host}/")),
            None => full(String::new()),
        },
    };
    Ok(response)
}

fn full(text: String) -> Response<Body> {
    Response::new(Full::new(Bytes::from(text)).boxed())
}

fn endless() -> Body {
    let frame = || Ok(Frame::data(Bytes::from_static(&[b'x'; 100])));
    BodyExt::boxed(StreamBody::new(stream::repeat_with(frame)))
}

fn redirect(location: &str) -> Response<Body> {
    let mut response = full(String::new());
    *response.status_mut() = StatusCode::FOUND;
    if let Ok(value) = location.parse() {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
