//! TLS by certificate and key file, replaced without restart when the files change.
//!
//! Source: HTP-07 (TLS 1.2 and 1.3 only), REL-44.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde::Serialize;
use tokio_rustls::TlsAcceptor;

/// Where certificate and key are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// PEM file with the certificate first and its chain after.
    pub certificate: PathBuf,
    /// PEM file with the private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
    /// How often to look whether the files have changed. Default 5.
    #[serde(default = "five")]
    pub reload_check_seconds: u64,
}

impl TlsFiles {
    /// The two files, looked at every five seconds.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            reload_check_seconds: five(),
        }
    }

    /// Changes when one of the files does.
    fn stamp(&self) -> Stamp {
        let look = |path: &Path| {
            let file = fs::metadata(path).ok()?;
            Some((file.modified().ok()?, file.len()))
        };
        Stamp([look(&self.certificate), look(&self.key)])
    }

    fn read(&self) -> Result<ServerConfig, TlsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| TlsError::Unreadable { path, error }
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        server_config(chain, key).map_err(|error| TlsError::Unusable {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            error,
        })
    }
}

fn five() -> u64 {
    5
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    // The safe default versions are TLS 1.2 and 1.3; rustls has no others.
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![H2.to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Stamp([Option<(SystemTime, u64)>; 2]);

/// The certificate in use, and how it is replaced.
pub struct Certificates {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
    tried: Mutex<Stamp>,
}

impl Certificates {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// A file cannot be read, or key and certificate do not belong together.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        // Looked at before reading: a change in between is then seen as one later.
        let stamp = files.stamp();
        Ok(Self {
            current: ArcSwap::from_pointee(files.read()?),
            tried: Mutex::new(stamp),
            files,
        })
    }

    /// Reads the files again, as on SIGHUP. New connections use the new pair from here on; a bad
    /// pair leaves the old one in use.
    ///
    /// # Errors
    /// As [`Self::load`]; the caller logs it.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.changed();
        self.current.store(Arc::new(self.files.read()?));
        Ok(())
    }

    /// Reloads whenever the files change, for ever.
    pub(super) async fn follow(self: Arc<Self>) {
        let pause = Duration::from_secs(self.files.reload_check_seconds.max(1));
        loop {
            tokio::time::sleep(pause).await;
            let this = Arc::clone(&self);
            // File systems may block, and a network one for long.
            drop(tokio::task::spawn_blocking(move || this.reload_if_changed()).await);
        }
    }

    fn reload_if_changed(&self) {
        if !self.changed() {
            return;
        }
        let certificate = self.files.certificate.display();
        match self.reload() {
            Ok(()) => tracing::info!("TLS certificate `{certificate}` reloaded"),
            Err(error) => tracing::error!("old TLS certificate stays in use: {error}"),
        }
    }

    /// Whether the files differ from those last tried; a bad pair is complained about once.
    fn changed(&self) -> bool {
        let stamp = self.files.stamp();
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *tried, stamp.clone()) != stamp
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Missing, not permitted, or no PEM of the right kind.
    #[error("cannot read `{}`: {}", .path.display(), reason(.error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: pem::Error,
    },
    /// The two do not fit each other, or the key is of no usable kind.
    #[error("`{}` with key `{}` cannot be used: {error}", .certificate.display(), .key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        error: rustls::Error,
    },
}

/// The PEM error in words, without the bytes it may carry.
fn reason(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => describe(error),
        pem::Error::NoItemsFound => "it holds no PEM section of the kind wanted".to_owned(),
        _ => "it is not valid PEM".to_owned(),
    }
}

fn describe(error: &io::Error) -> String {
    error.to_string()
}

pub(super) const H2: &[u8] = b"h2";
