//! Who asks, with what, and for what: put together from flags, files and the environment.

mod document;
mod environment;
mod error;

use std::path::Path;

use countersign_jose::{Algorithm, SigningKey};
use countersign_wire::credential_file::GrantName;
use countersign_wire::{
    ClientId, ClientSecret, Metascope, Opaque, OrgId, Scope, ScopeSet, TechnicalAccountId,
};

pub use self::document::Choice;
pub use self::environment::{NAMES as ENVIRONMENT, PREFIX as ENVIRONMENT_PREFIX};
pub use self::error::{CredentialsError, JsonFault};
use crate::jwt::{DEFAULT_LIFE, Jti, Signer};
use crate::oauth::ClientCredentials;
use crate::origin::Origin;

/// Everything one client needs to get tokens.
#[derive(Debug)]
pub struct Credential {
    /// Who asks, and for what.
    pub client: Client,
    /// What proves it.
    pub secret: ClientSecret,
}

/// Who asks, and for what; without the client secret.
#[derive(Debug)]
pub struct Client {
    /// Who is asked.
    pub ims: Origin,
    /// Who asks.
    pub client_id: ClientId,
    /// How, and for what.
    pub grant: Grant,
}

/// How a client gets its tokens.
#[derive(Debug)]
pub enum Grant {
    /// OAuth Server-to-Server.
    ClientCredentials(ClientCredentials),
    /// Service Account (JWT).
    Jwt(Box<Signer>),
}

/// A credential in the making: each source gives what it has, [`or`](Self::or) puts them together,
/// [`credential`](Self::credential) tells what is still missing.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Who is asked; Adobe's production where nobody says.
    pub ims: Option<Origin>,
    /// How; where nobody says, the exchange when there is a key and no scope.
    pub grant: Option<GrantName>,
    /// Who asks.
    pub client_id: Option<ClientId>,
    /// What proves it.
    pub client_secret: Option<ClientSecret>,
    /// What the client-credentials grant asks for.
    pub scopes: Option<ScopeSet>,
    /// What the exchange asks for.
    pub metascopes: Option<Vec<Metascope>>,
    /// The organization.
    pub org_id: Option<OrgId>,
    /// The technical account.
    pub technical_account_id: Option<TechnicalAccountId>,
    /// The private key, in PEM.
    pub private_key: Option<Opaque>,
    /// The certificate of the key, in PEM; for diagnosis only.
    pub certificate: Option<String>,
    /// What assertions name as their audience, where it is not the origin that is called.
    pub audience_origin: Option<Origin>,
}

