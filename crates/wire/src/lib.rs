//! Names and shapes that cross the network.
//!
//! Shared by the server, the client library and the tools. Nothing here does I/O, reads a clock or
//! touches cryptography: a value of one of these types is proof that text from outside was well
//! formed, and nothing more.

#![warn(missing_docs)]

pub mod access_token;
pub mod calendar;
pub mod caller;
pub mod claims;
pub mod credential_file;
pub mod error;
pub mod exchange;
pub mod form;
pub mod gateway;
pub mod id;
pub mod management;
pub mod oauth;
pub mod path;
pub mod project_json;
pub mod scope;
pub mod secret;
pub mod service_credentials;
mod text;
pub mod time;
pub mod token;

pub use access_token::PersonalAccessToken;
pub use caller::{Agent, Caller, Consumer, Network};
pub use error::ImsError;
pub use gateway::GatewayError;
pub use id::{
    AccessTokenId, BrownoutId, CertificateId, ClientId, CredentialId, IdentityId, InvitationId,
    KeyId, KeyThumbprint, NumericOrgId, OrgId, PersonId, ProfileId, ProjectId, PublishedName,
    SecretId, ServiceCode, SessionId, TechnicalAccountEmail, TechnicalAccountId, TokenId, WaveName,
    WorkspaceId,
};
pub use path::{CanonicalPath, PathError, Prefix};
pub use scope::{Metascope, Scope, ScopeSet};
pub use secret::{ClientSecret, Opaque};
pub use time::Timestamp;
