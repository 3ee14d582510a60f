//! A server from its start to its end.

use std::{io, net::SocketAddr, sync::Arc};

use gantry_model::{Clock, Rng, SystemClock, SystemRng};
use gantry_outbound::Resolver;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    admin::{Operator, control},
    config::Config,
    listener::{self, Certificate, CertificateError, Listener},
    metrics_page,
    wiring::{self, Engine, WiringError},
    workers::Workers,
};

/// What a server takes from outside, so that tests can put something else in its place.
#[derive(Clone)]
pub struct Deps {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// DNS; the machine's own without one.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// The metrics of the process, if it collects any.
    pub metrics: Option<PrometheusHandle>,
}

impl Default for Deps {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            resolver: None,
            metrics: None,
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something inside did not start.
    #[error("the server cannot be built")]
    Wiring(#[from] WiringError),
    /// An address cannot be listened at.
    #[error("{address} cannot be listened at")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate cannot be used.
    #[error("the certificate of the TLS listener cannot be used")]
    Certificate(#[from] CertificateError),
    /// The system does not let us listen to signals.
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
}

/// A server that answers. It goes on until [`stop`](Self::stop); dropping it does not stop it.
pub struct Running {
    /// Where it serves without TLS.
    pub plain: Vec<SocketAddr>,
    /// Where it serves with TLS.
    pub tls: Vec<SocketAddr>,
    /// Where its metrics are.
    pub metrics: Option<SocketAddr>,
    workers: Workers,
    certificate: Option<Certificate>,
    engine: Engine,
}

impl Running {
    /// Answers what is being asked, ends the workers and returns when all is written.
    pub async fn stop(self) {
        self.workers.stop().await;
        self.engine.close().await;
    }

    /// Waits until nothing can be stored any more: the storage engine has failed for good.
    pub async fn broken(&self) {
        self.engine.store().ended().await;
    }

    /// Reads the certificate's files again, as SIGHUP does.
    pub fn reload_certificate(&self) -> Result<(), CertificateError> {
        self.certificate
            .as_ref()
            .map_or(Ok(()), Certificate::reload)
    }
}

/// Starts a server: binds all its addresses, builds it, and answers.
pub async fn start(config: Config, deps: Deps) -> Result<Running, StartError> {
    let workers = Workers::new();
    let sockets = Sockets::bind(&config)?;
    let wired = match wiring::build(&config, &deps, &workers).await {
        Ok(wired) => wired,
        Err(error) => {
            workers.stop().await;
            return Err(error.into());
        }
    };
    let mut running = Running {
        plain: Vec::new(),
        tls: Vec::new(),
        metrics: None,
        workers: workers.clone(),
        certificate: sockets.certificate.clone(),
        engine: wired.engine,
    };
    let operator = Operator::new(
        running.engine.store(),
        config.server.server_name(),
        Some(wired.rooms),
    );
    if let Err(error) = control::listen(control::path(&config), operator, &workers) {
        tracing::warn!(%error, "administrators cannot ask this server while it runs");
    }
    for socket in sockets.plain {
        running.plain.push(socket.address());
        serve(&workers, socket, wired.router.clone());
    }
    for socket in sockets.tls {
        running.tls.push(socket.address());
        serve(&workers, socket, wired.router.clone());
    }
    if let (Some(socket), Some(metrics)) = (sockets.metrics, deps.metrics) {
        running.metrics = Some(socket.address());
        serve(&workers, socket, metrics_page::router(metrics.clone()));
        workers
            .tasks
            .spawn(metrics_page::keep_up(metrics, workers.clone()));
    }
    if let Some(certificate) = sockets.certificate {
        let hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
        workers
            .tasks
            .spawn(reload_on_hangup(hangup, certificate, workers.clone()));
    }
    Ok(running)
}

fn serve(workers: &Workers, socket: Listener, router: axum::Router) {
    let shutdown = workers.shutdown.clone();
    let served = listener::serve(socket, router, shutdown, workers.tasks.clone());
    workers.tasks.spawn(served);
}

async fn reload_on_hangup(
    mut hangup: tokio::signal::unix::Signal,
    certificate: Certificate,
    workers: Workers,
) {
    while let Some(Some(())) = workers.shutdown.run_until_cancelled(hangup.recv()).await {
        match certificate.reload() {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the certificate stays what it was"
            ),
        }
    }
}

/// All sockets are bound before anything is built, so that a taken address is told at once.
struct Sockets {
    plain: Vec<Listener>,
    tls: Vec<Listener>,
    metrics: Option<Listener>,
    certificate: Option<Certificate>,
}

impl Sockets {
    fn bind(config: &Config) -> Result<Self, StartError> {
        let listeners = &config.listeners;
        let certificate = match (&listeners.tls_certificate, &listeners.tls_private_key) {
            (Some(chain), Some(key)) => Some(Certificate::load(chain, key)?),
            _ => None,
        };
        let bind = |address: &SocketAddr, certificate: Option<&Certificate>| {
            Listener::bind(*address, certificate).map_err(|source| StartError::Listen {
                address: *address,
                source,
            })
        };
        let plain = listeners.plain.iter().map(|address| bind(address, None));
        let tls = listeners
            .tls
            .iter()
            .map(|address| bind(address, certificate.as_ref()));
        Ok(Self {
            plain: plain.collect::<Result<_, _>>()?,
            tls: tls.collect::<Result<_, _>>()?,
            metrics: listeners
                .metrics
                .as_ref()
                .map(|address| bind(address, None))
                .transpose()?,
            certificate,
        })
    }
}
