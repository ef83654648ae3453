//! Exchanges an assertion for an access token: the Service Account (JWT) grant.

use std::time::Duration;

use countersign_jose::{
    Candidate, ClaimError, Object, Rules, TokenId as Jti, Unverified, Value, VerifyError,
};
use countersign_model::assertion::SingleUse;
use countersign_model::{Grants, Migration, Refusal};
use countersign_store::{self as store};
use countersign_wire::claims::audience;
use countersign_wire::exchange::ExchangeRequest;
use countersign_wire::{
    Caller, CertificateId, ClientId, Metascope, OrgId, ScopeSet, TechnicalAccountId, Timestamp,
};

use crate::Authority;
use crate::activity::Grant;
use crate::brownouts::BrownedOut;
use crate::client_auth::{AuthenticatedClient, ClientError, Presented};
use crate::directory::Client;
use crate::token::{AskedBy, Issued, Mint, Minter, TokenError};

/// Why an assertion was not exchanged. The sentences are for the credential's owner.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The client is not believed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Created as OAuth Server-to-Server.
    #[error("the credential was created for OAuth Server-to-Server: it never had a JWT half")]
    NoJwtHalf,
    /// The JWT half is gone, or its last date has come.
    #[error("{0}")]
    Deprecated(Refusal),
    /// A brown-out refuses it.
    #[error(transparent)]
    BrownedOut(#[from] Box<BrownedOut>),
    /// Not there, not a JWT, or a header that no assertion may have.
    #[error("the assertion cannot be read: {0}")]
    Malformed(String),
    /// A claim is missing or has the wrong form.
    #[error("{reason}")]
    Claim {
        /// Which claim.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Not RS256.
    #[error("the assertion's algorithm is not RS256")]
    Algorithm,
    /// The audience is another client's.
    #[error("aud names another client: it must be {expected}")]
    AnotherClient {
        /// What it must be.
        expected: String,
    },
    /// The audience is another environment's.
    #[error("aud names another environment: it must be {expected}")]
    AnotherEnvironment {
        /// What it must be.
        expected: String,
    },
    /// Organization or technical account are not the credential's.
    #[error("{claim} is not the credential's: it must be {expected}")]
    NotBound {
        /// `iss` or `sub`.
        claim: &'static str,
        /// What it must be.
        expected: String,
    },
    /// No certificate verifies it.
    #[error(
        "none of the credential's {live} valid certificates ({expired} more have expired or are not valid yet) verifies the signature: upload the certificate of the key that signs, or sign with the right key"
    )]
    Signature {
        /// How many certificates are live.
        live: usize,
        /// How many are not.
        expired: usize,
    },
    /// Over. Seconds since 1970.
    #[error("the assertion expired {} s ago by the server's clock: {}", .now - .exp, clock_advice(.now - .exp))]
    Expired {
        /// Its `exp`.
        exp: i64,
        /// The server's clock.
        now: i64,
    },
    /// Its start or its making lies ahead. Seconds since 1970.
    #[error("the assertion's {claim} is {} s ahead of the server's clock: set the client's clock", .at - .now)]
    Ahead {
        /// `nbf` or `iat`.
        claim: &'static str,
        /// Its value.
        at: i64,
        /// The server's clock.
        now: i64,
    },
    /// Lives too long. Seconds since 1970.
    #[error("the assertion expires {} s ahead: sign one that lives a few minutes", .exp - .now)]
    TooFarAhead {
        /// Its `exp`.
        exp: i64,
        /// The server's clock.
        now: i64,
    },
    /// Single use is demanded, and there is no `jti`.
    #[error("the organization demands a jti in every assertion, and this one has none")]
    NoJti,
    /// Used before.
    #[error(
        "the assertion was exchanged before, and the organization allows one exchange for each"
    )]
    Replayed,
    /// It asks for nothing.
    #[error("the assertion asks for no metascope: the credential is bound to {bound}")]
    NoMetascope {
        /// What it could ask for.
        bound: String,
    },
    /// It asks for more than it has.
    #[error("the credential is not bound to {metascope}, only to {bound}")]
    NotBoundTo {
        /// What it does not have.
        metascope: String,
        /// What it has.
        bound: String,
    },
    /// Single use cannot be checked.
    #[error("the store of used assertions does not answer: {0}")]
    Unavailable(String),
    /// The token could not be made.
    #[error(transparent)]
    Token(#[from] TokenError),
}

