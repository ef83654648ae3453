//! Uploading and making certificates.

use countersign_jose::{Certificate, CertificateError, KeyError, VerifyingKey};

use crate::support::{P256, RSA};

/// 2025-01-01 and 2026-01-01.
const DATES: (i64, i64) = (1_735_689_600, 1_767_225_600);

fn fixture(name: &str) -> Vec<u8> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(file).unwrap()
}

fn refusal(bytes: &[u8]) -> CertificateError {
    Certificate::parse(bytes).unwrap_err()
}

#[test]
fn pem_and_der_are_the_same_certificate() {
    let pem = Certificate::parse(&fixture("rsa-2048.pem")).unwrap();
    let der = Certificate::parse(&fixture("rsa-2048.der")).unwrap();

    assert_eq!(pem, der);
    assert_eq!(
        VerifyingKey::from_certificate_der(der.der()).as_ref(),
        Ok(der.public_key())
    );
    let text = String::from_utf8(fixture("rsa-2048.pem")).unwrap();
    assert_eq!(VerifyingKey::from_pem(&text).as_ref(), Ok(der.public_key()));
    assert_eq!(pem.common_name(), Some("rsa-2048"));
    assert_eq!(pem.to_pem().as_bytes(), fixture("rsa-2048.pem"));
}

#[test]
fn line_ends_and_text_around_do_not_matter() {
    let pem = String::from_utf8(fixture("rsa-2048.pem")).unwrap();
    let dressed = format!(
        "Bag Attributes\r\n  friendlyName: x\r\n{}",
        pem.replace('\n', "\r\n")
    );

    assert_eq!(
        Certificate::parse(dressed.as_bytes()),
        Certificate::parse(pem.as_bytes())
    );
}

#[test]
fn a_certificate_of_ours_reads_as_it_was_made() {
    let made = Certificate::make_self_signed(&RSA, "ims_na1-key-at-1", DATES.0, DATES.1).unwrap();
    let read = Certificate::parse(made.to_pem().as_bytes()).unwrap();

    assert_eq!(read, made);
    assert_eq!((read.not_before(), read.not_after()), DATES);
    assert_eq!(read.common_name(), Some("ims_na1-key-at-1"));
    assert_eq!(read.public_key(), RSA.verifying_key());
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    assert!(read.sha1_fingerprint().len() == 40 && is_hex(&read.sha1_fingerprint()));
    assert!(read.sha256_fingerprint().len() == 64 && is_hex(&read.sha256_fingerprint()));
}

#[test]
fn weak_or_foreign_keys_and_signatures_are_refused() {
    assert!(Certificate::parse(&fixture("rsa-2048-pss.pem")).is_ok());
    assert_eq!(
        refusal(&fixture("rsa-1024.pem")),
        CertificateError::RsaSize(1024)
    );
    assert_eq!(
        refusal(&fixture("rsa-8192.pem")),
        CertificateError::RsaSize(8192)
    );
    assert_eq!(
        refusal(&fixture("rsa-2048-e3.pem")),
        CertificateError::Key(KeyError::RsaExponent)
    );
    assert_eq!(
        refusal(&fixture("rsa-2048-sha1.pem")),
        CertificateError::WeakSignature
    );
    assert_eq!(
        refusal(&fixture("rsa-2048-pss-sha1.pem")),
        CertificateError::WeakSignature
    );
    assert_eq!(refusal(&fixture("p256.pem")), CertificateError::NotRsa);
    assert_eq!(refusal(&fixture("ed25519.pem")), CertificateError::NotRsa);
}

#[test]
fn a_private_key_pasted_by_mistake_is_refused_and_not_repeated() {
    let key = RSA.to_pem().unwrap();
    let both = [&fixture("rsa-2048.pem"), key.as_bytes()].concat();
    let broken = &key[..key.len() / 2];

    for bytes in [
        key.as_bytes(),
        &both,
        broken.as_bytes(),
        &RSA.to_pkcs8().unwrap(),
    ] {
        let refusal = refusal(bytes);
        assert_eq!(refusal, CertificateError::PrivateKey);
        assert!(!format!("{refusal} {refusal:?}").contains("MII"));
    }
}

#[test]
fn one_certificate_and_nothing_else() {
    let (pem, der) = (fixture("rsa-2048.pem"), fixture("rsa-2048.der"));

    assert_eq!(
        refusal(&[pem.clone(), pem].concat()),
        CertificateError::Several
    );
    assert_eq!(
        refusal(&[&der[..], b"x"].concat()),
        CertificateError::NotACertificate
    );
    assert_eq!(
        refusal(&der[..der.len() - 1]),
        CertificateError::NotACertificate
    );
    assert_eq!(refusal(b""), CertificateError::NotACertificate);
    assert_eq!(
        refusal(b"-----BEGIN CERTIFICATE-----\n"),
        CertificateError::NotACertificate
    );
    assert_eq!(refusal(&vec![b' '; 65_537]), CertificateError::TooLarge);
    assert_eq!(
        refusal(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
        CertificateError::NotACertificate
    );
}

#[test]
fn what_x509_cannot_say_is_not_made() {
    let make = |from, to| Certificate::make_self_signed(&RSA, "x", from, to);

    assert_eq!(
        make(DATES.0, 253_402_300_800).unwrap_err(),
        CertificateError::CannotMake
    );
    assert!(make(DATES.0, 253_402_300_799).is_ok());
    assert!(make(i64::MIN, i64::MAX).is_err());
    let p256 = Certificate::make_self_signed(&P256, "x", DATES.0, DATES.1);
    assert_eq!(p256.unwrap_err(), CertificateError::NotRsa);
}
