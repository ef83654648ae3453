//! What an ID token must say to be believed. Source: OpenID Connect Core 3.1.3.7.

use std::time::Duration;

use countersign_jose::{
    Algorithm, ClaimError, ClaimFault, JwkSet, Object, Rules, Unverified, Value, VerifyError,
    access_token_hash,
};
use countersign_wire::Timestamp;

use super::{Identity, ProviderConfig};

/// What the token is held against.
pub(super) struct Expected<'a> {
    pub(super) config: &'a ProviderConfig,
    pub(super) algorithms: &'a [Algorithm],
    pub(super) nonce: &'a str,
    /// The access token that came with it.
    pub(super) access_token: Option<&'a str>,
    /// When the person left for the provider.
    pub(super) begun: Timestamp,
}

/// Who the person is, and whether the provider vouches for a mail address of an allowed domain.
pub(super) struct Believed {
    pub(super) identity: Identity,
    pub(super) is_of_domain: bool,
}

impl Expected<'_> {
    pub(super) fn verify(
        &self,
        token: &Unverified<'_>,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<Believed, VerifyError> {
        let rules = Rules::id_token().with_algorithms(self.algorithms.iter().copied());
        let algorithm = token.check_algorithm(&rules)?;
        let verified = token.verify(&keys.candidates(), &rules, now.as_millis(), |claims| {
            self.check(claims, algorithm)?;
            self.read(claims)
        });
        Ok(verified?.into_claims())
    }

    fn check(&self, claims: &Object, algorithm: Algorithm) -> Result<(), ClaimError> {
        must("iss", claims.string("iss")? == self.config.issuer)?;
        self.check_audience(claims)?;
        must("nonce", claims.string("nonce")? == self.nonce)?;
        let issued = Timestamp::from_seconds(claims.integer("iat")?);
        must("iat", issued.plus(SKEW) >= self.begun)?;
        let hash = claims.optional_string("at_hash")?;
        let is_hash = |hash| {
            let token = self.access_token;
            token.is_some_and(|token| access_token_hash(algorithm, token) == hash)
        };
        must("at_hash", hash.is_none_or(is_hash))
    }

    /// For us; where others are meant, too, or somebody is named who asked, that is us.
    fn check_audience(&self, claims: &Object) -> Result<(), ClaimError> {
        let audiences = claims.audiences()?;
        let own = self.config.client_id.as_str();
        must("aud", audiences.contains(&own))?;
        match claims.optional_string("azp")? {
            Some(party) => must("azp", party == own),
            None => must("azp", audiences.len() == 1),
        }
    }

    fn read(&self, claims: &Object) -> Result<Believed, ClaimError> {
        let subject = claims.string("sub")?;
        let fits =
            (1..=255).contains(&subject.len()) && subject.bytes().all(|b| matches!(b, 0x20..=0x7e));
        must("sub", fits)?;
        let mail = claims.optional_string("email")?;
        let is_verified = claims.find("email_verified") == Some(&Value::Bool(true));
        let text = |name| claims.optional_string(name).ok().flatten();
        let shown = mail.or(text("preferred_username")).unwrap_or(subject);
        Ok(Believed {
            is_of_domain: self.is_of_domain(mail.filter(|_| is_verified)),
            identity: Identity {
                issuer: self.config.issuer.clone(),
                subject: subject.to_owned(),
                shown: cut(shown),
                name: text("name").map(cut),
                authenticated_at: claims.optional_integer("auth_time")?,
            },
        })
    }

    fn is_of_domain(&self, mail: Option<&str>) -> bool {
        let allowed = &self.config.mail_domains;
        let domain = mail.and_then(|mail| mail.rsplit_once('@'));
        let is_it = |one: &String| domain.is_some_and(|(_, at)| at.eq_ignore_ascii_case(one));
        allowed.is_empty() || allowed.iter().any(is_it)
    }
}

fn must(claim: &str, holds: bool) -> Result<(), ClaimError> {
    match holds {
        true => Ok(()),
        false => Err(ClaimError::new(claim, ClaimFault::Value)),
    }
}

/// What is shown to people of a stranger's text.
fn cut(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(100).collect()
}

/// Between the provider's clock and ours, as for the other times.
pub(super) const SKEW: Duration = Duration::from_secs(60);
