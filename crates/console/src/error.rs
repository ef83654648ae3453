//! Pages that say what went wrong: what happened, why, and what to do next.

use axum::response::{IntoResponse, Response};
use countersign_authority::ManageError;
use countersign_server::kit::access_log::Cause;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use crate::page::see_other;
use crate::reader::Said;
use crate::text::sentence;

/// Why there is no page. What belongs to another organization is answered as what does not exist.
#[derive(Debug)]
pub(crate) struct PageError {
    kind: Kind,
    what: String,
    cause: String,
}

/// What kind of trouble it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Not signed in; where to go on after that.
    SignIn(String),
    /// The request cannot be read.
    Request,
    /// The role, or the thing itself, does not allow it.
    Refused,
    /// Not there, or not for this person.
    Nothing,
    /// It cannot be done as things are now.
    Conflict,
    /// What was typed cannot be taken.
    Invalid,
    /// Too many wrong tries.
    TooMany,
    /// Not at the moment.
    Unavailable,
    /// Something is broken.
    Broken,
}

impl PageError {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        let what = what.into();
        Self {
            kind,
            cause: what.clone(),
            what,
        }
    }

    /// Of a path that leads nowhere, or not for this person.
    pub(crate) fn nothing_there() -> Self {
        Self::new(
            Kind::Nothing,
            "There is nothing at this address. It may be mistyped, what was here may be deleted, or it belongs to an organization that you are not a member of.",
        )
    }

    /// Of a page that only people see who are signed in.
    pub(crate) fn sign_in(next: &str) -> Self {
        Self::new(Kind::SignIn(next.to_owned()), "Sign in first.")
    }

    /// Of a request that no page of ours sends.
    pub(crate) fn request(what: &str) -> Self {
        Self::new(Kind::Request, what)
    }

    /// Of something that is not the person's to do.
    pub(crate) fn refused(what: &str) -> Self {
        Self::new(Kind::Refused, what)
    }

    /// Of something that should have worked; `cause` is for the operator's log.
    pub(crate) fn broken(cause: &str) -> Self {
        Self {
            kind: Kind::Broken,
            what: NOT_NOW.to_owned(),
            cause: cause.to_owned(),
        }
    }

    /// Of a form that another site sent, or an old page.
    pub(crate) fn foreign_form() -> Self {
        Self::new(
            Kind::Refused,
            "This form does not come from a page of your session, so nothing was changed. You may have signed out and in again since the page was loaded: open it again, then repeat what you wanted.",
        )
    }

    /// What kind of trouble it is.
    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The sentence for the person.
    pub(crate) fn sentence(&self) -> &str {
        &self.what
    }
}

const NOT_NOW: &str = "This cannot be done at the moment, and nothing was changed. Try again in a minute, and tell the operator of this installation if it lasts.";

impl From<ManageError> for PageError {
    fn from(error: ManageError) -> Self {
        let kind = kind(&error);
        let cause = error.to_string();
        let what = match kind {
            Kind::Nothing => Self::nothing_there().what,
            // What the database or the keys say is for the operator's log.
            Kind::Unavailable | Kind::Broken => NOT_NOW.to_owned(),
            _ => sentence(&cause),
        };
        Self { kind, what, cause }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Kind::SignIn(next) = &self.kind {
            let next =
                percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
            return see_other(&format!("/console/sign-in?next={next}"));
        }
        let (status, code, title) = self.kind.row();
        let mut response = status.into_response();
        if matches!(self.kind, Kind::TooMany | Kind::Unavailable) {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("60"));
        }
        // Written where it is known who reads it.
        response.extensions_mut().insert(Said {
            title,
            what: self.what,
        });
        response.extensions_mut().insert(Cause {
            code,
            detail: self.cause,
            client: None,
        });
        response
    }
}

