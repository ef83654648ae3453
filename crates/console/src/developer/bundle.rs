//! The zip of a generated key pair, as a link.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_server::kit::key_pair;
use countersign_wire::Opaque;

use crate::error::PageError;

/// The bundle as an address that holds it: the browser saves it from the page that shows the key,
/// and the server keeps nothing that could be asked for again.
pub(super) fn data_address(private_key: &Opaque, certificate: &str) -> Result<String, PageError> {
    let bundle = key_pair::bundle(private_key, certificate);
    let bundle = bundle.map_err(|error| PageError::broken(&error.to_string()))?;
    Ok(format!(
        "data:application/zip;base64,{}",
        STANDARD.encode(bundle)
    ))
}
