//! Entities, life cycles and rules of Countersign.
//!
//! Everything here is a plain function of values and `now`: no I/O, no async, no clock, no chance.
//! What may be done on which day is decided here and nowhere else.

#![warn(missing_docs)]

pub mod access;
pub mod alerts;
pub mod assertion;
pub mod audit;
pub mod blocker;
pub mod board;
pub mod brownout;
pub mod certificate;
pub mod conversion;
pub mod credential;
pub mod deprecation;
pub mod evidence;
pub mod exemption;
pub mod habit;
pub mod member;
pub mod migration;
pub mod notice;
pub mod org;
pub mod password;
pub mod product;
pub mod project;
pub mod published;
pub mod review;
pub mod rotation;
pub mod secret;
pub mod signing_key;
pub mod step;
pub mod technical_account;
pub mod token_kind;
pub mod wave;

pub use access::UseCase;
pub use alerts::ProjectAlerts;
pub use audit::AuditEvent;
pub use brownout::Brownout;
pub use certificate::Certificate;
pub use credential::{Credential, Grants, Origin, Owner, State, Subscription};
pub use deprecation::{DeprecationPolicy, PolicyDate, Refusal};
pub use exemption::Exemption;
pub use member::{InstallationRole, Membership, Person, Role, SignInName};
pub use migration::Migration;
pub use org::{Organization, Quarantine, ReplayPolicy, SecretsInQuery};
pub use product::{Catalogue, ProductProfile, Service};
pub use project::{Project, ProjectKind, Workspace};
pub use published::{CheckedService, PublishedError, PublishedService};
pub use secret::{Secret, SecretDigest};
pub use signing_key::{KeyState, SigningKeyRecord};
pub use step::Step;
pub use technical_account::TechnicalAccount;
pub use token_kind::{SigningAlgorithm, TokenKind};
pub use wave::Wave;
