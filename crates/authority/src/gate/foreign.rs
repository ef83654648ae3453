//! Tokens of another IMS, for a gateway that stands in front of APIs whose callers get their tokens
//! there. Source: `spec/ims-protocol.md` 4.3, 4.4, 4.7 and 8.2.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use countersign_jose::{Candidate, ClaimError, Object, Rules, Unverified, VerifyError};
use countersign_wire::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::tokens::{Foreigner, VerifiedToken};
use crate::validate::{InvalidToken, refused};
use keys::Keys;

mod keys;

/// What is asked of another IMS, by somebody who knows HTTP. Each answer is bounded in size and
/// time, and no redirect is followed.
pub trait ForeignIms: Send + Sync {
    /// Its key set (`/ims/keys`).
    fn key_set(&self) -> Asked<'_, Fetched>;
    /// The certificate file of that name, or nothing where there is none.
    fn certificate<'a>(&'a self, file: &'a str) -> Asked<'a, Option<Fetched>>;
    /// What it says to `/ims/validate_token/v1` about a token: the body of a 200.
    fn validate<'a>(&'a self, token: &'a str) -> Asked<'a, String>;
}

/// An answer that is waited for; the error is a sentence for the log.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// A document of another IMS.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The document.
    pub body: String,
    /// How long it may be kept, if that was said.
    pub max_age: Option<Duration>,
}

/// Settings of the IMS whose tokens are taken instead of our own.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignConfig {
    /// What it calls itself in the claim `as`.
    pub authorization_server: String,
    /// How its tokens are verified.
    #[serde(default)]
    pub verify_by: VerifyBy,
    /// What becomes of clients that are not known here.
    #[serde(default)]
    pub unknown_clients: UnknownClients,
}

/// How tokens of another IMS are verified.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyBy {
    /// Here, with the keys of its key set.
    #[default]
    KeySet,
    /// Here, with the certificate that `x5u` names.
    Certificates,
    /// There, by a call for each token and minute.
    Call,
}

/// What becomes of clients of another IMS that are not known here: what they are subscribed to
/// cannot be told.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownClients {
    /// They are refused.
    #[default]
    Refuse,
    /// The scopes of their tokens decide, where an operation asks for any.
    ByScope,
}

/// Another IMS, with what is known of its keys.
pub(crate) struct Foreign {
    config: ForeignConfig,
    ims: Arc<dyn ForeignIms>,
    keys: Keys,
    calls: Semaphore,
}

impl Foreign {
    pub(crate) fn new(config: ForeignConfig, ims: Arc<dyn ForeignIms>) -> Self {
        Self {
            keys: Keys::new(Arc::clone(&ims), config.verify_by),
            calls: Semaphore::new(MOST_CALLS),
            config,
            ims,
        }
    }

    pub(super) fn takes_unknown_clients(&self) -> bool {
        self.config.unknown_clients == UnknownClients::ByScope
    }

    /// Whether a token is one of that IMS and holds, as far as can be told.
    pub(super) async fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedToken, InvalidToken> {
        let unverified =
            Unverified::parse(token).map_err(|error| InvalidToken::Malformed(error.to_string()))?;
        let (claims, until) = match self.config.verify_by {
            VerifyBy::Call => self.ask(token, &unverified, now).await?,
            VerifyBy::KeySet | VerifyBy::Certificates => self.check(&unverified, now).await?,
        };
        if claims.expires_at <= now {
            return Err(InvalidToken::Expired(claims.expires_at));
        }
        let until = until.min(claims.expires_at);
        VerifiedToken::foreign(claims, token, until)
    }

    /// Here: it is believed for as long as its key is.
    async fn check(
        &self,
        token: &Unverified<'_>,
        now: Timestamp,
    ) -> Result<(Foreigner, Timestamp), InvalidToken> {
        let rules = Rules::foreign_ims_access_token();
        token.check_algorithm(&rules).map_err(refused)?;
        let name = KeyName::of(token)?;
        let found = self.keys.find(&name, now).await;
        let (key, until) = found
            .map_err(InvalidToken::Unavailable)?
            .ok_or(InvalidToken::Signature)?;
        let candidate = Candidate {
            kid: None,
            key: &key,
        };
        let verified = token.verify(&[candidate], &rules, now.as_millis(), |claims| {
            self.read(claims)
        });
        let verified = verified.map_err(refused)?;
        Ok((verified.into_claims(), until))
    }

    /// There: the token is what that IMS says it is, for a minute.
    async fn ask(
        &self,
        text: &str,
        token: &Unverified<'_>,
        now: Timestamp,
    ) -> Result<(Foreigner, Timestamp), InvalidToken> {
        // Read before anybody is asked: what is no token of that IMS costs no call.
        let malformed = |error: ClaimError| refused(VerifyError::Claim(error));
        let rules = Rules::foreign_ims_access_token();
        token.check_claims(&rules).map_err(malformed)?;
        let mut claims = self.read(token.claims()).map_err(malformed)?;
        let _turn = self.calls.acquire().await;
        let said = self
            .ims
            .validate(text)
            .await
            .map_err(InvalidToken::Unavailable)?;
        let verdict: Verdict = serde_json::from_str(&said)
            .map_err(|_| InvalidToken::Unavailable("the IMS answered no verdict".to_owned()))?;
        if !verdict.valid {
            return Err(InvalidToken::Revoked("the IMS says that it does not hold"));
        }
        if let Some(ends) = verdict.expires_at.map(timestamp) {
            claims.expires_at = claims.expires_at.min(ends);
        }
        Ok((claims, now.plus(KEEP_VERDICT)))
    }

    fn read(&self, claims: &Object) -> Result<Foreigner, ClaimError> {
        Foreigner::read(claims, &self.config.authorization_server)
    }
}

/// How a token names its key.
pub(super) struct KeyName<'t> {
    kid: Option<&'t str>,
    file: Option<&'t str>,
}

impl<'t> KeyName<'t> {
    fn of(token: &'t Unverified<'_>) -> Result<Self, InvalidToken> {
        let file = token.header().optional_string("x5u");
        let file = file.map_err(|error| InvalidToken::Malformed(error.to_string()))?;
        Ok(Self {
            kid: token.key_id(),
            file,
        })
    }

    /// The file of its certificate. A name only, never a path: it becomes part of an address.
    fn file(&self) -> Option<&'t str> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        self.file.filter(|name| {
            name.len() <= 100
                && name.ends_with(".cer")
                && !name.starts_with('.')
                && name.bytes().all(fits)
        })
    }

    /// Its name in a key set: older tokens have the file only.
    fn kid(&self) -> Option<&'t str> {
        self.kid.or_else(|| self.file?.strip_suffix(".cer"))
    }
}

/// `/ims/validate_token/v1` as far as it decides.
#[derive(Deserialize)]
struct Verdict {
    valid: bool,
    expires_at: Option<i64>,
}

/// Seconds or milliseconds, told apart by size (`spec/ims-protocol.md` 4.4).
fn timestamp(number: i64) -> Timestamp {
    if number > 9_999_999_999 {
        Timestamp::from_millis(number)
    } else {
        Timestamp::from_seconds(number)
    }
}

/// A revoked token passes for so long (`spec/ims-protocol.md` 8.2).
const KEEP_VERDICT: Duration = Duration::from_secs(60);

/// At once: a flood of tokens must not become one of calls.
const MOST_CALLS: usize = 32;
