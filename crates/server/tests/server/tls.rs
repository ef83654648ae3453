//! TLS by file, and its reload.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign_server::listen::Listener;
use countersign_server::listen::TlsFiles;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::app::TestServer;

struct Pair {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

impl Pair {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            certificate: made.cert.der().clone(),
            certificate_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
        }
    }

    fn write(&self, folder: &Path) {
        fs::write(folder.join("cert.pem"), &self.certificate_pem).unwrap();
        fs::write(folder.join("key.pem"), &self.key_pem).unwrap();
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles {
        reload_check_seconds: 1,
        ..TlsFiles::new(folder.join("cert.pem"), folder.join("key.pem"))
    }
}

async fn start(pair: &Pair) -> (TestServer, TempDir) {
    let folder = TempDir::new().unwrap();
    pair.write(folder.path());
    let files = files(folder.path());
    let server = TestServer::with(|listener| {
        listener.tls = Some(files);
        listener.first_request_timeout_seconds = 1;
    })
    .await;
    (server, folder)
}

async fn handshake(
    server: &TestServer,
    trusted: &Pair,
    alpn: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

#[tokio::test]
async fn http2_is_offered_and_spoken() {
    let pair = Pair::new();
    let (server, _folder) = start(&pair).await;
    let stream = handshake(&server, &pair, &[b"h2", b"http/1.1"])
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("https://localhost/hello")
        .body(String::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();

    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("x-debug-id"));
}

#[tokio::test]
async fn a_new_pair_is_taken_over_and_a_bad_one_is_not() {
    let (old, new) = (Pair::new(), Pair::new());
    let (server, folder) = start(&old).await;
    assert!(handshake(&server, &old, &[]).await.is_ok());

    // Key and certificate of different pairs: the old pair stays.
    fs::write(folder.path().join("key.pem"), &new.key_pem).unwrap();
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert!(handshake(&server, &old, &[]).await.is_ok());

    fs::write(folder.path().join("cert.pem"), &new.certificate_pem).unwrap();
    let mut taken = false;
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        taken = handshake(&server, &new, &[]).await.is_ok();
        if taken {
            break;
        }
    }
    assert!(taken);
    assert!(handshake(&server, &old, &[]).await.is_err());
}

#[tokio::test]
async fn a_peer_that_never_shakes_hands_is_dropped() {
    let (server, _folder) = start(&Pair::new()).await;
    for bytes in ["", "\u{16}", "GET / HTTP/1.1\r\n\r\n"] {
        let answer = {
            let mut peer = server.connect().await;
            peer.write(bytes).await;
            peer.closed().await
        };
        assert!(!answer.windows(5).any(|part| part == b"HTTP/"));
    }
}

#[tokio::test]
async fn a_pair_that_does_not_match_is_refused_at_the_start() {
    let folder = TempDir::new().unwrap();
    Pair::new().write(folder.path());
    fs::write(folder.path().join("key.pem"), Pair::new().key_pem).unwrap();
    let listener = Listener {
        tls: Some(files(folder.path())),
        ..Listener::default()
    };

    let error = listener.check().err().unwrap().to_string();
    assert!(error.contains("key.pem"), "{error}");

    fs::remove_file(folder.path().join("cert.pem")).unwrap();
    let error = listener.check().err().unwrap().to_string();
    assert!(error.contains("cert.pem"), "{error}");
}
