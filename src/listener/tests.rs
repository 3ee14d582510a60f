use std::{convert::Infallible, path::Path, time::Duration};

use axum::routing::get;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::*;

fn write_certificate(folder: &Path, name: &str) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
}

fn load(folder: &Path) -> Result<Certificate, CertificateError> {
    Certificate::load(&folder.join("cert.pem"), &folder.join("key.pem"))
}

/// Whether a client that trusts the certificate in the folder accepts the server under a name, and
/// which protocol they agree on.
async fn handshake(
    address: SocketAddr,
    folder: &Path,
    name: &'static str,
) -> Result<Option<Vec<u8>>, io::Error> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(address).await?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from(name).unwrap(), stream)
        .await?;
    Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

struct Served {
    address: SocketAddr,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

fn served(address: &str, certificate: Option<&Certificate>, router: Router) -> Served {
    let listener = Listener::bind(address.parse().unwrap(), certificate).unwrap();
    let served = Served {
        address: listener.address(),
        shutdown: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    let accepting = serve(
        listener,
        router,
        served.shutdown.clone(),
        served.tasks.clone(),
    );
    served.tasks.spawn(accepting);
    served
}

async fn send(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_plain_listener_answers_on_both_ip_versions() {
    let router = Router::new().route("/", get(async || "here"));

    for address in ["127.0.0.1:0", "[::1]:0"] {
        let served = served(address, None, router.clone());

        assert!(rest(send(served.address).await).await.ends_with("here"));
    }
}

#[tokio::test]
async fn a_tls_listener_offers_http2_and_exchanges_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path(), "old.test");
    let certificate = load(folder.path()).unwrap();
    let served = served("127.0.0.1:0", Some(&certificate), Router::new());

    let before = handshake(served.address, folder.path(), "old.test").await;
    write_certificate(folder.path(), "new.test");
    certificate.reload().unwrap();
    let after = handshake(served.address, folder.path(), "new.test").await;
    let gone = handshake(served.address, folder.path(), "old.test").await;

    assert_eq!(before.unwrap().as_deref(), Some(&b"h2"[..]));
    assert_eq!(after.unwrap().as_deref(), Some(&b"h2"[..]));
    assert!(gone.is_err());
}

#[tokio::test]
async fn a_broken_file_leaves_the_certificate_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path(), "old.test");
    let certificate = load(folder.path()).unwrap();
    let served = served("127.0.0.1:0", Some(&certificate), Router::new());
    let key = std::fs::read(folder.path().join("key.pem")).unwrap();

    std::fs::write(folder.path().join("key.pem"), "broken").unwrap();
    let reloaded = certificate.reload();
    let after = handshake(served.address, folder.path(), "old.test").await;

    assert!(matches!(reloaded, Err(CertificateError::Pem { .. })));
    assert!(after.is_ok());
    write_certificate(folder.path(), "other.test");
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    assert!(matches!(
        load(folder.path()),
        Err(CertificateError::Unusable(_))
    ));
}

#[tokio::test]
async fn shutdown_answers_what_runs_and_closes_what_waits() {
    let (started, mut starts) = tokio::sync::mpsc::channel::<Infallible>(1);
    let (finish, finished) = tokio::sync::watch::channel(false);
    let started = Arc::new(std::sync::Mutex::new(Some(started)));
    let router = Router::new().route(
        "/",
        get(move || {
            // The test learns by the closed channel that the handler runs.
            drop(started.lock().unwrap().take());
            let mut finished = finished.clone();
            async move {
                finished.wait_for(|finished| *finished).await.unwrap();
                "done"
            }
        }),
    );
    let served = served("127.0.0.1:0", None, router);
    let idle = TcpStream::connect(served.address).await.unwrap();
    let running = send(served.address).await;
    assert!(starts.recv().await.is_none());

    served.shutdown.cancel();
    served.tasks.close();
    finish.send(true).unwrap();

    assert!(rest(running).await.ends_with("done"));
    assert_eq!(rest(idle).await, "");
    tokio::time::timeout(Duration::from_secs(10), served.tasks.wait())
        .await
        .unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
