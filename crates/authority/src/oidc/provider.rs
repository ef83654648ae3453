//! One provider: where its endpoints are, and what becomes of a code.

use std::sync::Arc;
use std::time::Duration;

use countersign_jose::{Object, Unverified};
use countersign_wire::{Opaque, Timestamp};
use tokio::sync::Mutex;
use url::Url;

use super::id_token::{Believed, Expected};
use super::keys::{Keys, kept_for};
use super::metadata::{self, ClientAuth, Metadata};
use super::{Identity, ProviderConfig, ProviderError, ProviderHttp, TokenRequest};

pub(crate) struct Provider {
    pub(super) config: ProviderConfig,
    http: Arc<dyn ProviderHttp>,
    metadata: Mutex<Option<Known>>,
    keys: Keys,
}

/// What was found, also that nothing was: nobody is asked again and again who does not answer.
struct Known {
    found: Result<Arc<Metadata>, String>,
    until: Timestamp,
}

/// What the request for a code says besides what it always does.
pub(super) struct Words<'a> {
    pub(super) redirect_uri: &'a str,
    pub(super) state: &'a str,
    pub(super) nonce: &'a str,
    pub(super) challenge: &'a str,
    /// Whether the person must prove again who she is.
    pub(super) asks_again: bool,
}

/// A code, and what it is held against.
pub(super) struct Redeemed<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) verifier: &'a Opaque,
    pub(super) nonce: &'a str,
    pub(super) begun: Timestamp,
}

impl Provider {
    pub(crate) fn new(config: ProviderConfig, http: Arc<dyn ProviderHttp>) -> Self {
        Self {
            config,
            http,
            metadata: Mutex::default(),
            keys: Keys::default(),
        }
    }

    pub(super) async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, ProviderError> {
        let mut known = self.metadata.lock().await;
        let found = match known.as_ref().filter(|known| now < known.until) {
            Some(known) => known.found.clone(),
            None => {
                let (found, kept) = match self.discover().await {
                    Ok((metadata, kept)) => (Ok(Arc::new(metadata)), kept),
                    Err(why) => (Err(why), AFTER_FAILURE),
                };
                *known = Some(Known {
                    found: found.clone(),
                    until: now.plus(kept),
                });
                found
            }
        };
        found.map_err(|why| self.unavailable(why))
    }

    async fn discover(&self) -> Result<(Metadata, Duration), String> {
        let fetched = self
            .http
            .get(&metadata::address(&self.config.issuer))
            .await?;
        let metadata = Metadata::read(&fetched.body, &self.config.issuer)?;
        Ok((metadata, kept_for(fetched.max_age)))
    }

    /// Where the browser is sent (OpenID Connect Core 3.1.2.1, RFC 7636 section 4.3).
    pub(super) fn address(&self, metadata: &Metadata, words: &Words<'_>) -> Url {
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", words.redirect_uri)
            .append_pair("scope", &self.config.scopes.join(" "))
            .append_pair("state", words.state)
            .append_pair("nonce", words.nonce)
            .append_pair("code_challenge", words.challenge)
            .append_pair("code_challenge_method", "S256");
        if words.asks_again {
            url.query_pairs_mut()
                .append_pair("prompt", "login")
                .append_pair("max_age", "0");
        }
        url
    }

    /// Makes an identity of a code.
    pub(super) async fn redeem(
        &self,
        metadata: &Metadata,
        redeemed: &Redeemed<'_>,
        now: Timestamp,
    ) -> Result<Identity, ProviderError> {
        let answer = self.ask_for_tokens(metadata, redeemed).await;
        let answer = answer.map_err(|why| self.unavailable(why))?;
        let tokens = Tokens::read(&answer).map_err(|why| self.doubted(why))?;
        let token = Unverified::parse(tokens.id_token.expose());
        let token = token.map_err(|error| self.doubted(format!("its ID token: {error}")))?;
        let keys = self
            .keys
            .find(&*self.http, metadata.jwks_uri.as_str(), token.key_id(), now);
        let keys = keys.await.map_err(|why| self.unavailable(why))?;
        let expected = Expected {
            config: &self.config,
            algorithms: &metadata.algorithms,
            nonce: redeemed.nonce,
            access_token: tokens.access_token.as_ref().map(Opaque::expose),
            begun: redeemed.begun,
        };
        let believed = expected.verify(&token, &keys, now);
        let believed = believed.map_err(|error| self.doubted(format!("its ID token: {error}")))?;
        self.of_domain(believed)
    }

    async fn ask_for_tokens(
        &self,
        metadata: &Metadata,
        redeemed: &Redeemed<'_>,
    ) -> Result<Opaque, String> {
        let config = &self.config;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", redeemed.code),
            ("redirect_uri", redeemed.redirect_uri),
            ("code_verifier", redeemed.verifier.expose()),
        ];
        let basic = match metadata.client_auth {
            ClientAuth::Basic => Some((config.client_id.as_str(), &config.client_secret)),
            ClientAuth::Post => {
                form.push(("client_id", &config.client_id));
                form.push(("client_secret", config.client_secret.expose()));
                None
            }
        };
        let request = TokenRequest {
            url: metadata.token_endpoint.as_str(),
            form: &form,
            basic,
        };
        self.http.post(request).await
    }

    fn of_domain(&self, believed: Believed) -> Result<Identity, ProviderError> {
        match believed.is_of_domain {
            true => Ok(believed.identity),
            false => Err(ProviderError::Domain {
                provider: self.config.name.clone(),
                domains: self.config.mail_domains.join(" or "),
            }),
        }
    }

    pub(super) fn unavailable(&self, why: String) -> ProviderError {
        ProviderError::Unavailable {
            provider: self.config.name.clone(),
            why,
        }
    }

    pub(super) fn doubted(&self, why: impl Into<String>) -> ProviderError {
        ProviderError::NotBelieved {
            provider: self.config.name.clone(),
            why: why.into(),
        }
    }
}

/// What the token endpoint gave (OpenID Connect Core 3.1.3.3).
struct Tokens {
    id_token: Opaque,
    access_token: Option<Opaque>,
}

impl Tokens {
    fn read(answer: &Opaque) -> Result<Self, String> {
        let text = answer.expose();
        if text.len() > metadata::LONGEST {
            return Err("its answer with tokens is longer than 64 KiB".to_owned());
        }
        let found = Object::parse(text.as_bytes());
        let found = found.map_err(|_| "its answer with tokens is no JSON object".to_owned())?;
        let text = |name| match found.optional_string(name) {
            Ok(text) => Ok(text.map(|text| Opaque::new(text.to_owned()))),
            Err(_) => Err(format!("`{name}` of its answer is no text")),
        };
        Ok(Self {
            id_token: text("id_token")?.ok_or("its answer has no ID token")?,
            access_token: text("access_token")?,
        })
    }
}

/// How long nobody is asked again who did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
