//! PEM, as people paste it: CR LF, text around it, several sections (RFC 7468).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

/// One section.
pub(crate) struct Section {
    pub(crate) kind: Kind,
    /// Wiped when dropped, because it may be a private key.
    pub(crate) der: Zeroizing<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Certificate,
    EncryptedPrivateKey,
    Other,
    /// Of a kind we do not read, such as `EC PRIVATE KEY`.
    OtherPrivateKey,
    /// PKCS#8
    PrivateKey,
    /// `SubjectPublicKeyInfo`
    PublicKey,
    /// PKCS#1
    RsaPrivateKey,
    /// PKCS#1
    RsaPublicKey,
}

impl Kind {
    fn of(label: &str) -> Self {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => Self::Certificate,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedPrivateKey,
            "PRIVATE KEY" => Self::PrivateKey,
            "PUBLIC KEY" => Self::PublicKey,
            "RSA PRIVATE KEY" => Self::RsaPrivateKey,
            "RSA PUBLIC KEY" => Self::RsaPublicKey,
            other if other.contains("PRIVATE") => Self::OtherPrivateKey,
            _ => Self::Other,
        }
    }

    pub(crate) const fn is_private(self) -> bool {
        matches!(
            self,
            Self::EncryptedPrivateKey
                | Self::OtherPrivateKey
                | Self::PrivateKey
                | Self::RsaPrivateKey
        )
    }
}

/// Whether the bytes are meant to be PEM.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

/// Whether a private key lies in the text, even if the text is broken around it.
pub(crate) fn names_private_key(bytes: &[u8]) -> bool {
    contains(bytes, b"PRIVATE KEY-----")
}

/// Whether a passphrase protects a key of the text (PKCS#8, or RFC 1421 headers in PKCS#1).
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    contains(bytes, b"BEGIN ENCRYPTED PRIVATE KEY") || contains(bytes, b"Proc-Type: 4,ENCRYPTED")
}

/// All sections, or nothing if one of them is broken.
pub(crate) fn sections(bytes: &[u8]) -> Option<Vec<Section>> {
    Pem::iter_from_buffer(bytes)
        .map(|section| {
            let section = section.ok()?;
            Some(Section {
                kind: Kind::of(&section.label),
                der: Zeroizing::new(section.contents),
            })
        })
        .collect()
}

/// Writes one section with lines of 64 characters (RFC 7468 section 2). The text is wiped when
/// dropped and never grows, so that a private key leaves no copies.
pub(crate) fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 128));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
