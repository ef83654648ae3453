//! The zip of a generated key pair: `private.key` and `certificate_pub.crt` in `config.zip`.
//! Source: `spec/ims-protocol.md` 6.4.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_wire::Opaque;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::PageError;

/// The bundle as an address that holds it: the browser saves it from the page that shows the key,
/// and the server keeps nothing that could be asked for again.
pub(super) fn data_address(private_key: &Opaque, certificate: &str) -> Result<String, PageError> {
    let bundle = bundle(private_key, certificate);
    let bundle = bundle.map_err(|_| PageError::broken("the bundle of a key pair"))?;
    Ok(format!(
        "data:application/zip;base64,{}",
        STANDARD.encode(bundle)
    ))
}

fn bundle(private_key: &Opaque, certificate: &str) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("certificate_pub.crt", options.unix_permissions(0o644))?;
    writer.write_all(certificate.as_bytes())?;
    writer.start_file("private.key", options.unix_permissions(0o600))?;
    writer.write_all(private_key.expose().as_bytes())?;
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_bundle_holds_both_and_the_key_is_its_owners_alone() {
        let key = Opaque::new("the key".to_owned());
        let bytes = bundle(&key, "the certificate").expect("zips");
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");

        let mut text = String::new();
        let mut file = archive.by_name("private.key").expect("there");
        file.read_to_string(&mut text).expect("text");
        assert_eq!(text, "the key");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o600));
        drop(file);
        assert!(archive.by_name("certificate_pub.crt").is_ok());
        assert_eq!(archive.len(), 2);
    }
}
