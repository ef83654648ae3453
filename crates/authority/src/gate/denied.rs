//! Why a call does not pass.

use std::time::Duration;

use countersign_model::published::Console;
use countersign_wire::{ClientId, GatewayError, ScopeSet, ServiceCode};

use crate::validate::InvalidToken;

/// Why a call does not pass, in the order of the checks. The sentences are for the credential's
/// owner; the caller sees [`error`](Self::error).
#[derive(Clone, Debug, thiserror::Error)]
pub enum Denied {
    /// No `x-api-key`.
    #[error("the call has no x-api-key: send the client id in it")]
    NoApiKey,
    /// No credential has it.
    #[error(
        "no credential has this x-api-key as its client id: it was mistyped, deleted, or belongs to another installation"
    )]
    UnknownApiKey,
    /// It cannot be told whose it is.
    #[error("it cannot be told whose x-api-key this is: {0}")]
    ApiKeyUnavailable(String),
    /// Credential, project or organization is switched off.
    #[error("the {0} of the x-api-key is disabled: enable it to let the client in")]
    Disabled(&'static str),
    /// The credential may not use the service.
    #[error(
        "the credential is not subscribed to service `{0}`: add the service to it, then request a new token"
    )]
    NotSubscribed(ServiceCode),
    /// A client of another IMS, of which nothing is known, and no scope speaks for it.
    #[error(
        "no credential has this x-api-key, and the operation asks for no scope that could speak for a client of another IMS"
    )]
    NothingKnown,
    /// No `Authorization`.
    #[error("the call has no Authorization header: send `Bearer` and an access token")]
    NoToken,
    /// Something else in `Authorization`.
    #[error("the Authorization header holds no bearer token: send `Bearer` and an access token")]
    NoBearerToken,
    /// The token does not hold.
    #[error("{0}")]
    InvalidToken(InvalidToken),
    /// It cannot be told whether it holds.
    #[error("it cannot be told whether the token holds: {0}")]
    TokenUnavailable(String),
    /// The token is another client's than the key.
    #[error(
        "the token is of client {0}, not of the x-api-key: send the client id that requested it"
    )]
    AnotherClient(ClientId),
    /// The service names its clients, and this is none of them.
    #[error("the service takes calls of listed clients only, and this is none of them")]
    ClientNotListed,
    /// The credential came to be through a console that the service is not published for.
    #[error(
        "the credential comes from {}, and the service is published for the other one",
        match .0 {
            Console::DeveloperConsole => "the Developer Console",
            Console::AemDeveloperConsole => "the AEM Developer Console",
        }
    )]
    WrongConsole(Console),
    /// The operation asks for more.
    #[error("the operation asks for {0}, which the token does not have: request a token with it")]
    Scopes(ScopeSet),
    /// A header is absent or empty.
    #[error("the service requires the header {0}")]
    MissingHeader(String),
    /// The header names another organization than the token's.
    #[error("the header {0} names another organization than the token's")]
    AnotherOrganization(String),
    /// No product profile.
    #[error(
        "the credential is subscribed to `{0}` without a product profile: give it one that the organization has of it"
    )]
    NoProfile(ServiceCode),
    /// Too many calls of the client.
    #[error("the client makes more than {per_minute} calls per minute")]
    TooManyOfClient {
        /// The limit.
        per_minute: u32,
        /// When there is room again.
        retry_after: Duration,
    },
    /// Too many calls of the organization.
    #[error("clients of the organization make more than {per_minute} calls per minute together")]
    TooManyOfOrganization {
        /// The limit.
        per_minute: u32,
        /// When there is room again.
        retry_after: Duration,
    },
}

impl Denied {
    /// What the caller sees: the row of `spec/ims-protocol.md` 8.3.
    #[must_use]
    pub fn error(&self) -> GatewayError {
        match self {
            Self::NoApiKey => GatewayError::API_KEY_REQUIRED,
            Self::UnknownApiKey
            | Self::Disabled(_)
            | Self::NotSubscribed(_)
            | Self::NothingKnown => GatewayError::API_KEY_INVALID,
            Self::ApiKeyUnavailable(_) => GatewayError::API_KEY_UNAVAILABLE,
            Self::NoToken | Self::NoBearerToken => GatewayError::TOKEN_MISSING,
            Self::InvalidToken(_) => GatewayError::TOKEN_INVALID,
            Self::TokenUnavailable(_) => GatewayError::TOKEN_UNAVAILABLE,
            Self::AnotherClient(_) | Self::ClientNotListed => GatewayError::CLIENT_NOT_ALLOWED,
            Self::WrongConsole(Console::AemDeveloperConsole) => GatewayError::AEM_CONSOLE_TOKEN,
            Self::WrongConsole(Console::DeveloperConsole) => GatewayError::CONSOLE_TOKEN,
            Self::Scopes(_) => GatewayError::SCOPE_MISMATCH,
            Self::MissingHeader(_) => GatewayError::MISSING_HEADER,
            Self::AnotherOrganization(_) => GatewayError::ORGANIZATION_MISMATCH,
            Self::NoProfile(_) => GatewayError::PROFILE_MISSING,
            Self::TooManyOfClient { .. } | Self::TooManyOfOrganization { .. } => {
                GatewayError::TOO_MANY_REQUESTS
            }
        }
    }

    /// How long to wait, where waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyOfClient { retry_after, .. }
            | Self::TooManyOfOrganization { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}