fn clock_advice(seconds: i64) -> &'static str {
    if seconds < 600 {
        "sign a fresh one, and check the client's clock"
    } else {
        "sign a fresh one for each exchange"
    }
}

/// What the token is made of once the signature is verified.
struct Asserted {
    certificate: CertificateId,
    jti: Option<Jti>,
    metascopes: Vec<Metascope>,
    expires_at: Timestamp,
}

/// An assertion that was taken, and who brought it.
pub(crate) struct Exchanged<'a> {
    pub(crate) client: &'a AuthenticatedClient,
    pub(crate) asked_by: AskedBy,
    pub(crate) caller: &'a Caller,
    pub(crate) certificate: CertificateId,
    pub(crate) scope: ScopeSet,
    pub(crate) resources: Vec<String>,
}

impl Authority {
    /// Exchanges an assertion, in the order of `spec/ims-protocol.md` 2.2 with the client's secret
    /// first (`spec/decisions.md`, decision 13).
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn exchange(
        &self,
        request: ExchangeRequest,
        presented: &Presented,
    ) -> Result<Issued, ExchangeError> {
        let client = self.authenticate(presented).await?;
        let known = client.client();
        let now = self.clock.now();
        let works = self.check_jwt_half(known, now);
        if let Err(ExchangeError::Deprecated(_)) = &works {
            let credential = &known.credential.id;
            self.activity
                .note_attempt(credential, &presented.caller, now);
        }
        works?;
        self.check_brownouts(known, &presented.caller, now)?;
        self.admit(known)?;
        let assertion = request
            .assertion
            .as_ref()
            .map_or("", |assertion| assertion.expose());
        let asserted = self.verify_assertion(assertion, known, now).await?;
        self.take_share(known)?;
        self.use_once(&asserted, known).await?;
        let scope = self.expand(&asserted.metascopes, known)?;
        let minted = Exchanged {
            client: &client,
            asked_by: AskedBy::Client,
            caller: &presented.caller,
            certificate: asserted.certificate,
            scope,
            resources: request.resources,
        };
        let mint = self.mint_of(minted, now);
        Ok(self.mint(&mint).await?)
    }

