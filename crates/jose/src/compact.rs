//! The compact serialization of JWS (RFC 7515 section 7.1), and nothing else.

use crate::base64url;
use crate::error::Malformed;

/// The longest token that is looked at, in bytes. Checked before anything is decoded (REQ-07).
pub const LONGEST_TOKEN: usize = 16_384;

/// A token taken apart, with nothing checked but its form.
pub(crate) struct Compact<'t> {
    /// What the signature is over: the first two parts with the dot between them.
    pub(crate) signing_input: &'t str,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'t> Compact<'t> {
    pub(crate) fn parse(token: &'t str) -> Result<Self, Malformed> {
        if token.len() > LONGEST_TOKEN {
            return Err(Malformed::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Malformed::Parts)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Malformed::Parts)?;
        if payload.contains('.') {
            return Err(Malformed::Parts);
        }
        let decode = |part| base64url::decode(part).ok_or(Malformed::Base64);
        Ok(Self {
            signing_input,
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}
