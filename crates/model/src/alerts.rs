//! Who is told by mail of what ends in a project, besides owners and administrators, and whether
//! anybody is. Source: `spec/ims-protocol.md` 3.4, expiry mails.

use std::collections::BTreeSet;

use countersign_wire::Timestamp;

use crate::member::{SignInName, SignInNameError};

/// Most others of a project.
pub const MAX_OTHERS: usize = 20;

/// The alerts of a project; one that nobody has set has the default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProjectAlerts {
    /// Since when nobody is told.
    pub paused_at: Option<Timestamp>,
    /// Mail addresses that are told from the first notice on, each once.
    pub others: BTreeSet<SignInName>,
    /// Counts changes; a writer must know the last one. Nought before the first.
    pub revision: i64,
}

/// Addresses that are not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AlertsError {
    /// More than [`MAX_OTHERS`].
    #[error(
        "{0} others are too many: a project has at most {MAX_OTHERS}; a mailing list has room for more"
    )]
    TooMany(usize),
    /// One that is no mail address; the text is not repeated.
    #[error("one of the others is no mail address, as in `ada@example.com`")]
    NoAddress,
}

impl From<SignInNameError> for AlertsError {
    fn from(_: SignInNameError) -> Self {
        Self::NoAddress
    }
}

/// Reads addresses; blank ones are none.
///
/// # Errors
/// [`AlertsError`].
pub fn parse_others<'t>(
    texts: impl IntoIterator<Item = &'t str>,
) -> Result<BTreeSet<SignInName>, AlertsError> {
    let texts = texts
        .into_iter()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let others = texts
        .map(SignInName::parse)
        .collect::<Result<BTreeSet<_>, _>>()?;
    match others.len() {
        count if count > MAX_OTHERS => Err(AlertsError::TooMany(count)),
        _ => Ok(others),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_mail_addresses_each_once_and_not_too_many() {
        let read = parse_others([
            "ada@example.com",
            " Ada@Example.com ",
            "",
            "bob@example.com",
        ]);
        assert_eq!(read.expect("two").len(), 2);
        assert_eq!(parse_others(["#channel"]), Err(AlertsError::NoAddress));
        let many: Vec<_> = (0..=MAX_OTHERS)
            .map(|n| format!("p{n}@example.com"))
            .collect();
        let many = many.iter().map(String::as_str);
        assert_eq!(parse_others(many.clone()), Err(AlertsError::TooMany(21)));
        assert!(parse_others(many.take(MAX_OTHERS)).is_ok());
    }
}