impl Kind {
    /// Status, word for the log, title.
    fn row(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::SignIn(_) => (StatusCode::SEE_OTHER, "not_signed_in", "Sign in"),
            Self::Request => (
                StatusCode::BAD_REQUEST,
                "bad_request",
                "This request cannot be read",
            ),
            Self::Refused => (StatusCode::FORBIDDEN, "not_allowed", "This is not allowed"),
            Self::Nothing => (StatusCode::NOT_FOUND, "not_found", "There is nothing here"),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "not_possible_now",
                "This is not possible now",
            ),
            Self::Invalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "This cannot be taken",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many",
                "Too many attempts",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                "Not available at the moment",
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "Something is broken",
            ),
        }
    }
}

/// What kind of trouble an error is. No catch-all arm: a new reason must find its row.
fn kind(error: &ManageError) -> Kind {
    match error {
        ManageError::NoOrganization
        | ManageError::NoProject
        | ManageError::NoWorkspace
        | ManageError::NoCredential
        | ManageError::NoMember
        | ManageError::UnknownInvitation
        | ManageError::NoSession
        | ManageError::NoIdentity
        | ManageError::NoAccessToken
        | ManageError::NoSecret
        | ManageError::NoCertificate
        | ManageError::NoPublishedService
        | ManageError::NoWave
        | ManageError::NoBrownout
        | ManageError::NoSigningKey => Kind::Nothing,
        ManageError::Forbidden { .. }
        | ManageError::ReadOnly(_)
        | ManageError::RoleAboveOwn(_)
        | ManageError::ConfiguredService(_) => Kind::Refused,
        ManageError::Throttled => Kind::TooMany,
        ManageError::ProjectInUse(_)
        | ManageError::LastAdministrator
        | ManageError::TokenLimit(_)
        | ManageError::SecretLimit(_)
        | ManageError::CertificateLimit(_)
        | ManageError::KeyLimit(_)
        | ManageError::WorkspaceTaken
        | ManageError::Workspace(_)
        | ManageError::Taken
        | ManageError::SameCertificate
        | ManageError::LastSecret
        | ManageError::LastCertificate
        | ManageError::KeyInUse(_)
        | ManageError::SigningKey(_)
        | ManageError::NoJwtHalf
        | ManageError::NoLiveSecret
        | ManageError::Token(_)
        | ManageError::Exchange(_)
        | ManageError::Migration(_)
        | ManageError::NotSafe(_)
        | ManageError::Refused(_)
        | ManageError::Conflict
        | ManageError::IdentityTaken
        | ManageError::OnlyWayIn
        | ManageError::OfferOver
        | ManageError::NoInvitation
        | ManageError::Stale => Kind::Conflict,
        ManageError::NoProfile(_)
        | ManageError::NoService(_)
        | ManageError::TokenLife
        | ManageError::Password(_)
        | ManageError::SignInName(_)
        | ManageError::Alerts(_)
        | ManageError::Name(_)
        | ManageError::WrongPassword
        | ManageError::WrongCode
        | ManageError::KeyOfAnotherOrganization
        | ManageError::KnownTestKey
        | ManageError::PrivateKey(_)
        | ManageError::ForeignKey
        | ManageError::ExpiredCertificate(_)
        | ManageError::CertificateNeeded
        | ManageError::ExpiryInThePast(_)
        | ManageError::Policy(_)
        | ManageError::Exemption(_)
        | ManageError::Wave(_)
        | ManageError::Brownout(_)
        | ManageError::OtherProject
        | ManageError::NoReason
        | ManageError::Publish(_)
        | ManageError::Certificate(_)
        | ManageError::KeySet(_)
        | ManageError::NoUsableKey
        | ManageError::NotOurToken(_) => Kind::Invalid,
        ManageError::Busy | ManageError::Store(_) => Kind::Unavailable,
        ManageError::LogBroken(_)
        | ManageError::Key(_)
        | ManageError::KeyNotMade
        | ManageError::Keyring(_)
        | ManageError::Seal(_)
        | ManageError::Sign(_)
        | ManageError::Hash
        | ManageError::NoRandomness(_)
        | ManageError::WrongMasterKey { .. } => Kind::Broken,
    }
}
