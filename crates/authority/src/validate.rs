//! Says whether an access token holds. One function for everybody who asks.

use countersign_jose::{Candidate, Rules, Unverified, VerifyError};
use countersign_store::revocations::Subject;
use countersign_wire::{ClientId, Timestamp, TokenId};

use crate::claims::{TokenClaims, read_ims, read_standard};
use crate::client_auth::ClientError;
use crate::directory::Client;
use crate::token::Minter;
use crate::{Authority, Config};
use std::sync::Arc;

/// A token that holds: signed by us, alive, not revoked, of a client that is enabled.
pub struct ValidToken {
    /// What it says.
    pub claims: TokenClaims,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub client: Arc<Client>,
}

/// A token that one of our keys signed and that is not over. Whether it was revoked is another
/// question.
#[derive(Debug)]
pub(crate) struct SignedToken {
    pub(crate) claims: TokenClaims,
    pub(crate) expires_at: Timestamp,
    /// The name of the key.
    pub(crate) signed_by: String,
}

/// Why a token does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidToken {
    /// Not one of our tokens at all.
    #[error("the token can not be read: {0}")]
    Malformed(String),
    /// Another kind of token than the caller takes.
    #[error("the token is of another kind")]
    Kind,
    /// Not signed by one of our keys.
    #[error("no published key verifies the signature")]
    Signature,
    /// Over.
    #[error("the token expired at {0}")]
    Expired(Timestamp),
    /// Revoked, or its credential is gone or disabled.
    #[error("{0}")]
    Revoked(&'static str),
    /// Cannot be decided now.
    #[error("{0}")]
    Unavailable(String),
}

impl InvalidToken {
    /// `reason` of `/ims/validate_token/v1` (`spec/ims-protocol.md` 4.4).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Unavailable(_) => "token_malformed",
            Self::Kind => "type_mismatch",
            Self::Signature => "bad_signature",
            Self::Expired(_) => "token_expired",
            Self::Revoked(_) => "token_revoked",
        }
    }
}

impl Authority {
    /// Whether `token` is an access token of ours that holds now.
    ///
    /// # Errors
    /// [`InvalidToken`]; [`InvalidToken::Unavailable`] when it cannot be told.
    pub async fn validate(&self, token: &str) -> Result<ValidToken, InvalidToken> {
        let now = self.clock.now();
        let SignedToken {
            claims, expires_at, ..
        } = self.verify_access_token(token, now)?;
        if self.is_revoked(&claims) {
            return Err(REVOKED);
        }
        let client = self.client_of(&claims).await?;
        Ok(ValidToken {
            claims,
            expires_at,
            client,
        })
    }

    /// Checks kind, signature, issuer and time, and nothing that can change. A token of either
    /// kind must be that kind in its header and in its claims.
    pub(crate) fn verify_access_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<SignedToken, InvalidToken> {
        verify(token, &self.keyring.load().candidates(), &self.config, now)
    }

    fn is_revoked(&self, claims: &TokenClaims) -> bool {
        revocable(claims).is_none_or(|subjects| self.is_any_revoked(&subjects, claims.created_at))
    }

    /// Whether a token that was made at `created_at` ended together with one of `subjects`.
    pub(crate) fn is_any_revoked(&self, subjects: &[Subject], created_at: Timestamp) -> bool {
        let mut subjects = subjects.iter();
        subjects.any(|subject| self.revocations.covers(subject, created_at))
    }

    async fn client_of(&self, claims: &TokenClaims) -> Result<Arc<Client>, InvalidToken> {
        let id = ClientId::parse(&claims.client_id).map_err(|_| GONE)?;
        let client = self.known_client(&id).await.map_err(|error| match error {
            ClientError::Unavailable(why) => InvalidToken::Unavailable(why),
            _ => GONE,
        })?;
        self.check_owner(
            &client,
            &claims.account_id,
            &claims.org_id,
            claims.created_at,
        )?;
        Ok(client)
    }

    /// Whether `client`, as it is now, stands behind a token that was made at `created_at` for an
    /// account and an organization.
    pub(crate) fn check_owner(
        &self,
        client: &Client,
        account_id: &str,
        org_id: &str,
        created_at: Timestamp,
    ) -> Result<(), InvalidToken> {
        let same =
            client.account.id.as_str() == account_id && client.organization.id.as_str() == org_id;
        let credential = Subject::Credential(client.credential.id.clone());
        let revoked = self.revocations.covers(&credential, created_at);
        if !same || client.disabled().is_some() || revoked {
            return Err(GONE);
        }
        Ok(())
    }
}

