//! People sign in at an OpenID provider: authorization code with PKCE. Source: OpenID Connect Core
//! 1.0 and Discovery 1.0, RFC 6749, RFC 7636, RFC 9207, RFC 9700.

use countersign_wire::Opaque;
use serde::{Deserialize, Serialize};

use crate::error::ManageError;
use crate::gate::{Asked, Fetched};

mod arrival;
mod attempt;
mod id_token;
mod keys;
mod metadata;
mod provider;
mod sign_in;

pub use arrival::OfferedIdentity;
pub(crate) use arrival::{for_invitation, for_person};
pub use attempt::Purpose;
pub(crate) use provider::Provider;
pub use sign_in::{Arrival, Departure, Returned};

/// What is asked of a provider, by somebody who knows HTTP. TLS is demanded of every host but this
/// machine, each answer is bounded in size and time, and no redirect is followed.
pub trait ProviderHttp: Send + Sync {
    /// A document: metadata, keys.
    fn get<'a>(&'a self, url: &'a str) -> Asked<'a, Fetched>;
    /// The token endpoint: the body of a 200.
    fn post<'a>(&'a self, request: TokenRequest<'a>) -> Asked<'a, Opaque>;
}

/// A request for tokens. It holds secrets: nothing prints it.
pub struct TokenRequest<'a> {
    /// The token endpoint.
    pub url: &'a str,
    /// The parameters.
    pub form: &'a [(&'a str, &'a str)],
    /// Name and secret of the client, where they travel by HTTP Basic (RFC 6749 section 2.3.1).
    pub basic: Option<(&'a str, &'a Opaque)>,
}

/// A provider that people may sign in at.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Names it in the configuration and in addresses: lower-case letters, digits, `-` and `_`.
    pub id: String,
    /// What it is called on the button.
    pub name: String,
    /// Its issuer, as it writes it itself.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What we prove it by.
    pub client_secret: Opaque,
    /// What is asked for; `openid` among it.
    pub scopes: Vec<String>,
    /// Domains of which a verified mail address is demanded; any, if there are none.
    pub mail_domains: Vec<String>,
}

/// Who somebody is at a provider, as a verified ID token says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Identity {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// To recognize it by; nothing to decide with.
    pub(crate) shown: String,
    /// What the person is called there; nothing to decide with.
    pub(crate) name: Option<String>,
    /// When the person proved it there, in seconds since 1970, if that was said.
    pub(crate) authenticated_at: Option<i64>,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Not configured.
    #[error("there is no such provider")]
    NoProvider,
    /// What came back is not what this browser left with, or too late.
    #[error(
        "this sign-in took longer than ten minutes, was used already, or began in another browser: begin again"
    )]
    Stale,
    /// The provider refused, or the person did.
    #[error("{provider} did not sign you in: begin again, or sign in another way")]
    Declined {
        /// By name.
        provider: String,
        /// Its word for it.
        code: String,
    },
    /// Something in its answer is not as it must be.
    #[error(
        "the answer of {provider} cannot be believed, so nobody was signed in: begin again, and tell the operator of this installation if it lasts"
    )]
    NotBelieved {
        /// By name.
        provider: String,
        /// What is wrong; for the operator.
        why: String,
    },
    /// It does not answer as it should.
    #[error(
        "{provider} cannot be asked at the moment: try again in a minute, or sign in another way"
    )]
    Unavailable {
        /// By name.
        provider: String,
        /// What is wrong; for the operator.
        why: String,
    },
    /// Not of a domain that is let in.
    #[error(
        "{provider} shows no verified mail address of {domains} for you, and nobody else comes in this way: sign in there with another account"
    )]
    Domain {
        /// By name.
        provider: String,
        /// Which ones are.
        domains: String,
    },
    /// Nobody's identity, or of somebody who was switched off.
    #[error("nobody here signs in as {shown} at {provider}")]
    Unknown {
        /// By name.
        provider: String,
        /// Whom it signed in.
        shown: String,
    },
    /// Somebody else came back than is signed in here.
    #[error(
        "{provider} signed in somebody else than you: choose the account there that is linked to yours"
    )]
    OtherPerson {
        /// By name.
        provider: String,
    },
    /// It does not say that the person has just proved who she is.
    #[error(
        "{provider} does not say that it has just asked you to sign in: sign out here, then sign in again"
    )]
    NotConfirmed {
        /// By name.
        provider: String,
    },
    /// Too many failures.
    #[error("too many sign-ins failed from here: wait five minutes, then try again")]
    Throttled,
    /// Cannot be decided now.
    #[error(transparent)]
    Manage(#[from] ManageError),
}

impl ProviderError {
    /// What the operator's log says of it.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::NotBelieved { provider, why } | Self::Unavailable { provider, why } => {
                format!("{provider}: {why}")
            }
            Self::Declined { provider, code } => format!("{provider} answered `{code}`"),
            other => other.to_string(),
        }
    }
}
