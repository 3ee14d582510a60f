//! How certificates of other servers are verified.

use std::{path::Path, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::error::{Error, Result};

/// The public certificate authorities (Mozilla's list) and those of the file; HTTP/2 is offered.
pub(crate) fn client_config(extra_ca: Option<&Path>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(path) = extra_ca {
        for certificate in CertificateDer::pem_file_iter(path).map_err(extra)? {
            roots.add(certificate.map_err(extra)?).map_err(extra)?;
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn extra(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::ExtraCa(Box::new(error))
}