    /// What a token of the JWT half is minted from.
    pub(crate) fn mint_of<'a>(&self, exchanged: Exchanged<'a>, now: Timestamp) -> Mint<'a> {
        let known = exchanged.client.client();
        let credential = &known.credential;
        let policies = self.policies.load();
        let policy = credential.dates(&policies.of(&credential.org_id));
        let certificate = known.certificate(&exchanged.certificate);
        let ends = [certificate.map(|c| c.not_after), policy.final_on];
        Mint {
            client: exchanged.client,
            asked_by: exchanged.asked_by,
            caller: exchanged.caller,
            grant: Grant::JwtExchange,
            minter: Minter::Certificate(exchanged.certificate),
            scope: exchanged.scope,
            audience: Some(exchanged.resources).filter(|all| !all.is_empty()),
            ends: ends.into_iter().flatten().min(),
            notice: policy.notice(credential.origin, credential.last_certificate_ends(), now),
        }
    }

    pub(crate) fn check_jwt_half(
        &self,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), ExchangeError> {
        let credential = &client.credential;
        match credential.grants {
            Grants::OAuth => return Err(ExchangeError::NoJwtHalf),
            Grants::Jwt(Migration::Completed { at }) => {
                return Err(ExchangeError::Deprecated(Refusal::Migrated { since: at }));
            }
            Grants::Jwt(_) => {}
        }
        let policies = self.policies.load();
        credential
            .dates(&policies.of(&credential.org_id))
            .may_exchange(credential.origin, now)
            .map_err(ExchangeError::Deprecated)?;
        // What a date ended is told as that, also once it was disabled for it.
        match credential.grants {
            Grants::Jwt(Migration::Disabled { at, .. }) => {
                Err(ExchangeError::Deprecated(Refusal::Disabled { since: at }))
            }
            _ => Ok(()),
        }
    }

    async fn verify_assertion(
        &self,
        assertion: &str,
        client: &Client,
        now: Timestamp,
    ) -> Result<Asserted, ExchangeError> {
        let rules = self.assertion_rules();
        let unverified = Unverified::parse(assertion)
            .map_err(|error| ExchangeError::Malformed(error.to_string()))?;
        check_form(&unverified, &rules)?;
        unverified
            .check_algorithm(&rules)
            .map_err(|_| ExchangeError::Algorithm)?;
        let origin = self
            .check_audience(unverified.claims(), &client.credential.client_id)
            .await?;
        check_binding(unverified.claims(), client)?;
        let live: Vec<_> = client
            .keys
            .iter()
            .filter(|(id, _)| client.certificate(id).is_some_and(|c| c.is_live(now)))
            .collect();
        let candidates: Vec<_> = live
            .iter()
            .map(|(_, key)| Candidate { kid: None, key })
            .collect();
        let verified = unverified
            .verify(&candidates, &rules, now.as_millis(), |claims| {
                Ok((claims.token_id()?, read_metascopes(claims, &origin)?))
            })
            .map_err(|error| refused(error, live.len(), client.keys.len() - live.len()))?;
        let signer = live.get(verified.key()).map(|(id, _)| id.clone());
        let certificate = signer.ok_or(ExchangeError::Signature {
            live: live.len(),
            expired: 0,
        })?;
        let expires_at = Timestamp::from_millis(verified.expires_at());
        let (jti, metascopes) = verified.into_claims();
        Ok(Asserted {
            certificate,
            jti,
            metascopes,
            expires_at,
        })
    }

    fn assertion_rules(&self) -> Rules {
        let longest = u32::try_from(self.config.longest_assertion_seconds).unwrap_or(u32::MAX);
        Rules::assertion().with_longest(longest)
    }

    /// The origin that the audience was made from: whole strings are compared, never parts.
    async fn check_audience(
        &self,
        claims: &Object,
        client_id: &ClientId,
    ) -> Result<String, ExchangeError> {
        let expected = || audience(&self.config.issuer, client_id);
        let Ok(aud) = claims.one_audience() else {
            return Err(ExchangeError::AnotherEnvironment {
                expected: expected(),
            });
        };
        if let Some(origin) = self
            .config
            .origins()
            .find(|o| audience(o, client_id) == aud)
        {
            return Ok(origin.to_owned());
        }
        let other = self
            .config
            .origins()
            .find_map(|origin| aud.strip_prefix(origin)?.strip_prefix("/c/"));
        match other.map(ClientId::parse) {
            Some(Ok(other)) if self.directory.find(&other).await.is_ok() => {
                Err(ExchangeError::AnotherClient {
                    expected: expected(),
                })
            }
            _ => Err(ExchangeError::AnotherEnvironment {
                expected: expected(),
            }),
        }
    }

    async fn use_once(&self, asserted: &Asserted, client: &Client) -> Result<(), ExchangeError> {
        match client
            .organization
            .replay
            .single_use(asserted.jti.is_some())
        {
            SingleUse::NotAsked => Ok(()),
            SingleUse::Missing => Err(ExchangeError::NoJti),
            SingleUse::Record => {
                let Some(jti) = &asserted.jti else {
                    return Err(ExchangeError::NoJti);
                };
                // Old clients write the time in seconds: two credentials of one organization may
                // well write the same.
                let jti = format!("{}|{jti}", client.credential.id);
                let keep_until = asserted.expires_at.plus(KEEP_USED);
                let org = &client.organization.id;
                let first = Box::pin(self.record_use(org, &jti, keep_until)).await;
                match first.map_err(|error| ExchangeError::Unavailable(error.to_string()))? {
                    true => Ok(()),
                    false => Err(ExchangeError::Replayed),
                }
            }
        }
    }

    pub(crate) async fn record_use(
        &self,
        org: &OrgId,
        jti: &str,
        until: Timestamp,
    ) -> Result<bool, store::Error> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let first = store::used_assertions::insert(&mut write, org, jti, until).await?;
            write.commit().await?;
            Ok(first)
        })
        .await
    }

    pub(crate) fn expand(
        &self,
        metascopes: &[Metascope],
        client: &Client,
    ) -> Result<ScopeSet, ExchangeError> {
        let bound = || {
            let names = client
                .credential
                .bound_metascopes(&self.catalogue)
                .map(Metascope::as_str);
            names.collect::<Vec<_>>().join(", ")
        };
        if metascopes.is_empty() {
            return Err(ExchangeError::NoMetascope { bound: bound() });
        }
        client
            .credential
            .expand(metascopes, &self.catalogue)
            .map_err(|unbound| ExchangeError::NotBoundTo {
                metascope: unbound.0.to_string(),
                bound: bound(),
            })
    }
}

