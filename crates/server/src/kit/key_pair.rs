//! The zip of a generated key pair: `private.key` and `certificate_pub.crt` in [`NAME`].
//! Source: `spec/ims-protocol.md` 6.4.

use std::io::{Cursor, Write as _};

use countersign_wire::Opaque;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What the zip is called.
pub const NAME: &str = "config.zip";

/// A key pair that cannot be bundled: no input leads to that.
#[derive(Debug, thiserror::Error)]
#[error("the bundle of a key pair")]
pub struct BundleError(#[from] zip::result::ZipError);

/// The private key and the certificate, both as PEM, in one file.
///
/// # Errors
/// [`BundleError`].
pub fn bundle(private_key: &Opaque, certificate: &str) -> Result<Vec<u8>, BundleError> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("certificate_pub.crt", options.unix_permissions(0o644))?;
    written(&mut writer, certificate)?;
    writer.start_file("private.key", options.unix_permissions(0o600))?;
    written(&mut writer, private_key.expose())?;
    Ok(writer.finish()?.into_inner())
}

fn written(writer: &mut ZipWriter<Cursor<Vec<u8>>>, text: &str) -> zip::result::ZipResult<()> {
    Ok(writer.write_all(text.as_bytes())?)
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