impl Draft {
    /// What `self` has, and what it lacks from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            ims: self.ims.or(other.ims),
            grant: self.grant.or(other.grant),
            client_id: self.client_id.or(other.client_id),
            client_secret: self.client_secret.or(other.client_secret),
            scopes: self.scopes.or(other.scopes),
            metascopes: self.metascopes.or(other.metascopes),
            org_id: self.org_id.or(other.org_id),
            technical_account_id: self.technical_account_id.or(other.technical_account_id),
            private_key: self.private_key.or(other.private_key),
            certificate: self.certificate.or(other.certificate),
            audience_origin: self.audience_origin.or(other.audience_origin),
        }
    }

    /// Reads our own credential file, AEM service credentials or a downloaded project.
    ///
    /// `folder` is where the document lies; key files are named relative to it.
    ///
    /// # Errors
    /// [`CredentialsError`]
    pub fn from_json(
        text: &str,
        folder: &Path,
        choice: Choice<'_>,
    ) -> Result<Self, CredentialsError> {
        document::read(text, folder, choice)
    }

    /// Reads the variables of [`ENVIRONMENT`], each with the prefix `COUNTERSIGN_`.
    ///
    /// # Errors
    /// [`CredentialsError::Value`] with the name of the variable, [`CredentialsError::File`].
    pub fn from_environment(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsError> {
        environment::read(lookup)
    }

    /// Who is asked.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.ims.clone().unwrap_or_else(Origin::adobe_production)
    }

    /// How tokens are asked for.
    #[must_use]
    pub fn grant_name(&self) -> GrantName {
        self.grant.unwrap_or({
            if self.scopes.is_none() && (self.private_key.is_some() || self.metascopes.is_some()) {
                GrantName::Jwt
            } else {
                GrantName::ClientCredentials
            }
        })
    }

    /// The names of what is missing for the grant, the secret last.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let grant = match self.grant_name() {
            GrantName::ClientCredentials => vec![("scopes", self.scopes.is_some())],
            GrantName::Jwt => vec![
                ("org_id", self.org_id.is_some()),
                ("technical_account_id", self.technical_account_id.is_some()),
                ("metascopes", self.metascopes.is_some()),
                ("private_key", self.private_key.is_some()),
            ],
        };
        [("client_id", self.client_id.is_some())]
            .into_iter()
            .chain(grant)
            .chain([("client_secret", self.client_secret.is_some())])
            .filter_map(|(name, present)| (!present).then_some(name))
            .collect()
    }

    /// The credential.
    ///
    /// # Errors
    /// [`CredentialsError::Missing`] names everything that is missing, at once; a key that cannot
    /// be used.
    pub fn credential(&self) -> Result<Credential, CredentialsError> {
        match &self.client_secret {
            Some(secret) if self.missing().is_empty() => Ok(Credential {
                client: self.client()?,
                secret: secret.clone(),
            }),
            _ => Err(CredentialsError::Missing(self.missing())),
        }
    }

    /// The credential as far as it is no secret to the server: enough to sign an assertion.
    ///
    /// # Errors
    /// As [`credential`](Self::credential), without regard to the client secret.
    pub fn client(&self) -> Result<Client, CredentialsError> {
        let ims = self.origin();
        let missing = || {
            let mut names = self.missing();
            names.retain(|name| *name != "client_secret");
            CredentialsError::Missing(names)
        };
        let client_id = self.client_id.clone().ok_or_else(missing)?;
        let grant = match self.grant_name() {
            GrantName::ClientCredentials => Grant::ClientCredentials(ClientCredentials {
                scopes: self.scopes.clone().ok_or_else(missing)?,
                org_id: self.org_id.clone(),
            }),
            GrantName::Jwt => Grant::Jwt(Box::new(Signer {
                org_id: self.org_id.clone().ok_or_else(missing)?,
                technical_account_id: self.technical_account_id.clone().ok_or_else(missing)?,
                metascopes: self.metascopes.clone().ok_or_else(missing)?,
                audience_origin: self.audience_origin.clone().unwrap_or_else(|| ims.clone()),
                life: DEFAULT_LIFE,
                jti: Jti::default(),
                key: signing_key(self.private_key.as_ref().ok_or_else(missing)?)?,
            })),
        };
        Ok(Client {
            ims,
            client_id,
            grant,
        })
    }
}

/// Reads a private key that can sign assertions.
///
/// # Errors
/// [`CredentialsError::Key`], [`CredentialsError::KeyKind`].
pub fn signing_key(pem: &Opaque) -> Result<SigningKey, CredentialsError> {
    let key = SigningKey::from_pem(pem.expose())?;
    if key.algorithm() == Algorithm::Rs256 {
        Ok(key)
    } else {
        Err(CredentialsError::KeyKind)
    }
}

/// Reads a file with a private key or a certificate.
///
/// # Errors
/// [`CredentialsError::File`]; what the file holds is not looked at.
pub fn read_text(path: &Path) -> Result<String, CredentialsError> {
    std::fs::read_to_string(path).map_err(|error| CredentialsError::File {
        path: path.to_owned(),
        why: error.kind(),
    })
}

/// Reads metascopes separated by commas or blanks.
///
/// # Errors
/// [`CredentialsError::Value`] under `name`.
pub fn metascopes(name: &'static str, text: &str) -> Result<Vec<Metascope>, CredentialsError> {
    let set = ScopeSet::parse(text).map_err(|error| CredentialsError::value(name, error))?;
    set.iter()
        .map(|one| {
            Metascope::parse(one.as_str()).map_err(|error| CredentialsError::value(name, error))
        })
        .collect()
}

/// A list from a document, where an empty one means that it says nothing.
fn some_scopes(scopes: Vec<Scope>) -> Option<ScopeSet> {
    (!scopes.is_empty()).then(|| scopes.into_iter().collect())
}

fn some_metascopes(metascopes: Vec<Metascope>) -> Option<Vec<Metascope>> {
    (!metascopes.is_empty()).then_some(metascopes)
}
