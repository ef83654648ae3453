//! Since when and until when a token holds.

use crate::error::{ClaimError, ClaimFault, VerifyError};
use crate::json::Object;
use crate::rules::{Kind, Rules};

/// The times of a token in milliseconds since 1970, read and within range.
pub(crate) struct Times {
    pub(crate) expires: i64,
    not_before: Option<i64>,
    issued: Option<i64>,
}

impl Times {
    pub(crate) fn read(claims: &Object, kind: Kind) -> Result<Self, ClaimError> {
        match kind {
            Kind::Assertion | Kind::AccessToken | Kind::IdToken => Self::of_jwt(claims),
            Kind::ImsAccessToken | Kind::ForeignImsAccessToken => Self::of_ims_token(claims),
        }
    }

    fn of_jwt(claims: &Object) -> Result<Self, ClaimError> {
        let expires = seconds("exp", claims.integer("exp")?)?;
        if expires == 0 {
            return Err(ClaimError::new("exp", ClaimFault::Value));
        }
        let optional = |name| {
            claims
                .optional_integer(name)?
                .map(|value| seconds(name, value))
                .transpose()
        };
        Ok(Self {
            expires,
            not_before: optional("nbf")?,
            issued: optional("iat")?,
        })
    }

    /// Strings of digits, in milliseconds (ims-protocol 4.2).
    fn of_ims_token(claims: &Object) -> Result<Self, ClaimError> {
        let created = claims.digits("created_at")?;
        let expires = created + claims.digits("expires_in")?;
        Ok(Self {
            expires,
            not_before: None,
            issued: Some(created),
        })
    }

    /// `now` in milliseconds since 1970.
    pub(crate) fn check(&self, rules: &Rules, now: i64) -> Result<(), VerifyError> {
        // Errors speak in the seconds of the claims.
        let now_s = now.div_euclid(1000);
        let ahead = |seconds: i64| now.saturating_add(seconds * 1000);
        let exp = self.expires / 1000;
        if self.expires <= now.saturating_sub(rules.skew * 1000) {
            return Err(VerifyError::Expired { exp, now: now_s });
        }
        if rules.longest > 0 && self.expires > ahead(rules.longest) {
            return Err(VerifyError::TooFarAhead { exp, now: now_s });
        }
        if let Some(nbf) = self.not_before.filter(|nbf| *nbf > ahead(rules.skew)) {
            return Err(VerifyError::NotYetValid {
                nbf: nbf / 1000,
                now: now_s,
            });
        }
        if let Some(iat) = self.issued.filter(|iat| *iat > ahead(rules.iat_ahead)) {
            return Err(VerifyError::IssuedInFuture {
                iat: iat / 1000,
                now: now_s,
            });
        }
        Ok(())
    }
}

/// Milliseconds of a `NumericDate` that is not negative and below 2^53, where every reader of JSON
/// still sees the same number.
fn seconds(name: &str, value: i64) -> Result<i64, ClaimError> {
    if (0..1 << 53).contains(&value) {
        Ok(value * 1000)
    } else {
        Err(ClaimError::new(name, ClaimFault::Value))
    }
}
