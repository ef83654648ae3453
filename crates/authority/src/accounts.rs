//! Programs at the Console APIs: they show a personal access token, or an access token of a
//! credential whose scopes are for it. Source: `spec/ims-protocol.md` 6.8, 8.2; security.md ORG-04.

use countersign_model::UseCase;
use countersign_wire::management::CLI_API_KEY;
use countersign_wire::{ClientId, CredentialId, OrgId, PersonalAccessToken, ScopeSet};

use crate::Authority;
use crate::actor::Actor;
use crate::client_auth::ClientError;
use crate::error::ManageError;
use crate::validate::InvalidToken;

/// A technical account that manages, with what its token is for.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Where.
    pub(crate) org_id: OrgId,
    /// The credential that the token was minted for.
    pub(crate) credential_id: CredentialId,
    /// The same, as the client calls itself.
    pub(crate) client_id: ClientId,
    /// What the token is for.
    pub(crate) scope: ScopeSet,
}

/// Lets a token look around in its organization.
const LOOK: &str = "adobeio_api";
const READ_SECRETS: &str = "read_client_secret";
const MANAGE_SECRETS: &str = "manage_client_secrets";

impl Account {
    /// Our choice, for nothing is published: a token of a credential looks around, and manages the
    /// secrets of its own credential. To make and delete things takes a person's token.
    pub(crate) fn may(&self, case: UseCase) -> bool {
        let any_of: &[&str] = match case {
            UseCase::ReadProjects | UseCase::ReadProfiles => &[LOOK],
            // Who manages secrets must find the credential that they are of.
            UseCase::ReadOrganization | UseCase::ReadCredentials => {
                &[LOOK, READ_SECRETS, MANAGE_SECRETS]
            }
            UseCase::ReadSecrets | UseCase::ReadUsage => &[READ_SECRETS],
            UseCase::ChangeSecrets => &[MANAGE_SECRETS],
            _ => &[],
        };
        let mut scopes = self.scope.iter();
        scopes.any(|scope| any_of.contains(&scope.as_str()))
    }
}

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The key is of no credential that works.
    #[error("the API key is of no credential that works")]
    UnknownKey,
    /// It cannot be told whose the key is.
    #[error("it cannot be told whose the API key is: {0}")]
    KeyUnavailable(String),
    /// The token does not hold.
    #[error("{0}")]
    Token(InvalidToken),
    /// The token's client is another one.
    #[error("the token is of another client than the API key")]
    OtherClient,
    /// The personal access token cannot be looked up.
    #[error(transparent)]
    Manage(ManageError),
}

impl Authority {
    /// Who calls a Console API with an API key and a bearer token. The key is that of a credential
    /// or the one of Adobe's command line; a token of a credential comes with either its own or
    /// the command line's.
    ///
    /// # Errors
    /// [`CallerError`], the first that applies in the order of `spec/ims-protocol.md` 8.2.
    pub async fn console_caller(&self, key: &ClientId, token: &str) -> Result<Actor, CallerError> {
        let is_cli = key.as_str() == CLI_API_KEY;
        if !is_cli {
            self.check_key(key).await?;
        }
        if PersonalAccessToken::parse(token).is_some() {
            return self.access_token_actor(token).await.map_err(refused);
        }
        let valid = self.validate(token).await.map_err(CallerError::Token)?;
        let credential = &valid.client.credential;
        if !is_cli && credential.client_id != *key {
            return Err(CallerError::OtherClient);
        }
        Ok(Actor::account(Account {
            org_id: credential.org_id.clone(),
            credential_id: credential.id.clone(),
            client_id: credential.client_id.clone(),
            scope: valid.claims.scope.clone(),
        }))
    }

    async fn check_key(&self, key: &ClientId) -> Result<(), CallerError> {
        let client = self.known_client(key).await.map_err(|error| match error {
            ClientError::Unavailable(why) => CallerError::KeyUnavailable(why),
            _ => CallerError::UnknownKey,
        })?;
        match client.disabled() {
            None => Ok(()),
            Some(_) => Err(CallerError::UnknownKey),
        }
    }
}

fn refused(error: ManageError) -> CallerError {
    match error {
        ManageError::NoAccessToken => CallerError::Token(InvalidToken::Revoked(
            "the personal access token is unknown, deleted, expired, or its owner may not act",
        )),
        other => CallerError::Manage(other),
    }
}
