//! Whom the library trusts.

use std::fs;
use std::sync::Arc;

use countersign_client::{Error, Http, HttpOptions, Origin, Unreachable};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A server with a certificate for `name`: its port, and the certificate.
async fn start(name: &str) -> (u16, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        }
    });
    (port, cert.pem())
}

async fn reach(port: u16, trusted: Option<&str>) -> Result<u16, Unreachable> {
    let folder = tempfile::tempdir().unwrap();
    let mut options = HttpOptions::default();
    if let Some(pem) = trusted {
        let file = folder.path().join("ca.pem");
        fs::write(&file, pem).unwrap();
        options.ca_file = Some(file);
    }
    let origin = Origin::parse(&format!("https://localhost:{port}")).unwrap();
    match Http::new(origin, &options).unwrap().get("/").await {
        Ok(answer) => Ok(answer.status),
        Err(Error::Unreachable { why, .. }) => Err(why),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_we_trust_is_refused() {
    let (port, _) = start("localhost").await;
    assert_eq!(reach(port, None).await, Err(Unreachable::Untrusted));
}

#[tokio::test]
async fn the_ca_file_adds_trust() {
    let (port, pem) = start("localhost").await;
    assert_eq!(reach(port, Some(&pem)).await, Ok(204));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let (port, pem) = start("ims.example.com").await;
    assert_eq!(reach(port, Some(&pem)).await, Err(Unreachable::WrongName));
}

#[test]
fn a_ca_file_without_certificates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = HttpOptions::default();
    for (name, text) in [
        ("absent", None),
        ("empty", Some("")),
        ("other", Some("hello")),
    ] {
        let file = folder.path().join(name);
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        options.ca_file = Some(file);
        let error = Http::new(Origin::adobe_production(), &options).unwrap_err();
        assert!(matches!(error, Error::CaFile(_)), "{error:?}");
    }
}
