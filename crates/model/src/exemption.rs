//! Exemptions: a credential that needs its JWT half for longer than the deprecation policy says.

use std::time::Duration;

use countersign_wire::Timestamp;

/// Longest time from now that an exemption may last. It can be given again, by somebody who looks
/// at it again.
pub const LONGEST: Duration = Duration::from_secs(366 * 86_400);
/// Longest reason, in characters.
pub const LONGEST_REASON: usize = 500;

/// Until when a credential is exempt from the last two dates of the policy, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exemption {
    /// From here on the policy's dates hold for it, too.
    pub until: Timestamp,
    /// For whoever asks later.
    pub reason: String,
    /// Who gave it, as the activity log names actors.
    pub approved_by: String,
    /// When.
    pub approved_at: Timestamp,
}

/// An exemption that cannot be given.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ExemptionError {
    /// Over before it begins.
    #[error("an exemption ends in the future: {0} is not")]
    Past(Timestamp),
    /// As good as none at all.
    #[error(
        "an exemption lasts at most 366 days: {0} is later; give it again when that time has come"
    )]
    TooLong(Timestamp),
    /// Nobody would know why.
    #[error(
        "an exemption needs a reason of 1 to {LONGEST_REASON} characters, without control characters"
    )]
    Reason,
    /// Nothing to be exempt from.
    #[error("the credential has no JWT half under the policy: there is nothing to be exempt from")]
    NothingToExempt,
}

impl Exemption {
    /// It, if its end and its reason can be.
    ///
    /// # Errors
    /// [`ExemptionError`] says what cannot.
    pub fn checked(self) -> Result<Self, ExemptionError> {
        let reason = self.reason.trim();
        let characters = match reason.chars().any(|c| c.is_control() && c != '\n') {
            true => 0,
            false => reason.chars().count(),
        };
        if self.until <= self.approved_at {
            return Err(ExemptionError::Past(self.until));
        }
        if self.until > self.approved_at.plus(LONGEST) {
            return Err(ExemptionError::TooLong(self.until));
        }
        match characters {
            1..=LONGEST_REASON => Ok(self),
            _ => Err(ExemptionError::Reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seconds: i64, reason: &str) -> Result<Exemption, ExemptionError> {
        let now = Timestamp::from_seconds(1_800_000_000);
        let exemption = Exemption {
            until: Timestamp::from_seconds(1_800_000_000 + seconds),
            reason: reason.to_owned(),
            approved_by: "operator:cli".to_owned(),
            approved_at: now,
        };
        exemption.checked()
    }

    #[test]
    fn it_has_an_end_within_a_year_and_a_reason() {
        assert!(lasting(1, "vendor is late").is_ok());
        assert!(lasting(366 * 86_400, "vendor is late").is_ok());
        assert!(matches!(lasting(0, "late"), Err(ExemptionError::Past(_))));
        assert!(matches!(
            lasting(366 * 86_400 + 1, "late"),
            Err(ExemptionError::TooLong(_))
        ));
        assert_eq!(lasting(1, " "), Err(ExemptionError::Reason));
        assert_eq!(lasting(1, &"x".repeat(501)), Err(ExemptionError::Reason));
    }
}
