//! Codes that a device shows: the second factor of people. Source: RFC 6238, RFC 4226.

use aws_lc_rs::hmac;
use countersign_wire::{Opaque, Timestamp};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes of a key: as many as SHA-1 gives (RFC 4226 section 4, R6).
pub(crate) const KEY_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
/// Clocks of devices are off by a step either way (RFC 6238 section 5.2).
const STEPS: std::ops::RangeInclusive<i64> = -1..=1;

/// The time step whose code was shown, if it is one of now.
pub(crate) fn step_of(key: &[u8], shown: &str, now: Timestamp) -> Option<i64> {
    let shown: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
    let current = now.as_seconds().div_euclid(STEP_SECONDS);
    let is_shown = |step: &i64| code(key, *step).as_bytes().ct_eq(shown.as_bytes()).into();
    STEPS
        .map(|offset| current.saturating_add(offset))
        .rfind(is_shown)
}

/// The six digits of a time step. Devices know no other digest than SHA-1.
fn code(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let four = tag.get(offset..offset + 4).unwrap_or_default();
    let number = four
        .iter()
        .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte))
        & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The key as people type it: base32 without padding (RFC 4648 section 6).
pub(crate) fn base32(key: &[u8]) -> Opaque {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = key
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let bits: Zeroizing<Vec<u8>> = Zeroizing::new(bits.collect());
    let letter = |five: &[u8]| {
        let padded = five.iter().chain(std::iter::repeat(&0)).take(5);
        let at = padded.fold(0_usize, |sum, bit| sum << 1 | usize::from(*bit));
        ALPHABET.get(at).copied().map(char::from)
    };
    Opaque::new(bits.chunks(5).filter_map(letter).collect())
}

/// What authenticator programs read from a square code.
pub(crate) fn address(key: &[u8], issuer: &str, account: &str) -> Opaque {
    let (issuer, account) = (escaped(issuer), escaped(account));
    let secret = base32(key);
    let secret = secret.expose();
    Opaque::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}"
    ))
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC_KEY: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238 appendix B, the last six of eight digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_seconds(seconds);
            assert_eq!(
                step_of(RFC_KEY, expected, now),
                Some(seconds / 30),
                "{seconds}"
            );
        }
    }

    #[test]
    fn a_code_holds_for_a_step_either_way() {
        let at = |seconds| step_of(RFC_KEY, "287 082", Timestamp::from_seconds(seconds));
        assert_eq!(
            (at(-1), at(0), at(59), at(89), at(90)),
            (None, Some(1), Some(1), Some(1), None)
        );
        let now = Timestamp::from_seconds(59);
        for wrong in ["", "287083", "28708", "2870822", "\u{662}87082"] {
            assert_eq!(step_of(RFC_KEY, wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn keys_are_shown_as_devices_read_them() {
        assert_eq!(base32(RFC_KEY).expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(b"fooba").expose(), "MZXW6YTB");
        assert_eq!(base32(b"foob").expose(), "MZXW6YQ");
        let address = address(RFC_KEY, "Countersign", "ada@example.com");
        assert_eq!(
            address.expose(),
            "otpauth://totp/Countersign:ada%40example%2Ecom?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Countersign"
        );
    }
}
