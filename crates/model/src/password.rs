//! Which passwords people may choose. Source: `spec/security.md` CON-12.

use crate::member::SignInName;

/// Fewest and most characters.
pub const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// One word per line, lower case: what people choose who are asked for a password.
const COMMON: &str = include_str!("../data/common_passwords.txt");

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has 12 to 128 characters: a few words in a row are easy to remember")]
    Length,
    /// On everybody's list.
    #[error(
        "this password is one of those that are tried first: choose a few words that do not belong together"
    )]
    Common,
    /// The name of the person who chooses it.
    #[error("the password is made of the sign-in name, which everybody knows: choose another one")]
    Name,
}

/// Whether a person may choose this password. There are no rules about which characters it must
/// hold; nothing is trimmed or folded.
///
/// # Errors
/// [`PasswordError`] says what to choose instead.
pub fn check(password: &str, name: &SignInName) -> Result<(), PasswordError> {
    if !LENGTH.contains(&password.chars().count()) {
        return Err(PasswordError::Length);
    }
    let plain = password.trim().to_lowercase();
    if is_of_name(&plain, name) {
        return Err(PasswordError::Name);
    }
    if is_common(&plain) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

fn is_of_name(plain: &str, name: &SignInName) -> bool {
    let who = name.as_str().split('@').next().unwrap_or_default();
    let core = plain.trim_matches(|c: char| !c.is_alphabetic());
    plain == name.as_str() || (!core.is_empty() && core == who)
}

/// A short pattern over and over, or one common word with digits and marks around it: short words
/// are common passwords of any length that way.
fn is_common(plain: &str) -> bool {
    let characters: Vec<char> = plain.chars().collect();
    let core = plain.trim_matches(|c: char| !c.is_alphabetic());
    let core: Vec<char> = core.chars().collect();
    [&characters, &core].into_iter().any(|text| {
        let pattern = pattern(text);
        is_run(pattern) || is_word(pattern)
    })
}

/// The shortest start that, repeated, makes the whole text; at most a few are tried.
fn pattern(text: &[char]) -> &[char] {
    let repeats = |length: &usize| {
        text.len() > *length && text.chunks(*length).all(|part| text.starts_with(part))
    };
    let length = (1..=text.len() / 2).find(repeats);
    text.get(..length.unwrap_or(text.len())).unwrap_or(text)
}

/// Neighbours all the way, as in `abcdefghijkl` or `987654321098`.
fn is_run(text: &[char]) -> bool {
    let step = |pair: &[char]| match pair {
        ['9', '0'] => Some(1),
        ['0', '9'] => Some(-1),
        [one, other] => Some(i64::from(u32::from(*other)) - i64::from(u32::from(*one))),
        _ => None,
    };
    let mut steps = text.windows(2).map(step);
    let Some(Some(first)) = steps.next() else {
        return true;
    };
    (-1..=1).contains(&first) && steps.all(|step| step == Some(first))
}

fn is_word(text: &[char]) -> bool {
    let text: String = text.iter().collect();
    let word = text.trim_matches(|c: char| !c.is_alphabetic());
    COMMON.lines().any(|common| common == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> SignInName {
        SignInName::parse("ada.lovelace@example.com").expect("a name")
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        for fits in [
            "correct horse battery",
            " leading space counts",
            "\u{1f600}\u{1f4a1}\u{1f6b2}\u{1f680}\u{1f512}\u{1f511}abcxyz",
            &"lorem-ipsum-dolor-".repeat(8)[..128],
        ] {
            assert_eq!(check(fits, &name()), Ok(()), "{fits}");
        }
        for length in [0, 11, 129, 10_000] {
            let password: String = "xK4$".chars().cycle().take(length).collect();
            assert_eq!(
                check(&password, &name()),
                Err(PasswordError::Length),
                "{length}"
            );
        }
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for common in [
            "password1234",
            "Password2026!",
            "passwordpassword",
            "123456789012",
            "098765432109",
            "aaaaaaaaaaaa",
            "abcdefghijklm",
            "qwertyuiop123",
            "letmein!letmein!",
            "administrator1",
            "iloveyou2024!!",
        ] {
            assert_eq!(
                check(common, &name()),
                Err(PasswordError::Common),
                "{common}"
            );
        }
    }

    #[test]
    fn the_own_name_is_no_password() {
        for of_name in [
            "ada.lovelace@example.com",
            "Ada.Lovelace1815",
            "ada.lovelace",
        ] {
            assert_eq!(
                check(of_name, &name()),
                Err(PasswordError::Name),
                "{of_name}"
            );
        }
    }

    #[test]
    fn every_common_word_is_found_in_the_list() {
        for word in COMMON.lines() {
            assert_eq!(word, word.trim().to_lowercase());
            let padded = format!("{word}2025!!!!!!!!!!!");
            assert_eq!(
                check(&padded, &name()),
                Err(PasswordError::Common),
                "{word}"
            );
        }
    }
}