/// Beyond `exp` an assertion is still accepted for the skew; nodes may differ a little, too.
pub(crate) const KEEP_USED: Duration =
    Duration::from_secs(countersign_model::assertion::CLOCK_SKEW.as_secs() + 30);

/// Rows 6 and 13: what is decided from the form alone.
fn check_form(unverified: &Unverified<'_>, rules: &Rules) -> Result<(), ExchangeError> {
    unverified
        .check_claims(rules)
        .map_err(|error| form_error(&error))?;
    let claims = unverified.claims();
    let iss = claims.string("iss").map_err(|error| form_error(&error))?;
    let sub = claims.string("sub").map_err(|error| form_error(&error))?;
    OrgId::parse(iss).map_err(|error| ExchangeError::Claim {
        name: "iss",
        reason: format!("iss is {error}"),
    })?;
    TechnicalAccountId::parse(sub).map_err(|error| ExchangeError::Claim {
        name: "sub",
        reason: format!("sub is {error}"),
    })?;
    Ok(())
}

/// Row 8 for what is well formed but another's: the binding set is empty.
fn check_binding(claims: &Object, client: &Client) -> Result<(), ExchangeError> {
    let expected = [
        ("iss", client.organization.id.as_str()),
        ("sub", client.account.id.as_str()),
    ];
    for (claim, expected) in expected {
        if claims.string(claim).ok() != Some(expected) {
            return Err(ExchangeError::NotBound {
                claim,
                expected: expected.to_owned(),
            });
        }
    }
    Ok(())
}

/// The metascopes that are claimed: members `{origin}/s/{name}` with the value `true`.
fn read_metascopes(claims: &Object, origin: &str) -> Result<Vec<Metascope>, ClaimError> {
    use countersign_jose::ClaimFault;
    let mut metascopes = Vec::new();
    for (name, value) in claims.members() {
        let Some(name) = name
            .strip_prefix(origin)
            .and_then(|rest| rest.strip_prefix("/s/"))
        else {
            continue;
        };
        let asked = match value {
            Value::Bool(asked) => *asked,
            Value::Null => false,
            _ => return Err(ClaimError::new(METASCOPE, ClaimFault::WrongType)),
        };
        if asked {
            let metascope = Metascope::parse(name)
                .map_err(|_| ClaimError::new(METASCOPE, ClaimFault::Value))?;
            metascopes.push(metascope);
        }
    }
    Ok(metascopes)
}

const METASCOPE: &str = "metascope";

fn refused(error: VerifyError, live: usize, expired: usize) -> ExchangeError {
    match error {
        VerifyError::Algorithm => ExchangeError::Algorithm,
        VerifyError::Signature | VerifyError::UnknownKey => {
            ExchangeError::Signature { live, expired }
        }
        VerifyError::Claim(error) => form_error(&error),
        VerifyError::Expired { exp, now } => ExchangeError::Expired { exp, now },
        VerifyError::NotYetValid { nbf, now } => ExchangeError::Ahead {
            claim: "nbf",
            at: nbf,
            now,
        },
        VerifyError::IssuedInFuture { iat, now } => ExchangeError::Ahead {
            claim: "iat",
            at: iat,
            now,
        },
        VerifyError::TooFarAhead { exp, now } => ExchangeError::TooFarAhead { exp, now },
        VerifyError::Malformed(_) | VerifyError::Header(_) | VerifyError::Kind => {
            ExchangeError::Malformed(error.to_string())
        }
    }
}

/// A wrong JSON type of `exp` or `jti` counts as undecodable (row 6); everything else about a
/// claim is row 13.
fn form_error(error: &ClaimError) -> ExchangeError {
    use countersign_jose::ClaimFault;
    let name = CLAIMS
        .into_iter()
        .find(|name| *name == error.claim)
        .unwrap_or("aud");
    match (name, error.fault) {
        ("exp" | "jti", ClaimFault::WrongType | ClaimFault::Value) => {
            ExchangeError::Malformed(error.to_string())
        }
        _ => ExchangeError::Claim {
            name,
            reason: error.to_string(),
        },
    }
}

const CLAIMS: [&str; 8] = ["exp", "iss", "sub", "aud", "jti", "iat", "nbf", METASCOPE];
