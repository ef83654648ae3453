//! Why a management use case did not do what it was asked. Sentences for people: what happened,
//! why, what to do next.

use countersign_jose::{CertificateError, JwksError, KeyError, SignError};
use countersign_model::alerts::AlertsError;
use countersign_model::brownout::BrownoutError;
use countersign_model::deprecation::PolicyError;
use countersign_model::exemption::ExemptionError;
use countersign_model::member::{ReadOnly, SignInNameError};
use countersign_model::migration::MigrationError;
use countersign_model::password::PasswordError;
use countersign_model::project::{NameError, WorkspaceError};
use countersign_model::review::Verdict;
use countersign_model::wave::WaveError;
use countersign_model::{Refusal, Role, UseCase, signing_key};
use countersign_store::{self as store, Retryable};
use countersign_wire::{PublishedName, ServiceCode, Timestamp};

use crate::clock::NoRandomness;
use crate::exchange::ExchangeError;
use crate::gate::PublishError;
use crate::keyring::KeyringError;
use crate::master_key::SealError;
use crate::token::TokenError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// No such organization.
    #[error("there is no such organization")]
    NoOrganization,
    /// No such project.
    #[error("there is no such project")]
    NoProject,
    /// It holds something.
    #[error("the project still has {0} credentials: delete them first, then the project")]
    ProjectInUse(usize),
    /// No such workspace.
    #[error("the project has no such workspace")]
    NoWorkspace,
    /// No such credential.
    #[error("there is no such credential")]
    NoCredential,
    /// No such member.
    #[error("the organization has no such member")]
    NoMember,
    /// No such invitation.
    #[error(
        "this invitation does not work: it was used, withdrawn or replaced, or it is too old; ask for another one"
    )]
    NoInvitation,
    /// No such invitation of an organization.
    #[error("the organization has no such invitation")]
    UnknownInvitation,
    /// No such session.
    #[error("there is no such session: it has ended")]
    NoSession,
    /// No such identity.
    #[error("there is no such identity: it is linked to your account no more")]
    NoIdentity,
    /// Somebody's already.
    #[error("this is linked to an account here already: sign in with it, or unlink it there first")]
    IdentityTaken,
    /// Nobody could sign in any more.
    #[error("this is your only way to sign in: set a password first, then unlink it")]
    OnlyWayIn,
    /// Shown too long ago, or for something else.
    #[error("this took longer than ten minutes: begin again")]
    OfferOver,
    /// No such access token.
    #[error("there is no such access token")]
    NoAccessToken,
    /// The role does not allow it.
    #[error(
        "you may not {}: that takes the role {}{}", .case.words(), .case.least().title(), yours(*.role)
    )]
    Forbidden {
        /// What was asked for.
        case: UseCase,
        /// What the actor is, in an organization.
        role: Option<Role>,
    },
    /// The role would allow it, the thing does not.
    #[error(transparent)]
    ReadOnly(#[from] ReadOnly),
    /// Nobody could administer the organization any more.
    #[error("this is the organization's last System Administrator: make somebody else one first")]
    LastAdministrator,
    /// More than the own role.
    #[error("an access token can have at most your own role, {}", .0.title())]
    RoleAboveOwn(Role),
    /// A time that is not allowed.
    #[error("an access token lives at least a minute and at most a year from now")]
    TokenLife,
    /// Too many of them.
    #[error("you have {0} access tokens already: delete one that nothing uses any more")]
    TokenLimit(usize),
    /// A password that is not taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A name that is none.
    #[error(transparent)]
    SignInName(#[from] SignInNameError),
    /// Not the password of the person.
    #[error("this is not your password")]
    WrongPassword,
    /// Not the code that the device shows.
    #[error(
        "this is not the code that your device shows now, or it was used already: wait for the next one"
    )]
    WrongCode,
    /// Too many wrong passwords or codes.
    #[error("too many wrong passwords or codes: wait five minutes, then try again")]
    Throttled,
    /// Too many at once.
    #[error("too many people sign in at the moment: try again in a few seconds")]
    Busy,
    /// No such secret.
    #[error("the credential has no such secret")]
    NoSecret,
    /// No such certificate.
    #[error("the credential has no such certificate")]
    NoCertificate,
    /// No such product profile.
    #[error("the organization has no product profile `{0}` of that service")]
    NoProfile(String),
    /// Not in the catalogue.
    #[error("the catalogue has no service `{0}`")]
    NoService(ServiceCode),
    /// A second server-to-server credential in one workspace.
    #[error(
        "the workspace already has a server-to-server credential, and can have one: use another project, or add the services to that credential"
    )]
    WorkspaceTaken,
    /// One workspace too many, or one that stays.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Addresses that are not taken.
    #[error(transparent)]
    Alerts(#[from] AlertsError),
    /// Something of that name or id is there already.
    #[error("this name or id is taken, now or by something deleted: choose another one")]
    Taken,
    /// A name that cannot be.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Too many secrets.
    #[error(
        "secret limit reached: this credential already has {0}; delete one of them, then add a new one"
    )]
    SecretLimit(usize),
    /// The last secret that works.
    #[error(
        "this is the credential's last live secret: without it no token can be requested; add another one first, or confirm that you want this"
    )]
    LastSecret,
    /// No secret that works.
    #[error("this credential has no client secret that works: add one first")]
    NoLiveSecret,
    /// Not a private key.
    #[error("the private key cannot be used: {0}; paste the whole file, an RSA key in PEM")]
    PrivateKey(KeyError),
    /// The key of no certificate of the credential.
    #[error(
        "this private key belongs to none of the credential's valid certificates: paste the key of one of them, or add its certificate first"
    )]
    ForeignKey,
    /// No token could be made.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No token could be made of an assertion.
    #[error(transparent)]
    Exchange(#[from] Box<ExchangeError>),
    /// Too many certificates.
    #[error(
        "certificate limit reached: this credential already has {0}; delete one of them, then add a new one"
    )]
    CertificateLimit(usize),
    /// The last certificate that works.
    #[error(
        "this is the credential's last valid certificate: without it no assertion can be exchanged; add another one first, or confirm that you want this"
    )]
    LastCertificate,
    /// The certificate is there already.
    #[error("the credential already has this certificate")]
    SameCertificate,
    /// Another organization uses this key.
    #[error(
        "the public key of this certificate is in use by another organization: make a key pair of your own"
    )]
    KeyOfAnotherOrganization,
    /// A key that everybody knows.
    #[error(
        "the private key is public knowledge (it is a published test key): make a key pair of your own"
    )]
    KnownTestKey,
    /// Over already.
    #[error("the certificate expired on {0}: upload one that is valid")]
    ExpiredCertificate(Timestamp),
    /// No certificate at all.
    #[error(
        "a Service Account (JWT) credential needs a certificate: give one, or have a key pair generated"
    )]
    CertificateNeeded,
    /// Certificates are for the JWT half.
    #[error("this credential has no JWT half, and certificates belong to it")]
    NoJwtHalf,
    /// A date in the past.
    #[error("the expiry {0} is not in the future")]
    ExpiryInThePast(Timestamp),
    /// A policy's date has come.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Dates out of order.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// An exemption that cannot be given.
    #[error(transparent)]
    Exemption(#[from] ExemptionError),
    /// A brown-out that cannot be planned.
    #[error(transparent)]
    Brownout(#[from] BrownoutError),
    /// No such brown-out.
    #[error("there is no such brown-out: its link may be mistyped, or it was over a year ago")]
    NoBrownout,
    /// A service that cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// No such service.
    #[error(
        "there is no published service of that name: `admin published-services list` shows all"
    )]
    NoPublishedService,
    /// A service that is not the store's.
    #[error(
        "published service `{0}` stands in the configuration file: change it there, and restart"
    )]
    ConfiguredService(PublishedName),
    /// Somebody may still use the JWT half.
    #[error(
        "the review does not call it safe: {0}. To go on all the same, give the name of the project and a reason, which is written into the activity log"
    )]
    NotSafe(Verdict),
    /// The project's name is another one.
    #[error("this is not the name of the credential's project: look whether you mean this one")]
    OtherProject,
    /// Nobody says why.
    #[error(
        "a reason has 1 to 1000 characters, none of them a control character: say why, for those who read the activity log"
    )]
    NoReason,
    /// No such wave.
    #[error("the organization has no such wave: it may have been deleted")]
    NoWave,
    /// A wave that cannot be.
    #[error(transparent)]
    Wave(#[from] WaveError),
    /// A step of the migration that cannot be taken.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The certificate is not usable.
    #[error("the certificate is not usable: {0}")]
    Certificate(#[from] CertificateError),
    /// The key set is not usable.
    #[error("the key set is not usable: {0}")]
    KeySet(#[from] JwksError),
    /// None of its keys is usable.
    #[error(
        "no key of the set is usable: give RSA keys of 2048 to 8192 bits, P-256 or Ed25519 keys, for signatures"
    )]
    NoUsableKey,
    /// Too many keys.
    #[error("a credential has at most {0} registered keys: leave out those that nobody uses")]
    KeyLimit(usize),
    /// The key is not usable.
    #[error("the key is not usable: {0}")]
    Key(#[from] KeyError),
    /// No such signing key.
    #[error("there is no such signing key")]
    NoSigningKey,
    /// A key whose tokens may be alive.
    #[error(
        "{}: without it they all fail; if somebody else may have the key, confirm that you want this",
        match .0 {
            Some(until) => format!("tokens that the key signed can be alive until {until}"),
            None => "the key signs tokens, or will soon".to_owned(),
        }
    )]
    KeyInUse(Option<Timestamp>),
    /// The thread that made it ended.
    #[error("no signing key could be made: the program is stopping, or it failed")]
    KeyNotMade,
    /// A token that cannot be ended.
    #[error("there is nothing to end: {0}")]
    NotOurToken(String),
    /// A signing key does not move on.
    #[error(transparent)]
    SigningKey(#[from] signing_key::KeyError),
    /// The signing keys cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A key could not be written out.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The slow hash of an imported secret failed.
    #[error("the imported secret could not be hashed")]
    Hash,
    /// No chance to be had.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The activity log does not hold.
    #[error(
        "the activity log was changed by hand: {0}. Keep the database as it is, and compare it with your backups"
    )]
    LogBroken(String),
    /// Not the version that the change was made from.
    #[error("somebody else changed this in the meantime: load it again, then repeat the change")]
    Stale,
    /// Somebody else changed it at the same time, again and again.
    #[error("somebody else changed this at the same time: try again")]
    Conflict,
    /// The master key is another one.
    #[error(
        "this database belongs to another master key (`{expected}`, not `{found}`): restore the key file it was made with"
    )]
    WrongMasterKey {
        /// Which one it belongs to.
        expected: String,
        /// Which one was given.
        found: String,
    },
    /// The database.
    #[error("{0}")]
    Store(store::Error),
}

impl From<ExchangeError> for ManageError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Token(error) => Self::Token(error),
            other => Self::Exchange(Box::new(other)),
        }
    }
}

fn yours(role: Option<Role>) -> String {
    match role {
        Some(role) => format!(
            ", and yours is {}; ask a System Administrator of the organization",
            role.title()
        ),
        None => String::new(),
    }
}

impl From<store::Error> for ManageError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict => Self::Conflict,
            store::Error::Duplicate => Self::Taken,
            other => Self::Store(other),
        }
    }
}

impl Retryable for ManageError {
    /// A lost race is worth another look: the rules are applied to the new state.
    fn is_retryable(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}