/// What of a token can be revoked: itself, and what it was minted with. Nothing for one that names
/// neither in a form of ours: it holds nowhere.
pub(crate) fn revocable(claims: &TokenClaims) -> Option<[Subject; 2]> {
    let token = TokenId::parse(&claims.id).ok().map(Subject::Token)?;
    let minter = Minter::parse(&claims.minted_by)?.revocable();
    Some([token, minter])
}

/// Why a token does not hold whose client changed.
pub(crate) const GONE: InvalidToken =
    InvalidToken::Revoked("the credential of the token is gone or disabled");

/// Why a token does not hold that was ended.
pub(crate) const REVOKED: InvalidToken =
    InvalidToken::Revoked("the token, or what it was minted with, was revoked");

fn verify(
    token: &str,
    keys: &[Candidate<'_>],
    config: &Config,
    now: Timestamp,
) -> Result<SignedToken, InvalidToken> {
    let unverified =
        Unverified::parse(token).map_err(|error| InvalidToken::Malformed(error.to_string()))?;
    let now_ms = now.as_millis();
    // Which rules apply is the token's to say: both are strict about the rest of its header.
    let verified = if unverified.header().find("typ").is_none() {
        unverified.verify(keys, &Rules::ims_access_token(), now_ms, |claims| {
            read_ims(claims, &config.authorization_server)
        })
    } else {
        unverified.verify(keys, &Rules::access_token(), now_ms, |claims| {
            read_standard(claims, &config.issuer)
        })
    };
    let verified = verified.map_err(refused)?;
    let expires_at = Timestamp::from_millis(verified.expires_at());
    if expires_at <= now {
        return Err(InvalidToken::Expired(expires_at));
    }
    let signer = keys.get(verified.key()).and_then(|key| key.kid);
    Ok(SignedToken {
        signed_by: signer.unwrap_or_default().to_owned(),
        claims: verified.into_claims(),
        expires_at,
    })
}

pub(crate) fn refused(error: VerifyError) -> InvalidToken {
    match error {
        VerifyError::Expired { exp, .. } => InvalidToken::Expired(Timestamp::from_seconds(exp)),
        VerifyError::Signature | VerifyError::UnknownKey | VerifyError::Algorithm => {
            InvalidToken::Signature
        }
        // Well signed, but in the name of another issuer.
        VerifyError::Claim(error) if ["as", "iss"].contains(&error.claim.as_str()) => {
            InvalidToken::Signature
        }
        VerifyError::Kind => InvalidToken::Kind,
        other => InvalidToken::Malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use countersign_jose::{Algorithm, SigningKey};
    use serde_json::{Map, Value, json};

    use super::*;

    const NOW: i64 = 1_769_947_200;

    fn keys() -> &'static [(&'static str, SigningKey)] {
        static KEYS: OnceLock<Vec<(&str, SigningKey)>> = OnceLock::new();
        KEYS.get_or_init(|| {
            [
                ("rs", Algorithm::Rs256),
                ("es", Algorithm::Es256),
                ("ed", Algorithm::EdDsa),
            ]
            .map(|(kid, algorithm)| (kid, SigningKey::generate(algorithm).expect("a key")))
            .into()
        })
    }

    /// Signs with the right key, whatever it says.
    fn sign(header: &Value, claims: &Value) -> String {
        let kid = header["kid"].as_str().expect("named");
        let (_, key) = keys().iter().find(|(id, _)| *id == kid).expect("known");
        key.sign_compact(header.to_string().as_bytes(), claims.to_string().as_bytes())
            .expect("signs")
    }

    fn check(header: &Value, claims: &Value) -> Result<TokenClaims, InvalidToken> {
        let candidates: Vec<_> = keys()
            .iter()
            .map(|(kid, key)| Candidate {
                kid: Some(kid),
                key: key.verifying_key(),
            })
            .collect();
        let config = Config {
            issuer: "https://ims.example".to_owned(),
            ..Config::default()
        };
        let now = Timestamp::from_seconds(NOW);
        verify(&sign(header, claims), &candidates, &config, now).map(|token| token.claims)
    }

    fn ims() -> (Value, Value) {
        let header = json!({"alg": "RS256", "kid": "rs", "itt": "at"});
        let claims = json!({
            "id": "1769947200000_x_ue1", "org": "o", "type": "access_token", "client_id": "c",
            "user_id": "u", "as": "ims-na1", "aa_id": "u", "ctp": 3, "moi": "1",
            "expires_in": "1000", "created_at": "1769947200000", "scope": "openid",
            "minted_by": "secret:1",
        });
        (header, claims)
    }

    fn standard(kid: &str, algorithm: &str) -> (Value, Value) {
        let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": kid});
        let claims = json!({
            "iss": "https://ims.example", "sub": "u", "aud": "https://ims.example",
            "client_id": "c", "org_id": "o", "scope": "openid", "jti": "1769947200000_x_ue1",
            "iat": NOW, "exp": NOW + 60, "minted_by": "secret:1",
        });
        (header, claims)
    }

    fn good() -> Vec<(Value, Value)> {
        vec![
            ims(),
            standard("rs", "RS256"),
            standard("es", "ES256"),
            standard("ed", "EdDSA"),
        ]
    }

    fn members(value: &Value) -> &Map<String, Value> {
        value.as_object().expect("an object")
    }

    #[test]
    fn both_kinds_hold_with_every_algorithm_of_theirs() {
        for (header, claims) in good() {
            let read = check(&header, &claims).expect("holds");
            assert_eq!(
                (read.client_id.as_str(), read.account_id.as_str()),
                ("c", "u")
            );
            assert_eq!(read.created_at, Timestamp::from_seconds(NOW));
            let signed = serde_json::to_value(&read.signed).expect("serializes");
            assert_eq!(signed, claims);
        }
    }

    #[test]
    fn the_claims_of_one_kind_are_nothing_under_the_header_of_another() {
        let all = good();
        for (at, (header, _)) in all.iter().enumerate() {
            for (other, (_, claims)) in all.iter().enumerate() {
                let same = (at == 0) == (other == 0);
                assert_eq!(check(header, claims).is_ok(), same, "{header} {claims}");
            }
        }
        // What says to be both is neither.
        let ((ims_header, ims_claims), (header, claims)) = (ims(), standard("rs", "RS256"));
        let mut both = members(&ims_claims).clone();
        both.extend(members(&claims).clone());
        for header in [ims_header, header] {
            assert!(
                check(&header, &Value::Object(both.clone())).is_err(),
                "{header}"
            );
        }
    }

    #[test]
    fn a_header_that_says_another_kind_is_refused() {
        for (header, claims) in good() {
            for (name, value) in [
                ("typ", json!("JWT")),
                ("typ", json!("at+jwt")),
                ("typ", json!("application/at+jwt")),
                ("typ", json!(null)),
                ("itt", json!("at")),
                ("itt", json!("rt")),
                ("itt", json!(7)),
                ("alg", json!("none")),
                ("alg", json!("HS256")),
                ("kid", json!("es")),
            ] {
                let mut changed = members(&header).clone();
                if changed.insert(name.to_owned(), value.clone()) == Some(value) {
                    continue;
                }
                assert!(
                    check(&changed.into(), &claims).is_err(),
                    "{name} in {header}"
                );
            }
            for name in ["typ", "itt"] {
                let mut changed = members(&header).clone();
                if changed.remove(name).is_some() {
                    assert!(check(&changed.into(), &claims).is_err(), "no {name}");
                }
            }
        }
    }

    #[test]
    fn every_claim_must_be_there_and_of_its_type() {
        for (header, claims) in good() {
            for name in members(&claims).keys() {
                let mut without = members(&claims).clone();
                without.remove(name);
                assert!(check(&header, &without.into()).is_err(), "no {name}");
                for wrong in [json!({}), json!(null), json!(true)] {
                    let mut changed = members(&claims).clone();
                    changed.insert(name.clone(), wrong);
                    assert!(
                        check(&header, &changed.into()).is_err(),
                        "{name} of another type"
                    );
                }
            }
            let mut bound = members(&claims).clone();
            bound.insert("cnf".to_owned(), json!({"jkt": "x"}));
            assert!(check(&header, &bound.into()).is_err(), "bound to a sender");
        }
    }

    #[test]
    fn tokens_of_another_issuer_are_badly_signed() {
        for ((header, mut claims), name) in [(ims(), "as"), (standard("es", "ES256"), "iss")] {
            claims[name] = json!("https://ims.example/");
            assert_eq!(check(&header, &claims).err(), Some(InvalidToken::Signature));
        }
    }

    #[test]
    fn a_standard_token_is_over_at_its_exp() {
        let (header, mut claims) = standard("ed", "EdDSA");
        claims["exp"] = json!(NOW);
        let over = Some(InvalidToken::Expired(Timestamp::from_seconds(NOW)));
        assert_eq!(check(&header, &claims).err(), over);
        claims["exp"] = json!(NOW + 1);
        assert!(check(&header, &claims).is_ok());
    }
}
