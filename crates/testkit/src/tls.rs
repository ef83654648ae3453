//! A certificate authority that lives as long as one test.

use std::fs;
use std::path::{Path, PathBuf};

use countersign_server::listen::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};

/// Host names that clients have compiled in, and those of this machine.
pub const NAMES: [&str; 4] = ["*.adobelogin.com", "*.adobe.io", "localhost", "127.0.0.1"];

/// Files in `folder`: what the clients trust, and what the server shows for [`NAMES`].
pub fn make(folder: &Path) -> (PathBuf, TlsFiles) {
    let mut params = CertificateParams::default();
    // A name of its own: a leaf that has its issuer's name looks self-signed.
    params
        .distinguished_name
        .push(DnType::CommonName, "Throw-away authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
    // Strict verifiers, such as Python's, ask for it.
    params.use_authority_key_identifier_extension = true;
    let leaf = params.signed_by(&key, &authority).unwrap();

    let path = |name| folder.join(name);
    fs::write(path("authority.pem"), authority.pem()).unwrap();
    fs::write(path("certificate.pem"), leaf.pem()).unwrap();
    fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    (
        path("authority.pem"),
        TlsFiles::new(path("certificate.pem"), path("key.pem")),
    )
}
