//! Which RSA numbers make a key that is worth its name (JOS-14).
//!
//! Only remainders by small primes are computed here; everything secret or large is the
//! cryptography library's.

use crate::error::KeyError;

/// Checks size, exponent and known weaknesses. Both numbers are big-endian without leading zeros.
pub(crate) fn check(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let size = bits(n);
    if !(2048..=8192).contains(&size) {
        return Err(KeyError::RsaSize(size));
    }
    if !is_good_exponent(e) {
        return Err(KeyError::RsaExponent);
    }
    if small_primes().any(|prime| remainder(n, prime) == 0) {
        return Err(KeyError::RsaModulus);
    }
    if has_roca_fingerprint(n) {
        return Err(KeyError::Roca);
    }
    Ok(())
}

/// Length of a big-endian number without leading zeros.
pub(crate) fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// Odd, greater than 3, less than 2^32.
fn is_good_exponent(e: &[u8]) -> bool {
    let value = e
        .iter()
        .fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    (1..=4).contains(&e.len()) && e[0] != 0 && value > 3 && value % 2 == 1
}

/// Primes below 752, as NIST SP 800-89 section 5.3.3 asks a verifier to try.
fn small_primes() -> impl Iterator<Item = u32> {
    (2..752).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}

fn remainder(n: &[u8], divisor: u32) -> u32 {
    n.iter()
        .fold(0, |rest, byte| ((rest << 8) | u32::from(*byte)) % divisor)
}

/// Whether the modulus lies, by each of the primes 3 to 167, among the powers of 65537.
///
/// The broken generator built its primes so; of sound moduli fewer than one in 2^27 look like it.
/// Source: Nemec, Sys, Svenda, Klinec, Matyas, "The Return of Coppersmith's Attack", section 3.
fn has_roca_fingerprint(n: &[u8]) -> bool {
    small_primes()
        .filter(|prime| (3..=167).contains(prime))
        .all(|prime| is_power_of_65537(remainder(n, prime), prime))
}

fn is_power_of_65537(value: u32, prime: u32) -> bool {
    let mut power = 1;
    (0..prime).any(|_| {
        let found = power == value;
        power = power * (65_537 % prime) % prime;
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents() {
        for good in [&[5][..], &[1, 0, 1], &[0xff, 0xff, 0xff, 0xff]] {
            assert!(is_good_exponent(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[0],
            &[1],
            &[2],
            &[3],
            &[4],
            &[1, 0, 0],
            &[0, 5],
            &[1, 0, 0, 0, 1],
        ] {
            assert!(!is_good_exponent(bad), "{bad:?}");
        }
    }

    #[test]
    fn moduli_with_small_factors() {
        let mut n = vec![0xff; 256];
        n[255] = 0xfe;

        assert_eq!(check(&n, &[1, 0, 1]), Err(KeyError::RsaModulus));
        // 2^2048 - 1 is divisible by 3.
        assert_eq!(check(&[0xff; 256], &[1, 0, 1]), Err(KeyError::RsaModulus));
    }

    #[test]
    fn sizes() {
        let mut n = vec![0x7f; 256];
        assert_eq!(check(&n, &[1, 0, 1]), Err(KeyError::RsaSize(2047)));
        n = vec![0xff; 128];
        assert_eq!(check(&n, &[1, 0, 1]), Err(KeyError::RsaSize(1024)));
        n = vec![0xff; 2048];
        assert_eq!(check(&n, &[1, 0, 1]), Err(KeyError::RsaSize(16_384)));
        assert_eq!(check(&[], &[1, 0, 1]), Err(KeyError::RsaSize(0)));
    }
}
