//! From the reason to the problem (RFC 9457). The table has no catch-all arm: a new reason must
//! find its row.

use axum::response::{IntoResponse, Response};
use countersign_authority::{ClientError, ManageError, PublishError, TokenError};
use countersign_model::brownout::BrownoutError;
use countersign_model::project::WorkspaceError;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::kit::access_log::Cause;
use crate::kit::problem::Problem;

/// Why a call was not done (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemSchema {
    /// Names the kind of problem: `urn:countersign:problem:` and its code.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in words.
    title: String,
    /// HTTP status.
    status: u16,
    /// What happened, why, and what to do next.
    detail: String,
}

/// A refusal of the management API.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: &'static str,
    detail: String,
    cause: String,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            status,
            code,
            cause: detail.clone(),
            detail,
        }
    }

    /// Of a call without a usable access token. Which of the reasons it is, is nobody's business.
    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "the call has no access token that works: send `Authorization: Bearer` and a personal access token, which people make in the console and operators with `countersign admin access-tokens create`",
        )
    }

    /// Of a request that cannot be read.
    pub(super) fn request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// Whether it is the server's fault, and may work later.
    pub(super) fn is_of_ours(&self) -> bool {
        self.status.is_server_error()
    }

    /// The same as a part of an answer about many things.
    pub(super) fn into_problem(self) -> ProblemSchema {
        ProblemSchema {
            kind: format!("urn:countersign:problem:{}", self.code),
            title: self
                .status
                .canonical_reason()
                .unwrap_or(self.code)
                .to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        }
    }

    /// Of a path that leads nowhere.
    pub(super) fn nothing_there() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing at this path: an id in it may be mistyped",
        )
    }
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        let (status, code) = row(&error);
        let cause = error.to_string();
        let detail = match status {
            // What the database or the keys say is for the operator's log.
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE => {
                "this cannot be done at the moment: try again later, and tell the operator if it lasts"
                    .to_owned()
            }
            _ => cause.clone(),
        };
        Self {
            status,
            code,
            detail,
            cause,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code, cause) = (self.status, self.code, self.cause.clone());
        let Ok(body) = serde_json::to_string(&self.into_problem()) else {
            return Problem::INTERNAL.into_response();
        };
        let headers = [
            (CONTENT_TYPE, PROBLEM),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut response = (status, headers, body).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response.extensions_mut().insert(Cause {
            code,
            detail: cause,
            client: None,
        });
        response
    }
}

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

fn of_token(error: &TokenError) -> (StatusCode, &'static str) {
    match error {
        TokenError::TooMany { .. } | TokenError::Client(ClientError::Throttled) => {
            (StatusCode::TOO_MANY_REQUESTS, "too_many")
        }
        TokenError::Overloaded(_) | TokenError::Client(ClientError::Unavailable(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
        TokenError::Client(_)
        | TokenError::NoOAuthHalf
        | TokenError::NoScope(_)
        | TokenError::NotGranted { .. }
        | TokenError::TooLong(_)
        | TokenError::NoKey(_) => (StatusCode::CONFLICT, "not_possible_now"),
        TokenError::Sign(_) | TokenError::NoRandomness(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
        }
    }
}

/// The status that a reason has in every face that says it by status.
pub(crate) fn status(error: &ManageError) -> StatusCode {
    row(error).0
}

fn row(error: &ManageError) -> (StatusCode, &'static str) {
    const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
    const CONFLICT: StatusCode = StatusCode::CONFLICT;
    const INVALID: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    const BROKEN: (StatusCode, &str) = (StatusCode::INTERNAL_SERVER_ERROR, "internal_error");
    match error {
        ManageError::NoOrganization
        | ManageError::NoProject
        | ManageError::NoWorkspace
        | ManageError::NoCredential
        | ManageError::NoMember
        | ManageError::UnknownInvitation
        | ManageError::NoInvitation
        | ManageError::NoSession
        | ManageError::NoIdentity
        | ManageError::NoAccessToken
        | ManageError::NoSecret
        | ManageError::NoCertificate
        | ManageError::NoPublishedService
        | ManageError::NoWave
        | ManageError::NoBrownout
        | ManageError::NoSigningKey => (NOT_FOUND, "not_found"),
        ManageError::Forbidden { .. } => (StatusCode::FORBIDDEN, "role_too_low"),
        ManageError::ReadOnly(_) => (StatusCode::FORBIDDEN, "read_only"),
        ManageError::RoleAboveOwn(_) => (StatusCode::FORBIDDEN, "role_above_own"),
        ManageError::WrongPassword | ManageError::WrongCode => {
            (StatusCode::FORBIDDEN, "not_confirmed")
        }
        ManageError::Throttled => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
        ManageError::ProjectInUse(_) | ManageError::Workspace(WorkspaceError::InUse) => {
            (CONFLICT, "in_use")
        }
        ManageError::Workspace(WorkspaceError::OneOnly | WorkspaceError::Limit) => {
            (CONFLICT, "limit_reached")
        }
        ManageError::Workspace(WorkspaceError::Production) => (CONFLICT, "stays"),
        ManageError::LastAdministrator => (CONFLICT, "last_administrator"),
        ManageError::TokenLimit(_)
        | ManageError::SecretLimit(_)
        | ManageError::CertificateLimit(_)
        | ManageError::KeyLimit(_)
        | ManageError::Brownout(BrownoutError::TooMany) => (CONFLICT, "limit_reached"),
        ManageError::WorkspaceTaken
        | ManageError::Taken
        | ManageError::IdentityTaken
        | ManageError::SameCertificate
        | ManageError::Brownout(BrownoutError::OtherPlan)
        | ManageError::Publish(PublishError::Clash(_)) => (CONFLICT, "taken"),
        ManageError::LastSecret
        | ManageError::LastCertificate
        | ManageError::KeyInUse(_)
        | ManageError::SigningKey(_) => (CONFLICT, "confirmation_needed"),
        ManageError::NotSafe(_) => (CONFLICT, "not_safe"),
        ManageError::ConfiguredService(_) => (CONFLICT, "configured"),
        ManageError::OnlyWayIn
        | ManageError::OfferOver
        | ManageError::NoJwtHalf
        | ManageError::NoLiveSecret
        | ManageError::Exchange(_)
        | ManageError::Migration(_)
        | ManageError::Brownout(BrownoutError::NotPaired { .. })
        | ManageError::Refused(_) => (CONFLICT, "not_possible_now"),
        ManageError::Token(error) => of_token(error),
        ManageError::Conflict => (CONFLICT, "changed_meanwhile"),
        ManageError::Stale => (StatusCode::PRECONDITION_FAILED, "changed_meanwhile"),
        ManageError::NoProfile(_)
        | ManageError::NoService(_)
        | ManageError::TokenLife
        | ManageError::Password(_)
        | ManageError::SignInName(_)
        | ManageError::Alerts(_)
        | ManageError::Name(_)
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
        | ManageError::Publish(PublishError::Service(..))
        | ManageError::Certificate(_)
        | ManageError::KeySet(_)
        | ManageError::NoUsableKey
        | ManageError::NotOurToken(_) => (INVALID, "invalid"),
        ManageError::Busy | ManageError::Store(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
        ManageError::LogBroken(_)
        | ManageError::Key(_)
        | ManageError::KeyNotMade
        | ManageError::Keyring(_)
        | ManageError::Seal(_)
        | ManageError::Sign(_)
        | ManageError::Hash
        | ManageError::NoRandomness(_)
        | ManageError::WrongMasterKey { .. } => BROKEN,
    }
}
