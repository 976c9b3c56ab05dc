//! The certificate of a listener, renewed while it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::ListenError;

/// What both listeners speak inside TLS: gRPC needs h2, old HTTPS clients know http/1.1 only.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Makes ring the process's provider. Two crates of the tree bring providers, and rustls refuses to guess.
pub(crate) fn install_crypto() {
    // An error says that one is installed already, which is what we want.
    if ring::default_provider().install_default().is_err() {
        tracing::debug!("a cryptography provider was installed before");
    }
}

/// Certificate chain and key in PEM files, re-read when they change.
#[derive(Debug)]
pub(crate) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    resolver: Arc<Resolver>,
    config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Resolver {
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificate {
    /// Reads both files. Blocking; done once at start.
    pub(crate) fn open(chain: PathBuf, key: PathBuf) -> Result<Arc<Self>, ListenError> {
        let provider = Arc::new(ring::default_provider());
        let first = Arc::new(read(&chain, &key, &provider)?);
        let resolver = Arc::new(Resolver { current: RwLock::new(first) });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(&chain, error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&resolver) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(Self { chain, key, resolver, config: Arc::new(config) }))
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Reads the files again; true when another chain is in use from now on.
    pub(crate) async fn reload(&self) -> Result<bool, ListenError> {
        let (chain, key) = (self.chain.clone(), self.key.clone());
        let task = tokio::task::spawn_blocking(move || read(&chain, &key, &ring::default_provider()));
        let fresh = task.await.map_err(|error| fault(&self.chain, error))??;
        let mut current = self.resolver.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.cert != fresh.cert;
        if changed {
            *current = Arc::new(fresh);
        }
        Ok(changed)
    }
}

fn read(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, ListenError> {
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .map_err(|error| fault(chain, error))?;
    if certificates.is_empty() {
        return Err(fault(chain, "it holds no certificate in PEM form"));
    }
    // The error of a key never shows the key.
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| fault(key, error))?;
    CertifiedKey::from_der(certificates, secret, provider).map_err(|error| fault(key, error))
}

fn fault(path: &Path, error: impl ToString) -> ListenError {
    ListenError::Certificate { path: path.display().to_string(), message: error.to_string() }
}
