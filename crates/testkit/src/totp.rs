//! The device of a person, as an authenticator program is one: knows the key as it was shown, and
//! the time. Source: RFC 6238.

use aws_lc_rs::hmac;
use countersign_wire::Timestamp;

/// The six digits that a device with that key, in base32, shows.
#[must_use]
pub fn code(key: &str, now: Timestamp) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes(key));
    let step = u64::try_from(now.as_seconds() / 30).unwrap();
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
    )
}

fn bytes(base32: &str) -> Vec<u8> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        _ => letter - b'2' + 26,
    };
    let bits: String = base32
        .bytes()
        .map(|letter| format!("{:05b}", value(letter)))
        .collect();
    (0..bits.len() / 8)
        .map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap())
        .collect()
}
