//! Whose fault it is when a use case says no, and what helps.

use countersign_authority::{ManageError, MasterKeyError};
use countersign_model::Refusal;
use countersign_store as store;

use crate::config::ConfigError;
use crate::outcome::{Exit, Failure};

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        let (exit, hint) = (exit(&error), hint(&error));
        let failure = match error {
            ManageError::Store(error) => Self::from(error),
            other => Self {
                exit,
                ..Self::broken(other.to_string())
            },
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The whole table, without a catch-all: a new error must find its place.
fn exit(error: &ManageError) -> Exit {
    match error {
        ManageError::NoOrganization
        | ManageError::NoProject
        | ManageError::NoWorkspace
        | ManageError::NoCredential
        | ManageError::NoSecret
        | ManageError::NoCertificate
        | ManageError::NoProfile(_)
        | ManageError::NoService(_)
        | ManageError::WorkspaceTaken
        | ManageError::Workspace(_)
        | ManageError::Alerts(_)
        | ManageError::Taken
        | ManageError::Name(_)
        | ManageError::SecretLimit(_)
        | ManageError::LastSecret
        | ManageError::CertificateLimit(_)
        | ManageError::LastCertificate
        | ManageError::SameCertificate
        | ManageError::KeyOfAnotherOrganization
        | ManageError::KnownTestKey
        | ManageError::KeySet(_)
        | ManageError::NoUsableKey
        | ManageError::KeyLimit(_)
        | ManageError::ExpiredCertificate(_)
        | ManageError::CertificateNeeded
        | ManageError::NoJwtHalf
        | ManageError::NoLiveSecret
        | ManageError::PrivateKey(_)
        | ManageError::ForeignKey
        | ManageError::Token(_)
        | ManageError::Exchange(_)
        | ManageError::ExpiryInThePast(_)
        | ManageError::Refused(_)
        | ManageError::Policy(_)
        | ManageError::Exemption(_)
        | ManageError::Wave(_)
        | ManageError::Brownout(_)
        | ManageError::NoBrownout
        | ManageError::Publish(_)
        | ManageError::NoPublishedService
        | ManageError::NoWave
        | ManageError::ConfiguredService(_)
        | ManageError::Migration(_)
        | ManageError::NotSafe(_)
        | ManageError::OtherProject
        | ManageError::NoReason
        | ManageError::Certificate(_)
        | ManageError::NoSigningKey
        | ManageError::KeyInUse(_)
        | ManageError::NotOurToken(_)
        | ManageError::SigningKey(_)
        | ManageError::ProjectInUse(_)
        | ManageError::NoMember
        | ManageError::NoInvitation
        | ManageError::UnknownInvitation
        | ManageError::NoSession
        | ManageError::NoIdentity
        | ManageError::IdentityTaken
        | ManageError::OnlyWayIn
        | ManageError::OfferOver
        | ManageError::NoAccessToken
        | ManageError::Forbidden { .. }
        | ManageError::ReadOnly(_)
        | ManageError::LastAdministrator
        | ManageError::RoleAboveOwn(_)
        | ManageError::TokenLife
        | ManageError::TokenLimit(_)
        | ManageError::Password(_)
        | ManageError::SignInName(_)
        | ManageError::WrongPassword
        | ManageError::WrongCode
        | ManageError::Throttled
        | ManageError::Stale
        | ManageError::Conflict => Exit::Refused,
        ManageError::Key(_)
        | ManageError::Keyring(_)
        | ManageError::Seal(_)
        | ManageError::Sign(_)
        | ManageError::KeyNotMade
        | ManageError::Busy
        | ManageError::LogBroken(_)
        | ManageError::Hash
        | ManageError::NoRandomness(_)
        | ManageError::WrongMasterKey { .. }
        | ManageError::Store(_) => Exit::Broken,
    }
}

/// What to do next, where the sentence does not say so itself.
fn hint(error: &ManageError) -> Option<&'static str> {
    match error {
        ManageError::Refused(Refusal::NoNew { .. }) => Some(
            "`--type oauth-server-to-server` makes a credential that no date ends; `admin policy show` shows the dates",
        ),
        ManageError::Refused(_) => Some(
            "`admin credentials add-oauth-half` starts the move, without an outage; `admin policy show` shows the dates",
        ),
        ManageError::NotSafe(_) => Some("`--force PROJECT --reason TEXT` goes on all the same"),
        ManageError::NoOrganization => Some("`admin organizations list` shows all"),
        ManageError::NoProject => Some("`admin projects list` shows all"),
        ManageError::NoCredential => Some("`admin credentials list` shows all"),
        ManageError::NoSecret => Some("`admin secrets list` shows all"),
        ManageError::NoCertificate => Some("`admin certificates list` shows all"),
        ManageError::NoProfile(_) => Some("`admin profiles list` shows all"),
        ManageError::NoService(_) => Some("`admin services list` shows all"),
        ManageError::NoSigningKey => Some("`admin keys list` shows all"),
        ManageError::NoMember => Some("`admin members list` shows all"),
        ManageError::NoAccessToken => Some("`admin access-tokens list` shows all"),
        ManageError::LastSecret | ManageError::LastCertificate | ManageError::KeyInUse(_) => {
            Some("`--force` confirms it")
        }
        ManageError::CertificateNeeded => Some("add `--certificate FILE`, or `--generate-key`"),
        ManageError::SecretLimit(_) => Some("`admin secrets list` shows when each was last used"),
        ManageError::WrongMasterKey { .. } => Some(
            "`master_key_file` or `COUNTERSIGN_MASTER_KEY` says which key is used; `--data` which database",
        ),
        _ => None,
    }
}

/// With what the driver said: it holds names and codes, no values, and the operator needs it.
impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let message = error.to_string();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        Self::broken(match cause {
            Some(cause) if !message.contains(&cause) => format!("{message} ({cause})"),
            _ => message,
        })
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::broken(error.to_string())
    }
}

impl From<MasterKeyError> for Failure {
    fn from(error: MasterKeyError) -> Self {
        Self::broken(error.to_string())
    }
}
