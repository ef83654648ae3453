//! Signatures of webhooks, after Standard Webhooks (<https://www.standardwebhooks.com>): whoever
//! has the secret knows that a message is ours, and when it was sent.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_wire::Timestamp;
use zeroize::Zeroizing;

/// Bytes that a secret has at least and at most.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What the messages to one webhook are signed with.
#[derive(Clone)]
pub struct WebhookSecret(hmac::Key);

/// Text that is no secret of a webhook; it is left out on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the secret of a webhook is `whsec_` and 24 to 64 random bytes in base64: `printf 'whsec_%s' \"$(openssl rand -base64 32)\"` makes one"
)]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// Reads `whsec_` and base64, with blanks around it.
    ///
    /// # Errors
    /// [`WebhookSecretError`].
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let encoded = text.trim().strip_prefix("whsec_");
        let encoded = encoded.ok_or(WebhookSecretError)?;
        let bytes = STANDARD.decode(encoded).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| WebhookSecretError)?;
        if !LENGTHS.contains(&bytes.len()) {
            return Err(WebhookSecretError);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The header `webhook-signature` of a message: HMAC-SHA-256 over its id, the seconds of
    /// `sent_at` and its body.
    #[must_use]
    pub fn sign(&self, id: &str, sent_at: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", sent_at.as_seconds());
        let tag = hmac::sign(&self.0, signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("fits");
        let sent_at = Timestamp::from_seconds(1_614_265_330);
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = secret.sign(id, sent_at, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_not_repeated() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_???",
            &short,
            &long,
        ] {
            let error = WebhookSecret::parse(text).expect_err("none");
            assert!(text.is_empty() || text == "whsec_" || !error.to_string().contains(text));
        }
        assert!(WebhookSecret::parse(&format!(" whsec_{}\n", STANDARD.encode([1; 24]))).is_ok());
    }
}
