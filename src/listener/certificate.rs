//! The server's certificate, which can be exchanged while it runs.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or holds no such PEM section.
    #[error("{path} holds no usable PEM")]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// The certificate and the key are unusable or do not belong together.
    #[error("the certificate and its key cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// A certificate with its key, and the files that they come from. Clones share them.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads a certificate chain and its private key.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = read(chain, key, &provider)?;
        Ok(Self(Arc::new(Inner {
            chain: chain.to_owned(),
            key: key.to_owned(),
            provider,
            current: ArcSwap::from_pointee(current),
        })))
    }

    /// Reads the files again. On failure the certificate stays what it was.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let fresh = read(&self.0.chain, &self.0.key, &self.0.provider)?;
        self.0.current.store(Arc::new(fresh));
        Ok(())
    }

    /// TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1, by whatever certificate is the current one.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.0.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Certificate")
            .field(&self.0.chain)
            .finish()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load_full())
    }
}

fn read(
    chain: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, CertificateError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| CertificateError::Pem { path, source }
    };
    let certificates = CertificateDer::pem_file_iter(chain)
        .map_err(pem(chain))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(pem(chain))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    CertifiedKey::from_der(certificates, key, provider).map_err(CertificateError::Unusable)
}
