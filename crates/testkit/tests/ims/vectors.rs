//! The assertion vectors through the endpoint, with the clock where they want it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use countersign_jose::{Certificate as X509, VerifyingKey};
use countersign_model::Certificate;
use countersign_store::changes::{self, Topic};
use countersign_testkit::app::{YEAR, operator};
use countersign_testkit::{TestApp, TestClient, keys};
use countersign_wire::{CertificateId, ClientId, OrgId, TechnicalAccountId, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, Issuer, KeyPair, PublicKeyData};
use serde_json::Value;

#[tokio::test]
async fn valid_assertions_are_exchanged_and_invalid_ones_refused() {
    let Some(vectors) = read() else { return };
    let (app, client) = app_at_the_vectors_time(&vectors).await;
    let mut wrong = Vec::new();

    for test in vectors["tests"].as_array().unwrap() {
        let call = app.anonymous().post("/ims/exchange/jwt");
        let answer = call
            .form(&client.exchange_form(test["jwt"].as_str().unwrap()))
            .send()
            .await;
        let expected = if test["result"] == "valid" {
            200..=200
        } else {
            400..=413
        };
        if !expected.contains(&answer.status) || answer.body.contains("zq7markerq9x") {
            wrong.push(format!(
                "{} {}: {} {}",
                test["id"], test["comment"], answer.status, answer.body
            ));
        }
    }

    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The vectors live with the crate that verifies; a sparse copy of the tree may lack them.
fn read() -> Option<Value> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../jose/tests/vectors/assertions/assertions.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        let _ = writeln!(
            std::io::stderr(),
            "*** NOT RUN: no vectors at {} ***",
            path.display()
        );
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

async fn app_at_the_vectors_time(vectors: &Value) -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    app.clock
        .set(Timestamp::from_seconds(vectors["now"].as_i64().unwrap()));
    let expected = |name: &str| vectors["expected"][name].as_str().unwrap();
    let org = countersign_authority::NewOrganization {
        name: "Vectors".to_owned(),
        id: Some(OrgId::parse(expected("iss")).unwrap()),
        numeric_id: None,
    };
    let org = app
        .authority
        .create_organization(org, &operator())
        .await
        .unwrap()
        .id;
    let mut new = app
        .new_credential(&org, app.jwt_grant(keys::first()), &["McDataServicesSdk"])
        .await;
    new.client_id = Some(ClientId::parse(expected("client_id")).unwrap());
    new.technical_account_id = Some(TechnicalAccountId::parse(expected("sub")).unwrap());
    let client = app.create(new, None).await;
    register(&app, &client, vectors["publicKeyPem"].as_str().unwrap()).await;
    (app, client)
}

/// Behind the product's back: it refuses keys whose private half is public (JOS-23).
async fn register(app: &TestApp, client: &TestClient, public_key: &str) {
    let now = app.now();
    let x509 = X509::parse(&foreign_certificate(public_key, now)).unwrap();
    let mut write = app.store.write().await.unwrap();
    let before = countersign_store::credentials::find(&mut write, &client.id)
        .await
        .unwrap()
        .unwrap();
    let mut after = before.clone();
    after.certificates.push(Certificate {
        id: CertificateId::from_random([7; 16]),
        pem: x509.to_pem(),
        fingerprint: x509.sha1_fingerprint(),
        key_digest: x509.public_key().fingerprint(),
        subject: "vectors".to_owned(),
        not_before: now,
        not_after: now.plus(YEAR),
        created_at: now,
    });
    countersign_store::credentials::save(&mut write, &before, &after)
        .await
        .unwrap();
    changes::append(&mut write, &Topic::Client(client.client_id.clone()), now)
        .await
        .unwrap();
    write.commit().await.unwrap();
}

/// A certificate of a key that nobody here can sign with, signed by another one: no chain is
/// checked anywhere.
fn foreign_certificate(public_key: &str, now: Timestamp) -> Vec<u8> {
    let issuer = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = rcgen::date_time_ymd(2029, 1, 1);
    params.not_after = rcgen::date_time_ymd(2040, 1, 1);
    assert!(now > "2029-01-01".parse().unwrap());
    let issuer = Issuer::new(CertificateParams::default(), issuer);
    params
        .signed_by(&PublicKey::read(public_key), &issuer)
        .unwrap()
        .der()
        .to_vec()
}

/// `RSAPublicKey` in DER.
struct PublicKey(Vec<u8>);

impl PublicKey {
    fn read(pem: &str) -> Self {
        use base64::Engine as _;
        assert_eq!(VerifyingKey::from_pem(pem).unwrap().bits(), 2048);
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let spki = base64::engine::general_purpose::STANDARD
            .decode(body)
            .unwrap();
        // What stands before the key itself has this length for every RSA key of 2048 bits.
        Self(spki[24..].to_vec())
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

#[tokio::test]
async fn a_published_test_key_is_refused_on_upload() {
    let Some(vectors) = read() else { return };
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    app.clock
        .set(Timestamp::from_seconds(vectors["now"].as_i64().unwrap()));
    let pem = foreign_certificate(vectors["publicKeyPem"].as_str().unwrap(), app.now());
    let upload = countersign_authority::NewCertificate::Upload(pem);

    let refused = app
        .authority
        .add_certificate(&client.id, &upload, &operator())
        .await;

    assert!(
        matches!(
            refused,
            Err(countersign_authority::ManageError::KnownTestKey)
        ),
        "{refused:?}"
    );
}
